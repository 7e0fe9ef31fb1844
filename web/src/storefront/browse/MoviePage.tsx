import { api, ok } from "../../shared/api/client";
import { day } from "../../shared/format";
import { text } from "../../shared/i18n/i18n";
import type { Params } from "../../shared/router";
import { useLoaded } from "../../shared/ui/load";
import { ProblemNotice } from "../../shared/ui/ProblemNotice";
import { byDay } from "./BrowsePage";
import { Poster } from "./Poster";
import { ShowCard } from "./ShowCard";

/** A film, and its next shows by day. */
export function MoviePage({ params }: { params: Params }) {
  const id = Number(params.movieId);
  const { value, problem, reload } = useLoaded(
    (signal) => ok(api.GET("/api/movies/{movie_id}", { params: { path: { movie_id: id } }, signal })),
    [id],
  );
  const film = value.value;
  if (problem.value) return <ProblemNotice problem={problem.value} onRetry={reload} />;
  if (!film) return <p role="status">{text("loading")}</p>;
  const facts = [film.genre, text("minutes", { n: film.duration_min }), film.rating].filter(Boolean);
  return (
    <div class="stack">
      <div class="film">
        <Poster poster={film.poster} title={film.title} />
        <div>
          <h1 tabIndex={-1}>{film.title}</h1>
          <p class="soft">{facts.join(" · ")}</p>
          <p>{film.description}</p>
        </div>
      </div>
      {film.shows.length === 0 && <p>{text("no_shows")}</p>}
      {byDay(film.shows).map(([date, shows]) => (
        <section key={date}>
          <h2>{shows[0] && day(shows[0].starts_at, shows[0].hall.time_zone)}</h2>
          <div class="show-grid">
            {shows.map((show) => (
              <ShowCard key={show.id} show={show} />
            ))}
          </div>
        </section>
      ))}
    </div>
  );
}
