import { describe, expect, it } from "vitest";
import type { LayoutAnswer } from "./layout";
import { SeatMapModel } from "./model";
import { moved } from "./moves";
import { decodeStates, SeatStates, type SeatStatesAnswer } from "./states";

function hall(): LayoutAnswer {
  const row = (label: string, first: number, names: unknown[], category: number, aisles: number[] = []) => ({
    section: "ST",
    label,
    prefix: `ST-${label}-`,
    first,
    aisles,
    blocks: [{ category, kind: "seat" as const, names }],
  });
  return {
    hall_id: 1,
    seats: 14,
    categories: ["premium", "standard"],
    sections: [{ key: "ST", name: "Stalls" }],
    rows: [
      row("A", 0, [1, 2, 3, 4], 0, [2]),
      row("B", 4, [8, 6, 4, 2], 1),
      {
        ...row("C", 8, [1, 2, 3, 4], 1),
        blocks: [
          { category: 1, kind: "seat" as const, names: [1, 2, 3, 4] },
          { category: 1, kind: "wheelchair" as const, names: ["W1", "W2"] },
        ],
      },
    ],
    drawing: null,
  };
}

const answer = (part: Partial<SeatStatesAnswer>): SeatStatesAnswer => ({
  show_id: 1,
  version: 1,
  seats: 14,
  free: 14,
  held: 0,
  sold: 0,
  states: null,
  since: null,
  changes: null,
  ...part,
});

/** Base64 of four bytes: which seats are held (1) or sold (2). */
function packed(states: Record<number, number>): string {
  const bytes = [0, 0, 0, 0];
  for (const [seat, state] of Object.entries(states))
    bytes[Number(seat) >> 2] = (bytes[Number(seat) >> 2] ?? 0) | (state << (2 * (Number(seat) & 3)));
  return btoa(String.fromCharCode(...bytes));
}

function withStates(states: Record<number, number>): SeatMapModel {
  const feed = new SeatStates();
  feed.apply(answer({ states: packed(states) }));
  return new SeatMapModel(hall(), feed);
}

describe("states", () => {
  it("are two bits a seat, the lowest first", () => {
    expect([...decodeStates(btoa(String.fromCharCode(0b10_01_00_10, 0b01)), 5)]).toEqual([2, 0, 1, 2, 1]);
  });

  it("of fewer seats than the hall has are refused", () => {
    expect(() => decodeStates(btoa("a"), 5)).toThrow(RangeError);
  });

  it("change only from the version that is known", () => {
    const feed = new SeatStates();
    expect(feed.apply(answer({ version: 5, states: packed({ 3: 1 }) }))).toBe("all");
    expect(feed.apply(answer({ version: 7, since: 6, changes: [[0, 2]] }))).toBeNull();
    expect([feed.version, feed.states[0]]).toEqual([5, 0]);
    expect(
      feed.apply(
        answer({
          version: 6,
          since: 5,
          changes: [
            [0, 2],
            [3, 1],
          ],
        }),
      ),
    ).toEqual([0]);
    expect([feed.version, feed.states[0]]).toEqual([6, 2]);
  });

  it("that are older change nothing", () => {
    const feed = new SeatStates();
    feed.apply(answer({ version: 5, states: packed({ 3: 1 }) }));
    expect(feed.apply(answer({ version: 4, states: packed({}) }))).toEqual([]);
    expect(feed.apply(answer({ version: 5, since: 3, changes: [[3, 0]] }))).toEqual([]);
    expect(feed.states[3]).toBe(1);
  });
});

describe("SeatMapModel", () => {
  it("finds seats by index and by label", () => {
    const model = withStates({ 5: 2 });
    expect(model.seat(5)).toMatchObject({
      label: "ST-B-6",
      row: "B",
      name: "6",
      section: "Stalls",
      state: 2,
    });
    expect(model.seat("ST-C-W2")).toMatchObject({ index: 13, kind: "wheelchair", category: 1 });
    for (let seat = 0; seat < 14; seat++) expect(model.indexOf(model.label(seat))).toBe(seat);
    expect(model.seat("ST-B-7")).toBeNull();
    expect(model.seat(14)).toBeNull();
  });

  it("counts free seats by category", () => {
    expect(withStates({ 0: 1, 5: 2, 6: 2 }).free()).toEqual([3, 8]);
  });

  it("knows neighbours by place, and aisles between them", () => {
    const model = withStates({});
    expect(model.neighbours(1)).toEqual([0]);
    expect(model.neighbours(2)).toEqual([3]);
    expect(model.neighbours(5)).toEqual([4, 6]);
    expect(model.neighbours(4)).toEqual([5]);
  });

  it("offers seats next to each other rather than the very nearest", () => {
    expect(withStates({ 5: 2, 6: 1 }).nearest(["ST-B-6", "ST-B-4"], 2)).toEqual(["ST-C-3", "ST-C-4"]);
  });

  it("offers single seats where there are none together, without those that are excepted", () => {
    const model = withStates({ 4: 2, 5: 2, 7: 2, 8: 2, 10: 2 });
    expect(model.nearest(["ST-B-6"], 1)).toEqual(["ST-B-4"]);
    expect(model.nearest(["ST-B-6"], 1, ["ST-B-4"])).toEqual(["ST-C-2"]);
    expect(model.nearest(["ST-B-6"], 3)).toEqual(["ST-B-4", "ST-C-2", "ST-C-4"]);
  });

  it("offers wheelchair places only for wheelchair places", () => {
    expect(withStates({ 13: 2 }).nearest(["ST-C-W2"], 2)).toEqual(["ST-C-W1"]);
    expect(withStates({ 11: 2 }).nearest(["ST-C-4"], 1)).toEqual(["ST-C-3"]);
  });
});

describe("moved", () => {
  const model = withStates({});

  it("goes along the row by place", () => {
    expect(moved(model, 5, "ArrowRight", false)).toBe(6);
    expect(moved(model, 5, "ArrowLeft", false)).toBe(4);
    expect(moved(model, 7, "ArrowRight", false)).toBe(7);
    expect([moved(model, 5, "Home", false), moved(model, 5, "End", false)]).toEqual([4, 7]);
  });

  it("goes to the seat above or below", () => {
    expect(moved(model, 5, "ArrowDown", false)).toBe(10);
    expect(moved(model, 10, "ArrowUp", false)).toBe(5);
    expect(moved(model, 0, "ArrowUp", false)).toBe(0);
    expect(moved(model, 1, "PageDown", false)).toBeGreaterThanOrEqual(8);
  });

  it("goes to the ends of the hall, and ignores other keys", () => {
    expect(moved(model, 5, "Home", true)).toBe(0);
    expect(moved(model, 5, "End", true)).toBe(13);
    expect(moved(model, 5, "x", false)).toBeNull();
  });
});
