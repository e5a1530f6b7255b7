"""Peers that compute in single precision unless they are told otherwise."""

from types import ModuleType


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
