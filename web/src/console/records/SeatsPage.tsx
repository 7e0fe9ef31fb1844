import { useSignal } from "@preact/signals";
import { api, ok } from "../../shared/api/client";
import type { components } from "../../shared/api/schema";
import { text } from "../../shared/i18n/i18n";
import { Link, query, setQuery } from "../../shared/router";
import { Button } from "../../shared/ui/Button";
import { Field } from "../../shared/ui/Field";
import { useLoaded } from "../../shared/ui/load";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import { BookingBadge, UserLink } from "./BookingHistory";
import { RecordTable } from "./Listed";
import { instant } from "./times";
import "./records.css";

type Ownership = components["schemas"]["OwnershipAnswer"];

/** Who had a seat of a show, and when. */
export function SeatsPage() {
  const show = query.value.get("show") ?? "";
  const label = query.value.get("label") ?? "";
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{text("records.seat_history")}</h1>
      <Search key={`${show} ${label}`} show={show} label={label} />
      {/^\d+$/.test(show) && label && (
        <SeatHistory key={`${show} ${label}`} show={Number(show)} label={label} />
      )}
    </div>
  );
}

function Search({ show, label }: { show: string; label: string }) {
  const wantedShow = useSignal(show);
  const wantedLabel = useSignal(label);
  const submit = (event: Event) => {
    event.preventDefault();
    setQuery({ show: wantedShow.value.trim(), label: wantedLabel.value.trim() });
  };
  return (
    <search>
      <form class="record-form card" onSubmit={submit}>
        <Field
          label={text("records.show_id")}
          type="number"
          min={1}
          max={2_147_483_647}
          value={wantedShow.value}
          onValue={(value) => (wantedShow.value = value)}
          required
        />
        <Field
          label={text("records.seat_label")}
          value={wantedLabel.value}
          onValue={(value) => (wantedLabel.value = value)}
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

function SeatHistory({ show, label }: { show: number; label: string }) {
  const { value, problem, reload } = useLoaded(
    (signal) =>
      ok(
        api.GET("/api/admin/shows/{show_id}/seat-history", {
          params: { path: { show_id: show }, query: { label } },
          signal,
        }),
      ),
    [],
  );
  if (problem.value) return <ProblemNotice problem={problem.value} onRetry={reload} />;
  if (!value.value) return <p role="status">{text("loading")}</p>;
  const { history } = value.value;
  if (history.length === 0) return <p role="status">{text("records.seat_never_taken")}</p>;
  return (
    <RecordTable
      title={text("records.seat_history")}
      heads={["booking", "status", "user", "since", "until", "ended_by"].map((key) => text(`records.${key}`))}
      rows={history.map((each) => [`${each.booking_id} ${each.since}`, cells(each)])}
    />
  );
}

function cells(each: Ownership) {
  const { ended_by: end } = each;
  return [
    <Link key="booking" to={`/console/bookings/${each.booking_id}`} class="mono">
      {each.reference}
    </Link>,
    <BookingBadge key="status" status={each.status} stage={null} />,
    each.user_id ? <UserLink key="user" id={each.user_id} /> : text("records.none"),
    instant(each.since),
    each.until ? instant(each.until) : text("records.still"),
    end ? <code key="end">{[end.kind, end.outcome, end.reason].filter(Boolean).join(" · ")}</code> : "",
  ];
}
