import { expect, it } from "vitest";
import { type Decision, steps } from "./timeline";

const decision = (accepted: string, decided: string, recorded: string) =>
  ({ accepted_at: accepted, decided_at: decided, recorded_at: recorded }) as Decision;

it("tells the time between the steps of a decision", () => {
  const found = steps(
    decision("2027-01-01T10:00:00.000Z", "2027-01-01T10:00:01.250Z", "2027-01-01T10:00:01.258Z"),
  );
  expect(found.map((step) => [step.name, step.afterMs])).toEqual([
    ["accepted", null],
    ["decided", 1250],
    ["recorded", 8],
  ]);
});

it("never goes back in time where two machines' clocks differ", () => {
  const found = steps(
    decision("2027-01-01T10:00:00.010Z", "2027-01-01T10:00:00.000Z", "2027-01-01T10:00:00.002Z"),
  );
  expect(found.map((step) => step.afterMs)).toEqual([null, 0, 2]);
});
