import { number } from "../../shared/format";
import { text } from "../../shared/i18n/i18n";
import { ActButton } from "./ActButton";
import { useBookingActs } from "./acts";
import type { PartProps } from "./BookingPage";
import { Facts } from "./Facts";

/** On the waiting list: the place, and what happens when seats become free. */
export function WaitingForSeats({ booking, show, accept }: PartProps) {
  const act = useBookingActs(booking.id, accept);
  return (
    <>
      <h1 tabIndex={-1}>{text("on_waiting_list")}</h1>
      <div class="card line" aria-live="polite">
        {booking.waiting_position !== null && (
          <p class="line-number">
            <span class="soft">{text("place_in_list")}</span>
            <strong>{number(booking.waiting_position)}</strong>
          </p>
        )}
        <p>{text("waiting_explained")}</p>
      </div>
      <Facts booking={booking} show={show} />
      <div class="row">
        <ActButton act={act} kind="cancel" label={text("leave_list")} confirm={text("leave_list_question")} />
      </div>
    </>
  );
}
