import { describe, expect, it } from "vitest";
import { findings, type Lanes, type Show, type Stores } from "./verdict";

const well: Lanes = {
  lanes: [],
  workers: 2,
  forecast: { within_s: 10, depth: 0, drained_in_s: 0, writer_rate: 900, workers_needed: 0, too_deep: [] },
};
const stores = (redis: Stores["redis"]): Stores => ({ postgres: { status: "ok", answers_in_ms: 1 }, redis });
const show = (free: number, held: number, sold: number) =>
  ({ id: 7, capacity: 10, free, held, sold }) as Show;
const keys = (known: Parameters<typeof findings>[0]) => findings(known).map((each) => each.key);

describe("findings", () => {
  it("finds nothing in a sale that is well, or when nothing is known yet", () => {
    expect(keys({ lanes: well, shows: [show(7, 1, 2)] })).toEqual([]);
    expect(keys({})).toEqual([]);
  });

  it("finds a store that is away, and one that is nearly full", () => {
    expect(keys({ stores: stores({ status: "unavailable", answers_in_ms: null }) })).toEqual([
      "finding.store",
    ]);
    const full = stores({ status: "ok", answers_in_ms: 1, used_bytes: 81, max_bytes: 100 });
    expect(findings({ stores: full })[0]?.values.n).toBe(81);
  });

  it("finds counters that do not add up to the capacity, or are negative", () => {
    expect(keys({ shows: [show(7, 1, 3)] })).toEqual(["finding.miscounted"]);
    expect(keys({ shows: [show(-1, 1, 10)] })).toEqual(["finding.miscounted"]);
  });

  it("puts what is bad before what is slow", () => {
    const forecast = { ...well.forecast, workers_needed: 5, too_deep: [3] };
    const found = keys({ lanes: { ...well, forecast }, shows: [show(9, 1, 3)] });
    expect(found).toEqual(["finding.miscounted", "finding.more_workers", "finding.too_deep"]);
  });

  it("says that nothing is decided without workers", () => {
    const forecast = { ...well.forecast, depth: 40, workers_needed: 1 };
    expect(keys({ lanes: { ...well, workers: 0, forecast } })).toEqual(["finding.no_workers"]);
  });
});
