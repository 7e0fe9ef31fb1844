"""What a step of the model is: who does it, the code that it stands for, and whether something fails in it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Step:
    """One kind of step. `code`: what it stands for. `fault`: nothing of the kind happens when all is well."""

    text: str
    code: str
    fault: bool = False


#: A step taken: which, by which process (or request, for a client's), and the state after it.
Move = tuple[Step, int, bytearray]
