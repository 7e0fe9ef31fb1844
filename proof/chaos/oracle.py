"""The oracle: checks the evidence against every invariant, and names the fault near each violation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from proof.chaos.evidence import Evidence
from proof.chaos.invariants import INVARIANTS
from proof.chaos.nemesis import Fired
from proof.chaos.seen_statuses import Violation

#: Most examples kept per invariant; all violations are counted.
EXAMPLES = 20


@dataclass
class Verdict:
    """How often each invariant was violated, with examples, and near which fault."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    #: (fault, invariant) -> violations seen after this fault began and before the next one did.
    by_fault: dict[tuple[str, str], int] = field(default_factory=dict)
    #: Accepted requests without an outcome.
    lost: int = 0

    @property
    def violations(self) -> int:
        """The number of all violations."""
        return sum(self.counts.values())

    @property
    def broken(self) -> set[str]:
        """The names of the invariants that were violated."""
        return {name for name, count in self.counts.items() if count}


def judge(evidence: Evidence, fired: Sequence[Fired] = ()) -> Verdict:
    """Check the evidence against every invariant."""
    verdict = Verdict()
    for name, invariant in INVARIANTS.items():
        found = list(invariant(evidence))
        verdict.counts[name] = len(found)
        verdict.examples[name] = [violation.text for violation in found[:EXAMPLES]]
        for violation in found:
            fault = _about(violation, fired)
            verdict.by_fault[fault, name] = verdict.by_fault.get((fault, name), 0) + 1
        if name == "I2":
            verdict.lost = sum("no outcome" in violation.text for violation in found)
    return verdict


def _about(violation: Violation, fired: Sequence[Fired]) -> str:
    """Return the fault that began last before a violation was seen; "" if that is not known."""
    before = [each for each in fired if violation.at is not None and each.begun <= violation.at]
    return max(before, key=lambda each: each.begun).fault if before else ""
