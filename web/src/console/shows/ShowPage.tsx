/** A show: its figures, and the acts on it. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { api, ok } from "../../shared/api/client";
import type { components } from "../../shared/api/schema";
import { user } from "../../shared/api/session";
import { dateAndTime, number } from "../../shared/format";
import { text } from "../../shared/i18n/i18n";
import { Link, type Params } from "../../shared/router";
import { useLoaded } from "../../shared/ui/load";
import { Notice } from "../../shared/ui/Notice";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import { useAct } from "../../shared/ui/useAct";
import { Table } from "../overview/Tables";
import { type Answer, follow } from "./acts";
import { SaleActs } from "./SaleActs";
import { Settings } from "./Settings";

type Figures = components["schemas"]["ShowFiguresAnswer"];
export type Perform = (work: () => Promise<Answer>) => void;

export function ShowPage({ params }: { params: Params }) {
  const show_id = Number(params.showId);
  const { value, problem, reload } = useLoaded(
    (signal) => ok(api.GET("/api/admin/shows/{show_id}", { params: { path: { show_id } }, signal })),
    [show_id],
  );
  const answer = useSignal<Answer | undefined>(undefined);
  const act = useAct();
  const leaving = useRef(new AbortController());
  useEffect(() => () => leaving.current.abort(), []);
  const perform: Perform = (work) => {
    void act
      .run(async () => {
        answer.value = undefined;
        await follow(await work(), (told) => (answer.value = told), leaving.current.signal);
      })
      .then(reload);
  };
  if (problem.value) return <ProblemNotice problem={problem.value} onRetry={reload} />;
  if (!value.value) return <p role="status">{text("loading")}</p>;
  const { show } = value.value;
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{show.name}</h1>
      <p class="soft">
        <Link to="/console/shows">{text("shows")}</Link> · #{show.id} · {show.hall.name} ·{" "}
        {dateAndTime(show.starts_at, show.hall.time_zone)} · {text(`state.${show.state}`)}
      </p>
      {act.problem.value && <ProblemNotice problem={act.problem.value} />}
      {answer.value && <Result answer={answer.value} />}
      <FiguresList figures={value.value} />
      {user.value?.role === "admin" && (
        <>
          <SaleActs show={show} busy={act.busy.value} perform={perform} />
          <Settings key={show.version} show={show} busy={act.busy.value} perform={perform} />
        </>
      )}
      <Table
        title={text("refusals_of_show")}
        heads={[text("reason"), text("count")]}
        empty={text("no_refusals")}
        rows={Object.entries(value.value.refused).map(([reason, count]) => [reason, number(count)])}
      />
    </div>
  );
}

function Result({ answer: { status, reason } }: { answer: Answer }) {
  return (
    <Notice kind={status === "DONE" ? "good" : status === "REFUSED" ? "bad" : "info"}>
      <p>{text(`change.${status}`, { reason: reason ?? "" })}</p>
    </Notice>
  );
}

function FiguresList({ figures: { show, undecided, sold_per_min, lane } }: { figures: Figures }) {
  const shown: readonly (readonly [string, number | null])[] = [
    ["capacity", show.capacity],
    ["free", show.free],
    ["held", show.held],
    ["sold", show.sold],
    ["sold_per_min", sold_per_min],
    ["waiting", undecided],
    ["lane", lane],
  ];
  return (
    <dl class="figures">
      {shown.map(([key, value]) => (
        <div key={key} class="card">
          <dt>{text(key)}</dt>
          <dd>{value === null ? text("unknown") : number(value)}</dd>
        </div>
      ))}
    </dl>
  );
}
