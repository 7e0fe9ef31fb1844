"""docs/reliability.md lists the faults and bounds of proof/chaos, and the README's guarantees link to it."""

from __future__ import annotations

import re

import pytest

from ops.up.programs import PROJECT
from proof.chaos.bounds import table
from proof.chaos.faults import EVERY
from proof.chaos.invariants import INVARIANTS
from proof.chaos.report import DOCUMENT

README = (PROJECT / "README.md").read_text()
PAGE = DOCUMENT.read_text()
GUARANTEES = re.search(r"What it guarantees.*?\n\n(.*?)\n\n", README, re.DOTALL)
TRIED = re.findall(r'^\| <a id="([a-z-]+)"></a>(.*?) \| (.*?) \| (.*?) \|$', PAGE, re.MULTILINE)


def test_the_page_has_the_bounds():
    assert "<!-- bounds: begin -->\n" + "\n".join(table()) + "\n<!-- bounds: end -->" in PAGE


def test_each_of_the_five_guarantees_links_to_its_faults_and_invariants():
    assert GUARANTEES is not None
    guarantees = re.split(r"^- ", GUARANTEES[1], flags=re.MULTILINE)[1:]

    anchors = [re.findall(r"docs/reliability\.md#([a-z-]+)", each) for each in guarantees]

    assert len(guarantees) == 5
    assert anchors == [[anchor] for anchor, *_ in TRIED]
    for guarantee, (_, name, _, _) in zip(guarantees, TRIED, strict=True):
        assert name.split(",")[0].lower() in guarantee.lower()


@pytest.mark.parametrize(("faults", "invariants"), [each[2:] for each in TRIED])
def test_the_faults_and_invariants_of_a_guarantee_exist(faults, invariants):
    named = re.findall(r"`([^`]+)`", faults)

    assert named
    assert set(named) <= set(EVERY)
    assert set(invariants.split(", ")) <= set(INVARIANTS)


def test_every_invariant_is_explained():
    assert re.findall(r"^\| (I\d+) \|", PAGE, re.MULTILINE) == list(INVARIANTS)
