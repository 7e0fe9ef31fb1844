/** Addresses of this installation, which may lie below a path prefix: the page's <base> names it. */

/** The path that all of ours begin with: "/", or such as "/shop/". */
export const basePath = new URL(document.baseURI).pathname;

/** Return the address of a path of ours, such as "api/shows": without a leading slash. */
export function address(path: string): string {
  return new URL(path.replace(/^\//, ""), document.baseURI).href;
}
