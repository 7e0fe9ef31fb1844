/** Light or dark: as the system says, unless the reader chooses. */

import { signal } from "@preact/signals";
import { keep, kept } from "./kept";

export type Theme = "system" | "light" | "dark";
const KEY = "theme";

/** The reader's choice. Change it by `setTheme`. */
export const theme = signal<Theme>("system");

export function startTheme(): void {
  const chosen = kept(KEY);
  setTheme(chosen === "light" || chosen === "dark" ? chosen : "system");
}

export function setTheme(chosen: Theme): void {
  theme.value = chosen;
  keep(KEY, chosen === "system" ? null : chosen);
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}

/** Return whether the page is dark now, for what is drawn rather than styled. */
export function isDark(): boolean {
  if (theme.value !== "system") return theme.value === "dark";
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}
