"""A formula is said as a person would read it out."""

import pytest

from hw4site.mathematics.mathjax import typeset
from hw4site.mathematics.speech import speak


@pytest.mark.parametrize(
    ("tex", "words"),
    [
        ("x", "x"),
        ("E", "cap E"),
        (r"\alpha + \Gamma + \lambda", "alpha plus cap gamma plus lambda"),
        (r"\epsilon \le \varphi", "epsilon is at most phi"),
        ("w_1", "w sub 1"),
        ("a_{i j}", "a sub i j end sub"),
        ("x^2", "x squared"),
        ("x_i^3", "x sub i cubed"),
        ("e^{-z}", "e to the power minus z end power"),
        ("e^x", "e to the power x"),
        ("w^*", "w star"),
        (r"w^\top x", "w transpose x"),
        ("f'(x)", "f prime open paren x close paren"),
        ("w^{(t)}", "w superscript open paren t close paren"),
        (r"\tfrac12", "1 over 2"),
        (r"\frac{a + b}{c}", "the fraction a plus b, over c, end fraction"),
        (r"\binom nk", "open paren n choose k close paren"),
        (r"\sqrt 2", "the square root of 2"),
        (r"\sqrt{a + b}", "the square root of a plus b, end root"),
        (r"\sqrt[3]{x}", "the root of order 3 of x, end root"),
        (r"\hat y - \bar x", "y hat minus x bar"),
        (r"\underline x", "x underlined"),
        (r"\sum_{i=1}^n x_i", "the sum from i equals 1 to n of x sub i"),
        (r"\sum_i x_i", "the sum over i of x sub i"),
        (r"\int_0^1 f", "the integral from 0 to 1 of f"),
        (r"\max_w g", "max over w g"),
        (r"\log p", "log of p"),
        (r"\mathbf w \in \mathbb R", "bold w in blackboard cap R"),
        (r"\mathcal L", "script cap L"),
        (r"\text{if } x > 0", "if x is greater than 0"),
        (r"\underbrace{a + b}_{2}", "a plus b, braced as 2"),
        (r"\overbrace{a}^{n \text{ terms}}", "a, braced as n terms"),
        (r"a \, \phantom{b}, c", "a, c"),
        (r"\blacksquare", "end of proof"),
        (r"\mathfrak g \sharp", "fraktur g music sharp sign"),
        (
            r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}",
            "open bracket a table of 2 rows, row 1: 1, 2; row 2: 3, 4, end table,"
            " close bracket",
        ),
        (r"\begin{aligned} a &= b \\ &= c \end{aligned}", "a equals b; equals c"),
    ],
)
def test_a_formula_is_said(tex, words):
    assert speak(typeset(tex, display=True).mathml) == words
