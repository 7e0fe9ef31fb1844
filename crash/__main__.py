"""`python -m crash`."""

from crash.command import main

if __name__ == "__main__":
    main()
