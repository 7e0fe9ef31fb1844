"""Cases of posters, of shows made in a simple way, and of deleting."""

from __future__ import annotations

from api.shapes import answers
from tests.contract import scenes
from tests.contract.case import JSON, Case, Chunks
from tests.contract.catalogue_cases import MADE, PUBLIC, admin, get, odd, refused
from tests.support.pictures import jpeg, png

POSTER = "/api/movies/{movie}/poster"
PNG = {"Content-Type": "image/png", "RateLimit": "", "ETag": '"{tag}"'}
YEAR, HOUR = {"Cache-Control": "public, max-age=31536000, immutable"}, {"Cache-Control": "public, max-age=3600"}
#: More than any other body may have, less than a poster may; and more than that.
LARGE, HUGE = png(padding=100_000), b" " * (2 * 1024 * 1024 + 1)


def picture(name, path=POSTER, status=200, has=None, **more):
    """A look at the poster of a movie that has one."""
    return Case(**{"name": f"posters: {name}", "method": "GET", "path": path, "status": status,
                   "scene": scenes.poster, "has": has or {}} | more)  # fmt: skip


POSTERS = (
    picture("by its version", "{place}", has={**PNG, **YEAR}),
    picture("by its movie", has={**PNG, **HOUR}),
    picture("another version", POSTER + "?v=abc", has={**PNG, **HOUR}),
    picture("has it", "{place}", 304, headers=(("If-None-Match", '"{tag}"'),), has={"ETag": '"{tag}"', **YEAR}),
    picture("HEAD", "{place}", method="HEAD", has={**PNG, **YEAR}),
    refused("no poster", POSTER, 404, "no_such_poster", scenes.movie),
    refused("a poster of no movie", "/api/movies/2147483647/poster", 404, "no_such_poster"),
    admin("a poster", "PUT", POSTER, 200, scenes.movie, body=png(), media="image/png", shape=answers.MOVIE, has=MADE),
    admin("another poster", "PUT", POSTER, 200, scenes.poster, body=jpeg(), media="", shape=answers.MOVIE),
    admin("a large poster", "PUT", POSTER, 200, scenes.movie, body=LARGE, media="image/png", shape=answers.MOVIE),
    admin("a large poster in chunks", "PUT", POSTER, 200, scenes.movie, body=LARGE, chunks=Chunks(4096)),
    admin("a poster beyond all bounds", "PUT", POSTER, 413, scenes.movie, body=HUGE, code="body_too_large"),
    admin("a poster that is none", "PUT", POSTER, 422, scenes.movie, body=b"GIF89a", code="bad_image"),
    admin("a poster without a body", "PUT", POSTER, 422, scenes.movie, code="bad_image"),
    admin("a poster of no movie to upload", "PUT", "/api/movies/2147483647/poster", 404, body=png(),
          code="no_such_movie"),
    admin("a poster by a buyer", "PUT", POSTER, 403, scenes.movie, body=png(), who="token", code="not_allowed"),
    admin("a large poster by a buyer", "PUT", POSTER, 413, scenes.movie, body=LARGE, who="token",
          code="body_too_large", only="front"),
    admin("a poster without a token", "PUT", POSTER, 401, scenes.movie, body=png(), who="", code="token_missing"),
    admin("a poster deleted", "DELETE", POSTER, 204, scenes.poster),
    admin("no poster to delete", "DELETE", POSTER, 404, scenes.movie, code="no_such_poster"),
)  # fmt: skip

DAY = "?day=2099-01-01&q={word}&genre=drama&free=true&limit=1"
LISTS = (
    get("installation", "/api/installation", answers.INSTALLATION, says={"currency": "EUR", "currency_exponent": 2}),
    get("shows, filtered", "/api/shows" + DAY, answers.SHOWS, scenes.show_of_a_day),
    get("shows, upcoming", "/api/shows/upcoming" + DAY, answers.SHOWS, scenes.show_of_a_day),
    odd("shows of no day", "/api/shows?day=1.1.2099&free=yes&q=", "day", "free", "q"),
    get("shows that the client has", "/api/shows" + DAY, None, scenes.show_of_a_day, status=304,
        headers=(("If-None-Match", "{etag}"),),
        has={**PUBLIC, "Content-Type": "", "Content-Length": "0?", "ETag": '"[0-9a-f]{24}"'}),
    get("a movie that the client has", "/api/movies/{movie}", None, scenes.movie, status=304,
        headers=(("If-None-Match", "*"),), has={**PUBLIC, "Content-Type": "", "Content-Length": "0?"}),
    get("a movie with its shows", "/api/movies/{movie}", answers.MOVIE_DETAIL, scenes.movie_with_show,
        says={"next_cursor": None}),
)  # fmt: skip

SIMPLE = {"name": "Open stage", "total_seats": 3, "starts_at": "2099-01-01T20:00:00Z"}
WORK = (
    admin("a show of some seats", "POST", "/api/shows", 201, body=SIMPLE, shape=answers.SHOW,
          has={"Content-Type": JSON, "Location": r"/api/shows/\d+"},
          says={"movie": None, "capacity": 3, "prices": {"standard": 0}, "currency": "EUR"}),
    admin("a show of nothing", "POST", "/api/shows", 422, body={"starts_at": SIMPLE["starts_at"]},
          faults=frozenset({"/movie_id", "/hall_id"})),
    admin("a hall with a time zone", "POST", "/api/halls", 201, scenes.plan_of_a_hall, shape=answers.HALL,
          body={"name": "Studio", "plan": "{plan}", "time_zone": "Europe/Berlin"},
          says={"time_zone": "Europe/Berlin"}),
    admin("a hall deleted", "DELETE", "/api/halls/{hall}", 204, scenes.hall),
    admin("a hall in use kept", "DELETE", "/api/halls/{hall}", 409, scenes.hall_in_use, code="hall_in_use",
          says={"in_use_by": "shows"}),
    admin("no hall to delete", "DELETE", "/api/halls/2147483647", 404, code="no_such_hall"),
    admin("a hall deleted by a buyer", "DELETE", "/api/halls/{hall}", 403, scenes.hall, who="token",
          code="not_allowed"),
    admin("a show deleted", "DELETE", "/api/admin/shows/{show}", 204, scenes.show),
    admin("a show with a booking kept", "DELETE", "/api/admin/shows/{show}", 409, scenes.confirmed,
          code="show_in_use", says={"in_use_by": "bookings", "ids": ["{booking}"]}),
    admin("no show to delete", "DELETE", "/api/admin/shows/2147483647", 404, code="no_such_show"),
    admin("a show deleted by a buyer", "DELETE", "/api/admin/shows/{show}", 403, scenes.show, who="token",
          code="not_allowed"),
)  # fmt: skip

CASES = (*POSTERS, *LISTS, *WORK)
