"""The reader of answers, in the V8 that the build has."""

import html
import json
import re

import numpy as np
import pytest

from hw4site import answers
from hw4site.answer_table import FORMULAS, LETTERS, NUMBERS
from hw4site.formula import Reader


@pytest.fixture(scope="module")
def reader():
    """Yield one V8 for all tests."""
    with Reader() as reader:
        yield reader


def box_of(markup):
    """Return the data of a box, as the browser finds it."""
    return json.loads(html.unescape(re.search(r"data-box='([^']*)'", markup)[1]))


@pytest.mark.parametrize(
    ("row", "letters"),
    [(row, {}) for row in NUMBERS] + [(row, LETTERS) for row in FORMULAS],
    ids=lambda x: getattr(x, "typed", ""),
)
def test_table(reader, row, letters):
    """Each row is read as it says, or the message says what is wrong."""
    found = reader.read(row.typed, letters)
    if row.value is None:
        assert row.why in found["error"]
        assert 0 <= found["at"] <= len(row.typed)
    else:
        assert found["value"] == pytest.approx(row.value, rel=1e-12, abs=1e-12)
        assert found["mathml"].startswith("<math>")
        assert bool(found["notes"]) == row.why.startswith("ambiguous")


def test_what_is_read_is_shown_as_it_was_read(reader):
    """A missing parenthesis shows: the root ends before the fraction."""
    shown = reader.read("sqrt 2/200")["mathml"]
    assert re.sub("</?mrow>", "", shown) == (
        "<math><mfrac><msqrt><mn>2</mn></msqrt><mn>200</mn></mfrac></math>"
    )
    assert "<msub><mi>w</mi><mn>1</mn></msub>" in reader.read("w1", LETTERS)["mathml"]
    assert "<msup><mi>x</mi><mo>*</mo></msup>" in reader.read("x*", LETTERS)["mathml"]
    assert "<mi>η</mi>" in reader.read("eta", LETTERS)["mathml"]
    assert "<mo>·</mo><msup><mrow><mn>10" in reader.read("1.25×10⁻¹")["mathml"]


def test_nothing_that_is_typed_throws_or_hangs(reader):
    """Ten thousand strings of the signs of formulas, read and judged."""
    rng = np.random.default_rng(1)
    signs = [
        *"0123456789.,+-*/^()|[]<>=% eExwy1",
        *"ησ√²½'′−×·≈₁\t𝟙é{}$",
        "max(",
        "sin ",
        "w1",
    ]
    number = box_of(answers.number_box("a", "a", 0.25, slips={"Sign.": -0.25}))
    x = np.linspace(-2, 2, 9)
    formula = box_of(
        answers.formula_box(
            "b",
            "b",
            points={"x": x, "eta": x**2},
            answers={"": x + 7},
            slips={"S.": -x},
        )
    )
    for _ in range(5000):
        text = "".join(rng.choice(signs, rng.integers(0, 25)))
        for box in (number, formula):
            found = reader.judge(box, text)
            assert found["verdict"] in {"right", "close", "slip", "wrong", "unread"}
            if found["verdict"] == "right":
                at = [reader.read(text, {"x": v, "eta": v**2}) for v in x]
                if box is number:
                    assert reader.read(text)["value"] == pytest.approx(0.25, rel=0.05)
                else:
                    assert [f["value"] for f in at] == pytest.approx(x + 7, rel=1e-6)


@pytest.mark.parametrize(
    "text",
    ["-" * 399, "(" * 399, "sin " * 90 + "1", "|" * 100, "x^" * 100 + "x", "1" * 401],
)
def test_what_is_too_deep_or_too_long_is_refused(reader, text):
    """The message says so; a stack that overflows would say nothing."""
    assert re.search("too many|too long", reader.read(text, LETTERS)["error"])


@pytest.mark.parametrize(
    ("typed", "verdict", "says"),
    [
        ("1/4", "right", "Right."),
        ("0.25", "right", "Right."),
        ("25 %", "right", "Right."),
        ("0.2502", "right", "Right, rounded."),
        ("-1/4", "slip", "Sign."),
        ("1/8", "slip", "Half."),
        ("0.26", "close", "Close"),
        ("3", "wrong", "Not this one."),
        ("1/0", "unread", "no finite value"),
        ("quarter", "unread", "not a letter"),
    ],
)
def test_a_number_is_judged(reader, typed, verdict, says):
    """Right, rounded, a slip by its name, close, or not at all."""
    box = box_of(
        answers.number_box("a", "a", 0.25, slips={"Sign.": -0.25, "Half.": 0.125})
    )
    found = reader.judge(box, typed)
    assert found["verdict"] == verdict
    assert says in found["says"]


def test_what_is_rounded_to_two_digits_is_right(reader):
    """1/790 to two digits is off by 2.7 %, and right all the same."""
    box = box_of(answers.number_box("a", "a", 1 / 790, slips={"Sign.": -1.0}))
    assert reader.judge(box, "0.0013")["verdict"] == "right"
    assert reader.judge(box, "0.001")["verdict"] != "right"
    assert reader.judge(box, "0.0014")["verdict"] != "right"


def test_every_right_answer_is_right(reader):
    """Of several right answers each says what proves it."""
    box = box_of(
        answers.number_box(
            "a",
            "a",
            1 / 790,
            slips={"Half.": 1 / 395},
            accept={"Proved elsewhere.": 1 / 772},
        )
    )
    found = reader.judge(box, "1/772")
    assert found["verdict"] == "right"
    assert "Proved elsewhere." in found["says"]


N = np.array([1.0, 4, 25, 100, 900, 1e4, 1e6])


@pytest.fixture
def steps():
    """Return the box of a step size as a function of n."""
    return box_of(
        answers.formula_box(
            "4-e",
            "η =",
            points={"n": N},
            answers={
                "By projection.": 1 / (79 * np.sqrt(N)),
                "Elementary.": 1 / (77 * np.sqrt(N) + 2),
            },
            slips={"The penalty is missing.": 1 / (77 * np.sqrt(N))},
            factors={"1/√n": 1 / np.sqrt(N)},
        )
    )


@pytest.mark.parametrize(
    ("typed", "verdict", "says"),
    [
        ("1/(79√n)", "right", "By projection."),
        ("n^(-1/2)/79", "right", "By projection."),
        ("1/(77 sqrt(n) + 2)", "right", "Elementary."),
        ("1/(77√n)", "slip", "penalty"),
        ("-1/(79√n)", "slip", "sign"),
        ("1/79", "slip", "factor is missing: 1/√n"),
        ("1/(79n)", "slip", "factor too many: 1/√n"),
        ("1/(158√n)", "slip", "0.5 times"),
        ("1/n", "wrong", "Not this one"),
        ("0.0127/√n", "right", "Right, rounded. By projection."),
        ("0.013 n^(-1/2)", "right", "Right, rounded. By projection."),
        ("0.0130/√n", "slip", "The penalty is missing."),
        ("0.0129/√n", "slip", "1.02 times"),
        ("0.98/(79√n)", "slip", "0.98 times"),
        ("0.992/(79√n)", "close", "but for rounding"),
        ("1.5/(120√n)", "slip", "0.988 times"),
        ("0.1266/(10√n)", "close", "but for rounding"),
        ("1/(79√m)", "unread", "“m” is not a letter"),
    ],
)
def test_a_formula_is_judged(reader, steps, typed, verdict, says):
    """They nearly agree at n = 100, and are told apart as functions of n."""
    found = reader.judge(steps, typed)
    assert found["verdict"] == verdict
    assert says in found["says"]


def test_a_kink_is_told_apart(reader):
    """Right everywhere but at 0, where the slope is 0 by convention."""
    z = np.array([-2.0, -0.5, 0.7, 3.0, 0.0])
    box = box_of(
        answers.formula_box(
            "a",
            "a",
            points={"z": z, "q": z + 9},
            answers={"": z > 0},
            slips={"All.": 1.0},
            spare=["q"],
            edges=1,
            edge="At 0 take 0.",
        )
    )
    assert reader.judge(box, "1[z>0]")["verdict"] == "right"
    assert reader.judge(box, "(z>=0)") == {
        **reader.judge(box, "(z>=0)"),
        "verdict": "close",
        "says": "Right away from the kink. At 0 take 0.",
    }
    assert reader.judge(box, "z/|z|")["verdict"] == "wrong"  # -1 is no multiple of 0
    assert "q should not appear" in reader.judge(box, "q z")["says"]
    assert reader.judge(box, "1")["says"] == "All."


def test_an_error_is_where_it_was_typed(reader):
    """TeX is rewritten before it is read; the place is that of the typed text."""
    text = r"\frac{1}{2} \cdot h"
    assert reader.read(text, LETTERS)["at"] == text.index("h")
    assert reader.read(r"\left( x", LETTERS)["at"] == len(r"\left( x")
    assert reader.read(r"x + \infty", LETTERS) == {
        "error": r"I cannot read “\infty”",
        "at": 4,
    }


def test_an_index_is_left_out_where_it_can_be(reader):
    """Of one example; where n is a letter of the part, it stays one."""
    assert reader.read("x_n^(i)", {"x": 2.0})["value"] == 2.0
    assert reader.read("y'_n y_n'", {"y_prime": 2.0})["value"] == 4.0
    assert "“x_n” is not a letter" in reader.read("x_n", {"x": 2.0, "n": 3.0})["error"]


def test_a_grid_is_judged_by_its_entries(reader):
    """By value, so that `w_1` is `w1`; what is empty is 0; a slip is named."""
    box = box_of(
        answers.grid_box(
            "a",
            "a",
            [["w1", "w2", "0"], ["0", "w1", "w2"]],
            letters=["w1", "w2"],
            slips={"Flipped.": [["w2", "w1", "0"], ["0", "w2", "w1"]]},
        )
    )
    assert reader.judge(box, ["w_1", "w₂", "", "0", "w1", "w2"])["verdict"] == "right"
    assert reader.judge(box, ["w2", "w1", "", "", "w2", "w1"])["says"] == "Flipped."
    assert reader.judge(box, ["w1", "w2", "w1", "0", "w1", "w2"])["says"].startswith(
        "5 of 6"
    )
    assert reader.judge(box, [""] * 6)["verdict"] == "unread"
    assert reader.judge(box, ["w3", "", "", "", "", ""])["verdict"] == "unread"
    chosen = box_of(answers.grid_box("b", "b", [["0", "W"]], choices=["0", "W", "A"]))
    assert reader.judge(chosen, ["0", "W"])["verdict"] == "right"
    assert reader.judge(chosen, ["0", "A"])["verdict"] == "wrong"


def test_new_numbers_are_those_of_the_rule(reader):
    """Each question has its own answer, slips, solution; the first is the sheet's."""

    def rule(x, w):
        return answers.Number(
            f"x = {x:g}, w = {w:g}: wx =",
            w * x,
            {"Sign.": -w * x},
            solution=f"{w:g} · {x:g}",
        )

    def draw(rng):
        return {"x": int(rng.integers(1, 9)), "w": int(rng.integers(1, 9)) / 10}

    box = box_of(answers.variants_box("a", rule, sheet={"x": 2, "w": 0.1}, draw=draw))
    asked = [tuple(variant["given"]) for variant in box["variants"]]
    assert len(asked) == answers.VARIANTS == len(set(asked))
    assert asked[0] == ("2", "0.1")
    for variant in box["variants"]:
        x, w = map(float, variant["given"])
        question = {**box, **variant}
        assert reader.judge(question, f"{w}*{x}")["verdict"] == "right"
        says = reader.judge(question, f"-{w}*{x}")["says"]
        assert box["texts"][says] == "Sign."
        assert variant["solution"] == f"{w:g} · {x:g}"
    again = answers.variants_box("a", rule, sheet={"x": 2, "w": 0.1}, draw=draw)
    assert box_of(again) == box
