import math
import os
import re
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from hw4lib import _checks
from hw4lib._checks import (
    as_array,
    as_booleans,
    as_integer,
    as_integers,
    as_labels,
    as_number,
    as_numbers,
    check_broadcast,
    check_memory,
    is_finite,
    memory_size,
)


def says(error, message):
    """Expect exactly this error with exactly this message."""
    return pytest.raises(error, match=f"^{re.escape(message)}$")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3.0),
        (True, 1.0),
        (np.int8(-3), -3.0),
        (np.float16(0.5), 0.5),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.longdouble(0.25), 0.25),
        (range(3), [0.0, 1.0, 2.0]),
        ([True, 2, 0.5], [1.0, 2.0, 0.5]),
        (((1, 2), (3, 4)), [[1.0, 2.0], [3.0, 4.0]]),
        (10**30, 1e30),
        ([10**30, -(2**70)], [1e30, -(2.0**70)]),
        ([Fraction(1, 4), 10**25], [0.25, 1e25]),
        (np.array([1, 2], dtype=">i2"), [1.0, 2.0]),
        (np.ma.array([1, 2], mask=False), [1.0, 2.0]),
        ([], []),
        (np.array([], dtype=object), []),
        (np.zeros((0, 3)), np.zeros((0, 3))),
    ],
)
def test_array_takes_every_kind_of_real_number(value, expected):
    """Whatever kind of real number comes in, the same values leave as float64."""
    actual = as_array("x", value)

    assert type(actual) is np.ndarray
    assert actual.dtype == np.float64
    assert_array_equal(actual, np.array(expected, dtype=float), strict=True)


def test_array_is_not_copied_when_it_is_float64_already():
    """A sweep over a million weights is not copied on its way in."""
    x = np.ones((2, 3))[:, ::2]

    assert as_array("x", x) is x


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1j, "complex"),
        (None, "NoneType"),
        ("1", "str"),
        (b"1", "bytes"),
        (["1"], "list of str"),
        ([1, "a"], "list of str"),
        ((1, None), "tuple of object"),
        ([np.nan, 1j], "list of complex128"),
        ([Fraction(1, 2), 1j], "list of object"),
        ({1, 2}, "set"),
        ({1: 2}, "dict"),
        ((x for x in range(3)), "generator"),
        (np.array([1j]), "complex128"),
        (np.array([None]), "object"),
        (np.array(["a"]), "<U1"),
        (np.zeros(1, dtype="V4"), "|V4"),
        (np.datetime64("2024-11-05"), "datetime64"),
        (np.timedelta64(1, "s"), "timedelta64"),
        (np.array(["2024-11-05"], dtype="M8[D]"), "datetime64[D]"),
    ],
    ids=lambda value: str(value).split(" at 0x")[0],  # the same in every process
)
def test_array_refuses_what_is_no_real_number(value, kind):
    """A wrong kind is a TypeError that names it."""
    with says(TypeError, f"`x` is of type {kind}, expected real numbers"):
        as_array("x", value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (math.nan, "nan"),
        ([0.0, -math.inf], "-inf"),
        (np.array([[1, np.inf]], dtype=np.float32), "inf"),
    ],
    ids=str,
)
def test_array_refuses_what_is_not_finite(value, shown):
    """The first value that is not finite is named, unless it is welcome."""
    with says(ValueError, f"`x` holds {shown}, expected finite numbers"):
        as_array("x", value)

    assert_array_equal(as_array("x", value, finite=False), np.asarray(value))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf], ids=str)
@pytest.mark.parametrize("rest", [0.0, 1.0, -1e200, 1e308], ids=str)
@pytest.mark.parametrize(
    "layout",
    [np.array, np.asfortranarray, lambda x: np.repeat(x, 2, 1)[:, ::2]],
    ids=["rows", "columns", "gaps"],
)
def test_finite_is_what_every_entry_is(layout, rest, bad):
    """In every layout, and where the squares overflow, without a warning."""
    array = layout(np.full((5, 7), rest))
    assert is_finite(array)
    assert as_array("x", array) is array

    array[3, 4] = bad
    assert not is_finite(array)


@pytest.mark.skipif(
    np.finfo(np.longdouble).max == np.finfo(np.float64).max,
    reason="long double is float64 here",
)
def test_array_refuses_long_doubles_past_float64():
    """An overflow in the conversion is an infinity, not a warning."""
    with says(ValueError, "`x` holds inf, expected finite numbers"):
        as_array("x", [np.finfo(np.longdouble).max])


@pytest.mark.parametrize("value", [10**400, [1, -(10**400)]], ids=["int", "list"])
def test_array_refuses_integers_past_float64(value):
    """No rounding to infinity behind the caller's back."""
    message = "`x` holds an integer past float64, expected finite numbers"
    with says(ValueError, message):
        as_array("x", value, finite=False)


@pytest.mark.parametrize(
    "value", [np.ma.array([1.0, 2.0], mask=[0, 1]), np.ma.masked], ids=["array", "one"]
)
def test_array_refuses_masked_entries(value):
    """A missing value must not come back as the number underneath its mask."""
    with says(ValueError, "`x` has masked entries, expected none"):
        as_array("x", value)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((), ()),
        ((2, 3), (2, 3)),
        ((0,), (0,)),
        ((4,), ("n",)),
        ((2, 3), ("n", "d")),
        ((3, 3), ("n", "n")),
        ((3, 2), ("n", 2)),
        ((3, np.int64(2)), ("n", np.int64(2))),
        ((), ("...",)),
        ((0, 2), ("...",)),
        ((2,), ("...", "d")),
        ((5, 4, 2), ("...", "d")),
        ((0, 2), ("...", 2)),
        ((5, 3, 3), ("...", "n", "n")),
    ],
    ids=str,
)
def test_array_takes_the_shapes_it_describes(shape, expected):
    """A number is a length, a letter any length, dots any axes in front."""
    assert as_array("x", np.ones(shape), *expected).shape == shape


@pytest.mark.parametrize(
    ("shape", "expected", "shown"),
    [
        ((), ("n",), "(n)"),
        ((2, 2), ("n",), "(n)"),
        ((3,), (2,), "(2)"),
        ((3,), (np.int64(2),), "(2)"),
        ((2, 3), ("n", "n"), "(n, n)"),
        ((2, 3), ("...", "n", "n"), "(..., n, n)"),
        ((3,), ("...", "n", "n"), "(..., n, n)"),
        ((), ("...", "n"), "(..., n)"),
        ((0,), ("n",), "(n), not empty"),
        ((3, 0), ("...", "n"), "(..., n), not empty"),
    ],
    ids=str,
)
def test_array_refuses_other_shapes(shape, expected, shown):
    """The message shows both shapes, and says when the trouble is emptiness."""
    with says(ValueError, f"`x` has shape {shape}, expected {shown}"):
        as_array("x", np.ones(shape), *expected)


def test_booleans_are_booleans_or_0_and_1():
    """An array of booleans is not copied; whatever else is checked."""
    array = np.array([[True, False]])
    assert as_booleans("mask", array, 1, 2) is array
    for value in ([[1, 0]], [[True, False]], np.array([[1.0, 0.0]])):
        assert_array_equal(as_booleans("mask", value, 1, "m"), array, strict=True)
    with says(ValueError, "`mask` holds 2, expected 0 or 1"):
        as_booleans("mask", [[2, 0]])
    with says(ValueError, "`mask` has shape (1, 2), expected (2, 2)"):
        as_booleans("mask", array, 2, 2)
    with says(ValueError, "`mask` has masked entries, expected none"):
        as_booleans("mask", np.ma.array([True, False], mask=[0, 1]))
    with says(ValueError, "`mask` is ragged, expected an array"):
        as_booleans("mask", [[True], [True, False]])


def test_array_refuses_ragged_lists():
    """NumPy's own words for it name no argument."""
    with says(ValueError, "`x` is ragged, expected (n, d)"):
        as_array("x", [[1], [1, 2]], "n", "d")
    with says(ValueError, "`x` is ragged, expected an array"):
        as_array("x", [[1], [1, 2]])


def test_labels():
    """Only the allowed values pass, in the shape that is asked for."""
    assert_array_equal(as_labels("y", [0, 1, True], (0, 1), "n"), [0.0, 1.0, 1.0])
    assert as_labels("y", [], (0, 1)).shape == (0,)
    with says(ValueError, "`y` holds 0.5, expected 0 or 1"):
        as_labels("y", [0, 0.5, 2], (0, 1))
    with says(ValueError, "`y` holds 0.1234567891, expected -1 or 1"):
        as_labels("y", 0.1234567891, (-1, 1))
    with says(ValueError, "`y` has shape (), expected (n)"):
        as_labels("y", 1, (0, 1), "n")


@pytest.mark.parametrize(
    ("bounds", "inside", "outside", "shown"),
    [
        ({}, [-1e308, 0, 1e308], [], ""),
        ({"above": 0}, [5e-324], [0, -1], "> 0"),
        ({"at_least": 0}, [0, 1], [-1e-300], ">= 0"),
        ({"below": 0.5}, [0.4], [0.5, 1], "< 0.5"),
        ({"at_most": 1}, [1, -3], [1.0000000001], "<= 1"),
        ({"at_least": 0, "below": 0.5}, [0, 0.4999999], [0.5, -1], "in [0, 0.5)"),
        ({"above": 0, "at_most": 1}, [1], [0, 2], "in (0, 1]"),
        ({"above": 0.001618144, "below": 1}, [0.5], [0], "in (0.001618144, 1)"),
        ({"at_least": 1, "at_most": 2}, [1, 2], [0, 3], "in [1, 2]"),
    ],
    ids=str,
)
def test_bounds(bounds, inside, outside, shown):
    """Open and closed bounds, one number or many, in the reader's notation."""
    for value in inside:
        assert as_number("e", value, **bounds) == value
    assert_array_equal(as_numbers("e", inside, "n", **bounds), np.array(inside, float))
    for value in outside:
        with says(ValueError, f"`e` is {value}, expected {shown}"):
            as_number("e", value, **bounds)
        with says(ValueError, f"`e` holds {value}, expected {shown}"):
            as_numbers("e", [*inside, value], **bounds)


def test_number_is_one_finite_number():
    """An array of one number is a number only if it has no axis."""
    assert type(as_number("e", np.array(3))) is float
    with says(ValueError, "`e` has shape (1,), expected a number"):
        as_number("e", [3])
    with says(ValueError, "`e` holds nan, expected finite numbers"):
        as_number("e", math.nan, above=0)
    with says(ValueError, "`e` holds inf, expected finite numbers"):
        as_numbers("e", [math.inf], above=0)
    with says(ValueError, "`e` holds nan, expected finite numbers"):
        as_numbers("e", [1.0, math.nan, -1.0], at_least=0)
    assert as_numbers("e", [], at_least=0).shape == (0,)
    assert as_numbers("e", 0.25, at_least=0) == 0.25
    with says(TypeError, "`e` is of type NoneType, expected real numbers"):
        as_number("e", None)


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), np.array(3)])
def test_integer_is_a_python_int(value):
    """NumPy's integers overflow in the products that follow; Python's do not."""
    assert type(as_integer("n", value)) is int
    assert as_integer("n", value, at_least=3, at_most=3) == 3


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3.0, "3.0"),
        ("3", "'3'"),
        (None, "None"),
        (True, "True"),
        (np.True_, "np.True_"),
        ([3], "[3]"),
        (np.float64(3), "np.float64(3.0)"),
    ],
    ids=str,
)
def test_integer_refuses_other_kinds(value, shown):
    """Not even 3.0: a width that was computed as a float is a slip."""
    with says(TypeError, f"`n` is {shown}, expected an integer"):
        as_integer("n", value)


@pytest.mark.parametrize(
    ("value", "bounds", "shown"),
    [
        (0, {"at_least": 1}, "`n` is 0, expected >= 1"),
        (4, {"at_most": 3}, "`n` is 4, expected <= 3"),
        (0, {"at_least": 1, "at_most": 3}, "`n` is 0, expected in [1, 3]"),
        (12345678, {"at_most": 12345677}, "`n` is 12345678, expected <= 12345677"),
        (10**5000, {"at_most": 3}, "`n` is 1e5000, expected <= 3"),
        (-(10**5000), {"at_least": 3}, "`n` is -1e5000, expected >= 3"),
    ],
    ids=["low", "high", "outside", "every digit", "huge", "hugely negative"],
)
def test_integer_refuses_what_is_out_of_bounds(value, bounds, shown):
    """Bounds are worded as for numbers, and no digit of either is lost."""
    with says(ValueError, shown):
        as_integer("n", value, **bounds)


def test_integer_without_bounds_may_be_huge():
    """An integer is exact at any size."""
    assert as_integer("n", 10**5000, at_least=1) == 10**5000


def test_integers_keep_every_digit():
    """A float64 would round the first of them."""
    for value in ([2**53 + 1, -3], np.array([3], np.uint8), np.zeros((2, 0)), []):
        array = as_integers("n", value)
        assert array.dtype == np.int64
        assert_array_equal(array, value)
    assert_array_equal(as_integers("n", [[1, 2]], "N", 2), [[1, 2]])


def test_integers_are_not_copied_if_nothing_is_to_convert():
    array = np.array([2**53 + 1, -3])

    assert as_integers("n", array, "N") is array


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        ([1.0], TypeError, "`n` is of type list of float64, expected integers"),
        ([True], TypeError, "`n` is of type list of bool, expected integers"),
        ([0, 9], ValueError, "`n` holds 9, expected in [0, 8]"),
        (np.array([0, 9]), ValueError, "`n` holds 9, expected in [0, 8]"),
        (np.array([0, -1]), ValueError, "`n` holds -1, expected in [0, 8]"),
        (np.array([[8]]), ValueError, "`n` has shape (1, 1), expected (N)"),
        ([10**30], ValueError, "`n` holds 1e+30, expected in [0, 8]"),
        (1, ValueError, "`n` has shape (), expected (N)"),
    ],
    ids=["float", "bool", "bound", "over", "under", "matrix", "huge", "shape"],
)
def test_integers_refuse_the_rest(value, error, shown):
    """Positions and nodes that were computed as floats are a slip."""
    with says(error, shown):
        as_integers("n", value, "N", at_least=0, at_most=8)


def test_broadcast():
    """The common shape, or every name with its shape."""
    assert check_broadcast() == ()
    assert check_broadcast(a=np.ones((4, 1)), b=np.ones(3), c=np.ones(())) == (4, 3)
    message = "`a` (3,), `b` (2,) do not broadcast, expected shapes that do"
    with says(ValueError, message):
        check_broadcast(a=np.ones(3), b=np.ones(2))


def test_memory_refuses_what_no_machine_holds(monkeypatch):
    """A result of exactly the machine's memory passes, one float more does not."""
    monkeypatch.setattr(_checks, "memory_size", lambda: 2**33)

    check_memory("n", 2**15, 2**15, 2**15)
    check_memory("n", 0, 0, 10**400)
    message = (
        "`n` is 32768: a result of shape (65536, 32768) takes 16.0 GiB, "
        "expected at most 8.0 GiB"
    )
    with says(MemoryError, message):
        check_memory("n", 2**15, 2**16, 2**15)


def test_memory_check_itself_never_overflows(monkeypatch):
    """Neither NumPy's integers nor sizes past every float get around it."""
    monkeypatch.setattr(_checks, "memory_size", lambda: 2**33)

    with pytest.raises(MemoryError, match="shape \\(4294967296, 4294967296\\)"):
        check_memory("shape", (1, 2), np.int64(2**32), np.int64(2**32))
    message = (
        "`n` is 1e5000: a result of shape (1e5000, 3) takes 1e4992 GiB, "
        "expected at most 8.0 GiB"
    )
    with says(MemoryError, message):
        check_memory("n", 10**5000, 10**5000, 3)


def test_memory_size(monkeypatch):
    """The machine's memory where it is known, else 8 GiB."""
    assert memory_size() == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    monkeypatch.delattr(os, "sysconf")
    assert memory_size.__wrapped__() == 2**33
