/** Acts on a show: they are accepted at once, and decided in the show's lane. */

import { api, ok } from "../../shared/api/client";
import type { components } from "../../shared/api/schema";
import type { Change } from "./change";

export type Answer = components["schemas"]["ChangeAnswer"];

const AGAIN_MS = 500;

export const change = (show_id: number, body: Change) =>
  ok(api.PATCH("/api/shows/{show_id}", { params: { path: { show_id } }, body }));

export const close = (show_id: number, cancelBookings: boolean) =>
  ok(
    api.DELETE("/api/shows/{show_id}", {
      params: { path: { show_id }, query: { cancel_bookings: cancelBookings ? "true" : "false" } },
    }),
  );

/** Tell an accepted act, and then its decision, however long that takes, until `signal` aborts. Throws: ApiProblem. */
export async function follow(
  accepted: Answer,
  tell: (answer: Answer) => void,
  signal: AbortSignal,
): Promise<void> {
  tell(accepted);
  let answer = accepted;
  while (answer.status === "ACCEPTED") {
    await new Promise((done) => setTimeout(done, AGAIN_MS));
    if (signal.aborted) return;
    const path = { show_id: answer.show_id, change_id: answer.id };
    answer = await ok(api.GET("/api/shows/{show_id}/changes/{change_id}", { params: { path }, signal }));
    tell(answer);
  }
}
