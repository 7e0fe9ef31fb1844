import { useSignal } from "@preact/signals";
import { api, ok } from "../../shared/api/client";
import type { components } from "../../shared/api/schema";
import { text } from "../../shared/i18n/i18n";
import { Link, query, setQuery } from "../../shared/router";
import { Button } from "../../shared/ui/Button";
import { Field } from "../../shared/ui/Field";
import { type Change, difference } from "./difference";
import { Listed } from "./Listed";
import { fieldOf, instant, instantOf } from "./times";
import { usePages } from "./usePages";
import "./records.css";

type Act = components["schemas"]["ActAnswer"];

const FILTERS = ["actor_id", "action", "subject", "since", "until"] as const;
type Filter = Partial<Record<(typeof FILTERS)[number], string>>;

/** What administrators did, newest first. */
export function AuditPage() {
  const filter: Filter = {};
  for (const name of FILTERS) {
    const value = query.value.get(name);
    if (value) filter[name] = value;
  }
  const key = JSON.stringify(filter);
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{text("records.audit")}</h1>
      <Filters key={key} filter={filter} />
      <Acts key={`list ${key}`} filter={filter} />
    </div>
  );
}

function Filters({ filter }: { filter: Filter }) {
  const typed = useSignal({
    ...filter,
    since: fieldOf(filter.since ?? null),
    until: fieldOf(filter.until ?? null),
  });
  const submit = (event: Event) => {
    event.preventDefault();
    const { actor_id = "", action = "", subject = "", since, until } = typed.value;
    setQuery({
      actor_id: actor_id.trim(),
      action: action.trim(),
      subject: subject.trim(),
      since: instantOf(since),
      until: instantOf(until),
    });
  };
  const clear = () => setQuery(Object.fromEntries(FILTERS.map((name) => [name, null])));
  return (
    <search>
      <form class="record-form card" noValidate onSubmit={submit}>
        {FILTERS.map((name) => (
          <Field
            key={name}
            label={text(`records.${name}`)}
            {...(name === "since" || name === "until"
              ? { type: "datetime-local" as const }
              : { hint: text(`records.${name}_hint`), maxLength: 100 })}
            value={typed.value[name] ?? ""}
            onValue={(value) => (typed.value = { ...typed.value, [name]: value })}
            autoComplete="off"
          />
        ))}
        <div class="row">
          <Button kind="primary" type="submit">
            {text("records.filter")}
          </Button>
          <Button onClick={clear}>{text("records.clear")}</Button>
        </div>
      </form>
    </search>
  );
}

function Acts({ filter }: { filter: Filter }) {
  const pages = usePages(async (cursor, signal) => {
    const wanted = { limit: 50, ...filter, ...(cursor && { cursor }) };
    const page = await ok(
      api.GET("/api/admin/audit", { params: { query: wanted }, ...(signal && { signal }) }),
    );
    return { items: page.acts, next: page.next_cursor };
  }, []);
  return (
    <Listed
      title={text("records.audit")}
      heads={["action", "subject", "outcome", "actor", "at", "changes", "request_id"].map((key) =>
        text(`records.${key}`),
      )}
      empty={text("records.no_acts")}
      pages={pages}
      keyOf={(each) => each.id}
      row={cells}
    />
  );
}

const KINDS: Readonly<Record<string, string>> = {
  DONE: "good",
  ACCEPTED: "good",
  REFUSED: "bad",
  UNKNOWN: "warn",
};

function cells(act: Act) {
  return [
    <code key="action">{act.action}</code>,
    act.subject,
    <span key="outcome" class={`badge ${KINDS[act.outcome] ?? ""}`}>
      {act.outcome}
    </span>,
    <Actor key="actor" act={act} />,
    <time key="at" dateTime={act.at}>
      {instant(act.at)}
    </time>,
    <Changes key="changes" act={act} />,
    <span key="request" class="mono">
      {act.request_id}
    </span>,
  ];
}

function Actor({ act }: { act: Act }) {
  const role = text(`records.role.${act.actor_role}`);
  return act.actor_id ? <Link to={`/console/users/${act.actor_id}`}>{role}</Link> : <span>{role}</span>;
}

/** More changes than these are folded: what was created has many members. */
const FEW = 6;

/** What was there before and after, member by member; what the reply answers, for a reply. */
function Changes({ act }: { act: Act }) {
  const changes = difference(act.before, act.after);
  return (
    <>
      {act.intent_id !== null && (
        <span class="soft">{text("records.answers_act", { id: `${act.intent_id}` })}</span>
      )}
      {changes.length > FEW ? (
        <details>
          <summary>{text("records.changes_n", { n: changes.length })}</summary>
          <ChangeList changes={changes} />
        </details>
      ) : (
        <ChangeList changes={changes} />
      )}
    </>
  );
}

function ChangeList({ changes }: { changes: readonly Change[] }) {
  return (
    <ul class="record-changes">
      {changes.map(({ member, before, after }) => (
        <li key={member}>
          <span class="mono">{member}</span>: {before !== undefined && <Side mark="before" value={before} />}
          {before !== undefined && after !== undefined && " → "}
          {after !== undefined && <Side mark="after" value={after} />}
        </li>
      ))}
    </ul>
  );
}

/** A value with its side in words for screen readers: they do not say what is struck out. */
function Side({ mark, value }: { mark: "before" | "after"; value: string }) {
  return (
    <>
      <span class="unseen">{text(`records.${mark}_value`)} </span>
      {mark === "before" ? <del>{value}</del> : <ins>{value}</ins>}
    </>
  );
}
