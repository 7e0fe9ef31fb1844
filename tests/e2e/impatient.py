"""`python -m tests.e2e.impatient`: the api's server, which waits BODY_S seconds for a body."""

from __future__ import annotations

from api import rsgi
from api.__main__ import main

BODY_S = 2.0

rsgi.BODY_S = BODY_S

if __name__ == "__main__":
    main()
