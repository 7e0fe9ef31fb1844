import { useSignal } from "@preact/signals";
import { api, ok } from "../../shared/api/client";
import type { components } from "../../shared/api/schema";
import { money } from "../../shared/format";
import { text } from "../../shared/i18n/i18n";
import { installation } from "../../shared/installation";
import { Link, type Params } from "../../shared/router";
import { useLoaded } from "../../shared/ui/load";
import { Notice } from "../../shared/ui/Notice";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import { BookingBadge } from "./BookingHistory";
import { ConfirmedAct } from "./ConfirmedAct";
import { Listed, RecordFacts } from "./Listed";
import { instant } from "./times";
import { usePages } from "./usePages";
import "./records.css";

type User = components["schemas"]["UserAnswer"];

/** An account: its role, its sessions, its bookings. */
export function UserPage({ params }: { params: Params }) {
  const id = params.userId ?? "";
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{text("records.account")}</h1>
      <Account id={id} />
      <section class="card stack" aria-labelledby="account-bookings">
        <h2 id="account-bookings">{text("records.bookings")}</h2>
        <Bookings id={id} />
      </section>
    </div>
  );
}

function Account({ id }: { id: string }) {
  const { value, problem, reload } = useLoaded(
    (signal) => ok(api.GET("/api/admin/users/{user_id}", { params: { path: { user_id: id } }, signal })),
    [],
  );
  const changed = useSignal<User | undefined>(undefined);
  const changeRole = async (role: "user" | "box_office") => {
    const path = { user_id: id };
    changed.value = await ok(api.PATCH("/api/admin/users/{user_id}", { params: { path }, body: { role } }));
    reload();
  };
  if (problem.value) return <ProblemNotice problem={problem.value} onRetry={reload} />;
  if (!value.value) return <p role="status">{text("loading")}</p>;
  const { user, sessions } = value.value;
  return (
    <section class="card stack" aria-labelledby="account-facts">
      <h2 id="account-facts">{user.email}</h2>
      {changed.value && (
        <Notice kind="good">
          <p>{text("records.role_changed", { role: text(`records.role.${changed.value.role}`) })}</p>
        </Notice>
      )}
      <RecordFacts
        facts={[
          [text("records.name"), user.name],
          [text("records.role"), text(`records.role.${user.role}`)],
          [text("records.created"), instant(user.created_at)],
          [text("records.id"), <span class="mono">{user.id}</span>],
          [text("records.sessions"), sessions.map((each) => instant(each.created_at)).join("; ") || "0"],
        ]}
      />
      <RoleChange user={user} onChange={changeRole} />
    </section>
  );
}

type Change = (role: "user" | "box_office") => Promise<void>;

function RoleChange({ user, onChange }: { user: User; onChange: Change }) {
  if (user.role === "admin") return <p class="soft">{text("records.admin_by_command")}</p>;
  const next = user.role === "user" ? "box_office" : "user";
  return (
    <div>
      <ConfirmedAct
        label={text(`records.make.${next}`)}
        explained={text(`records.make.${next}.explained`, { email: user.email })}
        danger={next === "user"}
        act={() => onChange(next)}
      />
    </div>
  );
}

function Bookings({ id }: { id: string }) {
  const pages = usePages(async (cursor, signal) => {
    const query = { limit: 20, ...(cursor && { cursor }) };
    const params = { path: { user_id: id }, query };
    const page = await ok(
      api.GET("/api/admin/users/{user_id}/bookings", { params, ...(signal && { signal }) }),
    );
    return { items: page.bookings, next: page.next_cursor };
  }, []);
  return (
    <Listed
      title={text("records.bookings")}
      heads={["booking", "status", "show", "seats", "amount", "accepted"].map((key) =>
        text(`records.${key}`),
      )}
      empty={text("records.no_bookings")}
      pages={pages}
      keyOf={(each) => each.id}
      row={(each) => [
        <Link key="booking" to={`/console/bookings/${each.id}`} class="mono">
          {each.reference}
        </Link>,
        <BookingBadge key="status" status={each.status} stage={each.stage} />,
        <Link key="show" to={`/console/shows/${each.show_id}`}>
          {`${each.show_id}`}
        </Link>,
        each.seats.join(", "),
        each.amount_cents === null ? "" : money(each.amount_cents, installation.value.currency),
        instant(each.accepted_at),
      ]}
    />
  );
}
