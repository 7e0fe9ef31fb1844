"""`python -m tests.e2e.impatient`: the api's server with short timeouts for slow clients."""

from __future__ import annotations

from api.__main__ import main
from api.server import listening, rsgi

BODY_S, UNREAD_S = 2.0, 1

rsgi.BODY_S, listening.UNREAD_S = BODY_S, UNREAD_S

if __name__ == "__main__":
    main()
