"""Accounts and their roles. Administrators are made and unmade by the command `onsale admin` (ops/admin.py)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from api.access import audit
from api.access.tokens import admin_required
from api.accounts.sessions import end_all
from api.bookings import status_body
from api.shapes import admin_answers, admin_requests, answers, requests
from api.web import cursors
from api.web.backend import backend
from api.web.openapi import route
from api.web.problems import problem
from api.web.request_reading import read_body, read_query
from api.web.serializers import answer, session_json, user_json
from db.postgres import accounts, bookings, sessions, users
from db.postgres.engine import transaction
from db.postgres.users import User

ONE = "/<uuid:user_id>"

blueprint = Blueprint("users", __name__, url_prefix="/api/admin/users", description="Accounts and their roles.")


@route(
    blueprint, "GET", "", query=admin_requests.USERS_QUERY, answers={200: admin_answers.USERS},
    errors=(400, 403, 503), secured=True,
)  # fmt: skip
@admin_required
def list_users() -> Response:
    """List accounts by address: all, those with a role, or the one with this address."""
    query = read_query(admin_requests.USERS_QUERY)
    position, limit = cursors.USERS.read(query["cursor"]), query["limit"]
    with transaction(backend().engine) as connection:
        found = accounts.list_users(
            connection,
            email=query.get("email"),
            role=query.get("role"),
            after=position[0] if position else None,
            limit=limit + 1,
        )
    page = cursors.USERS.page("users", found, limit, lambda row: user_json(row[0]), lambda row: (row[1],))
    return answer(page)


@route(blueprint, "GET", ONE, answers={200: admin_answers.USER_DETAIL}, errors=(403, 404, 503), secured=True)
@admin_required
def show_user(user_id: UUID) -> Response:
    """Show an account and its sessions."""
    with transaction(backend().engine) as connection:
        user = users.get_user(connection, user_id)
        opened = sessions.list_of_user(connection, user_id)
    return answer(_detail(user, [session_json(session) for session in opened])) if user else _no_such_user()


@route(
    blueprint, "GET", f"{ONE}/bookings", query=requests.PAGE_QUERY, answers={200: answers.OWN_BOOKINGS},
    errors=(400, 403, 503), secured=True,
)  # fmt: skip
@admin_required
def bookings_of_user(user_id: UUID) -> Response:
    """List an account's decided bookings, newest first; also those of a deleted account."""
    query = read_query(requests.PAGE_QUERY)
    limit, after = query["limit"], cursors.BOOKINGS.read(query["cursor"])
    with transaction(backend().engine) as connection:
        found = bookings.list_of_user(connection, user_id, after=after, limit=limit + 1)
    page = cursors.BOOKINGS.page(
        "bookings", found, limit, status_body.listed, lambda each: (each.accepted_ms, each.id)
    )
    return answer({**page, "currency": backend().settings.currency})


@route(
    blueprint, "PATCH", ONE, body=admin_requests.ROLE_CHANGE, answers={200: answers.USER},
    errors=(403, 404, 409, 503), secured=True,
)  # fmt: skip
@admin_required
def change_role(user_id: UUID) -> Response:
    """Make a user box office, or undo it. That account's sessions end, since its tokens name the former role."""
    role = read_body(admin_requests.ROLE_CHANGE)["role"]
    with transaction(backend().engine) as connection:
        before = accounts.lock_user(connection, user_id)
        if before is None:
            return _no_such_user()
        if before.role == "admin":
            detail = "Administrators are unmade with the command `onsale admin revoke`, not over HTTP."
            return problem(409, "administrators_account", detail)
        if before.role != role:
            accounts.set_role(connection, user_id, role)
            audit.done(connection, "user.role", f"user {user_id}", {"role": before.role}, {"role": role})
            end_all(connection, user_id)
        user = users.get_user(connection, user_id)
    assert user is not None  # it is locked
    return answer(user_json(user))


def _detail(user: User, opened: list[dict[str, Any]]) -> dict[str, Any]:
    return {"user": user_json(user), "sessions": opened}


def _no_such_user() -> Response:
    return problem(404, "no_such_user", "There is no such account.")
