"""Cases of the catalogue: movies, halls, shows, seat maps, and the changes of shows."""

from __future__ import annotations

from dataclasses import replace

from api.shapes import answers, plans, seat_answers
from proof.kit.shows import plan
from tests.contract import scenes
from tests.contract.case import JSON, Case, Chunks
from tests.contract.world import ORIGIN

PUBLIC = {"Content-Type": JSON, "Content-Length": r"\d+", "Cache-Control": "public, max-age=1", "RateLimit": ""}
MOVIE = {"title": "Row Lock", "duration_min": 90}
SHOW = {"movie_id": "{movie}", "hall_id": "{hall}", "starts_at": "{day}", "prices": {"standard": 1200}}
SEATS, CHANGE = "/api/shows/{show}/seats", "/api/shows/{show}/changes/{change}"
SHOW_PATH = "/api/shows/{show}"


def get(name, path, shape, scene=scenes.nothing, **more):
    """A read of public data."""
    usual = {"scene": scene, "status": 200, "shape": shape, "has": PUBLIC}
    return Case(**{"name": f"catalogue: {name}", "method": "GET", "path": path} | usual | more)


def admin(name, method, path, status, scene=scenes.nothing, **more):
    """A request of an administrator."""
    return Case(**{"name": f"admin: {name}", "method": method, "path": path, "status": status, "scene": scene,
                   "who": "admin"} | more)  # fmt: skip


def refused(name, path, status, code, scene=scenes.nothing, **more):
    return get(name, path, None, scene, **{"status": status, "code": code, "has": {}} | more)


def odd(name, path, *faults):
    return refused(name, path, 422, "invalid_request", faults=frozenset(faults))


LISTS = (
    get("movies", "/api/movies?q={word}", answers.MOVIES, scenes.movies, says={"limit": 20, "next_cursor": None}),
    get("movies, first page", "/api/movies?q={word}&limit=1", answers.MOVIES, scenes.movies, says={"limit": 1}),
    get("movies, next page", "/api/movies?q={word}&limit=2&cursor={cursor}", answers.MOVIES, scenes.movies,
        says={"limit": 2, "next_cursor": None}),
    get("movies by genre", "/api/movies?genre=drama&limit=1", answers.MOVIES, scenes.movies),
    get("movies, percent-encoded", "/api/movies?q={word}%20caf%C3%A9", answers.MOVIES, scenes.movies),
    get("movies, bytes beyond ASCII", "/api/movies?q={word}%20caf\xc3\xa9", answers.MOVIES, scenes.movies),
    get("movies, other names", "/api/movies?_=1&fbclid=x&limit=1", answers.MOVIES),
    get("halls", "/api/halls?limit=1", answers.HALLS, scenes.hall),
    get("halls, other names", "/api/halls?utm_source=x&limit=1", answers.HALLS),
    get("shows", "/api/shows?limit=1", answers.SHOWS, scenes.show),
    get("shows of a movie", "/api/shows?movie_id={movie}", answers.SHOWS, scenes.movie_with_show),
    get("shows, other names", "/api/shows?_=1&limit=1", answers.SHOWS),
    get("movies, with a slash", "/api/movies/?limit=1", answers.MOVIES),
    get("movies, HEAD", "/api/movies?limit=1", None, method="HEAD"),
    get("movies, to a page", "/api/movies?limit=1", answers.MOVIES, headers=(("Origin", ORIGIN),),
        has={**PUBLIC, "Access-Control-Allow-Origin": ORIGIN}),
    refused("movies, a cursor that is none", "/api/movies?cursor=x", 400, "invalid_cursor"),
    refused("shows, a cursor of movies", "/api/shows?cursor={cursor}", 400, "invalid_cursor", scenes.movies),
    odd("movies, no limit", "/api/movies?limit=0", "limit"),
    odd("movies, a limit of letters", "/api/movies?limit=%D9%A3", "limit"),
    odd("movies, a limit twice", "/api/movies?limit=1&limit=2", "limit"),
    odd("shows of no movie", "/api/shows?movie_id=x", "movie_id"),
)  # fmt: skip

SINGLE = (
    get("a movie", "/api/movies/{movie}", answers.MOVIE_DETAIL, scenes.movie, says={"id": "{movie}"}),
    refused("no movie", "/api/movies/2147483647", 404, "no_such_movie"),
    refused("a movie too far", "/api/movies/2147483648", 404, "not_found"),
    get("a hall", "/api/halls/{hall}", answers.HALL, scenes.hall, says={"id": "{hall}"}),
    refused("no hall", "/api/halls/2147483647", 404, "no_such_hall"),
    get("a show", SHOW_PATH, answers.SHOW, scenes.show, says={"id": "{show}", "free": 10}),
    refused("no show", "/api/shows/2147483647", 404, "no_such_show"),
    refused("a show of letters", "/api/shows/x", 404, "not_found"),
)


def seats(name, tag, status=304, shape=None, **more):
    has = {**PUBLIC, "ETag": '"1"'} | ({"Content-Type": "", "Content-Length": "0?"} if status == 304 else {})
    return get(f"seats, {name}", SEATS, shape, scenes.show, status=status, has=has,
               headers=(("If-None-Match", tag),) if tag else (), **more)  # fmt: skip


MAPS = (
    seats("first look", "", 200, answers.SEAT_MAP),
    seats("has it", '"1"'),
    seats("has it, weakly", 'W/"1"'),
    seats("has one of these", '"7", W/"1"'),
    seats("has any", "*"),
    seats("has another", '"7"', 200, answers.SEAT_MAP),
    get("seats, other names", SEATS + "?_=1", answers.SEAT_MAP, scenes.show, has={**PUBLIC, "ETag": '"1"'}),
    get("seats, sold", SEATS, answers.SEAT_MAP, scenes.confirmed, has={**PUBLIC, "ETag": '"[2-9].*"'}),
    get("seats, HEAD", SEATS, None, scenes.show, method="HEAD", has={**PUBLIC, "ETag": '"1"'}),
    refused("seats of no show", "/api/shows/2147483647/seats", 404, "no_such_show"),
)
STATES, LAYOUT = "/api/shows/{show}/seats/state", "/api/halls/{hall}/layout"
COMPACT = {**PUBLIC, "ETag": '"1"', "Vary": ".*Accept.*"}
BITS = {**PUBLIC, "ETag": '"1-bits"', "Content-Type": "application/octet-stream", "Content-Length": "19"}
NEVER_CHANGES = {**PUBLIC, "ETag": '"[0-9a-f]{16}"', "Cache-Control": "public, max-age=31536000, immutable"}
BYTES = (("Accept", "application/octet-stream"),)
COMPACT_MAPS = (
    get("states of free seats", STATES, seat_answers.SEAT_STATES, scenes.show, has=COMPACT,
        says={"version": 1, "seats": 10, "free": 10, "states": "AAAA", "since": None, "changes": None}),
    get("states, sold", STATES, seat_answers.SEAT_STATES, scenes.confirmed, has={**PUBLIC, "ETag": '"[2-9]"'},
        says={"free": 9, "sold": 1, "states": "AgAA"}),
    get("states since a version", STATES + "?since=1", seat_answers.SEAT_STATES, scenes.show, has=COMPACT,
        says={"since": 1, "changes": [], "states": None}),
    get("states since an unknown version", STATES + "?_=1&since=77", seat_answers.SEAT_STATES, scenes.show,
        has=COMPACT, says={"since": None, "changes": None, "states": "AAAA"}),
    get("states as bytes", STATES, None, scenes.show, headers=BYTES, has=BITS),
    get("states as bytes or JSON", STATES, None, scenes.show, has=BITS,
        headers=(("Accept", "application/json;q=0.5, application/octet-stream"),)),
    get("states rather as JSON", STATES, seat_answers.SEAT_STATES, scenes.show, has=COMPACT,
        headers=(("Accept", "application/octet-stream;q=0.5, application/json"),)),
    get("states, has them", STATES, None, scenes.show, status=304, headers=(("If-None-Match", '"1"'),),
        has={**COMPACT, "Content-Type": "", "Content-Length": "0?"}),
    get("states, has the other form", STATES, None, scenes.show, has=BITS,
        headers=(*BYTES, ("If-None-Match", '"1"'))),
    get("states, HEAD", STATES, None, scenes.show, method="HEAD", has=COMPACT),
    odd("states since letters", "/api/shows/1/seats/state?since=x", "since"),
    odd("states since two versions", "/api/shows/1/seats/state?since=1&since=2", "since"),
    refused("states of no show", "/api/shows/2147483647/seats/state", 404, "no_such_show"),
    refused("states of a show too far", "/api/shows/2147483648/seats/state", 404, "not_found"),
    get("a layout", LAYOUT, seat_answers.LAYOUT, scenes.hall, has=NEVER_CHANGES,
        says={"hall_id": "{hall}", "categories": ["standard"]}),
    get("a layout, has it", LAYOUT, None, scenes.hall, status=304, headers=(("If-None-Match", "*"),),
        has={**NEVER_CHANGES, "Content-Type": "", "Content-Length": "0?"}),
    get("a layout, HEAD", LAYOUT, None, scenes.hall, method="HEAD", has=NEVER_CHANGES),
    refused("a layout of no hall", "/api/halls/2147483647/layout", 404, "no_such_hall"),
    refused("a layout of a hall too far", "/api/halls/2147483648/layout", 404, "not_found"),
)  # fmt: skip
#: A cached map is the same map.
KEPT = [replace(case, name=f"{case.name}, kept", scene=scenes.mapped) for case in MAPS if case.scene is scenes.show]

#: Some 40 kB: more than any other body may have.
LARGE = {"rows": [{**plan(1, 9)["rows"][0], "label": f"A{chr(65 + n // 26)}{chr(65 + n % 26)}"} for n in range(400)]}
#: A plan of format 2: named seats beside numbers from right to left, a section, and a drawing.
PLACED = {"format": 2, "sections": [{"key": "BALC", "name": "Balcony"}], "rows": [
    {"section": "BALC", "label": "7", "blocks": [
        {"first": 9, "last": 1, "step": -2, "category": "standard"},
        {"seats": ["W1"], "category": "standard", "kind": "wheelchair", "aisle": True}]}],
    "drawing": {"size": [600, 400], "rows": [[[6, 50, 50, 500, 60]]]}}  # fmt: skip
SEATING_PLAN = {"name": "Opera", "categories": [{"name": "Stalls"}], "zones": [{
    "position": {"x": 0, "y": 0}, "rows": [{"row_number": "A", "seats": [
        {"seat_guid": "1", "seat_number": "1", "category": "Stalls", "position": {"x": 1.5, "y": 2}},
    ]}]}]}  # fmt: skip
#: Some 25 kB, so more than other bodies may have.
LARGE_CSV = "row,number,category\n" + "".join(f"{n // 100 + 1},{n % 100 + 1},a\n" for n in range(3_000))
MADE = {"Content-Type": JSON, "Cache-Control": "no-store"}
WORK = (
    admin("a movie", "POST", "/api/movies", 201, body=MOVIE, shape=answers.MOVIE,
          has={**MADE, "Location": r"/api/movies/\d+"}),
    admin("a movie in chunks", "POST", "/api/movies", 201, body=MOVIE, chunks=Chunks(8), shape=answers.MOVIE),
    admin("a movie with a field too many", "POST", "/api/movies", 422, body={**MOVIE, "x": 1}, code="invalid_request",
          faults=frozenset({"/x"})),
    admin("a movie by a buyer", "POST", "/api/movies", 403, body=MOVIE, who="token", code="not_allowed"),
    admin("a movie without a token", "POST", "/api/movies", 401, body=MOVIE, who="", code="token_missing"),
    admin("a movie replaced", "PUT", "/api/movies/{movie}", 200, scenes.movie, body=MOVIE, shape=answers.MOVIE,
          has=MADE),
    admin("no movie to replace", "PUT", "/api/movies/2147483647", 404, body=MOVIE, code="no_such_movie"),
    admin("a movie deleted", "DELETE", "/api/movies/{movie}", 204, scenes.movie),
    admin("no movie to delete", "DELETE", "/api/movies/2147483647", 404, code="no_such_movie"),
    admin("a movie in use away", "DELETE", "/api/movies/{movie}", 409, scenes.movie_with_show, code="movie_in_use"),
    admin("a hall", "POST", "/api/halls", 201, body={"name": "Studio", "plan": plan(2, 5)}, shape=answers.HALL,
          has={**MADE, "Location": r"/api/halls/\d+"}),
    admin("a large hall", "POST", "/api/halls", 201, body={"name": "x", "plan": LARGE}),
    admin("a large hall in chunks", "POST", "/api/halls", 201, body={"name": "x", "plan": LARGE},
          chunks=Chunks(4096)),
    admin("a hall beyond all bounds", "POST", "/api/halls", 413, body=b" " * (1024 * 1024 + 1),
          code="body_too_large"),
    admin("a hall by place", "POST", "/api/halls", 201, body={"name": "x", "plan": PLACED}, shape=answers.HALL,
          says={"capacity": 6, "plan": PLACED}),
    admin("a hall with half of a line", "POST", "/api/halls", 422,
          body={"name": "x", "plan": {**PLACED, "drawing": {"rows": [[[5, 0, 0]]]}}}, code="bad_plan",
          faults=frozenset({"/plan/drawing/rows/0"})),
    admin("a hall from CSV", "POST", "/api/halls/import?name=Kino", 201, body="row,number,category\n7,2,a\n7,1,a\n",
          media="text/csv", shape=plans.IMPORTED_HALL, has={**MADE, "Location": r"/api/halls/\d+"},
          says={"name": "Kino", "capacity": 2, "notes": []}),
    admin("a large hall from CSV, in chunks", "POST", "/api/halls/import?name=x", 201, body=LARGE_CSV,
          media="text/csv", chunks=Chunks(4096), says={"capacity": 3000}),
    admin("a hall from a seating plan", "POST", "/api/halls/import", 201, body=SEATING_PLAN,
          shape=plans.IMPORTED_HALL, has={**MADE, "Location": r"/api/halls/\d+"},
          says={"name": "Opera", "capacity": 1}),
    admin("a hall from a file, with its time zone", "POST", "/api/halls/import?time_zone=Asia%2FTokyo", 201,
          body=SEATING_PLAN, shape=plans.IMPORTED_HALL, says={"time_zone": "Asia/Tokyo"}),
    admin("a hall from a file, in no time zone", "POST", "/api/halls/import?time_zone=x", 422, body=SEATING_PLAN,
          faults=frozenset({"time_zone"})),
    admin("a hall that is only shown", "POST", "/api/halls/import?preview=true", 200, body=SEATING_PLAN,
          shape=plans.HALL_PREVIEW, has={**MADE, "Location": ""}, says={"categories": {"stalls": 1}}),
    admin("a hall with a bad line", "POST", "/api/halls/import?name=x", 422, body="row,number,category\nA,0,a\n",
          media="text/csv", code="bad_plan"),
    admin("a hall with a bad place", "POST", "/api/halls/import", 422, body={**SEATING_PLAN, "zones": 1},
          code="bad_plan", faults=frozenset({"/zones"})),
    admin("a hall from CSV without a name", "POST", "/api/halls/import", 422, body="row,number,category\nA,1,a\n",
          media="text/csv", faults=frozenset({"name"})),
    admin("a hall from another kind of file", "POST", "/api/halls/import", 415, body="x", media="text/plain",
          code="unsupported_media_type"),
    admin("an import beyond all bounds", "POST", "/api/halls/import", 413, body=b" " * (1024 * 1024 + 1),
          code="body_too_large"),
    admin("an import by a buyer", "POST", "/api/halls/import", 403, body="x", media="text/csv", who="token",
          code="not_allowed"),
    admin("a hall without rows", "POST", "/api/halls", 422, body={"name": "x", "plan": {"rows": []}},
          faults=frozenset({"/plan/rows"})),
    admin("a show", "POST", "/api/shows", 201, scenes.hall, body=SHOW, shape=answers.SHOW,
          has={**MADE, "Location": r"/api/shows/\d+"}),
    admin("a show in a hall in use", "POST", "/api/shows", 409, scenes.hall_in_use, body=SHOW, code="hall_taken"),
    admin("a show without prices", "POST", "/api/shows", 422, scenes.hall, body={**SHOW, "prices": {"vip": 1}},
          faults=frozenset({"/prices/standard", "/prices/vip"})),
    admin("a show by a buyer", "POST", "/api/shows", 403, scenes.hall, body=SHOW, who="token", code="not_allowed"),
)  # fmt: skip

TAKEN_IN = {**MADE, "Location": "/api/shows/{show}/changes/[0-9A-Za-z-]+", "Retry-After": "1"}
CHANGES = (
    admin("change a show", "PATCH", SHOW_PATH, 202, scenes.show, body={"hold_s": 60}, shape=answers.CHANGE,
          has=TAKEN_IN, says={"status": "ACCEPTED"}),
    admin("change a show in chunks", "PATCH", SHOW_PATH, 202, scenes.show, body={"hold_s": 60}, chunks=Chunks(3),
          has=TAKEN_IN),
    admin("change nothing", "PATCH", SHOW_PATH, 422, scenes.show, body={}, faults=frozenset({""})),
    admin("change what is fixed", "PATCH", SHOW_PATH, 422, scenes.show, body={"starts_at": "2099-01-01T00:00:00Z"},
          faults=frozenset({"/starts_at"})),
    admin("change to no window", "PATCH", SHOW_PATH, 422, scenes.show, body={"sales_close_at": "2001-01-01T00:00:00Z",
          "sales_open_at": "2002-01-01T00:00:00Z"}, faults=frozenset({"/sales_close_at", "/sales_open_at"})),
    admin("change what is closed", "PATCH", SHOW_PATH, 409, scenes.closed, body={"hold_s": 60}, code="show_closed"),
    admin("change no show", "PATCH", "/api/shows/2147483647", 404, body={"hold_s": 60}, code="no_such_show"),
    admin("change by a buyer", "PATCH", SHOW_PATH, 403, scenes.show, body={"hold_s": 6}, who="token",
          code="not_allowed"),
    admin("close a show", "DELETE", SHOW_PATH, 202, scenes.show, shape=answers.CHANGE, has=TAKEN_IN),
    admin("close what is closed", "DELETE", SHOW_PATH, 409, scenes.closed, code="show_closed"),
    admin("cancel a show", "DELETE", SHOW_PATH + "?cancel_bookings=true", 202, scenes.show, shape=answers.CHANGE,
          has=TAKEN_IN),
    admin("cancel what is closed", "DELETE", SHOW_PATH + "?cancel_bookings=true", 202, scenes.closed,
          shape=answers.CHANGE, has=TAKEN_IN),
    admin("cancel perhaps", "DELETE", SHOW_PATH + "?cancel_bookings=yes", 422, scenes.show,
          faults=frozenset({"cancel_bookings"})),
    admin("cancel, by a buyer", "DELETE", SHOW_PATH + "?cancel_bookings=true", 403, scenes.show, who="token",
          code="not_allowed"),
    admin("a change that waits", "GET", CHANGE, 200, scenes.changing, shape=answers.CHANGE,
          says={"status": "ACCEPTED"}, has={**MADE, "Retry-After": "1"}),
    admin("a change that is made", "GET", CHANGE, 200, scenes.changed, shape=answers.CHANGE, says={"status": "DONE"},
          has={**MADE, "Retry-After": ""}),
    admin("no change", "GET", CHANGE, 404, scenes.nothing, code="no_such_change"),
    admin("a change that cannot be", "GET", "/api/shows/{show}/changes/x", 404, scenes.show, code="no_such_change"),
    admin("a change by a buyer", "GET", CHANGE, 403, scenes.changing, who="token", code="not_allowed"),
)  # fmt: skip

CASES = (*LISTS, *SINGLE, *MAPS, *COMPACT_MAPS, *KEPT, *WORK, *CHANGES)
