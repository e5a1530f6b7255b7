import inspect
import math
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from hw4lib import _checks
from hw4lib._checks import (
    as_array,
    as_booleans,
    as_flag,
    as_generator,
    as_integer,
    as_integers,
    as_labels,
    as_number,
    as_numbers,
    as_pair,
    check_broadcast,
    check_memory,
    contract,
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


def test_integers_have_room_for_sums():
    """Up to a quarter of what 64 bits can count, in either direction."""
    for value in (2**62, -(2**62)):
        assert_array_equal(as_integers("n", [value]), [value])
        with pytest.raises(ValueError, match=r"^`n` holds .*, expected in "):
            as_integers("n", np.array([2 * value - (value > 0)]))


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
    with pytest.raises(MemoryError, match=r"^`X` is of 9 samples: a result of shape"):
        check_memory("X", "of 9 samples", 2**16, 2**15)


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
    with pytest.raises(MemoryError, match="takes 1e22 GiB"):
        check_memory("n", 2**50, 2**50, 2**50)


def test_memory_size(monkeypatch):
    """The machine's memory where it is known, else 8 GiB."""
    assert memory_size() == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    monkeypatch.delattr(os, "sysconf")
    assert memory_size.__wrapped__() == 2**33


def test_memory_is_no_larger_than_integers_can_count(monkeypatch):
    """In a browser NumPy's integers have 32 bits, whatever the machine has."""
    monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
    assert memory_size.__wrapped__() == 2**31 - 1


def test_broadcast_refuses_before_anything_is_allocated():
    """Also sizes past NumPy's integers, which its own function calls a clash."""
    column = np.broadcast_to(0.0, (2**27, 1, 1))
    row = np.broadcast_to(0.0, (2**27, 1))
    message = "`a` is of shape (134217728, 1, 1): a result of shape"
    with pytest.raises(MemoryError, match=f"^{re.escape(message)}"):
        check_broadcast(a=column, b=row, c=np.broadcast_to(0.0, 2**27))
    assert check_broadcast(a=np.ones((0, 1)), b=np.ones(3)) == (0, 3)
    assert check_broadcast(a=np.ones((1, 1)), b=np.ones(1)) == (1, 1)


def test_broadcast_counts_bytes(monkeypatch):
    """A result of exactly the memory's size passes, a larger one does not."""
    monkeypatch.setattr(_checks, "memory_size", lambda: 2**13)
    assert check_broadcast(a=np.ones((32, 1)), b=np.ones(32)) == (32, 32)
    with pytest.raises(MemoryError, match=r"^`b` is of shape \(33,\)"):
        check_broadcast(a=np.ones((32, 1)), b=np.ones(33))


def test_broadcast_names_what_does_not_fit():
    """No length is stretched but one."""
    message = "`a` (0,), `b` (3,) do not broadcast, expected shapes that do"
    with says(ValueError, message):
        check_broadcast(a=np.ones(0), b=np.ones(3))


def test_flags_are_true_or_false():
    """No word, and no other number, is one by accident."""
    assert as_flag("keep", True) is True
    assert as_flag("keep", np.False_) is False
    for value, shown in (("no", "'no'"), (1, "1"), (None, "None")):
        with says(TypeError, f"`keep` is {shown}, expected True or False"):
            as_flag("keep", value)


@pytest.mark.parametrize(
    "rng", [7, np.int64(7), [1, 2], None, np.random.SeedSequence(7), np.random.PCG64(7)]
)
def test_generators_are_made_of_seeds(rng):
    """Whatever `numpy.random.default_rng` takes."""
    assert isinstance(as_generator(rng), np.random.Generator)


def test_pairs_are_two_integers():
    """Such as padding on either side."""
    assert as_pair("padding", (np.int8(1), 2), "(left, right)") == (1, 2)
    for value, shown in (((1, 2, 3), "(1, 2, 3)"), (5, "5"), (None, "None")):
        with says(ValueError, f"`padding` is {shown}, expected (left, right)"):
            as_pair("padding", value, "(left, right)")
    with says(ValueError, "`padding` is 0, expected >= 1"):
        as_pair("padding", (1, 0), "(left, right)")
    with says(TypeError, "`padding` is 1.0, expected an integer"):
        as_pair("padding", (1.0, 2), "(left, right)")


def test_generators_are_used_as_they_are():
    """A generator goes on where it is; a seed starts again."""
    generator = np.random.default_rng(1)
    assert as_generator(generator) is generator
    assert as_generator(5).random() == as_generator(5).random()


@pytest.mark.parametrize(
    ("rng", "error", "shown"),
    [
        (-1, ValueError, "-1"),
        ([1, -2], ValueError, "[1, -2]"),
        (1.5, TypeError, "1.5"),
        ("seed", TypeError, "'seed'"),
        ([None], TypeError, "[None]"),
        (list("abcdefghij"), TypeError, "['a', 'b', 'c', 'd', 'e', 'f', ...]"),
    ],
    ids=str,
)
def test_generators_are_made_of_nothing_else(rng, error, shown):
    """What was passed is shown, but not all of a long list."""
    message = f"`rng` is {shown}, expected a seed or a numpy.random.Generator"
    with says(error, message):
        as_generator(rng)


# --- what a public function promises of its result ------------------------------------


class Pair(NamedTuple):
    """Two results."""

    first: object
    second: object


@dataclass(frozen=True, eq=False)
class Result:
    """Several results, or results in results."""

    values: object
    count: object = 0
    inner: object = None


FLOAT = "too large for a float, expected values closer to 1"


def passing(value):
    """A public function that returns what it is given."""
    return contract(lambda x=None: value if x is None else x)()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (0.5, np.float64),
        (np.float64(0.5), np.float64),
        (np.array(0.5), np.float64),
        (True, np.bool),
        (np.array(True), np.bool),
        (3, np.int64),
        (-(2**62), np.int64),
        (10**30, int),
        (np.array(3, np.int64), np.int64),
        ("word", str),
        (None, type(None)),
    ],
)
def test_numbers_are_numpy_scalars(value, kind):
    """Integers past 64 bits stay exact, and what is no number stays what it is."""
    result = passing(value)
    assert type(result) is kind
    assert result == value


def test_a_result_is_no_view():
    """Neither of an argument nor of a larger array, nor is it read-only."""
    x = np.arange(6.0).reshape(2, 3)
    for view in (
        lambda x: x,
        lambda x: x[0],
        lambda x: x.T,
        lambda x: np.broadcast_to(x, x.shape),
        lambda _: np.zeros(9)[3:],
        lambda _: np.broadcast_to(0.0, 3),
        lambda _: np.broadcast_to(np.zeros(3), 3),
        lambda _: np.frombuffer(bytearray(16)),
        lambda x: Pair(x, 1.0).first,
    ):
        result = contract(view)(x)
        assert not np.shares_memory(result, x)
        assert result.flags.writeable
        assert result.base is None or result.base.nbytes == result.nbytes
    fresh = np.zeros((2, 3))
    assert contract(lambda _: fresh)(x) is fresh  # nothing is copied without need


def test_a_result_shares_nothing_with_what_hands_out_its_memory():
    """As a pandas Series does, which is no array but has one."""

    class Series:
        def __init__(self):
            self.values = np.arange(3.0)

        def __array__(self, dtype=None, copy=None):
            return self.values

    series = Series()
    result = contract(lambda x: as_array("x", x))(series)
    assert_array_equal(result, series.values)
    assert not np.shares_memory(result, series.values)


def test_fields_and_entries_are_held_to_it_too():
    """Dataclasses in dataclasses, named tuples and tuples; counts and flags stay."""
    x = np.arange(3.0)
    make = contract(lambda x: Result(x, 3, Result(Pair(x, 0.5), True)))
    result = make(x)
    assert type(result.count) is int
    assert result.inner.count is True
    assert type(result.inner.values) is Pair
    assert type(result.inner.values.second) is np.float64
    for array in (result.values, result.inner.values.first):
        assert_array_equal(array, x)
        assert not np.shares_memory(array, x)
    first, second = contract(lambda x: (x, x[1:]))(x)
    assert not np.shares_memory(first, x)
    assert not np.shares_memory(second, x)
    assert contract(lambda: Result)() is Result  # a class, no result


def test_iterators_are_left_alone():
    """Nothing is drawn from them."""
    drawn = []

    @contract
    def squares(n):
        return (drawn.append(k) or k * k for k in range(n))

    result = squares(3)
    assert isinstance(result, Iterator)
    assert drawn == []
    assert list(result) == [0, 1, 4]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda x: x * np.inf,
        lambda x: x * np.nan,
        lambda x: float(np.sum(x)) * math.inf,
        lambda x: np.array(np.inf) * np.sum(x),
        lambda x: Result(x * np.inf),
        lambda x: Result(1.0, 1, Result(x * np.nan)),
        lambda x: Pair(1.0, x * np.inf),
        lambda x: (x, x * np.inf),
        lambda x: math.exp(1e3 * np.sum(x)),
    ],
)
def test_what_is_past_the_largest_float_names_the_arguments(spoil):
    """Wherever it is in the result."""
    with says(ValueError, f"`x` makes the result {FLOAT}"):
        contract(spoil)(np.ones(3))


def test_infinity_is_returned_where_it_is_an_answer():
    """For a whole result, or for some fields; NaN never is."""
    for value in (math.inf, np.array([1.0, -np.inf]), Pair(np.inf, 1.0)):
        contract(infinite=True)(lambda x: x)(value)
    one = contract(infinite=("values",))
    assert one(lambda: Result(np.inf))().values == np.inf
    with pytest.raises(ValueError, match=FLOAT):
        one(lambda: Result(1.0, inner=Pair(np.inf, 1.0)))()
    assert contract(infinite=("first",))(lambda: Pair(np.inf, 1.0))().first == np.inf
    for value in (math.nan, np.array([np.nan]), Result(np.nan)):
        with pytest.raises(ValueError, match=FLOAT):
            contract(infinite=True)(lambda x: x)(value)


def test_the_message_names_who_is_to_blame():
    """Numbers far from 1 if there are any, else all; no words, flags or functions."""
    spoil = contract(
        lambda x, labels=(1, -1), scale=1.0, mode="a", flag=None, schedule=abs: (
            math.inf if (x, labels, scale, mode, flag, schedule) else 0.0
        )
    )
    assert_blames = {
        "`x` makes": ([1e300],),
        "`x` and `scale` make": ([2e5], (1, -1), 1e-300),
        "`scale` makes": ([2.0], (1, -1), 10**200),
        "`x`, `labels` and `scale` make": ([2.0], (1, -1), 3.0),
    }
    for names, (x, *rest) in assert_blames.items():
        given = dict(zip(("labels", "scale"), rest, strict=False))
        with says(ValueError, f"{names} the result {FLOAT}"):
            spoil(x, **given, mode="b", flag=None, schedule=abs)
    with says(ValueError, f"what was passed makes the result {FLOAT}"):
        contract(lambda mode: math.inf if mode else 0.0)("b")


def test_a_method_is_not_blamed_on_its_object():
    """`self` is no number."""

    class Model:
        @contract
        def predict(self, x):
            return x * math.inf

    with says(ValueError, f"`x` makes the result {FLOAT}"):
        Model().predict(2.0)


@pytest.mark.parametrize("state", ["raise", "warn", "ignore"])
def test_the_callers_error_state_does_not_matter(state):
    """The same result under each, and the caller's state is what it was."""
    with np.errstate(all=state):
        before = np.geterr()
        result = contract(lambda z: 1.0 / (1.0 + np.exp(-z)))(np.array([-1e4, 0.0]))
        assert np.geterr() == before
    assert_array_equal(result, [0.0, 0.5])


def test_errors_and_signatures_pass_through():
    """What the function itself says, and what its documentation shows."""

    @contract
    def f(x: float, *, n: int = 3) -> float:
        """Return x."""
        raise ValueError(f"`n` is {n}, expected {x}")

    with says(ValueError, "`n` is 3, expected 4"):
        f(4)
    with pytest.raises(TypeError, match="unexpected keyword"):
        f(1.0, m=2)
    assert f.__doc__ == "Return x."
    assert list(inspect.signature(f).parameters) == ["x", "n"]
