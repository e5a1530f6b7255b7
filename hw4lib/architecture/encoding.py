r"""Sinusoidal positional encodings, their shifts, and why sines alone have none.

The encoding of position $n$ has the entries $\sin \omega_j n$ and $\cos \omega_j n$
next to each other, for the frequencies $\omega_j = L^{-2j/D}$, $j = 0, \dots, d - 1$.
Read as one complex number, $\sin \theta + i \cos \theta = i e^{-i \theta}$, a pair is
shifted by a single product.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_integer,
    as_integers,
    as_number,
    as_numbers,
    check_broadcast,
    check_memory,
    contract,
)
from hw4lib._typing import Real

__all__ = [
    "SineShift",
    "encoding_determinant",
    "encoding_frequencies",
    "positional_encoding",
    "shift_encoding",
    "shift_matrix",
    "sine_determinant",
    "sine_encoding",
    "sine_shift",
]

_DIGITS = Context(prec=60)
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
# A turn is 2^64 units: integers of 64 bits then wrap around just as angles do.
_UNITS_PER_RADIAN = _DIGITS.divide(Decimal(2**63), _PI)
_UNIT = 2.0 * math.pi / 2.0**64


@dataclass(frozen=True, eq=False)
class SineShift:
    r"""How far a linear map can shift the sines $s_n$ at given positions by $k$."""

    matrix: NDArray[np.float64]
    r"""The $W$ that comes closest to $s_{n+k} = W s_n$ in least squares, `(m, m)`."""

    residual: float
    r"""Largest entry of $\lvert s_{n+k} - W s_n \rvert$, 0 if and only if $W$ fits."""

    relation: NDArray[np.float64]
    r"""Coefficients $v$, `(N)`, with $\sum_n v_n s_n = 0$ and $\lVert v \rVert = 1$.

    All zero if the $s_n$ are linearly independent.
    """

    violation: NDArray[np.float64]
    r"""The sum $\sum_n v_n s_{n+k}$, `(m)`, which a linear $W$ must send to 0.

    The relation is the one for which this is largest: zero if and only if $W$ exists.
    """


@contract
def encoding_frequencies(
    count: int, *, base: Real = 10_000.0, exponent_dimension: Real | None = None
) -> NDArray[np.float64]:
    r"""Return the frequencies $\omega_j = L^{-2j/D}$, $j = 0, \dots, d - 1$.

    Args:
        count: Number $d$ of frequencies, half the dimension of the encoding.
        base: $L \ge 1$.
        exponent_dimension: $D > 0$, by default the dimension $2d$ of the encoding.

    Returns:
        Frequencies in $[0, 1]$, the first of them 1, shape `(count)`.

    Raises:
        MemoryError: If they would not fit into memory.

    References:
        Homework 4, [Problem 3.3(c)][3-3-c].

    Examples:
        >>> encoding_frequencies(3, base=100, exponent_dimension=4)
        array([1.  , 0.1 , 0.01])
    """
    d = as_integer("count", count, at_least=1)
    big_l, big_d = _as_constants(2 * d, base, exponent_dimension)
    check_memory("count", d, d)
    return np.array([float(w) for w in _frequencies(d, big_l, big_d)])


@contract(checked=True)  # sines and cosines are finite
def positional_encoding(
    positions: ArrayLike,
    dimension: int,
    *,
    base: Real = 10_000.0,
    exponent_dimension: Real | None = None,
) -> NDArray[np.float64]:
    r"""Return the encoding with $\sin \omega_j n$ and $\cos \omega_j n$ side by side.

    The frequencies are those of
    [`encoding_frequencies`][hw4lib.architecture.encoding.encoding_frequencies] with 60
    digits. An angle matters modulo a full turn only, and is counted in units of
    $2^{-64}$ turns: the result is right to 2e-15 at every position, where
    $\omega_j n$ in float64 would lose a digit for each digit of $n$. Angles add,
    $e^{-i \omega (a + b)} = e^{-i \omega a} e^{-i \omega b}$: so for a range of $N$
    positions about $2 \sqrt N$ take a sine, and the others are products of these.

    Args:
        positions: Integers $n$, also negative, up to $2^{62}$, any shape.
        dimension: Even dimension $2d$ of the encoding.
        base: $L \ge 1$.
        exponent_dimension: $D > 0$, by default the dimension $2d$.

    Returns:
        Encodings $r_n$ along the last axis, shape `(..., dimension)`.

    Raises:
        MemoryError: If the encodings would not fit into memory.

    References:
        Homework 4, [Problem 3.3(c)][3-3-c].

    Examples:
        >>> positional_encoding([0, 1], 4).round(4)
        array([[0.    , 1.    , 0.    , 1.    ],
               [0.8415, 0.5403, 0.01  , 1.    ]])
    """
    n = as_integers("positions", positions)
    d = _as_half("dimension", dimension)
    big_l, big_d = _as_constants(2 * d, base, exponent_dimension)
    check_memory("positions", n.shape, *n.shape, 2 * d)
    frequencies = _in_turns(d, big_l, big_d)
    if not _is_range(n):
        return _encode(n, *frequencies)
    step = math.isqrt(n.size)
    starts = _encode(n[::step], *frequencies).view(np.complex128)
    rotations = _rotations(np.arange(step, dtype=np.int64), *frequencies)
    table = starts[:, None] * rotations
    return table.reshape(-1, d)[: n.size].view(np.float64)


@contract
def shift_matrix(
    offset: int,
    dimension: int,
    *,
    base: Real = 10_000.0,
    exponent_dimension: Real | None = None,
) -> NDArray[np.float64]:
    r"""Return the matrix $W_k$ with $r_{n+k} = W_k r_n$ for all integers $n$.

    It is block diagonal, a rotation of each pair of sine and cosine by its own angle
    $\theta = \omega_j k$: a block has $\cos \theta$ on its diagonal, $\sin \theta$
    above and $-\sin \theta$ below.

    Args:
        offset: Integer $k$, also negative, up to $2^{62}$.
        dimension: Even dimension $2d$ of the encoding.
        base: $L \ge 1$.
        exponent_dimension: $D > 0$, by default the dimension $2d$.

    Returns:
        The orthogonal matrix $W_k$, shape `(dimension, dimension)`.

    Raises:
        MemoryError: If the matrix would not fit into memory.

    References:
        Homework 4, [Problem 3.3(c)][3-3-c].

    Examples:
        >>> shift_matrix(1, 2).round(4)
        array([[ 0.5403,  0.8415],
               [-0.8415,  0.5403]])
    """
    d = _as_half("dimension", dimension)
    check_memory("dimension", dimension, 2 * d, 2 * d)
    encoding = positional_encoding(
        _as_offset(offset), 2 * d, base=base, exponent_dimension=exponent_dimension
    )
    sine, cosine = encoding[0::2], encoding[1::2]
    matrix = np.diag(np.repeat(cosine, 2))
    even = np.arange(0, 2 * d, 2)
    matrix[even, even + 1], matrix[even + 1, even] = sine, -sine
    return matrix


@contract
def shift_encoding(
    encodings: ArrayLike,
    offset: ArrayLike,
    *,
    base: Real = 10_000.0,
    exponent_dimension: Real | None = None,
) -> NDArray[np.float64]:
    r"""Return $W_k r$ for every row $r$, without the matrix.

    Each pair of sine and cosine takes one complex product, $N d$ of them for $N$ rows
    of dimension $2d$. A product with
    [`shift_matrix`][hw4lib.architecture.encoding.shift_matrix] takes $4 N d^2$ real
    ones. With an offset for each row this is the rotary encoding of queries and keys,
    of pairs that are side by side.

    Args:
        encodings: Rows $r$ of sine and cosine side by side, shape `(..., 2d)`.
        offset: Integers $k$, also negative, up to $2^{62}$, one for all rows or of any
            shape that broadcasts with `(...)`.
        base: $L \ge 1$.
        exponent_dimension: $D > 0$, by default the dimension $2d$.

    Returns:
        The shifted rows, shape `(..., 2d)`.

    Raises:
        ValueError: If the last axis has odd length.
        MemoryError: If the rows would not fit into memory.

    References:
        Homework 4, [Problem 3.3(c)][3-3-c].

    Examples:
        >>> shifted = shift_encoding(positional_encoding([1, 1], 4), [2, -1])
        >>> np.allclose(shifted, positional_encoding([3, 0], 4))
        True
    """
    rows = as_array("encodings", encodings, "...", "2d")
    k = as_integers("offset", offset)
    d = _as_half("encodings", rows.shape[-1])
    big_l, big_d = _as_constants(2 * d, base, exponent_dimension)
    lead = check_broadcast(encodings=rows[..., 0], offset=k.astype(np.float64))
    check_memory("encodings", rows.shape, *lead, 2 * d)
    pairs = np.ascontiguousarray(rows).view(np.complex128)
    return (pairs * _rotations(k, *_in_turns(d, big_l, big_d))).view(np.float64)


@contract
def sine_encoding(positions: ArrayLike, frequencies: ArrayLike) -> NDArray[np.float64]:
    r"""Return $s_n = (\sin \omega_1 n, \dots, \sin \omega_m n)$, sines alone.

    Frequencies are floats, and the angle $\omega_j n$ is rounded to one: the sine is
    right to about $10^{-16} (1 + |\omega_j n|)$.

    Args:
        positions: Integers $n$, also negative, any shape.
        frequencies: $\omega_j$ in $(0, \pi)$, shape `(m)`.

    Returns:
        Encodings along the last axis, shape `(..., m)`.

    References:
        Homework 4, [Problem 3.3(c)][3-3-c].

    Examples:
        >>> sine_encoding([-1, 0, 1], [np.pi / 2, np.pi / 6]).round(4)
        array([[-1. , -0.5],
               [ 0. ,  0. ],
               [ 1. ,  0.5]])
    """
    n = as_integers("positions", positions)
    w = _as_frequencies(frequencies)
    check_memory("positions", n.shape, *n.shape, w.size)
    return np.sin(n[..., None] * w)


@contract
def sine_shift(frequencies: ArrayLike, offset: int, positions: ArrayLike) -> SineShift:
    r"""Return how far a linear map can shift sines alone, and what forbids it.

    A $W$ with $s_{n+k} = W s_n$ at all given positions exists if and only if every
    linear relation $\sum_n v_n s_n = 0$ between the encodings survives the shift. A
    relation that does not is a certificate that there is none: $n = 0$ alone is one, as
    $s_0 = 0$ but $s_k \ne 0$. At the positions $1, \dots, N$ the encodings of distinct
    frequencies are independent, and $W$ exists, if and only if $N \le m$ (given that
    no $\sin \omega_j k$ is 0).

    Args:
        frequencies: $\omega_j$ in $(0, \pi)$, shape `(m)`.
        offset: Integer $k$, also negative.
        positions: Integers $n$, also negative, of size up to $2^{61}$, shape `(N)`.

    Returns:
        The best map, its residual, the relation that the shift breaks most, and by how
        much.

    References:
        Homework 4, [Problem 3.3(c)][3-3-c].

    Examples:
        >>> shift = sine_shift([1.0, 0.1], 2, [0])
        >>> shift.relation, shift.violation.round(4)
        (array([1.]), array([0.9093, 0.1987]))
    """
    w, k = _as_frequencies(frequencies), _as_offset(offset)
    # Less than elsewhere, so that the sum with the offset is an integer of 64 bits.
    n = as_integers("positions", positions, "N", at_least=-(2**61), at_most=2**61)
    check_memory("positions", n.shape, n.size, max(n.size, w.size))
    here, there = np.sin(n[:, None] * w), np.sin((n[:, None] + k) * w)
    left, sizes, right = np.linalg.svd(here)
    rank = int((sizes > sizes[0] * max(here.shape) * np.finfo(float).eps).sum())
    basis, relations = left[:, :rank], left[:, rank:]
    matrix = (there.T @ basis / sizes[:rank]) @ right[:rank]
    # Of all relations, the one whose shift is longest.
    most = np.linalg.svd(relations.T @ there)[0][:, :1]
    relation = (relations @ most).sum(axis=1)
    relation = relation * (1.0 if relation.sum() >= 0.0 else -1.0) + 0.0
    return SineShift(
        matrix=matrix,
        residual=float(np.abs(there - here @ matrix.T).max()),
        relation=relation,
        violation=relation @ there,
    )


@contract
def sine_determinant(frequencies: ArrayLike) -> np.float64:
    r"""Return $\det [\sin \omega_j n]$ for $n, j = 1, \dots, m$.

    As $\sin n \omega = \sin \omega \, U_{n-1}(\cos \omega)$ with the Chebyshev
    polynomial $U_{n-1}$ of leading coefficient $2^{n-1}$, it is
    $\prod_j \sin \omega_j \prod_{i < j} 2 (\cos \omega_j - \cos \omega_i)$.

    Args:
        frequencies: $\omega_j$ in $(0, \pi)$, shape `(m)`.

    Returns:
        The determinant: not zero for distinct frequencies, unless it is too small for a
        float, and zero if two of them are equal.

    Raises:
        ValueError: If there are more than 64 frequencies.

    References:
        Homework 4, [Beyond Problem 3.3][3-beyond-sines].

    Examples:
        >>> print(sine_determinant([np.pi / 2, np.pi / 3]).round(12))
        0.866025403784
    """
    w = _as_frequencies(frequencies)
    return _product(np.sin(w), _cosine_gaps(w))


@contract
def encoding_determinant(frequencies: ArrayLike) -> np.float64:
    r"""Return $\det [r_0, \dots, r_{2d-1}]^\top$ of consecutive encodings.

    It is
    $(-1)^d \prod_j \sin \omega_j \prod_{i < j} 4 (\cos \omega_i - \cos \omega_j)^2$.
    Where it is not zero the encodings span all $2d$ dimensions, and the shift matrix
    $W_k$ is the only one.

    Args:
        frequencies: $\omega_j$ in $(0, \pi)$, shape `(d)`.

    Returns:
        The determinant: not zero for distinct frequencies, unless it is too small for a
        float, and zero if two of them are equal.

    Raises:
        ValueError: If there are more than 64 frequencies.

    References:
        Homework 4, [Beyond Problem 3.3][3-beyond-rotations].

    Examples:
        >>> print(encoding_determinant([np.pi / 2]))
        -1.0
    """
    w = _as_frequencies(frequencies)
    gaps = _cosine_gaps(w)
    return _product(-np.sin(w), gaps, gaps)


def _as_half(name: str, dimension: int) -> int:
    half, odd = divmod(as_integer(name, dimension, at_least=2), 2)
    if odd:
        raise ValueError(f"`{name}` has dimension {dimension}, expected an even one")
    return half


def _as_constants(
    dimension: int, base: Real, exponent_dimension: Real | None
) -> tuple[float, float]:
    if exponent_dimension is None:
        # A float is checked sooner, but not every integer is one.
        exponent_dimension = float(dimension) if dimension < 2**53 else dimension
    return (
        as_number("base", base, at_least=1.0),
        as_number("exponent_dimension", exponent_dimension, above=0.0),
    )


def _as_offset(offset: int) -> int:
    return as_integer("offset", offset, at_least=-(2**62), at_most=2**62)


def _as_frequencies(frequencies: ArrayLike) -> NDArray[np.float64]:
    return as_numbers("frequencies", frequencies, "m", above=0.0, below=math.pi)


def _is_range(n: NDArray[np.int64]) -> bool:
    if n.ndim != 1 or n.size < 2:
        return False
    first, last = int(n[0]), int(n[-1])
    return (
        last - first == n.size - 1
        and np.count_nonzero(n == np.arange(first, last + 1)) == n.size
    )


def _frequencies(d: int, base: float, exponent_dimension: float) -> Iterator[Decimal]:
    """Yield L^(-2j/D) for j from 0, with 60 digits."""
    exponent = _DIGITS.divide(Decimal(-2), Decimal(exponent_dimension))
    ratio = _DIGITS.power(Decimal(base), exponent)
    frequency = Decimal(1)
    for _ in range(d):
        yield frequency
        frequency = _DIGITS.multiply(frequency, ratio)


@lru_cache(maxsize=64)  # in so many digits they take longer than a short encoding
def _in_turns(
    d: int, base: float, exponent_dimension: float
) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """Return each frequency in whole units of 2^-64 turns, and the rest as an angle."""
    whole, rest = np.empty(d, np.uint64), np.empty(d)
    for j, frequency in enumerate(_frequencies(d, base, exponent_dimension)):
        units = _DIGITS.multiply(frequency, _UNITS_PER_RADIAN)
        whole[j] = int(units)
        rest[j] = float(_DIGITS.subtract(units, Decimal(int(units)))) * _UNIT
    whole.flags.writeable = rest.flags.writeable = False
    return whole, rest


def _encode(
    n: NDArray[np.int64], whole: NDArray[np.uint64], rest: NDArray[np.float64]
) -> NDArray[np.float64]:
    angles = _angles(n, whole, rest)
    encodings = np.empty((*angles.shape[:-1], 2 * len(whole)))
    np.sin(angles, out=encodings[..., 0::2])
    np.cos(angles, out=encodings[..., 1::2])
    return encodings


def _rotations(
    n: NDArray[np.int64], whole: NDArray[np.uint64], rest: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Return what takes the pair of a position to the pair `n` positions on."""
    angles = _angles(n, whole, rest)
    rotations = np.empty(angles.shape, np.complex128)
    np.cos(angles, out=rotations.real)
    np.sin(-angles, out=rotations.imag)
    return rotations


def _angles(
    n: NDArray[np.int64], whole: NDArray[np.uint64], rest: NDArray[np.float64]
) -> NDArray[np.float64]:
    n = n[..., None]
    # Unsigned products drop full turns; as a signed number the rest is half a turn.
    turns = (n.astype(np.uint64) * whole).view(np.int64)
    angles = turns * _UNIT + n * rest  # the second is at most a quarter of a turn
    return np.asarray(angles)


def _product(*factors: NDArray[np.float64]) -> np.float64:
    """Return the product of all entries, of which a part alone might overflow."""
    mantissas, exponents = np.frexp(np.concatenate(factors))
    product, exponent = 1.0, int(exponents.sum())
    for mantissa in mantissas.tolist():
        product, shift = math.frexp(product * mantissa)
        exponent += shift
    return np.float64(math.ldexp(product, exponent))


def _cosine_gaps(w: NDArray[np.float64]) -> NDArray[np.float64]:
    if w.size > 64:
        raise ValueError(f"`frequencies` has {w.size} entries, expected at most 64")
    # As a product: the difference of two cosines near 1 would lose its digits.
    i, j = np.triu_indices(w.size, 1)
    return 4.0 * np.sin((w[i] + w[j]) / 2.0) * np.sin((w[i] - w[j]) / 2.0)
