"""The scheduler: sends actors on time, and does nothing else. Two at once are harmless.

python -m workers.scheduler
"""

from __future__ import annotations

import logging
import signal

import redis
from apscheduler.schedulers.blocking import BlockingScheduler

from core import crash_points, logs
from core.crash_points import point
from core.errors import OnsaleError
from core.safety import refuse_unsafe
from core.settings import Settings
from workers.actors import expire_holds
from workers.broker import open_broker

log = logs.logger(__name__)

#: Seconds: a hold's seats are on the seat map again at most this long after its deadline, plus one batch.
EXPIRE_EVERY_S = 1


def send_expire_holds() -> None:
    """Send the message; if the broker is unavailable, the next tick sends another."""
    point("expiry due")
    try:
        expire_holds.send()
        point("expiry message sent", redis.ConnectionError)
    except (redis.RedisError, OnsaleError) as error:
        log.warning("not_sent", actor="expire_holds", error=str(error))


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    settings = Settings.from_env()
    logs.configure(process="scheduler", json=settings.log_json, level=settings.log_level)
    crash_points.arm(settings.crash, settings.lease_ms / 1000)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)  # it would log two lines per second
    refuse_unsafe(settings)
    open_broker(settings.broker_url)
    scheduler = BlockingScheduler(timezone="UTC")
    scheduler.add_job(
        send_expire_holds,
        "interval",
        seconds=EXPIRE_EVERY_S,
        max_instances=1,
        coalesce=True,
        misfire_grace_time=None,
    )
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: scheduler.shutdown(wait=False))
    scheduler.start()


if __name__ == "__main__":
    main()
