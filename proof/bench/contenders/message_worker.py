"""The worker of the contender message: `dramatiq proof.bench.contenders.message_worker`. Importing it starts it."""

from __future__ import annotations

import dramatiq

from proof.bench.contenders import message

message.open_stores()
dramatiq.set_broker(message.broker)
