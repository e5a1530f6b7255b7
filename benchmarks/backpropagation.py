"""Problem 1: one example, many examples, and a grid of weights."""

import math

import numpy as np

from benchmarks import peers
from benchmarks.kernel import Kernel
from hw4lib.backpropagation import network_gradient, network_loss

ONE = Kernel(
    "one example of the 1-1-1 network",
    inputs=lambda rng, n: (2.0, 1.0, 0.1, -1.0, 0.2),  # noqa: ARG005
    sizes=[{"n": 1}],
    small={"n": 1},
)


@ONE.ours
def _(*network):
    return lambda: network_gradient(*network)


@ONE.peer("naive NumPy, arrays of one")
def naive_array(*network):
    """Return what code for a batch does with a batch of one."""
    return naive(*(np.array([value]) for value in network))


@ONE.peer("naive NumPy")
def naive(x, t, w1, w2, b):
    """Return forward and backward pass with array functions, as courses write them."""

    def call():
        z1 = np.multiply(w1, x)
        a1 = np.maximum(0.0, z1)
        z2 = np.add(np.multiply(w2, a1), b)
        y = 1.0 / (1.0 + np.exp(-z2))
        delta = (y - t) * y * (1.0 - y)
        return delta * w2 * np.where(z1 > 0.0, 1.0, 0.0) * x, delta * a1, delta

    return call


@ONE.peer("torch autograd")
def torch_one(x, t, w1, w2, b):
    """Return from numbers to numbers, as all sides of this kernel do."""
    torch = peers.torch()
    numbers = w1, w2, b

    def call():
        weights = [torch.tensor(w, requires_grad=True) for w in numbers]
        w1, w2, b = weights
        y = torch.sigmoid(w2 * torch.relu(w1 * torch.tensor(x)) + b)
        loss = 0.5 * (y - torch.tensor(t)) ** 2
        return tuple(g.item() for g in torch.autograd.grad(loss, weights))

    return call


def _jax_loss(weights, x, t):
    import jax
    import jax.numpy as jnp

    w1, w2, b = weights
    y = jax.nn.sigmoid(w2 * jnp.maximum(w1 * x, 0.0) + b)
    return 0.5 * (y - t) ** 2


@ONE.peer("JAX", jit=True)
def jax_one(x, t, w1, w2, b):
    jax = peers.jax()
    function = jax.jit(jax.grad(_jax_loss))
    return lambda: tuple(map(float, function((w1, w2, b), x, t)))


EXAMPLES = Kernel(
    "per-example gradients",
    inputs=lambda rng, n: (*rng.normal(size=(1, n)), rng.random(n), 0.7, -1.3, 0.2),
    sizes=[{"n": 10**3}, {"n": 10**6}],
    small={"n": 50},
)


@EXAMPLES.engines
def _(engine, *network):
    return lambda: network_gradient(*network, engine=engine)


EXAMPLES.peer("naive NumPy")(naive)


@EXAMPLES.peer("torch autograd")
def torch_examples(x, t, w1, w2, b):
    """Return one leaf for each example, so that one backward pass gives all."""
    torch = peers.torch()
    x, t = torch.tensor(x), torch.tensor(t)
    weights = [
        torch.full(x.shape, w, dtype=x.dtype, requires_grad=True) for w in (w1, w2, b)
    ]

    def call():
        w1, w2, b = weights
        y = torch.sigmoid(w2 * torch.relu(w1 * x) + b)
        return torch.autograd.grad((0.5 * (y - t) ** 2).sum(), weights)

    return call


@EXAMPLES.peer("torch.func")
def torch_func(x, t, w1, w2, b):
    torch = peers.torch()

    def one(weights, x, t):
        w1, w2, b = weights
        return 0.5 * (torch.sigmoid(w2 * torch.relu(w1 * x) + b) - t) ** 2

    each = torch.func.vmap(torch.func.grad(one), in_dims=(None, 0, 0))
    weights = tuple(torch.tensor(w) for w in (w1, w2, b))
    x, t = torch.tensor(x), torch.tensor(t)
    return lambda: each(weights, x, t)


@EXAMPLES.peer("JAX", jit=True)
def jax_examples(x, t, w1, w2, b):
    jax = peers.jax()
    function = jax.jit(jax.vmap(jax.grad(_jax_loss), in_axes=(None, 0, 0)))
    weights = tuple(map(jax.numpy.asarray, (w1, w2, b)))
    x, t = jax.numpy.asarray(x), jax.numpy.asarray(t)
    return lambda: jax.block_until_ready(function(weights, x, t))


@EXAMPLES.peer("Numba loop", jit=True)
def numba_examples(x, t, w1, w2, b):
    import numba

    @numba.njit(parallel=True)
    def loop(x, t, w1, w2, b):
        gradient = np.empty((3, len(x)))
        for i in numba.prange(len(x)):
            a1 = max(0.0, w1 * x[i])
            y = 1.0 / (1.0 + math.exp(-(w2 * a1 + b)))
            delta = (y - t[i]) * y * (1.0 - y)
            gradient[0, i] = delta * w2 * x[i] if a1 > 0.0 else 0.0
            gradient[1, i] = delta * a1
            gradient[2, i] = delta
        return gradient

    return lambda: tuple(loop(x, t, w1, w2, b))


@EXAMPLES.peer("C loop")
def c_examples(x, t, *weights):
    loop = peers.c("examples")

    def call():
        gradient = [np.empty(x.size) for _ in weights]
        loop(x.size, x, t, *weights, *gradient)
        return (*gradient,)

    return call


EXAMPLES.limit(exponentials=1)

GRID = Kernel(
    "loss over a grid of weights",
    inputs=lambda rng, n: (  # noqa: ARG005
        2.0,
        1.0,
        np.linspace(-3.0, 3.0, n)[:, None],
        np.linspace(-4.0, 4.0, n),
        0.2,
    ),
    sizes=[{"n": 500}, {"n": 2000}],
    small={"n": 20},
)


@GRID.engines
def _(engine, *network):
    return lambda: network_loss(*network, engine=engine)


@GRID.peer("naive NumPy")
def naive_grid(x, t, w1, w2, b):
    def call():
        y = 1.0 / (1.0 + np.exp(-(w2 * np.maximum(0.0, w1 * x) + b)))
        return 0.5 * (y - t) ** 2

    return call


@GRID.peer("torch")
def torch_grid(x, t, w1, w2, b):
    torch = peers.torch()
    w1, w2 = torch.tensor(w1), torch.tensor(w2)
    return lambda: 0.5 * (torch.sigmoid(w2 * torch.relu(w1 * x) + b) - t) ** 2


@GRID.peer("JAX", jit=True)
def jax_grid(x, t, w1, w2, b):
    jax = peers.jax()
    w1, w2 = jax.numpy.asarray(w1), jax.numpy.asarray(w2)
    function = jax.jit(lambda w1, w2: _jax_loss((w1, w2, b), x, t))
    return lambda: jax.block_until_ready(function(w1, w2))


@GRID.peer("Numba loop", jit=True)
def numba_grid(x, t, w1, w2, b):
    import numba

    @numba.njit(parallel=True)
    def loop(x, t, w1, w2, b):
        loss = np.empty((len(w1), len(w2)))
        for i in numba.prange(len(w1)):
            a1 = max(0.0, w1[i] * x)
            for j in range(len(w2)):
                y = 1.0 / (1.0 + math.exp(-(w2[j] * a1 + b)))
                loss[i, j] = 0.5 * (y - t) ** 2
        return loss

    return lambda: loop(x, t, w1[:, 0], w2, b)


GRID.limit(exponentials=1)
