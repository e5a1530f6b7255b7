r"""Graph attention: each node takes a weighted mean over its neighbors.

The weights are a softmax of scores $e(h_i, h_j)$ over the neighbors $j$ of node $i$.
Edges are directed: $(i, j)$, or a one in row $i$ and column $j$ of an adjacency matrix,
says that node $i$ attends to node $j$. A node is its own neighbor only if the graph
says so; [`add_self_loops`][hw4lib.architecture.graph.add_self_loops] adds what is
missing. Without adjacency or edges the graph is complete, self-loops included.

An edge is a row: edges have the shape `(E, 2)`. PyTorch Geometric has `(2, E)`, and the
node that is attended to comes first: `edge_index[::-1].T` is ours. Of shape `(2, 2)`
they are read as rows, as always.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_booleans,
    as_integer,
    as_integers,
    as_number,
    check_memory,
    contract,
    is_finite,
)
from hw4lib._elementary import softmax
from hw4lib._typing import Real
from hw4lib.architecture.attention import _means

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

# Entries of gathered neighbors held at a time: a megabyte of them.
_BLOCK = 2**17

Isolated: TypeAlias = Literal["error", "zero"]
"""What becomes of a node without neighbors."""


@dataclass(frozen=True, eq=False)
class SharedWeightScore:
    r"""A bilinear score of the values $W_v^\top h$ themselves."""

    matrix: NDArray[np.float64]
    r"""The $B$ whose score comes closest in least squares, `(d_v, d_v)`."""

    residual: float
    r"""Largest entry of $\lvert W_v B W_v^\top - W_q W_k^\top / \sqrt{d_k} \rvert$.

    It is 0 if and only if the two scores agree on all inputs.
    """


@contract
def graph_attention(
    nodes: ArrayLike,
    query_weights: ArrayLike,
    key_weights: ArrayLike,
    value_weights: ArrayLike,
    *,
    adjacency: ArrayLike | None = None,
    edges: ArrayLike | None = None,
    isolated: Isolated = "error",
) -> NDArray[np.float64]:
    r"""Return graph attention whose scores are scaled dot products.

    The score is $e(h_i, h_j) = (W_q^\top h_i) \cdot (W_k^\top h_j) / \sqrt{d_k}$, the
    values are $W_v^\top h_j$. On the complete graph with self-loops this is one head of
    [`self_attention`][hw4lib.architecture.attention.self_attention], and an adjacency
    matrix is its mask. From edges, memory grows with their number and not with $N^2$.

    Args:
        nodes: Node features $h_i$, one node a row, shape `(..., N, d)`.
        query_weights: $W_q$, shape `(d, d_k)`.
        key_weights: $W_k$, shape `(d, d_k)`.
        value_weights: $W_v$, shape `(d, d_v)`.
        adjacency: Boolean or 0 and 1, shape `(N, N)`, or `(..., N, N)` for a batch.
        edges: Each edge $(i, j)$ once, in any order, shape `(E, 2)`.
        isolated: What a node without neighbors gets: `"error"` refuses it, `"zero"`
            gives it a row of zeros, as PyTorch Geometric does.

    Returns:
        New node features, shape `(..., N, d_v)`.

    Raises:
        ValueError: If both `adjacency` and `edges` are given, an edge is there twice,
            or a node has no neighbor and `isolated` is `"error"`.

    References:
        Homework 4, [Problem 3.4(a)][3-4-a].

    Examples:
        >>> one = [[1.0]]
        >>> graph_attention([[1.0], [2.0]], one, one, one, edges=[[0, 1], [1, 0]])
        array([[2.],
               [1.]])
    """
    x = as_array("nodes", nodes, "...", "N", "d")
    w_q = as_array("query_weights", query_weights, x.shape[-1], "d_k")
    w_k = as_array("key_weights", key_weights, x.shape[-1], w_q.shape[1])
    w_v = as_array("value_weights", value_weights, x.shape[-1], "d_v")
    check_memory("query_weights", w_q.shape, *x.shape[:-1], w_q.shape[1])
    check_memory("value_weights", w_v.shape, *x.shape[:-1], w_v.shape[1])
    q, k, v = x @ w_q, x @ w_k, x @ w_v
    if edges is None:
        allowed = _as_adjacency(adjacency, x.shape, isolated)
        y = _means(q, k, v, allowed, np.broadcast_to(0.0, allowed.shape))
        return _without_isolated(y, allowed)
    _check_one(adjacency)
    scale = np.sqrt(w_q.shape[1])
    return _mean_over_edges(
        edges,
        v,
        lambda i, j, _: np.matvec(k.take(j, axis=-2), q.take(i, axis=-2)) / scale,
        isolated,
    )


@contract
def graph_attention_from_scores(
    scores: ArrayLike,
    values: ArrayLike,
    *,
    adjacency: ArrayLike | None = None,
    edges: ArrayLike | None = None,
    isolated: Isolated = "error",
) -> NDArray[np.float64]:
    r"""Return $\sum_j A_{ij} v_j$ with $A$ the softmax of given scores over neighbors.

    Whatever score a layer has, this is the rest of it.

    Args:
        scores: Scores $e_{ij}$, shape `(..., N, N)`, or of each of the edges, shape
            `(..., E)`.
        values: Values $v_j$, one node a row, shape `(..., N, d_v)`.
        adjacency: Boolean or 0 and 1, shape `(N, N)`, or `(..., N, N)` for a batch.
        edges: Each edge $(i, j)$ once, in any order, shape `(E, 2)`.
        isolated: What a node without neighbors gets: `"error"` refuses it, `"zero"`
            gives it a row of zeros, as PyTorch Geometric does.

    Returns:
        New node features, shape `(..., N, d_v)`.

    Raises:
        ValueError: If both `adjacency` and `edges` are given, an edge is there twice,
            or a node has no neighbor and `isolated` is `"error"`.

    References:
        Homework 4, [Problem 3.4(a)][3-4-a]; the layer below is that of Brody, Alon and
        Yahav, *How attentive are graph attention networks?*, 2022.

    Examples:
        GATv2, $e_{ij} = a^\top \operatorname{LeakyReLU}(W_1^\top h_i + W_2^\top h_j)$:

        >>> from hw4lib.activations import leaky_relu
        >>> h, W1, W2, a = np.array([[1.0], [3.0]]), [[1.0]], [[2.0]], [1.0]
        >>> centers, neighbors = h @ W1, h @ W2
        >>> e = leaky_relu(centers[:, None] + neighbors, slope=0.2) @ a
        >>> graph_attention_from_scores(e, neighbors).round(3)
        array([[5.928],
               [5.928]])
    """
    v = as_array("values", values, "...", "N", "d_v")
    if edges is None:
        allowed = _as_adjacency(adjacency, v.shape, isolated)
        e = as_array("scores", scores, "...", *allowed.shape[-2:])
        _check_lead("scores", e.shape, (*v.shape[:-2], *e.shape[-2:]))
        y = softmax(np.where(allowed, e, -np.inf)) @ v
        return _without_isolated(y, allowed)
    _check_one(adjacency)
    e = as_array("scores", scores)
    _check_lead("scores", e.shape, (*v.shape[:-2], len(_as_edges(edges, v.shape[-2]))))
    return _mean_over_edges(edges, v, lambda *where: e[..., where[-1]], isolated)


@contract
def additive_graph_attention(
    nodes: ArrayLike,
    weights: ArrayLike,
    center_vector: ArrayLike,
    neighbor_vector: ArrayLike,
    *,
    slope: Real = 0.2,
    adjacency: ArrayLike | None = None,
    edges: ArrayLike | None = None,
    isolated: Isolated = "error",
) -> NDArray[np.float64]:
    r"""Return the original graph attention layer, before its outer nonlinearity.

    With $s_i = a_1^\top W^\top h_i$ and $t_j = a_2^\top W^\top h_j$ the score is
    $\operatorname{LeakyReLU}(s_i + t_j)$, and the values are $W^\top h_j$.

    On the complete graph this takes $O(N \log N + N d)$ steps, exactly. A neighbor's
    weight is $e^{s_i} e^{t_j}$ if $t_j > -s_i$ and $e^{\alpha s_i} e^{\alpha t_j}$
    otherwise: with the $t_j$ in order, each sum over neighbors is one sum from the end
    and one from the start, and all of those are cumulative sums.

    Args:
        nodes: Node features $h_i$, one node a row, shape `(..., N, d)`.
        weights: $W$ of scores and values, shape `(d, d_v)`.
        center_vector: $a_1$, for the node that attends, shape `(d_v)`.
        neighbor_vector: $a_2$, for the node attended to, shape `(d_v)`.
        slope: Slope $\alpha$ of the LeakyReLU, from 0 to 1.
        adjacency: Boolean or 0 and 1, shape `(N, N)`, or `(..., N, N)` for a batch.
        edges: Each edge $(i, j)$ once, in any order, shape `(E, 2)`.
        isolated: What a node without neighbors gets: `"error"` refuses it, `"zero"`
            gives it a row of zeros, as PyTorch Geometric does.

    Returns:
        New node features, shape `(..., N, d_v)`.

    Raises:
        ValueError: If both `adjacency` and `edges` are given, an edge is there twice,
            or a node has no neighbor and `isolated` is `"error"`.
        MemoryError: If the weights would not fit into memory.

    References:
        Homework 4, [Problem 3.4(a)][3-4-a]; the layer is that of Velickovic et al.,
        *Graph attention networks*, 2018.

    Examples:
        >>> additive_graph_attention([[1.0], [3.0]], [[1.0]], [1.0], [0.0])
        array([[2.],
               [2.]])
    """
    v, s, t, alpha = _additive(nodes, weights, center_vector, neighbor_vector, slope)
    if edges is not None:
        _check_one(adjacency)
        return _mean_over_edges(
            edges,
            v,
            lambda i, j, _: _scores_below_top(
                s[..., i, None], t[..., j], t[..., j].max(axis=-1, keepdims=True), alpha
            ),
            isolated,
        )
    if adjacency is None:
        _check_degrees("nodes", np.ones(v.shape[-2], bool), isolated)
        y = np.empty_like(v)
        for member in np.ndindex(v.shape[:-2]):
            y[member] = _mean_over_all(v[member], s[member], t[member], alpha)
        return y
    check_memory("nodes", v.shape, *v.shape[:-1], v.shape[-2])
    allowed = _as_adjacency(adjacency, v.shape, isolated)
    return _without_isolated(_additive_weights(s, t, alpha, allowed) @ v, allowed)


@contract
def additive_attention_weights(
    nodes: ArrayLike,
    weights: ArrayLike,
    center_vector: ArrayLike,
    neighbor_vector: ArrayLike,
    *,
    slope: Real = 0.2,
    adjacency: ArrayLike | None = None,
    isolated: Isolated = "error",
) -> NDArray[np.float64]:
    r"""Return the weights of the original graph attention layer as a matrix.

    Row $i$ is the softmax of $\operatorname{LeakyReLU}(s_i + t_j)$ over the neighbors
    $j$ of node $i$. The score never decreases with $t_j$, which does not depend on
    $i$: all nodes rank their neighbors alike, but for ties if $\alpha = 0$.

    Args:
        nodes: Node features $h_i$, one node a row, shape `(..., N, d)`.
        weights: $W$, shape `(d, d_v)`.
        center_vector: $a_1$, for the node that attends, shape `(d_v)`.
        neighbor_vector: $a_2$, for the node attended to, shape `(d_v)`.
        slope: Slope $\alpha$ of the LeakyReLU, from 0 to 1.
        adjacency: Boolean or 0 and 1, shape `(N, N)`, or `(..., N, N)` for a batch.
        isolated: What a node without neighbors gets: `"error"` refuses it, `"zero"`
            gives it a row of zeros, as PyTorch Geometric does.

    Returns:
        Weights, shape `(..., N, N)`: each row sums to 1, and is 0 without an edge.

    Raises:
        ValueError: If a node has no neighbor and `isolated` is `"error"`.
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
    check_memory("nodes", v.shape, *v.shape[:-1], v.shape[-2])
    allowed = _as_adjacency(adjacency, v.shape, isolated)
    return _without_isolated(_additive_weights(s, t, alpha, allowed), allowed)


@contract
def add_self_loops(edges: ArrayLike, node_count: int) -> NDArray[np.int64]:
    r"""Return the edges together with $(i, i)$ for every node that lacks it.

    Args:
        edges: Edges $(i, j)$, shape `(E, 2)`, perhaps none.
        node_count: Number $N$ of nodes.

    Returns:
        Each edge once, in the given order, then the missing loops in order, shape
        `(F, 2)`.

    References:
        Homework 4, [Problem 3.4(a)][3-4-a], where "an edge between every pair of nodes"
        leaves them out.

    Examples:
        >>> add_self_loops([[0, 1]], 2)
        array([[0, 1],
               [0, 0],
               [1, 1]])
    """
    n = as_integer("node_count", node_count, at_least=1)
    check_memory("node_count", n, n, 2)
    pairs = _as_edges(edges, n)
    _, first = np.unique(pairs, axis=0, return_index=True)
    once = pairs[np.sort(first)]
    there = once[once[:, 0] == once[:, 1], 0]
    missing = np.setdiff1d(np.arange(n, dtype=np.int64), there)
    return np.concatenate([once, np.stack([missing, missing], axis=1)])


@contract
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

    References:
        Homework 4, [Beyond Problem 3.4][3-beyond-graph].

    Examples:
        >>> score_spread([[5.0, 6.0], [0.0, 3.0]], [[1.0], [2.0]], [[0.0], [1.0]])
        array([0., 1.])
    """
    q = as_array("queries", queries, "N", "d_k")
    k = as_array("keys", keys, "M", q.shape[1])
    e = as_array("scores", scores, len(q), len(k))
    return np.asarray(np.ptp(e - q @ k.T / np.sqrt(q.shape[1]), axis=1))


@contract
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

    References:
        Homework 4, [Beyond Problem 3.4][3-beyond-graph].

    Examples:
        >>> shared_weight_score([[6.0]], [[1.0]], [[2.0]]).matrix.round(12)
        array([[1.5]])
    """
    w_q = as_array("query_weights", query_weights, "d", "d_k")
    w_k = as_array("key_weights", key_weights, *w_q.shape)
    w_v = as_array("value_weights", value_weights, len(w_q), "d_v")
    target = w_q @ w_k.T / np.sqrt(w_q.shape[1])
    # Of a matrix of size 1, because squares of its entries could overflow or vanish.
    size = np.abs(w_v).max() or 1.0
    unit = w_v / size
    inverse = np.linalg.pinv(unit)
    scaled = inverse @ target @ inverse.T
    return SharedWeightScore(
        matrix=scaled / size / size,
        residual=np.abs(unit @ scaled @ unit.T - target).max(),
    )


@contract
def neighbor_rankings(weights: ArrayLike) -> NDArray[np.int64]:
    r"""Return each node's neighbors from the largest weight to the smallest.

    Args:
        weights: Attention weights or scores, a node a row, shape `(..., N, M)`.

    Returns:
        Neighbors in order, equal ones by number, shape `(..., N, M)`.

    References:
        Homework 4, [Beyond Problem 3.4][3-beyond-graph].

    Examples:
        >>> neighbor_rankings([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]])
        array([[1, 2, 0],
               [0, 2, 1]])
    """
    a = as_array("weights", weights, "...", "N", "M")
    return np.argsort(-a, axis=-1, kind="stable").astype(np.int64)


def _additive(
    nodes: ArrayLike,
    weights: ArrayLike,
    center_vector: ArrayLike,
    neighbor_vector: ArrayLike,
    slope: Real,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """Return values, the two parts of the scores, and the slope."""
    x = as_array("nodes", nodes, "...", "N", "d")
    w = as_array("weights", weights, x.shape[-1], "d_v")
    a_1 = as_array("center_vector", center_vector, w.shape[1])
    a_2 = as_array("neighbor_vector", neighbor_vector, w.shape[1])
    alpha = as_number("slope", slope, at_least=0.0, at_most=1.0)
    v = x @ w
    s, t = v @ a_1, v @ a_2
    if not (is_finite(s) and is_finite(t)):
        raise OverflowError
    return v, s, t, alpha


def _scores_below_top(
    s: NDArray[np.float64],
    t: NDArray[np.float64],
    top: NDArray[np.float64],
    slope: float,
) -> NDArray[np.float64]:
    """Return LeakyReLU(s + t) less its largest value, which is where t is `top`.

    On either side of the kink s cancels, so that it costs t no digits however large it
    is; across the kink the steep part of the way is s + top.
    """
    below = t - top
    across = (1.0 - slope) * np.maximum(s + top, 0.0)
    return np.where(s + t > 0.0, below, slope * below - across)


def _additive_weights(
    s: NDArray[np.float64],
    t: NDArray[np.float64],
    slope: float,
    allowed: NDArray[np.bool_],
) -> NDArray[np.float64]:
    s, t = s[..., :, None], t[..., None, :]
    top = np.where(allowed, t, -np.inf).max(axis=-1, keepdims=True)
    return softmax(np.where(allowed, _scores_below_top(s, t, top, slope), -np.inf))


def _mean_over_all(
    v: NDArray[np.float64],
    s: NDArray[np.float64],
    t: NDArray[np.float64],
    slope: float,
) -> NDArray[np.float64]:
    """Return the weighted means over all nodes by cumulative sums, in order of t."""
    order = np.argsort(t)
    t, v = t[order], v[order]
    top = t[-1]
    terms = np.column_stack([v, np.ones(len(v))])  # for numerator and denominator
    none = np.zeros((1, terms.shape[1]))
    flat = np.cumsum(np.exp(slope * (t - top))[:, None] * terms, axis=0)
    steep = np.cumsum((np.exp(t - top)[:, None] * terms)[::-1], axis=0)[::-1]
    kink = np.searchsorted(t, -s, side="right")  # s + t > 0 from here on
    across = np.exp((slope - 1.0) * np.maximum(s + top, 0.0))
    sums = across[:, None] * np.concatenate([none, flat])[kink]
    sums += np.concatenate([steep, none])[kink]
    return np.asarray(sums[:, :-1] / sums[:, -1:])


def _mean_over_edges(
    edges: ArrayLike,
    v: NDArray[np.float64],
    score: Callable[..., NDArray[np.float64]],
    isolated: Isolated,
) -> NDArray[np.float64]:
    """Return the weighted means over the neighbors that edges name.

    Args:
        edges: The edges as they were given.
        v: Values of the nodes.
        score: Returns the scores, `(..., g, degree)`, of nodes `(g)`, neighbors
            `(g, degree)`, and the numbers of the edges between them.
        isolated: What becomes of a node without neighbors.
    """
    mixed = np.zeros_like(v)
    n = v.shape[-2]
    pairs = _as_edges(edges, n)
    for nodes, index in _neighborhoods(pairs, n, isolated, max(1, v.size // n)):
        neighbors = pairs[index, 1]
        scores = score(nodes, neighbors, index)
        if not is_finite(scores):
            raise OverflowError
        values = v.take(neighbors, axis=-2)
        mixed[..., nodes, :] = np.vecmat(softmax(scores), values)
    return mixed


def _neighborhoods(
    pairs: NDArray[np.int64], n: int, isolated: Isolated, width: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield nodes `(g)` of one degree, and the numbers of their edges, `(g, degree)`.

    A softmax over equally many neighbors is one over the axis of an array, which
    neighborhoods of different sizes are not. Groups are so small that neighbors of
    `width` numbers each take a megabyte.
    """
    order = np.lexsort(pairs.T[::-1])  # by node, then by neighbor
    ordered = pairs[order]
    twice = (ordered[1:] == ordered[:-1]).all(axis=1)
    if twice.any():
        i, j = ordered[:-1][twice][0].tolist()
        raise ValueError(f"`edges` holds ({i}, {j}) twice, expected each edge once")
    degrees = np.bincount(pairs[:, 0], minlength=n)
    _check_degrees("edges", degrees > 0, isolated)
    starts = np.cumsum(degrees) - degrees
    for degree in np.unique(degrees[degrees > 0]).tolist():
        nodes = np.flatnonzero(degrees == degree)
        size = max(1, _BLOCK // (degree * width))
        for i in range(0, len(nodes), size):
            group = nodes[i : i + size]
            yield group, order[starts[group, None] + np.arange(degree)]


def _without_isolated(
    y: NDArray[np.float64], allowed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return rows of zeros where a node has no neighbors."""
    return np.where(allowed.any(axis=-1, keepdims=True), y, 0.0)


def _check_one(adjacency: ArrayLike | None) -> None:
    if adjacency is not None:
        raise ValueError("`edges` is given beside `adjacency`, expected one of them")


def _check_lead(name: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if shape != expected:
        raise ValueError(f"`{name}` has shape {shape}, expected {expected}")


def _as_adjacency(
    adjacency: ArrayLike | None, shape: tuple[int, ...], isolated: Isolated
) -> NDArray[np.bool_]:
    """Return who may attend to whom, for nodes of shape `(..., N, d)`."""
    *lead, n, _ = shape
    if adjacency is None:
        _check_degrees("nodes", np.ones(n, bool), isolated)
        return np.broadcast_to(np.True_, (*lead, n, n))
    allowed = as_booleans("adjacency", adjacency)
    if allowed.shape[-2:] != (n, n) or allowed.shape[:-2] not in {(), tuple(lead)}:
        expected = (n, n) if not lead else f"{(n, n)} or {(*lead, n, n)}"
        raise ValueError(f"`adjacency` has shape {allowed.shape}, expected {expected}")
    _check_degrees("adjacency", np.asarray(allowed.any(axis=-1)), isolated)
    return np.broadcast_to(allowed, (*lead, n, n))


def _as_edges(edges: ArrayLike, n: int) -> NDArray[np.int64]:
    shape = as_array("edges", edges, finite=False).shape
    if shape in {(0,), (0, 2)}:
        return np.empty((0, 2), np.int64)
    if len(shape) == 2 and shape[0] == 2 != shape[1]:
        raise ValueError(
            f"`edges` has shape {shape}, expected (E, 2): an edge is a row, and "
            "`edge_index` of PyTorch Geometric is given as `edge_index[::-1].T`"
        )
    return as_integers("edges", edges, "E", 2, at_least=0, at_most=n - 1)


def _check_degrees(
    name: str, has_neighbor: NDArray[np.bool_], isolated: Isolated
) -> None:
    if not isinstance(isolated, str):
        raise TypeError(f"`isolated` is {isolated!r}, expected 'error' or 'zero'")
    if isolated not in {"error", "zero"}:
        raise ValueError(f"`isolated` is {isolated!r}, expected 'error' or 'zero'")
    if isolated == "error" and not has_neighbor.all():
        raise ValueError(
            f"`{name}` leaves node {np.argwhere(~has_neighbor)[0][-1]} no neighbor, "
            "expected one, if only itself"
        )
