import { type Signal, useSignal } from "@preact/signals";
import { ApiProblem, offline } from "../../shared/api/problems";
import { user } from "../../shared/api/session";
import { navigate } from "../../shared/router";
import { begin, openAttempt, send } from "../bookings/attempts";
import type { Request } from "./wishes";

export interface Booker {
  readonly busy: Signal<boolean>;
  readonly problem: Signal<ApiProblem | undefined>;
  /** A request that waits for its sender to sign in. */
  readonly unsigned: Signal<Request | null>;
  readonly book: (request: Request) => void;
}

/** Send requests for bookings, and go to the booking that each becomes. */
export function useBook(): Booker {
  const busy = useSignal(false);
  const problem = useSignal<ApiProblem | undefined>(undefined);
  const unsigned = useSignal<Request | null>(null);
  const book = async (request: Request) => {
    const buyer = user.value;
    if (!buyer) {
      unsigned.value = request;
      return;
    }
    if (busy.value) return;
    busy.value = true;
    problem.value = undefined;
    unsigned.value = null;
    try {
      const booking = await send(begin(request, buyer.id));
      navigate(`/bookings/${booking.id}`);
    } catch (error) {
      problem.value = error instanceof ApiProblem ? error : offline(error);
      if (problem.value.status === 401) unsigned.value = request;
    }
    busy.value = false;
  };
  return { busy, problem, unsigned, book: (request) => void book(request) };
}

/** Return the request of an earlier visit whose answer never came, to send it again. */
export function unansweredRequest(showId: number): Request | null {
  const buyer = user.value;
  return buyer ? (openAttempt(showId, buyer.id)?.request ?? null) : null;
}
