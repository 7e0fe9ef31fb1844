"""`python -m proof.model`: explore a size, tell how many states it has, and what is wrong in one of them."""

from __future__ import annotations

import argparse
import resource
import sys
import time
from dataclasses import replace

from proof.model.search import Result, search
from proof.model.sizes import BUGS, SIZES, Size


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 nothing is wrong, 1 a violation was found."""
    parser = argparse.ArgumentParser(prog="python -m proof.model", description=__doc__)
    parser.add_argument("--size", choices=sorted(SIZES), default="small")
    parser.add_argument("--only", metavar="NAME", help="one run of the size, by its name")
    parser.add_argument("--bug", choices=sorted(BUGS), metavar="NAME", help="plant a bug: " + "; ".join(sorted(BUGS)))
    options = parser.parse_args(arguments)
    if options.bug:
        runs = {options.bug: replace(BUGS[options.bug], bug=options.bug)}
    else:
        runs = {name: size for name, size in SIZES[options.size].items() if options.only in (None, name)}
    if not runs:
        parser.error(f"--only: the size has {', '.join(SIZES[options.size])}")
    started = time.monotonic()
    results = [_tell(name, size) for name, size in runs.items()]
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    found = sum(bool(result.violation) for result in results)
    states, steps = sum(result.states for result in results), sum(result.steps for result in results)
    seconds = time.monotonic() - started
    print(f"{states:,} states, {steps:,} steps, {found} violations, {seconds:.0f} s, {memory_mb:,} MB")
    return 1 if found else 0


def _tell(name: str, size: Size) -> Result:
    result = search(
        size, lambda states, waiting: print(f"  {states:,} states, {waiting:,} to explore", file=sys.stderr)
    )
    print(f"{name}: {result.states:,} states, {result.steps:,} steps, depth {result.depth}, {result.seconds:.1f} s")
    if result.violation:
        print(f"VIOLATION  {result.violation}", *result.trace, sep="\n")
    return result
