import { dateAndTime, money } from "../../shared/format";
import { text } from "../../shared/i18n/i18n";
import type { Show } from "../browse/sale";
import type { Booking } from "./attempts";

/** What is booked: show, time in the hall's zone, hall, seats, price, reference. */
export function Facts({ booking, show }: { booking: Booking; show: Show }) {
  const { seats, amount_cents: amount } = booking;
  return (
    <dl class="facts">
      <Fact name={text("show")} value={show.name} />
      <Fact name={text("when")} value={dateAndTime(show.starts_at, show.hall.time_zone)} />
      <Fact name={text("where")} value={show.hall.name} />
      {seats.length > 0 && <Fact name={text("seats_count", { n: seats.length })} value={seats.join(", ")} />}
      {amount !== null && <Fact name={text("price")} value={money(amount, show.currency)} />}
      <Fact name={text("reference")} value={booking.reference} mono />
    </dl>
  );
}

function Fact({ name, value, mono = false }: { name: string; value: string; mono?: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={mono ? "mono" : ""}>{value}</dd>
    </div>
  );
}
