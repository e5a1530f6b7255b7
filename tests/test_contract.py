"""The contract of the reference, for every public function, from its own example.

A function is known by its signature and by the first call of it in its docstring. Each
argument of that call is then replaced by what users pass by mistake or on purpose. A
new function is covered as soon as it has an example.
"""

import contextlib
import copy
import dataclasses
import doctest
import functools
import importlib
import inspect
import io
import itertools
import pickle
import pkgutil
import re
import sys
import time
import tracemalloc
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import hw4lib
from hw4lib._typing import Engine, Integer

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(hw4lib.__path__, "hw4lib.")
    if "._" not in module.name
)

KNOWN = {
    ("views", "convolution_matrix"): "a read-only view of its few different numbers",
    ("views", "weight_pattern"): "a read-only view of its few different numbers",
    ("int", "smallest_horizon"): "it is an integer of any size",
    ("infinite", "rho"): "infinity is the limit that the docstring names",
    ("long", "steps"): "a number of rounds, which the caller asks for",
    ("long", "epochs"): "a number of rounds, which the caller asks for",
    ("long", "max_steps"): "an upper limit, never reached by a fit that converges",
    ("long", "states"): "a resolution, whose cost the docstring names",
    ("long", "margins"): "a resolution, whose cost the docstring names",
    ("long", "at_most"): "an upper limit",
}
"""What a docstring excepts from the contract, and why."""

LARGEST = float(np.finfo(float).max)
NUMBERS = [
    *(0.0, -0.0, 5e-324, 1e-300, 1e-150, 0.3, 1.0, -1.0, -2.5),
    *(1e150, -1e150, 1e300, -1e300, LARGEST, -LARGEST, 2**53, -(2**70)),
]
"""Numbers at the ends of the floats, with ordinary ones among them."""


# --- what is called -------------------------------------------------------------------


@dataclasses.dataclass
class Call:
    """A function with the arguments of its docstring's example, all by name."""

    function: object
    arguments: dict

    def __call__(self, **replaced):
        """Call it with some arguments replaced, under the strictest surroundings."""
        given = inspect.signature(self.function).bind_partial()
        given.arguments.update({**self.arguments, **replaced})
        with warnings.catch_warnings(), np.errstate(all="raise"):
            warnings.simplefilter("error")
            return read(self.function(*given.args, **given.kwargs))

    @property
    def parameters(self):
        """The parameters of the function, by name."""
        return inspect.signature(self.function).parameters

    def numbers(self):
        """The arguments that are real numbers or arrays of them, and no counts."""
        return [
            name
            for name, value in self.arguments.items()
            if is_numeric(value) and name != "rng" and name not in self.counts()
        ]

    def counts(self):
        """The arguments that are declared to be integers."""
        return [n for n, p in self.parameters.items() if is_count(p.annotation)]


def is_count(annotation):
    """Whether an annotation is that of an integer, or of integers a pair at most."""
    return annotation in (int, Integer) or str(annotation).startswith("int | ")


def is_numeric(value):
    """Whether it becomes an array of real numbers."""
    try:
        kind = np.asarray(value).dtype.kind
    except ValueError:
        return False
    return kind in "iuf" or (kind == "b" and not isinstance(value, bool))


def example(module, name):
    """The first call in a docstring; iterators are read, so that it can be repeated."""
    function, calls = getattr(module, name), []

    def record(*args, **kwargs):
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        read = {
            key: [*value] if isinstance(value, Iterator) else value
            for key, value in bound.arguments.items()
        }
        calls.append(read)
        bound.arguments.update(read)
        return function(*bound.args, **bound.kwargs)

    names = {**vars(module), name: record}
    text = inspect.getdoc(function)
    with contextlib.redirect_stdout(io.StringIO()):
        for line in doctest.DocTestParser().get_examples(text):
            exec(compile(line.source, name, "single"), names)
            if calls:
                return Call(function, calls[0])
    raise AssertionError(f"no example calls {name}")


@functools.cache
def find(module_name, name):
    return example(importlib.import_module(module_name), name)


NAMES = [
    (module, name)
    for module in MODULES
    for name, item in vars(importlib.import_module(module)).items()
    if not name.startswith("_")
    and inspect.isfunction(item)
    and item.__module__ == module
    and name in importlib.import_module(module).__all__
]


@pytest.fixture(params=NAMES, ids=lambda pair: f"{pair[0][7:]}.{pair[1]}")
def call(request):
    return find(*request.param)


# --- what comes back ------------------------------------------------------------------


def leaves(result):
    """The numbers and arrays in a result, with the fields that hold them."""
    if isinstance(result, tuple):
        names = getattr(result, "_fields", range(len(result)))
        pairs = zip(names, result, strict=True)
    elif dataclasses.is_dataclass(result):
        pairs = [(f.name, getattr(result, f.name)) for f in dataclasses.fields(result)]
    else:
        return [("", result)]
    return [(f"{a}.{b}", v) for a, part in pairs for b, v in leaves(part)]


def read(result):
    """A result as it can be compared: of an iterator, the first ones as a tuple."""
    first = itertools.islice(result, 60) if isinstance(result, Iterator) else None
    return result if first is None else tuple(first)


def bits(result):
    """A result as what can be compared exactly."""
    return [
        (name, type(v), np.asarray(v).dtype.str, np.shape(v), np.asarray(v).tobytes())
        for name, v in leaves(result)
        if not callable(v)
    ]


def outcome(call, **replaced):
    """What a call returns, or the error that it raises."""
    try:
        return call(**replaced)
    except (TypeError, ValueError, MemoryError) as error:
        return error


def tells(error, call, names, what):
    """Check that an error is of the library's kind, about arguments of the call."""
    message = str(error)
    told = set(re.findall(r"`(\w+)`", message))
    assert told & set(names), f"{what}: {error!r} names none of {names}"
    inner = told - set(call.parameters)
    fields = {"run"} & set(call.parameters)
    assert not inner or fields, f"{what}: {error!r} names {inner}"
    assert "expected" in message, f"{what}: {error!r} does not say what is expected"


@functools.cache
def source(kind):
    return inspect.getsource(kind)


def may_be_infinite(call, result):
    """Whether the docstring of the function or of its result names infinity."""
    text = inspect.getdoc(call.function).partition("\nReturns:\n")[2]
    text = text.partition("\nReferences:\n")[0]
    if dataclasses.is_dataclass(result):
        text += source(type(result))
    return re.search(r"infin|\\infty|past the largest", text) is not None


def is_answer(call, result, what):
    """Check the numbers of a result."""
    for name, value in leaves(result):
        if (
            isinstance(value, float | np.ndarray)
            and np.asarray(value).dtype.kind == "f"
        ):
            assert not np.isnan(value).any(), f"{what}: {name} holds NaN"
            if not may_be_infinite(call, result):
                assert np.isfinite(value).all(), f"{what}: {name} holds infinity"


def short(arguments):
    return ", ".join(f"{k}={v!r:.90}" for k, v in arguments.items())


# --- (a) wrong kinds ------------------------------------------------------------------


def nothing(*_):
    return None


def wrong(value):
    """What is no such argument, by what it is called."""
    shape = np.shape(value) if is_numeric(value) else ()
    kinds = {
        "None": None,
        "str": "a",
        "bytes": b"1",
        "set": {1.0, 2.0},
        "dict": {1: 2},
        "generator": (x for x in [1.0, 2.0]),
        "function": nothing,
        "type": float,
        "ragged": [[1.0], [1.0, 2.0]],
        "complex": 1j,
        "complexes": np.full(shape, 1j),
        "objects": np.full(shape, None),
        "strings": np.full(shape, "1"),
        "dates": np.full(shape, np.datetime64("2024-11-05")),
        "NaN": np.nan,
        "infinity": np.inf,
        "masked": np.ma.masked,
        "object": object(),
        "integer past floats": 10**400,
    }
    if shape:
        nans, infinite = np.ones(shape), np.ones(shape)
        nans.flat[-1], infinite.flat[-1] = np.nan, -np.inf
        hidden = np.ma.array(np.ones(shape), mask=True)
        kinds |= {"NaNs": nans, "infinities": infinite, "masks": hidden}
        kinds |= {"empty": [], "none of them": np.ones((0, *shape[1:]))}
    return kinds


def accepts(call, name, kind):
    """Whether the signature and docstring allow a kind after all."""
    parameter = call.parameters[name]
    text = str(parameter.annotation)
    return (
        (kind == "None" and (parameter.default is None or name == "rng"))
        or (kind in ("function", "type") and "Callable" in text)
        or (kind == "infinity" and ("infinite", name) in KNOWN)
        or (kind == "integer past floats" and name == "rng")
        or (kind in ("empty", "none of them"))
    )


def test_wrong_kinds_are_refused_by_name(call):
    """A TypeError or ValueError that names the argument as the caller named it."""
    for name, value in call.arguments.items():
        for kind, hostile in wrong(value).items():
            if name in call.counts() and kind == "integer past floats":
                continue  # exact at any size, or refused below for its cost
            what = f"{name}={kind}"
            result = outcome(call, **{name: hostile})
            if isinstance(result, Exception):
                empty = kind in ("empty", "none of them")  # then another may not fit
                tells(result, call, call.parameters if empty else [name], what)
            else:
                assert accepts(call, name, kind), f"{what} gives {result!r}"
                is_answer(call, result, what)


# --- (b) numbers at the ends ----------------------------------------------------------


def filled(value, number, rng):
    """An array like `value` whose entries are the number, or one of them."""
    shape = np.shape(value)
    if not shape:
        return number
    array = np.full(shape, float(number))
    if rng.random() < 0.5:
        array = np.array(value, dtype=float)
        array.flat[rng.integers(array.size)] = number
    return array


def hostile_calls(call, count):
    """Arguments of numbers at the ends: one after the other, then at random."""
    rng = np.random.default_rng(20241105)
    numbers = call.numbers()
    for name in numbers:
        for number in NUMBERS:
            yield {name: filled(call.arguments[name], number, rng)}
    for _ in range(count if len(numbers) > 1 else 0):
        chosen = {}
        for name in numbers:
            if rng.random() < 0.6:
                number = NUMBERS[rng.integers(len(NUMBERS))]
                chosen[name] = filled(call.arguments[name], number, rng)
        yield chosen
    for name in call.counts():
        for number in (-1, 0, 1, 2, 3):
            yield {name: number}


def test_numbers_at_the_ends_are_right_or_refused(call):
    """Finite, or documented infinity, or an error about arguments; no warning."""
    for arguments in hostile_calls(call, 60):
        what = short(arguments)
        result = outcome(call, **arguments)
        if isinstance(result, Exception):
            tells(result, call, call.parameters, what)
        else:
            is_answer(call, result, what)


# --- (c) layouts and types ------------------------------------------------------------


def strided(a):
    wide = np.repeat(a, 2, axis=-1)
    return wide[..., ::2]


def backwards(a):
    return a[..., ::-1].copy()[..., ::-1]


def frozen(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def unaligned(a):
    memory = np.zeros(a.nbytes + 1, np.uint8)
    b = memory[1:].view(a.dtype).reshape(a.shape)
    b[...] = a
    return b


LAYOUTS = {
    "strided": strided,
    "backwards": backwards,
    "frozen": frozen,
    "unaligned": unaligned,
    "columns": np.asfortranarray,
    "swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "float16": lambda a: a.astype(np.float16),
    "float32": lambda a: a.astype(np.float32),
    "longdouble": lambda a: a.astype(np.longdouble),
    "objects": lambda a: a.astype(object),
    "list": lambda a: a.tolist(),
    "masked nowhere": np.ma.array,
}


def near(actual, expected, what, tolerance=1e-12):
    """Check that two results are equal up to rounding."""
    if isinstance(expected, Exception):
        assert type(actual) is type(expected), f"{what}: {actual!r} for {expected!r}"
        return
    assert not isinstance(actual, Exception), f"{what}: {actual!r} for {expected!r}"
    pairs = zip(leaves(actual), leaves(expected), strict=True)
    for (name, a), (_, b) in pairs:
        if callable(a):
            continue
        if b is None or isinstance(b, str | bool | np.bool):
            assert a == b, f"{what}: {name}"
            continue
        size = np.abs(np.asarray(b, dtype=float))
        size = size[np.isfinite(size)].max(initial=0.0)
        np.testing.assert_allclose(
            a, b, rtol=tolerance, atol=tolerance * size, err_msg=f"{what}: {name}"
        )


def layouts(plain):
    """An argument's numbers in every layout and type that holds them."""
    for layout, change in LAYOUTS.items():
        if plain.dtype.kind in "bui" and layout in ("float16", "float32", "longdouble"):
            continue
        if not plain.ndim and layout in ("strided", "backwards", "objects"):
            continue
        with np.errstate(over="ignore"):
            changed = change(plain)
        if np.isfinite(np.array(changed, dtype=plain.dtype)).all():  # also as float16
            yield layout, changed
    if plain.ndim:
        yield "repeated", np.broadcast_to(plain.flat[0], plain.shape)
    if np.all(plain == np.round(plain)) and np.abs(plain).max(initial=0) < 100:
        kinds = [np.int8, np.int64, ">i4"]
        for dtype in [*kinds, np.uint16] if plain.min(initial=0) >= 0 else kinds:
            yield f"{np.dtype(dtype)}", plain.astype(dtype)


def test_every_layout_and_type_gives_the_same_numbers(call):
    """As a float64 copy in C order gives; integers as the floats that they are."""
    for name in call.numbers():
        plain = np.array(call.arguments[name])
        if plain.dtype.kind == "f" and not np.isfinite(plain).all():
            continue
        for layout, changed in layouts(plain):
            expected = outcome(call, **{name: np.array(changed, dtype=plain.dtype)})
            if isinstance(expected, Exception) and layout in ("float16", "float32"):
                continue  # its own rounding is no slip, but that of a float64 is
            near(outcome(call, **{name: changed}), expected, f"{name} as {layout}")


# --- (d) arguments and results --------------------------------------------------------


def as_given(value):
    """An argument as an array of its own, where it can be one."""
    return np.array(value) if is_numeric(value) and np.ndim(value) else value


def is_new(value, name, arguments, *, view):
    """Check an array of a result."""
    assert value.ndim, f"{name} is a 0-d array"
    assert value.dtype in (np.float64, np.int64, np.bool), (name, value.dtype)
    if not view:
        assert value.flags.writeable, f"{name} is read-only"
        base = value.base
        assert base is None or base.nbytes == value.nbytes, f"{name} is a view"
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            assert not np.may_share_memory(value, argument), name


def test_arguments_stay_and_results_are_new(call):
    """No argument changes, no result is a view, numbers are NumPy's, integers int64."""
    given = {name: as_given(value) for name, value in call.arguments.items()}
    before = copy.deepcopy(given)
    result = call(**given)
    for name, value in given.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, before[name], err_msg=name)
    view = ("views", call.function.__name__) in KNOWN
    kinds = np.float64 | np.int64 | np.bool
    if dataclasses.is_dataclass(result) or isinstance(result, tuple) or view:
        kinds |= int | str | None  # a count stays exact
    if ("int", call.function.__name__) in KNOWN:
        kinds |= int
    for name, value in leaves(result):
        if isinstance(value, np.ndarray):
            is_new(value, name, given.values(), view=view)
        elif not callable(value):
            assert isinstance(value, kinds), (name, type(value))


# --- (e) again, elsewhere, at once ----------------------------------------------------


def test_the_same_call_gives_the_same_bits(call):
    """Called again, pickled, copied, and from four threads at once."""
    result = bits(call())
    assert bits(call()) == result
    answer = call()
    for again in (pickle.loads(pickle.dumps(answer)), copy.deepcopy(answer)):
        assert bits(again) == result
    if sys.platform == "emscripten":
        return
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(call) for _ in range(8)]:
            assert bits(future.result()) == result


# --- (f) what would not fit -----------------------------------------------------------


def quickly(call, what, **replaced):
    """Call with what would take more than memory: an error at once, nothing made."""
    tracemalloc.start()
    start = time.perf_counter()
    try:
        result = outcome(call, **replaced)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    seconds = time.perf_counter() - start
    assert peak < 300 * 2**20, f"{what}: {peak / 2**20:.0f} MiB for {result!r:.200}"
    assert seconds < 3.0, f"{what}: {seconds:.1f} s for {result!r:.200}"
    return result


def too_large(call):
    """Counts of 2**40 and more, arrays on paper, columns against rows."""
    for name in call.counts():
        if ("long", name) not in KNOWN:
            for count in (2**40, 2**62, 2**70):
                yield {name: count}
    numbers = {n: np.asarray(call.arguments[n], dtype=float) for n in call.numbers()}
    on_paper = numbers if sys.maxsize > 2**32 else {}  # 32 bits have no such array
    for name, value in on_paper.items():
        for shape in ((2**40, *value.shape[1:]), (2**40, *value.shape)):
            yield {name: np.broadcast_to(value.flat[0], shape)}
    for one, other in itertools.combinations(sorted(numbers), 2):
        column = np.full((2**18, 1), numbers[one].flat[0])
        yield {one: column, other: np.full((1, 2**18), numbers[other].flat[0])}


def test_what_does_not_fit_is_refused_before_it_is_made(call):
    """At once and without memory; what exists on paper alone is never an answer."""
    for arguments in too_large(call):
        shapes = {n: v.shape for n, v in arguments.items() if not isinstance(v, int)}
        what = short(shapes or arguments)
        result = quickly(call, what, **arguments)
        if isinstance(result, Exception):
            tells(result, call, call.parameters, what)
        else:
            assert len(shapes) != 1, what


# --- (g) both engines -----------------------------------------------------------------


ENGINES = [pair for pair in NAMES if "engine" in find(*pair).parameters]


@pytest.mark.parametrize("pair", ENGINES, ids=lambda pair: pair[1])
def test_both_engines_answer_alike(pair):
    """Numbers up to rounding, and the same errors in the same words."""
    pytest.importorskip("numba")
    call = find(*pair)
    assert call.parameters["engine"].annotation == Engine
    for arguments in hostile_calls(call, 60):
        plain = outcome(call, **arguments, engine="numpy")
        compiled = outcome(call, **arguments, engine="numba")
        near(compiled, plain, short(arguments), 1e-9)
        if isinstance(plain, Exception):
            assert str(plain) == str(compiled)
