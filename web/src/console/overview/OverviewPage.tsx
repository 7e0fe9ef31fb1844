/** The first screen: one look says whether the sale is well. */

import { useMemo } from "preact/hooks";
import { number } from "../../shared/format";
import { text } from "../../shared/i18n/i18n";
import { Button } from "../../shared/ui/Button";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import { Chart } from "./Chart";
import { type Feed, type Picture, useFeed } from "./feed";
import { Caches, WorkerCount } from "./System";
import { refusedPerSecond, series } from "./samples";
import { LanesTable, Refusals, ShowsTable, StoresTable, WorkersTable } from "./Tables";
import { findings, type Sample } from "./verdict";

export function OverviewPage() {
  const feed = useFeed();
  const { picture, samples, problem, paused } = feed;
  return (
    <div class="stack">
      <div class="row between">
        <h1 tabIndex={-1}>{text("overview")}</h1>
        <Button onClick={() => (paused.value = !paused.value)}>
          {text(paused.value ? "go_on" : "pause_polling")}
        </Button>
      </div>
      {problem.value && <ProblemNotice problem={problem.value} />}
      {!picture.value && !problem.value && <p role="status">{text("loading")}</p>}
      {picture.value && (
        <>
          <Verdict feed={feed} picture={picture.value} />
          <Figures picture={picture.value} last={samples.value.at(-1)} />
        </>
      )}
      <Charts samples={samples.value} />
      {picture.value && (
        <div class="columns">
          <LanesTable lanes={picture.value.lanes} />
          <WorkersTable workers={picture.value.workers} />
          <StoresTable stores={picture.value.stores} />
          <Refusals samples={samples.value} />
          <WorkerCount />
          <Caches />
          <ShowsTable shows={picture.value.shows} />
        </div>
      )}
    </div>
  );
}

/** What is wrong, in words. What was polled before the server fell silent is not called well. */
function Verdict({ feed, picture }: { feed: Feed; picture: Picture }) {
  const found = findings(picture);
  const stale = feed.problem.value !== undefined || feed.paused.value;
  const kind = stale || !picture.shows ? (found[0]?.kind ?? "warn") : (found[0]?.kind ?? "good");
  return (
    <section class={`notice verdict ${kind}`} aria-live="polite" aria-label={text("verdict")}>
      {stale && <p>{text(feed.paused.value ? "verdict.paused" : "verdict.stale")}</p>}
      {!found.length && !stale && <p>{text(picture.shows ? "verdict.well" : "verdict.unchecked")}</p>}
      {found.map(({ key, values }) => (
        <p key={key + JSON.stringify(values)}>{text(key, values)}</p>
      ))}
    </section>
  );
}

function Figures({ picture, last }: { picture: Picture; last: Sample | undefined }) {
  const { lanes, forecast, workers } = picture.lanes;
  const whole = (value: number | null | undefined) =>
    value == null ? text("unknown") : number(value, { maximumFractionDigits: 0 });
  const oldest = Math.max(0, ...lanes.map((lane) => lane.oldest_age_ms)) / 1000;
  const refused = last ? refusedPerSecond(last) : null;
  const figures: readonly (readonly [string, string])[] = [
    ["accepts_per_s", whole(last?.per_s?.accepted)],
    ["decisions_per_s", whole(last?.per_s?.decided)],
    ["refusals_per_s", whole(refused)],
    ["waiting", whole(forecast.depth)],
    ["oldest", text("in_seconds", { n: number(oldest, { maximumFractionDigits: 1 }) })],
    ["workers_alive", whole(workers)],
  ];
  return (
    <section class="stack" aria-label={text("figures")}>
      <dl class="figures">
        {figures.map(([key, value]) => (
          <div key={key} class="card">
            <dt>{text(key)}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p>{forecastText(picture)}</p>
    </section>
  );
}

function forecastText({ lanes: { forecast } }: Picture): string {
  const { depth, drained_in_s: drained, workers_needed: needed, within_s: within } = forecast;
  if (depth === 0) return text("forecast.empty");
  if (drained === null) return text("forecast.unknown");
  const now = text("forecast.drained", { n: Math.ceil(drained) });
  return needed === null ? now : `${now} ${text("forecast.workers", { n: needed, within })}`;
}

function Charts({ samples }: { samples: readonly Sample[] }) {
  const flow = useMemo(
    () =>
      series(samples, [
        (each) => each.per_s?.accepted ?? null,
        (each) => each.per_s?.decided ?? null,
        refusedPerSecond,
      ]),
    [samples],
  );
  const queue = useMemo(() => series(samples, [(each) => each.depth]), [samples]);
  const age = useMemo(() => series(samples, [(each) => each.oldest_age_ms / 1000]), [samples]);
  if (!samples.length) return <p class="soft">{text("no_samples")}</p>;
  return (
    <div class="columns">
      <Chart
        title={text("chart.flow")}
        names={[text("accepts_per_s"), text("decisions_per_s"), text("refusals_per_s")]}
        series={flow}
      />
      <Chart title={text("chart.queue")} names={[text("waiting")]} series={queue} />
      <Chart title={text("chart.age")} names={[text("oldest_in_s")]} series={age} />
    </div>
  );
}
