import { expect, test } from "vitest";
import { isCatalogue, isPage } from "./rules";

test.each(["/", "/shop/"])("pages of the storefront are answered below %s, and nothing else", (base) => {
  for (const path of ["", "shows/7", "bookings", "bookings/0-1", "account/sign-in"])
    expect(isPage(base + path, base), path).toBe(true);
  for (const path of ["console", "console/shows", "docs", "api/shows/7", "showsy", "metrics"])
    expect(isPage(base + path, base), path).toBe(false);
});

test("what belongs to somebody or changes by the second is not kept", () => {
  for (const path of ["/api/shows/upcoming", "/api/shows/7", "/api/halls/3/layout", "/api/installation"])
    expect(isCatalogue(path, "/"), path).toBe(true);
  for (const path of [
    "/api/auth/bookings",
    "/api/bookings/7",
    "/api/shows/7/events",
    "/api/shows/7/seats/state",
  ])
    expect(isCatalogue(path, "/"), path).toBe(false);
  expect(isCatalogue("/api/shows/7", "/shop/")).toBe(false);
});
