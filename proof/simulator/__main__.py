"""`python -m proof.simulator`."""

import sys

from proof.simulator.command import main

if __name__ == "__main__":
    sys.exit(main())
