"""Peers as they are set up here: double precision, as many threads as we have."""

import os
from types import ModuleType

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
