import { describe, expect, it } from "vitest";
import { fieldOf, instantOf } from "./times";

describe("an instant of a filter", () => {
  it("survives the way through the field", () => {
    const iso = "2027-03-01T12:30:15.000Z";
    expect(instantOf(fieldOf(iso))).toBe(iso);
  });

  it("is none while the field is empty or unfinished", () => {
    expect(instantOf("")).toBeNull();
    expect(instantOf("soon")).toBeNull();
    expect(fieldOf(null)).toBe("");
    expect(fieldOf("yesterday")).toBe("");
  });
});
