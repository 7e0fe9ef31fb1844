import { useSignal } from "@preact/signals";
import { api, ok } from "../../shared/api/client";
import type { ApiProblem } from "../../shared/api/problems";
import { useAct } from "../../shared/ui/useAct";
import type { Booking } from "./attempts";

export type ActKind = "confirm" | "extend" | "cancel";

type Name = ActKind | "release";

export interface BookingActs {
  /** Whether an act has been sent and not answered. */
  readonly isBusy: (name: Name) => boolean;
  /** What went wrong with the last act, if it was this one. */
  readonly problemOf: (name: Name) => ApiProblem | undefined;
  readonly run: (kind: ActKind) => void;
  /** Give back some of the seats. */
  readonly release: (seats: readonly string[]) => void;
}

/** What the owner can do with a booking. All of it may be repeated: the server does each once. */
export function useBookingActs(id: string, accept: (booking: Booking) => void): BookingActs {
  const act = useAct();
  const last = useSignal<Name | null>(null);
  const perform = (name: Name, call: () => Promise<Booking>) => {
    if (act.busy.value) return;
    last.value = name;
    void act.run(async () => accept(await call()));
  };
  return {
    isBusy: (name) => act.busy.value && last.value === name,
    problemOf: (name) => (last.value === name ? act.problem.value : undefined),
    run: (kind) => perform(kind, () => CALLS[kind](id)),
    release: (seats) =>
      perform("release", () =>
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
