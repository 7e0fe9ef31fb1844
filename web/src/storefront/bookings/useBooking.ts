import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, ok } from "../../shared/api/client";
import { follow, pause } from "../../shared/api/events";
import { ApiProblem } from "../../shared/api/problems";
import type { Booking } from "./attempts";

export interface FollowedBooking {
  readonly booking: Signal<Booking | undefined>;
  /** When `booking` was received, by performance.now(): its `expires_in_ms` and `eta_ms` count from then. */
  readonly receivedAt: Signal<number>;
  readonly problem: Signal<ApiProblem | undefined>;
  /** Whether the server is heard. While it is not, what is shown may be old. */
  readonly connected: Signal<boolean>;
  /** Show a newer state, as an act's answer has it. */
  readonly accept: (booking: Booking) => void;
}

const AGAIN_MS = 2_000;
/** A hold's end is looked up this often near its deadline, in which nothing may be published. */
const QUIET_MS = 5_000;

/** Follow a booking as long as anything may happen to it: by its events, which bring the place in line. */
export function useBooking(id: string): FollowedBooking {
  const booking = useSignal<Booking | undefined>(undefined);
  const receivedAt = useSignal(0);
  const problem = useSignal<ApiProblem | undefined>(undefined);
  const connected = useSignal(true);
  const accept = (next: Booking) => {
    const known = booking.value;
    if (known && isOlder(next, known)) return;
    receivedAt.value = performance.now();
    booking.value = next;
    problem.value = undefined;
  };
  useEffect(() => {
    const abort = new AbortController();
    const run = () =>
      followBooking(id, abort.signal, accept, (open) => {
        connected.value = open;
      });
    run().catch((error) => {
      if (!abort.signal.aborted)
        problem.value = error instanceof ApiProblem ? error : new ApiProblem("internal", 500, String(error));
    });
    return () => abort.abort();
  }, [id]);
  return { booking, receivedAt, problem, connected, accept };
}

/** Return whether a state is older than another: a slow answer must not undo a faster one. */
export function isOlder(next: Booking, known: Booking): boolean {
  return next.version < known.version;
}

async function followBooking(
  id: string,
  signal: AbortSignal,
  accept: (booking: Booking) => void,
  connected: (open: boolean) => void,
): Promise<void> {
  accept(await read(id, signal, connected));
  for (;;) {
    let last: Booking | undefined;
    await follow(`api/bookings/${id}/events`, {
      signal,
      onState: connected,
      onEvent: ({ data }) => {
        last = data as Booking;
        accept(last);
        return last.poll_after_ms !== null;
      },
    });
    if (signal.aborted || last?.status !== "PENDING") return;
    // A hold: nothing moves by itself until its deadline, after which the server expires it.
    await pause(Math.min(last.expires_in_ms ?? QUIET_MS, QUIET_MS), signal);
    if (signal.aborted) return;
    accept(await read(id, signal, connected));
  }
}

/** Read a booking, however long the server cannot be reached. Throws: ApiProblem, if it will not answer. */
async function read(id: string, signal: AbortSignal, connected: (open: boolean) => void): Promise<Booking> {
  for (;;) {
    try {
      const path = { booking_id: id };
      const found = await ok(api.GET("/api/bookings/{booking_id}", { params: { path }, signal }));
      connected(true);
      return found;
    } catch (error) {
      if (signal.aborted) throw error;
      if (error instanceof ApiProblem && error.status >= 400 && error.status < 500 && error.status !== 429)
        throw error;
      connected(false);
      await pause(AGAIN_MS, signal);
      if (signal.aborted) throw error;
    }
  }
}
