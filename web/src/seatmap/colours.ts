/** The canvas's colours: the design's custom properties, as they are now. */

export interface Colours {
  readonly categories: readonly string[];
  readonly ground: string;
  readonly line: string;
  readonly text: string;
  readonly soft: string;
  readonly accent: string;
  readonly taken: string;
}

/** How many categories have a colour of their own; further ones begin again. */
export const COLOURED = 8;

/** Read the colours of an element. light-dark() is resolved by painting with it, so by a probe's computed colour. */
export function coloursOf(element: HTMLElement): Colours {
  const probe = document.createElement("span");
  element.append(probe);
  const read = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = {
    categories: Array.from({ length: COLOURED }, (_, index) => read(`--category-${index}`)),
    ground: read("--surface"),
    line: read("--line"),
    text: read("--text"),
    soft: read("--text-soft"),
    accent: read("--accent"),
    taken: read("--line-strong"),
  };
  probe.remove();
  return colours;
}
