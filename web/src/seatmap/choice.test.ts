import { describe, expect, it } from "vitest";
import { choose, gone } from "./choice";
import type { LayoutAnswer } from "./layout";
import { SeatMapModel } from "./model";
import { SeatStates } from "./states";

const layout: LayoutAnswer = {
  hall_id: 1,
  seats: 4,
  categories: ["standard"],
  sections: [],
  drawing: null,
  rows: [
    {
      section: null,
      label: "A",
      prefix: "A",
      first: 0,
      aisles: [],
      blocks: [{ category: 0, kind: "seat", names: [1, 2, 3, 4] }],
    },
  ],
};

/** A row of four seats of which the second is held and the third is sold. */
function model(): SeatMapModel {
  const feed = new SeatStates();
  const counts = { seats: 4, free: 2, held: 1, sold: 1, since: null, changes: null };
  feed.apply({ show_id: 1, version: 1, states: btoa(String.fromCharCode(0b00_10_01_00)), ...counts });
  return new SeatMapModel(layout, feed);
}

describe("choose", () => {
  it("adds free seats up to the limit, and gives them back", () => {
    expect(choose(model(), [], 0, 1, [])).toEqual({ outcome: "added", chosen: ["A1"] });
    expect(choose(model(), ["A1"], 3, 1, [])).toEqual({ outcome: "full", chosen: ["A1"] });
    expect(choose(model(), ["A1"], 0, 1, [])).toEqual({ outcome: "removed", chosen: [] });
  });

  it("refuses what others have, and what is the reader's already", () => {
    expect(choose(model(), [], 1, 4, []).outcome).toBe("taken");
    expect(choose(model(), [], 2, 4, ["A3"]).outcome).toBe("mine");
  });
});

describe("gone", () => {
  it("are chosen seats that others have or that do not exist, but not one's own", () => {
    expect(gone(model(), ["A1", "A2", "A3", "Z9"], ["A3"])).toEqual(["A2", "Z9"]);
  });

  it("are none as long as nothing is known", () => {
    expect(gone(new SeatMapModel(layout), ["A2", "Z9"], [])).toEqual([]);
  });
});
