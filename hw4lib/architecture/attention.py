r"""Self-attention, and the matrix that one layer is for one input.

Rows are positions: an input of $N$ vectors of dimension $d$ is an $N \times d$ matrix
$X$, weights stand on its right, $Q = X W_q$, and the softmax normalizes each row. A
mask says with `True` which position (row) may attend to which (column).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_booleans,
    as_integer,
    as_numbers,
    as_pair,
    check_broadcast,
    check_memory,
    is_finite,
)
from hw4lib._products import matmul, multiply

__all__ = [
    "AttentionCounts",
    "AttentionFactors",
    "apply_attention_matrix",
    "attention_counts",
    "attention_factors",
    "attention_matrix",
    "attention_weights",
    "block_pattern",
    "causal_mask",
    "multi_head_attention",
    "scaled_dot_product_attention",
    "self_attention",
]

# A block of so many scores, in so many rows, leaves half of a core's cache to others.
_BLOCK, _BLOCK_ROWS = 2**16, 2**8
# Scores up to here need no shift: a sum of their exponentials stays within e^(+-30).
_SAFE_SCORE = 30.0
# Values up to here can be summed with such weights.
_LARGE = 1e290


@dataclass(frozen=True)
class AttentionFactors:
    r"""The two factors of the matrix $A \otimes W_v^\top$ of one attention head."""

    mixing: NDArray[np.float64]
    r"""$A \otimes I$, `(N d_v, N d_v)`: computed from the input, nothing learned."""

    shared: NDArray[np.float64]
    r"""$I_N \otimes W_v^\top$, `(N d_v, N d)`: learned, one block $N$ times over."""


@dataclass(frozen=True)
class AttentionCounts:
    r"""What the matrices of one head with $d_k = d_v = d$ hold.

    The mask allows $p$ pairs of a query and a key: all $N^2$ without one.
    """

    dense_parameters: int
    r"""Weights of an unconstrained linear map of the stacked input, $N^2 d^2$."""

    learned_parameters: int
    r"""Distinct weights of $W_q$, $W_k$, $W_v$ together, $3 d^2$ whatever $N$ is."""

    mixing_weights: int
    r"""Non-zero entries of $A$, $p$: computed for each input, none of them learned."""

    shared_nonzeros: int
    r"""Non-zero entries of $I_N \otimes W_v^\top$, $N d^2$."""

    shared_zero_blocks: int
    r"""Blocks of $I_N \otimes W_v^\top$ that are zero, $N (N - 1)$ of $N^2$."""

    mixing_nonzeros: int
    r"""Non-zero entries of $A \otimes I_d$, $p d$."""

    product_nonzeros: int
    r"""Non-zero entries of $A \otimes W_v^\top$, $p d^2$: all, without a mask."""


def causal_mask(length: int) -> NDArray[np.bool_]:
    r"""Return the mask that lets position $n$ attend to the positions up to $n$.

    Args:
        length: Number $N$ of positions.

    Returns:
        The mask, `True` on and below the diagonal, shape `(N, N)`.

    Examples:
        >>> causal_mask(2)
        array([[ True, False],
               [ True,  True]])
    """
    n = as_integer("length", length, at_least=1)
    check_memory("length", n, n, n)
    return np.tri(n, dtype=bool)


def attention_weights(
    queries: ArrayLike, keys: ArrayLike, *, mask: ArrayLike | None = None
) -> NDArray[np.float64]:
    r"""Return $A = \operatorname{rowsoftmax}(Q K^\top / \sqrt{d_k})$.

    Args:
        queries: Queries $Q$, shape `(..., N, d_k)`.
        keys: Keys $K$, shape `(..., M, d_k)`.
        mask: Which query may attend to which key, boolean or 0 and 1, broadcastable to
            `(..., N, M)`; all of them if not given.

    Returns:
        Weights, shape `(..., N, M)`: positive where the mask is, each row sums to 1.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If shapes do not fit, values are not finite or so large that scores
            overflow, or the mask leaves a query no key.
        MemoryError: If the weights would not fit into memory.

    References:
        Homework 4, [Problem 3.3(a)][3-3-a], which leaves the axis of the softmax open.

    Examples:
        >>> attention_weights([[0.0], [1.0]], [[0.0], [0.0]])
        array([[0.5, 0.5],
               [0.5, 0.5]])
    """
    queries, keys, bound = _as_queries_and_keys(queries, keys)
    shape = (
        *check_broadcast(queries=queries[..., 0, 0], keys=keys[..., 0, 0]),
        queries.shape[-2],
        keys.shape[-2],
    )
    check_memory("queries", queries.shape, *shape)
    scores = queries @ keys.swapaxes(-1, -2)
    if mask is not None:
        np.copyto(scores, -np.inf, where=~_as_mask(mask, shape))
    if bound > _SAFE_SCORE:
        scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return np.asarray(scores)


def scaled_dot_product_attention(
    queries: ArrayLike,
    keys: ArrayLike,
    values: ArrayLike,
    *,
    mask: ArrayLike | None = None,
) -> NDArray[np.float64]:
    r"""Return $Y = \operatorname{rowsoftmax}(Q K^\top / \sqrt{d_k}) \, V$.

    The $N \times M$ weights are never held as a whole: blocks of scores are
    exponentiated as they come, relative to the largest score of their row so far, and
    what was summed before is rescaled when a larger one appears. Beyond arguments and
    result this takes a few megabytes for any $N$ and $M$.

    Args:
        queries: Queries $Q$, shape `(..., N, d_k)`.
        keys: Keys $K$, shape `(..., M, d_k)`.
        values: Values $V$, shape `(..., M, d_v)`, up to 1e290.
        mask: Which query may attend to which key, boolean or 0 and 1, broadcastable to
            `(..., N, M)`; all of them if not given.

    Returns:
        Weighted means of the values, shape `(..., N, d_v)`.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If shapes do not fit, values are not finite or so large that scores
            overflow, or the mask leaves a query no key.

    References:
        Homework 4, [Problem 3.3(a)][3-3-a].

    Examples:
        >>> scaled_dot_product_attention([[0.0], [1e4]], [[0.0], [1.0]], [[2.0], [4.0]])
        array([[3.],
               [4.]])
    """
    queries, keys, bound = _as_queries_and_keys(queries, keys)
    values = as_numbers(
        "values", values, "...", keys.shape[-2], "d_v", at_least=-_LARGE, at_most=_LARGE
    )
    lead = check_broadcast(
        queries=queries[..., 0, 0], keys=keys[..., 0, 0], values=values[..., 0, 0]
    )
    queries, keys, values = (
        np.broadcast_to(array, (*lead, *array.shape[-2:]))
        for array in (queries, keys, values)
    )
    shape = (*lead, queries.shape[-2], keys.shape[-2])
    allowed = None if mask is None else _as_mask(mask, shape)
    mixed = np.zeros((*shape[:-1], values.shape[-1]))
    _attend(queries, keys, values, allowed, mixed, bound=bound)
    return mixed


def self_attention(
    inputs: ArrayLike,
    query_weights: ArrayLike,
    key_weights: ArrayLike,
    value_weights: ArrayLike,
    *,
    mask: ArrayLike | None = None,
) -> NDArray[np.float64]:
    r"""Return one head of self-attention, with $Q = X W_q$, $K = X W_k$, $V = X W_v$.

    Args:
        inputs: Input $X$, one position a row, shape `(..., N, d)`.
        query_weights: $W_q$, shape `(d, d_k)`.
        key_weights: $W_k$, shape `(d, d_k)`.
        value_weights: $W_v$, shape `(d, d_v)`.
        mask: Which position may attend to which, boolean or 0 and 1, broadcastable to
            `(..., N, N)`; all of them if not given.

    Returns:
        Outputs $Y$, shape `(..., N, d_v)`.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If shapes do not fit, values are not finite or so large that
            products overflow, or the mask leaves a position nothing to attend to.

    References:
        Homework 4, [Problem 3.3(a)][3-3-a].

    Examples:
        >>> self_attention([[1.0], [3.0]], [[0.0]], [[1.0]], [[10.0]])
        array([[20.],
               [20.]])
    """
    x = as_array("inputs", inputs, "...", "N", "d")
    w_q = as_array("query_weights", query_weights, x.shape[-1], "d_k")
    w_k = as_array("key_weights", key_weights, x.shape[-1], w_q.shape[-1])
    w_v = as_array("value_weights", value_weights, x.shape[-1], "d_v")
    return scaled_dot_product_attention(
        _project("inputs", x, "query_weights", w_q),
        _project("inputs", x, "key_weights", w_k),
        _project("inputs", x, "value_weights", w_v),
        mask=mask,
    )


def multi_head_attention(
    inputs: ArrayLike,
    query_weights: ArrayLike,
    key_weights: ArrayLike,
    value_weights: ArrayLike,
    output_weights: ArrayLike,
    *,
    mask: ArrayLike | None = None,
) -> NDArray[np.float64]:
    r"""Return $Y = [H_1 \mid \dots \mid H_h] \, W_o$ of $h$ heads $H_i$ side by side.

    Each head is a [`self_attention`][hw4lib.architecture.attention.self_attention] with
    weights of its own.

    Args:
        inputs: Input $X$, one position a row, shape `(..., N, d)`.
        query_weights: $W_q$ of each head, shape `(h, d, d_k)`.
        key_weights: $W_k$ of each head, shape `(h, d, d_k)`.
        value_weights: $W_v$ of each head, shape `(h, d, d_v)`.
        output_weights: $W_o$, shape `(h * d_v, d_out)`.
        mask: Which position may attend to which, boolean or 0 and 1, the same for all
            heads, broadcastable to `(..., N, N)`; all of them if not given.

    Returns:
        Outputs $Y$, shape `(..., N, d_out)`.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If shapes do not fit, values are not finite or so large that
            products overflow, or the mask leaves a position nothing to attend to.

    References:
        Homework 4, [Problem 3.3(b)][3-3-b].

    Examples:
        Two heads that copy their values, averaged:

        >>> zero, one = np.zeros((2, 1, 1)), np.ones((2, 1, 1))
        >>> multi_head_attention([[1.0], [3.0]], zero, zero, one, [[0.5], [0.5]])
        array([[2.],
               [2.]])
    """
    x = as_array("inputs", inputs, "...", "N", "d")
    w_q = as_array("query_weights", query_weights, "h", x.shape[-1], "d_k")
    heads, _, d_k = w_q.shape
    w_k = as_array("key_weights", key_weights, heads, x.shape[-1], d_k)
    w_v = as_array("value_weights", value_weights, heads, x.shape[-1], "d_v")
    d_v = w_v.shape[-1]
    w_o = as_array("output_weights", output_weights, heads * d_v, "d_out")
    together = np.concatenate(
        [self_attention(x, w_q[i], w_k[i], w_v[i], mask=mask) for i in range(heads)],
        axis=-1,
    )
    return _project("values", together, "output_weights", w_o)


def attention_matrix(
    weights: ArrayLike, value_weights: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the matrix $A \otimes W_v^\top$ that a layer is, for given attention.

    With the positions stacked, $\bar x = (x_1; \dots; x_N)$, the output is
    $\bar y = M \bar x$, and the block of $M$ in row $n$ and column $m$ is
    $A_{nm} W_v^\top$. Heads add up,
    $M = \sum_i A_i \otimes (W_v^{(i)} W_o^{(i)})^\top$, where the products come from
    [`combined_value_weights`][hw4lib.architecture.attention.combined_value_weights].
    The weights $A$ depend on the input, so this is no fixed linear map.

    Args:
        weights: Attention $A$, shape `(N, N)`, or of each head, `(h, N, N)`.
        value_weights: $W_v$, shape `(d, d_v)`, or of each head, `(h, d, d_v)`.

    Returns:
        The matrix $M$, shape `(N * d_v, N * d)`.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If shapes do not fit, a weight is not in $[0, 1]$, or another value
            is not finite or past 1e290.
        MemoryError: If the matrix would not fit into memory.

    References:
        Homework 4, [Problem 3.3(a)][3-3-a].

    Examples:
        >>> attention_matrix([[1.0, 0.0], [0.5, 0.5]], [[2.0]])
        array([[2., 0.],
               [1., 1.]])
    """
    a, w_v = _as_heads(weights, value_weights)
    (heads, n, m), (_, d, d_v) = a.shape, w_v.shape
    check_memory("weights", a.shape, n * d_v, m * d)
    # Whole rows of the matrix: NumPy is slow where the last axis is short.
    shared = np.tile(w_v.swapaxes(1, 2), m)
    matrix = multiply(np.repeat(a[0], d, axis=1)[:, None], shared[0])
    for head in range(1, heads):
        mixing = np.repeat(a[head], d, axis=1)
        for row in range(n):  # one at a time, which needs no second matrix
            matrix[row] += multiply(mixing[row], shared[head])
    return matrix.reshape(n * d_v, m * d)


def attention_factors(weights: ArrayLike, value_weights: ArrayLike) -> AttentionFactors:
    r"""Return the factors $A \otimes I$ and $I_N \otimes W_v^\top$ of a head's matrix.

    Their product is $A \otimes W_v^\top$. The second is what is learned: sparse, and
    one block shared by all positions. The first mixes positions and is sparse too, but
    is computed anew for every input.

    Args:
        weights: Attention $A$, shape `(N, N)`.
        value_weights: $W_v$, shape `(d, d_v)`.

    Returns:
        Both factors.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If shapes do not fit, a weight is not in $[0, 1]$, or another value
            is not finite or past 1e290.
        MemoryError: If a factor would not fit into memory.

    References:
        Homework 4, [Problem 3.3(a)][3-3-a].

    Examples:
        >>> factors = attention_factors([[1.0, 0.0], [0.5, 0.5]], [[2.0]])
        >>> factors.mixing @ factors.shared
        array([[2., 0.],
               [1., 1.]])
    """
    a = as_array("weights", weights, "N", "N")
    w_v = as_array("value_weights", value_weights, "d", "d_v")
    return AttentionFactors(
        mixing=attention_matrix(a, np.eye(w_v.shape[1])),
        shared=attention_matrix(np.eye(len(a)), w_v),
    )


def apply_attention_matrix(
    stacked: ArrayLike, weights: ArrayLike, value_weights: ArrayLike
) -> NDArray[np.float64]:
    r"""Return $(A \otimes W_v^\top) \, \bar x$ without the matrix, as $A (X W_v)$.

    It takes $N d_v (N + d)$ products in place of the $N^2 d \, d_v$ of
    [`attention_matrix`][hw4lib.architecture.attention.attention_matrix].

    Args:
        stacked: The positions one after the other, $\bar x$, shape `(N * d)`.
        weights: Attention $A$, shape `(N, N)`, or of each head, `(h, N, N)`.
        value_weights: $W_v$, shape `(d, d_v)`, or of each head, `(h, d, d_v)`.

    Returns:
        The outputs one after the other, $\bar y$, shape `(N * d_v)`.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If shapes do not fit, a weight is not in $[0, 1]$, or another value
            is not finite or past 1e290.

    References:
        Homework 4, [Problem 3.3(a)][3-3-a].

    Examples:
        >>> apply_attention_matrix([1.0, 3.0], [[1.0, 0.0], [0.5, 0.5]], [[2.0]])
        array([2., 4.])
    """
    a, w_v = _as_heads(weights, value_weights)
    n, d = a.shape[-1], w_v.shape[-2]
    x = as_array("stacked", stacked, n * d).reshape(n, d)
    values = _project("stacked", x, "value_weights", w_v)
    # The heads side by side: one product sums over positions and heads.
    side_by_side = a.swapaxes(0, 1).reshape(n, -1)
    stacked_values = values.reshape(side_by_side.shape[1], -1)
    return _project("weights", side_by_side, "values", stacked_values).reshape(-1)


def combined_value_weights(
    value_weights: ArrayLike, output_weights: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the product $W_v^{(i)} W_o^{(i)}$ of each head.

    $W_o^{(i)}$ is the block of rows of $W_o$ that multiplies head $i$. The products are
    what [`attention_matrix`][hw4lib.architecture.attention.attention_matrix] of a
    multi-head layer needs.

    Args:
        value_weights: $W_v$ of each head, shape `(h, d, d_v)`.
        output_weights: $W_o$, shape `(h * d_v, d_out)`.

    Returns:
        The products, shape `(h, d, d_out)`.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If shapes do not fit or values are not finite.

    References:
        Homework 4, [Problem 3.3(a)][3-3-a].

    Examples:
        >>> combined_value_weights([[[2.0]], [[3.0]]], [[1.0], [10.0]])
        array([[[ 2.]],
        <BLANKLINE>
               [[30.]]])
    """
    w_v = as_array("value_weights", value_weights, "h", "d", "d_v")
    heads, _, d_v = w_v.shape
    w_o = as_array("output_weights", output_weights, heads * d_v, "d_out")
    w_o = w_o.reshape(heads, d_v, -1)
    return _project("value_weights", w_v, "output_weights", w_o)


def attention_counts(
    length: int, dimension: int, *, mask: ArrayLike | None = None
) -> AttentionCounts:
    r"""Return what the matrices of one head with $d_k = d_v = d$ hold.

    Args:
        length: Number $N$ of positions.
        dimension: Dimension $d$ of a position.
        mask: Which position may attend to which, boolean or 0 and 1, broadcastable to
            `(N, N)`; all of them if not given.

    Returns:
        Exact integers, for weights of which none happens to be zero.

    Raises:
        TypeError: If `length` or `dimension` is not an integer, or `mask` not real.
        ValueError: If `length` or `dimension` is less than 1, or the mask does not fit
            or leaves a position nothing to attend to.

    References:
        Homework 4, [Problem 3.3(a)][3-3-a].

    Examples:
        >>> counts = attention_counts(3, 2)
        >>> counts.product_nonzeros, counts.shared_nonzeros, counts.learned_parameters
        (36, 12, 12)
    """
    n = as_integer("length", length, at_least=1)
    d = as_integer("dimension", dimension, at_least=1)
    pairs = n**2 if mask is None else int(_as_mask(mask, (n, n)).sum())
    return AttentionCounts(
        dense_parameters=n**2 * d**2,
        learned_parameters=3 * d**2,
        mixing_weights=pairs,
        shared_nonzeros=n * d**2,
        shared_zero_blocks=n * (n - 1),
        mixing_nonzeros=pairs * d,
        product_nonzeros=pairs * d**2,
    )


def block_pattern(matrix: ArrayLike, block: tuple[int, int]) -> NDArray[np.int64]:
    r"""Return which blocks of a matrix are zero and which are equal.

    Args:
        matrix: The matrix, shape `(N * p, M * q)`.
        block: Shape `(p, q)` of a block.

    Returns:
        A number for each block, shape `(N, M)`: 0 for a block of zeros, otherwise the
        same number for equal blocks, counted from 1 in order of appearance.

    Raises:
        TypeError: If `matrix` is not real, or `block` not a pair of integers.
        ValueError: If `matrix` is not finite, or is not made of such blocks.

    References:
        Homework 4, [Problem 3.3(a)][3-3-a], whose sketch this is in numbers.

    Examples:
        >>> factors = attention_factors([[0.9, 0.1], [0.5, 0.5]], [[2, 1], [1, 2]])
        >>> block_pattern(factors.shared, (2, 2))
        array([[1, 0],
               [0, 1]])
        >>> block_pattern(factors.mixing, (2, 2))
        array([[1, 2],
               [3, 3]])
    """
    array = as_array("matrix", matrix, "rows", "columns")
    p, q = as_pair("block", block, "(p, q)")
    (n, p_left), (m, q_left) = divmod(array.shape[0], p), divmod(array.shape[1], q)
    if p_left or q_left:
        raise ValueError(
            f"`matrix` has shape {array.shape}, expected blocks of shape {(p, q)}"
        )
    blocks = array.reshape(n, p, m, q).swapaxes(1, 2).reshape(n * m, p * q)
    number = {(0.0,) * (p * q): 0}
    flat = [number.setdefault(tuple(entries), len(number)) for entries in blocks]
    return np.array(flat, dtype=np.int64).reshape(n, m)


def _project(
    name: str, x: NDArray[np.float64], weights_name: str, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):
        product = matmul(x, weights)
    if not is_finite(product):
        raise ValueError(f"`{name}` times `{weights_name}` overflows, expected less")
    return product


def _as_queries_and_keys(
    queries: ArrayLike, keys: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return scaled queries, keys, and a bound on the absolute value of any score."""
    q = as_array("queries", queries, "...", "N", "d_k")
    k = as_array("keys", keys, "...", "M", q.shape[-1])
    q = q / math.sqrt(q.shape[-1])
    bound = _largest_norm(q) * _largest_norm(k)  # Cauchy and Schwarz
    if bound > 1e307:
        raise ValueError(f"`queries` times `keys` reaches {bound:g}, expected <= 1e307")
    return q, k, bound


def _largest_norm(vectors: NDArray[np.float64]) -> float:
    with np.errstate(over="ignore"):
        square = float(np.vecdot(vectors, vectors).max(initial=0.0))
    if 1e-200 < square < math.inf:
        return math.sqrt(square)
    # Squares overflow or vanish: relative to the largest entry they do neither.
    largest = float(np.abs(vectors).max(initial=0.0))
    return largest * _largest_norm(vectors / largest) if largest else 0.0


def _as_mask(mask: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    allowed = as_booleans("mask", mask)
    try:
        allowed = np.broadcast_to(allowed, shape)
    except ValueError:
        raise ValueError(
            f"`mask` has shape {allowed.shape}, expected one that broadcasts to {shape}"
        ) from None
    empty = ~allowed.any(axis=-1)
    if empty.any():
        raise ValueError(
            f"`mask` leaves row {np.argwhere(empty)[0][-1]} empty, expected a key a row"
        )
    return allowed


def _as_heads(
    weights: ArrayLike, value_weights: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # For their dimensions: the entries are looked at below.
    a = as_array("weights", weights, finite=False)
    w_v = as_array("value_weights", value_weights, finite=False)
    if a.ndim == w_v.ndim == 2:
        a, w_v = a[None], w_v[None]
    a = as_numbers("weights", a, "h", "N", "N", at_least=0.0, at_most=1.0)
    return a, as_numbers(
        "value_weights", w_v, len(a), "d", "d_v", at_least=-_LARGE, at_most=_LARGE
    )


def _attend(
    q: NDArray[np.float64],
    k: NDArray[np.float64],
    v: NDArray[np.float64],
    mask: NDArray[np.bool_] | None,
    mixed: NDArray[np.float64],
    *,
    bound: float,
) -> None:
    """Add the weighted means of `v` to the zeros in `mixed`."""
    batch = mixed.shape[:-2]
    rows = min(q.shape[-2], _BLOCK_ROWS)
    columns = min(k.shape[-2], _BLOCK // rows)
    if batch and math.prod(batch) * rows * columns > _BLOCK:
        # Too many scores at once: each half of the batch, then each of its members.
        middle = batch[0] // 2
        for part in (slice(middle), slice(middle, None)) if middle else (0,):
            part_mask = None if mask is None else mask[part]
            _attend(q[part], k[part], v[part], part_mask, mixed[part], bound=bound)
        return
    block = np.empty((*batch, rows, columns))  # one for all, to stay in the cache
    tops = np.full((*mixed.shape[:-1], 1), -bound)
    totals = np.zeros_like(tops)
    for column in _slices(k.shape[-2], columns):
        # Copied once, because a product with a transpose is slower.
        keys = np.ascontiguousarray(k[..., column, :].swapaxes(-1, -2))
        values, ones = v[..., column, :], np.ones((keys.shape[-1], 1))
        for row in _slices(q.shape[-2], rows):
            top, total, mean = (a[..., row, :] for a in (tops, totals, mixed))
            scores = block[..., : top.shape[-2], : keys.shape[-1]]
            matmul(q[..., row, :], keys, scores)
            if mask is not None:
                np.copyto(scores, -np.inf, where=~mask[..., row, column])
            if bound > _SAFE_SCORE:
                higher = np.maximum(top, scores.max(axis=-1, keepdims=True))
                decay = np.exp(top - higher)
                scores -= higher
                total *= decay
                mean *= decay
                top[...] = higher
            np.exp(scores, out=scores)
            total += scores @ ones
            mean += matmul(scores, values)
    mixed /= totals


def _slices(length: int, step: int) -> Iterator[slice]:
    return (slice(start, start + step) for start in range(0, length, step))
