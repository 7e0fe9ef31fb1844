"""`python -m proof.fuzz`."""

import sys

from proof.fuzz.command import main

if __name__ == "__main__":
    sys.exit(main())
