import { expect, it } from "vitest";
import { announced, leftOf } from "./countdown";

it("counts from when the answer was received, and never below zero", () => {
  expect(leftOf(120_000, 1_000, 31_000)).toBe(90_000);
  expect(leftOf(1_000, 0, 5_000)).toBe(0);
});

it("announces the last minute and the last twenty seconds", () => {
  expect(announced(61)).toBeNull();
  expect(announced(60)).toBe(60);
  expect(announced(21)).toBe(60);
  expect(announced(20)).toBe(20);
  expect(announced(0)).toBe(20);
});
