import { expect, it } from "vitest";
import { bookingPage } from "./searched";

it("finds a booking by its id, whatever surrounds it", () => {
  expect(bookingPage(" 0197C0DE-0000-7000-8000-0123456789AB\n")).toBe(
    "/console/bookings/0197c0de-0000-7000-8000-0123456789ab",
  );
});

it("takes everything else for a reference", () => {
  expect(bookingPage("7K2M & 9")).toBe("/console/bookings?reference=7K2M%20%26%209");
  expect(bookingPage("  ")).toBeNull();
});
