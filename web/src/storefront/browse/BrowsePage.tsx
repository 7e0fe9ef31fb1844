/** The first page: upcoming shows by day, with filters that are part of the address. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, ok } from "../../shared/api/client";
import { day, isoDay } from "../../shared/format";
import { text } from "../../shared/i18n/i18n";
import { query, setQuery } from "../../shared/router";
import { Button } from "../../shared/ui/Button";
import { Field } from "../../shared/ui/Field";
import { useLoaded } from "../../shared/ui/load";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import { ShowCard } from "./ShowCard";
import type { Show } from "./sale";
import "./browse.css";

const PAGE = 24;
const TYPING_MS = 250;

/** Return the filters that the address names. */
function filters() {
  const get = (name: string) => query.value.get(name) || undefined;
  const [q, date, genre] = [get("q"), get("day"), get("genre")];
  return {
    ...(q && { q }),
    ...(date && { day: date }),
    ...(genre && { genre }),
    ...(get("free") && { free: true }),
  };
}

export function BrowsePage() {
  const wanted = filters();
  const more = useSignal<readonly Show[]>([]);
  const cursor = useSignal<string | null>(null);
  const { value, problem, reload } = useLoaded(
    async (signal) => {
      const page = await ok(
        api.GET("/api/shows/upcoming", { params: { query: { limit: PAGE, ...wanted } }, signal }),
      );
      more.value = [];
      cursor.value = page.next_cursor;
      return page.shows;
    },
    [JSON.stringify(wanted)],
  );
  const loadMore = async () => {
    const next = { limit: PAGE, cursor: cursor.value, ...wanted };
    const page = await ok(api.GET("/api/shows/upcoming", { params: { query: next } }));
    more.value = [...more.value, ...page.shows];
    cursor.value = page.next_cursor;
  };
  const shows = value.value && [...value.value, ...more.value];
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{text("browse_title")}</h1>
      <Filters />
      {problem.value && <ProblemNotice problem={problem.value} onRetry={reload} />}
      <p class="unseen" role="status">
        {shows && text("shows_found", { n: shows.length })}
      </p>
      {!shows && !problem.value && <Skeleton />}
      {shows?.length === 0 && <Nothing filtered={Object.keys(wanted).length > 0} />}
      {shows && byDay(shows).map(([date, those]) => <Day key={date} shows={those} />)}
      {shows && cursor.value && <Button onClick={() => void loadMore()}>{text("more_shows")}</Button>}
    </div>
  );
}

function Day({ shows }: { shows: readonly Show[] }) {
  const first = shows[0];
  if (!first) return null;
  return (
    <section>
      <h2>{day(first.starts_at, first.hall.time_zone)}</h2>
      <div class="show-grid">
        {shows.map((show) => (
          <ShowCard key={show.id} show={show} />
        ))}
      </div>
    </section>
  );
}

/** Group shows by their day where they are shown, keeping their order. */
export function byDay(shows: readonly Show[]): [string, Show[]][] {
  const days = new Map<string, Show[]>();
  for (const show of shows) {
    const date = isoDay(show.starts_at, show.hall.time_zone);
    days.set(date, [...(days.get(date) ?? []), show]);
  }
  return [...days];
}

function Filters() {
  const typed = useSignal(query.value.get("q") ?? "");
  useEffect(() => {
    if (typed.value === (query.value.get("q") ?? "")) return;
    const timer = setTimeout(() => setQuery({ q: typed.value.trim() }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed.value]);
  return (
    <search class="filters">
      <Field
        label={text("filter_text")}
        type="search"
        value={typed.value}
        onValue={(value) => {
          typed.value = value;
        }}
      />
      <Field
        label={text("filter_day")}
        type="date"
        value={query.value.get("day") ?? ""}
        onValue={(date) => setQuery({ day: date })}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={query.value.get("free") !== null}
          onChange={(event) => setQuery({ free: event.currentTarget.checked ? "1" : null })}
        />
        {text("filter_free")}
      </label>
    </search>
  );
}

function Nothing({ filtered }: { filtered: boolean }) {
  return (
    <div class="empty">
      <p>{text(filtered ? "no_shows_filtered" : "no_shows")}</p>
      {filtered && (
        <Button onClick={() => setQuery({ q: null, day: null, genre: null, free: null })}>
          {text("clear_filters")}
        </Button>
      )}
    </div>
  );
}

function Skeleton() {
  return (
    <div class="show-grid" aria-hidden="true">
      {[1, 2, 3, 4, 5, 6].map((each) => (
        <div key={each} class="show-card skeleton" />
      ))}
    </div>
  );
}
