"""Problem 3.2: the matrix of a convolution, and the convolution itself."""

import numpy as np

from benchmarks import peers
from benchmarks.kernel import Kernel
from hw4lib.architecture.convolution import conv1d, convolution_matrix

MATRIX = Kernel(
    "the convolution's matrix, k = 3",
    inputs=lambda rng, n: (rng.normal(size=3), n),
    sizes=[{"n": 300}, {"n": 3000}],
    small={"n": 12},
)


@MATRIX.ours
def _(kernel, n):
    return lambda: convolution_matrix(kernel, n)


@MATRIX.peer("scipy.linalg", work="a matrix of its own, that can be written to")
def scipy_matrix(kernel, n):
    from scipy.linalg import toeplitz

    def call():
        column, row = np.zeros(n - kernel.size + 1), np.zeros(n)
        column[0], row[: kernel.size] = kernel[0], kernel
        return toeplitz(column, row)

    return call


CONV1D = Kernel(
    "conv1d, k = 63",
    inputs=lambda rng, n: (rng.normal(size=n), rng.normal(size=63)),
    sizes=[{"n": 10**4}, {"n": 10**6}],
    small={"n": 200},
)


@CONV1D.engines
def _(engine, x, kernel):
    return lambda: conv1d(x, kernel, engine=engine)


@CONV1D.peer("torch")
def torch_conv1d(x, kernel):
    torch = peers.torch()
    x, kernel = torch.tensor(x)[None, None], torch.tensor(kernel)[None, None]
    return lambda: torch.nn.functional.conv1d(x, kernel)[0, 0]


@CONV1D.peer("SciPy")
def scipy_conv1d(x, kernel):
    from scipy.signal import correlate

    return lambda: correlate(x, kernel, "valid")


@CONV1D.peer("NumPy")
def numpy_conv1d(x, kernel):
    return lambda: np.correlate(x, kernel, "valid")


@CONV1D.peer("JAX", jit=True)
def jax_conv1d(x, kernel):
    jax = peers.jax()
    x, kernel = (jax.numpy.asarray(v)[None, None] for v in (x, kernel))
    function = jax.jit(
        lambda x, kernel: jax.lax.conv_general_dilated(x, kernel, (1,), "VALID")[0, 0]
    )
    return lambda: jax.block_until_ready(function(x, kernel))


@CONV1D.peer("C loop")
def c_conv1d(x, kernel):
    loop = peers.c("conv1d")

    def call():
        y = np.empty(x.size - kernel.size + 1)
        loop(x.size, x, kernel.size, kernel, y)
        return y

    return call


CONV1D.limit()
