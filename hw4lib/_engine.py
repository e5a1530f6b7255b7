"""What `engine="numba"` means: a plain loop, compiled by Numba.

NumPy pays for each operation of each step, and stores what each returns; a compiled
loop does neither. Numba is imported when a caller asks for it, and never before.
"""

import functools
import sys
from collections.abc import Callable
from typing import Any

from hw4lib._typing import Engine


def check_engine(engine: Engine) -> None:
    """Refuse an engine that there is not.

    Raises:
        TypeError: If it is not a word.
        ValueError: If it is another word than "numpy" or "numba".
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
    loop: Callable[..., None],
    signature: str,
    *formulas: Callable[..., Any],
    reorder: bool = False,
) -> Callable[..., None]:
    """Return a loop, compiled for one signature and kept for the next process.

    To compile takes a second or more, once a machine: the result is kept beside the
    module or, where that folder is read-only, in the user's cache folder. Where neither
    can be written, each process compiles.

    Args:
        loop: The loop, which returns nothing. What it calls has to be in its module,
            because Numba compiles again when that file changes.
        signature: Its signature in Numba's words, such as `"void(float64[::1])"`.
        *formulas: The functions that the loop calls, written for numbers and arrays.
        reorder: Whether a sum may be taken in any order, which wide registers need.
    """
    import numba  # noqa: PLC0415

    options: dict[str, Any] = {"error_model": "numpy"}
    if reorder:
        options["fastmath"] = {"contract", "nsz", "reassoc"}
    for formula in formulas:
        numba.extending.register_jitable(**options)(formula)
    result: Callable[..., None]
    try:
        result = numba.njit(signature, cache=True, **options)(loop)
    except (RuntimeError, OSError):  # there is no folder to keep it in
        result = numba.njit(signature, **options)(loop)
    return result
