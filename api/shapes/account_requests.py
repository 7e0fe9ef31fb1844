"""Shapes of requests about accounts: signing up, logging in, refreshing, and changes of the user's own account."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from marshmallow import ValidationError, validate, validates_schema

from api.shapes.base import Shape
from api.shapes.fields import Address, Line, NewPassword, Text


def given_password(*, required: bool = True) -> Text:
    """Return the field of a password to verify. It may be longer than a new one: decomposed letters are longer."""
    return Text(required=required, validate=validate.Length(1, 1_024), metadata={"description": "Current password."})


def given_code(*, required: bool = True) -> Text:
    """Return the field of a code to verify. Its form is not validated: a malformed one is simply wrong."""
    description = "A one-time code or a recovery code, if the account has a second factor."
    return Text(required=required, validate=validate.Length(1, 64), metadata={"description": description})


class Signup(Shape):
    """A new account."""

    email = Address(required=True, validate=[validate.Length(3, 254), validate.Email()], metadata={"format": "email"})
    password = NewPassword(required=True, validate=validate.Length(8, 256))
    name = Line(load_default="", validate=validate.Length(max=200))


class Login(Shape):
    """Credentials. Their form is not validated: a malformed one is simply wrong."""

    email = Address(required=True, validate=validate.Length(1, 254))
    password = given_password()
    code = given_code(required=False)


class Refresh(Shape):
    """A refresh token. Its form is not validated: a malformed one is simply wrong."""

    refresh_token = Text(required=True, validate=validate.Length(1, 256))


class PasswordChange(Shape):
    """The current password and the new one."""

    password = given_password()
    new_password = NewPassword(required=True, validate=validate.Length(8, 256))


class ProfileChange(Shape):
    """Changes of the user's own account. A new e-mail address requires the password."""

    RULES = MappingProxyType({"dependentRequired": {"email": ["password"]}})

    name = Line(required=True, validate=validate.Length(max=200))
    email = Address(validate=[validate.Length(3, 254), validate.Email()], metadata={"format": "email"})
    password = given_password(required=False)

    @validates_schema
    def an_address_wants_the_password(self, values: Mapping[str, Any], **_: Any) -> None:
        """Require the password for a new address: a stolen token must not be enough to take the account."""
        if "email" in values and "password" not in values:
            raise ValidationError("To change the address, give the current password.", "password")


class AccountDeletion(Shape):
    """The password of the account to delete."""

    password = given_password()


class SecondFactor(Shape):
    """The password of the account that is to get a second factor."""

    password = given_password()


class SecondFactorProof(Shape):
    """What turning off the second factor needs, or replacing its recovery codes."""

    password = given_password()
    code = given_code()


class Code(Shape):
    """A one-time code of the secret to confirm."""

    code = Text(required=True, validate=validate.Length(1, 64), metadata={"description": "Six digits."})


SECOND_FACTOR, SECOND_FACTOR_PROOF, CODE = SecondFactor(), SecondFactorProof(), Code()
SIGNUP, LOGIN, REFRESH = Signup(), Login(), Refresh()
PASSWORD_CHANGE, PROFILE_CHANGE, ACCOUNT_DELETION = PasswordChange(), ProfileChange(), AccountDeletion()
