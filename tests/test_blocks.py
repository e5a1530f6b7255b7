"""Formulas on blocks of rows, against the same formula at once."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from hw4lib import _blocks
from hw4lib._blocks import by_blocks


@pytest.mark.parametrize("block", [1, 7, 2**13])
@pytest.mark.parametrize(
    "shapes",
    [
        ((), ()),
        ((5,), ()),
        ((1,), (9,)),
        ((6, 1), (1, 4)),
        ((4,), (6, 4)),
        ((3, 1, 2), (4, 1)),
        ((0,), ()),
        ((3, 0), (3, 1)),
        ((1, 9), (1, 1)),
    ],
    ids=str,
)
def test_blocks_are_the_formula_at_once(rng, monkeypatch, shapes, block):
    """Whatever the shapes, and whatever a block holds."""
    monkeypatch.setattr(_blocks, "_BLOCK", block)
    a, b = (rng.normal(size=shape) for shape in shapes)

    actual = by_blocks(lambda a, b: (a + b, a * b), np.asarray(a), np.asarray(b))

    for result, expected in zip(actual, (a + b, a * b), strict=True):
        assert_array_equal(result, expected)
        assert np.shape(result) == np.broadcast_shapes(*shapes)


def test_no_block_is_larger_than_it_may_be(monkeypatch):
    """Unless a single row is."""
    monkeypatch.setattr(_blocks, "_BLOCK", 10)
    sizes = []

    def formula(a):
        sizes.append(a.size)
        return (a,)

    by_blocks(formula, np.ones((7, 4)))
    assert sizes == [8, 8, 8, 4]
    sizes.clear()
    by_blocks(formula, np.ones((2, 40)))
    assert sizes == [40, 40]
