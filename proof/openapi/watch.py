"""What is written down of each call, and what is wrong about it whatever the document says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import schemathesis
from schemathesis.core.transport import Response
from schemathesis.engine import StopReason, events
from schemathesis.generation import GenerationMode
from schemathesis.generation.meta import TestPhase
from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER

from proof.fuzz.command import LEAKS
from proof.openapi.accounts import PASSWORD, Stage

#: The answers to who comes without a token where one is needed, or with no route or no readable request at all.
REFUSALS = frozenset({400, 401, 404, 405, 408, 413, 414, 431})
SLOW_S = 10.0
#: After the stage's own show.
FIRST_START = datetime(2190, 1, 2, tzinfo=UTC)
#: They want the password as it is.
PROVEN = frozenset({"change_password", "change_profile", "delete_account"})
BOOKING_CHANGES = frozenset({"create", "confirm", "cancel"})


def _starts() -> Iterator[str]:
    """Times far enough apart that no two shows meet."""
    for number in count(1):
        yield (FIRST_START + number * timedelta(hours=2)).isoformat()


@dataclass
class Watch:
    """One caller's calls. `promised`: booking -> the Authorization that it was accepted for."""

    stage: Stage
    #: When the next show of the stage's hall may start.
    starts: Iterator[str] = field(default_factory=_starts)
    operations: set[str] = field(default_factory=set)
    successful: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    links: set[str] = field(default_factory=set)
    promised: dict[str, str] = field(default_factory=dict)
    without_token: int = 0
    slowest_s: float = 0.0
    wrong: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def over(self, schema: schemathesis.BaseSchema) -> Iterator[None]:
        """Be told of each call to the schema's system."""

        def before_call(
            _context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]
        ) -> None:
            self.sent(case)

        def after_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], response: Response) -> None:
            self.answered(case, response)

        schema.hook(after_call)
        schemathesis.hook(before_call)
        try:
            yield
        finally:
            GLOBAL_HOOK_DISPATCHER.unregister(before_call)

    def sent(self, case: schemathesis.Case[Any]) -> None:
        """Give good cases what nobody can guess: a show that is there, the password as it is."""
        name, body = _name(case), case.body
        if not isinstance(body, dict) or (case.meta and case.meta.generation.mode == GenerationMode.NEGATIVE):
            return
        case.body = body = whole(body)
        if name == "create":
            body["show_id"] = self.stage.show_id
        if case.meta and case.meta.phase.name == TestPhase.STATEFUL:
            if name == "create_hall":
                case.body = dict(self.stage.hall)
            if name == "create_show":
                case.body = {**self.stage.show, "starts_at": next(self.starts)}
        if name in PROVEN and "password" in body:
            body["password"] = PASSWORD

    def answered(self, case: schemathesis.Case[Any], response: Response) -> None:
        """Count the answer, and judge it."""
        name, status = _name(case), response.status_code
        request = response.request
        self.statuses[status] += 1
        self.slowest_s = max(self.slowest_s, response.elapsed)
        if leaked := [word for word in LEAKS if word in response.content]:
            self.wrong.setdefault(f"leak: {name}", f"{leaked[0]!r} in {response.content[-500:]!r}")
        if response.elapsed > SLOW_S:
            self.wrong.setdefault(f"slow: {name}", f"{response.elapsed:.1f} s for {request.method} {request.url}")
        authorization = str(request.headers.get("Authorization", ""))
        if request.method != case.operation.method.upper():  # the check unsupported_method
            return
        self.operations.add(name)
        if status < 300:
            self.successful.add(name)
        if "security" in case.operation.definition.raw:
            self.without_token += not authorization
            if not authorization and status not in REFUSALS:
                self.wrong.setdefault(f"no token: {name} {status}", f"{request.method} {request.url}")
        if name in BOOKING_CHANGES and status == 202:
            self.promised[response.json()["id"]] = authorization

    def event(self, event: events.EngineEvent) -> None:
        """What schemathesis itself found."""
        if isinstance(event, events.NonFatalError):
            self.wrong.setdefault(f"error: {event.label} {event.value!r}"[:200], event.info.format())
        elif isinstance(event, events.FatalError):
            self.wrong.setdefault("error", repr(event.exception))
        elif isinstance(event, events.EngineFinished):
            if event.stop_reason not in (StopReason.COMPLETED, StopReason.MAX_TIME):
                self.wrong.setdefault("stopped", event.stop_reason.value)
        elif isinstance(event, events.ScenarioFinished):
            recorder = event.recorder
            for node in recorder.cases.values():
                if node.transition is not None and node.is_transition_applied and not node.transition.is_inferred:
                    self.links.add(node.transition.id)
            for checks in recorder.checks.values():
                for check in checks:
                    self.checks[check.name] += 1
                    if found := check.failure_info:
                        failure = found.failure
                        self.wrong.setdefault(
                            f"{check.name}: {failure.operation}: {failure.title}",
                            f"{failure.message}\n{found.code_sample}",
                        )

    def told(self) -> str:
        """The counts in one line."""
        classes = Counter(status // 100 for status in self.statuses.elements())
        each = ", ".join(f"{count} {first}xx" for first, count in sorted(classes.items()))
        return (
            f"{len(self.operations)} operations ({len(self.successful)} answered 2xx), "
            f"{self.statuses.total()} requests ({each}), "
            f"{self.checks.total()} checks of {len(self.checks)} kinds, {len(self.links)} links followed, "
            f"{self.without_token} without the token that was needed, {len(self.promised)} bookings accepted, "
            f"slowest {self.slowest_s:.2f} s, {len(self.wrong)} wrong"
        )


def whole(value: Any) -> Any:
    """The same value with 283.0 as 283: one number to JSON Schema, but this API wants integers written as such."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: whole(each) for name, each in value.items()}
    return [whole(each) for each in value] if isinstance(value, list) else value


def _name(case: schemathesis.Case[Any]) -> str:
    return str(case.operation.definition.raw["operationId"])
