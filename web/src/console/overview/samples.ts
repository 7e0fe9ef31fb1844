/** The samples of the last hour as curves, and what they say in one sentence. Pure. */

import type { Sample } from "./verdict";

/** Seconds that are kept: the server keeps no more. */
const KEPT = 3600;
/** A curve is interrupted where no sample was written for this long, s: there was no worker. */
const GAP_S = 5;

export type Column = readonly (number | null)[];

export interface Series {
  /** Unix time, s. */
  readonly times: readonly number[];
  readonly columns: readonly Column[];
}

/** Return the known samples and those that are later, without those older than an hour. */
export function joined(known: readonly Sample[], later: readonly Sample[]): readonly Sample[] {
  const last = known.at(-1)?.at ?? "";
  return [...known, ...later.filter((each) => each.at > last)].slice(-KEPT);
}

/** Return one column for each figure. Where samples are missing, null interrupts the curve. */
export function series(
  samples: readonly Sample[],
  figures: readonly ((sample: Sample) => number | null)[],
): Series {
  const times: number[] = [];
  const columns: (number | null)[][] = figures.map(() => []);
  for (const sample of samples) {
    const at = Date.parse(sample.at) / 1000;
    const before = times.at(-1);
    if (before !== undefined && at - before > GAP_S) {
      times.push(before + 1);
      for (const column of columns) column.push(null);
    }
    times.push(at);
    for (const [index, figure] of figures.entries()) columns[index]?.push(figure(sample));
  }
  return { times, columns };
}

export interface Summary {
  readonly now: number;
  readonly most: number;
  readonly mean: number;
}

/** Return a column's last value, its maximum and its mean; null if it has no values. */
export function summary(column: Column): Summary | null {
  const values = column.filter((each) => each !== null);
  const now = values.at(-1);
  if (now === undefined) return null;
  const sum = values.reduce((total, each) => total + each, 0);
  return { now, most: values.reduce((a, b) => Math.max(a, b), 0), mean: sum / values.length };
}

/** Return the refusals of one second, all reasons together. */
export function refusedPerSecond(sample: Sample): number | null {
  return sample.per_s ? Object.values(sample.per_s.refused).reduce((total, each) => total + each, 0) : null;
}
