r"""A one-dimensional convolutional layer as a fully connected layer.

For a kernel $w$ of width $k$, stride $s$, zero padding $p$ in front and $p'$ behind and
dilation $\delta$, a layer maps $n$ inputs to
$m = \lfloor (n + p + p' - \delta(k-1) - 1)/s \rfloor + 1$ outputs,

$$
z_i = \sum_{t=0}^{k-1} w_t \, x_{is - p + \delta t}, \qquad 0 \le i < m,
$$

where $x$ is 0 outside its range. As in every deep-learning library the kernel is not
flipped: signal processing calls this a cross-correlation, and its convolution is the
same with `kernel[::-1]`.

Several channels are one more sum,

$$
z^o_i = \sum_c \sum_t w^{oc}_t \, x^c_{is - p + \delta t},
$$

and the inputs of all channels, one channel after the other as in `x.ravel()`, meet a
block matrix.
"""

import sys
from dataclasses import dataclass
from math import prod
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_integer,
    as_pair,
    check_memory,
    check_results,
    contract,
)
from hw4lib._engine import check_engine, compiled, on_all_processors, parts_of
from hw4lib._typing import Engine

__all__ = [
    "Conv1dGradient",
    "WeightCounts",
    "conv1d",
    "conv1d_gradient",
    "conv1d_output_length",
    "convolution_matrix",
    "shared_weight_gradient",
    "weight_counts",
    "weight_pattern",
]

_Number = TypeVar("_Number", np.float64, np.int64)


@dataclass(frozen=True, eq=False)
class Conv1dGradient:
    """Gradient of a scalar with respect to input, kernel and bias of a layer."""

    x: NDArray[np.float64]
    """Gradient with respect to the input, in its shape."""

    kernel: NDArray[np.float64]
    """Gradient with respect to the shared weights, summed over the batch."""

    bias: NDArray[np.float64]
    """Gradient with respect to a bias, summed over the batch: `()`, or `(out)`."""


@dataclass(frozen=True)
class WeightCounts:
    """How many numbers the matrix of a convolutional layer contains, exactly."""

    entries: int
    """Entries of the matrix: the weights of a fully connected layer."""

    connections: int
    """Entries that are a weight of the kernel."""

    zeros: int
    """Entries that are 0 because there is no connection."""

    parameters: int
    """Weights of the kernel, which is all that is learned."""


@contract
def conv1d_output_length(
    input_length: int,
    width: int,
    *,
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int = 1,
) -> int:
    r"""Return the number of outputs of a convolutional layer.

    $$m = \Bigl\lfloor \frac{n + p + p' - \delta (k - 1) - 1}{s} \Bigr\rfloor + 1$$

    Args:
        input_length: Number $n \ge 1$ of inputs.
        width: Width $k \ge 1$ of the kernel.
        stride: Step $s \ge 1$ from one window to the next.
        padding: Number $p \ge 0$ of zeros before the first and after the last input,
            or the pair of both numbers.
        dilation: Step $\delta \ge 1$ from one input of a window to the next.

    Returns:
        The number $m \ge 1$ of positions at which the window fits.

    Raises:
        ValueError: If the window does not fit once.

    References:
        Homework 4, [Problem 3.2(a)][3-2-a], where $n = 5$, $k = 3$ and $s = 1$.

    Examples:
        >>> print(conv1d_output_length(5, 3))
        3
        >>> print(conv1d_output_length(5, 3, padding=(2, 0)))
        5
    """
    return _as_layer(input_length, width, stride, padding, dilation).m


# Without `contract`, which would copy the view; weights are copied, nothing overflows.
def convolution_matrix(
    kernel: ArrayLike,
    input_length: int,
    *,
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int = 1,
) -> NDArray[np.float64]:
    r"""Return the weight matrix of a one-dimensional convolutional layer.

    The layer is the fully connected layer $z = Ax$ with
    $A_{i,\,is - p + \delta t} = w_t$ and zeros elsewhere: a Toeplitz matrix if $s = 1$.
    With channels, block $(o, c)$ is the matrix of the kernel $w^{oc}$.

    A row is the row above moved by the stride. For one channel the result is therefore
    a *read-only view* of a single padded kernel: $O(n)$ memory and time for $O(n^2)$
    entries. To write to the matrix take `.copy()`.

    Args:
        kernel: Weights $w$, shape `(k,)`, or `(out, in, k)` with channels.
        input_length: Length $n \ge 1$ of the input, per channel.
        stride: Step $s \ge 1$ from one window to the next.
        padding: Number $p \ge 0$ of zeros before the first and after the last input,
            or the pair of both numbers.
        dilation: Step $\delta \ge 1$ from one input of a window to the next.

    Returns:
        The matrix $A$, read-only, shape `(m, n)`, or `(out * m, in * n)` with channels.

    Raises:
        ValueError: If the window does not fit once.
        MemoryError: If what is allocated would not fit into memory.

    References:
        Homework 4, [Problem 3.2(a)][3-2-a], where $k = 3$, $n = 5$ and $s = 1$.

    Examples:
        >>> convolution_matrix([1, 2, 3], 5)
        array([[1., 2., 3., 0., 0.],
               [0., 1., 2., 3., 0.],
               [0., 0., 1., 2., 3.]])
    """
    w = _as_kernel(kernel)
    layer = _as_layer(
        input_length, w.shape[-1], stride, padding, dilation, name="kernel"
    )
    return _matrix(w, layer, empty=0)


def weight_pattern(
    width: int,
    input_length: int,
    *,
    channels: tuple[int, int] | None = None,
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int = 1,
) -> NDArray[np.int64]:
    r"""Return which shared weight stands where in the matrix of the layer.

    Equal numbers are one shared weight: $t$ stands for $w_t$, and with channels
    $(o \cdot \mathrm{in} + c) k + t$ for $w^{oc}_t$. No connection is $-1$.

    Args:
        width: Width $k \ge 1$ of the kernel.
        input_length: Length $n \ge 1$ of the input, per channel.
        channels: Numbers `(out, in)` of channels, or none.
        stride: Step $s \ge 1$ from one window to the next.
        padding: Number $p \ge 0$ of zeros before the first and after the last input,
            or the pair of both numbers.
        dilation: Step $\delta \ge 1$ from one input of a window to the next.

    Returns:
        The indices, read-only (a view as in
        [`convolution_matrix`][hw4lib.architecture.convolution.convolution_matrix]),
        shape `(m, n)`, or `(out * m, in * n)` with channels.

    Raises:
        ValueError: If the window does not fit once.
        MemoryError: If what is allocated would not fit into memory.

    References:
        Homework 4, [Problem 3.2(a)][3-2-a].

    Examples:
        >>> weight_pattern(3, 5)
        array([[ 0,  1,  2, -1, -1],
               [-1,  0,  1,  2, -1],
               [-1, -1,  0,  1,  2]])
    """
    layer = _as_layer(input_length, width, stride, padding, dilation)
    shape = (layer.k,) if channels is None else (*_as_channels(channels), layer.k)
    check_memory("width", width, *shape)
    names = np.arange(prod(shape), dtype=np.int64).reshape(shape)
    return _matrix(names, layer, empty=-1)


@contract
def weight_counts(
    width: int,
    input_length: int,
    *,
    channels: tuple[int, int] | None = None,
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int = 1,
) -> WeightCounts:
    r"""Return how many entries, connections and parameters the matrix has.

    A weight meets an input for each $i$ and $t$ with $0 \le is - p + \delta t < n$. The
    others meet the padding, in front where $is + \delta t < p$, and behind by the same
    count from the other end. Both are sums of integer parts, in closed form.

    Args:
        width: Width $k \ge 1$ of the kernel.
        input_length: Length $n \ge 1$ of the input, per channel.
        channels: Numbers `(out, in)` of channels, or none.
        stride: Step $s \ge 1$ from one window to the next.
        padding: Number $p \ge 0$ of zeros before the first and after the last input,
            or the pair of both numbers.
        dilation: Step $\delta \ge 1$ from one input of a window to the next.

    Returns:
        The counts, as exact integers of any size.

    Raises:
        ValueError: If the window does not fit once.

    References:
        Homework 4, [Problem 3.2(a)][3-2-a].

    Examples:
        >>> weight_counts(3, 5)
        WeightCounts(entries=15, connections=9, zeros=6, parameters=3)
    """
    layer = _as_layer(input_length, width, stride, padding, dilation)
    blocks = 1 if channels is None else prod(_as_channels(channels))
    # From the other end the last output and the last weight are the first.
    last = (layer.m - 1) * layer.s + layer.reach
    behind = last - layer.before - layer.n
    met = layer.m * layer.k - _pairs_below(layer.before, layer)
    connections = blocks * (met - _pairs_below(behind, layer))
    entries = blocks * layer.m * layer.n
    return WeightCounts(entries, connections, entries - connections, blocks * layer.k)


@contract(checked=True)
def conv1d(
    x: ArrayLike,
    kernel: ArrayLike,
    *,
    bias: ArrayLike = 0.0,
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int = 1,
    engine: Engine = "numpy",
) -> NDArray[np.float64]:
    r"""Return the outputs $z_i = \sum_t w_t \, x_{is - p + \delta t} + b$ of the layer.

    Weight by weight, all windows and channels at once; for a few long signals of one
    channel, stride and dilation 1, by NumPy's loop over the signal, `numpy.correlate`.
    Numba compiles the sum as it is written, for a cacheful of outputs at a time.

    Args:
        x: Inputs, shape `(..., n)`, or `(..., in, n)` with channels.
        kernel: Weights $w$, shape `(k,)`, or `(out, in, k)` with channels.
        bias: $b$, a number, or one for each output channel, shape `(out)`.
        stride: Step $s \ge 1$ from one window to the next.
        padding: Number $p \ge 0$ of zeros before the first and after the last input,
            or the pair of both numbers.
        dilation: Step $\delta \ge 1$ from one input of a window to the next.
        engine: What computes, NumPy or a loop that Numba compiles. Results agree to
            rounding.

    Returns:
        The outputs before any nonlinearity, shape `(..., m)`, or `(..., out, m)`.

    Raises:
        ValueError: If the window does not fit once.
        MemoryError: If the padded input would not fit into memory.
        ImportError: If `engine` is `"numba"`, and Numba is missing.

    References:
        Homework 4, [Problem 3.2(a)][3-2-a].

    Examples:
        >>> conv1d([1, 0, 0, 2, 0], [1, 2, 3])
        array([1., 6., 4.])
    """
    check_engine(engine)
    w, x, layer = _as_operands(x, kernel, stride, padding, dilation)
    b = as_array("bias", bias)
    if b.ndim and b.shape != w.shape[:-2]:
        expected = f"({len(w)})" if w.ndim == 3 else "a number"
        raise ValueError(f"`bias` has shape {b.shape}, expected {expected}")
    if engine == "numba":
        z, finite = _outputs_compiled(_cells(w), x, layer, b)
    if engine == "numpy" or not finite:
        z = _outputs(_cells(w), x, layer)
        z += b[..., None]
        check_results(z)
    return z if w.ndim == 3 else z[..., 0, :]


@contract
def conv1d_gradient(
    x: ArrayLike,
    kernel: ArrayLike,
    output_gradient: ArrayLike,
    *,
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int = 1,
) -> Conv1dGradient:
    r"""Return the gradients of a scalar $E$ from those with respect to the outputs.

    With $g_i = \partial E / \partial z_i$ and the matrix $A$ of the layer,

    $$\frac{\partial E}{\partial w_t} = \sum_i g_i \, x_{is - p + \delta t}, \qquad
    \frac{\partial E}{\partial x} = A^\top g, \qquad
    \frac{\partial E}{\partial b} = \sum_i g_i.$$

    The first sums the gradients $\partial E / \partial A_{ij} = g_i x_j$ of free
    entries along the diagonal of $w_t$, see
    [`shared_weight_gradient`][hw4lib.architecture.convolution.shared_weight_gradient];
    here no matrix is formed.

    Args:
        x: Inputs, shape `(..., n)`, or `(..., in, n)` with channels.
        kernel: Weights $w$, shape `(k,)`, or `(out, in, k)` with channels.
        output_gradient: Gradients $g$, shape `(..., m)`, or `(..., out, m)`.
        stride: Step $s \ge 1$ from one window to the next.
        padding: Number $p \ge 0$ of zeros before the first and after the last input,
            or the pair of both numbers.
        dilation: Step $\delta \ge 1$ from one input of a window to the next.

    Returns:
        The gradients; those of kernel and bias are summed over all leading axes.

    Raises:
        ValueError: If the window does not fit once.
        MemoryError: If the padded input would not fit into memory.

    References:
        Homework 4, [Problem 3.2(a)][3-2-a].

    Examples:
        >>> gradient = conv1d_gradient([1, 0, 0, 2, 0], [1, 2, 3], [1, 1, 1])
        >>> gradient.kernel
        array([1., 2., 2.])
        >>> gradient.x
        array([1., 3., 6., 5., 3.])
    """
    w, x, layer = _as_operands(x, kernel, stride, padding, dilation)
    weights, batch = _cells(w), x.shape[:-2]
    g = as_array("output_gradient", output_gradient)
    expected = (*batch, *w.shape[:-2], layer.m)
    if g.shape != expected:
        raise ValueError(f"`output_gradient` has shape {g.shape}, expected {expected}")
    g = g.reshape(prod(batch), len(weights), layer.m)
    padded = _pad(x.reshape(prod(batch), *x.shape[-2:]), layer)
    by_x, by_kernel = np.zeros_like(padded), np.empty_like(weights)
    for t in range(layer.k):
        seen = layer.window(t)
        by_kernel[..., t] = np.tensordot(g, padded[..., seen], ([0, 2], [0, 2]))
        by_x[..., seen] += weights[..., t].T @ g
    inner = by_x[..., layer.before : layer.before + layer.n]
    return Conv1dGradient(
        x=inner.reshape(*batch, *w.shape[1:-1], layer.n),
        kernel=by_kernel.reshape(w.shape),
        bias=g.sum(axis=(0, 2)).reshape(w.shape[:-2]),
    )


@contract
def shared_weight_gradient(
    matrix_gradient: ArrayLike,
    width: int,
    *,
    channels: tuple[int, int] | None = None,
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int = 1,
) -> NDArray[np.float64]:
    r"""Return the gradient of the shared weights as a sum along diagonals.

    If all entries of the matrix $A$ were free, each had its own gradient. Tied, weight
    $w_t$ moves all the places where it stands, and by the chain rule

    $$\frac{\partial E}{\partial w_t}
    = \sum_{i} \frac{\partial E}{\partial A_{i,\,is - p + \delta t}}.$$

    Args:
        matrix_gradient: Gradients $\partial E / \partial A$, shape `(..., m, n)`, or
            `(..., out * m, in * n)` with channels. Those of entries without connection
            are ignored.
        width: Width $k \ge 1$ of the kernel.
        channels: Numbers `(out, in)` of channels, or none.
        stride: Step $s \ge 1$ from one window to the next.
        padding: Number $p \ge 0$ of zeros before the first and after the last input,
            or the pair of both numbers.
        dilation: Step $\delta \ge 1$ from one input of a window to the next.

    Returns:
        The gradients, shape `(..., k)`, or `(..., out, in, k)` with channels.

    Raises:
        ValueError: If the window does not fit once.

    References:
        Homework 4, [Problem 3.2(a)][3-2-a].

    Examples:
        >>> shared_weight_gradient([[1, 2, 3, 4], [5, 6, 7, 8]], 3)
        array([ 7.,  9., 11.])
    """
    full = as_array("matrix_gradient", matrix_gradient, "...", "m", "n")
    out, into = (1, 1) if channels is None else _as_channels(channels)
    layer = _as_layer(max(full.shape[-1] // into, 1), width, stride, padding, dilation)
    expected = (out * layer.m, into * layer.n)
    if full.shape[-2:] != expected:
        raise ValueError(
            f"`matrix_gradient` has shape {full.shape}, "
            f"expected (..., {expected[0]}, {expected[1]})"
        )
    batch = full.shape[:-2]
    blocks = np.moveaxis(full.reshape(*batch, out, layer.m, into, layer.n), -2, -3)
    result = np.empty((*batch, out, into, layer.k))
    for t in range(layer.k):
        i = np.asarray(layer.rows(t), dtype=np.int64)
        diagonal = blocks[..., i, i * layer.s - layer.before + layer.d * t]
        result[..., t] = diagonal.sum(axis=-1)
    return result[..., 0, 0, :] if channels is None else result


@dataclass(frozen=True)
class _Layer:
    """The integers of a layer: input length, width, stride, padding, dilation."""

    n: int
    k: int
    s: int
    before: int
    after: int
    d: int

    @property
    def reach(self) -> int:
        """How many neighboring inputs a window reaches over."""
        return self.d * (self.k - 1) + 1

    @property
    def padded(self) -> int:
        return self.before + self.n + self.after

    @property
    def m(self) -> int:
        return (self.padded - self.reach) // self.s + 1

    @property
    def longest(self) -> tuple[str, int]:
        """Return the argument that makes the layer long, with its value."""
        padding = max(self.before, self.after)
        return ("padding", padding) if padding > self.n else ("input_length", self.n)

    def rows(self, t: int) -> range:
        """Return the outputs in which weight `t` meets an input, not the padding."""
        offset = self.before - self.d * t
        first, last = -(-offset // self.s), (offset + self.n - 1) // self.s
        return range(max(first, 0), min(last + 1, self.m))

    def window(self, t: int) -> slice:
        """Return the padded inputs that weight `t` meets, one an output."""
        start = self.d * t
        return slice(start, start + (self.m - 1) * self.s + 1, self.s)


def _pairs_below(bound: int, layer: _Layer) -> int:
    """Return how many pairs of an output i and a weight t have s i + d t < bound.

    Weight t has ceil((bound - d t) / s) of them, but m at most and 0 at least.
    """
    full = _clip(-((layer.s * (layer.m - 1) - bound) // layer.d), layer.k)
    some = _clip(-(-bound // layer.d), layer.k)
    rest = bound - layer.d * (some - 1) + layer.s - 1
    return layer.m * full + _floor_sum(some - full, layer.d, rest, layer.s)


def _clip(value: int, top: int) -> int:
    return min(max(value, 0), top)


def _floor_sum(count: int, a: int, b: int, s: int) -> int:
    """Return the sum of floor((a u + b) / s) over 0 <= u < count, as Euclid would.

    Whole multiples of s are summed in closed form. What is left counts the points of a
    grid under a line, and with the axes exchanged a and s change places.
    """
    total = 0
    while count > 0:
        total += count * (count - 1) // 2 * (a // s) + count * (b // s)
        a, b = a % s, b % s
        count, b = divmod(a * count + b, s)
        a, s = s, a
    return total


def _matrix(kernel: NDArray[_Number], layer: _Layer, *, empty: int) -> NDArray[_Number]:
    blocks = _blocks(_cells(kernel), layer, empty=empty)
    matrix: NDArray[_Number] = blocks[0, 0]
    if kernel.ndim == 3:
        # Blocks side by side are no view of anything smaller than the matrix.
        out, into, m, n = blocks.shape
        check_memory(*layer.longest, out * m, into * n)
        matrix = np.moveaxis(blocks, 1, 2).reshape(out * m, into * n)
        matrix.flags.writeable = False
    return matrix


def _blocks(cells: NDArray[_Number], layer: _Layer, *, empty: int) -> NDArray[_Number]:
    """Return the matrices of all pairs of channels, shape `(out, in, m, n)`, a view."""
    m = layer.m
    shift = (m - 1) * layer.s
    length = shift + layer.n
    check_memory(*layer.longest, *cells.shape[:2], length)
    if 8 * prod(cells.shape[:2]) * m * layer.n > sys.maxsize:  # even as a view
        name, value = layer.longest
        raise MemoryError(
            f"`{name}` is {value}: a matrix of shape {(m, layer.n)} has more "
            "entries than an address can count, expected fewer"
        )
    row: NDArray[_Number] = np.full((*cells.shape[:2], length), empty, cells.dtype)
    # Weight t is at start + d t. Only those from `first` on and before `last` meet an
    # input.
    start = shift - layer.before
    first = max(-(start // layer.d), 0)
    last = max(min((length - 1 - start) // layer.d + 1, layer.k), first)
    place = slice(start + layer.d * first, start + layer.d * last, layer.d)
    row[..., place] = cells[..., first:last]
    row.flags.writeable = False
    # The first row of the matrix is the last window of `row`, each further one starts
    # before it. NumPy checks here that no window leaves the row.
    shape, size = (*cells.shape[:2], m, layer.n), row.itemsize
    strides = (*row.strides[:2], -layer.s * size, size)
    return np.ndarray(shape, row.dtype, row, shift * size, strides)


def _pad(x: NDArray[np.float64], layer: _Layer, more: int = 0) -> NDArray[np.float64]:
    if layer.padded + more == layer.n:
        return x
    padded = np.zeros((*x.shape[:-1], layer.padded + more))
    padded[..., layer.before : layer.before + layer.n] = x
    return padded


def _outputs(
    w: NDArray[np.float64], x: NDArray[np.float64], layer: _Layer
) -> NDArray[np.float64]:
    """Return the outputs of a layer without bias, shape `(..., out, m)`."""
    padded = _pad(x, layer)
    one = w.size == layer.k and layer.s == layer.d == 1
    if one and layer.m >= prod(x.shape[:-1]):
        z = np.empty((*x.shape[:-1], layer.m))
        for signal in np.ndindex(x.shape[:-1]):
            z[signal] = np.correlate(padded[signal], w.ravel(), "valid")
        return z
    inputs = np.moveaxis(padded, -2, 0)  # channels first
    z = np.zeros((len(w), *x.shape[:-2], layer.m))
    for t in range(layer.k):  # z_i += w_t x_{is - p + dt}
        z += np.tensordot(w[..., t], inputs[..., layer.window(t)], axes=1)
    return np.moveaxis(z, 0, -2)


# Outputs that stay in the fastest cache while all weights meet them.
_BLOCK = 1024


def _sum_in_loops(
    x: NDArray[np.float64],
    weights: tuple[NDArray[np.float64], NDArray[np.float64]],
    z: NDArray[np.float64],
    steps: tuple[int, int],
    items: tuple[int, int],
) -> bool:
    """Fill in some blocks of the outputs, and return whether they are finite.

    With the inputs at places r, r + s, r + 2s, ... next to each other, input is + dt is
    number i + dt // s of those with r = dt % s: a term starts there, and goes on by 1.
    Eight weights are taken at a time, the last ones with zeros after them.

    Args:
        x: Inputs of each signal by r, of each channel, shape `(signals, in * s * l)`.
        weights: Weights, shape `(out, in, k)`, and what is added to the outputs of each
            channel, shape `(out)`.
        z: Outputs, shape `(signals, out, m)`.
        steps: Stride s and dilation d.
        items: The first block and the one after the last; all channels of a block of a
            signal follow each other, because they read the same inputs.
    """
    w, bias = weights
    (s, d), (_, into, k) = steps, w.shape
    length, terms = x.shape[1] // (into * s), -(-into * k // 8) * 8
    starts, v = np.zeros(terms, np.int64), np.zeros(terms)
    for t in range(into * k):
        reach = d * (t % k)
        starts[t] = (t // k * s + reach % s) * length + reach // s
    blocks, finite = -(-z.shape[2] // _BLOCK), True
    for item in range(*items):
        place, channel = divmod(item, len(w))
        signal, block = divmod(place, blocks)
        first, v[: into * k] = block * _BLOCK, w[channel].ravel()
        y, inputs = z[signal, channel, first : first + _BLOCK], x[signal, first:]
        y[:] = 0.0
        for t in range(0, terms, 8):
            x0, x1 = inputs[starts[t] :], inputs[starts[t + 1] :]
            x2, x3 = inputs[starts[t + 2] :], inputs[starts[t + 3] :]
            x4, x5 = inputs[starts[t + 4] :], inputs[starts[t + 5] :]
            x6, x7 = inputs[starts[t + 6] :], inputs[starts[t + 7] :]
            v0, v1, v2, v3 = v[t], v[t + 1], v[t + 2], v[t + 3]
            v4, v5, v6, v7 = v[t + 4], v[t + 5], v[t + 6], v[t + 7]
            for i in range(len(y)):
                some = y[i] + v0 * x0[i] + v1 * x1[i] + v2 * x2[i] + v3 * x3[i]
                y[i] = some + v4 * x4[i] + v5 * x5[i] + v6 * x6[i] + v7 * x7[i]
        added = bias[channel]
        for i in range(len(y)):
            y[i] += added
            finite &= abs(y[i]) < np.inf
    return finite


_SIGNATURE = (
    "boolean(Array(float64, 2, 'C', True),"
    " Tuple((Array(float64, 3, 'C', True), float64[::1])),"
    " float64[:,:,::1], UniTuple(int64, 2), UniTuple(int64, 2))"
)


def _outputs_compiled(
    w: NDArray[np.float64],
    x: NDArray[np.float64],
    layer: _Layer,
    bias: NDArray[np.float64],
) -> tuple[NDArray[np.float64], bool]:
    """Return the outputs of a layer, and whether they are finite, by compiled loops."""
    (*lead, into, _), out, m, s = x.shape, len(w), layer.m, layer.s
    length = -(-layer.padded // s)
    padded = _pad(x, layer, s * length - layer.padded)
    inputs = padded.reshape(prod(lead), into, length, s).swapaxes(-1, -2)
    inputs = np.require(inputs.reshape(prod(lead), into * s * length), None, ["C", "A"])
    weights = np.require(w, None, ["C", "A"]), np.zeros(out) + bias
    z = np.empty((len(inputs), out, m))
    loop, steps = compiled(_sum_in_loops, _SIGNATURE), (s, layer.d)

    def run(items: tuple[int, int]) -> bool:
        return bool(loop(inputs, weights, z, steps, items))

    blocks = len(inputs) * out * -(-m // _BLOCK)
    # A product takes about a fiftieth of the time of an entry with exponentials.
    parts = parts_of(blocks, m * w.size * len(inputs) // 50)
    finite = all(on_all_processors(run, parts))
    return z.reshape(*lead, out, m), finite


def _cells(kernel: NDArray[_Number]) -> NDArray[_Number]:
    """Return the kernel with channels, if only one in and one out."""
    return kernel if kernel.ndim == 3 else kernel[None, None]


def _as_kernel(kernel: ArrayLike) -> NDArray[np.float64]:
    w = as_array("kernel", kernel)
    if w.ndim not in {1, 3} or w.size == 0:
        raise ValueError(f"`kernel` has shape {w.shape}, expected (k) or (out, in, k)")
    return w


def _as_channels(channels: tuple[int, int]) -> tuple[int, int]:
    return as_pair("channels", channels, "(out, in)")


def _as_layer(
    input_length: int,
    width: int,
    stride: int,
    padding: int | tuple[int, int],
    dilation: int,
    *,
    name: str = "width",
) -> _Layer:
    """Return the layer; `name` is what the caller gave for the width."""
    n = as_integer("input_length", input_length, at_least=1)
    k = as_integer("width", width, at_least=1)
    s = as_integer("stride", stride, at_least=1)
    d = as_integer("dilation", dilation, at_least=1)
    if isinstance(padding, np.ndarray) and padding.ndim == 1:
        padding = padding.tolist()
    if isinstance(padding, tuple | list) and len(padding) == 2:
        before, after = (as_integer("padding", p, at_least=0) for p in padding)
    elif isinstance(padding, tuple | list):
        raise ValueError(f"`padding` is {padding!r}, expected an integer or a pair")
    else:
        before = after = as_integer("padding", padding, at_least=0)
    # A longer stride than the input is as good as any: there is one window.
    layer = _Layer(n, k, min(s, before + n + after), before, after, d)
    if layer.reach > layer.padded:
        raise ValueError(
            f"the window of `{name}` {k} reaches over {layer.reach} inputs, "
            f"expected at most {layer.padded}"
        )
    return layer


def _as_operands(
    x: ArrayLike,
    kernel: ArrayLike,
    stride: int,
    padding: int | tuple[int, int],
    dilation: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], _Layer]:
    """Return kernel, input with a channel axis, and layer."""
    w = _as_kernel(kernel)
    if w.ndim == 3:
        x = as_array("x", x, "...", w.shape[1], "n")
    else:
        x = as_array("x", x, "...", "n")[..., None, :]
    layer = _as_layer(
        x.shape[-1], w.shape[-1], stride, padding, dilation, name="kernel"
    )
    if layer.padded > layer.n:
        check_memory(
            "padding", max(layer.before, layer.after), *x.shape[:-1], layer.padded
        )
    check_memory("x", x.shape, *x.shape[:-2], len(_cells(w)), layer.m)
    return w, x, layer
