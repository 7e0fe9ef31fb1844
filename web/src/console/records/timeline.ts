/** The way of an operation through its lane, as steps with the time between them. Pure. */

import type { components } from "../../shared/api/schema";

export type Decision = components["schemas"]["DecisionAnswer"];

export interface Step {
  readonly name: "accepted" | "decided" | "recorded";
  readonly at: string;
  /** Since the step before, ms; null for the first. Clocks of several machines are compared: never below 0. */
  readonly afterMs: number | null;
}

/** Return a decision's steps: accepted, decided, recorded. */
export function steps(decision: Decision): readonly Step[] {
  const { accepted_at: accepted, decided_at: decided, recorded_at: recorded } = decision;
  return [
    { name: "accepted", at: accepted, afterMs: null },
    { name: "decided", at: decided, afterMs: between(accepted, decided) },
    { name: "recorded", at: recorded, afterMs: between(decided, recorded) },
  ];
}

function between(from: string, to: string): number {
  return Math.max(0, Date.parse(to) - Date.parse(from));
}
