r"""A one-dimensional convolutional layer as a fully connected layer.

For a kernel $w$ of width $k$, stride $s$, zero padding $p$ on both sides and dilation
$\delta$, a layer maps $n$ inputs to $m = \lfloor (n + 2p - \delta(k-1) - 1)/s \rfloor
+ 1$ outputs,

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

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import as_array, as_integer, as_pair, check_memory, is_finite
from hw4lib._products import SMALL

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

# `numpy.correlate` has loops of its own for kernels up to this width, and is fast
# enough for any kernel on inputs up to this length.
_SHORT, _FEW = 11, 2**12
# So many entries of overlapping pieces are multiplied at a time.
_CHUNK = 2**15

_Number = TypeVar("_Number", np.float64, np.int64)


@dataclass(frozen=True)
class Conv1dGradient:
    """Gradient of a scalar in the input and the kernel of a convolutional layer.

    Attributes:
        x: Gradient in the input, shape of the input.
        kernel: Gradient in the shared weights, summed over the batch.
    """

    x: NDArray[np.float64]
    kernel: NDArray[np.float64]


@dataclass(frozen=True)
class WeightCounts:
    """How many numbers the matrix of a convolutional layer holds.

    Attributes:
        entries: Entries of the matrix: the weights of a fully connected layer.
        connections: Entries where a weight stands.
        zeros: Entries that are 0 because there is no connection.
        parameters: Weights of the kernel, which is all that is learned.
    """

    entries: int
    connections: int
    zeros: int
    parameters: int


def conv1d_output_length(
    input_length: int,
    width: int,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> int:
    r"""Return the number of outputs of a convolutional layer.

    $$m = \Bigl\lfloor \frac{n + 2p - \delta (k - 1) - 1}{s} \Bigr\rfloor + 1$$

    Args:
        input_length: Number $n \ge 1$ of inputs.
        width: Width $k \ge 1$ of the kernel.
        stride: Step $s \ge 1$ from one window to the next.
        padding: Number $p \ge 0$ of zeros before the first and after the last input.
        dilation: Step $\delta \ge 1$ from one input of a window to the next.

    Returns:
        The number $m \ge 1$ of positions at which the window fits.

    Raises:
        TypeError: If an argument is not an integer.
        ValueError: If one is out of its range, or the window does not fit once.

    References:
        Homework 4, [Problem 3.2(a)][3-2-a], where $n = 5$, $k = 3$ and $s = 1$.

    Examples:
        >>> conv1d_output_length(5, 3)
        3
        >>> conv1d_output_length(5, 3, padding=1)
        5
    """
    return _as_layer(input_length, width, stride, padding, dilation).m


def convolution_matrix(
    kernel: ArrayLike,
    input_length: int,
    *,
    stride: int = 1,
    padding: int = 0,
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
        padding: Number $p \ge 0$ of zeros before the first and after the last input.
        dilation: Step $\delta \ge 1$ from one input of a window to the next.

    Returns:
        The matrix $A$, read-only, shape `(m, n)`, or `(out * m, in * n)` with channels.

    Raises:
        TypeError: If `kernel` is not real, or another argument is not an integer.
        ValueError: If `kernel` is not finite, has another shape, or is wider than the
            padded input; or an argument is out of its range.
        MemoryError: If what is allocated does not fit into memory.

    References:
        Homework 4, [Problem 3.2(a)][3-2-a], where $k = 3$, $n = 5$ and $s = 1$.

    Examples:
        >>> convolution_matrix([1, 2, 3], 5)
        array([[1., 2., 3., 0., 0.],
               [0., 1., 2., 3., 0.],
               [0., 0., 1., 2., 3.]])
    """
    w = _as_kernel(kernel)
    layer = _as_layer(input_length, w.shape[-1], stride, padding, dilation)
    return _matrix(w, layer, empty=0)


def weight_pattern(
    width: int,
    input_length: int,
    *,
    channels: tuple[int, int] | None = None,
    stride: int = 1,
    padding: int = 0,
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
        padding: Number $p \ge 0$ of zeros before the first and after the last input.
        dilation: Step $\delta \ge 1$ from one input of a window to the next.

    Returns:
        The indices, read-only (a view as in
        [`convolution_matrix`][hw4lib.architecture.convolution.convolution_matrix]),
        shape `(m, n)`, or `(out * m, in * n)` with channels.

    Raises:
        TypeError: If an argument is not an integer.
        ValueError: If one is out of its range, or the window does not fit once.
        MemoryError: If what is allocated does not fit into memory.

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
    names = np.arange(math.prod(shape), dtype=np.int64).reshape(shape)
    return _matrix(names, layer, empty=-1)


def weight_counts(
    width: int,
    input_length: int,
    *,
    channels: tuple[int, int] | None = None,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> WeightCounts:
    r"""Return how many entries, connections and parameters the matrix has.

    Counted without the matrix: weight $t$ stands once for each $i$ with
    $0 \le is - p + \delta t < n$.

    Args:
        width: Width $k \ge 1$ of the kernel.
        input_length: Length $n \ge 1$ of the input, per channel.
        channels: Numbers `(out, in)` of channels, or none.
        stride: Step $s \ge 1$ from one window to the next.
        padding: Number $p \ge 0$ of zeros before the first and after the last input.
        dilation: Step $\delta \ge 1$ from one input of a window to the next.

    Returns:
        The counts.

    Raises:
        TypeError: If an argument is not an integer.
        ValueError: If one is out of its range, or the window does not fit once.

    References:
        Homework 4, [Problem 3.2(a)][3-2-a].

    Examples:
        >>> weight_counts(3, 5)
        WeightCounts(entries=15, connections=9, zeros=6, parameters=3)
    """
    layer = _as_layer(input_length, width, stride, padding, dilation)
    blocks = 1 if channels is None else math.prod(_as_channels(channels))
    rows = map(layer.rows, range(layer.k))
    connections = blocks * sum(max(r.stop - r.start, 0) for r in rows)
    entries = blocks * layer.m * layer.n
    return WeightCounts(entries, connections, entries - connections, blocks * layer.k)


def conv1d(
    x: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> NDArray[np.float64]:
    r"""Return the outputs $z_i = \sum_t w_t \, x_{is - p + \delta t}$ of the layer.

    The layer's matrix repeats itself along its diagonal. So it is enough to cut the
    input into pieces and to multiply them all by the same small dense matrices. That
    multiplies by some zeros, but as a matrix product it is several times faster than an
    inner product per output. Beside input and output, memory is bounded.

    With one channel, stride and dilation 1, a long signal is cut into blocks of 16 or
    32: a block of outputs is the sum of the few blocks of inputs that it meets, each
    times a square of the layer's matrix, and no window is copied. Otherwise pieces
    overlap and hold the inputs of a few neighboring outputs, with many channels of
    one. (If one signal or its kernel is short, NumPy's own loop is faster still.)

    Args:
        x: Inputs, shape `(..., n)`, or `(..., in, n)` with channels.
        kernel: Weights $w$, shape `(k,)`, or `(out, in, k)` with channels.
        stride: Step $s \ge 1$ from one window to the next.
        padding: Number $p \ge 0$ of zeros before the first and after the last input.
        dilation: Step $\delta \ge 1$ from one input of a window to the next.

    Returns:
        The outputs before any nonlinearity, shape `(..., m)`, or `(..., out, m)`.

    Raises:
        TypeError: If `x` or `kernel` is not real, or an option not an integer.
        ValueError: If `x` or `kernel` is not finite or has another shape, an option is
            out of its range, or an output is beyond the range of float64.
        MemoryError: If the padded input does not fit into memory.

    References:
        Homework 4, [Problem 3.2(a)][3-2-a].

    Examples:
        >>> conv1d([1, 0, 0, 2, 0], [1, 2, 3])
        array([1., 6., 4.])
    """
    w, x, layer = _as_operands(x, kernel, stride, padding, dilation)
    batch, signals = x.shape[:-2], x.reshape(math.prod(x.shape[:-2]), *x.shape[-2:])
    short = layer.k <= _SHORT or layer.n <= _FEW
    if short and layer.d == 1 and x.size == layer.n and w.size == layer.k:
        slid = np.correlate(_pad(x, layer).ravel(), w.ravel(), "valid")
        z = np.ascontiguousarray(slid[:: layer.s])
    elif layer.m > _FEW and layer.s == layer.d == 1 and w.size == layer.k:
        z = np.empty((len(signals), layer.m))
        for signal, outputs in zip(_pad(signals, layer), z, strict=True):
            _write_by_blocks(np.ascontiguousarray(signal[0]), w.ravel(), outputs)
    else:
        z = _multiply(signals, _cells(w), layer)
    if not is_finite(z):
        raise ValueError("`x` and `kernel` are too large, expected finite outputs")
    return z.reshape(*batch, *w.shape[:-2], layer.m)


def conv1d_gradient(
    x: ArrayLike,
    kernel: ArrayLike,
    output_gradient: ArrayLike,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> Conv1dGradient:
    r"""Return the gradients of a scalar $E$ from those in the outputs.

    With $g_i = \partial E / \partial z_i$ and the matrix $A$ of the layer,

    $$\frac{\partial E}{\partial w_t} = \sum_i g_i \, x_{is - p + \delta t}, \qquad
    \frac{\partial E}{\partial x} = A^\top g.$$

    The first sums the gradients $\partial E / \partial A_{ij} = g_i x_j$ of free
    entries along the diagonal of $w_t$, see
    [`shared_weight_gradient`][hw4lib.architecture.convolution.shared_weight_gradient];
    here no matrix is formed.

    Args:
        x: Inputs, shape `(..., n)`, or `(..., in, n)` with channels.
        kernel: Weights $w$, shape `(k,)`, or `(out, in, k)` with channels.
        output_gradient: Gradients $g$, shape `(..., m)`, or `(..., out, m)`.
        stride: Step $s \ge 1$ from one window to the next.
        padding: Number $p \ge 0$ of zeros before the first and after the last input.
        dilation: Step $\delta \ge 1$ from one input of a window to the next.

    Returns:
        The gradients; that of the kernel is summed over all leading axes.

    Raises:
        TypeError: If an array is not real, or an option not an integer.
        ValueError: If an array is not finite or has another shape, an option is out of
            its range, or a gradient is beyond the range of float64.
        MemoryError: If the padded input does not fit into memory.

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
    cells = _cells(w)
    batch, out = x.shape[:-2], cells.shape[0]
    g = as_array("output_gradient", output_gradient)
    expected = (*batch, *w.shape[:-2], layer.m)
    if g.shape != expected:
        raise ValueError(f"`output_gradient` has shape {g.shape}, expected {expected}")
    g = g.reshape(math.prod(batch), out, layer.m)
    padded = _pad(x.reshape(math.prod(batch), *x.shape[-2:]), layer)
    by_x, by_kernel = np.zeros_like(padded), np.empty_like(cells)
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(layer.k):
            seen = layer.window(t)
            by_kernel[..., t] = np.tensordot(g, padded[..., seen], ([0, 2], [0, 2]))
            by_x[..., seen] += cells[..., t].T @ g
    if not (is_finite(by_kernel) and is_finite(by_x)):
        raise ValueError("`output_gradient` is too large, expected finite gradients")
    inner = by_x[..., layer.p : layer.p + layer.n]
    shape = (*batch, *w.shape[1:-1], layer.n)
    return Conv1dGradient(x=inner.reshape(shape), kernel=by_kernel.reshape(w.shape))


def shared_weight_gradient(
    matrix_gradient: ArrayLike,
    width: int,
    *,
    channels: tuple[int, int] | None = None,
    stride: int = 1,
    padding: int = 0,
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
        padding: Number $p \ge 0$ of zeros before the first and after the last input.
        dilation: Step $\delta \ge 1$ from one input of a window to the next.

    Returns:
        The gradients, shape `(..., k)`, or `(..., out, in, k)` with channels.

    Raises:
        TypeError: If `matrix_gradient` is not real, or an option not an integer.
        ValueError: If `matrix_gradient` is not finite or not of the layer's shape, an
            option is out of its range, or a sum is beyond the range of float64.

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
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(layer.k):
            i = np.asarray(layer.rows(t), dtype=np.int64)
            diagonal = blocks[..., i, i * layer.s - layer.p + layer.d * t]
            result[..., t] = diagonal.sum(axis=-1)
    if not is_finite(result):
        raise ValueError("`matrix_gradient` is too large, expected finite sums")
    return result[..., 0, 0, :] if channels is None else result


@dataclass(frozen=True)
class _Layer:
    """The integers of a layer, by their letters in the equation."""

    n: int
    k: int
    s: int
    p: int
    d: int

    @property
    def reach(self) -> int:
        """How many neighboring inputs a window reaches over."""
        return self.d * (self.k - 1) + 1

    @property
    def m(self) -> int:
        return (self.n + 2 * self.p - self.reach) // self.s + 1

    def rows(self, t: int) -> range:
        """Return the outputs in which weight `t` meets an input, not the padding."""
        offset = self.p - self.d * t
        first, last = -(-offset // self.s), (offset + self.n - 1) // self.s
        return range(max(first, 0), min(last + 1, self.m))

    def window(self, t: int) -> slice:
        """Return the padded inputs that weight `t` meets, one an output."""
        start = self.d * t
        return slice(start, start + (self.m - 1) * self.s + 1, self.s)


def _matrix(kernel: NDArray[_Number], layer: _Layer, *, empty: int) -> NDArray[_Number]:
    blocks = _blocks(_cells(kernel), layer, empty=empty)
    matrix: NDArray[_Number] = blocks[0, 0]
    if kernel.ndim == 3:
        # Blocks side by side are no view of anything smaller than the matrix.
        out, into, m, n = blocks.shape
        check_memory("input_length", layer.n, out * m, into * n)
        matrix = np.moveaxis(blocks, 1, 2).reshape(out * m, into * n)
        matrix.flags.writeable = False
    return matrix


def _blocks(cells: NDArray[_Number], layer: _Layer, *, empty: int) -> NDArray[_Number]:
    """Return the matrices of all pairs of channels, shape `(out, in, m, n)`, a view."""
    m = layer.m
    shift = (m - 1) * layer.s
    length = shift + layer.n
    check_memory("input_length", layer.n, *cells.shape[:2], length)
    row: NDArray[_Number] = np.empty((*cells.shape[:2], length), cells.dtype)
    row.fill(empty)
    # Weight t stands at start + d t. Only those from `first` on and before `last` meet
    # an input.
    start = shift - layer.p
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


def _write_by_blocks(
    x: NDArray[np.float64], w: NDArray[np.float64], z: NDArray[np.float64]
) -> None:
    """Write the outputs of one signal, blocks of outputs from blocks of inputs."""
    size = 16 if w.size <= 32 else 32
    reach = -(-(w.size - 1) // size) + 1
    # Its part of the matrix, transposed: entry (j, i) is weight j - i.
    band = np.zeros((reach + 1) * size - 1)
    band[size - 1 : size - 1 + w.size] = w
    shape, item = (reach * size, size), band.itemsize
    part = np.ndarray(shape, band.dtype, band, (size - 1) * item, (item, -item))
    squares = np.ascontiguousarray(part).reshape(reach, size, size)
    blocks = x[: x.size - x.size % size].reshape(-1, size)
    count, step = len(blocks) - reach + 1, SMALL // size**2
    whole = z[: count * size].reshape(count, size)
    with np.errstate(over="ignore", invalid="ignore"):
        for first in range(0, count, step):
            last = min(first + step, count)
            sums = np.matmul(blocks[first:last], squares[0], out=whole[first:last])
            for t in range(1, reach):
                sums += blocks[first + t : last + t] @ squares[t]
    if whole.size < z.size:
        z[whole.size :] = np.correlate(x[whole.size :], w, "valid")


def _multiply(
    x: NDArray[np.float64], cells: NDArray[np.float64], layer: _Layer
) -> NDArray[np.float64]:
    """Return the outputs, a few neighbors to a row of one matrix product."""
    (batch, into, _), out, m = x.shape, cells.shape[0], layer.m
    size = 1
    if layer.s == layer.d == 1:
        # Longer pieces copy less of the input, and multiply by more zeros.
        size = min(max(2 ** (layer.k.bit_length() // 2 + 1), 16), 128)
        size = min(max(size // out, 1), m)
    span = (size - 1) * layer.s + layer.reach
    windows = sliding_window_view(_pad(x, layer), span, axis=-1)[..., :: layer.d]
    width = windows.shape[-1]
    # The kernel, one place further in each row: in rows longer by one, at their start.
    band = np.zeros((out, into, size, width + 1))
    band[..., : layer.k] = cells[:, :, None]
    band = band.reshape(out, into, -1)[..., : size * width]
    band = band.reshape(out, into, size, width).transpose(1, 3, 0, 2)
    block = band.reshape(into * width, out * size)
    z = np.empty((batch, out, m))
    # As many pieces at a time as the processor's cache holds twice, here and in BLAS.
    step = size * max(1, _CHUNK // max(1, batch * into * width))
    parts = [(i, min(i + step, m - m % size)) for i in range(0, m - m % size, step)]
    if m % size:  # one more piece, which overlaps the one before
        parts.append((m - size, m))
    with np.errstate(over="ignore", invalid="ignore"):
        for first, last in parts:
            starts = slice(first * layer.s, last * layer.s, size * layer.s)
            some = windows[:, :, starts].transpose(0, 2, 1, 3)
            rows = np.ascontiguousarray(some).reshape(-1, into * width)
            blocks = (rows @ block).reshape(*some.shape[:2], out, size)
            z[..., first:last] = blocks.swapaxes(1, 2).reshape(batch, out, last - first)
    return z


def _pad(x: NDArray[np.float64], layer: _Layer) -> NDArray[np.float64]:
    if layer.p == 0:
        return x
    length = layer.n + 2 * layer.p
    check_memory("padding", layer.p, *x.shape[:-1], length)
    padded = np.zeros((*x.shape[:-1], length))
    padded[..., layer.p : layer.p + layer.n] = x
    return padded


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
    input_length: int, width: int, stride: int, padding: int, dilation: int
) -> _Layer:
    n = as_integer("input_length", input_length, at_least=1)
    k = as_integer("width", width, at_least=1)
    s = as_integer("stride", stride, at_least=1)
    p = as_integer("padding", padding, at_least=0)
    d = as_integer("dilation", dilation, at_least=1)
    # A longer stride than the input is as good as any: there is one window.
    layer = _Layer(n=n, k=k, s=min(s, n + 2 * p), p=p, d=d)
    if layer.reach > n + 2 * p:
        raise ValueError(
            f"the window of `width` {k} reaches over {layer.reach} inputs, "
            f"expected at most {n + 2 * p}"
        )
    return layer


def _as_operands(
    x: ArrayLike, kernel: ArrayLike, stride: int, padding: int, dilation: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], _Layer]:
    """Return kernel, input with a channel axis, and layer."""
    w = _as_kernel(kernel)
    if w.ndim == 3:
        x = as_array("x", x, "...", w.shape[1], "n")
    else:
        x = as_array("x", x, "...", "n")[..., None, :]
    return w, x, _as_layer(x.shape[-1], w.shape[-1], stride, padding, dilation)
