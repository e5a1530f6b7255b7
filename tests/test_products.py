"""Products in pieces against NumPy's products in one."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from hw4lib import _products
from hw4lib._products import matmul, multiply


@pytest.fixture
def rng():
    return np.random.default_rng(790)


@pytest.fixture(params=[True, False], ids=["one processor", "several"])
def alone(request, monkeypatch):
    monkeypatch.setattr(_products, "_ALONE", request.param)
    return request.param


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3, 4), (4, 2)),
        ((1000, 64), (64, 64)),  # pieces of 128 rows, and 104 rows more
        ((1024, 64), (64, 64)),  # pieces only
        ((2, 300, 64), (2, 64, 128)),  # a stack of both
        ((2, 300, 64), (64, 128)),  # a stack of one
        ((300, 64), (2, 64, 128)),
        ((300, 900), (900, 900)),  # too large for small pieces
        ((300, 64), (64,)),
        ((0, 3), (3, 2)),
        ((200, 0), (0, 2)),
        ((200, 2), (2, 0)),
        ((0, 300, 64), (64, 64)),
        ((0, 300, 64), (0, 64, 64)),
    ],
    ids=str,
)
def test_matmul_is_the_product(rng, left, right):
    a, b = rng.normal(size=left), rng.normal(size=right)
    expected = a @ b
    assert_allclose(matmul(a, b), expected, rtol=1e-13, atol=1e-12)
    out = np.full_like(expected, np.nan)
    assert matmul(a, b, out) is out
    assert_allclose(out, expected, rtol=1e-13, atol=1e-12)


@pytest.mark.usefixtures("alone")
def test_matmul_of_views(rng):
    """Rows and columns in any order in memory, results in part of an array."""
    a, b = rng.normal(size=(64, 2000)).T[::2], rng.normal(size=(128, 64)).T[:, ::-1]
    out = np.zeros((1000, 200))
    matmul(a, b, out[:, :128])
    assert_allclose(out[:, :128], a.copy() @ b.copy(), rtol=1e-13, atol=1e-12)
    assert not out[:, 128:].any()


@pytest.mark.parametrize("size", [3, 5000])
@pytest.mark.parametrize("kind", [np.float64, np.complex128])
def test_multiply_broadcasts(rng, size, kind):
    """Small arrays and large ones; the buffer is as before afterwards."""
    row, column = rng.normal(size=size).astype(kind), np.arange(4)[:, None].astype(kind)
    before = np.getbufsize()
    assert_array_equal(multiply(row, column), row * column)
    out = np.empty((4, size), kind)
    assert multiply(column, row, out) is out
    assert_array_equal(out, row * column)
    assert np.getbufsize() == before
