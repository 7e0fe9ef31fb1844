import { api, ok } from "../../shared/api/client";
import type { components } from "../../shared/api/schema";
import { text } from "../../shared/i18n/i18n";
import { Link, query, setQuery } from "../../shared/router";
import { Select } from "../../shared/ui/Field";
import { Listed } from "./Listed";
import { instant } from "./times";
import { usePages } from "./usePages";
import "./records.css";

export type Parked = components["schemas"]["ParkedAnswer"];

/** Operations that could not be read or decided. */
export function ParkedPage() {
  const resolved = query.value.get("resolved") === "any" ? "any" : "no";
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{text("records.parked")}</h1>
      <div class="record-form card">
        <Select
          label={text("records.which")}
          value={resolved}
          onValue={(value) => setQuery({ resolved: value === "any" ? value : null })}
          options={[
            { value: "no", text: text("records.unresolved") },
            { value: "any", text: text("records.all") },
          ]}
        />
      </div>
      <ParkedList key={resolved} resolved={resolved} />
    </div>
  );
}

function ParkedList({ resolved }: { resolved: "no" | "any" }) {
  const pages = usePages(async (cursor, signal) => {
    const wanted = { limit: 50, resolved, ...(cursor && { cursor }) };
    const page = await ok(
      api.GET("/api/admin/parked", { params: { query: wanted }, ...(signal && { signal }) }),
    );
    return { items: page.parked, next: page.next_cursor };
  }, []);
  return (
    <Listed
      title={text("records.parked")}
      heads={["operation", "kind", "error", "parked_at", "resolution"].map((key) => text(`records.${key}`))}
      empty={text(resolved === "no" ? "records.none_parked" : "records.never_parked")}
      pages={pages}
      keyOf={(each) => each.id}
      row={(each) => [
        <Link key="id" to={`/console/parked/${encodeURIComponent(each.id)}`} class="mono">
          {each.id}
        </Link>,
        kindText(each),
        lastLine(each.error),
        instant(each.parked_at),
        resolutionText(each),
      ]}
    />
  );
}

/** Return the kind of a parked operation, or that it cannot be read. */
export function kindText(each: Parked): string {
  return each.kind ?? text("records.unreadable");
}

/** Return what was done about a parked operation. */
export function resolutionText(each: Parked): string {
  return text(`records.resolution.${each.resolution ?? "none"}`);
}

/** The last line of a traceback names the error. */
function lastLine(error: string): string {
  return error.trim().split("\n").at(-1) ?? "";
}
