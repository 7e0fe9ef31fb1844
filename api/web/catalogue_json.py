"""Movies, halls and shows as JSON. `api/shapes/catalogue_answers.py` and `answers.py` describe them.

Times are ISO 8601 UTC with milliseconds and Z; money is an integer of the currency's minor unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request

from api.web.backend import backend
from api.web.proxies import located
from core.times import iso
from db.postgres.catalogue import ShowListing
from db.postgres.halls import HallListing
from db.postgres.movies import Movie


@dataclass(frozen=True, slots=True)
class View:
    """How answers show money, times and paths: currency, time zone of halls without one, prefix of our paths."""

    currency: str
    time_zone: str
    prefix: str = ""


def view() -> View:
    """Return the view of the current request's client."""
    settings = backend().settings
    return View(settings.currency, settings.time_zone, request.script_root)


def movie_json(movie: Movie, prefix: str = "") -> dict[str, Any]:
    """Return a movie as JSON. `prefix`: of our paths, for the client."""
    return {
        "id": movie.id,
        "title": movie.title,
        "description": movie.description,
        "genre": movie.genre,
        "duration_min": movie.duration_min,
        "rating": movie.rating or None,
        "release_date": movie.release_date.isoformat() if movie.release_date else None,
        "poster_url": movie.poster_url or None,
        "poster": _poster(movie.id, movie.poster_tag, movie.poster_url, prefix),
    }


def hall_json(hall: HallListing, time_zone: str) -> dict[str, Any]:
    """Return a hall without its plan as JSON. `time_zone`: if it has none."""
    return {
        "id": hall.id,
        "name": hall.name,
        "capacity": hall.capacity,
        "time_zone": hall.time_zone or time_zone,
    }


def show_json(show: ShowListing, view: View) -> dict[str, Any]:
    """Return a show as JSON."""
    settings = show.settings
    return {
        "id": show.id,
        "name": show.name,
        "movie": _movie_of_show(show, view),
        "hall": {"id": show.hall_id, "name": show.hall_name, "time_zone": show.time_zone or view.time_zone},
        "starts_at": iso(settings.starts_ms),
        "state": settings.state.value,
        "sales_open_at": iso(settings.sales_open_ms or None),
        "sales_close_at": iso(settings.sales_close_ms),
        "seats_per_user": settings.seats_per_user,
        "hold_s": _seconds(settings.hold_ms),
        "hold_extension_s": _seconds(settings.hold_extension_ms),
        "offer_s": _seconds(settings.offer_ms),
        "waiting_list_max": settings.waiting_list_max,
        "prices": dict(settings.prices),
        "currency": view.currency,
        "capacity": show.capacity,
        "free": show.capacity - show.held - show.sold,
        "held": show.held,
        "sold": show.sold,
        "version": show.version,
    }


def _seconds(ms: int) -> float:
    """Return milliseconds as seconds: a whole number if it is one."""
    whole, rest = divmod(ms, 1000)
    return ms / 1000 if rest else whole


def _movie_of_show(show: ShowListing, view: View) -> dict[str, Any] | None:
    if show.movie_id is None:
        return None
    return {
        "id": show.movie_id,
        "title": show.title,
        "genre": show.genre,
        "duration_min": show.duration_min,
        "rating": show.rating or None,
        "poster": _poster(show.movie_id, show.poster_tag, show.poster_url, view.prefix),
    }


def _poster(movie_id: int, tag: str | None, url: str | None, prefix: str) -> str | None:
    """Return where the picture to show is. The path of an uploaded one changes with it: caches may keep it."""
    return located(prefix, f"/api/movies/{movie_id}/poster?v={tag}") if tag else url or None
