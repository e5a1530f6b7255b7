"""What `engine="numba"` means: a plain loop, compiled by Numba.

NumPy makes a call for each operation and stores each intermediate result; a compiled
loop does neither. Numba is imported when a caller asks for it, and never before.
"""

import functools
import hashlib
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FunctionType, ModuleType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hw4lib import _numbers
from hw4lib._blocks import by_blocks
from hw4lib._typing import Engine

_Task = TypeVar("_Task")
_T = TypeVar("_T")

_ELEMENTARY = _numbers.exp, _numbers.log, _numbers.log1p

_SHARE = 2**15
"""Number of entries from which another thread is worth starting."""


def check_engine(engine: Engine) -> None:
    """Raise an error unless an engine is known and installed.

    Raises:
        TypeError: If it is not a string.
        ValueError: If it is a string other than "numpy" and "numba".
        ImportError: If it is "numba", and Numba is missing.
    """
    if not isinstance(engine, str):
        raise TypeError(f"`engine` is {engine!r}, expected 'numpy' or 'numba'")
    if engine not in ("numpy", "numba"):
        raise ValueError(f"`engine` is {engine!r}, expected 'numpy' or 'numba'")
    if engine == "numba":
        try:
            import numba  # noqa: F401, PLC0415
        except ImportError:
            advice = (
                "expected 'numpy', because Numba cannot run in a browser"
                if sys.platform == "emscripten"
                else "but Numba is missing: pip install 'hw4lib[fast]'"
            )
            raise ImportError(f"`engine` is 'numba', {advice}") from None


@functools.cache
def compiled(
    loop: Callable[..., Any],
    signature: str,
    *formulas: Callable[..., Any],
    reorder: bool = False,
) -> Callable[..., Any]:
    """Return a loop, compiled for one signature and kept for the next process.

    Compiling takes a second or more, once per machine: the result is kept next to the
    module or, where that folder is read-only, in the user's cache folder. Where neither
    can be written, each process compiles.

    Args:
        loop: The loop. What it calls has to be in its module, because Numba compiles
            again when that file changes.
        signature: Its signature in Numba's notation, such as `"void(float64[::1])"`.
        *formulas: The functions that the loop calls, written for numbers and arrays.
        reorder: Whether a sum may be taken in any order, as vector instructions need.
    """
    import numba  # noqa: PLC0415

    options: dict[str, Any] = {"error_model": "numpy", "nogil": True}
    options["fastmath"] = {"contract", *(("nsz", "reassoc") if reorder else ())}
    for formula in formulas:
        numba.extending.register_jitable(**options)(formula)
    result: Callable[..., Any]
    try:
        result = numba.njit(signature, cache=True, **options)(loop)
    except (RuntimeError, OSError):  # there is no folder to keep it in
        result = numba.njit(signature, **options)(loop)
    return result


def elementwise(
    engine: Engine, formula: Callable[..., Any], *arrays: NDArray[np.float64]
) -> Sequence[NDArray[np.float64]]:
    """Evaluate a formula for all entries of arrays that broadcast.

    Args:
        engine: NumPy, which evaluates it on arrays; or Numba, which compiles the same
            lines for numbers, into one loop that stores nothing but the results.
        formula: Takes the arrays, or a number of each, and returns a tuple. It may
            call other formulas, and the functions in `numpy_of_numbers`. Its constants
            are literals: the cache does not notice when a global one changes.
        *arrays: What it takes.
    """
    check_engine(engine)
    if engine == "numpy":
        return by_blocks(formula, *arrays)
    return in_loops(formula, _everywhere, *arrays)[0]


def _everywhere(*numbers: Any) -> Any:  # noqa: ARG001
    return True


def in_loops(
    formula: Callable[..., Any],
    domain: Callable[..., Any],
    *arrays: NDArray[np.float64],
) -> tuple[Sequence[NDArray[np.float64]], bool]:
    """Evaluate a formula with a compiled loop, which can check arguments and results.

    A check that is a pass of its own takes as long as the loop, where arrays are larger
    than a cache. So arguments need not be finite here: where the answer is no, the
    caller has NumPy compute, after the checks that name an argument.

    Args:
        formula: As for `elementwise`.
        domain: Another formula, which returns whether the first one is made for these
            numbers.
        *arrays: What both take.

    Returns:
        The results; and whether all numbers are in the domain and all results finite.
    """
    shape = np.broadcast(*arrays).shape
    size = math.prod(shape)
    # One long row, unless an argument is repeated along some of the axes only.
    long = not shape or all(array.size in (1, size) for array in arrays)
    columns = size if long else shape[-1]
    rows = size // columns if columns else 0
    flat, kinds = [], ""
    for array in arrays:
        vector = array.size == size if long else array.shape[-1:] == (columns,)
        kinds += "v" if vector else "s"
        if array.size not in ((columns, size) if vector else (1, rows)):
            whole = shape if vector else (*shape[:-1], 1)
            array = np.broadcast_to(array, whole)  # noqa: PLW2901
        flat.append((array if array.flags.aligned else array.copy()).ravel())
    loop, count = fused(formula, kinds, domain)
    results = [np.empty(shape) for _ in range(count)]
    flat += [result.reshape(-1) for result in results]

    def run(ends: tuple[int, int]) -> bool:
        part = (0, 1, *ends) if rows == 1 else (*ends, 0, columns)
        return bool(loop(*part, columns, *flat))

    parts = parts_of(columns if rows == 1 else rows, size)
    return results, all(on_all_processors(run, parts))


def parts_of(length: int, size: int) -> Sequence[tuple[int, int]]:
    """Return the ends of parts of a length, for `on_all_processors`.

    Args:
        length: What is split.
        size: Number of entries in all, or of as much work as entries: with few of them
            there is one part.
    """
    if size <= _SHARE:
        return [(0, length)]
    import numba  # noqa: PLC0415

    parts = 4 * min(size // _SHARE, numba.get_num_threads())
    return [(k * length // parts, (k + 1) * length // parts) for k in range(parts)]


def on_all_processors(run: Callable[[_Task], _T], tasks: Sequence[_Task]) -> list[_T]:
    """Return what `run` does for each task, in order.

    There are as many threads as Numba is set to use, and each takes the next task when
    it has finished one.
    """
    if len(tasks) == 1:
        return [run(tasks[0])]
    import numba  # noqa: PLC0415

    results: dict[int, _T] = {}
    todo = iter(range(len(tasks)))

    def work() -> None:
        for k in todo:
            results[k] = run(tasks[k])

    threads = min(len(tasks), numba.get_num_threads())
    others = [_threads().submit(work) for _ in range(threads - 1)]
    work()
    for other in others:
        other.cancel() or other.result()  # none left for one that has not begun
    return [results[k] for k in range(len(tasks))]


@functools.cache
def _threads() -> Any:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    return ThreadPoolExecutor(thread_name_prefix="hw4lib")


@functools.cache
def fused(
    formula: Callable[..., Any], kinds: str, domain: Callable[..., Any]
) -> tuple[Callable[..., Any], int]:
    """Return the compiled loop of a formula, and how many results it has.

    Args:
        formula: The formula.
        kinds: For each argument "v" if it differs from column to column, as a vector,
            and "s" if it is a scalar in each row.
        domain: As for `in_loops`; the loop returns its second result.
    """
    count = len(formula(*(np.float64(0.25) for _ in kinds)))
    takes = [f"x{k}" for k in range(len(kinds))]
    gives = [f"y{k}" for k in range(count)]
    pairs = list(zip(takes, kinds, strict=True))
    rows = [
        f"{x}_ = {x}[i * columns % len({x}) + first :]"
        if kind == "v"
        else f"{x}_ = {x}[i % len({x})]"
        for x, kind in pairs
    ] + [f"{y}_ = {y}[i * columns + first :]" for y in gives]
    entries = ", ".join(f"{x}_[j]" if kind == "v" else f"{x}_" for x, kind in pairs)
    finite = "".join(f" & (abs({y}j) < inf)" for y in gives)
    source = f"""
def loop(start, stop, first, last, columns, {", ".join(takes)}, {", ".join(gives)}):
    right = True
    for i in range(start, stop):
        {"; ".join(rows)}
        for j in range(last - first):
            {"".join(f"{y}j, " for y in gives)} = formula({entries})
            {"; ".join(f"{y}_[j] = {y}j" for y in gives)}
            right &= domain({entries}){finite}
    return right
"""
    numpy = numpy_of_numbers()
    called = {"formula": formula, "domain": domain}
    names = {name: for_numbers(f, numpy) for name, f in called.items()}
    names |= {"__name__": __name__, "inf": math.inf}
    exec(compile(source, __file__, "exec"), names)
    # Numba caches a loop under its name, so the name changes when any line does.
    lines = "".join(lines_of(f) for f in (formula, domain, *_ELEMENTARY))
    digest = hashlib.sha256((source + lines).encode()).hexdigest()
    names["loop"].__qualname__ = f"{formula.__name__}_{digest[:16]}"
    numbers = ["int64"] * 5 + ["Array(float64, 1, 'C', True)"] * len(kinds)
    signature = f"boolean({', '.join(numbers + ['float64[::1]'] * count)})"
    return compiled(names["loop"], signature), count


def for_numbers(formula: Any, numpy: ModuleType) -> Any:
    """Return a formula, compiled for numbers: its `np` is the given module."""
    import numba  # noqa: PLC0415

    names = {name: for_numbers(f, numpy) for name, f in _called(formula)}
    twin = FunctionType(formula.__code__, {**formula.__globals__, **names, "np": numpy})
    # LLVM vectorizes a loop only if everything that it calls is inlined.
    return numba.njit(forceinline=True, error_model="numpy", fastmath={"contract"})(
        twin
    )


@functools.cache
def with_numbers(
    loop: Callable[..., None],
    signature: str,
    own: tuple[Callable[..., Any], ...],
    *formulas: Callable[..., Any],
    reorder: bool = False,
) -> Callable[..., None]:
    """Return what `compiled` does, where some formulas use `_numbers`.

    Args:
        loop: As for `compiled`.
        signature: As for `compiled`.
        own: The functions that the loop calls whose `np` is `numpy_of_numbers`.
        *formulas: The others that it calls.
        reorder: As for `compiled`.
    """
    names = {f.__name__: for_numbers(f, numpy_of_numbers()) for f in own}
    twin = FunctionType(loop.__code__, {**loop.__globals__, **names})
    # Numba caches a loop under its name, so the name changes with what it calls.
    lines = "".join(lines_of(f) for f in _ELEMENTARY)
    digest = hashlib.sha256(lines.encode()).hexdigest()
    twin.__qualname__ = f"{loop.__name__}_{digest[:16]}"
    return compiled(twin, signature, *formulas, reorder=reorder)


@functools.cache
def numpy_of_numbers() -> ModuleType:
    """Return the functions of NumPy that a formula may call, for numbers."""
    import numba  # noqa: PLC0415

    @numba.extending.intrinsic
    def where(typing: Any, condition: Any, x: Any, y: Any) -> Any:  # noqa: ARG001
        """Select one of two numbers that are both computed; `if` would branch."""
        kind, truth = numba.types.float64, numba.types.boolean
        return kind(truth, kind, kind), lambda _, builder, __, args: builder.select(
            *args
        )

    numpy = ModuleType("numpy")
    vars(numpy).update(abs=math.fabs, where=where, inf=math.inf)
    vars(numpy).update(int64=np.int64, float64=np.float64)
    for formula in _ELEMENTARY:
        setattr(numpy, formula.__name__, for_numbers(formula, numpy))
    return numpy


def _called(formula: Any) -> Iterator[tuple[str, Any]]:
    for name in formula.__code__.co_names:
        value = formula.__globals__.get(name)
        if isinstance(value, FunctionType):
            yield name, value


def lines_of(formula: Any) -> str:
    """Return the bytecode of a formula and of all that it calls, to identify it."""
    code = formula.__code__
    own = repr((code.co_code, code.co_consts, code.co_names))
    return own + "".join(lines_of(f) for _, f in _called(formula))
