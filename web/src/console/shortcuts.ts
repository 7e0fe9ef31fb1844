/** The console's pages, and the key that opens each. */

import { useLayoutEffect } from "preact/hooks";
import { user } from "../shared/api/session";
import { navigate } from "../shared/router";

export interface Shortcut {
  readonly key: string;
  readonly to: string;
  /** The key of its text. */
  readonly name: string;
  readonly boxOffice: boolean;
}

export const SHORTCUTS: readonly Shortcut[] = [
  { key: "o", to: "/console", name: "overview", boxOffice: false },
  { key: "s", to: "/console/shows", name: "shows", boxOffice: true },
  { key: "b", to: "/console/bookings", name: "records.bookings", boxOffice: true },
  { key: "h", to: "/console/seats", name: "records.seats", boxOffice: true },
  { key: "u", to: "/console/users", name: "records.users", boxOffice: false },
  { key: "a", to: "/console/audit", name: "records.audit", boxOffice: false },
  { key: "p", to: "/console/parked", name: "records.parked_short", boxOffice: false },
];

/** Open pages by single keys, and the help by "?"; not while something is typed or a dialog is open. */
export function useShortcuts(onHelp: () => void): void {
  useLayoutEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (isForOthers(event)) return;
      if (event.key === "?") onHelp();
      const found = shortcutsOf(user.value?.role).find((each) => each.key === event.key);
      if (found) navigate(found.to);
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}

/** Return the pages that a role sees. */
export function shortcutsOf(role: string | undefined): readonly Shortcut[] {
  return SHORTCUTS.filter((each) => role === "admin" || (role === "box_office" && each.boxOffice));
}

/** Return whether a key is the browser's, or belongs to what has the focus. */
function isForOthers(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return true;
  const { target } = event;
  return target instanceof HTMLElement && target.matches("input, select, textarea, [contenteditable]");
}
