"""Plain loops that Numba compiles, where it is installed.

NumPy pays for each operation of each step, and writes down what each returns; a
compiled loop does neither. With the extra `fast` Numba compiles the loops of this
library. Without it NumPy does the work, and Python where a step is a single number.
"""

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any, Generic, TypeVar

_Loops = TypeVar("_Loops")


class Compiled(Generic[_Loops]):
    """Loops that are compiled as soon as they are worth the import of Numba.

    A program that does little never waits for the import, and none waits twice as long
    as it need have: Numba is imported when as much has been done without it as the
    import costs.

    Args:
        compile_: Takes the module `numba` and returns the loops.
        patience: Work, in any unit, that takes about as long as the import.

    Attributes:
        work: What has been done so far or is about to be, which whoever works adds to.
    """

    def __init__(
        self, compile_: Callable[[ModuleType], _Loops], *, patience: int
    ) -> None:
        self._compile, self._patience, self.work = compile_, patience, 0

    def __call__(self) -> _Loops | None:
        """Return the loops if they are worth it, or are there already."""
        if self.work > self._patience or "loops" in vars(self):
            return self.loops
        return None

    @functools.cached_property
    def loops(self) -> _Loops | None:
        """The compiled loops, or nothing where Numba is not installed."""
        try:
            import numba  # noqa: PLC0415
        except ImportError:
            return None
        return self._compile(numba)


def compile_loop(
    numba: ModuleType, loop: Callable[..., None], signature: object, **options: object
) -> Callable[..., None]:
    """Return the loop, compiled for one signature and kept for the next process."""
    compile_: Callable[..., Any] = functools.partial(numba.njit, signature, **options)
    compiled: Callable[..., None]
    try:
        compiled = compile_(cache=True)(loop)
    except RuntimeError:  # there is no folder to keep it in
        compiled = compile_()(loop)
    return compiled
