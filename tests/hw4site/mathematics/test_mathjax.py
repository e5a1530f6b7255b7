"""Formulas laid out ahead against formulas laid out when they are asked for."""

import pytest

from hw4site.mathematics import mathjax


def test_what_was_laid_out_ahead_is_not_laid_out_again(asked):
    """The same drawing either way, also of a formula that is indented differently."""
    alone = mathjax.typeset(r"\frac{a}{b} + 1", display=True)
    mathjax.typeset_ahead("Let $x$.\n\n    $$\n    \\frac{a}{b}\n    + 1\n    $$\n")

    assert mathjax.typeset("\\frac{a}{b}\n  + 1", display=True) == alone
    assert mathjax.typeset("x", display=False).mathml
    assert asked == [
        [(r"\frac{a}{b} + 1", True)],
        [("x", False), (r"\frac{a}{b} + 1", True)],
    ]


def test_display_and_line_differ(asked):
    mathjax.typeset_ahead(r"$\sum_i x_i$ and $$\sum_i x_i$$")

    line, display = (
        mathjax.typeset(r"\sum_i x_i", display=display) for display in (False, True)
    )

    assert line.svg != display.svg
    assert len(asked) == 1


def test_many_are_laid_out_a_few_at_a_time(asked):
    """So that the first do not wait for the last."""
    count = 2 * mathjax._TOGETHER + 1
    mathjax.typeset_ahead(" ".join(f"$x_{{{i}}}$" for i in range(count)))

    assert mathjax.typeset(f"x_{{{count - 1}}}", display=False).svg
    assert [len(some) for some in asked] == [mathjax._TOGETHER, mathjax._TOGETHER, 1]


def test_a_value_is_waited_for_and_a_price_is_none(asked):
    """Neither what still holds a value nor a lone dollar is a formula."""
    mathjax.typeset_ahead("$x = {{ x }}$, it costs 3 $ or 4 $, or \\$5, and $y$.")

    assert mathjax.typeset("y", display=False).svg
    assert asked == [[("y", False)]]


def test_a_slip_is_said_where_the_formula_stands(asked):
    """One that is laid out ahead is nobody's yet, and keeps no other from it."""
    mathjax.typeset_ahead(r"$\nonsense$ and $x$")

    assert mathjax.typeset("x", display=False).svg
    with pytest.raises(ValueError, match="nonsense"):
        mathjax.typeset(r"\nonsense", display=False)
    assert len(asked) == 1
