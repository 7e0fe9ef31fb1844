/** The states of a show's seats as they change: by server-sent events for who is signed in, else by asking again. */

import { type Signal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { api, ok } from "../shared/api/client";
import { follow, pause, type ServerEvent } from "../shared/api/events";
import { ApiProblem, offline } from "../shared/api/problems";
import { user } from "../shared/api/session";
import { type Change, SeatStates, type SeatStatesAnswer } from "./states";

const POLL_MS = 2_000;
const LONGEST_POLL_MS = 15_000;

export interface SeatFeed {
  /** The states themselves. They change in place, just before `version` does. */
  readonly states: SeatStates;
  /** The version that is known; -1 before the first answer. */
  readonly version: Signal<number>;
  /** Which seats the latest version changed. */
  readonly changed: Signal<Change>;
  /** Whether a stream tells of changes at once. */
  readonly live: Signal<boolean>;
  /** Why nothing is known, or why it may be out of date. */
  readonly problem: Signal<ApiProblem | null>;
}

/** Follow the states of a show while the component is there. Without a show nothing is known, and nothing is asked. */
export function useSeatStates(showId: number | undefined): SeatFeed {
  const feed = useMemo(makeFeed, [showId]);
  const signedIn = Boolean(user.value);
  useEffect(() => {
    if (showId === undefined) return;
    const abort = new AbortController();
    void poll(showId, feed, abort.signal);
    if (signedIn) void stream(showId, feed, abort.signal);
    return () => abort.abort();
  }, [showId, signedIn]);
  return feed;
}

export function makeFeed(): SeatFeed {
  return {
    states: new SeatStates(),
    version: signal(-1),
    changed: signal<Change>([]),
    live: signal(false),
    problem: signal<ApiProblem | null>(null),
  };
}

/** Take over an answer. Return whether it fitted what was known. */
function take(feed: SeatFeed, answer: SeatStatesAnswer): boolean {
  const change = feed.states.apply(answer);
  if (change === null) return false;
  feed.problem.value = null;
  if (change !== "all" && !change.length) return true;
  feed.changed.value = change;
  feed.version.value = feed.states.version;
  return true;
}

/** Ask for the states once, and again every two seconds while no stream is open and the page is seen. */
async function poll(showId: number, feed: SeatFeed, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const idle = feed.version.value >= 0 && (feed.live.value || document.hidden);
    if (!idle) failures = (await ask(showId, feed, signal)) ? 0 : failures + 1;
    if (feed.problem.value?.status === 404) return;
    await pause(Math.min(POLL_MS * 2 ** Math.min(failures, 3), LONGEST_POLL_MS), signal);
  }
}

async function ask(showId: number, feed: SeatFeed, signal: AbortSignal): Promise<boolean> {
  const since = feed.states.version;
  const query = since >= 0 ? { since } : {};
  const path = { show_id: showId };
  try {
    const answer = await ok(api.GET("/api/shows/{show_id}/seats/state", { params: { path, query }, signal }));
    if (!signal.aborted) take(feed, answer);
    return true;
  } catch (error) {
    if (!signal.aborted) feed.problem.value = error instanceof ApiProblem ? error : offline(error);
    return false;
  }
}

async function stream(showId: number, feed: SeatFeed, signal: AbortSignal): Promise<void> {
  const onEvent = ({ event, data }: ServerEvent) => {
    if (event === "seats" && !take(feed, data as SeatStatesAnswer)) void ask(showId, feed, signal);
    return true;
  };
  const onState = (open: boolean) => {
    feed.live.value = open && !signal.aborted;
  };
  try {
    await follow(`api/shows/${showId}/events`, { signal, onEvent, onState });
  } catch {
    // The server refuses the stream for good: asking again has everything that is needed.
  } finally {
    feed.live.value = false;
  }
}
