"""What `onsale up` prints when it is ready: the address, and commands that book two seats in another terminal."""

from __future__ import annotations

import sys
from pathlib import Path

PAGES = """
  storefront {base_url}/
  console    {base_url}/console
"""
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

Or send a crowd:  {command} rush --buyers 2500 --seats 1000
Check the result: {command} verify
Ctrl-C stops everything.
"""


def ready(base_url: str, show_id: int | None, *, pages_built: bool) -> str:
    """Return the addresses and, if there is a show to book, the commands, which need only bash, curl and python3."""
    example = "" if show_id is None else "\n" + TRY.format(base_url=base_url, show_id=show_id, command=_command())
    pages = PAGES.format(base_url=base_url) if pages_built else ""
    return f"ready {base_url}{pages}{example}"


def _command() -> str:
    """Return the path of `onsale`, next to the interpreter; relative if it is below the current folder."""
    command = Path(sys.executable).with_name("onsale")
    return str(command.relative_to(Path.cwd()) if command.is_relative_to(Path.cwd()) else command)


def admin(email: str, password: str) -> str:
    """Return the line with the admin's generated password. It is printed once; only its hash is stored."""
    return f"admin {email} password {password}  (shown only once)"
