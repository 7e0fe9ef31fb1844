import { useSignal } from "@preact/signals";
import { api, ok } from "../../shared/api/client";
import { text } from "../../shared/i18n/i18n";
import { Link, type Params } from "../../shared/router";
import { useLoaded } from "../../shared/ui/load";
import { Notice } from "../../shared/ui/Notice";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import { ConfirmedAct } from "./ConfirmedAct";
import { RecordFacts } from "./Listed";
import { kindText, type Parked, resolutionText } from "./ParkedPage";
import { instant } from "./times";
import "./records.css";

/** A parked operation: what was received, what went wrong, and what can be done. */
export function ParkedItemPage({ params }: { params: Params }) {
  const path = { parked_id: params.parkedId ?? "" };
  const done = useSignal<Parked | undefined>(undefined);
  const { value, problem, reload } = useLoaded(
    (signal) => ok(api.GET("/api/admin/parked/{parked_id}", { params: { path }, signal })),
    [],
  );
  const retry = async () => {
    done.value = await ok(api.POST("/api/admin/parked/{parked_id}/retry", { params: { path } }));
  };
  const discard = async () => {
    done.value = await ok(api.POST("/api/admin/parked/{parked_id}/discard", { params: { path } }));
  };
  const parked = done.value ?? value.value;
  return (
    <div class="stack">
      <Link to="/console/parked">{text("records.all_parked")}</Link>
      <h1 tabIndex={-1}>{text("records.parked_operation")}</h1>
      {problem.value && <ProblemNotice problem={problem.value} onRetry={reload} />}
      {!parked && !problem.value && <p role="status">{text("loading")}</p>}
      {done.value && (
        <Notice kind="good">
          <p>{text(`records.done.${done.value.resolution ?? "none"}`)}</p>
        </Notice>
      )}
      {parked && (
        <>
          <Facts parked={parked} />
          <Acts parked={parked} onRetry={retry} onDiscard={discard} />
          <Received parked={parked} />
        </>
      )}
    </div>
  );
}

function Facts({ parked }: { parked: Parked }) {
  const booking = (id: string | null) =>
    id ? <Link to={`/console/bookings/${id}`}>{id}</Link> : text("records.none");
  return (
    <section class="card">
      <RecordFacts
        facts={[
          [text("records.operation"), <span class="mono">{parked.id}</span>],
          [text("records.kind"), kindText(parked)],
          [text("records.booking"), booking(parked.booking_id)],
          [text("records.parked_at"), instant(parked.parked_at)],
          [text("records.resolution"), resolutionText(parked)],
          [
            text("records.resolved_at"),
            parked.resolved_at ? instant(parked.resolved_at) : text("records.none"),
          ],
          [text("records.replaced_by"), booking(parked.replaced_by)],
        ]}
      />
    </section>
  );
}

interface ActsProps {
  readonly parked: Parked;
  readonly onRetry: () => Promise<void>;
  readonly onDiscard: () => Promise<void>;
}

function Acts({ parked, onRetry, onDiscard }: ActsProps) {
  if (parked.resolution) return null;
  return (
    <div class="row">
      {parked.retriable ? (
        <ConfirmedAct
          label={text("records.retry")}
          explained={text("records.retry_explained")}
          act={onRetry}
        />
      ) : (
        <p class="soft">{text("records.not_retriable")}</p>
      )}
      <ConfirmedAct
        label={text("records.discard")}
        explained={text("records.discard_explained")}
        danger
        act={onDiscard}
      />
    </div>
  );
}

function Received({ parked }: { parked: Parked }) {
  return (
    <>
      <Block name="error" content={parked.error} />
      {parked.payload === null ? (
        <p>{text("records.not_text")}</p>
      ) : (
        <Block name="payload" content={parked.payload} />
      )}
      <Block name="payload_base64" content={parked.payload_base64} />
    </>
  );
}

function Block({ name, content }: { name: string; content: string }) {
  return (
    <section class="card stack" aria-labelledby={`parked-${name}`}>
      <h2 id={`parked-${name}`}>{text(`records.${name}`)}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <pre class="record-payload" tabIndex={0}>
        {content}
      </pre>
    </section>
  );
}
