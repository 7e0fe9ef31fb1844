/** Small choices that outlive the page, in localStorage; where the browser forbids that, for the page only. */

const PREFIX = "onsale.";
const instead = new Map<string, string>();

/** Return what was kept under a name, or null. */
export function kept(name: string): string | null {
  try {
    return window.localStorage.getItem(PREFIX + name) ?? instead.get(name) ?? null;
  } catch {
    return instead.get(name) ?? null;
  }
}

/** Keep a text under a name; null removes it. */
export function keep(name: string, value: string | null): void {
  if (value === null) instead.delete(name);
  else instead.set(name, value);
  try {
    if (value === null) window.localStorage.removeItem(PREFIX + name);
    else window.localStorage.setItem(PREFIX + name, value);
  } catch {
    // Storage is full or forbidden: the page has its own copy.
  }
}
