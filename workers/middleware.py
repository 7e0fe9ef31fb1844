"""Dramatiq middleware: opens a worker's stores once per process, after the fork, and runs its threads and metrics."""

from __future__ import annotations

import os

import dramatiq
from dramatiq import Broker, MessageProxy, Worker
from dramatiq.common import current_millis
from dramatiq.middleware import SkipMessage
from prometheus_client import start_http_server

from core import gc_tuning, logs
from core.errors import ConfigurationError
from core.settings import Settings
from db.guard import EXIT_CODE, Guard
from workers.actors import ring
from workers.broker import MAX_AGE_MS
from workers.republish import Republisher
from workers.stores import open_stores, stores, use
from workers.sweep import Sweeper

log = logs.logger(__name__)


class WorkerProcess(dramatiq.Middleware):
    """Opens and closes what a worker process needs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sweeper: Sweeper | None = None
        self._republisher: Republisher | None = None

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Open the stores, if they are safe, after the fork and before the first message.

        Dramatiq only logs what a hook raises, so this process exits by itself, and its master follows.
        """
        try:
            Guard(self._settings, "worker").start()
        except ConfigurationError as error:
            log.error("refused", error=str(error))
            os._exit(EXIT_CODE)
        use(open_stores(self._settings))
        gc_tuning.settle()

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Start the sweeper first: a worker is useful without metrics, but not without a sweeper."""
        self._sweeper = Sweeper(stores(), ring)
        self._sweeper.start()
        self._republisher = Republisher(stores())
        self._republisher.start()
        if self._settings.worker_metrics_port:
            try:
                start_http_server(self._settings.worker_metrics_port)
            except OSError as error:
                log.error("no_metrics", port=self._settings.worker_metrics_port, error=str(error))

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Drop a doorbell that has waited too long; it is acknowledged, not kept as a dead letter."""
        if current_millis() - message.message_timestamp > MAX_AGE_MS:
            raise SkipMessage("The doorbell is too old.")

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        stores().stopping.set()
        if self._sweeper is not None:
            self._sweeper.stop()
        if self._republisher is not None:
            self._republisher.stop()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        stores().close()
        use(None)
