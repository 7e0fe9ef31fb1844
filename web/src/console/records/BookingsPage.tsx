import { useSignal } from "@preact/signals";
import { api, ok } from "../../shared/api/client";
import { text } from "../../shared/i18n/i18n";
import { navigate, type Params, query } from "../../shared/router";
import { Button } from "../../shared/ui/Button";
import { Field } from "../../shared/ui/Field";
import { useLoaded } from "../../shared/ui/load";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import { BookingHistory, type History } from "./BookingHistory";
import { bookingPage } from "./searched";
import "./records.css";

/** Find a booking by its id or its reference. */
export function BookingsPage() {
  const reference = query.value.get("reference") ?? "";
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{text("records.bookings")}</h1>
      <Search key={reference} typed={reference} />
      {reference && <Found key={reference} load={byReference(reference)} />}
    </div>
  );
}

/** A booking by its id. */
export function BookingPage({ params }: { params: Params }) {
  const id = params.bookingId ?? "";
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{text("records.booking")}</h1>
      <Search typed={id} />
      <Found load={byId(id)} />
    </div>
  );
}

function Search({ typed }: { typed: string }) {
  const wanted = useSignal(typed);
  const submit = (event: Event) => {
    event.preventDefault();
    const page = bookingPage(wanted.value);
    if (page) navigate(page);
  };
  return (
    <search>
      <form class="record-form card" onSubmit={submit}>
        <Field
          label={text("records.id_or_reference")}
          value={wanted.value}
          onValue={(value) => (wanted.value = value)}
          autoComplete="off"
          maxLength={100}
          required
        />
        <Button kind="primary" type="submit">
          {text("records.find")}
        </Button>
      </form>
    </search>
  );
}

type LoadHistory = (signal: AbortSignal) => Promise<History>;

function byReference(reference: string): LoadHistory {
  return (signal) => ok(api.GET("/api/admin/bookings", { params: { query: { reference } }, signal }));
}

function byId(booking_id: string): LoadHistory {
  return (signal) =>
    ok(api.GET("/api/admin/bookings/{booking_id}", { params: { path: { booking_id } }, signal }));
}

function Found({ load }: { load: LoadHistory }) {
  const { value, problem, reload } = useLoaded(load, []);
  if (problem.value) return <ProblemNotice problem={problem.value} onRetry={reload} />;
  if (!value.value) return <p role="status">{text("loading")}</p>;
  return <BookingHistory history={value.value} onReload={reload} />;
}
