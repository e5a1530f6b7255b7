"""Problem 2: noisy cross entropy with its gradient, from logits."""

import math

import numpy as np

from benchmarks import peers
from benchmarks.kernel import Kernel
from hw4lib.noisy_targets import noisy_cross_entropy_with_gradient

FLIP = 0.1

NOISY = Kernel(
    "noisy cross entropy, loss and gradient",
    inputs=lambda rng, n: (3.0 * rng.normal(size=n), 1.0 * (rng.random(n) < 0.5)),
    sizes=[{"n": 10**4}, {"n": 10**6}],
    small={"n": 200},
)


@NOISY.engines
def _(engine, a, y):
    def call():
        both = noisy_cross_entropy_with_gradient(
            a, y, flip_probability=FLIP, engine=engine
        )
        return both.loss, both.gradient

    return call


@NOISY.peer("SciPy")
def scipy_expressions(a, y):
    from scipy.special import expit, xlog1py, xlogy

    def call():
        h = expit(a)
        q = FLIP + (1.0 - 2.0 * FLIP) * h
        slope = (1.0 - 2.0 * FLIP) * h * (1.0 - h) / (q * (1.0 - q))
        return -xlogy(y, q) - xlog1py(1.0 - y, -q), slope * (q - y)

    return call


def _stable(xp, sigmoid, log_sigmoid, a, y):
    """Return loss and gradient without a probability that could round to 0 or 1."""
    sign = 2.0 * y - 1.0
    margin = sign * a
    kept, flipped = math.log1p(-FLIP), math.log(FLIP)
    loss = -xp.logaddexp(kept + log_sigmoid(margin), flipped + log_sigmoid(-margin))
    return loss, sigmoid(a) - sigmoid(a + sign * (kept - flipped))


def _unstable(log, sigmoid, a, y):
    h = sigmoid(a)
    q = FLIP + (1.0 - 2.0 * FLIP) * h
    slope = (1.0 - 2.0 * FLIP) * h * (1.0 - h) / (q * (1.0 - q))
    return -y * log(q) - (1.0 - y) * log(1.0 - q), slope * (q - y)


@NOISY.peer("torch, stable form")
def torch_stable(a, y):
    torch = peers.torch()
    a, y = torch.tensor(a), torch.tensor(y)
    return lambda: _stable(torch, torch.sigmoid, torch.nn.functional.logsigmoid, a, y)


@NOISY.peer("JAX, stable form", jit=True)
def jax_stable(a, y):
    jax = peers.jax()
    a, y = jax.numpy.asarray(a), jax.numpy.asarray(y)
    function = jax.jit(
        lambda a, y: _stable(jax.numpy, jax.nn.sigmoid, jax.nn.log_sigmoid, a, y)
    )
    return lambda: jax.block_until_ready(function(a, y))


@NOISY.peer("torch, from probabilities", work="not finite at large logits")
def torch_unstable(a, y):
    torch = peers.torch()
    a, y = torch.tensor(a), torch.tensor(y)
    return lambda: _unstable(torch.log, torch.sigmoid, a, y)


@NOISY.peer("JAX, from probabilities", jit=True, work="not finite at large logits")
def jax_unstable(a, y):
    jax = peers.jax()
    a, y = jax.numpy.asarray(a), jax.numpy.asarray(y)
    function = jax.jit(lambda a, y: _unstable(jax.numpy.log, jax.nn.sigmoid, a, y))
    return lambda: jax.block_until_ready(function(a, y))


@NOISY.peer(
    "Numba loop, from probabilities", jit=True, work="not finite at large logits"
)
def numba_loop(a, y):
    import numba

    @numba.njit(parallel=True)
    def loop(a, y):
        loss, gradient = np.empty(len(a)), np.empty(len(a))
        for i in numba.prange(len(a)):
            h = 1.0 / (1.0 + math.exp(-a[i]))
            q = FLIP + (1.0 - 2.0 * FLIP) * h
            slope = (1.0 - 2.0 * FLIP) * h * (1.0 - h) / (q * (1.0 - q))
            loss[i] = -y[i] * math.log(q) - (1.0 - y[i]) * math.log(1.0 - q)
            gradient[i] = slope * (q - y[i])
        return loss, gradient

    return lambda: loop(a, y)


@NOISY.peer("C loop")
def c_loop(a, y):
    loop = peers.c("noisy")

    def call():
        loss, gradient = np.empty(a.size), np.empty(a.size)
        loop(a.size, a, y, FLIP, loss, gradient)
        return loss, gradient

    return call


NOISY.limit(exponentials=2)
