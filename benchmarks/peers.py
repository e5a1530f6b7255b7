"""Peers as they are set up here: double precision, as many threads as we have."""

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from hw4lib._compiled import Compiled

THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def torch() -> ModuleType:
    """Return torch, with the processors that this process may use."""
    import torch

    torch.set_num_threads(THREADS)
    torch.set_default_dtype(torch.float64)
    return torch


def jax() -> ModuleType:
    """Return JAX with double precision."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")
    return jax


def without_numba(compiled: Compiled[Any], call: Callable[[], Any]) -> Any:
    """Return what our call gives where Numba is not installed."""
    loops, compiled.loops = compiled.loops, None
    try:
        return call()
    finally:
        compiled.loops = loops
