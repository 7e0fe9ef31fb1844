"""`python -m proof.bench`."""

from proof.bench.command import main

if __name__ == "__main__":
    main()
