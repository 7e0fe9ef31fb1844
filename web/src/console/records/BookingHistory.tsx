import type { ComponentChildren } from "preact";
import type { components } from "../../shared/api/schema";
import { user } from "../../shared/api/session";
import { money, number } from "../../shared/format";
import { text } from "../../shared/i18n/i18n";
import { installation } from "../../shared/installation";
import { Link } from "../../shared/router";
import { Button } from "../../shared/ui/Button";
import { RecordFacts } from "./Listed";
import { type Decision, steps } from "./timeline";
import { duration, instant } from "./times";
import "./records.css";

export type History = components["schemas"]["BookingHistoryAnswer"];

const KINDS: Readonly<Record<string, string>> = { CONFIRMED: "good", HELD: "warn", FAILED: "bad" };

/** The status of a booking, with its stage while it has one: "PENDING · HELD". */
export function BookingBadge({ status, stage }: { status: string; stage: string | null }) {
  const kind = KINDS[stage ?? status] ?? "";
  return <span class={`badge ${kind}`}>{stage && stage !== status ? `${status} · ${stage}` : status}</span>;
}

/** A link to an account for those who may see it, otherwise its id. */
export function UserLink({ id }: { id: string }) {
  if (user.value?.role !== "admin") return <span class="mono">{id}</span>;
  return (
    <Link to={`/console/users/${id}`} class="mono">
      {id}
    </Link>
  );
}

/** A booking as its owner sees it, and every decision about it. */
export function BookingHistory({ history, onReload }: { history: History; onReload: () => void }) {
  const { booking, decisions } = history;
  return (
    <>
      <section class="card stack" aria-labelledby="booking-facts">
        <div class="row">
          <h2 id="booking-facts" class="mono">
            {booking.reference}
          </h2>
          <BookingBadge status={booking.status} stage={booking.stage} />
          <Button onClick={onReload}>{text("records.reload")}</Button>
        </div>
        <RecordFacts facts={facts(history)} />
      </section>
      <section class="card stack" aria-labelledby="booking-decisions">
        <h2 id="booking-decisions">{text("records.decisions")}</h2>
        {decisions.length === 0 && <p role="status">{text("records.undecided")}</p>}
        <ol class="record-line">
          {decisions.map((decision) => (
            <li key={`${decision.lane}-${decision.seq}-${decision.kind}`}>
              <DecisionSteps decision={decision} />
            </li>
          ))}
        </ol>
      </section>
    </>
  );
}

function facts({ booking, user_id: userId, published_version: published }: History) {
  const found: [string, ComponentChildren][] = [
    [text("records.id"), <span class="mono">{booking.id}</span>],
    [text("records.user"), <UserLink id={userId} />],
    [
      text("records.show"),
      <Link to={`/console/shows/${booking.show_id}`}>
        {text("records.show_n", { id: `${booking.show_id}` })}
      </Link>,
    ],
    [text("records.seats"), booking.seats.join(", ") || text("records.none")],
    [text("records.accepted"), instant(booking.accepted_at, { precise: true })],
    [text("records.version"), number(booking.version)],
    [text("records.published"), published === null ? text("records.not_published") : number(published)],
  ];
  if (booking.amount_cents !== null)
    found.push([text("records.amount"), money(booking.amount_cents, installation.value.currency)]);
  if (booking.reason) found.push([text("records.reason"), <code>{booking.reason}</code>]);
  if (booking.expires_at) found.push([text("records.expires"), instant(booking.expires_at)]);
  if (booking.released.length) found.push([text("records.released"), booking.released.join(", ")]);
  if (booking.replaced_by)
    found.push([
      text("records.replaced_by"),
      <Link to={`/console/bookings/${booking.replaced_by}`}>{booking.replaced_by}</Link>,
    ]);
  return found;
}

/** One decision: what was asked, what came of it, and when it was accepted, decided and recorded. */
function DecisionSteps({ decision }: { decision: Decision }) {
  const { kind, outcome, reason, lane, seq, seats, status } = decision;
  return (
    <>
      <h3>
        <code>{kind}</code>: <code>{reason ? `${outcome} (${reason})` : outcome}</code>
      </h3>
      <p class="soft">
        {text("records.place", { lane: `${lane}`, seq: `${seq}` })}
        {status && ` · ${status}`}
        {seats && seats.length > 0 && ` · ${seats.join(", ")}`}
      </p>
      <dl class="record-steps">
        {steps(decision).map((step) => (
          <div key={step.name}>
            <dt>{text(`records.${step.name}`)}</dt>
            <dd>
              <time dateTime={step.at}>{instant(step.at, { precise: true })}</time>
              {step.afterMs !== null && (
                <span class="soft"> {text("records.after", { duration: duration(step.afterMs) })}</span>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}
