import { useSignal } from "@preact/signals";
import { api, ok } from "../../shared/api/client";
import type { components } from "../../shared/api/schema";
import { text } from "../../shared/i18n/i18n";
import { Link, query, setQuery } from "../../shared/router";
import { Button } from "../../shared/ui/Button";
import { Field, Select } from "../../shared/ui/Field";
import { Listed } from "./Listed";
import { instant } from "./times";
import { usePages } from "./usePages";
import "./records.css";

type Role = components["schemas"]["UserAnswer"]["role"];

/** All roles, in the order of what they may do. */
export const ROLES: readonly Role[] = ["user", "box_office", "admin"];

/** Accounts: all, those with a role, or the one with an address. */
export function UsersPage() {
  const email = query.value.get("email") ?? "";
  const role = ROLES.find((each) => each === query.value.get("role"));
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{text("records.users")}</h1>
      <Search key={`${email} ${role}`} email={email} role={role ?? ""} />
      <Users key={`list ${email} ${role}`} email={email} role={role} />
    </div>
  );
}

function Search(props: { email: string; role: string }) {
  const email = useSignal(props.email);
  const role = useSignal(props.role);
  const submit = (event: Event) => {
    event.preventDefault();
    setQuery({ email: email.value.trim(), role: role.value });
  };
  const any = { value: "", text: text("records.any_role") };
  return (
    <search>
      <form class="record-form card" onSubmit={submit}>
        <Field
          label={text("records.email")}
          hint={text("records.email_hint")}
          value={email.value}
          onValue={(value) => (email.value = value)}
          autoComplete="off"
          maxLength={254}
        />
        <Select
          label={text("records.role")}
          value={role.value}
          onValue={(value) => (role.value = value)}
          options={[any, ...ROLES.map((each) => ({ value: each, text: text(`records.role.${each}`) }))]}
        />
        <Button kind="primary" type="submit">
          {text("records.find")}
        </Button>
      </form>
    </search>
  );
}

function Users({ email, role }: { email: string; role: Role | undefined }) {
  const filter = { ...(email && { email }), ...(role && { role }) };
  const pages = usePages(async (cursor, signal) => {
    const wanted = { limit: 50, ...filter, ...(cursor && { cursor }) };
    const page = await ok(
      api.GET("/api/admin/users", { params: { query: wanted }, ...(signal && { signal }) }),
    );
    return { items: page.users, next: page.next_cursor };
  }, []);
  return (
    <Listed
      title={text("records.users")}
      heads={["email", "name", "role", "created"].map((key) => text(`records.${key}`))}
      empty={text("records.no_users")}
      pages={pages}
      keyOf={(each) => each.id}
      row={(each) => [
        <Link key="email" to={`/console/users/${each.id}`}>
          {each.email}
        </Link>,
        each.name,
        text(`records.role.${each.role}`),
        instant(each.created_at),
      ]}
    />
  );
}
