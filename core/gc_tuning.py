"""Garbage: what the process's collector of cycles has to walk through, and how often."""

from __future__ import annotations

import gc

#: Objects made and not freed before the collector looks: by default 700, which a batch of a lane makes a dozen times.
YOUNG, MIDDLE, OLD = 20_000, 20, 20


def settle() -> None:
    """To be called when a process has started: what there is by now is kept for good, and not walked through again.

    Nearly all of our objects are freed by their counts. Measured: an eighth of the api's CPU per accepted booking, a
    sixteenth of a drain's (docs/performance.md).   Repeat: harmless.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
