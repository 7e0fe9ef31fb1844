"""`python -m tests.e2e.impatient`: the api's server, which waits for the body of a request for BODY_S seconds only."""

from __future__ import annotations

from api import rsgi
from api.__main__ import main

BODY_S = 2.0

rsgi.BODY_S = BODY_S

if __name__ == "__main__":
    main()
