import { describe, expect, it } from "vitest";
import { changeOf, faultsOf, minorOf, textsOf } from "./change";

const show = {
  prices: { premium: 1850, standard: 1200 },
  seats_per_user: 6,
  hold_s: 300,
  hold_extension_s: 0,
  offer_s: 60,
  waiting_list_max: 100,
  sales_open_at: null,
  sales_close_at: "2027-01-01T20:00:00Z",
} as unknown as Parameters<typeof textsOf>[0];

describe("minorOf", () => {
  it("reads a point and a comma, and refuses what is finer than the currency", () => {
    expect(["18.5", "18,50", "18"].map((each) => minorOf(each, 2))).toEqual([1850, 1850, 1800]);
    expect(["18.505", "-1", "", "abc", "1e3"].map((each) => minorOf(each, 2))).toEqual(Array(5).fill(null));
    expect([minorOf("500", 0), minorOf("500.5", 0)]).toEqual([500, null]);
  });
});

describe("changeOf", () => {
  it("is nothing for texts as they were", () => {
    expect(changeOf(show, textsOf(show, 2), 2)).toBeNull();
  });

  it("has only what differs, but all prices if one does", () => {
    const texts = { ...textsOf(show, 2), hold_s: "600", "price.premium": "20" };
    expect(changeOf(show, texts, 2)).toEqual({ hold_s: 600, prices: { premium: 2000, standard: 1200 } });
  });
});

describe("faultsOf", () => {
  it("names each text that is wrong, and an instant without a zone", () => {
    const texts = {
      ...textsOf(show, 2),
      hold_s: "5 min",
      "price.premium": "x",
      sales_close_at: "2027-01-01T20:00",
    };
    expect(faultsOf(texts, 2)).toEqual(["hold_s", "sales_close_at", "price.premium"]);
    expect(faultsOf(textsOf(show, 2), 2)).toEqual([]);
  });
});
