import { describe, expect, it } from "vitest";
import { joined, refusedPerSecond, series, summary } from "./samples";
import type { Sample } from "./verdict";

const START = Date.parse("2027-01-01T20:00:00.000Z");
const at = (second: number, depth = 0) =>
  ({ at: new Date(START + second * 1000).toISOString(), depth, per_s: null }) as Sample;

describe("joined", () => {
  it("adds only what is later, and keeps an hour", () => {
    expect(joined([at(1), at(2)], [at(2), at(3)]).map((each) => each.at)).toEqual([
      at(1).at,
      at(2).at,
      at(3).at,
    ]);
    const hour = Array.from({ length: 3600 }, (_, second) => at(second));
    const kept = joined(hour, [at(3600)]);
    expect(kept.length).toBe(3600);
    expect(kept[0]?.at).toBe(at(1).at);
  });
});

describe("series", () => {
  it("interrupts the curve where there were no samples", () => {
    const { times, columns } = series([at(0, 4), at(1, 5), at(60, 6)], [(sample) => sample.depth]);
    expect(times.map((each) => each - START / 1000)).toEqual([0, 1, 2, 60]);
    expect(columns).toEqual([[4, 5, null, 6]]);
  });
});

describe("summary", () => {
  it("returns the last, the largest and the mean, without the gaps", () => {
    expect(summary([2, null, 6, 4])).toEqual({ now: 4, most: 6, mean: 4 });
    expect(summary([null])).toBeNull();
  });
});

describe("refusedPerSecond", () => {
  it("adds all reasons, and knows nothing of a sample without rates", () => {
    const per_s = { accepted: 1, decided: 1, refused: { lane_full: 2, closed: 3 } };
    expect(refusedPerSecond({ ...at(0), per_s })).toBe(5);
    expect(refusedPerSecond(at(0))).toBeNull();
  });
});
