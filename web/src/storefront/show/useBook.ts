import { type Signal, useSignal } from "@preact/signals";
import type { ApiProblem } from "../../shared/api/problems";
import { user } from "../../shared/api/session";
import { navigate } from "../../shared/router";
import { useAct } from "../../shared/ui/useAct";
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
  const { busy, problem, run } = useAct();
  const unsigned = useSignal<Request | null>(null);
  const book = async (request: Request) => {
    const buyer = user.value;
    unsigned.value = buyer ? null : request;
    if (!buyer) return;
    await run(async () => navigate(`/bookings/${(await send(begin(request, buyer.id))).id}`));
    if (problem.value?.status === 401) unsigned.value = request;
  };
  return { busy, problem, unsigned, book: (request) => void book(request) };
}

/** Return the request of an earlier visit whose answer never came, to send it again. */
export function unansweredRequest(showId: number): Request | null {
  const buyer = user.value;
  return buyer ? (openAttempt(showId, buyer.id)?.request ?? null) : null;
}
