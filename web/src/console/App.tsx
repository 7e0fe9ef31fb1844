import { useEffect } from "preact/hooks";
import { mustEnrol, user } from "../shared/api/session";
import { address } from "../shared/base";
import { text } from "../shared/i18n/i18n";
import { Link, path, type Route, Routes } from "../shared/router";
import { OverviewPage } from "./overview/OverviewPage";
import { adminRecordRoutes, staffRecordRoutes } from "./records/routes";
import { Shell } from "./Shell";
import { SignInPage } from "./SignInPage";
import { ShowPage } from "./shows/ShowPage";
import { ShowsPage } from "./shows/ShowsPage";

const shows: readonly Route[] = [
  { path: "/shows", page: ShowsPage },
  { path: "/shows/:showId", page: ShowPage },
];
/** What each role sees. The server decides anyway: this only spares an operator pages that would refuse. */
const forStaff: readonly Route[] = [...shows, ...staffRecordRoutes];
const forAdministrators: readonly Route[] = [
  { path: "/", page: OverviewPage },
  ...forStaff,
  ...adminRecordRoutes,
];
const forBoxOffice: readonly Route[] = [{ path: "/", page: ShowsPage }, ...forStaff];

export function App() {
  useEffect(() => focusHeading(path.value), [path.value]);
  if (!user.value) return <SignInPage />;
  if (user.value.role === "user") return <NotAnOperator />;
  if (mustEnrol.value) return <EnrolFirst />;
  const routes = user.value.role === "admin" ? forAdministrators : forBoxOffice;
  return (
    <Shell>
      <Routes routes={routes} otherwise={NotFound} below="/console" />
    </Shell>
  );
}

let focused: string | undefined;

/** After a change of the page, not at the first, move the focus to its heading: screen readers then read it. */
function focusHeading(page: string): void {
  const first = focused === undefined;
  focused = page;
  if (!first) document.querySelector<HTMLElement>("main h1")?.focus();
}

function NotAnOperator() {
  return (
    <Shell>
      <div class="stack">
        <h1 tabIndex={-1}>{text("operators_only")}</h1>
        <p>{text("operators_only_explained")}</p>
      </div>
    </Shell>
  );
}

/** The account's page, which is the storefront's, sets up the second factor. */
function EnrolFirst() {
  return (
    <Shell>
      <div class="stack">
        <h1 tabIndex={-1}>{text("enrol_first")}</h1>
        <p>{text("enrol_first_explained")}</p>
        <a href={address("account/second-factor")}>{text("to_account")}</a>
      </div>
    </Shell>
  );
}

function NotFound() {
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{text("not_found")}</h1>
      <Link to="/console">{text("to_start")}</Link>
    </div>
  );
}
