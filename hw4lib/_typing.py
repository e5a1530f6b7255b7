"""The types of arguments, beyond `numpy.typing.ArrayLike`."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

Real: TypeAlias = float | np.floating[Any] | np.integer[Any]
"""A real number, of Python or of NumPy."""

Integer: TypeAlias = int | np.integer[Any]
"""An integer, of Python or of NumPy."""

Engine: TypeAlias = Literal["numpy", "numba"]
"""What evaluates a formula: NumPy, or loops that Numba compiles."""

RNG: TypeAlias = (
    np.random.Generator
    | np.random.BitGenerator
    | np.random.SeedSequence
    | int
    | np.integer[Any]
    | Sequence[int]
    | None
)
"""What `numpy.random.default_rng` takes: a seed, or a generator to draw from."""
