"""Logs: one line per event, `key=value` for people or JSON for machines, with request and booking ids.

Call `configure` once in a process's start function. `bind` adds ids to every line of this thread (or task), `unbind`
removes them. Lines of libraries (granian, Dramatiq) have the same format. Never log a token or a password.
"""

from __future__ import annotations

import logging
import sys
from typing import cast

import structlog
from structlog.contextvars import bind_contextvars as bind
from structlog.contextvars import clear_contextvars as unbind
from structlog.typing import EventDict, FilteringBoundLogger, Processor

__all__ = ["bind", "configure", "logger", "unbind"]


def configure(*, process: str, json: bool, level: str) -> None:
    """Send every log line of this process to standard error. Call this once, before the first line.

    Our own lines bypass the standard logging; libraries' lines go through it, and have the same format.
    """

    def name_process(_logger: object, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        name_process,
    ]
    first = ["timestamp", "level", "event", "process"]
    last: Processor = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.processors.LogfmtRenderer(key_order=first, bool_as_flag=False)
    )
    structlog.configure(
        processors=[*shared, last],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[remove, last]))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def logger(name: str) -> FilteringBoundLogger:
    """Return the logger of a module: `log.info("drained", lane=3, decided=200)`."""
    return cast(FilteringBoundLogger, structlog.get_logger(name))
