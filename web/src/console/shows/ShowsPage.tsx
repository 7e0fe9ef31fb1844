/** All shows, filtered and paged. The filter is in the address. */

import { useSignal } from "@preact/signals";
import { api, ok } from "../../shared/api/client";
import { text } from "../../shared/i18n/i18n";
import { query, setQuery } from "../../shared/router";
import { Button } from "../../shared/ui/Button";
import { Field } from "../../shared/ui/Field";
import { useLoaded } from "../../shared/ui/load";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import { ShowsTable } from "../overview/Tables";

const PAGE = 50;

export function ShowsPage() {
  const typed = useSignal(query.value.get("q") ?? "");
  const q = query.value.get("q") ?? "";
  const day = query.value.get("day") ?? "";
  const cursor = query.value.get("cursor");
  const { value, problem, reload } = useLoaded(
    (signal) => {
      const filter = { limit: PAGE, ...(q && { q }), ...(day && { day }), ...(cursor && { cursor }) };
      return ok(api.GET("/api/shows", { params: { query: filter }, signal }));
    },
    [q, day, cursor],
  );
  const next = value.value?.next_cursor;
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{text("shows")}</h1>
      <search class="row">
        <Field
          label={text("name_contains")}
          type="search"
          value={typed.value}
          onValue={(text) => {
            typed.value = text;
            setQuery({ q: text, cursor: null });
          }}
        />
        <Field
          label={text("day")}
          type="date"
          value={day}
          onValue={(chosen) => setQuery({ day: chosen, cursor: null })}
        />
      </search>
      {problem.value && <ProblemNotice problem={problem.value} onRetry={reload} />}
      {!value.value && !problem.value && <p role="status">{text("loading")}</p>}
      {value.value && <ShowsTable shows={value.value.shows} />}
      <div class="row">
        {cursor && <Button onClick={() => setQuery({ cursor: null })}>{text("first_page")}</Button>}
        {next && <Button onClick={() => setQuery({ cursor: next })}>{text("next_page")}</Button>}
      </div>
    </div>
  );
}
