"""`python -m proof.model`."""

import sys

from proof.model.command import main

if __name__ == "__main__":
    sys.exit(main())
