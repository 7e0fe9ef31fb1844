"""A step of the model: what happens, the code that it models, and whether something fails in it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Step:
    """One kind of step. `code`: the file and name that it models. `fault`: it does not happen when all is well."""

    text: str
    code: str
    fault: bool = False


#: A step taken, the number of its process (or of the request, for a client's step), and the state after it.
Move = tuple[Step, int, bytearray]
