/** The states of a show's seats: two bits a seat, then what changes from version to version. */

import type { components } from "../shared/api/schema";

export type SeatStatesAnswer = components["schemas"]["SeatStatesAnswer"];

export const AVAILABLE = 0;
export const HELD = 1;
export const SOLD = 2;

/** What an answer changed: these seats, or so much that everything is to be drawn again. */
export type Change = readonly number[] | "all";

/** Return the states in a base64 text of two bits a seat, the lowest bits first. */
export function decodeStates(base64: string, seats: number): Uint8Array {
  const bytes = atob(base64);
  if (bytes.length < Math.ceil(seats / 4)) throw new RangeError("The states have fewer seats than the hall.");
  const states = new Uint8Array(seats);
  for (let seat = 0; seat < seats; seat++)
    states[seat] = (bytes.charCodeAt(seat >> 2) >> (2 * (seat & 3))) & 3;
  return states;
}

/** The states that are known, and their version: -1 before the first answer. */
export class SeatStates {
  states: Uint8Array = new Uint8Array(0);
  version = -1;

  /**
   * Take over an answer. Return what it changed, which may be nothing; null if it has changes since a version that is
   * not the present one, so that only all states help. What is older than the present version changes nothing.
   */
  apply(answer: SeatStatesAnswer): Change | null {
    if (answer.states !== null) return this.replace(answer.states, answer);
    if (answer.version <= this.version) return [];
    if (answer.since !== this.version) return null;
    const changed: number[] = [];
    for (const [seat, state] of answer.changes ?? []) {
      if (seat === undefined || state === undefined || this.states[seat] === state) continue;
      this.states[seat] = state;
      changed.push(seat);
    }
    this.version = answer.version;
    return changed;
  }

  private replace(states: string, answer: SeatStatesAnswer): Change {
    if (answer.version < this.version) return [];
    this.states = decodeStates(states, answer.seats);
    this.version = answer.version;
    return "all";
  }
}
