import { describe, expect, it } from "vitest";
import { difference } from "./difference";

describe("difference", () => {
  it("lists what changed, by its path, and nothing else", () => {
    const before = { state: "ON_SALE", prices: { standard: 1200, premium: 1800 }, tags: ["a"] };
    const after = { state: "PAUSED", prices: { standard: 1300, premium: 1800 }, tags: ["a"] };
    expect(difference(before, after)).toEqual([
      { member: "state", before: "ON_SALE", after: "PAUSED" },
      { member: "prices.standard", before: "1200", after: "1300" },
    ]);
  });

  it("tells what came and what went from what is null", () => {
    expect(difference({ gone: 1, empty: null }, { come: {}, empty: null })).toEqual([
      { member: "gone", before: "1", after: undefined },
      { member: "come", before: undefined, after: "{}" },
    ]);
    expect(difference(null, { role: "admin" })).toEqual([
      { member: "role", before: undefined, after: "admin" },
    ]);
    expect(difference(null, null)).toEqual([]);
  });
});
