import { text } from "../../shared/i18n/i18n";
import { serverNow } from "../../shared/server_clock";
import { Button } from "../../shared/ui/Button";
import { ActButton } from "./ActButton";
import { useBookingActs } from "./acts";
import type { PartProps } from "./BookingPage";
import { Facts } from "./Facts";
import { SeatRelease } from "./SeatRelease";

/** Booked: what to show at the door, on paper too. */
export function Ticket({ booking, show, accept }: PartProps) {
  const act = useBookingActs(booking.id, accept);
  const begun = Date.parse(show.starts_at) <= serverNow();
  return (
    <>
      <h1 tabIndex={-1}>{text("booked")}</h1>
      <article class="ticket">
        <p class="ticket-title">{show.name}</p>
        <Facts booking={booking} show={show} />
      </article>
      <div class="row no-print">
        <Button kind="primary" onClick={() => window.print()}>
          {text("print")}
        </Button>
        {!begun && (
          <ActButton
            act={act}
            kind="cancel"
            label={text("cancel_booking")}
            confirm={text("cancel_booking_question")}
          />
        )}
      </div>
      {!begun && booking.seats.length > 1 && <SeatRelease booking={booking} act={act} />}
    </>
  );
}
