import { describe, expect, it } from "vitest";
import { moved, nearest, Places, wholeHall, within, zoomed } from "./geometry";
import { Hall, type Layout } from "./layout";
import { advance, decode, type StatesAnswer } from "./states";

const LAYOUT = {
  hall_id: 1,
  seats: 9,
  categories: ["premium", "standard"],
  sections: [{ key: "BALC", name: "Balcony" }],
  rows: [
    {
      section: null,
      label: "A",
      prefix: "A",
      first: 0,
      aisles: [2],
      blocks: [{ category: 0, kind: "seat", names: [8, 6, 4, 2] }],
    },
    {
      section: "BALC",
      label: "A",
      prefix: "BALC-A-",
      first: 4,
      aisles: [],
      blocks: [
        { category: 1, kind: "seat", names: [1, 2, 3] },
        { category: 1, kind: "wheelchair", names: ["W1", "W2"] },
      ],
    },
  ],
  drawing: null,
} as unknown as Layout;
const hall = new Hall(LAYOUT);

describe("a hall", () => {
  it("knows labels and indexes, with sections of the same row", () => {
    expect(hall.label(1)).toBe("A6");
    expect(hall.label(7)).toBe("BALC-A-W1");
    expect(hall.indexOf("BALC-A-W1")).toBe(7);
    expect(hall.indexOf("A6")).toBe(1);
    expect(hall.indexOf("A7")).toBe(-1);
    expect(hall.nameOf(7)).toEqual({
      section: "Balcony",
      row: "A",
      seat: "W1",
      category: "standard",
      kind: "wheelchair",
    });
  });

  it("is wider at an aisle, and places sections apart", () => {
    const gap = (left: number, right: number) => (hall.x[right] ?? 0) - (hall.x[left] ?? 0);
    expect(gap(1, 2)).toBe(2 * gap(0, 1));
    expect((hall.y[4] ?? 0) - (hall.y[0] ?? 0)).toBeGreaterThan(2 * gap(0, 1));
  });

  it("is placed as its plan draws it", () => {
    const drawing = {
      size: [100, 50],
      rows: [
        [[4, 10, 10, 40, 10]],
        [
          [2, 10, 20, 20, 20],
          [3, 40, 20, 60, 30],
        ],
      ],
      shapes: [],
    };
    const drawn = new Hall({ ...LAYOUT, drawing } as unknown as Layout);
    expect([drawn.x[3], drawn.y[3]]).toEqual([40, 10]);
    expect([drawn.x[8], drawn.y[8]]).toEqual([60, 30]);
    expect(drawn.pitch).toBe(10);
  });

  it("is placed by rows where the drawing does not fit the rows", () => {
    const drawing = { size: [100, 50], rows: [[[3, 10, 10, 40, 10]], []] };
    expect(new Hall({ ...LAYOUT, drawing } as unknown as Layout).x[3]).toBe(hall.x[3]);
  });
});

describe("states", () => {
  const answer = (changes: Partial<StatesAnswer>) =>
    ({
      show_id: 1,
      version: 5,
      seats: 9,
      states: null,
      since: null,
      changes: null,
      ...changes,
    }) as StatesAnswer;

  it("are two bits a seat, the lowest first", () => {
    expect([...decode(btoa(String.fromCharCode(0b10_01_00_01, 0b10)), 5)]).toEqual([1, 0, 1, 2, 2]);
  });

  it("advance by changes since the version that is known", () => {
    const first = advance(null, answer({ states: btoa("\0\0\0") }));
    const next = advance(first?.known ?? null, answer({ version: 6, since: 5, changes: [[3, 2]] as never }));
    expect(next?.changed).toEqual([3]);
    expect(next?.known.states[3]).toBe(2);
    expect(first?.known.states[3]).toBe(0);
  });

  it("have to be read again after changes since another version, and never go back", () => {
    const known = { version: 5, states: new Uint8Array(9) };
    expect(advance(known, answer({ version: 8, since: 7, changes: [] }))).toBeNull();
    expect(advance(known, answer({ version: 4, states: btoa("\x02") }))?.known).toBe(known);
  });
});

describe("places", () => {
  const places = new Places(hall);

  it("finds the seat at each seat's middle, and none between", () => {
    for (let index = 0; index < hall.seats; index += 1) {
      expect(places.at(hall.x[index] ?? 0, hall.y[index] ?? 0)).toBe(index);
    }
    expect(places.at(0, 0)).toBe(-1);
    expect(places.at(((hall.x[1] ?? 0) + (hall.x[2] ?? 0)) / 2, hall.y[1] ?? 0)).toBe(-1);
  });

  it("returns what is seen", () => {
    expect([...places.between(0, 0, hall.width, hall.height)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe("views", () => {
  const canvas = { width: 400, height: 300 };

  it("show the whole hall, and zoom around the point under the pointer", () => {
    const whole = wholeHall(hall, canvas);
    const at = { x: 200, y: 150 };
    const view = zoomed(whole, 1.5, at, hall, canvas);
    expect(view.scale).toBeGreaterThan(whole.scale);
    expect(view.x + at.x / view.scale).toBeCloseTo(whole.x + at.x / whole.scale);
    expect(zoomed(view, 0.01, at, hall, canvas).scale).toBe(whole.scale);
  });

  it("never leave the hall", () => {
    const view = within({ scale: 10, x: -500, y: 1e6 }, hall, canvas);
    expect(view.x).toBe(0);
    expect(view.y).toBe(hall.height - 30);
  });
});

describe("keys", () => {
  const go = (from: number, key: string, { ctrl = false, rtl = false } = {}) =>
    moved(hall, from, key, ctrl, rtl);

  it("walk along the row by place, whatever the numbers", () => {
    expect(go(0, "ArrowRight")).toBe(1);
    expect(go(0, "ArrowLeft")).toBe(0);
    expect(go(0, "ArrowLeft", { rtl: true })).toBe(1);
    expect(go(1, "End")).toBe(3);
    expect(go(8, "Home")).toBe(4);
    expect(go(1, "End", { ctrl: true })).toBe(8);
    expect(go(1, "a")).toBeNull();
  });

  it("lead to the nearest seat of the next row", () => {
    const below = go(0, "ArrowDown") ?? -1;
    expect(hall.rowOf[below]).toBe(1);
    expect(go(below, "PageUp")).toBe(0);
  });
});

describe("nearest", () => {
  it("finds adjacent free seats of the same kind, not across an aisle", () => {
    const states = new Uint8Array(9);
    states[0] = 2;
    expect(nearest(hall, states, [0], 1)).toEqual([1]);
    expect(nearest(hall, states, [0, 1], 2)).toEqual([2, 3]);
    expect(nearest(hall, states, [2], 3)).toEqual([4, 5, 6]);
    expect(nearest(hall, states, [2], 4)).toEqual([]);
  });
});
