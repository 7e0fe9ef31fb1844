"""A worker process: `dramatiq --processes 1 --threads 9 workers.main`. Importing it is its start function."""

from __future__ import annotations

from core import crash_points, logs
from core.safety import refuse_unsafe
from core.settings import Settings
from workers import actors
from workers.broker import broker, open_broker
from workers.middleware import WorkerProcess

settings = Settings.from_env()
logs.configure(process="worker", json=settings.log_json, level=settings.log_level)
crash_points.arm(settings.crash, settings.lease_ms / 1000)
refuse_unsafe(settings)
open_broker(settings.broker_url)
broker.add_middleware(WorkerProcess(settings))

__all__ = ["actors", "broker"]
