/** Whether the sale is well, from what the console has polled. Pure. */

import type { components } from "../../shared/api/schema";

type Schemas = components["schemas"];
export type Lanes = Schemas["LanesAnswer"];
export type Stores = Schemas["StoresAnswer"];
export type Show = Schemas["ShowAnswer"];
export type Sample = Schemas["SampleAnswer"];

export interface Finding {
  readonly kind: "warn" | "bad";
  /** The key of its text. */
  readonly key: string;
  readonly values: Readonly<Record<string, string | number>>;
}

export interface Known {
  readonly lanes?: Lanes | undefined;
  readonly stores?: Stores | undefined;
  readonly shows?: readonly Show[] | undefined;
}

/** Buyers are told to be patient for this long; a request that waits longer is worth a look. */
export const OLD_MS = 10_000;

/** Return what is wrong, the worst first; nothing: all is well. */
export function findings(known: Known): readonly Finding[] {
  const found = [...ofStores(known.stores), ...ofShows(known.shows ?? []), ...ofLanes(known.lanes)];
  return found.sort((a, b) => Number(a.kind === "warn") - Number(b.kind === "warn"));
}

function ofStores(stores: Stores | undefined): Finding[] {
  if (!stores) return [];
  const found: Finding[] = [];
  for (const name of ["postgres", "redis"] as const) {
    if (stores[name].status !== "ok") found.push({ kind: "bad", key: "finding.store", values: { name } });
  }
  const { used_bytes: used, max_bytes: max } = stores.redis;
  if (used && max && used > 0.8 * max)
    found.push({ kind: "warn", key: "finding.redis_full", values: { n: Math.round((100 * used) / max) } });
  return found;
}

/** Each show's counters must add up to its capacity: a seat is free, held or sold, and never two of them. */
function ofShows(shows: readonly Show[]): Finding[] {
  return shows
    .filter((show) => miscounted(show))
    .map((show) => ({ kind: "bad", key: "finding.miscounted", values: { show: `${show.id}` } }));
}

export function miscounted({ free, held, sold, capacity }: Show): boolean {
  return free + held + sold !== capacity || Math.min(free, held, sold) < 0;
}

function ofLanes(lanes: Lanes | undefined): Finding[] {
  if (!lanes) return [];
  const found: Finding[] = [];
  if (lanes.workers === 0)
    found.push({ kind: "bad", key: "finding.no_workers", values: { n: lanes.forecast.depth } });
  const oldest = Math.max(0, ...lanes.lanes.map((lane) => lane.oldest_age_ms));
  if (lanes.workers > 0 && oldest > OLD_MS)
    found.push({ kind: "warn", key: "finding.old", values: { n: Math.round(oldest / 1000) } });
  const { workers_needed: needed, within_s: within, too_deep: deep } = lanes.forecast;
  if (needed !== null && needed > lanes.workers && lanes.workers > 0)
    found.push({ kind: "warn", key: "finding.more_workers", values: { n: needed, within } });
  if (deep.length) found.push({ kind: "warn", key: "finding.too_deep", values: { n: deep.length, within } });
  return found;
}
