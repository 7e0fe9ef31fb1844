"""Serves streams of server-sent events on the event loop, over RSGI (api/web/streams.py has their limits)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from api.web.streams import Stream, Streams
from core import logs
from core.errors import OnsaleError

log = logs.logger(__name__)

#: Seconds for which an ended stream keeps its slot until its client has read everything.
FLUSH_S = 30.0

Feed = Callable[[Stream], Awaitable[None]]


async def serve(
    streams: Streams, stream: Stream, feed: Feed, proto: Any, begin: Callable[[], Any]
) -> Exception | None:
    """Run a stream until it ends or its client disconnects; return the error that kept it from beginning, if any.

    Args:    feed: writes the events; it starts the stream, and returns when it has ended.
             begin: sends the headers and returns RSGI's transport.
    """
    stream.will_begin(lambda: begin().send_bytes)
    gone: asyncio.Future[Any] = asyncio.ensure_future(proto.client_disconnect())
    gone.add_done_callback(lambda _: stream.end())
    try:
        await feed(stream)
    except Exception as error:
        if not stream.started:
            return error
        if isinstance(error, OnsaleError):
            log.info("stream_ended", error=str(error))
        else:
            log.exception("stream_failed")
    finally:
        stream.finish()  # releases the transport: the answer ends
        if stream.started and not streams.leaving:
            await asyncio.wait({gone}, timeout=FLUSH_S)
        gone.cancel()
        streams.close(stream)
    return None
