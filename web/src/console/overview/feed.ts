/** What the first screen polls: one set of requests a second, one set at a time, none while hidden or paused. */

import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, ok } from "../../shared/api/client";
import { ApiProblem, offline } from "../../shared/api/problems";
import type { components } from "../../shared/api/schema";
import { joined } from "./samples";
import type { Lanes, Sample, Show, Stores } from "./verdict";

type Worker = components["schemas"]["WorkerAnswer"];

export interface Picture {
  readonly at: number;
  readonly lanes: Lanes;
  readonly workers: readonly Worker[];
  readonly stores: Stores;
  /** Undefined while Postgres cannot be asked. */
  readonly shows: readonly Show[] | undefined;
}

export interface Feed {
  readonly picture: Signal<Picture | undefined>;
  readonly samples: Signal<readonly Sample[]>;
  readonly problem: Signal<ApiProblem | undefined>;
  readonly paused: Signal<boolean>;
}

const EVERY_MS = 1000;
/** Samples per request: an hour takes six. */
const PAGE = 600;
const HOUR_MS = 3_600_000;

export function useFeed(): Feed {
  const picture = useSignal<Picture | undefined>(undefined);
  const samples = useSignal<readonly Sample[]>([]);
  const problem = useSignal<ApiProblem | undefined>(undefined);
  const paused = useSignal(false);
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      try {
        const [next, later] = await Promise.all([
          pictureNow(abort.signal),
          newSamples(samples.value, abort.signal),
        ]);
        picture.value = next;
        samples.value = joined(samples.value, later);
        problem.value = undefined;
      } catch (error) {
        if (!abort.signal.aborted) problem.value = error instanceof ApiProblem ? error : offline(error);
      }
    };
    const poll = async () => {
      if (!document.hidden && !paused.value) await look();
      if (!abort.signal.aborted) timer = setTimeout(() => void poll(), EVERY_MS);
    };
    void poll();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, []);
  return { picture, samples, problem, paused };
}

async function pictureNow(signal: AbortSignal): Promise<Picture> {
  const [lanes, workers, stores, shows] = await Promise.all([
    ok(api.GET("/api/admin/lanes", { params: { query: { within_s: 10 } }, signal })),
    ok(api.GET("/api/admin/workers", { signal })),
    ok(api.GET("/api/admin/stores", { signal })),
    // The first three work without Postgres; an operator needs them most while this one does not.
    ok(api.GET("/api/shows", { params: { query: { limit: 50 } }, signal })).catch(() => undefined),
  ]);
  return { at: Date.now(), lanes, workers: workers.workers, stores, shows: shows?.shows };
}

/** Return the samples after the last known one: at the start those of the whole hour, page by page. */
async function newSamples(known: readonly Sample[], signal: AbortSignal): Promise<readonly Sample[]> {
  const found: Sample[] = [];
  let since = known.at(-1)?.at ?? new Date(Date.now() - HOUR_MS).toISOString();
  for (;;) {
    const query = { since, limit: PAGE };
    const { samples } = await ok(api.GET("/api/admin/samples", { params: { query }, signal }));
    found.push(...samples);
    const last = samples.at(-1);
    if (samples.length < PAGE || !last) return found;
    since = last.at;
  }
}
