import { useSignal } from "@preact/signals";
import { number } from "../../shared/format";
import { text } from "../../shared/i18n/i18n";
import { ActButton } from "./ActButton";
import { useBookingActs } from "./acts";
import type { PartProps } from "./BookingPage";
import { Facts } from "./Facts";

/** In line: the place, which moves as others are decided, and that nothing is lost by leaving. */
export function Queued({ booking, show, accept }: PartProps) {
  const act = useBookingActs(booking.id, accept);
  const first = useSignal(booking.position ?? 1);
  const position = booking.position;
  if (position !== null && position > first.value) first.value = position;
  const done = position === null ? 0 : 1 - (position - 1) / Math.max(1, first.value - 1 || 1);
  return (
    <>
      <h1 tabIndex={-1}>{text("in_line")}</h1>
      <div class="card line" aria-live="polite" aria-atomic="true">
        {position !== null && (
          <>
            <p class="line-number">
              <span class="soft">{text("place_in_line")}</span>
              <strong>{number(position)}</strong>
            </p>
            <p>{text("people_ahead", { n: position - 1 })}</p>
          </>
        )}
        <p class="soft">{etaText(booking.eta_ms, booking.delayed)}</p>
      </div>
      <progress class="line-progress" max="1" value={done} aria-label={text("place_in_line")} />
      <p>{text("closing_loses_nothing")}</p>
      <Facts booking={booking} show={show} />
      <div class="row">
        <ActButton act={act} kind="cancel" label={text("leave_line")} confirm={text("leave_line_question")} />
      </div>
    </>
  );
}

/** Return when the outcome is expected, no more exactly than it is known. */
export function etaText(etaMs: number | null, delayed: boolean): string {
  if (delayed) return text("eta_delayed");
  if (etaMs === null) return text("eta_unknown");
  const seconds = Math.ceil(etaMs / 1000);
  if (seconds <= 5) return text("eta_moment");
  if (seconds < 60) return text("eta_seconds", { n: Math.ceil(seconds / 5) * 5 });
  return text("eta_minutes", { n: Math.ceil(seconds / 60) });
}
