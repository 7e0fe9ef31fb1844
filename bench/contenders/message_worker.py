"""A worker of the contender message: `dramatiq bench.contenders.message_worker`. Its import is its start."""

from __future__ import annotations

from bench.contenders import message
from workers.broker import broker

message.open_stores()

__all__ = ["broker"]
