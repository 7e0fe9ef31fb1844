/** What the installation is called, sells in, and whose clock it shows; read once, at the start. */

import { signal } from "@preact/signals";
import { api, ok } from "./api/client";
import type { components } from "./api/schema";

export type Installation = components["schemas"]["InstallationAnswer"];

export const installation = signal<Installation>({
  name: "Onsale",
  currency: "EUR",
  currency_exponent: 2,
  time_zone: "UTC",
});

/** Read it. Where the server does not answer, the page shows the defaults: the next page load reads it again. */
export async function startInstallation(): Promise<void> {
  try {
    installation.value = await ok(api.GET("/api/installation"));
    document.title = installation.value.name;
  } catch {
    // Every page says by itself that the server does not answer.
  }
}
