import { clock, money } from "../../shared/format";
import { text } from "../../shared/i18n/i18n";
import { Notice } from "../../shared/ui/Notice";
import { ActButton } from "./ActButton";
import { useBookingActs } from "./acts";
import type { PartProps } from "./BookingPage";
import { announced, useCountdown } from "./countdown";
import { Facts } from "./Facts";
import { SeatRelease } from "./SeatRelease";

/** Seats are kept: until when, and what to do before. Nothing is booked yet, and nothing here says so. */
export function Held({ booking, show, receivedAt, accept }: PartProps) {
  const act = useBookingActs(booking.id, accept);
  const left = useCountdown(booking.expires_in_ms ?? 0, receivedAt);
  const seconds = Math.ceil(left.value / 1000);
  const due = announced(seconds);
  const pending = booking.pending_operation;
  return (
    <>
      <h1 tabIndex={-1}>{text(seconds > 0 ? "seats_held" : "hold_ending")}</h1>
      <div class={`card hold ${due === 20 ? "urgent" : ""}`}>
        <p class="soft">{text("hold_left")}</p>
        <p class="hold-clock" role="timer" aria-live="off">
          {clock(seconds)}
        </p>
        <p>{text(seconds > 0 ? "hold_explained" : "hold_ending_explained")}</p>
      </div>
      <p class="unseen" role="status">
        {due !== null && seconds > 0 && text("hold_announced", { n: due })}
      </p>
      {pending && <Notice>{text("being_decided", { n: Math.max(0, (booking.position ?? 1) - 1) })}</Notice>}
      {booking.last_operation?.outcome === "REFUSED" && <Notice kind="warn">{text("act_refused")}</Notice>}
      <Facts booking={booking} show={show} />
      <div class="row">
        <ActButton
          act={act}
          kind="confirm"
          primary
          label={confirmLabel(booking.amount_cents, show.currency)}
        />
        {show.hold_extension_s > 0 && !booking.extended && (
          <ActButton
            act={act}
            kind="extend"
            label={text("extend_hold", { minutes: clock(show.hold_extension_s) })}
          />
        )}
        <ActButton act={act} kind="cancel" label={text("give_back")} confirm={text("give_back_question")} />
      </div>
      {booking.seats.length > 1 && <SeatRelease booking={booking} act={act} />}
    </>
  );
}

function confirmLabel(amount: number | null, currency: string): string {
  return amount === null ? text("confirm") : text("confirm_for", { price: money(amount, currency) });
}
