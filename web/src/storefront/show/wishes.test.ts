import { expect, it } from "vitest";
import { categoryOf, type Layout, requestForBest, requestForSeats, totalOf } from "./wishes";

const LAYOUT = {
  categories: ["premium", "standard"],
  rows: [
    { prefix: "A", blocks: [{ category: 0, kind: "seat", names: [1, 2] }] },
    {
      prefix: "BALC-A-",
      blocks: [
        { category: 1, kind: "seat", names: [1] },
        { category: 0, kind: "wheelchair", names: ["W1"] },
      ],
    },
  ],
} as unknown as Layout;
const PRICES = { premium: 1800, standard: 1200 };

it("finds a seat's category by its row's prefix and its name", () => {
  expect(categoryOf(LAYOUT, "A2")).toBe("premium");
  expect(categoryOf(LAYOUT, "BALC-A-1")).toBe("standard");
  expect(categoryOf(LAYOUT, "BALC-A-W1")).toBe("premium");
  expect(categoryOf(LAYOUT, "A3")).toBeNull();
});

it("adds up prices, and knows when it does not know one", () => {
  expect(totalOf(LAYOUT, PRICES, ["A1", "BALC-A-1"])).toBe(3000);
  expect(totalOf(LAYOUT, { premium: 1800 }, ["BALC-A-1"])).toBeNull();
});

it("asks for the chosen seats at the price that was seen", () => {
  expect(requestForSeats(7, ["A1"], 1800, false)).toEqual({
    show_id: 7,
    hold: true,
    seats: ["A1"],
    expected_amount_cents: 1800,
  });
  expect(requestForSeats(7, ["A1", "A2"], null, true).wishes).toEqual([
    { seats: ["A1", "A2"] },
    { quantity: 2, together: true },
  ]);
});

it("asks for one seat without asking for neighbours", () => {
  const best = { quantity: 1, category: null, together: true, accessible: false };
  expect(requestForBest(7, best).wishes).toEqual([{ quantity: 1, together: false }]);
  expect(requestForBest(7, { ...best, category: "premium", accessible: true }, true)).toMatchObject({
    waiting_list: true,
    wishes: [{ category: "premium", accessible: true }],
  });
});
