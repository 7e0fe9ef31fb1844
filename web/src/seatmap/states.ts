/** What state each seat is in: two bits a seat, whole or as changes (docs/seat-maps.md). Pure. */

import type { components } from "../shared/api/schema";

export type StatesAnswer = components["schemas"]["SeatStatesAnswer"];
export const FREE = 0;
export const HELD = 1;
export const SOLD = 2;

/** Return the states that base64 text holds: seat i is in byte i / 4, at the bits 2 * (i % 4). */
export function decode(base64: string, seats: number): Uint8Array {
  const bytes = atob(base64);
  const states = new Uint8Array(seats);
  for (let index = 0; index < seats; index += 1) {
    states[index] = (bytes.charCodeAt(index >> 2) >> (2 * (index & 3))) & 3;
  }
  return states;
}

export interface Known {
  readonly version: number;
  readonly states: Uint8Array;
}

export interface Step {
  readonly known: Known;
  /** The seats that have changed; null: any may have. */
  readonly changed: readonly number[] | null;
}

/** Return what is known after an answer, or null if the answer has changes since a version that is not known. */
export function advance(known: Known | null, answer: StatesAnswer): Step | null {
  if (known && answer.version < known.version) return { known, changed: [] };
  if (answer.states !== null) {
    return { known: { version: answer.version, states: decode(answer.states, answer.seats) }, changed: null };
  }
  if (!known || answer.since !== known.version) return null;
  const states = known.states.slice();
  const changed: number[] = [];
  for (const pair of answer.changes ?? []) {
    const [index, state] = pair as unknown as [number, number];
    states[index] = state;
    changed.push(index);
  }
  return { known: { version: answer.version, states }, changed };
}
