"""A plan of format 2 that is at fault is refused, and the place of the fault is named."""

from __future__ import annotations

from typing import Any

import pytest

from core.halls import check_plan
from core.plans import BadPlan
from tests.unit.core.test_plans_by_place import by_place

ONE = {"first": 1, "last": 2, "category": "a"}


@pytest.mark.parametrize(
    ("plan", "place"),
    [
        ({"format": 3, "rows": []}, "/format"),
        ({"format": "2"}, "/format"),
        ({"format": True}, "/format"),
        ({"format": 2}, "/rows"),
        ({"format": 2, "rows": []}, "/rows"),
        ({"format": 2, "rows": [{"label": "A", "blocks": [ONE]}] * 20_001}, "/rows"),
        ({"format": 2, "rows": ["A"]}, "/rows/0"),
        ({"format": 2, "rows": [{"label": "a", "blocks": [ONE]}]}, "/rows/0/label"),
        ({"format": 2, "rows": [{"label": "A-B", "blocks": [ONE]}]}, "/rows/0/label"),
        ({"format": 2, "rows": [{"label": "A", "blocks": [ONE]}] * 2}, "/rows/1/label"),
        ({"format": 2, "rows": [{"label": "A", "blocks": [ONE]},
                                {"label": "A", "blocks": [{"seats": ["W1"], "category": "a"}]}]}, "/rows/1/label"),
        ({"format": 2, "rows": [{"label": "A", "section": "X", "blocks": [ONE]}]}, "/rows/0/section"),
        ({"format": 2, "rows": [{"label": "A", "section": 1, "blocks": [ONE]}]}, "/rows/0/section"),
        ({"format": 2, "rows": [{"label": "A", "blocks": []}]}, "/rows/0/blocks"),
        ({"format": 2, "rows": [{"label": "A"}]}, "/rows/0/blocks"),
        ({"format": 2, "sections": {}, "rows": []}, "/sections"),
        ({"format": 2, "sections": [1], "rows": []}, "/sections/0"),
        ({"format": 2, "sections": [{"key": "b", "name": "B"}], "rows": []}, "/sections/0/key"),
        ({"format": 2, "sections": [{"key": "B", "name": "\u200b"}], "rows": []}, "/sections/0/name"),
        ({"format": 2, "sections": [{"key": "B"}], "rows": []}, "/sections/0/name"),
        ({"format": 2, "sections": [{"key": "B", "name": "B"}] * 2, "rows": []}, "/sections/1/key"),
        (by_place({}), "/rows/0/blocks/0/first"),
        ({"format": 2, "rows": [{"label": "A", "blocks": [7]}]}, "/rows/0/blocks/0"),
        (by_place({"first": 0, "last": 1}), "/rows/0/blocks/0/first"),
        (by_place({"first": 1, "last": 10_000}), "/rows/0/blocks/0/last"),
        (by_place({"first": True, "last": 1}), "/rows/0/blocks/0/first"),
        (by_place({"first": 1, "last": 4, "step": 2}), "/rows/0/blocks/0/last"),
        (by_place({"first": 4, "last": 1}), "/rows/0/blocks/0/last"),
        (by_place({"first": 1, "last": 1, "step": 0}), "/rows/0/blocks/0/last"),
        (by_place({"first": 1, "last": 1, "step": 1.0}), "/rows/0/blocks/0/step"),
        (by_place(ONE, {"first": 9, "last": 1, "step": -2}), "/rows/0/blocks/1"),
        (by_place(ONE, {"seats": ["W1", "2"]}), "/rows/0/blocks/1"),
        (by_place({"seats": ["W1", "W1"]}), "/rows/0/blocks/0"),
        (by_place({"seats": ["01"]}), "/rows/0/blocks/0/seats/0"),
        (by_place({"seats": ["1", 2]}), "/rows/0/blocks/0/seats/1"),
        (by_place({"seats": ["w"]}), "/rows/0/blocks/0/seats/0"),
        (by_place({"seats": []}), "/rows/0/blocks/0/seats"),
        (by_place({"seats": ["W1"], "first": 1}), "/rows/0/blocks/0"),
        (by_place({**ONE, "category": "A"}), "/rows/0/blocks/0/category"),
        (by_place({**ONE, "kind": "bed"}), "/rows/0/blocks/0/kind"),
        (by_place({**ONE, "kind": []}), "/rows/0/blocks/0/kind"),
        (by_place({**ONE, "aisle": 1}), "/rows/0/blocks/0/aisle"),
        (by_place({"first": 1, "last": 9_999}, {"seats": ["W1"]}), "/rows/0/blocks"),
        ({"format": 2, "rows": [{"label": str(n), "blocks": [{"first": 1, "last": 9_999, "category": "a"}]}
                                for n in range(21)]}, "/rows/20"),
        ({**by_place(ONE), "drawing": []}, "/drawing"),
        ({**by_place(ONE), "drawing": {"x": 1}}, "/drawing/x"),
        ({**by_place(ONE), "drawing": {"size": [0, 1]}}, "/drawing/size"),
        ({**by_place(ONE), "drawing": {"rows": [[], []]}}, "/drawing/rows"),
        ({**by_place(ONE), "drawing": {"rows": [[[1, 0, 0]]]}}, "/drawing/rows/0"),
        ({**by_place(ONE), "drawing": {"rows": [[[2, 0, 0.5]]]}}, "/drawing/rows/0/0"),
        ({**by_place(ONE), "drawing": {"shapes": [{"shape": "star"}]}}, "/drawing/shapes/0"),
        ({**by_place(ONE), "drawing": {"shapes": [{"shape": [], "x": 1}]}}, "/drawing/shapes/0"),
        ({**by_place(ONE), "drawing": {"shapes": [{"shape": "text", "x": 0, "y": 0}]}}, "/drawing/shapes/0/text"),
        ({**by_place(ONE), "drawing": {"shapes": [{"shape": "text", "x": 0, "y": 0, "text": "a", "color": "red;"}]}},
         "/drawing/shapes/0/color"),
        ({**by_place(ONE), "drawing": {"categories": {"a/b": {"name": ""}}}}, "/drawing/categories/a~1b/name"),
    ],
)  # fmt: skip
def test_a_fault_is_named_by_its_place(plan: dict[str, Any], place: str) -> None:
    with pytest.raises(BadPlan) as caught:
        check_plan(plan)

    assert caught.value.place == place
    assert caught.value.errors == [{"pointer": place, "detail": caught.value.message}]
    assert caught.value.below("/plan").errors[0]["pointer"] == f"/plan{place}"
