/** The canvas's colours and font: the page's tokens as they are now, or the system's where colours are forced. */

import { COLOURS } from "./marks";

export interface Palette {
  readonly categories: readonly string[];
  readonly onCategory: string;
  readonly ground: string;
  readonly taken: string;
  readonly takenFill: string;
  readonly text: string;
  readonly soft: string;
  readonly line: string;
  readonly shape: string;
  readonly chosen: string;
  readonly onChosen: string;
  readonly mine: string;
  readonly focus: string;
  readonly font: string;
}

const FORCED: Palette = {
  categories: ["ButtonText"],
  onCategory: "ButtonFace",
  ground: "Canvas",
  taken: "GrayText",
  takenFill: "Canvas",
  text: "CanvasText",
  soft: "CanvasText",
  line: "CanvasText",
  shape: "Canvas",
  chosen: "Highlight",
  onChosen: "HighlightText",
  mine: "Highlight",
  focus: "Highlight",
  font: "sans-serif",
};

/** Read the colours. Tokens are pairs for light and dark, which only the style of an element resolves. */
export function readPalette(host: HTMLElement): Palette {
  if (matchMedia("(forced-colors: active)").matches) return FORCED;
  const probe = document.createElement("span");
  probe.hidden = true;
  host.append(probe);
  const style = getComputedStyle(probe);
  const read = (token: string) => {
    probe.style.color = `var(--${token})`;
    return style.color;
  };
  const palette = {
    categories: Array.from({ length: COLOURS }, (_, nth) => read(`category-${nth}`)),
    onCategory: read("on-accent"),
    ground: read("surface"),
    taken: read("line-strong"),
    takenFill: read("line"),
    text: read("text"),
    soft: read("text-soft"),
    line: read("line"),
    shape: read("sunken"),
    chosen: read("text"),
    onChosen: read("ground"),
    mine: read("good"),
    focus: read("accent"),
    font: style.fontFamily,
  };
  probe.remove();
  return palette;
}

/** Call `changed` when the system's colours change. Return what ends it. */
export function onColours(changed: () => void): () => void {
  const queries = ["(prefers-color-scheme: dark)", "(forced-colors: active)", "(prefers-contrast: more)"];
  const lists = queries.map((query) => matchMedia(query));
  for (const list of lists) list.addEventListener("change", changed);
  return () => {
    for (const list of lists) list.removeEventListener("change", changed);
  };
}
