"""What happens around actors: stores opened once per process (after the fork), the sweeper's thread, metrics."""

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
from workers.broker import MAX_AGE_MS
from workers.republish import Republisher
from workers.stores import Stores, open_stores
from workers.sweep import Sweeper

log = logs.logger(__name__)
_stores: Stores | None = None


def stores() -> Stores:
    """This process's stores. Raises ConfigurationError where `use` was not called: no worker runs here."""
    if _stores is None:
        raise ConfigurationError("This process has no worker's stores.")
    return _stores


def use(opened: Stores | None) -> None:
    """Make these the stores that actors of this process work with."""
    global _stores
    _stores = opened


class WorkerProcess(dramatiq.Middleware):
    """Opens and closes what a worker process needs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sweeper: Sweeper | None = None
        self._republisher: Republisher | None = None

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Still before the first message is taken, and after the fork: the stores, if they are safe.

        Dramatiq only logs what a hook raises, so this process ends itself; its master follows.
        """
        try:
            Guard(self._settings, "worker").start()
        except ConfigurationError as error:
            log.error("refused", error=str(error))
            os._exit(EXIT_CODE)
        use(open_stores(self._settings))
        gc_tuning.settle()

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """The sweeper first: without metrics a worker is worth something, without a sweeper it is not."""
        from workers.actors import ring

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
        """Drop a doorbell that has waited too long. It is acknowledged, not kept as a dead letter."""
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
