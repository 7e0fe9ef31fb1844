import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, ok } from "../shared/api/client";
import { follow, pause } from "../shared/api/events";
import { user } from "../shared/api/session";
import { advance, type Known, type StatesAnswer } from "./states";

const POLL_MS = 2_000;

export interface SeatStates {
  /** Null until the first answer. */
  readonly known: Signal<Known | null>;
  /** Whether the server is heard: if not, what is drawn may be old. */
  readonly live: Signal<boolean>;
}

/**
 * Follow the states of a show's seats: by events if somebody is signed in, which streams need; otherwise, and where
 * streams do not get through, by asking every two seconds.
 */
export function useSeatStates(showId: number | undefined): SeatStates {
  const known = useSignal<Known | null>(null);
  const live = useSignal(true);
  const streams = user.value !== null && user.value !== undefined;
  useEffect(() => {
    if (showId === undefined) return;
    const abort = new AbortController();
    void run(showId, streams, { known, live }, abort.signal);
    return () => abort.abort();
  }, [showId, streams]);
  return { known, live };
}

async function run(showId: number, streams: boolean, states: SeatStates, signal: AbortSignal): Promise<void> {
  await poll(showId, states, signal);
  if (streams && !signal.aborted) {
    // A refusal ends it: too many streams, or a proxy that collects answers. Polling goes on.
    await follow(`api/shows/${showId}/events`, {
      signal,
      onState: (open) => {
        states.live.value = open;
      },
      onEvent: ({ event, data }) => {
        if (event === "seats") take(states, data as StatesAnswer);
        return true;
      },
    }).catch(() => {});
  }
  while (!signal.aborted) {
    await pause(POLL_MS, signal);
    if (!signal.aborted && !document.hidden) await poll(showId, states, signal);
  }
}

function take(states: SeatStates, answer: StatesAnswer): void {
  const step = advance(states.known.value, answer);
  if (step) states.known.value = step.known;
}

async function poll(showId: number, states: SeatStates, signal: AbortSignal): Promise<void> {
  const known = states.known.value;
  const query = known ? { since: known.version } : {};
  try {
    take(
      states,
      await ok(
        api.GET("/api/shows/{show_id}/seats/state", { params: { path: { show_id: showId }, query }, signal }),
      ),
    );
    states.live.value = true;
  } catch {
    states.live.value = false;
  }
}
