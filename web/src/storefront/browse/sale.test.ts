import { describe, expect, it } from "vitest";
import { cheapest, type Show, saleOf, seatsLeft } from "./sale";

const NOW = Date.parse("2027-01-01T12:00:00Z");
const show = (changes: Partial<Show>): Show =>
  ({
    state: "ON_SALE",
    sales_open_at: null,
    sales_close_at: "2027-01-02T20:00:00Z",
    free: 10,
    capacity: 100,
    prices: { standard: 1200, premium: 1800 },
    ...changes,
  }) as Show;

describe("saleOf", () => {
  it("is open while seats are free and the window is open", () => {
    expect(saleOf(show({}), NOW).kind).toBe("open");
    expect(saleOf(show({ free: 0 }), NOW).kind).toBe("sold_out");
  });

  it("says when it opens, also of a show that is paused", () => {
    const opensAt = "2027-01-01T12:00:01Z";
    expect(saleOf(show({ sales_open_at: opensAt, state: "PAUSED" }), NOW)).toEqual({
      kind: "not_yet",
      opensAt: Date.parse(opensAt),
    });
    expect(saleOf(show({ sales_open_at: opensAt }), NOW + 1_000).kind).toBe("open");
  });

  it("is closed from the end of the window on, whatever is free", () => {
    expect(saleOf(show({ state: "CLOSED" }), NOW).kind).toBe("closed");
    expect(saleOf(show({ sales_close_at: "2027-01-01T12:00:00Z" }), NOW).kind).toBe("closed");
    expect(saleOf(show({ state: "PAUSED" }), NOW).kind).toBe("paused");
  });
});

describe("seatsLeft", () => {
  it("counts only the last seats", () => {
    expect(seatsLeft({ free: 80, capacity: 100 }).key).toBe("seats_many");
    expect(seatsLeft({ free: 20, capacity: 100 }).key).toBe("seats_few");
    expect(seatsLeft({ free: 12, capacity: 100 }).key).toBe("seats_last");
    expect(seatsLeft({ free: 0, capacity: 100 }).key).toBe("seats_none");
  });
});

it("cheapest finds the lowest price", () => {
  expect(cheapest(show({}))).toBe(1200);
  expect(cheapest(show({ prices: {} }))).toBeNull();
});
