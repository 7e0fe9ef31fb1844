/** The API, typed by its OpenAPI document (schema.d.ts is generated from it: `make web-types`). */

import createClient from "openapi-fetch";
import { address } from "../base";
import { learn } from "../server_clock";
import { ApiProblem, offline, problemOf } from "./problems";
import type { paths } from "./schema";
import { authorized } from "./session";

/**
 * Fetch with the session's token if there is one, learn the server's time.
 *
 * Throws: ApiProblem "offline" if no answer comes.
 */
export async function request(input: Request): Promise<Response> {
  return authorized(input, async (each) => {
    const sent = performance.now();
    try {
      const response = await fetch(each);
      learn(response.headers.get("Date"), sent, performance.now());
      return response;
    } catch (error) {
      if (each.signal.aborted) throw error;
      throw offline(error);
    }
  });
}

/** The typed client. Its answers are unwrapped by `ok`. */
export const api = createClient<paths>({ baseUrl: address("").replace(/\/$/, ""), fetch: request });

interface Answer<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

/** Return an answer's body. Throws: ApiProblem for anything but 2xx. */
export async function ok<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw problemOf(response, error);
  return data as T;
}

export { ApiProblem };
