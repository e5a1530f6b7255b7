"""Problem 3.3(c): sinusoidal encodings and their shift."""

import numpy as np

from benchmarks import peers
from benchmarks.kernel import Kernel
from hw4lib.architecture.encoding import (
    positional_encoding,
    shift_encoding,
    shift_matrix,
)

# Angles of a large position have few digits after the point where peers take them.
ENCODING = Kernel(
    "positional encoding",
    inputs=lambda rng, N, dimension: (np.arange(N), dimension),  # noqa: ARG005
    sizes=[{"N": 64, "dimension": 512}, {"N": 8192, "dimension": 512}],
    small={"N": 50, "dimension": 6},
    tolerance=(0.0, 1e-10),
)


@ENCODING.ours
def _(n, dimension):
    return lambda: positional_encoding(n, dimension)


def _encode(xp, n, dimension, result):
    rate = 10_000.0 ** (xp.arange(0, dimension, 2) / -dimension)
    angles = n[:, None] * rate
    result[:, 0::2] = xp.sin(angles)
    result[:, 1::2] = xp.cos(angles)
    return result


@ENCODING.peer("direct NumPy")
def direct(n, dimension):
    return lambda: _encode(np, n, dimension, np.empty((n.size, dimension)))


@ENCODING.peer("torch")
def torch_encoding(n, dimension):
    torch = peers.torch()
    n = torch.tensor(n, dtype=torch.float64)
    return lambda: _encode(torch, n, dimension, torch.empty(len(n), dimension))


@ENCODING.peer("JAX", jit=True)
def jax_encoding(n, dimension):
    jax = peers.jax()
    n = jax.numpy.asarray(n)

    def encode(n):
        rate = 10_000.0 ** (jax.numpy.arange(0, dimension, 2) / -dimension)
        angles = n[:, None] * rate
        pairs = jax.numpy.stack([jax.numpy.sin(angles), jax.numpy.cos(angles)], axis=-1)
        return pairs.reshape(len(n), dimension)

    function = jax.jit(encode)
    return lambda: jax.block_until_ready(function(n))


ENCODING.limit()

SHIFT = Kernel(
    "W_k applied to all rows",
    inputs=lambda rng, N, dimension: (rng.normal(size=(N, dimension)), dimension),
    sizes=[{"N": 64, "dimension": 512}, {"N": 8192, "dimension": 512}],
    small={"N": 20, "dimension": 6},
)


@SHIFT.ours
def _(rows, dimension):  # noqa: ARG001
    return lambda: shift_encoding(rows, 7)


@SHIFT.peer("dense matrix product")
def dense(rows, dimension):
    transposed = np.ascontiguousarray(shift_matrix(7, dimension).T)
    return lambda: rows @ transposed


SHIFT.limit()
