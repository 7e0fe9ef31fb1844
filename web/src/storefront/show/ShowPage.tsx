/** A show: how its sale is, and where to choose seats. */

import { api, ok } from "../../shared/api/client";
import { dateAndTime } from "../../shared/format";
import { text } from "../../shared/i18n/i18n";
import { Link, type Params } from "../../shared/router";
import { useLoaded } from "../../shared/ui/load";
import { Notice } from "../../shared/ui/Notice";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import { SaleBadge } from "../browse/ShowCard";
import type { Show } from "../browse/sale";
import { Choose } from "./Choose";
import { OpensIn } from "./OpensIn";
import { useSale } from "./useSale";
import { WaitingList } from "./WaitingList";
import "./show.css";

export function ShowPage({ params }: { params: Params }) {
  const id = Number(params.showId);
  const { value, problem, reload } = useLoaded(
    (signal) => ok(api.GET("/api/shows/{show_id}", { params: { path: { show_id: id } }, signal })),
    [id],
  );
  if (problem.value && !value.value) return <ProblemNotice problem={problem.value} onRetry={reload} />;
  if (!value.value) return <p role="status">{text("loading")}</p>;
  return <Sale show={value.value} onChange={reload} />;
}

function Sale({ show, onChange }: { show: Show; onChange: () => void }) {
  const sale = useSale(show);
  return (
    <div class="stack">
      <Head show={show} />
      {sale.kind === "open" && <Choose show={show} onChange={onChange} />}
      {sale.kind === "sold_out" && <WaitingList show={show} />}
      {sale.kind === "not_yet" && <OpensIn at={sale.opensAt} onOpen={onChange} />}
      {sale.kind === "paused" && <Notice kind="warn">{text("paused_explained")}</Notice>}
      {sale.kind === "closed" && <Notice>{text("closed_explained")}</Notice>}
    </div>
  );
}

function Head({ show }: { show: Show }) {
  return (
    <div class="show-head">
      <h1 tabIndex={-1}>{show.name}</h1>
      <p>
        <strong>{dateAndTime(show.starts_at, show.hall.time_zone)}</strong>
        <span class="soft"> · {show.hall.name}</span> <SaleBadge show={show} />
      </p>
      {show.movie && <Link to={`/movies/${show.movie.id}`}>{text("about_film")}</Link>}
    </div>
  );
}
