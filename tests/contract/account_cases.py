"""Cases of accounts: sign up, log in, refresh, log out, profile, password, the user's bookings, export."""

from __future__ import annotations

from api.shapes import answers
from tests.contract import scenes
from tests.contract.booking_cases import RATE
from tests.contract.case import JSON, Case, Chunks
from tests.contract.world import ORIGIN

AUTH = "/api/auth"
JSON_ANSWER = {"Content-Type": JSON, "Content-Length": r"\d+", "Cache-Control": "no-store"}
MINE = {**JSON_ANSWER, **RATE}
SIGNUP = {"email": "{key}@example.com", "password": "{password}", "name": "Dora"}
LOGIN = {"email": "{email}", "password": "{password}"}
WRONG = {"email": "{email}", "password": "wrong"}


def open_(name, path, status, scene=scenes.nothing, **more):
    """A request without a token."""
    return Case(**{"name": f"account: {name}", "method": "POST", "path": AUTH + path, "status": status,
                   "scene": scene, "has": JSON_ANSWER if status < 300 else {}} | more)  # fmt: skip


def own(name, method, path, status, scene=scenes.account, **more):
    """A request about the user's own account."""
    has = MINE if status < 300 and status != 204 else RATE
    return open_(name, path, status, scene, **{"method": method, "who": "token", "has": has} | more)


#: No script can read it, and no other site's page sends it.
COOKIE = r"onsale_session=[\w-]{70}; (?=.*HttpOnly)(?=.*SameSite=Strict)(?=.*Path=/api/auth\b)(?!.*Secure).*"
SAFE_COOKIE = (
    r"onsale_session=[\w-]{70}; (?=.*Secure)(?=.*HttpOnly)(?=.*SameSite=Strict)(?=.*Path=/shop/api/auth\b).*"
)

COMING = (
    open_("sign up", "/signup", 201, body=SIGNUP, shape=answers.TOKEN),
    open_("sign up in chunks", "/signup", 201, body=SIGNUP, shape=answers.TOKEN, chunks=Chunks(11)),
    open_("sign up from a page", "/signup", 201, body=SIGNUP, headers=(("Origin", ORIGIN),),
          has={**JSON_ANSWER, "Access-Control-Allow-Origin": ORIGIN}),
    open_("sign up again", "/signup", 409, scenes.account, body={**SIGNUP, "email": "{email}"}, code="email_taken"),
    open_("sign up with little", "/signup", 422, body={"email": "x", "password": "short"},
          faults=frozenset({"/email", "/password"})),
    open_("sign up as a form", "/signup", 415, body=b"a=b", media="application/x-www-form-urlencoded"),
    open_("log in", "/login", 200, scenes.account, body=LOGIN, shape=answers.TOKEN),
    open_("log in in chunks", "/login", 200, scenes.account, body=LOGIN, shape=answers.TOKEN, chunks=Chunks(5),
          media="application/json;charset=utf-8"),
    open_("log in wrongly", "/login", 401, scenes.account, body=WRONG, code="bad_credentials",
          has={"WWW-Authenticate": "Bearer"}),
    open_("log in as nobody", "/login", 401, body={**WRONG, "email": "{key}@example.com"}, code="bad_credentials"),
    open_("log in without JSON", "/login", 400, body=b"email=x", code="not_json"),
    open_("log in with GET", "/login", 405, method="GET", code="method_not_allowed",
          has={"Allow": "(OPTIONS, POST|POST, OPTIONS)"}),
    open_("refresh", "/refresh", 200, scenes.account, body={"refresh_token": "{refresh}"}, shape=answers.TOKEN),
    open_("log in with a cookie", "/login", 200, scenes.account, body=LOGIN, shape=answers.TOKEN,
          headers=(("X-Session-Cookie", "1"),), has={**JSON_ANSWER, "Set-Cookie": COOKIE},
          says={"refresh_token": None}),
    open_("log in with a cookie, over TLS below a prefix", "/login", 200, scenes.account, body=LOGIN,
          headers=(("X-Session-Cookie", "1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Prefix", "/shop")),
          has={**JSON_ANSWER, "Set-Cookie": SAFE_COOKIE, "Strict-Transport-Security": ".+"}),
    open_("session", "/session", 200, scenes.account, says={"refresh_token": None}, shape=answers.TOKEN,
          headers=(("X-Session-Cookie", "1"), ("Cookie", "onsale_session={refresh}")),
          has={**JSON_ANSWER, "Set-Cookie": COOKIE}),
    open_("session of a page that may not ask", "/session", 401, scenes.account, code="refresh_invalid",
          headers=(("Cookie", "onsale_session={refresh}"),), has={"WWW-Authenticate": "Bearer"}),
    open_("session without a cookie", "/session", 401, code="refresh_invalid",
          headers=(("X-Session-Cookie", "1"),), has={"WWW-Authenticate": "Bearer"}),
    open_("refresh with nothing good", "/refresh", 401, body={"refresh_token": "x" * 70}, code="refresh_invalid",
          has={"WWW-Authenticate": "Bearer"}),
)  # fmt: skip

OWN = (
    own("profile", "GET", "/profile", 200, shape=answers.USER, says={"email": "{email}", "role": "user"}),
    own("profile, other names", "GET", "/profile?_=1", 200, shape=answers.USER),
    own("profile without an account", "GET", "/profile", 404, scenes.nothing, code="no_account"),
    own("profile without a token", "GET", "/profile", 401, who="", code="token_missing", has={"RateLimit": ""}),
    own("profile, logged out", "GET", "/profile", 401, scenes.revoked, code="token_revoked", has={}),
    own("another name", "PUT", "/profile", 200, body={"name": "Eve"}, shape=answers.USER, says={"name": "Eve"}),
    own("another name in chunks", "PUT", "/profile", 200, body={"name": "Eve"}, chunks=Chunks(4),
        says={"name": "Eve"}),
    own("another address", "PUT", "/profile", 200, says={"email": "{key}@example.com"},
        body={"name": "Eve", "email": "{key}@example.com", "password": "{password}"}),
    own("another address without the password", "PUT", "/profile", 422, body={"name": "E", "email": "e@example.com"},
        faults=frozenset({"/password"})),
    own("another password", "PUT", "/password", 200, body={"password": "{password}", "new_password": "{key}"},
        shape=answers.TOKEN),
    own("another password without the old one", "PUT", "/password", 401, code="bad_credentials",
        body={"password": "wrong", "new_password": "{key}"}),
    own("export", "GET", "/export", 200, shape=answers.EXPORT,
        has={**MINE, "Content-Disposition": 'attachment; filename="onsale-account.json"'}),
    own("bookings", "GET", "/bookings", 200, scenes.three, shape=answers.OWN_BOOKINGS, says={"next_cursor": None}),
    own("bookings, first page", "GET", "/bookings?limit=2", 200, scenes.three, shape=answers.OWN_BOOKINGS,
        says={"limit": 2, "next_cursor": "{cursor}"}),
    own("bookings, next page", "GET", "/bookings?limit=2&cursor={cursor}", 200, scenes.three,
        shape=answers.OWN_BOOKINGS, says={"next_cursor": None}),
    own("bookings, other names", "GET", "/bookings?fbclid=x", 200, shape=answers.OWN_BOOKINGS),
    own("bookings, no cursor", "GET", "/bookings?cursor=x", 400, code="invalid_cursor"),
    own("log out", "POST", "/logout", 204),
    own("log out everywhere", "DELETE", "/sessions", 204),
    own("delete the account", "DELETE", "/profile", 204, body={"password": "{password}"}),
    own("delete the account in chunks", "DELETE", "/profile", 204, body={"password": "{password}"}, chunks=Chunks(2)),
    own("delete the account without the password", "DELETE", "/profile", 401, body={"password": "x"},
        code="bad_credentials"),
)  # fmt: skip

CASES = (*COMING, *OWN)
