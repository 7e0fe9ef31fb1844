import { useEffect } from "preact/hooks";
import { text } from "../shared/i18n/i18n";
import { Link, path, type Route, Routes } from "../shared/router";
import { accountRoutes } from "./account/routes";
import { BookingPage } from "./bookings/BookingPage";
import { BookingsPage } from "./bookings/BookingsPage";
import { BrowsePage } from "./browse/BrowsePage";
import { MoviePage } from "./browse/MoviePage";
import { focusAfterChange } from "./focus";
import { Shell } from "./Shell";
import { ShowPage } from "./show/ShowPage";

const routes: readonly Route[] = [
  { path: "/", page: BrowsePage },
  { path: "/movies/:movieId", page: MoviePage },
  { path: "/shows/:showId", page: ShowPage },
  { path: "/bookings", page: BookingsPage },
  { path: "/bookings/:bookingId", page: BookingPage },
  ...accountRoutes,
];

export function App() {
  useEffect(() => focusAfterChange(path.value), [path.value]);
  return (
    <Shell>
      <Routes routes={routes} otherwise={NotFound} />
    </Shell>
  );
}

function NotFound() {
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{text("not_found")}</h1>
      <p>
        <Link to="/">{text("to_start")}</Link>
      </p>
    </div>
  );
}
