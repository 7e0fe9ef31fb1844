/** Refusals of the API (RFC 9457), as errors with a stable code. */

export interface Fault {
  readonly field: string;
  readonly detail: string;
}

/** A refusal, or (code "offline") a request that got no answer. */
export class ApiProblem extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly detail: string,
    /** When the server says that it may be tried again. Null if it does not say. */
    readonly retryAfterS: number | null = null,
    /** All members of the answer, such as `seats` of `seat_taken` or `errors` of `invalid_request`. */
    readonly members: Readonly<Record<string, unknown>> = {},
  ) {
    super(`${status} ${code}: ${detail}`);
  }
}

/** Return whether trying again, later and unchanged, may succeed. */
export function isPassing(problem: ApiProblem): boolean {
  return problem.status === 0 || problem.status === 429 || problem.status >= 500;
}

/** Return the problem that a response other than 2xx stands for. Args: body: as read, if it is JSON. */
export function problemOf(response: Response, body: unknown): ApiProblem {
  const members = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const code = typeof members.code === "string" ? members.code : `http_${response.status}`;
  const detail = typeof members.detail === "string" ? members.detail : response.statusText;
  const after = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return new ApiProblem(code, response.status, detail, Number.isFinite(after) ? after : null, members);
}

/** Return the problem of a request that got no answer. */
export function offline(cause: unknown): ApiProblem {
  return new ApiProblem("offline", 0, cause instanceof Error ? cause.message : String(cause));
}
