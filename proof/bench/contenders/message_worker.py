"""A worker of the contender message: `dramatiq proof.bench.contenders.message_worker`. Its import is its start."""

from __future__ import annotations

import dramatiq

from proof.bench.contenders import message

message.open_stores()
dramatiq.set_broker(message.broker)
