"""Peers that compute in single precision unless told otherwise, and C."""

import ctypes
import functools
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

COMPILER = "cc -O3 -march=native -ffast-math -fopenmp -shared -fPIC -nostartfiles"
"""Without start files, because those of fast math round subnormals to zero for all."""


def torch() -> ModuleType:
    """Return torch with double precision."""
    import torch

    torch.set_default_dtype(torch.float64)
    return torch


def jax() -> ModuleType:
    """Return JAX with double precision."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")
    return jax


@functools.cache
def library() -> ctypes.CDLL:
    """Return `loops.c`, compiled for this process."""
    source = Path(__file__).with_name("loops.c")
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/loops.so"
        command = [*COMPILER.split(), "-o", path, str(source), "-lm"]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise ImportError(f"{error}", name="C compiler with OpenMP") from None
        return ctypes.CDLL(path)


def c(loop: str) -> Callable[..., None]:
    """Return a function of `loops.c`, which takes integers, floats and arrays.

    Raises:
        ImportError: If there is no C compiler with OpenMP.
    """
    function = getattr(library(), loop)

    def call(*arguments: Any) -> None:
        function(*map(_as_c, arguments))

    return call


def _as_c(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return ctypes.c_void_p(value.ctypes.data)
    if isinstance(value, list):
        return (ctypes.c_void_p * len(value))(*(array.ctypes.data for array in value))
    return (ctypes.c_double if isinstance(value, float) else ctypes.c_long)(value)
