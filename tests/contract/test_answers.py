"""Each case on each transport: the expected answer, and the same one from both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from db.postgres.engine import transaction
from tests.contract import (
    account_cases,
    admin_cases,
    booking_cases,
    catalogue_cases,
    odd_cases,
    page_cases,
    plain_cases,
    poster_cases,
    second_factor_cases,
    status_cases,
)
from tests.contract.alike import plain
from tests.contract.case import Case, check
from tests.contract.scenes import prepare
from tests.contract.transports import COMMANDS
from tests.contract.wire import Answer
from tests.contract.world import World

CATALOGUE = (catalogue_cases, poster_cases)
MODULES = (
    booking_cases,
    status_cases,
    *CATALOGUE,
    account_cases,
    second_factor_cases,
    admin_cases,
    plain_cases,
    page_cases,
    odd_cases,
)
CASES = [case for module in MODULES for case in module.CASES]


def on(transport: str) -> list[Case]:
    return [case for case in CASES if case.only in ("", transport)]


#: Answers so far, so that no scene is made twice.
_answers: dict[tuple[str, str], Answer] = {}


@pytest.fixture(scope="module", autouse=True)
def nothing_answered() -> Iterator[None]:
    yield
    _answers.clear()


def answer(case: Case, world: World) -> Answer:
    """Return a transport's answer to a case, which is sent only once."""
    known = _answers.get((case.name, world.transport))
    if known is None:
        names = prepare(world, case.scene)
        known = _answers[case.name, world.transport] = case.answer(world, names)
        if "show" in names:
            world.stage.drain(names["show"])  # so that the next scene finds no queue
        check(case, known, names)
    return known


@pytest.mark.parametrize(
    ("case", "transport"),
    [pytest.param(case, each, id=f"{each}: {case.name}") for each in COMMANDS for case in on(each)],
)
def test_a_case_is_answered_as_it_should_be(case: Case, transport: str, request: pytest.FixtureRequest) -> None:
    answer(case, request.getfixturevalue(transport))


@pytest.mark.parametrize("case", [case for case in CASES if not case.only], ids=lambda case: case.name)
def test_both_transports_answer_the_same(case: Case, front: World, wsgi: World) -> None:
    assert plain(answer(case, front)) == plain(answer(case, wsgi))


#: A preview stores nothing.
ACTS = [
    case
    for case in CASES
    if case.who == "admin" and case.method not in ("GET", "HEAD") and 200 <= case.status < 300
    if "preview=true" not in case.path
]


@pytest.mark.parametrize("case", ACTS, ids=lambda case: case.name)
def test_every_act_of_an_administrator_is_in_the_audit_log(case: Case, front: World) -> None:
    request_id = answer(case, front).one("x-request-id")

    with transaction(front.stage.stores.engine) as connection:
        found = connection.execute(text("SELECT count(*) FROM audit_log WHERE request_id = :id"), {"id": request_id})
        assert found.scalar_one() >= 1


def test_case_names_are_unique() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
