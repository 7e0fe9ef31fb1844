"""What `onsale up` prints when everything answers: the address, and a booking to try in another terminal."""

from __future__ import annotations

import sys
from pathlib import Path

TRY = """
Try it in another terminal (sign up, book two seats, wait for the outcome):

  ONSALE={base_url}
  field() {{ python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1]))' "$1"; }}
  TOKEN=$(curl -s "$ONSALE/api/auth/signup" -H 'Content-Type: application/json' \\
    -d '{{"email": "buyer-'$RANDOM$RANDOM'@example.com", "password": "seats for everyone", "name": "Buyer"}}' \\
    | field access_token)
  BOOKING=$(curl -s "$ONSALE/api/bookings" -H "Authorization: Bearer $TOKEN" \\
    -H "Idempotency-Key: try-$RANDOM$RANDOM" -H 'Content-Type: application/json' \\
    -d '{{"show_id": {show_id}, "seats": ["A1", "A2"]}}' | field id)
  STATUS=PENDING
  while [ "$STATUS" = PENDING ]; do
    ANSWER=$(curl -s "$ONSALE/api/bookings/$BOOKING?wait=5" -H "Authorization: Bearer $TOKEN")
    STATUS=$(echo "$ANSWER" | field status)
  done
  echo "$ANSWER"

Or a rush: {command} rush --buyers 2500 --seats 1000. Ctrl-C stops everything.
"""


def ready(base_url: str, show_id: int | None) -> str:
    """The address and, if there is a show to book, the sequence: bash, curl and python3 are all it needs."""
    tried = "" if show_id is None else "\n" + TRY.format(base_url=base_url, show_id=show_id, command=_command())
    return f"ready {base_url}{tried}"


def _command() -> str:
    """How to call `onsale` from here: beside the interpreter, as seen from this folder if it is below it."""
    command = Path(sys.executable).with_name("onsale")
    return str(command.relative_to(Path.cwd()) if command.is_relative_to(Path.cwd()) else command)


def admin(email: str, password: str) -> str:
    """The admin's password, drawn just now. It is printed this once and kept only as a hash."""
    return f"admin {email} password {password}  (shown once)"
