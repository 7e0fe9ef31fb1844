"""`python -m tests.openapi`."""

import sys

from tests.openapi.command import main

if __name__ == "__main__":
    sys.exit(main())
