import { expect, it } from "vitest";
import type { LayoutAnswer } from "../../seatmap/layout";
import { SeatMapModel } from "../../seatmap/model";
import { requestForBest, requestForSeats, totalOf } from "./wishes";

const LAYOUT = {
  hall_id: 1,
  seats: 4,
  categories: ["premium", "standard"],
  sections: [{ key: "BALC", name: "Balcony" }],
  rows: [
    {
      section: null,
      label: "A",
      prefix: "A",
      first: 0,
      aisles: [],
      blocks: [{ category: 0, kind: "seat", names: [1, 2] }],
    },
    {
      section: "BALC",
      label: "A",
      prefix: "BALC-A-",
      first: 2,
      aisles: [],
      blocks: [
        { category: 1, kind: "seat", names: [1] },
        { category: 0, kind: "wheelchair", names: ["W1"] },
      ],
    },
  ],
  drawing: null,
} as unknown as LayoutAnswer;
const HALL = new SeatMapModel(LAYOUT);
const PRICES = { premium: 1800, standard: 1200 };

it("finds a seat's price by its row's prefix and its name", () => {
  expect(totalOf(HALL, PRICES, ["A2"])).toBe(1800);
  expect(totalOf(HALL, PRICES, ["BALC-A-1"])).toBe(1200);
  expect(totalOf(HALL, PRICES, ["BALC-A-W1"])).toBe(1800);
  expect(totalOf(HALL, PRICES, ["A3"])).toBeNull();
});

it("adds up prices, and knows when it does not know one", () => {
  expect(totalOf(HALL, PRICES, ["A1", "BALC-A-1"])).toBe(3000);
  expect(totalOf(HALL, { premium: 1800 }, ["BALC-A-1"])).toBeNull();
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
