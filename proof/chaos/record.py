"""The record of every request sent and every answer seen, kept outside the system, in memory and in a file.

One line is written before a request is sent and another when its answer has arrived. Times are seconds since 1970 by
this machine's clock.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

#: Kinds of requests: those of a booking's owner, one of administrators, and four that read.
BOOK, CONFIRM, CANCEL, EXTEND, RELEASE = "BOOK", "CONFIRM", "CANCEL", "EXTEND", "RELEASE"
CHANGE_SHOW = "CHANGE_SHOW"
#: Operations on a booking: as the operations' kinds in core/operations.py.
CHANGES = (CONFIRM, CANCEL, EXTEND, RELEASE)
STATUS, FOREIGN, SHOW, SEATS = "STATUS", "FOREIGN", "SHOW", "SEATS"
#: The fields that are kept of a booking's status, and of a show.
STATUS_FIELDS = ("id", "status", "stage", "reason", "seats", "version", "amount_cents")
SHOW_FIELDS = ("capacity", "free", "held", "sold", "version")


@dataclass(slots=True)
class Call:
    """One request and its answer. `code`: 0 without an answer; `said`: see `reduced`.

    `asked`: the body of a BOOK or RELEASE; for a CHANGE_SHOW its operation's `changes`.
    """

    number: int
    kind: str
    user: str
    show: int
    key: str
    asked: dict[str, Any]
    booking: str
    sent_at: float
    answered_at: float = 0.0
    code: int = 0
    said: dict[str, Any] = field(default_factory=dict)
    #: How often it was sent: a client retries a request whose connection broke before an answer.
    tries: int = 1

    @property
    def accepted(self) -> bool:
        """Whether the system took responsibility for it: 202, or 200 or 201 with the outcome."""
        return self.code in (200, 201, 202)


class Record:
    """An append-only record; without a path it is kept in memory only."""

    def __init__(self, path: Path | None = None) -> None:
        self.calls: list[Call] = []
        self._file: IO[str] | None = path.open("a", buffering=1 << 16) if path else None

    def sent(
        self, kind: str, *, user: str = "", show: int = 0, key: str = "", asked: dict[str, Any] | None = None,
        booking: str = "",
    ) -> Call:  # fmt: skip
        """Record a request that is about to be sent."""
        call = Call(len(self.calls), kind, user, show, key, asked or {}, booking, time.time())
        self.calls.append(call)
        self._write(
            {"n": call.number, "k": kind, "u": user, "s": show, "key": key, "asked": call.asked, "b": booking}
            | {"at": call.sent_at}
        )
        return call

    def answered(self, call: Call, code: int, body: dict[str, Any]) -> None:
        """Record the answer of a request; `code` 0: there will be none."""
        call.answered_at, call.code, call.said = time.time(), code, reduced(call.kind, code, body)
        self._write({"n": call.number, "c": code, "said": call.said, "at": call.answered_at, "tries": call.tries})

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def __enter__(self) -> Record:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()


def reduced(kind: str, code: int, body: dict[str, Any]) -> dict[str, Any]:
    """Return what the oracle needs of an answer: a status, a show's counters, or a problem's code."""
    if code >= 400 or code == 0:
        return {"code": body.get("code", ""), "seats": body.get("seats", [])}
    if kind == CHANGE_SHOW:
        return {"id": body.get("id", "")}
    if kind == SHOW:
        return {name: body.get(name) for name in SHOW_FIELDS}
    if kind == SEATS:
        return _counted(body)
    said = {name: body.get(name) for name in STATUS_FIELDS}
    pending = body.get("pending_operation")
    return {**said, "pending": pending["kind"] if pending else None}


def _counted(body: dict[str, Any]) -> dict[str, Any]:
    """Return the counters of a show from its seat map."""
    statuses = [seat["status"] for row in body.get("rows", ()) for seat in row["seats"]]
    counts = {name: statuses.count(status) for name, status in
              {"free": "AVAILABLE", "held": "HELD", "sold": "SOLD"}.items()}  # fmt: skip
    return {**counts, "capacity": len(statuses), "version": body.get("version")}


def read(path: Path, first: int = 0) -> list[Call]:
    """Return the calls in a file, numbered from `first`. A truncated last line is ignored."""
    calls: dict[int, Call] = {}
    for line in _lines(path):
        if "k" in line:
            calls[line["n"]] = Call(
                first + line["n"], line["k"], line["u"], line["s"], line["key"], line["asked"], line["b"], line["at"]
            )
        elif line["n"] in calls:
            call = calls[line["n"]]
            call.answered_at, call.code, call.said, call.tries = line["at"], line["c"], line["said"], line["tries"]
    return list(calls.values())


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as file:
        for text in file:
            try:
                line: dict[str, Any] = json.loads(text)
            except ValueError:
                return
            yield line
