"""Shapes of the answers about the second factor of an account (api/accounts/enrolment.py)."""

from __future__ import annotations

from marshmallow import fields

from api.shapes.answers import SecondFactorState, TokenAnswer
from api.shapes.base import Shape
from api.shapes.fields import Text


class SecretAnswer(Shape):
    """A new secret, shown once."""

    secret = Text(required=True, metadata={"description": "Base32."})
    otpauth_uri = Text(required=True, metadata={"description": "The same for apps, to be shown as a QR code."})


class RecoveryCodesAnswer(Shape):
    """New recovery codes."""

    recovery_codes = fields.List(Text(), required=True, metadata={"description": "Shown once; each is usable once."})


class EnrolledAnswer(TokenAnswer, RecoveryCodesAnswer):
    """New tokens, since all sessions have ended, and the recovery codes."""


STATE, SECRET, ENROLLED = SecondFactorState(), SecretAnswer(), EnrolledAnswer()
RECOVERY_CODES = RecoveryCodesAnswer()
