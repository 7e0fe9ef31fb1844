import { describe, expect, it, vi } from "vitest";

vi.stubGlobal("document", { baseURI: "http://localhost/shop/" });
vi.stubGlobal("window", { location: { href: "http://localhost/shop/" }, addEventListener: () => {} });
const { match } = await import("./router");

describe("match", () => {
  it("returns the parameters of a path that fits", () => {
    expect(match("/shows/:showId", "/shows/7")).toEqual({ showId: "7" });
    expect(match("/", "/")).toEqual({});
  });

  it("returns null for a path of another length or with other segments", () => {
    expect(match("/shows/:showId", "/shows")).toBeNull();
    expect(match("/shows/:showId", "/movies/7")).toBeNull();
  });
});
