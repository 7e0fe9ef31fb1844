import { money, time } from "../../shared/format";
import { text } from "../../shared/i18n/i18n";
import { Link } from "../../shared/router";
import { serverNow } from "../../shared/server_clock";
import { Poster } from "./Poster";
import { cheapest, type Show, saleOf, seatsLeft } from "./sale";

/** A show in a list: film, time, hall, price, and whether seats are to be had. */
export function ShowCard({ show }: { show: Show }) {
  const price = cheapest(show);
  return (
    <Link to={`/shows/${show.id}`} class="show-card">
      <Poster poster={show.movie?.poster ?? null} title={show.name} />
      <div class="show-card-body">
        <h3>{show.name}</h3>
        <p class="soft">
          <strong class="show-time">{time(show.starts_at, show.hall.time_zone)}</strong> · {show.hall.name}
        </p>
        <p class="show-card-foot">
          <SaleBadge show={show} />
          {price !== null && (
            <span class="soft">{text("price_from", { price: money(price, show.currency) })}</span>
          )}
        </p>
      </div>
    </Link>
  );
}

/** In words and colour: how the sale is, or how many seats are left. */
export function SaleBadge({ show }: { show: Show }) {
  const sale = saleOf(show, serverNow());
  if (sale.kind === "open") {
    const left = seatsLeft(show);
    return <span class={`badge ${left.kind}`}>{text(left.key, { n: show.free })}</span>;
  }
  const kind = sale.kind === "sold_out" ? "bad" : "";
  return <span class={`badge ${kind}`}>{text(`sale_${sale.kind}`)}</span>;
}
