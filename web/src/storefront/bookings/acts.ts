import { type Signal, useSignal } from "@preact/signals";
import { api, ok } from "../../shared/api/client";
import { ApiProblem, offline } from "../../shared/api/problems";
import type { Booking } from "./attempts";

export type ActKind = "confirm" | "extend" | "cancel";

export interface Failed {
  readonly name: ActKind | "release";
  readonly problem: ApiProblem;
}

export interface Acts {
  /** The act that has been sent and not answered. */
  readonly busy: Signal<string | null>;
  /** What went wrong with the last act. */
  readonly failed: Signal<Failed | undefined>;
  readonly run: (kind: ActKind) => void;
  /** Give back some of the seats. */
  readonly release: (seats: readonly string[]) => void;
}

/** What the owner can do with a booking. All of it may be repeated: the server does each once. */
export function useAct(id: string, accept: (booking: Booking) => void): Acts {
  const busy = useSignal<string | null>(null);
  const failed = useSignal<Failed | undefined>(undefined);
  const perform = async (name: Failed["name"], call: () => Promise<Booking>) => {
    if (busy.value) return;
    busy.value = name;
    failed.value = undefined;
    try {
      accept(await call());
    } catch (error) {
      failed.value = { name, problem: error instanceof ApiProblem ? error : offline(error) };
    }
    busy.value = null;
  };
  return {
    busy,
    failed,
    run: (kind) => void perform(kind, () => CALLS[kind](id)),
    release: (seats) =>
      void perform("release", () =>
        ok(
          api.DELETE("/api/bookings/{booking_id}", {
            params: { path: { booking_id: id } },
            body: { seats: [...seats] },
          }),
        ),
      ),
  };
}

const CALLS: Record<ActKind, (id: string) => Promise<Booking>> = {
  confirm: (id) =>
    ok(api.PATCH("/api/bookings/{booking_id}/confirm", { params: { path: { booking_id: id } } })),
  extend: (id) =>
    ok(api.PATCH("/api/bookings/{booking_id}/extend", { params: { path: { booking_id: id } } })),
  cancel: (id) => ok(api.DELETE("/api/bookings/{booking_id}", { params: { path: { booking_id: id } } })),
};
