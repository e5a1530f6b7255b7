"""What every public function requires of its arguments and promises of its result.

A message says *argument, what it is, what is expected*. A wrong kind raises
`TypeError`, a wrong value or shape `ValueError`, a result too large to hold
`MemoryError`. Public functions are decorated with `contract`, which checks results.
"""

import contextlib
import dataclasses
import functools
import inspect
import itertools
import math
import numbers
import operator
import os
import reprlib
import sys
from collections.abc import Callable, Collection, Sequence
from typing import Any, ParamSpec, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._typing import RNG, Integer, Real

_P = ParamSpec("_P")
_R = TypeVar("_R")

# NumPy's flags by number: to ask what `np.broadcast_arrays` returns whether it is
# writeable is a warning, and so is to write to it.
_WRITEABLE, _WARNS = 0x400, 1 << 31


@overload
def contract(function: Callable[_P, _R], /) -> Callable[_P, _R]: ...
@overload
def contract(
    *, infinite: Collection[str] | bool = ..., checked: bool = ...
) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]: ...
def contract(
    function: Callable[..., Any] | None = None,
    /,
    *,
    infinite: Collection[str] | bool = False,
    checked: bool = False,
) -> Any:
    """Hold the result of a public function to what the library promises.

    - The caller's `np.seterr` does not matter: nothing warns, and nothing raises.
    - NaN is never returned, and infinity only where it is the documented answer: a
      result past the largest float is a `ValueError` that names the arguments.
    - A number is a NumPy scalar, and an array owns its memory: no result is a view of
      an argument or of a larger array.

    All of that is true for arrays and numbers, for the fields of dataclasses and for
    the entries of tuples; whatever else is returned, such as an iterator, stays.

    Args:
        function: The function, which checks its arguments itself.
        infinite: Whether the docstring names infinity as a possible answer; or the
            fields of the returned dataclass or named tuple for which it does.
        checked: Whether the function raises OverflowError itself, because it knows of
            every number of its result when it makes it.
    """
    if function is None:
        return functools.partial(contract, infinite=infinite, checked=checked)
    body: Callable[..., Any] = function

    @functools.wraps(body)
    @np.errstate(all="ignore")  # in a third of the time of a `with`
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            result = body(*args, **kwargs)
            # Arrays, and what hands out its memory as one, such as a pandas Series.
            given = [
                np.asarray(value)
                for value in (*args, *kwargs.values())
                if hasattr(value, "__array__")
            ]
            return _kept(result, given, None if checked else infinite)
        except OverflowError:  # of ours, or of Python's `math`
            raise _overflow(body, args, kwargs) from None

    return call


def _kept(
    result: Any, given: list[NDArray[Any]], infinite: Collection[str] | bool | None
) -> Any:
    """Return a result as the contract promises it, with any number for None.

    Raises:
        OverflowError: If it contains NaN, or infinity where that is no answer.
    """
    if isinstance(result, (float, np.ndarray)):
        if infinite is not None and not _is_answer(result, infinite):
            raise OverflowError
        if isinstance(result, float):
            return np.float64(result)
        if not result.ndim:
            return result[()]
        return result if _is_own(result, given) else result.copy()
    if isinstance(result, int):
        kind = np.bool if isinstance(result, bool) else np.int64
        return kind(result) if abs(result) < 2**63 else result
    if isinstance(result, tuple):
        names = getattr(result, "_fields", ("",) * len(result))
        entries = (
            _kept(value, given, _allowed(infinite, name))
            for name, value in zip(names, result, strict=True)
        )
        return type(result)(*entries) if hasattr(result, "_fields") else (*entries,)
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        fields = vars(result)
        for name, value in fields.items():
            if not isinstance(value, int):  # a count stays exact, a flag a flag
                fields[name] = _kept(value, given, _allowed(infinite, name))
    return result


def _allowed(
    infinite: Collection[str] | bool | None, name: str
) -> Collection[str] | bool | None:
    if infinite is None or isinstance(infinite, bool):
        return infinite
    return name in infinite


def _is_answer(value: float | NDArray[Any], infinite: Collection[str] | bool) -> bool:
    """Whether there is no NaN, and no infinity unless that is allowed."""
    if isinstance(value, float):
        return math.isfinite(value) or (infinite is True and not math.isnan(value))
    return (
        value.dtype.kind != "f"
        or is_finite(value)
        or (infinite is True and not np.isnan(value).any())
    )


def _is_own(array: NDArray[Any], given: list[NDArray[Any]]) -> bool:
    """Whether nobody else reads or writes the memory of an array."""
    base = array.base
    if base is not None and not (
        isinstance(base, np.ndarray)
        and base.nbytes == array.nbytes
        and array.flags.num & (_WRITEABLE | _WARNS) == _WRITEABLE
    ):
        return False
    for other in given:
        # Two that own their memory share it only if they are one.
        if array is other or (
            not (base is None is other.base) and np.may_share_memory(array, other)
        ):
            return False
    return True


def _overflow(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> ValueError:
    """Return the error of a result past the largest float, which names arguments."""
    given = inspect.signature(function).bind(*args, **kwargs).arguments
    largest = {}
    for name, value in given.items():
        with contextlib.suppress(TypeError, ValueError):  # no numbers
            sizes = np.abs(as_array(name, value))
            largest[f"`{name}`"] = (
                sizes.max(initial=0.0),
                sizes[sizes > 0.0].min(initial=1.0),
            )
    # Those that are far from 1 are to blame, if there are any.
    names = [name for name, (top, low) in largest.items() if top > 1e3 or low < 1e-3]
    *first, last = names or largest or ["what was passed"]
    listed = f"{', '.join(first)} and {last} make" if first else f"{last} makes"
    return ValueError(
        f"{listed} the result too large for a float, expected values closer to 1"
    )


def as_generator(rng: RNG) -> np.random.Generator:
    """Return the generator that `numpy.random.default_rng` makes of a seed.

    Raises:
        TypeError: If it is neither a seed nor a generator.
        ValueError: If it is a negative seed.
    """
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        entries = np.asarray(rng, dtype=object).flat
        negative = all(isinstance(entry, int | np.integer) for entry in entries)
        raise (ValueError if negative else TypeError)(
            f"`rng` is {reprlib.repr(rng)}, expected a seed or a numpy.random.Generator"
        ) from None


def as_array(
    name: str, value: ArrayLike, *shape: int | str, finite: bool = True
) -> NDArray[np.float64]:
    """Return `value` as a float64 array of the expected shape.

    Args:
        name: What the caller calls the argument.
        value: Real numbers; integers of any size, booleans, fractions and float32
            are converted.
        *shape: What each axis should be: a length, a letter for any length of at
            least one (the same letter twice is the same length twice), or `"..."`
            in front for any axes before. No shape at all accepts every shape.
        finite: Whether to reject NaN and infinity.

    Returns:
        The values, not copied if they are float64 already: do not write to them.

    Raises:
        TypeError: If `value` is not an array of real numbers.
        ValueError: If its shape is another, it is not finite, or it has masked
            entries.
        MemoryError: If it is a view that would not fit in memory as an array.
    """
    if type(value) is float and not shape and math.isfinite(value):
        return np.asarray(value)  # the most common argument, in a tenth of the time
    if isinstance(value, np.ndarray) and value.size > 2**24:
        check_memory(name, value.shape, *value.shape)  # a view may repeat one number
    if type(value) is np.ndarray and value.dtype == np.float64:
        array: NDArray[np.float64] = value  # the next most common: nothing to convert
    else:
        array = _converted(name, value, shape)
    if shape and not _fits(array.shape, shape):
        raise ValueError(
            f"`{name}` has shape {array.shape}, expected {_shape_text(shape)}"
            + (", not empty" if array.size == 0 else "")
        )
    if finite and not is_finite(array):
        bad = array[~np.isfinite(array)][0]
        raise ValueError(f"`{name}` holds {bad}, expected finite numbers")
    return array


def as_labels(
    name: str, value: ArrayLike, allowed: Sequence[float], *shape: int | str
) -> NDArray[np.float64]:
    """Return `value` as a float64 array whose entries are all `allowed`."""
    # What is allowed is finite: only where something is not, that is worth a look.
    array = as_array(name, value, *shape, finite=False)
    right = array == allowed[0]
    for label in allowed[1:]:
        right |= array == label
    if np.count_nonzero(right) < array.size:  # in half of the time of `all`
        wrong = as_array(name, array)[~right]
        expected = " or ".join(map(_text, allowed))
        raise ValueError(f"`{name}` holds {_text(wrong[0])}, expected {expected}")
    return array


def as_booleans(name: str, value: ArrayLike, *shape: int | str) -> NDArray[np.bool_]:
    """Return `value`, of booleans or of 0 and 1, as an array of booleans."""
    if (
        type(value) is np.ndarray
        and value.dtype == np.bool_
        and (not shape or _fits(value.shape, shape))
    ):
        return value
    return np.asarray(as_labels(name, value, (0, 1), *shape) == 1.0)


def as_number(
    name: str,
    value: Real,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    below: float = math.inf,
    at_most: float = math.inf,
) -> float:
    """Return `value` as a finite float between the bounds that are given."""
    if type(value) is float and math.isfinite(value):
        number = value
    else:
        array = as_array(name, value)
        if array.ndim:
            raise ValueError(f"`{name}` has shape {array.shape}, expected a number")
        number = float(array)
    if not (above < number < below and at_least <= number <= at_most):
        bounds = _bounds(above, at_least, below, at_most)
        raise ValueError(f"`{name}` is {_text(number)}, expected {bounds}")
    return number


def as_numbers(
    name: str,
    value: ArrayLike,
    *shape: int | str,
    above: float = -math.inf,
    at_least: float = -math.inf,
    below: float = math.inf,
    at_most: float = math.inf,
) -> NDArray[np.float64]:
    """Return `value` as a float64 array between the bounds that are given."""
    array = as_array(name, value, *shape, finite=False)
    if array.size:
        # By the extremes, which write nothing of the array's size; NaN would be both.
        low, high = _extremes(array)
        if (
            above < low <= high < below
            and at_least <= low
            and high <= at_most
            and math.isfinite(low)
            and math.isfinite(high)
        ):
            return array
    array = as_array(name, array)
    wrong = ~(
        (array > above) & (array < below) & (array >= at_least) & (array <= at_most)
    )
    if wrong.any():
        bounds = _bounds(above, at_least, below, at_most)
        raise ValueError(f"`{name}` holds {_text(array[wrong][0])}, expected {bounds}")
    return array


def as_integer(
    name: str,
    value: Integer,
    *,
    at_least: int | None = None,
    at_most: int | None = None,
) -> int:
    """Return `value`, no boolean, as an int between the bounds that are given."""
    if type(value) is int:
        integer = value  # the most common argument, in half of the time
    else:
        try:
            if isinstance(value, bool | np.bool):
                raise TypeError
            integer = operator.index(value)
        except TypeError:
            raise TypeError(
                f"`{name}` is {reprlib.repr(value)}, expected an integer"
            ) from None
    low = -math.inf if at_least is None else at_least
    high = math.inf if at_most is None else at_most
    if not low <= integer <= high:
        bounds = _bounds(-math.inf, low, math.inf, high)
        raise ValueError(f"`{name}` is {_text(integer)}, expected {bounds}")
    return integer


def as_flag(name: str, value: bool) -> bool:
    """Return `value`, which is True or False and no other number."""
    if not isinstance(value, bool | np.bool):
        raise TypeError(f"`{name}` is {reprlib.repr(value)}, expected True or False")
    return bool(value)


def as_pair(
    name: str, value: tuple[Integer, Integer], expected: str
) -> tuple[int, int]:
    """Return two integers of at least 1; `expected` says how the pair is written."""
    try:
        first, second = value
    except (TypeError, ValueError):
        raise ValueError(
            f"`{name}` is {reprlib.repr(value)}, expected {expected}"
        ) from None
    return as_integer(name, first, at_least=1), as_integer(name, second, at_least=1)


def as_integers(
    name: str,
    value: ArrayLike,
    *shape: int | str,
    at_least: int = -(2**62),
    at_most: int = 2**62,
) -> NDArray[np.int64]:
    """Return `value`, of an integer type, as int64 between the bounds.

    It is not copied if it is int64 already: do not write to it.
    """
    if (
        type(value) is np.ndarray
        and value.dtype == np.int64
        and value.size
        and (not shape or _fits(value.shape, shape))
        and at_least <= value.min()
        and value.max() <= at_most
    ):
        return value  # the most common argument, without a detour over float64
    checked = as_numbers(name, value, *shape, at_least=at_least, at_most=at_most)
    array = np.asarray(value)
    whole = array.dtype.kind in "iu" or (
        array.dtype == object
        and all(
            isinstance(n, numbers.Integral) and not isinstance(n, bool)
            for n in array.flat
        )
    )
    if checked.size and not whole:
        raise TypeError(f"`{name}` is of type {_kind(value, array)}, expected integers")
    return array.astype(np.int64)


def is_finite(array: NDArray[np.float64]) -> bool:
    """Return whether no entry is NaN or infinite."""
    if array.ndim == 0:
        return math.isfinite(array)
    # A finite sum, or sum of squares, has finite terms: no array of booleans is needed.
    if array.size <= 10**4:
        total = np.vdot(array, array)
    else:  # OpenBLAS would start threads, and wait for them
        with np.errstate(all="ignore"):
            total = array.sum()
    return math.isfinite(total) or bool(np.isfinite(array).all())


def check_results(*results: NDArray[np.float64]) -> None:
    """Raise OverflowError, as `contract` does, unless all results are finite."""
    if not all(map(is_finite, results)):
        raise OverflowError


def largest_size(array: NDArray[np.float64]) -> float:
    """Return the largest absolute value, 0 if there is none, without another array."""
    low, high = _extremes(array) if array.size else (0.0, 0.0)
    return max(high, -low)


def check_broadcast(**arrays: NDArray[np.float64]) -> tuple[int, ...]:
    """Return the common shape of arrays that broadcast, by their names.

    Raises:
        ValueError: If they do not broadcast.
        MemoryError: If a float64 array of the common shape would not fit in memory.
    """
    try:
        shape = np.broadcast(*arrays.values()).shape
    except ValueError:  # also of NumPy where a size is past its integers
        lengths = [
            {length for length in axis if length != 1}
            for axis in itertools.zip_longest(
                *(array.shape[::-1] for array in arrays.values()), fillvalue=1
            )
        ]
        if any(len(axis) > 1 for axis in lengths):
            shapes = ", ".join(f"`{name}` {a.shape}" for name, a in arrays.items())
            raise ValueError(
                f"{shapes} do not broadcast, expected shapes that do"
            ) from None
        shape = tuple(axis.pop() if axis else 1 for axis in reversed(lengths))
    if 8 * math.prod(shape) > memory_size():
        name, array = max(arrays.items(), key=lambda item: item[1].size)
        check_memory(name, array.shape, *shape)
    return shape


def check_memory(name: str, value: object, *shape: int) -> None:
    """Refuse a float64 result of the given shape that no memory could hold.

    Args:
        name: The argument that makes the result large.
        value: What it is, as the message shows it: a tuple as its shape.
        *shape: Shape of the result.

    Raises:
        MemoryError: If the result is larger than the machine's memory.
    """
    needed, held = 8 * math.prod(map(int, shape)), memory_size()
    if needed > held:
        if isinstance(value, int):
            value = _text(value)
        elif isinstance(value, tuple):
            value = f"of shape {value}"
        raise MemoryError(
            f"`{name}` is {value}: a result of shape {_shape_text(shape)} takes "
            f"{_size_text(needed)}, expected at most {_size_text(held)}"
        )


@functools.cache
def memory_size() -> int:
    """Return the size of the machine's memory in bytes."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows, and the browser
        size = 2**33
    return min(size, sys.maxsize)  # no array is larger where integers have 32 bits


def _extremes(array: NDArray[np.float64]) -> tuple[float, float]:
    if array.ndim == 0:
        return (float(array),) * 2
    return float(array.min()), float(array.max())


def _converted(
    name: str, value: ArrayLike, shape: tuple[int | str, ...]
) -> NDArray[np.float64]:
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(
            f"`{name}` is ragged, expected {_shape_text(shape) or 'an array'}"
        ) from None
    if array.dtype.kind not in "buif" and not _is_real(array):
        kind = _kind(value, array)
        raise TypeError(f"`{name}` is of type {kind}, expected real numbers")
    if np.ma.is_masked(value):
        raise ValueError(f"`{name}` has masked entries, expected none")
    return _as_float64(name, array)


def _is_real(array: NDArray[np.generic]) -> bool:
    """Whether the objects of an array are real numbers, as 10**30 and 1/3 are."""
    return array.dtype == object and all(
        isinstance(entry, numbers.Real) for entry in array.flat
    )


def _as_float64(name: str, array: NDArray[np.generic]) -> NDArray[np.float64]:
    try:
        # A long double past the largest float64 becomes an infinity, rejected later.
        with np.errstate(over="ignore"):
            return np.asarray(array, dtype=np.float64)
    except OverflowError:
        raise ValueError(
            f"`{name}` holds an integer past float64, expected finite numbers"
        ) from None


def _kind(value: object, array: NDArray[np.generic]) -> str:
    if isinstance(value, np.ndarray):
        return str(array.dtype)
    entries = f" of {array.dtype.type.__name__.rstrip('_')}" if array.ndim else ""
    return type(value).__name__ + entries


def _fits(actual: tuple[int, ...], expected: tuple[int | str, ...]) -> bool:
    if expected[0] == "...":
        expected = expected[1:]
        actual = actual[-len(expected) :] if expected else ()
    if actual == expected:
        return True
    if len(actual) != len(expected):
        return False
    lengths: dict[str, int] = {}
    for axis, want in enumerate(expected):
        length = actual[axis]
        if isinstance(want, str):
            if length < 1 or lengths.setdefault(want, length) != length:
                return False
        elif length != want:
            return False
    return True


def _shape_text(shape: tuple[int | str, ...]) -> str:
    entries = (axis if isinstance(axis, str) else _text(int(axis)) for axis in shape)
    return f"({', '.join(entries)})" if shape else ""


def _size_text(size: int) -> str:
    # Integer division, because a float cannot hold the size of every shape.
    return f"{size / 2**30:,.1f} GiB" if size < 2**100 else f"{_text(size >> 30)} GiB"


def _text(number: float) -> str:
    """Write a number as short as its value allows."""
    if isinstance(number, int):
        # Python refuses to print integers of thousands of digits.
        sign, size = "-" if number < 0 else "", abs(number)
        return str(number) if size < 10**20 else f"{sign}1e{math.log10(size):.0f}"
    short = f"{number:g}"
    return short if float(short) == number else str(number)


def _bounds(above: float, at_least: float, below: float, at_most: float) -> str:
    """Word the bounds as a reader would: `> 0`, or `in [0, 0.5)`."""
    low = f"> {_text(above)}" if above > at_least else f">= {_text(at_least)}"
    high = f"< {_text(below)}" if below < at_most else f"<= {_text(at_most)}"
    has_low, has_high = max(above, at_least) > -math.inf, min(below, at_most) < math.inf
    if has_low and has_high:
        left = "(" if above > at_least else "["
        right = ")" if below < at_most else "]"
        return f"in {left}{low.split()[1]}, {high.split()[1]}{right}"
    return low if has_low else high
