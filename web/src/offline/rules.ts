/** Which addresses the service worker answers while there is no network. */

/** Answers of the catalogue that are kept. */
export const FILES_KEPT = 100;

const PAGES = /^(?:(?:movies|shows|bookings|account)(?:\/.*)?)?$/;
const CATALOGUE =
  /^(?:api\/(?:installation|shows\/upcoming|shows\/\d+|movies|movies\/\d+|movies\/\d+\/poster|halls\/\d+\/layout)|icon\.svg)$/;

/** Return whether a path is one of the storefront's pages. Args: base: the path that all of ours begin with. */
export function isPage(path: string, base: string): boolean {
  return path.startsWith(base) && PAGES.test(path.slice(base.length));
}

/** Return whether a path is of the public catalogue: the same for everybody, and of use when it is old. */
export function isCatalogue(path: string, base: string): boolean {
  return path.startsWith(base) && CATALOGUE.test(path.slice(base.length));
}
