"""`python -m proof.crash`."""

from proof.crash.command import main

if __name__ == "__main__":
    main()
