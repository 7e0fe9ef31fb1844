import { useSignal } from "@preact/signals";
import { SignInForm } from "../../shared/account/SignInForm";
import { api, ok } from "../../shared/api/client";
import { user } from "../../shared/api/session";
import { money } from "../../shared/format";
import { text } from "../../shared/i18n/i18n";
import { Link } from "../../shared/router";
import { Button } from "../../shared/ui/Button";
import { useLoaded } from "../../shared/ui/load";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import type { Booking } from "./attempts";
import "./bookings.css";

/** All bookings of the signed-in buyer, newest first. */
export function BookingsPage() {
  return (
    <div class="stack narrow">
      <h1 tabIndex={-1}>{text("my_bookings")}</h1>
      {user.value ? (
        <List />
      ) : (
        <>
          <p>{text("sign_in_to_see")}</p>
          <SignInForm onDone={() => {}} />
        </>
      )}
    </div>
  );
}

function List() {
  const more = useSignal<readonly Booking[]>([]);
  const cursor = useSignal<string | null>(null);
  const { value, problem, reload } = useLoaded(async (signal) => {
    const page = await ok(api.GET("/api/auth/bookings", { params: { query: { limit: 20 } }, signal }));
    more.value = [];
    cursor.value = page.next_cursor;
    return page;
  }, []);
  const loadMore = async () => {
    const page = await ok(
      api.GET("/api/auth/bookings", { params: { query: { limit: 20, cursor: cursor.value } } }),
    );
    more.value = [...more.value, ...page.bookings];
    cursor.value = page.next_cursor;
  };
  if (problem.value) return <ProblemNotice problem={problem.value} onRetry={reload} />;
  if (!value.value) return <p role="status">{text("loading")}</p>;
  const { currency } = value.value;
  const bookings = [...value.value.bookings, ...more.value];
  if (bookings.length === 0) return <Empty />;
  return (
    <>
      <ul class="booking-list">
        {bookings.map((booking) => (
          <li key={booking.id}>
            <Link to={`/bookings/${booking.id}`} class="booking-row">
              <span class={`badge ${KINDS[stateOf(booking)] ?? ""}`}>
                {text(`state.${stateOf(booking)}`)}
              </span>
              <span class="mono">{booking.reference}</span>
              <span>{booking.seats.join(", ")}</span>
              <span class="number">
                {booking.amount_cents !== null && money(booking.amount_cents, currency)}
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {cursor.value && <Button onClick={() => void loadMore()}>{text("more_bookings")}</Button>}
    </>
  );
}

const KINDS: Readonly<Record<string, string>> = { CONFIRMED: "good", HELD: "warn", FAILED: "bad" };

/** Return the stage of a pending booking, otherwise its status. */
export function stateOf(booking: Pick<Booking, "status" | "stage">): string {
  return booking.status === "PENDING" ? (booking.stage ?? "QUEUED") : booking.status;
}

function Empty() {
  return (
    <div class="empty">
      <p>{text("no_bookings")}</p>
      <Link class="button primary" to="/">
        {text("find_a_show")}
      </Link>
    </div>
  );
}
