/** The focus after a change of what a page is about: on its heading, which screen readers then read. */

let page: string | undefined;
let waiting: MutationObserver | undefined;

/** After a change of the page, not at the first, move the focus to its heading. */
export function focusAfterChange(next: string): void {
  const first = page === undefined;
  page = next;
  if (!first) focusHeading();
}

/** Focus the heading; if it is not there yet because its page still loads, as soon as it is. */
export function focusHeading(): void {
  waiting?.disconnect();
  waiting = undefined;
  const main = document.querySelector("main");
  if (!main || focusIn(main)) return;
  waiting = new MutationObserver((_, observer) => {
    if (hasMoved(main) || focusIn(main)) observer.disconnect();
  });
  waiting.observe(main, { childList: true, subtree: true });
}

/** Return whether the reader has gone elsewhere meanwhile: the focus is not taken away from there. */
function hasMoved(main: Element): boolean {
  const { activeElement } = document;
  return activeElement !== null && activeElement !== document.body && main.contains(activeElement);
}

function focusIn(main: Element): boolean {
  const heading = main.querySelector<HTMLElement>("h1");
  heading?.focus();
  return heading !== null;
}
