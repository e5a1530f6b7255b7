r"""Graph attention: each node takes a weighted mean over its neighbors.

The weights are a softmax of scores $e(h_i, h_j)$ over the neighbors $j$ of node $i$.
Edges are directed: $(i, j)$, or a one in row $i$ and column $j$ of an adjacency matrix,
says that node $i$ attends to node $j$. A node is its own neighbor only if the graph
says so; what is missing,
[`add_self_loops`][hw4lib.architecture.graph.add_self_loops] adds. Without
adjacency or edges the graph is complete, self-loops included.
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
    as_integers,
    as_number,
    as_numbers,
    check_memory,
)
from hw4lib._products import matmul
from hw4lib.architecture.attention import (
    _as_queries_and_keys,
    scaled_dot_product_attention,
)

__all__ = [
    "SharedWeightScore",
    "add_self_loops",
    "additive_attention_weights",
    "additive_graph_attention",
    "graph_attention",
    "graph_attention_from_scores",
    "neighbor_rankings",
    "score_spread",
    "shared_weight_score",
]

# So many entries of gathered neighbors stay in the cache of one core.
_CHUNK = 2**17
# Scores and values up to here do not overflow.
_LARGE = 1e290


@dataclass(frozen=True)
class SharedWeightScore:
    r"""A bilinear score of the values $W_v^\top h$ themselves."""

    matrix: NDArray[np.float64]
    r"""The $B$ whose score comes closest in least squares, `(d_v, d_v)`."""

    residual: float
    r"""Largest entry of $\lvert W_v B W_v^\top - W_q W_k^\top / \sqrt{d_k} \rvert$.

    It is 0 if and only if the two scores agree on all inputs.
    """


def graph_attention(
    nodes: ArrayLike,
    query_weights: ArrayLike,
    key_weights: ArrayLike,
    value_weights: ArrayLike,
    *,
    adjacency: ArrayLike | None = None,
    edges: ArrayLike | None = None,
) -> NDArray[np.float64]:
    r"""Return graph attention whose scores are scaled dot products.

    The score is $e(h_i, h_j) = (W_q^\top h_i) \cdot (W_k^\top h_j) / \sqrt{d_k}$, the
    values are $W_v^\top h_j$. On the complete graph with self-loops this is one head of
    [`self_attention`][hw4lib.architecture.attention.self_attention], and an adjacency
    matrix is its mask. From edges, memory grows with their number and not with $N^2$.
    There the features of a neighbor are read once if $2d \le d_k + d_v$: the score is
    $h_i^\top (W_q W_k^\top) \, h_j / \sqrt{d_k}$ as well, and the mean of the values is
    that of the features times $W_v$.

    Args:
        nodes: Node features $h_i$, one node a row, shape `(N, d)`.
        query_weights: $W_q$, shape `(d, d_k)`.
        key_weights: $W_k$, shape `(d, d_k)`.
        value_weights: $W_v$, shape `(d, d_v)`.
        adjacency: Boolean or 0 and 1, shape `(N, N)`.
        edges: Each edge $(i, j)$ once, in any order, shape `(E, 2)`.

    Returns:
        New node features, shape `(N, d_v)`.

    Raises:
        TypeError: If an argument is not real, or `edges` not of integers.
        ValueError: If shapes do not fit, values are not finite or so large that
            products overflow, a node has no neighbor, an edge is there twice, or both
            `adjacency` and `edges` are given.

    References:
        Homework 4, [Problem 3.4(a)][3-4-a].

    Examples:
        >>> one = [[1.0]]
        >>> graph_attention([[1.0], [2.0]], one, one, one, edges=[[0, 1], [1, 0]])
        array([[2.],
               [1.]])
    """
    x = as_array("nodes", nodes, "N", "d")
    w_q = as_array("query_weights", query_weights, x.shape[1], "d_k")
    w_k = as_array("key_weights", key_weights, x.shape[1], w_q.shape[1])
    w_v = as_array("value_weights", value_weights, x.shape[1], "d_v")
    _check_one(adjacency, edges)
    if edges is not None and _is_narrow(x, w_q, w_k, w_v):
        q = matmul(x, w_q @ w_k.T / math.sqrt(w_q.shape[1]))
        return matmul(_mix_edges(q, x, x, edges), w_v)
    q = _project(x, "query_weights", w_q)
    k = _project(x, "key_weights", w_k)
    v = _project(x, "value_weights", w_v)
    if edges is not None:
        q, k, _ = _as_queries_and_keys(q, k)
        return _mix_edges(q, k, v, edges)
    mask = None if adjacency is None else _as_adjacency(adjacency, len(x))
    return scaled_dot_product_attention(q, k, v, mask=mask)


def graph_attention_from_scores(
    scores: ArrayLike,
    values: ArrayLike,
    *,
    adjacency: ArrayLike | None = None,
    edges: ArrayLike | None = None,
) -> NDArray[np.float64]:
    r"""Return graph attention with given scores.

    Args:
        scores: Scores $e_{ij}$, shape `(N, N)`, or of each edge, shape `(E)`.
        values: Values $v_j$, one node a row, shape `(N, d_v)`.
        adjacency: Boolean or 0 and 1, shape `(N, N)`.
        edges: Each edge $(i, j)$ once, in any order, shape `(E, 2)`.

    Returns:
        New node features, shape `(N, d_v)`.

    Examples:
        >>> graph_attention_from_scores([[0.0, 0.0], [0.0, 0.0]], [[1.0], [3.0]])
        array([[2.],
               [2.]])
    """
    _check_one(adjacency, edges)
    v = as_array("values", values, "N", "d_v")
    n = len(v)
    if edges is None:
        e = as_array("scores", scores, n, n).copy()
        if adjacency is not None:
            np.copyto(e, -np.inf, where=~_as_adjacency(adjacency, n))
        return np.asarray(_softmax(e) @ v)
    pairs = _as_edges(edges, n)
    full = np.full((n, n), -np.inf)
    full[pairs[:, 0], pairs[:, 1]] = as_array("scores", scores, len(pairs))
    return np.asarray(_softmax(full) @ v)


def additive_graph_attention(
    nodes: ArrayLike,
    weights: ArrayLike,
    center_vector: ArrayLike,
    neighbor_vector: ArrayLike,
    *,
    slope: float = 0.2,
    adjacency: ArrayLike | None = None,
    edges: ArrayLike | None = None,
) -> NDArray[np.float64]:
    r"""Return the original graph attention layer, before its outer nonlinearity.

    With $s_i = a_1^\top W^\top h_i$ and $t_j = a_2^\top W^\top h_j$ the score is
    $\operatorname{LeakyReLU}(s_i + t_j)$, and the values are $W^\top h_j$.

    On the complete graph this takes $O(N \log N + N d)$ steps, exactly. A neighbor's
    weight is $e^{s_i} e^{t_j}$ if $t_j > -s_i$ and $e^{\alpha s_i} e^{\alpha t_j}$
    otherwise, so with the $t_j$ in order, each sum over neighbors is one sum from
    the end and one from the start, and all of those are cumulative sums. Relative to
    the largest $t_j$ no exponential exceeds 1 and no denominator falls below it.

    Args:
        nodes: Node features $h_i$, one node a row, shape `(N, d)`.
        weights: $W$ of scores and values, shape `(d, d_v)`.
        center_vector: $a_1$, for the node that attends, shape `(d_v)`.
        neighbor_vector: $a_2$, for the node attended to, shape `(d_v)`.
        slope: Slope $\alpha$ of the LeakyReLU, from 0 to 1.
        adjacency: Boolean or 0 and 1, shape `(N, N)`.
        edges: Each edge $(i, j)$ once, in any order, shape `(E, 2)`.

    Returns:
        New node features, shape `(N, d_v)`.

    Raises:
        TypeError: If an argument is not real, or `edges` not of integers.
        ValueError: If shapes do not fit, values are not finite or so large that
            products overflow, `slope` is out of range, a node has no neighbor, an edge
            is there twice, or both `adjacency` and `edges` are given.

    References:
        Homework 4, [Problem 3.4(a)][3-4-a]; the layer is that of Velickovic et al.,
        *Graph attention networks*, 2018.

    Examples:
        >>> additive_graph_attention([[1.0], [3.0]], [[1.0]], [1.0], [0.0])
        array([[2.],
               [2.]])
    """
    v, s, t, alpha = _additive(nodes, weights, center_vector, neighbor_vector, slope)
    _check_one(adjacency, edges)
    if edges is not None:
        mixed = np.empty_like(v)
        for group, neighbors in _neighborhoods(edges, *v.shape):
            scores = _leaky_relu(s[group, None] + t[neighbors], alpha)
            mixed[group] = np.vecmat(_softmax(scores), v.take(neighbors, axis=0))
        return mixed
    if adjacency is None:
        return _mix_complete(v, s, t, alpha)
    allowed = _as_adjacency(adjacency, len(v))
    rows = max(1, 2 * _CHUNK // len(v))
    return np.concatenate(
        [
            _weights_of(s[i : i + rows], t, alpha, allowed[i : i + rows]) @ v
            for i in range(0, len(v), rows)
        ]
    )


def additive_attention_weights(
    nodes: ArrayLike,
    weights: ArrayLike,
    center_vector: ArrayLike,
    neighbor_vector: ArrayLike,
    *,
    slope: float = 0.2,
    adjacency: ArrayLike | None = None,
) -> NDArray[np.float64]:
    r"""Return the weights of the original graph attention layer as a matrix.

    Row $i$ is the softmax of $\operatorname{LeakyReLU}(s_i + t_j)$ over the neighbors
    $j$ of node $i$. The score never decreases with $t_j$, which does not depend on
    $i$: all nodes rank their neighbors alike, but for ties if $\alpha = 0$.

    Args:
        nodes: Node features $h_i$, one node a row, shape `(N, d)`.
        weights: $W$, shape `(d, d_v)`.
        center_vector: $a_1$, for the node that attends, shape `(d_v)`.
        neighbor_vector: $a_2$, for the node attended to, shape `(d_v)`.
        slope: Slope $\alpha$ of the LeakyReLU, from 0 to 1.
        adjacency: Boolean or 0 and 1, shape `(N, N)`.

    Returns:
        Weights, shape `(N, N)`: each row sums to 1, and is 0 where there is no edge.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If shapes do not fit, values are not finite or so large that
            products overflow, `slope` is out of range, or a node has no neighbor.
        MemoryError: If the weights would not fit into memory.

    References:
        Homework 4, [Problem 3.4(a)][3-4-a].

    Examples:
        >>> nodes = [[0.0], [np.log(3.0)]]
        >>> additive_attention_weights(nodes, [[1.0]], [0.0], [1.0])
        array([[0.25, 0.75],
               [0.25, 0.75]])
    """
    v, s, t, alpha = _additive(nodes, weights, center_vector, neighbor_vector, slope)
    check_memory("nodes", np.shape(nodes), len(v), len(v))
    allowed = None if adjacency is None else _as_adjacency(adjacency, len(v))
    return _weights_of(s, t, alpha, allowed)


def add_self_loops(edges: ArrayLike, node_count: int) -> NDArray[np.int64]:
    r"""Return the edges together with $(i, i)$ for every node that lacks it.

    Args:
        edges: Edges $(i, j)$, shape `(E, 2)`, perhaps none.
        node_count: Number $N$ of nodes.

    Returns:
        Each edge once, in order, shape `(F, 2)`.

    Raises:
        TypeError: If an argument is not of integers.
        ValueError: If `edges` is not of that shape, or names a node out of range.

    References:
        Homework 4, [Problem 3.4(a)][3-4-a], where "an edge between every pair of nodes"
        leaves them out.

    Examples:
        >>> add_self_loops([[0, 1]], 2)
        array([[0, 0],
               [0, 1],
               [1, 1]])
    """
    n = as_integer("node_count", node_count, at_least=1)
    check_memory("node_count", n, n, 2)
    none = as_array("edges", edges, finite=False).shape in {(0,), (0, 2)}
    pairs = np.empty((0, 2), np.int64) if none else _as_edges(edges, n)
    loops = np.arange(n) * (n + 1)
    return np.stack(np.divmod(np.union1d(pairs[:, 0] * n + pairs[:, 1], loops), n), 1)


def score_spread(
    scores: ArrayLike, queries: ArrayLike, keys: ArrayLike
) -> NDArray[np.float64]:
    r"""Return how far scores are from a dot product, up to a constant for each node.

    A softmax does not see what is added to a whole row. So the weights of $e_{ij}$ are
    those of $q_i \cdot k_j / \sqrt{d_k}$ if and only if their difference is constant
    along each row; this is the difference's range in each.

    Args:
        scores: Scores $e_{ij}$, shape `(N, M)`.
        queries: Queries $q_i$, shape `(N, d_k)`.
        keys: Keys $k_j$, shape `(M, d_k)`.

    Returns:
        Largest less smallest difference in each row, shape `(N)`: 0 for equal weights.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If shapes do not fit, or values are not finite or past 1e140.

    References:
        Homework 4, [Beyond Problem 3.4][3-beyond-graph].

    Examples:
        >>> score_spread([[5.0, 6.0], [0.0, 3.0]], [[1.0], [2.0]], [[0.0], [1.0]])
        array([0., 1.])
    """
    bounds = {"at_least": -1e140, "at_most": 1e140}
    q = as_numbers("queries", queries, "N", "d_k", **bounds)
    k = as_numbers("keys", keys, "M", q.shape[1], **bounds)
    e = as_numbers("scores", scores, len(q), len(k), **bounds)
    return np.asarray(np.ptp(e - q @ k.T / np.sqrt(q.shape[1]), axis=1))


def shared_weight_score(
    query_weights: ArrayLike, key_weights: ArrayLike, value_weights: ArrayLike
) -> SharedWeightScore:
    r"""Return the score of the values that reproduces a dot product, if there is one.

    A graph attention layer has one $W$ for scores and values. Its bilinear score
    $(W_v^\top h)^\top B \, (W_v^\top h')$ is the dot product for all $h$ and $h'$ if
    and only if $W_v B W_v^\top = W_q W_k^\top / \sqrt{d_k}$. Such a $B$ exists if and
    only if what $W_v$ forgets plays no part in the score: always if $W_v$ has an
    inverse.

    Args:
        query_weights: $W_q$, shape `(d, d_k)`.
        key_weights: $W_k$, shape `(d, d_k)`.
        value_weights: $W_v$, shape `(d, d_v)`.

    Returns:
        The best $B$ and what it leaves.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If shapes do not fit, values are not finite or past 1e100, or the
            result overflows.

    References:
        Homework 4, [Beyond Problem 3.4][3-beyond-graph].

    Examples:
        >>> shared_weight_score([[6.0]], [[1.0]], [[2.0]]).matrix.round(12)
        array([[1.5]])
    """
    bounds = {"at_least": -1e100, "at_most": 1e100}
    w_q = as_numbers("query_weights", query_weights, "d", "d_k", **bounds)
    w_k = as_numbers("key_weights", key_weights, *w_q.shape, **bounds)
    w_v = as_numbers("value_weights", value_weights, len(w_q), "d_v", **bounds)
    target = w_q @ w_k.T / np.sqrt(w_q.shape[1])
    with np.errstate(all="ignore"):
        inverse = np.linalg.pinv(w_v)
        matrix = np.asarray(inverse @ target @ inverse.T)
        residual = float(np.abs(w_v @ matrix @ w_v.T - target).max())
    if not math.isfinite(residual):
        raise ValueError(
            "`value_weights` have an inverse that overflows, expected larger ones"
        )
    return SharedWeightScore(matrix=matrix, residual=residual)


def neighbor_rankings(weights: ArrayLike) -> NDArray[np.int64]:
    r"""Return each node's neighbors from the largest weight to the smallest.

    Args:
        weights: Attention weights or scores, a node a row, shape `(N, M)`.

    Returns:
        Neighbors in order, equal ones by number, shape `(N, M)`.

    Raises:
        TypeError: If `weights` is not real.
        ValueError: If `weights` is not a finite matrix.

    References:
        Homework 4, [Beyond Problem 3.4][3-beyond-graph].

    Examples:
        >>> neighbor_rankings([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]])
        array([[1, 2, 0],
               [0, 2, 1]])
    """
    a = as_array("weights", weights, "N", "M")
    return np.argsort(-a, axis=1, kind="stable").astype(np.int64)


def _project(
    x: NDArray[np.float64], name: str, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):
        product = matmul(x, weights)
    # No term of a finite sum of squares exceeds 1e155: one pass that writes nothing.
    within = math.isfinite(np.vdot(product, product))
    if not (within or np.abs(product).max() <= _LARGE):
        raise ValueError(
            f"`nodes` times `{name}` exceeds {_LARGE:g}, expected at most that"
        )
    return product


def _additive(
    nodes: ArrayLike,
    weights: ArrayLike,
    center_vector: ArrayLike,
    neighbor_vector: ArrayLike,
    slope: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """Return values, the two parts of the scores, and the slope."""
    x = as_array("nodes", nodes, "N", "d")
    w = as_array("weights", weights, x.shape[1], "d_v")
    a_1 = as_array("center_vector", center_vector, w.shape[1])
    a_2 = as_array("neighbor_vector", neighbor_vector, w.shape[1])
    alpha = as_number("slope", slope, at_least=0.0, at_most=1.0)
    v = _project(x, "weights", w)
    s = _project(v, "center_vector", a_1)
    return v, s, _project(v, "neighbor_vector", a_2), alpha


def _check_one(adjacency: ArrayLike | None, edges: ArrayLike | None) -> None:
    if adjacency is not None and edges is not None:
        raise ValueError("`edges` is given beside `adjacency`, expected one of them")


def _as_adjacency(adjacency: ArrayLike, n: int) -> NDArray[np.bool_]:
    allowed = as_booleans("adjacency", adjacency, n, n)
    _check_degrees("adjacency", allowed.sum(axis=1))
    return allowed


def _as_edges(edges: ArrayLike, n: int) -> NDArray[np.int64]:
    return as_integers("edges", edges, "E", 2, at_least=0, at_most=n - 1)


def _check_degrees(name: str, degrees: NDArray[np.int64]) -> None:
    if not degrees.all():
        raise ValueError(
            f"`{name}` leaves node {np.argmin(degrees)} no neighbor, expected one, "
            "if only itself"
        )


def _neighborhoods(
    edges: ArrayLike, n: int, width: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield nodes of one degree `g`, and their neighbors, `(nodes, g)`.

    A softmax over equally many neighbors is one over the axis of an array, which
    neighborhoods of different sizes are not. No array of neighbors with `width`
    features each is much larger than the cache.
    """
    pairs = _as_edges(edges, n)
    # Most edges come node after node, in runs that a stable sort makes use of.
    keys = np.sort(pairs[:, 0] * n + pairs[:, 1], kind="stable")
    if (keys[1:] == keys[:-1]).any():
        i, j = divmod(int(keys[:-1][keys[1:] == keys[:-1]][0]), n)
        raise ValueError(f"`edges` holds ({i}, {j}) twice, expected each edge once")
    center, neighbor = np.divmod(keys, n)
    degrees = np.bincount(center, minlength=n)
    _check_degrees("edges", degrees)
    starts = np.cumsum(degrees) - degrees
    for degree in np.unique(degrees):
        nodes = np.flatnonzero(degrees == degree)
        step = max(1, _CHUNK // (int(degree) * width))
        for i in range(0, len(nodes), step):
            group = nodes[i : i + step]
            yield group, neighbor[starts[group, None] + np.arange(degree)]


def _is_narrow(
    x: NDArray[np.float64],
    w_q: NDArray[np.float64],
    w_k: NDArray[np.float64],
    w_v: NDArray[np.float64],
) -> bool:
    """Return whether nodes are no wider than what they are projected to, on average.

    And all of a size at which no product overflows, and one that underflows is nothing
    in a score.
    """
    return 2 * x.shape[1] <= w_q.shape[1] + w_v.shape[1] and all(
        np.vdot(factor, factor) < 1e140 for factor in (x, w_q, w_k, w_v)
    )


def _mix_edges(
    q: NDArray[np.float64],
    k: NDArray[np.float64],
    v: NDArray[np.float64],
    edges: ArrayLike,
) -> NDArray[np.float64]:
    """Return the mean of `v` over the neighbors by the scores of `q` and `k`."""
    mixed = np.empty_like(v)
    for group, neighbors in _neighborhoods(edges, *k.shape):
        keys = k.take(neighbors, axis=0)
        weights = _softmax(np.matvec(keys, q[group]))
        values = keys if v is k else v.take(neighbors, axis=0)
        mixed[group] = np.vecmat(weights, values)
    return mixed


def _leaky_relu(z: NDArray[np.float64], slope: float) -> NDArray[np.float64]:
    # A slope of at most 1 makes it the larger of two lines.
    return np.maximum(z, slope * z)


def _weights_of(
    s: NDArray[np.float64],
    t: NDArray[np.float64],
    slope: float,
    allowed: NDArray[np.bool_] | None,
) -> NDArray[np.float64]:
    scores = _leaky_relu(s[:, None] + t, slope)
    if allowed is not None:
        np.copyto(scores, -np.inf, where=~allowed)
    return _softmax(scores)


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn scores into the weights of each row, in place."""
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


def _mix_complete(
    v: NDArray[np.float64],
    s: NDArray[np.float64],
    t: NDArray[np.float64],
    slope: float,
) -> NDArray[np.float64]:
    """Return the weighted means over all nodes by cumulative sums."""
    order = np.argsort(t)
    t, v, top = t[order], v[order], t.max()
    # The steep part sums from the end, hence backwards.
    steep, flat = np.exp(t - top)[::-1], np.exp(slope * (t - top))
    below = np.searchsorted(t, -s, side="right")
    above = len(t) - below
    highest = s + top
    peak = _leaky_relu(highest, slope)
    by_steep, by_flat = np.exp(highest - peak), np.exp(slope * highest - peak)
    total = by_steep * _running_sums(steep[:, None])[above, 0]
    total += by_flat * _running_sums(flat[:, None])[below, 0]
    mixed = _running_sums(steep[:, None] * v[::-1]).take(above, axis=0)
    mixed *= (by_steep / total)[:, None]
    rest = _running_sums(flat[:, None] * v).take(below, axis=0)
    rest *= (by_flat / total)[:, None]
    mixed += rest
    return mixed


def _running_sums(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums of the first 0, 1, 2, ... rows, and perhaps of some beyond."""
    n, d = rows.shape
    # Sixteen at a time by one product, because `numpy.cumsum` is slow along columns.
    sums = np.zeros((n // 16 + 1, 16, d))
    sums.reshape(-1, d)[1 : n + 1] = rows
    sums = np.tri(16) @ sums
    sums[1:] += np.cumsum(sums[:-1, -1], axis=0)[:, None]
    return sums.reshape(-1, d)
