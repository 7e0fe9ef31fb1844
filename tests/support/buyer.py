"""A user who books over HTTP, and checks of the answers."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.access import tokens
from api.shapes.answers import BOOKING_STATUS, Problem


class Buyer:
    """A user with a token, and the requests that a buyer sends."""

    def __init__(self, app: Flask, client: FlaskClient) -> None:
        self.id = uuid4()
        self._client = client
        with app.app_context():
            self.headers = {"Authorization": f"Bearer {tokens.mint(self.id, 'user')}"}

    def book(self, show: int, *seats: str, key: str | None = None, **more: Any) -> TestResponse:
        body = {"show_id": show, **({"seats": list(seats)} if seats else {}), **more}
        return self.post(body, key)

    def post(self, body: Any, key: str | None = None) -> TestResponse:
        headers = self.headers | ({"Idempotency-Key": key} if key is not None else {})
        return self._client.post("/api/bookings", json=body, headers=headers)

    def get(self, id_: str, query: str = "", **headers: str) -> TestResponse:
        return self._client.get(f"/api/bookings/{id_}{query}", headers=self.headers | headers)

    def confirm(self, id_: str) -> TestResponse:
        return self._client.patch(f"/api/bookings/{id_}/confirm", headers=self.headers)

    def extend(self, id_: str) -> TestResponse:
        return self._client.patch(f"/api/bookings/{id_}/extend", headers=self.headers)

    def release(self, id_: str, *seats: str) -> TestResponse:
        return self._client.delete(f"/api/bookings/{id_}", json={"seats": list(seats)}, headers=self.headers)

    def cancel(self, id_: str) -> TestResponse:
        return self._client.delete(f"/api/bookings/{id_}", headers=self.headers)


def refused(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Assert that an answer is a problem with this status and code; return its body."""
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.content_type == "application/problem+json"
    body: dict[str, Any] = response.get_json()
    assert body["code"] == code
    assert Problem().validate(body) == {}
    return body


def answered(response: TestResponse, status: int) -> dict[str, Any]:
    """Assert that an answer is a booking's status; return its body."""
    assert response.status_code == status, response.get_data(as_text=True)
    body: dict[str, Any] = response.get_json()
    assert BOOKING_STATUS.validate(body) == {}
    return body
