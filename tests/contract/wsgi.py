"""Flask alone under another WSGI server: `python -m tests.contract.wsgi`. Serves HOST:PORT until SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from werkzeug.serving import WSGIRequestHandler, make_server

from api.app import create_flask_from_env


class Quiet(WSGIRequestHandler):
    """A handler that writes no line per request."""

    def log(self, type: str, message: str, *args: object) -> None:
        if type == "error":
            super().log(type, message, *args)


def leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, leave)
    address = os.environ["HOST"], int(os.environ["PORT"])
    make_server(*address, create_flask_from_env(), threaded=True, request_handler=Quiet).serve_forever()
