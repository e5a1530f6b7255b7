import dataclasses
import html
import json
import re

import pytest

from hw4site.writing import Exercise, judge_of, to_html, verdict

DOUBLE = Exercise(
    name="double",
    starter="def double(x):\n    pass\n",
    solution="def double(x):\n    return 2 * x\n",
    reference="def reference(x):\n    return x + x",
    cases=[[1], [[1.5, -2.0]]],
    slips={"squared": "def double(x):\n    return x * x\n"},
)


def test_the_solution_passes():
    """All cases, arrays among them."""
    assert verdict(DOUBLE, DOUBLE.solution) == "Right on all 2 cases, edges included."


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (DOUBLE.starter, "Case 1, double(1): nothing is returned yet."),
        ("def double(x): return x", "Case 1, double(1): yours is 1, expected 2."),
        (
            "def double(x): return 2 * abs(x)",
            "Case 2, double([ 1.5, -2. ]): yours is [3., 4.], expected [ 3., -4.].",
        ),
        (
            "def double(x): return [x, x]",
            "Case 1, double(1): the shape is (2,), expected ().",
        ),
    ],
)
def test_the_first_difference_is_shown_with_both_values(function, said):
    """Nothing returned, another value, another shape."""
    assert verdict(DOUBLE, function) == said


def test_what_a_function_changes_is_not_what_it_is_judged_by():
    """The arguments that it is given are copies."""
    spoils = "def double(x):\n    x *= 2\n    return x\n"
    assert verdict(DOUBLE, spoils).startswith("Right")


def test_an_exercise_carries_its_starter_and_its_judge():
    """Both run in the reader's browser; without a script the starter is there."""
    place = to_html(DOUBLE)
    data = json.loads(html.unescape(re.search(r'data-exercise="([^"]*)"', place)[1]))
    assert data["starter"] == DOUBLE.starter
    assert data["judge"] == judge_of(DOUBLE)
    assert "<code>def double(x):" in place


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"solution": "def double(x): return x"},
            "the solution of `double` is refused",
        ),
        ({"starter": DOUBLE.solution}, "`the starter` of `double` passes"),
        ({"slips": {"half": DOUBLE.solution}}, "`half` of `double` passes"),
    ],
)
def test_a_judge_that_cannot_judge_ends_the_build(change, message):
    """It refuses the solution, or it passes a function that is wrong."""
    with pytest.raises(ValueError, match=message):
        to_html(dataclasses.replace(DOUBLE, **change))
