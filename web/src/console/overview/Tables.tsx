/** What the lanes, workers, stores and shows do, and what was refused. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { components } from "../../shared/api/schema";
import { number } from "../../shared/format";
import { text } from "../../shared/i18n/i18n";
import { Link } from "../../shared/router";
import { Button } from "../../shared/ui/Button";
import { type Lanes, miscounted, type Sample, type Show, type Stores } from "./verdict";

type Worker = components["schemas"]["WorkerAnswer"];

interface TableProps {
  readonly title: string;
  readonly heads: readonly string[];
  readonly empty: string;
  readonly rows: readonly (readonly ComponentChildren[])[];
  readonly children?: ComponentChildren;
}

/** A titled table whose first column names the row; figures are at the end of their cells. */
export function Table({ title, heads, rows, empty, children }: TableProps) {
  return (
    <section class="card stack">
      <h2>{title}</h2>
      {rows.length === 0 ? (
        <p class="soft">{empty}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <section class="scroller" aria-label={title} tabIndex={0}>
          <table>
            <thead>
              <tr>
                {heads.map((head, index) => (
                  <th key={head} scope="col" class={index ? "number" : undefined}>
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((cells, row) => (
                <tr key={row}>
                  {cells.map((cell, index) =>
                    index ? (
                      <td key={heads[index]} class="number">
                        {cell}
                      </td>
                    ) : (
                      <th key={heads[index]} scope="row">
                        {cell}
                      </th>
                    ),
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {children}
    </section>
  );
}

const seconds = (ms: number) => text("in_seconds", { n: number(ms / 1000, { maximumFractionDigits: 1 }) });
const TOP = 8;

/** The deepest lanes; all of them on demand. */
export function LanesTable({ lanes }: { lanes: Lanes }) {
  const all = useSignal(false);
  const sorted = [...lanes.lanes].sort((a, b) => b.depth - a.depth || a.lane - b.lane);
  const shown = all.value ? sorted : sorted.slice(0, TOP);
  return (
    <Table
      title={text("lanes")}
      heads={["lane", "waiting", "oldest", "decisions_per_s", "drained_in", "drained_by"].map((key) =>
        text(key),
      )}
      empty={text("no_lanes")}
      rows={shown.map((lane) => [
        number(lane.lane),
        number(lane.depth),
        seconds(lane.oldest_age_ms),
        number(lane.rate, { maximumFractionDigits: 0 }),
        lane.drained_in_s === null ? text("unknown") : seconds(lane.drained_in_s * 1000),
        lane.worker ?? lane.drained_by ?? text("nobody"),
      ])}
    >
      {sorted.length > TOP && (
        <Button kind="quiet" onClick={() => (all.value = !all.value)}>
          {text(all.value ? "deepest_only" : "all_lanes", { n: sorted.length })}
        </Button>
      )}
    </Table>
  );
}

export function WorkersTable({ workers }: { workers: readonly Worker[] }) {
  return (
    <Table
      title={text("workers")}
      heads={["worker", "heartbeat", "does"].map((key) => text(key))}
      empty={text("no_workers")}
      rows={workers.map((worker) => [
        worker.host ? `${worker.host} · ${worker.pid}` : worker.id,
        seconds(worker.heartbeat_age_ms),
        worker.lanes.length
          ? text("drains", { lanes: worker.lanes.map((turn) => turn.lane).join(", ") })
          : text("idle"),
      ])}
    />
  );
}

export function StoresTable({ stores }: { stores: Stores }) {
  const megabytes = (bytes: number | undefined) =>
    bytes
      ? number(bytes / 1e6, { style: "unit", unit: "megabyte", maximumFractionDigits: 0 })
      : text("unknown");
  return (
    <Table
      title={text("stores")}
      heads={["store", "status", "answers_in", "memory"].map((key) => text(key))}
      empty={text("unknown")}
      rows={(["postgres", "redis"] as const).map((name) => {
        const store = stores[name];
        return [
          text(`store.${name}`),
          <span key="status" class={`badge ${store.status === "ok" ? "good" : "bad"}`}>
            {text(`store.${store.status}`)}
          </span>,
          store.answers_in_ms === null ? text("unknown") : `${number(store.answers_in_ms)} ms`,
          store.used_bytes === undefined ? "" : megabytes(store.used_bytes),
        ];
      })}
    />
  );
}

/** What was refused in the last hour, by reason: the sum of each second's refusals. */
export function Refusals({ samples }: { samples: readonly Sample[] }) {
  const now = samples.at(-1)?.refused ?? {};
  const start = samples[0]?.refused ?? {};
  const rows = Object.entries(now)
    .map(([reason, count]) => [reason, count - (start[reason] ?? 0)] as const)
    .filter(([, count]) => count > 0)
    .sort((a, b) => b[1] - a[1]);
  return (
    <Table
      title={text("refusals")}
      heads={[text("reason"), text("count")]}
      empty={text("no_refusals")}
      rows={rows.map(([reason, count]) => [
        <span key="reason" class="mono">
          {reason}
        </span>,
        number(count),
      ])}
    />
  );
}

export function ShowsTable({ shows }: { shows: readonly Show[] | undefined }) {
  return (
    <Table
      title={text("shows")}
      heads={["show", "state", "free", "held", "sold", "counters"].map((key) => text(key))}
      empty={text(shows ? "no_shows" : "shows_unknown")}
      rows={(shows ?? []).map((show) => [
        <Link key="show" to={`/console/shows/${show.id}`}>
          {show.name}
        </Link>,
        text(`state.${show.state}`),
        number(show.free),
        number(show.held),
        number(show.sold),
        <span key="counters" class={`badge ${miscounted(show) ? "bad" : "good"}`}>
          {text(miscounted(show) ? "counters.wrong" : "counters.right")}
        </span>,
      ])}
    />
  );
}
