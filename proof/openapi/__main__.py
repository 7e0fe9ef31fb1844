"""`python -m proof.openapi`."""

import sys

from proof.openapi.command import main

if __name__ == "__main__":
    sys.exit(main())
