/** The server's time by this machine's steady clock: a wrong clock of the reader's does not matter. */

/** What performance.now() has to be added to. Null until an answer has come. */
let offsetMs: number | null = null;
let tripMs = Number.POSITIVE_INFINITY;

/** Learn from an answer's Date header (whole seconds). The answer that came fastest is believed. */
export function learn(date: string | null, sentMs: number, receivedMs: number): void {
  const told = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(told) || receivedMs - sentMs >= tripMs) return;
  tripMs = receivedMs - sentMs;
  // The header has no fraction: half a second on average.
  offsetMs = told + 500 - (sentMs + receivedMs) / 2;
}

/** Return the server's time in milliseconds since 1970; this machine's, until an answer has come. */
export function serverNow(): number {
  return offsetMs === null ? Date.now() : offsetMs + performance.now();
}
