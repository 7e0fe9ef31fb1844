"""`python -m proof.pictures`."""

import sys

from proof.pictures.command import main

if __name__ == "__main__":
    sys.exit(main())
