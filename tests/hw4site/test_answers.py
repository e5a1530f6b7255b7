import html
import json
import math
import re

import pytest

from hw4site import answers


def data_of(box):
    return json.loads(html.unescape(re.search(r"data-box='(.*?)'", box)[1]))


def test_a_number_box_carries_answer_slips_and_tolerance_in_words():
    """All that the script compares with is on the page, computed at build."""
    box = answers.number_box("1-1-f", "Now w₁ <=", 0.25, slips={"Lost a sign": -0.25})
    assert data_of(box) == {
        "kind": "number",
        "answer": 0.25,
        "accept": [],
        "says": "",
        "tolerance": 0.005,
        "close": 10,
        "slips": [[-0.25, "Lost a sign"]],
        "words": "0.5 % of the value",
    }
    assert 'Now <i class="hw4-letter">w</i><sub>1</sub> &lt;=' in box
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
        (0.25, {"a": 1.0, "b": 1.0099}, "`a` and `b` are both about 1"),
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


def test_slips_may_be_as_near_as_their_tolerances_allow():
    """Half a per cent around each: the two ranges overlap up to one per cent."""
    answers.number_box("x", "x =", 0.25, slips={"a": 1.0, "b": 1.0102})


def test_other_right_answers_are_told_from_slips_alone():
    """Two right answers may be close to each other: both are right."""
    box = answers.number_box(
        "4-e", "η =", 1 / 790, slips={"Half.": 1 / 395}, accept={"Other.": 1 / 791}
    )
    assert data_of(box)["accept"] == [[pytest.approx(1 / 791), "Other."]]
    with pytest.raises(ValueError, match="`Half\\.` and `Other\\.` are both about"):
        answers.number_box("x", "x =", 1.0, slips={"Half.": 2.0}, accept={"Other.": 2})


def test_what_the_questions_of_a_box_share_is_written_once():
    """Sentences by their place in a list; what is the same in all, beside them."""

    def rule(x):
        slips = {"Sign.": -x, ("Odd." if x % 2 else "Even."): 3 * x}
        return answers.Number(f"x = {x}", x, slips, {"Half.": x / 2}, says="So it is.")

    box = answers.variants_box(
        "x", rule, sheet={"x": 2}, draw=lambda rng: {"x": int(rng.integers(3, 99))}
    )
    data = data_of(box)
    assert data["texts"] == ["Half.", "Sign.", "Even.", "Odd."]
    assert data["says"] == "So it is."
    assert data["words"] == "0.5 % of the value"
    first, *others = data["variants"]
    assert first == {
        "given": ["2"],
        "answer": 2,
        "accept": [[1, 0]],
        "slips": [[-2, 1], [6, 2]],
    }
    for variant in others:
        x = variant["answer"]
        assert variant["slips"] == [[-x, 1], [3 * x, 3 if x % 2 else 2]]
    for text in ("Sign.", "Odd.", "So it is.", "0.5 %"):
        assert box.count(text) == 1


def test_only_the_numbers_of_a_question_change():
    """The script puts others in their places, and the words stay; −2 is one number."""

    def rule(x, w):
        return answers.Number(f"w₁ = {w}, x = −{x}: y =", x * w, {"Sum.": x + w + 200})

    box = answers.variants_box(
        "x",
        rule,
        sheet={"x": 2, "w": 0.5},
        draw=lambda rng: {"x": int(rng.integers(3, 99)), "w": 0.1},
    )
    places = re.findall("<span data-given>(.*?)</span>", box)
    assert places == data_of(box)["variants"][0]["given"] == ["0.5", "−2"]
    letter = '<i class="hw4-letter">{}</i>'.format
    assert f"data-prompt>{letter('w')}<sub>1</sub> = <span data-given>0.5</" in box

    def other(x):
        return answers.Number("x" if x == 2 else f"y = {x}", x, {"Sign.": -x})

    with pytest.raises(ValueError, match="`rule` asks in the words"):
        answers.variants_box(
            "x", other, sheet={"x": 2}, draw=lambda rng: {"x": int(rng.integers(3, 99))}
        )


def test_draws_that_give_too_few_questions_are_refused():
    """Slips that cannot be told from the answer are drawn again, in vain here."""

    def rule(x):
        return answers.Number(f"x = {x}", x, {"Sign.": -x, "Square.": x * x})

    with pytest.raises(ValueError, match="`draw` gives 1 questions, expected 20"):
        answers.variants_box("x", rule, sheet={"x": 2}, draw=lambda _: {"x": 1})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"points": {"x": [1, 2], "y": [1]}}, "`points` have lengths"),
        ({"answers": {"": [1, math.nan]}}, "not finite"),
        ({"slips": {"Same.": [1, 2]}}, "`Same.` has the values of an answer"),
    ],
)
def test_a_formula_box_refuses_what_it_could_not_judge(options, message):
    """Values at every point, finite, and slips that differ from the answers."""
    whole = {"points": {"x": [1, 2]}, "answers": {"": [1, 2]}, "slips": {"S.": [3, 4]}}
    with pytest.raises(ValueError, match=message):
        answers.formula_box("x", "x =", **{**whole, **options})


def test_a_formula_box_shows_the_letters_as_the_page_writes_them():
    """Nobody has to guess how a letter is spelled."""
    points = {"w1": [1, 2], "eta": [1, 2], "x_star": [1, 2], "w_k": [1, 2]}
    box = answers.formula_box(
        "x", "x =", points=points, answers={"": [5, 6]}, slips={"S.": 1.0}
    )
    assert "Letters: w₁, η, x*, w_k" in box
    assert "Letters: w₁</span>" in answers.grid_box("x", "W", [["w1"]], letters=["w1"])
    assert "Letters" not in answers.grid_box("x", "W", [["0"]], choices=["0"])


def test_a_grid_box_refuses_what_cannot_be_filled_in():
    """Rows of one length, and entries among the choices."""
    with pytest.raises(ValueError, match="rows of lengths"):
        answers.grid_box("x", "Fill in", [["0"], ["0", "1"]])
    with pytest.raises(ValueError, match="expected choices"):
        answers.grid_box("x", "Fill in", [["0", "1"]], choices=["0"])


def test_a_scheme_lists_what_earns_points():
    """Each line has its points, and their sum is the part's."""
    scheme = answers.marks("2-c", {"The factor.": 2, "What it does.": 1})
    assert 'data-part="2-c" data-points="3"' in scheme
    assert scheme.count('type="checkbox"') == 2
    assert "<small>" not in scheme
    shown = answers.marks("2-c", {"The factor.": (0.5, "p < ½.", "It is small.")})
    assert 'data-points="0.5"' in shown
    assert "</i> &lt; ½.” earns it. “It is small.” does not." in shown
    with pytest.raises(ValueError, match="`scheme` is empty"):
        answers.marks("x", {})


def test_a_formula_may_hold_rounded_constants():
    """What is judged within a tolerance has slips at least twice as far away."""
    whole = {"points": {"n": [1, 4]}, "answers": {"": [0.373138, 0.186569]}}
    box = answers.formula_box("x", "η =", **whole, slips={"S.": 1.0}, tolerance=2e-3)
    assert data_of(box)["tolerance"] == 2e-3
    near = {"S.": [0.3745, 0.1872]}
    with pytest.raises(ValueError, match=r"`S\.` has the values of an answer"):
        answers.formula_box("x", "η =", **whole, slips=near, tolerance=2e-3)
