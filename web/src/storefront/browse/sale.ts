/** What a show's sale looks like to a buyer, and how many seats are left, in words. */

import type { components } from "../../shared/api/schema";

export type Show = components["schemas"]["ShowAnswer"];

/** `opensAt`: milliseconds since 1970, of a sale that has not begun. */
export type Sale =
  | { readonly kind: "open" | "sold_out" | "paused" | "closed" }
  | { readonly kind: "not_yet"; readonly opensAt: number };

/** Return the state of a show's sale at a time by the server's clock, in milliseconds since 1970. */
export function saleOf(show: Show, now: number): Sale {
  if (show.state === "CLOSED" || now >= Date.parse(show.sales_close_at)) return { kind: "closed" };
  const opensAt = show.sales_open_at === null ? 0 : Date.parse(show.sales_open_at);
  if (now < opensAt) return { kind: "not_yet", opensAt };
  if (show.state === "PAUSED") return { kind: "paused" };
  return { kind: show.free > 0 ? "open" : "sold_out" };
}

export interface Left {
  readonly key: "seats_many" | "seats_few" | "seats_last" | "seats_none";
  readonly kind: "good" | "warn" | "bad";
}

/** Return how to say how many seats are free: exact numbers only when they matter. */
export function seatsLeft(show: Pick<Show, "free" | "capacity">): Left {
  if (show.free <= 0) return { key: "seats_none", kind: "bad" };
  if (show.free <= 12) return { key: "seats_last", kind: "warn" };
  if (show.free <= show.capacity / 5) return { key: "seats_few", kind: "warn" };
  return { key: "seats_many", kind: "good" };
}

/** Return the lowest price in minor units, or null for a show without prices. */
export function cheapest(show: Pick<Show, "prices">): number | null {
  const prices = Object.values(show.prices);
  return prices.length ? Math.min(...prices) : null;
}
