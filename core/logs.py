"""Logs: one line per event, `key=value` for people or JSON for machines, with request and booking ids.

Call `configure` once in a process's start function. `bind`/`unbind` put an id on every line of this
thread. Lines of libraries (granian, Dramatiq) go through the same format. Never log a token or a password.
"""

from __future__ import annotations

import logging
import sys
from typing import cast

import structlog
from structlog.contextvars import bind_contextvars as bind
from structlog.contextvars import clear_contextvars as unbind
from structlog.typing import FilteringBoundLogger, Processor

__all__ = ["bind", "configure", "logger", "unbind"]


def configure(*, process: str, json: bool, level: str) -> None:
    """Send every log line of this process to standard error. Repeat: the last call counts."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: Processor = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False)
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                lambda _logger, _name, event: {"process": process, **event},
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def logger(name: str) -> FilteringBoundLogger:
    """A logger for one module: `log.info("drained", lane=3, decided=200)`."""
    return cast(FilteringBoundLogger, structlog.get_logger(name))
