/** Server-sent events by fetch, because a browser's EventSource cannot send an Authorization header. */

import { address } from "../base";
import { request } from "./client";
import { ApiProblem, problemOf } from "./problems";

export interface ServerEvent {
  readonly event: string;
  readonly data: unknown;
}

export interface Following {
  readonly signal: AbortSignal;
  /** Called with each event. Returning false ends the following. */
  readonly onEvent: (event: ServerEvent) => boolean | undefined;
  /** Called when the stream is open (true) and when it has broken and will be opened again (false). */
  readonly onState?: (open: boolean) => void;
}

const RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 15_000;

/** What a client has to remember between two connections. */
interface Place {
  lastId: string;
  retryMs: number;
  failures: number;
}

/**
 * Follow a stream until it is aborted or `onEvent` returns false, opening it again whenever it ends.
 *
 * Throws: ApiProblem if the server refuses it for good (4xx but 429).
 */
export async function follow(path: string, following: Following): Promise<void> {
  const { signal, onState } = following;
  const place: Place = { lastId: "", retryMs: RETRY_MS, failures: 0 };
  while (!signal.aborted) {
    try {
      if (!(await connection(path, place, following))) return;
    } catch (error) {
      if (signal.aborted) return;
      if (isFinal(error)) throw error;
      place.failures += 1;
    }
    onState?.(false);
    await pause(Math.min(place.retryMs * 2 ** Math.max(0, place.failures - 1), LONGEST_RETRY_MS), signal);
  }
}

/** Read one connection to its end. Return whether another may follow. */
async function connection(
  path: string,
  place: Place,
  { signal, onEvent, onState }: Following,
): Promise<boolean> {
  const headers = { Accept: "text/event-stream", ...(place.lastId && { "Last-Event-ID": place.lastId }) };
  const response = await request(new Request(address(path), { headers, signal }));
  if (!response.ok || !response.body) throw problemOf(response, await response.json().catch(() => null));
  onState?.(true);
  place.failures = 0;
  for await (const block of blocks(response.body)) {
    const { event, data, id, retry } = parse(block);
    if (retry) place.retryMs = Number(retry);
    if (id) place.lastId = id;
    if (event && data && onEvent({ event, data: JSON.parse(data) }) === false) return false;
  }
  return true;
}

function isFinal(error: unknown): boolean {
  return error instanceof ApiProblem && error.status >= 400 && error.status < 500 && error.status !== 429;
}

/** Return the blocks of a stream, which empty lines separate. */
async function* blocks(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

/** Return an event's fields. Comments have none. */
export function parse(block: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, "");
    const name = line.slice(0, colon);
    fields[name] = name === "data" && fields.data !== undefined ? `${fields.data}\n${value}` : value;
  }
  return fields;
}

/** Wait, or end at once when aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
