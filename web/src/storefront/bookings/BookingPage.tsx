/** One booking, from the place in line to the ticket. Reloading it, or opening it elsewhere, loses nothing. */

import { useEffect, useRef } from "preact/hooks";
import { SignInForm } from "../../shared/account/SignInForm";
import { api, ok } from "../../shared/api/client";
import { user } from "../../shared/api/session";
import { text } from "../../shared/i18n/i18n";
import { Link, type Params } from "../../shared/router";
import { useLoaded } from "../../shared/ui/load";
import { Notice } from "../../shared/ui/Notice";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import type { Show } from "../browse/sale";
import { focusHeading } from "../focus";
import type { Booking } from "./attempts";
import { Ended } from "./Ended";
import { Held } from "./Held";
import { Queued } from "./Queued";
import { Ticket } from "./Ticket";
import { useBooking } from "./useBooking";
import { WaitingForSeats } from "./WaitingForSeats";
import "./bookings.css";

export function BookingPage({ params }: { params: Params }) {
  if (!user.value) return <SignInFirst />;
  const id = params.bookingId ?? "";
  return <Followed key={id} id={id} />;
}

function SignInFirst() {
  return (
    <div class="stack narrow">
      <h1 tabIndex={-1}>{text("my_bookings")}</h1>
      <p>{text("sign_in_to_see")}</p>
      <SignInForm onDone={() => {}} />
    </div>
  );
}

/** What every part of the page knows. */
export interface PartProps {
  readonly booking: Booking;
  readonly show: Show;
  /** When the booking's state was received, by performance.now(). */
  readonly receivedAt: number;
  readonly accept: (booking: Booking) => void;
}

function Followed({ id }: { id: string }) {
  const { booking, receivedAt, problem, connected, accept } = useBooking(id);
  const known = booking.value;
  const showId = known?.show_id;
  const show = useLoaded(
    async (signal) =>
      showId === undefined
        ? undefined
        : ok(api.GET("/api/shows/{show_id}", { params: { path: { show_id: showId } }, signal })),
    [showId],
  );
  if (problem.value && !known) return <ProblemNotice problem={problem.value} />;
  if (!known || !show.value.value) {
    return <p role="status">{text(connected.value ? "loading" : "connection_lost")}</p>;
  }
  const part = { booking: known, show: show.value.value, receivedAt: receivedAt.value, accept };
  return (
    <div class="stack narrow">
      {!connected.value && <Notice kind="warn">{text("connection_lost")}</Notice>}
      <Part {...part} />
      <p class="no-print">
        <Link to="/bookings">{text("all_my_bookings")}</Link>
      </p>
    </div>
  );
}

function Part(props: PartProps) {
  const { status, stage } = props.booking;
  const first = useRef(true);
  useEffect(() => {
    // What had the focus, such as the button that confirmed, is gone.
    if (!first.current) focusHeading();
    first.current = false;
  }, [status, stage]);
  if (status === "CONFIRMED") return <Ticket {...props} />;
  if (status === "PENDING" && stage === "HELD") return <Held {...props} />;
  if (status === "PENDING" && stage === "WAITING") return <WaitingForSeats {...props} />;
  if (status === "PENDING") return <Queued {...props} />;
  return <Ended {...props} />;
}
