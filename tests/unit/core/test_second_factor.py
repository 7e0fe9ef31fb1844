"""One-time codes by RFC 6238, used once and near the clock; recovery codes in any spelling."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.second_factor import (
    DRIFT,
    NEVER,
    STEP_S,
    address,
    code_at,
    recovery_code,
    recovery_hash,
    recovery_hashes,
    secret_text,
    step_of,
)

#: RFC 6238, appendix B: the key for SHA-1.
SECRET = b"12345678901234567890"
ALICE = UUID(int=1)


@pytest.mark.parametrize(
    ("now_s", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_the_codes_are_those_of_the_rfc(now_s: int, code: str) -> None:
    assert code_at(SECRET, now_s // STEP_S) == code
    assert step_of(SECRET, code, now_s, NEVER) == now_s // STEP_S


@given(offset=st.integers(-4, 4), late_s=st.floats(0, STEP_S - 0.001))
def test_a_code_is_accepted_within_one_step_of_the_clock(offset: int, late_s: float) -> None:
    now = 41_152_263
    found = step_of(SECRET, code_at(SECRET, now + offset), now * STEP_S + late_s, NEVER)

    assert found == (now + offset if abs(offset) <= DRIFT else None)


@given(last=st.integers(-3, 3), offset=st.integers(-DRIFT, DRIFT))
def test_no_step_is_accepted_twice_or_before_one_that_was_used(last: int, offset: int) -> None:
    now = 41_152_263
    found = step_of(SECRET, code_at(SECRET, now + offset), now * STEP_S, now + last)

    assert found == (now + offset if offset > last else None)


@pytest.mark.parametrize(
    "code", ["", "28708", "2870820", "28708a", "\u0662\u0668\u0667\u0660\u0668\u0662", "-1", "+28708"]
)
def test_what_is_no_code_is_wrong(code: str) -> None:
    assert step_of(SECRET, code, 59, NEVER) is None


def test_spaces_and_hyphens_in_a_code_do_not_matter() -> None:
    assert step_of(SECRET, "287 082", 59, NEVER) == step_of(SECRET, "287-082 ", 59, NEVER) == 1


def test_the_address_has_all_that_an_app_needs() -> None:
    parts = urlsplit(address(SECRET, "Bo b+1@example.com", "Kino: Süd & Co"))

    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Kino: Süd & Co:Bo b+1@example.com"
    assert parse_qs(parts.query) == {"secret": [secret_text(SECRET)], "issuer": ["Kino: Süd & Co"]}


@given(drawn=st.binary(min_size=10, max_size=10))
def test_a_recovery_code_is_known_in_any_spelling_and_of_one_account(drawn: bytes) -> None:
    code = recovery_code(drawn)
    stored = recovery_hash(ALICE, code)

    assert len(code.split("-")) == 4
    assert stored is not None
    assert recovery_hash(ALICE, code.lower().replace("-", " ")) == stored
    assert recovery_hash(uuid4(), code) != stored
    assert recovery_hashes(ALICE, [code]) == [stored]


@pytest.mark.parametrize("code", ["", "ABCD", "ABCD-EFGH-IJKL-MNO1", "123456", "ABCD-EFGH-IJKL-MNOPQ", "Ä" * 16])
def test_what_is_no_recovery_code_has_no_hash(code: str) -> None:
    assert recovery_hash(ALICE, code) is None
