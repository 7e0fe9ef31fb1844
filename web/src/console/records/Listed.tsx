import type { ComponentChildren } from "preact";
import { text } from "../../shared/i18n/i18n";
import { Button } from "../../shared/ui/Button";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import type { Pages } from "./usePages";
import "./records.css";

export interface ListedProps<T> {
  readonly title: string;
  readonly heads: readonly string[];
  readonly empty: string;
  readonly pages: Pages<T>;
  /** The cells of an item; the first names the row. */
  readonly row: (item: T) => readonly ComponentChildren[];
  readonly keyOf: (item: T) => string | number;
}

/** A list of records as a table, with its states: loading, empty, failed, and more to load. */
export function Listed<T>({ title, heads, empty, pages, row, keyOf }: ListedProps<T>) {
  const { items, first, more, next } = pages;
  if (first.problem.value) return <ProblemNotice problem={first.problem.value} onRetry={first.reload} />;
  if (!items) return <p role="status">{text("loading")}</p>;
  if (items.length === 0) return <p role="status">{empty}</p>;
  return (
    <div class="stack">
      <RecordTable title={title} heads={heads} rows={items.map((item) => [keyOf(item), row(item)])} />
      {more.problem.value && <ProblemNotice problem={more.problem.value} />}
      {next.value !== null && (
        <div>
          <Button busy={more.busy.value} onClick={pages.loadMore}>
            {text("records.more")}
          </Button>
        </div>
      )}
      <p class="soft" role="status">
        {text(next.value === null ? "records.shown_all" : "records.shown", { n: items.length })}
      </p>
    </div>
  );
}

interface TableProps {
  readonly title: string;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly [string | number, readonly ComponentChildren[]])[];
}

/** A table that scrolls by itself where it is too wide. */
export function RecordTable({ title, heads, rows }: TableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section class="record-scroller" aria-label={title} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([key, cells]) => (
            <tr key={key}>
              {cells.map((cell, index) =>
                index ? (
                  <td key={heads[index]}>{cell}</td>
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
  );
}

/** Facts about one record: names and values. */
export function RecordFacts({ facts }: { facts: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="record-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
