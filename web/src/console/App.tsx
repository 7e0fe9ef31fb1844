import { text } from "../shared/i18n/i18n";
import { Link, type Route, Routes } from "../shared/router";

const routes: readonly Route[] = [];

export function App() {
  return <Routes routes={routes} otherwise={NotFound} />;
}

function NotFound() {
  return (
    <main id="content" class="stack">
      <h1>{text("not_found")}</h1>
      <Link to="/">{text("to_start")}</Link>
    </main>
  );
}
