"""Shapes of the answers about the second factor of an account (api/accounts/enrolment.py)."""

from __future__ import annotations

from marshmallow import fields

from api.shapes.answers import TokenAnswer
from api.shapes.base import Shape
from api.shapes.fields import Flag, Text, Whole


class SecondFactorState(Shape):
    """Whether log-ins need a code."""

    enrolled = Flag(required=True)
    enrolled_at = fields.AwareDateTime(required=True, allow_none=True)
    recovery_codes_left = Whole(required=True)


class SecretAnswer(Shape):
    """A new secret, shown once."""

    secret = Text(required=True, metadata={"description": "Base32."})
    otpauth_uri = Text(required=True, metadata={"description": "The same for apps, to be shown as a QR code."})


class EnrolledAnswer(TokenAnswer):
    """New tokens, since all sessions have ended, and the recovery codes."""

    recovery_codes = fields.List(Text(), required=True, metadata={"description": "Shown once; each is usable once."})


STATE, SECRET, ENROLLED = SecondFactorState(), SecretAnswer(), EnrolledAnswer()
