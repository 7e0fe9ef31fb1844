"""Shapes of accounts that come in: signing up, logging in, refreshing, and changes of one's own account."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from marshmallow import ValidationError, validate, validates_schema

from api.shapes.fields import Address, Line, NewPassword, Text
from api.shapes.requests import Shape


def given_password(*, required: bool = True) -> Text:
    """A password to be compared. It may be longer than one may be set: other spellings of a letter are."""
    return Text(required=required, validate=validate.Length(1, 1_024), metadata={"description": "As it is."})


class Signup(Shape):
    """A new account."""

    email = Address(required=True, validate=[validate.Length(3, 254), validate.Email()], metadata={"format": "email"})
    password = NewPassword(required=True, validate=validate.Length(8, 256))
    name = Line(load_default="", validate=validate.Length(max=200))


class Login(Shape):
    """Credentials. No rule says how they look: a wrong form is simply a wrong password."""

    email = Address(required=True, validate=validate.Length(1, 254))
    password = given_password()


class Refresh(Shape):
    """A refresh token. No rule says how it looks: a wrong form is simply a wrong token."""

    refresh_token = Text(required=True, validate=validate.Length(1, 256))


class PasswordChange(Shape):
    """The password as it is, and as it shall be."""

    password = given_password()
    new_password = NewPassword(required=True, validate=validate.Length(8, 256))


class ProfileChange(Shape):
    """What a person may change of the own account. Another address wants the password."""

    RULES = MappingProxyType({"dependentRequired": {"email": ["password"]}})

    name = Line(required=True, validate=validate.Length(max=200))
    email = Address(validate=[validate.Length(3, 254), validate.Email()], metadata={"format": "email"})
    password = given_password(required=False)

    @validates_schema
    def an_address_wants_the_password(self, values: Mapping[str, Any], **_: Any) -> None:
        """Who has only the token does not take the account."""
        if "email" in values and "password" not in values:
            raise ValidationError("To change the address, give the password as it is.", "password")


class AccountDeletion(Shape):
    """The password of the account that is to be deleted."""

    password = given_password()


SIGNUP, LOGIN, REFRESH = Signup(), Login(), Refresh()
PASSWORD_CHANGE, PROFILE_CHANGE, ACCOUNT_DELETION = PasswordChange(), ProfileChange(), AccountDeletion()
