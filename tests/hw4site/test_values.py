import math

import numpy as np
import pytest

from hw4site.values import format_value


@pytest.mark.parametrize(
    ("value", "spec", "prose", "formula"),
    [
        (0.549834, ".3f", "0.550", "0.550"),
        (-0.02, ".3f", "−0.020", "-0.020"),
        (-0.0001, ".3f", "0.000", "0.000"),
        (1.2658e-3, ".4e", "1.2658 × 10⁻³", r"1.2658 \times 10^{-3}"),
        (2.0e10, ".1e", "2.0 × 10¹⁰", r"2.0 \times 10^{10}"),
        (13315, ",", "13,315", "13{,}315"),
        (0.25, ".0%", "25%", r"25\%"),
        (9, "", "9", "9"),
        (1 / 3, "", "0.333333", "0.333333"),
        (np.float64(0.5), ".2f", "0.50", "0.50"),
        (np.array(0.5), ".2f", "0.50", "0.50"),
        (np.int64(7), "", "7", "7"),
        ("He-normal", "", "He-normal", "He-normal"),
        (0.125, "frac", "1/8", r"\tfrac{1}{8}"),
        (-0.025, "frac", "−1/40", r"-\tfrac{1}{40}"),
        (1 / 3, "frac", "1/3", r"\tfrac{1}{3}"),
        (3.0, "frac", "3", "3"),
        (0.0, "frac", "0", "0"),
    ],
)
def test_reads_as_a_typesetter_would_write_it(value, spec, prose, formula):
    """A minus sign, a power of ten, a fraction: the forms of the style guides."""
    assert format_value(value, spec) == prose
    assert format_value(value, spec, formula=True) == formula


def test_a_matrix_is_the_body_of_a_latex_matrix():
    """Entries are separated by `&`, rows by a double backslash; a vector is a row."""
    matrix = np.array([[0.5403, 0.8415], [-0.8415, 0.5403]])
    assert (
        format_value(matrix, "matrix .2f", formula=True)
        == r"0.54 & 0.84 \\ -0.84 & 0.54"
    )
    assert format_value([1, 2], "matrix", formula=True) == "1 & 2"


@pytest.mark.parametrize(
    ("value", "spec", "error", "message"),
    [
        (math.nan, ".3f", ValueError, "is nan, expected a finite number"),
        (-math.inf, "", ValueError, "is -inf, expected a finite number"),
        (math.pi, "frac", ValueError, "expected a fraction of small integers"),
        (0.5, "3g.", ValueError, "Invalid format specifier"),
        (np.ones(3), ".2f", TypeError, "type ndarray, expected a number or a string"),
        (None, "", TypeError, "type NoneType, expected a number or a string"),
        ([1.0, math.nan], "matrix", ValueError, "is nan"),
    ],
)
def test_refuses_what_has_no_text(value, spec, error, message):
    """A value that would show nonsense on a page is an error instead."""
    with pytest.raises(error, match=message):
        format_value(value, spec)
