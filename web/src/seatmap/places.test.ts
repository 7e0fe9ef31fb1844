import { describe, expect, it } from "vitest";
import type { LayoutAnswer } from "./layout";
import { SeatMapModel } from "./model";
import { PlacesIndex } from "./places_index";
import { commonStart } from "./signs";
import { around, home, panned, seen, showing, zoomed } from "./view";
import { columnsAround, rowsAround } from "./windows";

const size = { width: 800, height: 600 };

function hall(rows: number, width: number, more: Partial<LayoutAnswer> = {}): SeatMapModel {
  return new SeatMapModel({
    hall_id: 1,
    seats: rows * width,
    categories: ["standard"],
    sections: [],
    drawing: null,
    rows: Array.from({ length: rows }, (_, row) => ({
      section: null,
      label: `R${row}`,
      prefix: `R${row}-`,
      first: row * width,
      aisles: [2],
      blocks: [{ category: 0, kind: "seat" as const, names: Array.from({ length: width }, (_, n) => n + 1) }],
    })),
    ...more,
  });
}

/** Two rows of four as a drawing places them: one straight, one of two lines with a gap. */
const drawing = {
  size: [100, 60],
  rows: [
    [[4, 10, 10, 40, 10]],
    [
      [2, 10, 20, 20, 20],
      [2, 50, 20, 60, 20],
    ],
  ],
  shapes: [{ shape: "rectangle", x: 0, y: 0, width: 50, height: 5, rotation: 90, text: "Stage" }],
};

describe("places", () => {
  it("are one seat apart, two across an aisle, and rows are behind each other", () => {
    const { x, y } = hall(2, 4).places;
    expect([x[1], x[2], x[3]].map((each) => (each ?? 0) - (x[0] ?? 0))).toEqual([1, 3, 4]);
    expect((y[5] ?? 0) - (y[1] ?? 0)).toBeGreaterThan(1);
  });

  it("of sections do not overlap", () => {
    const rows = hall(8, 10).layout.rows.map((row, nth) => ({ ...row, section: `S${nth >> 1}` }));
    const sections = ["S0", "S1", "S2", "S3"].map((key) => ({ key, name: key }));
    const boxes = hall(8, 10, { rows, sections }).places.parts.map((part) => part.box);
    for (const [nth, one] of boxes.entries())
      for (const other of boxes.slice(nth + 1))
        expect(
          one.right <= other.left ||
            other.right <= one.left ||
            one.bottom <= other.top ||
            other.bottom <= one.top,
        ).toBe(true);
  });

  it("are those of the hall's drawing, in seats", () => {
    const { x, y, stage, shapes } = hall(2, 4, { drawing }).places;
    expect([...x].map((each) => Math.round(each * 10))).toEqual([10, 20, 30, 40, 10, 20, 50, 60]);
    expect(y[4]).toBeCloseTo(2);
    expect(stage).toBeNull();
    expect(shapes[0]?.box.left).toBeCloseTo(-0.5);
    expect(shapes[0]?.box.bottom).toBeCloseTo(5);
  });

  it("of rows that the drawing leaves out, or does not fit, are below it", () => {
    const lines = [drawing.rows[0], [[3, 10, 20, 30, 20]]];
    const { y } = hall(2, 4, { drawing: { ...drawing, rows: lines } }).places;
    expect(y[0]).toBeCloseTo(1);
    for (const seat of [4, 5, 6, 7]) expect(y[seat]).toBeGreaterThan(3);
  });
});

describe("PlacesIndex", () => {
  const model = hall(40, 60);
  const index = new PlacesIndex(model.places);

  it("finds each seat at its middle, and none beside the hall or in an aisle", () => {
    const { x, y } = model.places;
    for (let seat = 0; seat < 2_400; seat++) expect(index.hit(x[seat] ?? 0, y[seat] ?? 0)).toBe(seat);
    expect(index.hit(-1_000, 0)).toBe(-1);
    expect(index.hit(((x[1] ?? 0) + (x[2] ?? 0)) / 2, y[1] ?? 0)).toBe(-1);
  });

  it("returns all seats of a box, as looking at each does", () => {
    const { x, y } = model.places;
    const box = { left: -7.3, right: 11.2, top: 3.1, bottom: 20.4 };
    const all = Array.from({ length: 2_400 }, (_, seat) => seat).filter((seat) => {
      const [sx = 0, sy = 0] = [x[seat], y[seat]];
      return sx >= box.left && sx <= box.right && sy >= box.top && sy <= box.bottom;
    });
    expect(all.length).toBeGreaterThan(100);
    expect(index.within(box).sort((one, other) => one - other)).toEqual(all);
  });
});

describe("views", () => {
  const { bounds } = hall(40, 60).places;
  const whole = home(bounds, size);

  it("show the whole hall at first", () => {
    const { left, right, top, bottom } = seen(whole, size);
    expect(left).toBeLessThanOrEqual(bounds.left + 1e-9);
    expect(right).toBeGreaterThanOrEqual(bounds.right - 1e-9);
    expect(top).toBeLessThanOrEqual(bounds.top + 1e-9);
    expect(bottom).toBeGreaterThanOrEqual(bounds.bottom - 1e-9);
  });

  it("zoom around the pointer, never farther out than the hall", () => {
    const middle = around(0, 20, 20, bounds, size);
    const near = zoomed(middle, 1.5, 300, 200, bounds, size);
    expect(near.x + 300 / near.scale).toBeCloseTo(middle.x + 300 / middle.scale);
    expect(near.y + 200 / near.scale).toBeCloseTo(middle.y + 200 / middle.scale);
    expect(zoomed(near, 0.001, 300, 200, bounds, size).scale).toBeCloseTo(whole.scale);
    expect(zoomed(near, 1_000, 300, 200, bounds, size).scale).toBe(56);
  });

  it("never leave the hall", () => {
    const near = around(0, 20, 30, bounds, size);
    expect(panned(near, 1e6, 1e6, bounds, size)).toMatchObject({ x: bounds.left, y: bounds.top });
    expect(panned(whole, 500, 0, bounds, size).x).toBeCloseTo(whole.x);
  });

  it("follow the keyboard only where it leaves them", () => {
    const near = around(0, 20, 30, bounds, size);
    expect(showing(near, 1, 21, bounds, size)).toBe(near);
    const moved = showing(near, 25, 40, bounds, size);
    const { left, right, top, bottom } = seen(moved, size);
    expect(left < 25 && right > 25 && top < 40 && bottom > 40).toBe(true);
    expect(showing(whole, 1, 21, bounds, { width: 80, height: 60 }).scale).toBe(30);
  });
});

describe("windows", () => {
  it("have the rows and seats around the focus, and all of a small hall", () => {
    const large = hall(200, 500);
    expect(rowsAround(large, 100 * 500 + 250)).toEqual([96, 97, 98, 99, 100, 101, 102, 103, 104]);
    expect(rowsAround(large, 0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(columnsAround(large, 100 * 500 + 250, 100)).toEqual([230, 270]);
    expect(columnsAround(large, 100 * 500 + 499, 99)).toEqual([460, 500]);
    expect(rowsAround(hall(3, 5), 7)).toEqual([0, 1, 2]);
    expect(columnsAround(hall(3, 5), 7, 1)).toEqual([0, 5]);
  });
});

describe("commonStart", () => {
  it("is what names of sections have in common, in whole words", () => {
    expect(commonStart(["Block 1", "Block 12"])).toBe(6);
    expect(commonStart(["Balcony left", "Balcony lower"])).toBe(8);
    expect(commonStart(["Stalls", "Balcony"])).toBe(0);
    expect(commonStart(["Upper tier"])).toBe(0);
  });
});
