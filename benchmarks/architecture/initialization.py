"""Problem 3.1: the variance of a layer after a random stack."""

import numpy as np

from benchmarks import peers
from benchmarks.kernel import Kernel
from hw4lib.architecture.initialization import random_stack, random_stack_variances

DEPTH = 50

# A random result: the logarithm of a variance, which spreads by about one.
VARIANCE = Kernel(
    "variance through a random stack, L = 50",
    inputs=lambda rng, M: (M, np.sqrt(2.0 / M), rng.normal(size=M)),
    sizes=[{"M": 128}, {"M": 512}],
    small={"M": 100},
    tolerance=(0.0, 8.0),
)
LAYERS = Kernel(
    "every layer of a random stack, L = 50",
    inputs=VARIANCE.inputs,
    sizes=VARIANCE.sizes,
    small=VARIANCE.small,
    tolerance=VARIANCE.tolerance,
)


@VARIANCE.ours
def _(M, epsilon, first):  # noqa: ARG001
    rng = np.random.default_rng(1)
    return lambda: np.log(random_stack_variances(DEPTH, M, rng=rng)[-1])


@LAYERS.ours
def _(M, epsilon, first):  # noqa: ARG001
    rng = np.random.default_rng(1)

    def call():
        for layer in random_stack(DEPTH, M, rng=rng):
            last = layer
        return np.log(np.mean(last**2))

    return call


@LAYERS.peer("NumPy, drawing the weights")
@VARIANCE.peer("NumPy, drawing the weights")
def numpy_weights(M, epsilon, first):
    rng = np.random.default_rng(2)

    def call():
        a = first
        for _ in range(DEPTH):
            a = (epsilon * rng.standard_normal((M, M))) @ np.maximum(a, 0.0)
        return np.log(np.mean(a**2))

    return call


@LAYERS.peer("torch, drawing the weights")
@VARIANCE.peer("torch, drawing the weights")
def torch_weights(M, epsilon, first):
    torch = peers.torch()
    first = torch.tensor(first)

    def call():
        a = first
        for _ in range(DEPTH):
            layer = torch.nn.Linear(M, M, bias=False)
            torch.nn.init.normal_(layer.weight, std=float(epsilon))
            with torch.no_grad():
                a = layer(torch.relu(a))
        return torch.log(torch.mean(a**2))

    return call
