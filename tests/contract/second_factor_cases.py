"""Cases of the second factor: enrolling, logging in with a code, turning it off, and tokens that can only enrol."""

from __future__ import annotations

from api.shapes import answers, second_factor_answers
from tests.contract import scenes
from tests.contract.account_cases import LOGIN, open_, own
from tests.contract.booking_cases import RATE
from tests.contract.case import Case, Chunks

PATH = "/second-factor"
PASSWORD = {"password": "{password}"}

ENROLMENT = (
    own("second factor, none", "GET", PATH, 200, shape=second_factor_answers.STATE, says={"enrolled": False}),
    own("second factor", "GET", PATH, 200, scenes.enrolled, shape=second_factor_answers.STATE,
        says={"enrolled": True, "recovery_codes_left": 10}),
    own("second factor, begin", "POST", PATH, 201, body=PASSWORD, shape=second_factor_answers.SECRET),
    own("second factor, begin in chunks", "POST", PATH, 201, body=PASSWORD, chunks=Chunks(3)),
    own("second factor, begin wrongly", "POST", PATH, 401, body={"password": "wrong"}, code="bad_credentials"),
    own("second factor, begin with nothing", "POST", PATH, 422, body={}, faults=frozenset({"/password"})),
    own("second factor, begin again", "POST", PATH, 409, scenes.enrolled, body=PASSWORD,
        code="second_factor_enrolled"),
    own("second factor, begin without an account", "POST", PATH, 404, scenes.nothing, body={"password": "x"},
        code="no_account"),
    own("second factor, confirm", "PUT", PATH, 200, scenes.enrolling, body={"code": "{code}"},
        shape=second_factor_answers.ENROLLED, says={"must_enrol": False}),
    own("second factor, confirm wrongly", "PUT", PATH, 401, scenes.enrolling, body={"code": "wrong"},
        code="second_factor_wrong"),
    own("second factor, confirm a number", "PUT", PATH, 422, scenes.enrolling, body={"code": 123456},
        faults=frozenset({"/code"})),
    own("second factor, confirm none", "PUT", PATH, 404, body={"code": "123456"}, code="no_second_factor"),
    own("second factor, turn off", "DELETE", PATH, 204, scenes.enrolled, body={**PASSWORD, "code": "{code}"}),
    own("second factor, turn off by a recovery code", "DELETE", PATH, 204, scenes.enrolled,
        body={**PASSWORD, "code": "{recovery_code}"}),
    own("second factor, turn off without a code", "DELETE", PATH, 422, scenes.enrolled, body=PASSWORD,
        faults=frozenset({"/code"})),
    own("second factor, turn off wrongly", "DELETE", PATH, 401, scenes.enrolled, body={**PASSWORD, "code": "x"},
        code="second_factor_wrong"),
    own("second factor, turn off none", "DELETE", PATH, 404, body={**PASSWORD, "code": "123456"},
        code="no_second_factor"),
)  # fmt: skip

RENEW = f"{PATH}/recovery-codes"
RECOVERY_CODES = (
    own("recovery codes, new ones", "POST", RENEW, 200, scenes.enrolled, body={**PASSWORD, "code": "{code}"},
        shape=second_factor_answers.RECOVERY_CODES),
    own("recovery codes, by one of them", "POST", RENEW, 200, scenes.enrolled,
        body={**PASSWORD, "code": "{recovery_code}"}, shape=second_factor_answers.RECOVERY_CODES),
    own("recovery codes, a wrong code", "POST", RENEW, 401, scenes.enrolled, body={**PASSWORD, "code": "x"},
        code="second_factor_wrong"),
    own("recovery codes, a wrong password", "POST", RENEW, 401, scenes.enrolled,
        body={"password": "wrong", "code": "{code}"}, code="bad_credentials"),
    own("recovery codes, without a code", "POST", RENEW, 422, scenes.enrolled, body=PASSWORD,
        faults=frozenset({"/code"})),
    own("recovery codes of nothing", "POST", RENEW, 404, body={**PASSWORD, "code": "123456"},
        code="no_second_factor"),
)  # fmt: skip

LOG_INS = (
    open_("log in without a code", "/login", 401, scenes.enrolled, body=LOGIN, code="second_factor_required",
          has={"WWW-Authenticate": "Bearer"}),
    open_("log in with a code", "/login", 200, scenes.enrolled, body={**LOGIN, "code": "{code}"},
          shape=answers.TOKEN, says={"must_enrol": False}),
    open_("log in with a used code", "/login", 401, scenes.enrolled, body={**LOGIN, "code": "{used_code}"},
          code="second_factor_wrong"),
    open_("log in with a recovery code", "/login", 200, scenes.enrolled, body={**LOGIN, "code": "{recovery_code}"},
          shape=answers.TOKEN),
    open_("log in with a code that is none", "/login", 422, scenes.enrolled, body={**LOGIN, "code": ["1"]},
          faults=frozenset({"/code"})),
    open_("log in with a code for nothing", "/login", 200, scenes.account, body={**LOGIN, "code": "123456"},
          shape=answers.TOKEN),
)  # fmt: skip


def refused(name, method, path, **more):
    """A request with a token that can only enrol."""
    return Case(name=f"enrolling: {name}", method=method, path=path, scene=scenes.must_enrol, who="token",
                status=403, code="second_factor_required", **more)  # fmt: skip


ONLY_TO_ENROL = (
    refused("a status", "GET", "/api/bookings/00000001-0000-8000-8000-000000000000"),
    refused("a booking", "POST", "/api/bookings", body={"show_id": 1, "seats": ["A1"]}),
    refused("the audit log", "GET", "/api/admin/audit"),
    refused("the own account", "GET", "/api/auth/profile"),
    own("second factor, only to enrol", "GET", PATH, 200, scenes.must_enrol, has=RATE, says={"enrolled": False}),
)

CASES = (*ENROLMENT, *RECOVERY_CODES, *LOG_INS, *ONLY_TO_ENROL)
