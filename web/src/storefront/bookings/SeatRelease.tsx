import { useSignal } from "@preact/signals";
import { text } from "../../shared/i18n/i18n";
import { Button } from "../../shared/ui/Button";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import type { BookingActs } from "./acts";
import type { Booking } from "./attempts";

/** Give back some of the seats, and keep the rest. */
export function SeatRelease({ booking, act }: { booking: Booking; act: BookingActs }) {
  const chosen = useSignal<readonly string[]>([]);
  const problem = act.problemOf("release");
  const seats = chosen.value.filter((seat) => booking.seats.includes(seat));
  const toggle = (seat: string) => {
    chosen.value = seats.includes(seat) ? seats.filter((each) => each !== seat) : [...seats, seat];
  };
  return (
    <details class="no-print">
      <summary>{text("release_some")}</summary>
      <fieldset class="release">
        <legend class="soft">{text("release_explained")}</legend>
        {booking.seats.map((seat) => (
          <label key={seat} class="check">
            <input type="checkbox" checked={seats.includes(seat)} onChange={() => toggle(seat)} />
            {seat}
          </label>
        ))}
      </fieldset>
      {problem && <ProblemNotice problem={problem} onRetry={() => act.release(seats)} />}
      <Button
        busy={act.isBusy("release")}
        unavailable={
          seats.length === 0 || seats.length === booking.seats.length ? text("release_choose") : undefined
        }
        onClick={() => act.release(seats)}
      >
        {text("release_seats", { n: seats.length })}
      </Button>
    </details>
  );
}
