r"""Attention, and the matrix that one layer of it is for one input.

Rows are positions: an input of $N$ vectors of dimension $d$ is an $N \times d$ matrix
$X$, weights multiply it from the right, $Q = X W_q$, and the softmax normalizes each
row. A mask contains `True` where a position (row) may attend to another (column). A
query that may attend to no key has no output: that is a `ValueError`.

Weights are as exact as their scores: a score $s$ is rounded by about $10^{-16} |s|$,
and a weight by that part of itself.
"""

import math
import sys
from dataclasses import dataclass
from typing import TypeAlias

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
    check_results,
    contract,
    is_finite,
    largest_size,
)
from hw4lib._elementary import softmax
from hw4lib._engine import check_engine
from hw4lib._typing import Engine
from hw4lib.architecture import _flash

__all__ = [
    "AttentionCounts",
    "AttentionFactors",
    "AttentionGradient",
    "apply_attention_matrix",
    "attention_counts",
    "attention_factors",
    "attention_gradient",
    "attention_matrix",
    "attention_weights",
    "block_pattern",
    "causal_mask",
    "multi_head_attention",
    "scaled_dot_product_attention",
    "self_attention",
]

_Operands: TypeAlias = tuple[
    NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]
]
_Masking: TypeAlias = tuple[NDArray[np.bool_], NDArray[np.float64], bool]

# Scores held at a time: two megabytes of them.
_BLOCK = 2**18


@dataclass(frozen=True, eq=False)
class AttentionGradient:
    """Gradient of a scalar with respect to queries, keys and values."""

    queries: NDArray[np.float64]
    """Gradient with respect to the queries, in their shape."""

    keys: NDArray[np.float64]
    """Gradient with respect to the keys, in their shape."""

    values: NDArray[np.float64]
    """Gradient with respect to the values, in their shape."""


@dataclass(frozen=True, eq=False)
class AttentionFactors:
    r"""The two factors of the matrix $A \otimes W_v^\top$ of one attention head."""

    mixing: NDArray[np.float64]
    r"""$A \otimes I$, `(N d_v, N d_v)`: computed from the input, nothing learned."""

    shared: NDArray[np.float64]
    r"""$I_N \otimes W_v^\top$, `(N d_v, N d)`: learned, one block $N$ times over."""


@dataclass(frozen=True, eq=False)
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


@contract
def causal_mask(length: int) -> NDArray[np.bool_]:
    r"""Return the mask that lets position $n$ attend to the positions up to $n$.

    Args:
        length: Number $N$ of positions.

    Returns:
        The mask, `True` on and below the diagonal, shape `(N, N)`.

    Raises:
        MemoryError: If the mask would not fit into memory.

    References:
        Homework 4, Problem 3.3(b), whose attention has no mask: with this one, a
        permuted input no longer gives the permuted output.

    Examples:
        >>> causal_mask(2)
        array([[ True, False],
               [ True,  True]])
    """
    n = as_integer("length", length, at_least=1)
    check_memory("length", n, n, n)
    return np.tri(n, dtype=bool)


@contract
def attention_weights(
    queries: ArrayLike,
    keys: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    bias: ArrayLike | None = None,
) -> NDArray[np.float64]:
    r"""Return $A = \operatorname{rowsoftmax}(Q K^\top / \sqrt{d_k} + B)$.

    Args:
        queries: Queries $Q$, shape `(..., N, d_k)`.
        keys: Keys $K$, shape `(..., M, d_k)`.
        mask: Which query may attend to which key, boolean or 0 and 1, broadcastable to
            `(..., N, M)`; all of them if not given.
        bias: What is added to the scores, broadcastable to `(..., N, M)`: finite, or
            $-\infty$ where a query may not attend to a key.

    Returns:
        Weights, shape `(..., N, M)`: each row sums to 1, and is zero where the query
            may not attend.

    Raises:
        ValueError: If `mask` and `bias` leave a query no key.
        MemoryError: If the weights would not fit into memory.

    References:
        Homework 4, [Problem 3.3(a)][3-3-a], which leaves the axis of the softmax open.

    Examples:
        >>> attention_weights([[0.0], [1.0]], [[0.0], [0.0]])
        array([[0.5, 0.5],
               [0.5, 0.5]])
    """
    q = as_array("queries", queries, "...", "N", "d_k")
    k = as_array("keys", keys, "...", "M", q.shape[-1])
    lead = check_broadcast(queries=q[..., 0, 0], keys=k[..., 0, 0])
    shape = (*lead, q.shape[-2], k.shape[-2])
    check_memory("queries", q.shape, *shape)
    return _weights(q, k, *_as_allowed(mask, bias, shape))


@contract
def scaled_dot_product_attention(
    queries: ArrayLike,
    keys: ArrayLike,
    values: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    engine: Engine = "numpy",
) -> NDArray[np.float64]:
    r"""Return $Y = \operatorname{rowsoftmax}(Q K^\top / \sqrt{d_k} + B) \, V$.

    A row of the softmax needs no other row: so the $N \times M$ weights are never held
    as a whole, but those of a few queries at a time. Beyond arguments and result this
    takes a few megabytes for any $N$ (and $M$ numbers for a query).

    Args:
        queries: Queries $Q$, shape `(..., N, d_k)`.
        keys: Keys $K$, shape `(..., M, d_k)`.
        values: Values $V$, shape `(..., M, d_v)`.
        mask: Which query may attend to which key, boolean or 0 and 1, broadcastable to
            `(..., N, M)`; all of them if not given.
        bias: What is added to the scores, broadcastable to `(..., N, M)`: finite, or
            $-\infty$ where a query may not attend to a key.
        engine: What computes, NumPy or loops that Numba compiles.

    Returns:
        Weighted means of the values, shape `(..., N, d_v)`.

    Raises:
        ValueError: If `mask` and `bias` leave a query no key.
        ImportError: If `engine` is `"numba"`, and Numba is missing.

    References:
        Homework 4, [Problem 3.3(a)][3-3-a].

    Examples:
        >>> scaled_dot_product_attention([[0.0], [1e4]], [[0.0], [1.0]], [[2.0], [4.0]])
        array([[3.],
               [4.]])
    """
    operands, _ = _as_operands(queries, keys, values)
    return _attend(engine, operands, mask, bias)


@contract
def attention_gradient(
    queries: ArrayLike,
    keys: ArrayLike,
    values: ArrayLike,
    output_gradient: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    engine: Engine = "numpy",
) -> AttentionGradient:
    r"""Return the gradients of a scalar $E$ from that with respect to the outputs.

    The outputs are $Y = AV$ with $A = \operatorname{rowsoftmax}(S)$ and
    $S = Q K^\top / \sqrt{d_k} + B$. With $G = \partial E / \partial Y$,

    $$\begin{aligned}
    \frac{\partial E}{\partial V} &= A^\top G, \\
    \frac{\partial E}{\partial S_{nm}} &= A_{nm}
    \Bigl( (G V^\top)_{nm} - \sum_j A_{nj} (G V^\top)_{nj} \Bigr), \\
    \frac{\partial E}{\partial Q} &=
    \frac{\partial E}{\partial S} \frac{K}{\sqrt{d_k}}, \qquad
    \frac{\partial E}{\partial K} =
    \Bigl( \frac{\partial E}{\partial S} \Bigr)^{\!\top} \frac{Q}{\sqrt{d_k}}.
    \end{aligned}$$

    The rows of $\partial E / \partial S$ sum to 0, because a constant added to a row of
    scores changes no weight. As in the forward direction, the $N \times M$ weights are
    never held as a whole.

    Args:
        queries: Queries $Q$, shape `(..., N, d_k)`.
        keys: Keys $K$, shape `(..., M, d_k)`.
        values: Values $V$, shape `(..., M, d_v)`.
        output_gradient: Gradient $G$, shape `(..., N, d_v)` with the leading axes that
            queries, keys and values broadcast to.
        mask: Which query may attend to which key, boolean or 0 and 1, broadcastable to
            `(..., N, M)`; all of them if not given.
        bias: What is added to the scores, broadcastable to `(..., N, M)`: finite, or
            $-\infty$ where a query may not attend to a key.
        engine: What computes, NumPy or loops that Numba compiles.

    Returns:
        The gradients, each in the shape of its argument: what was repeated along a
            leading axis has the sum over it.

    Raises:
        ValueError: If `mask` and `bias` leave a query no key.
        ImportError: If `engine` is `"numba"`, and Numba is missing.
        MemoryError: If the gradients of all heads would not fit into memory.

    References:
        Homework 4, [Problem 3.3(a)][3-3-a], whose layer this differentiates.

    Examples:
        A single key has weight 1, whatever its score is:

        >>> attention_gradient([[1.0]], [[2.0]], [[3.0]], [[5.0]]).values
        array([[5.]])

        Of two with equal scores, more weight on the larger value increases $E$:

        >>> attention_gradient([[1.0]], [[2.0], [2.0]], [[0.0], [4.0]], [[1.0]]).keys
        array([[-1.],
               [ 1.]])
    """
    (q, k, v), lead = _as_operands(queries, keys, values)
    g = as_array("output_gradient", output_gradient)
    expected = (*lead, q.shape[-2], v.shape[-1])
    if g.shape != expected:
        raise ValueError(f"`output_gradient` has shape {g.shape}, expected {expected}")
    # Of each head, before those of heads that share their keys are added up.
    check_memory("keys", k.shape, *lead, k.shape[-2], max(k.shape[-1], v.shape[-1]))
    check_engine(engine)
    alike, masking = _as_heads_alike((q, k, v), mask, bias)
    if engine == "numba" and _are_usual(masking, q, k, v, g):
        dq, dk, dv = _flash.gradients(alike, masking, g)
    else:
        allowed, offset, _ = masking
        dq, dk, dv = _gradients(alike, g, allowed, offset)
    found = (_sum_to(a, b.shape) for a, b in ((dq, q), (dk, k), (dv, v)))
    return AttentionGradient(*found)


@contract
def self_attention(
    inputs: ArrayLike,
    query_weights: ArrayLike,
    key_weights: ArrayLike,
    value_weights: ArrayLike,
    *,
    context: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    query_bias: ArrayLike | None = None,
    key_bias: ArrayLike | None = None,
    value_bias: ArrayLike | None = None,
    engine: Engine = "numpy",
) -> NDArray[np.float64]:
    r"""Return one head of self-attention, with $Q = X W_q$, $K = X W_k$, $V = X W_v$.

    With a context $C$ it is cross attention, $K = C W_k$ and $V = C W_v$.

    Args:
        inputs: Input $X$, one position a row, shape `(..., N, d)`.
        query_weights: $W_q$, shape `(d, d_k)`.
        key_weights: $W_k$, shape `(d_c, d_k)`, where $d_c = d$ without a context.
        value_weights: $W_v$, shape `(d_c, d_v)`.
        context: Where keys and values come from, shape `(..., M, d_c)`; the inputs
            themselves if not given.
        mask: Which query may attend to which key, boolean or 0 and 1, broadcastable to
            `(..., N, M)`; all of them if not given.
        bias: What is added to the scores, broadcastable to `(..., N, M)`: finite, or
            $-\infty$ where a query may not attend to a key.
        query_bias: Added to the queries, shape `(d_k)`.
        key_bias: Added to the keys, shape `(d_k)`. It adds one constant to a row of
            scores, so the softmax cancels it.
        value_bias: Added to the values, shape `(d_v)`.
        engine: What computes, NumPy or loops that Numba compiles.

    Returns:
        Outputs $Y$, shape `(..., N, d_v)`.

    Raises:
        ValueError: If `mask` and `bias` leave a query no key.
        ImportError: If `engine` is `"numba"`, and Numba is missing.

    References:
        Homework 4, [Problem 3.3(a)][3-3-a].

    Examples:
        >>> self_attention([[1.0], [3.0]], [[0.0]], [[1.0]], [[10.0]])
        array([[20.],
               [20.]])
    """
    x, c = _as_inputs(inputs, context)
    w_q = as_array("query_weights", query_weights, x.shape[-1], "d_k")
    w_k = as_array("key_weights", key_weights, c.shape[-1], w_q.shape[-1])
    w_v = as_array("value_weights", value_weights, c.shape[-1], "d_v")
    check_memory("query_weights", w_q.shape, *x.shape[:-1], w_q.shape[-1])
    check_memory("key_weights", w_k.shape, *c.shape[:-1], w_k.shape[-1])
    check_memory("value_weights", w_v.shape, *c.shape[:-1], w_v.shape[-1])
    q = x @ w_q + _as_bias("query_bias", query_bias, w_q)
    k = c @ w_k + _as_bias("key_bias", key_bias, w_k)
    v = c @ w_v + _as_bias("value_bias", value_bias, w_v)
    return _attend(engine, (q, k, v), mask, bias)


@contract
def multi_head_attention(
    inputs: ArrayLike,
    query_weights: ArrayLike,
    key_weights: ArrayLike,
    value_weights: ArrayLike,
    output_weights: ArrayLike,
    *,
    context: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    query_bias: ArrayLike | None = None,
    key_bias: ArrayLike | None = None,
    value_bias: ArrayLike | None = None,
    output_bias: ArrayLike | None = None,
    engine: Engine = "numpy",
) -> NDArray[np.float64]:
    r"""Return $Y = [H_1 \mid \dots \mid H_h] \, W_o$ of $h$ heads $H_i$ side by side.

    Each head is a [`self_attention`][hw4lib.architecture.attention.self_attention] with
    weights of its own.

    Args:
        inputs: Input $X$, one position a row, shape `(..., N, d)`.
        query_weights: $W_q$ of each head, shape `(h, d, d_k)`.
        key_weights: $W_k$ of each head, shape `(h, d_c, d_k)`, where $d_c = d$ without
            a context.
        value_weights: $W_v$ of each head, shape `(h, d_c, d_v)`.
        output_weights: $W_o$, shape `(h * d_v, d_out)`.
        context: Where keys and values come from, shape `(..., M, d_c)`; the inputs
            themselves if not given.
        mask: Which query may attend to which key, boolean or 0 and 1, broadcastable to
            `(..., h, N, M)`:
            `(N, M)` for all, `(h, N, M)` for each head, `(B, 1, N, M)` for each member
            of a batch. All of them if not given.
        bias: What is added to the scores, broadcastable to `(..., h, N, M)`: finite, or
            $-\infty$ where a query may not attend to a key.
        query_bias: Added to the queries, shape `(h, d_k)`.
        key_bias: Added to the keys, shape `(h, d_k)`. It adds one constant to a row of
            scores, so the softmax cancels it.
        value_bias: Added to the values, shape `(h, d_v)`.
        output_bias: Added to the outputs, shape `(d_out)`.
        engine: What computes, NumPy or loops that Numba compiles.

    Returns:
        Outputs $Y$, shape `(..., N, d_out)`.

    Raises:
        ValueError: If `mask` and `bias` leave a query no key.
        ImportError: If `engine` is `"numba"`, and Numba is missing.

    References:
        Homework 4, [Problem 3.3(b)][3-3-b].

    Examples:
        Two heads that copy their values, averaged:

        >>> zero, one = np.zeros((2, 1, 1)), np.ones((2, 1, 1))
        >>> multi_head_attention([[1.0], [3.0]], zero, zero, one, [[0.5], [0.5]])
        array([[2.],
               [2.]])
    """
    x, c = _as_inputs(inputs, context)
    w_q = as_array("query_weights", query_weights, "h", x.shape[-1], "d_k")
    heads, _, d_k = w_q.shape
    w_k = as_array("key_weights", key_weights, heads, c.shape[-1], d_k)
    w_v = as_array("value_weights", value_weights, heads, c.shape[-1], "d_v")
    w_o = as_array("output_weights", output_weights, heads * w_v.shape[-1], "d_out")
    x, c = x[..., None, :, :], c[..., None, :, :]  # the same for every head
    q = x @ w_q + _as_bias("query_bias", query_bias, w_q)
    k = c @ w_k + _as_bias("key_bias", key_bias, w_k)
    v = c @ w_v + _as_bias("value_bias", value_bias, w_v)
    y = _attend(engine, (q, k, v), mask, bias).swapaxes(-3, -2)
    side_by_side = y.reshape(*y.shape[:-2], len(w_o))
    return np.asarray(side_by_side @ w_o) + _as_bias("output_bias", output_bias, w_o)


@contract(checked=True)
def attention_matrix(
    weights: ArrayLike,
    value_weights: ArrayLike,
    *,
    output_weights: ArrayLike | None = None,
) -> NDArray[np.float64]:
    r"""Return the matrix $A \otimes W_v^\top$ that a layer is, for given attention.

    With the positions stacked, $\bar x = (x_1; \dots; x_N)$, the output is
    $\bar y = M \bar x$, and the block of $M$ in row $n$ and column $m$ is
    $A_{nm} W_v^\top$. Heads add up:
    $M = \sum_i A_i \otimes (W_v^{(i)} W_o^{(i)})^\top$.
    The weights $A$ depend on the input, so this is no fixed linear map.

    Args:
        weights: Attention $A$, from 0 to 1, shape `(N, N)`, or `(h, N, N)` with heads.
        value_weights: $W_v$, shape `(d, d_v)`, or `(h, d, d_v)` with heads.
        output_weights: $W_o$, shape `(h * d_v, d_out)`: each $W_v^{(i)}$ is then
            $W_v^{(i)} W_o^{(i)}$, with the rows of head $i$. None if not given.

    Returns:
        The matrix $M$, shape `(N * d_v, N * d)`.

    Raises:
        MemoryError: If the matrix would not fit into memory.

    References:
        Homework 4, [Problem 3.3(a)][3-3-a].

    Examples:
        >>> attention_matrix([[1.0, 0.0], [0.5, 0.5]], [[2.0]])
        array([[2., 0.],
               [1., 1.]])
    """
    a, w_v = _as_heads(weights, value_weights, output_weights)
    (_, n, m), (_, d, d_v) = a.shape, w_v.shape
    check_memory("weights", a.shape, n * d_v, m * d)
    # Rows of the matrix as wholes, because NumPy is slow along short axes.
    mixing, shared = np.repeat(a, d, axis=2), np.tile(w_v.mT, m)
    blocks = np.einsum("hnx,hex->nex", mixing, shared)  # row e of A_nm W_v' for all m
    # A weight is at most 1, so that no entry is larger than this bound.
    if not math.isfinite(len(a) * largest_size(w_v)):
        check_results(blocks)
    return np.asarray(blocks.reshape(n * d_v, m * d))


@contract
def attention_factors(weights: ArrayLike, value_weights: ArrayLike) -> AttentionFactors:
    r"""Return the factors $A \otimes I$ and $I_N \otimes W_v^\top$ of a head's matrix.

    Their product is $A \otimes W_v^\top$. The second is what is learned: sparse, and
    one block shared by all positions. The first mixes positions and is sparse too, but
    is computed anew for every input.

    Args:
        weights: Attention $A$, from 0 to 1, shape `(N, N)`.
        value_weights: $W_v$, shape `(d, d_v)`.

    Returns:
        Both factors.

    Raises:
        MemoryError: If a factor would not fit into memory.

    References:
        Homework 4, [Problem 3.3(a)][3-3-a].

    Examples:
        >>> factors = attention_factors([[1.0, 0.0], [0.5, 0.5]], [[2.0]])
        >>> factors.mixing @ factors.shared
        array([[2., 0.],
               [1., 1.]])
    """
    a = as_numbers("weights", weights, "N", "N", at_least=0.0, at_most=1.0)
    w_v = as_array("value_weights", value_weights, "d", "d_v")
    (n, _), (d, d_v) = a.shape, w_v.shape
    check_memory("value_weights", w_v.shape, n * d_v, n * max(d, d_v))
    return AttentionFactors(
        mixing=np.asarray(np.kron(a, np.eye(d_v)), float),
        shared=np.asarray(np.kron(np.eye(n), w_v.T), float),
    )


@contract
def apply_attention_matrix(
    stacked: ArrayLike,
    weights: ArrayLike,
    value_weights: ArrayLike,
    *,
    output_weights: ArrayLike | None = None,
) -> NDArray[np.float64]:
    r"""Return $(A \otimes W_v^\top) \, \bar x$ without the matrix, as $A (X W_v)$.

    It takes $N d_v (N + d)$ products in place of the $N^2 d \, d_v$ of
    [`attention_matrix`][hw4lib.architecture.attention.attention_matrix].

    Args:
        stacked: The positions one after the other, $\bar x$, shape `(N * d)`.
        weights: Attention $A$, from 0 to 1, shape `(N, N)`, or `(h, N, N)` with heads.
        value_weights: $W_v$, shape `(d, d_v)`, or `(h, d, d_v)` with heads.
        output_weights: $W_o$, shape `(h * d_v, d_out)`: each $W_v^{(i)}$ is then
            $W_v^{(i)} W_o^{(i)}$, with the rows of head $i$. None if not given.

    Returns:
        The outputs one after the other, $\bar y$, shape `(N * d_v)`.

    References:
        Homework 4, [Problem 3.3(a)][3-3-a].

    Examples:
        >>> apply_attention_matrix([1.0, 3.0], [[1.0, 0.0], [0.5, 0.5]], [[2.0]])
        array([2., 4.])
    """
    a, w_v = _as_heads(weights, value_weights, output_weights)
    n, d = a.shape[-1], w_v.shape[-2]
    x = as_array("stacked", stacked, n * d).reshape(n, d)
    return np.asarray((a @ (x @ w_v)).sum(axis=0).reshape(-1))


@contract
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

    References:
        Homework 4, [Problem 3.3(a)][3-3-a].

    Examples:
        >>> counts = attention_counts(3, 2)
        >>> counts.product_nonzeros, counts.shared_nonzeros, counts.learned_parameters
        (36, 12, 12)
    """
    n = as_integer("length", length, at_least=1)
    d = as_integer("dimension", dimension, at_least=1)
    pairs = n**2
    if mask is not None:
        allowed = _as_mask(mask, (n, n))
        _check_rows("mask", allowed)
        # A row or an entry that is broadcast counts as often as it is repeated.
        pairs = int(allowed.sum()) * (n**2 // allowed.size)
    return AttentionCounts(
        dense_parameters=n**2 * d**2,
        learned_parameters=3 * d**2,
        mixing_weights=pairs,
        shared_nonzeros=n * d**2,
        shared_zero_blocks=n * (n - 1),
        mixing_nonzeros=pairs * d,
        product_nonzeros=pairs * d**2,
    )


@contract
def block_pattern(matrix: ArrayLike, block: tuple[int, int]) -> NDArray[np.int64]:
    r"""Return which blocks of a matrix are zero and which are equal.

    Args:
        matrix: The matrix, shape `(N * p, M * q)`.
        block: Shape `(p, q)` of a block.

    Returns:
        A number for each block, shape `(N, M)`: 0 for a block of zeros, otherwise the
        same number for equal blocks, counted from 1 in order of appearance.

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


def _weights(
    q: NDArray[np.float64],
    k: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    bias: NDArray[np.float64],
) -> NDArray[np.float64]:
    scores = (q / math.sqrt(q.shape[-1])) @ k.mT
    if not is_finite(scores):  # and -inf would look like a mask
        raise OverflowError
    scores += bias
    np.copyto(scores, -np.inf, where=~allowed)
    return softmax(scores)


def _attend(
    engine: Engine,
    operands: _Operands,
    mask: ArrayLike | None,
    bias: ArrayLike | None,
) -> NDArray[np.float64]:
    check_engine(engine)
    (q, k, v), masking = _as_heads_alike(operands, mask, bias)
    check_memory("values", v.shape, *q.shape[:-1], v.shape[-1])
    if engine == "numba" and _are_usual(masking, *operands):
        return _flash.means((q, k, v), masking)[0]
    allowed, offset, _ = masking
    return _means(q, k, v, allowed, offset)


def _as_operands(
    queries: ArrayLike, keys: ArrayLike, values: ArrayLike
) -> tuple[_Operands, tuple[int, ...]]:
    """Return checked queries, keys and values, and the leading axes of the outputs."""
    q = as_array("queries", queries, "...", "N", "d_k")
    k = as_array("keys", keys, "...", "M", q.shape[-1])
    v = as_array("values", values, "...", k.shape[-2], "d_v")
    lead = check_broadcast(queries=q[..., 0, 0], keys=k[..., 0, 0], values=v[..., 0, 0])
    return (q, k, v), lead


def _as_heads_alike(
    operands: _Operands,
    mask: ArrayLike | None,
    bias: ArrayLike | None,
) -> tuple[_Operands, _Masking]:
    """Return operands, mask and bias, repeated along leading axes.

    The mask and the bias come with whether either was given.
    """
    q, k, v = operands
    lead = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    masking = _as_allowed(mask, bias, (*lead, q.shape[-2], k.shape[-2]))
    q, k, v = (np.broadcast_to(a, (*lead, *a.shape[-2:])) for a in operands)
    return (q, k, v), (*masking, mask is not None or bias is not None)


def _are_usual(masking: _Masking, *arrays: NDArray[np.float64]) -> bool:
    """Whether all numbers are far from the ends of the floats; else NumPy computes."""
    _, bias, masked = masking
    usual = all(not size or 1e-70 < size < 1e70 for size in map(largest_size, arrays))
    return usual and (not masked or float(bias.max(initial=0.0)) < 1e70)


def _gradients(
    operands: _Operands,
    g: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    bias: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the gradients of queries, keys and values, a few queries at a time."""
    q, k, v = operands
    dq, dk, dv = (np.zeros(a.shape) for a in operands)
    size, root = max(1, _BLOCK // k.shape[-2]), math.sqrt(q.shape[-1])
    for head in np.ndindex(q.shape[:-2]):
        for start in range(0, q.shape[-2], size):
            some = (*head, slice(start, start + size))
            p = _weights(q[some], k[head], allowed[some], bias[some])
            dp = g[some] @ v[head].T
            ds = p * (dp - (p * dp).sum(axis=-1, keepdims=True)) / root
            dq[some] = ds @ k[head]
            dk[head] += ds.T @ q[some]
            dv[head] += p.T @ g[some]
    return dq, dk, dv


def _sum_to(array: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Sum over the axes along which an argument of that shape was repeated."""
    array = array.sum(axis=tuple(range(array.ndim - len(shape))))
    repeated = tuple(i for i in range(len(shape)) if shape[i] != array.shape[i])
    return np.asarray(array.sum(axis=repeated, keepdims=True))


def _means(
    q: NDArray[np.float64],
    k: NDArray[np.float64],
    v: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    bias: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the weighted means of the values, from a few queries at a time."""
    *lead, n, _ = allowed.shape
    y = np.empty((*lead, n, v.shape[-1]))
    size = max(1, _BLOCK // max(1, math.prod(allowed.shape[1:])))
    if lead and size == 1:
        for i in range(len(y)):
            y[i] = _means(q[i], k[i], v[i], allowed[i], bias[i])
        return y
    for i in range(0, len(y), size):  # queries, or several members of a batch
        some = slice(i, i + size)
        own_k, own_v = (k[some], v[some]) if lead else (k, v)
        y[some] = _weights(q[some], own_k, allowed[some], bias[some]) @ own_v
    return y


def _as_inputs(
    inputs: ArrayLike, context: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x = as_array("inputs", inputs, "...", "N", "d")
    if context is None:
        return x, x
    c = as_array("context", context, "...", "M", "d_c")
    check_broadcast(inputs=x[..., 0, 0], context=c[..., 0, 0])
    return x, c


def _as_bias(
    name: str, bias: ArrayLike | None, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the bias of a projection, a row for each head, or zero."""
    heads, d = weights.shape[:-2], weights.shape[-1]
    if bias is None:
        return np.zeros(d)
    return as_array(name, bias, *heads, d).reshape(*heads, *(1,) * len(heads), d)


def _as_mask(mask: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    allowed = as_booleans("mask", mask)
    _check_fits("mask", allowed.shape, shape)
    return allowed


def _as_allowed(
    mask: ArrayLike | None, bias: ArrayLike | None, shape: tuple[int, ...]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which query may attend to which key, and what is added to the scores."""
    if 8 * math.prod(shape) > sys.maxsize:
        raise MemoryError(f"the scores have shape {shape}, expected fewer")
    allowed, offset = np.asarray(True), np.asarray(0.0)
    if mask is not None:
        allowed = _as_mask(mask, shape)
        _check_rows("mask", allowed)
    if bias is not None:
        offset = as_array("bias", bias, finite=False)
        _check_fits("bias", offset.shape, shape)
        wrong = ~(offset < np.inf)
        if wrong.any():
            raise ValueError(
                f"`bias` holds {offset[wrong][0]}, expected finite numbers or -inf"
            )
        _check_rows("bias", (offset > -np.inf) & allowed)
    return np.broadcast_to(allowed, shape), np.broadcast_to(offset, shape)


def _check_fits(name: str, shape: tuple[int, ...], target: tuple[int, ...]) -> None:
    """Refuse what does not broadcast to the target, however large that is."""
    ends = zip(reversed(shape), reversed(target), strict=False)
    if len(shape) > len(target) or any(a not in {1, b} for a, b in ends):
        raise ValueError(
            f"`{name}` has shape {shape}, expected one that broadcasts to {target}"
        )


def _check_rows(name: str, allowed: NDArray[np.bool_]) -> None:
    empty = ~np.atleast_1d(allowed).any(axis=-1)
    if empty.any():
        row = np.argwhere(np.atleast_1d(empty))[0][-1]
        raise ValueError(f"`{name}` leaves row {row} empty, expected a key a row")


def _as_heads(
    weights: ArrayLike, value_weights: ArrayLike, output_weights: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights and value weights of each head, combined with the output's."""
    a = as_numbers("weights", weights, at_least=0.0, at_most=1.0)
    w_v = as_array("value_weights", value_weights)
    if a.ndim == w_v.ndim == 2:
        a, w_v = a[None], w_v[None]
    a = as_array("weights", a, "h", "N", "N")
    w_v = as_array("value_weights", w_v, len(a), "d", "d_v")
    if output_weights is None:
        return a, w_v
    heads, _, d_v = w_v.shape
    w_o = as_array("output_weights", output_weights, heads * d_v, "d_out")
    return a, w_v @ w_o.reshape(heads, d_v, -1)
