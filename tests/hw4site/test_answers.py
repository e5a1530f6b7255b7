import html
import json
import math
import re

import pytest

from hw4site import answers


def data_of(box):
    return json.loads(html.unescape(re.search(r'data-box="(.*?)"', box)[1]))


def test_a_number_box_carries_answer_slips_and_tolerance_in_words():
    """All that the script compares with is on the page, computed at build."""
    box = answers.number_box("1-1-f", "∂E/∂w₁ <=", 0.25, slips={"Lost a sign": -0.25})
    assert data_of(box) == {
        "answer": 0.25,
        "tolerance": 0.005,
        "close": 10,
        "slips": [[-0.25, "Lost a sign"]],
        "words": "0.5 % of the value",
    }
    assert "∂E/∂w₁ &lt;=" in box
    assert '<output role="status">' in box
    label = re.search(r'<label for="(.*?)"', box)[1]
    assert f'<input id="{label}"' in box


def test_zero_has_an_absolute_tolerance():
    """A relative tolerance around zero would accept zero alone."""
    box = answers.number_box("i", "x =", 0, slips={"One": 1.0}, tolerance=0.01)
    assert data_of(box)["words"] == "0.01 of zero"


@pytest.mark.parametrize(
    ("answer", "slips", "message"),
    [
        (0.25, {}, "`slips` is empty"),
        (math.nan, {"a": 1.0}, "`the answer` is nan, expected a finite number"),
        (0.25, {"a": math.inf}, "`a` is inf"),
        (0.25, {"a": 0.2501}, "`a` and `the answer` are both about 0.2"),
        (0.25, {"a": 1.0, "b": 1.001}, "`a` and `b` are both about 1"),
    ],
)
def test_refuses_slips_that_nobody_could_tell_apart(answer, slips, message):
    """A slip within the tolerance of the answer would call a right answer wrong."""
    with pytest.raises(ValueError, match=message):
        answers.number_box("x", "x =", answer, slips=slips)


def test_a_choice_box_explains_every_option_in_an_order_that_tells_nothing():
    """Options are sorted, so that the right one is not always the first."""
    box = answers.choice_box(
        "4-b", "Which?", right={"second": "Convex."}, wrong={"first": "Flipped."}
    )
    assert data_of(box)["options"] == [[0, "Flipped."], [1, "Convex."]]
    assert box.index("first") < box.index("second")
    assert "<legend>Which?</legend>" in box


@pytest.mark.parametrize(
    ("right", "wrong"),
    [({}, {"a": ""}), ({"a": "", "b": ""}, {"c": ""}), ({"a": ""}, {})],
)
def test_a_choice_needs_one_right_option_and_a_wrong_one(right, wrong):
    """Anything else is no question."""
    with pytest.raises(ValueError, match="expected one and at least one"):
        answers.choice_box("x", "Which?", right=right, wrong=wrong)
