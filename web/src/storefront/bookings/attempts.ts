/**
 * Requests for bookings that survive reloads, lost answers and a dead network.
 *
 * A request's Idempotency-Key is made and kept before it is sent, and forgotten once its answer is known. Whatever
 * happens in between, the same request goes with the same key, so it is one booking.
 */

import { api, ok } from "../../shared/api/client";
import { ApiProblem, isPassing } from "../../shared/api/problems";
import type { components } from "../../shared/api/schema";
import { keep, kept } from "../../shared/kept";

export type BookingRequest = components["schemas"]["BookingRequest"];
export type Booking = components["schemas"]["BookingStatus"];

export interface Attempt {
  readonly key: string;
  readonly userId: string;
  readonly request: BookingRequest;
  /** When it was begun, by this machine's clock. */
  readonly at: number;
}

/** After this, a request whose answer never came is not sent again by itself: its sender may not want it any more. */
const LASTS_MS = 10 * 60_000;
const ASKED = "asked";
const nameOf = (showId: number) => `attempt.${showId}`;

/** Return the request for a show whose answer this user does not know yet, or null. It is open for ten minutes. */
export function openAttempt(showId: number, userId: string, now = Date.now()): Attempt | null {
  try {
    const attempt = JSON.parse(kept(nameOf(showId)) ?? "null") as Attempt | null;
    if (attempt?.userId !== userId || attempt.request.show_id !== showId) return null;
    return Math.abs(now - attempt.at) < LASTS_MS ? attempt : null;
  } catch {
    return null;
  }
}

/** Return what was asked for with a booking, if it is the last one that this browser asked for; otherwise null. */
export function askedOf(bookingId: string): BookingRequest | null {
  try {
    const asked = JSON.parse(kept(ASKED) ?? "null") as { id: string; request: BookingRequest } | null;
    return asked?.id === bookingId ? asked.request : null;
  } catch {
    return null;
  }
}

/** Begin a request, or continue the same one if its answer is not known yet. */
export function begin(request: BookingRequest, userId: string, now = Date.now()): Attempt {
  const open = openAttempt(request.show_id, userId, now);
  if (open && JSON.stringify(open.request) === JSON.stringify(request)) return open;
  const attempt = { key: newKey(), userId, request, at: now };
  keep(nameOf(request.show_id), JSON.stringify(attempt));
  return attempt;
}

/** Return a random key. `crypto.randomUUID` exists over TLS and on localhost only. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (each) => each.toString(36)).join("-");
}

/** Give up an attempt: the next one is another request. */
export function forget(showId: number): void {
  keep(nameOf(showId), null);
}

/**
 * Send an attempt, which may have been sent before, and return its booking.
 *
 * Throws: ApiProblem. A passing one leaves the attempt open: it may have been accepted, so repeat it unchanged.
 */
export async function send(attempt: Attempt): Promise<Booking> {
  const showId = attempt.request.show_id;
  try {
    const booking = await ok(
      api.POST("/api/bookings", {
        params: { header: { "Idempotency-Key": attempt.key } },
        body: attempt.request,
      }),
    );
    forget(showId);
    keep(ASKED, JSON.stringify({ id: booking.id, request: attempt.request }));
    return booking;
  } catch (error) {
    if (error instanceof ApiProblem && !isPassing(error) && error.status !== 401) forget(showId);
    throw error;
  }
}
