import { hasText, text } from "../../shared/i18n/i18n";
import { Link } from "../../shared/router";
import { Button } from "../../shared/ui/Button";
import { Notice } from "../../shared/ui/Notice";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import { useBook } from "../show/useBook";
import { requestForBest } from "../show/wishes";
import { askedOf } from "./attempts";
import type { PartProps } from "./BookingPage";

/** Failed or cancelled: why, and what to do now. */
export function Ended({ booking, show }: PartProps) {
  const reason = booking.reason ?? booking.status;
  const key = hasText(`reason.${reason}`) ? `reason.${reason}` : "reason.other";
  const seats = booking.seats.length ? `?seats=${booking.seats.map(encodeURIComponent).join(",")}` : "";
  const gone = booking.reason === "SEAT_TAKEN" ? (askedOf(booking.id)?.seats ?? []) : [];
  return (
    <>
      <h1 tabIndex={-1}>{text(booking.status === "CANCELLED" ? "booking_cancelled" : "booking_failed")}</h1>
      <Notice kind={booking.status === "CANCELLED" ? "info" : "warn"}>
        <p>{gone.length === 1 ? text("seats_gone", { n: 1, seats: gone.join() }) : text(key)}</p>
        {gone.length > 1 && <p>{text("you_asked_for", { seats: gone.join(", ") })}</p>}
      </Notice>
      {gone.length > 0 && <Instead showId={show.id} quantity={gone.length} />}
      <p class="soft">
        {show.name} · {text("reference")} <span class="mono">{booking.reference}</span>
      </p>
      {booking.replaced_by && <Link to={`/bookings/${booking.replaced_by}`}>{text("replaced_by")}</Link>}
      <div class="row">
        {gone.length > 0 && (
          <Link class="button" to={`/shows/${show.id}?near=${gone.map(encodeURIComponent).join(",")}`}>
            {text("choose_nearby")}
          </Link>
        )}
        <Link
          class={gone.length > 0 ? "button" : "button primary"}
          to={`/shows/${show.id}${booking.reason === "HOLD_EXPIRED" ? seats : ""}`}
        >
          {text(booking.reason === "HOLD_EXPIRED" ? "try_same_seats" : "choose_other_seats")}
        </Link>
        <Link class="button" to="/">
          {text("other_shows")}
        </Link>
      </div>
    </>
  );
}

/** As many of the best seats, in place of those that were wanted. */
function Instead({ showId, quantity }: { showId: number; quantity: number }) {
  const booker = useBook();
  const book = () =>
    booker.book(requestForBest(showId, { quantity, category: null, together: true, accessible: false }));
  return (
    <>
      {booker.problem.value && <ProblemNotice problem={booker.problem.value} onRetry={book} />}
      <div class="row">
        <Button kind="primary" busy={booker.busy.value} onClick={book}>
          {text("best_instead", { n: quantity })}
        </Button>
      </div>
    </>
  );
}
