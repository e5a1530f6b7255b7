import math
import tracemalloc

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from hw4lib.architecture.attention import (
    attention_weights,
    multi_head_attention,
    self_attention,
)
from hw4lib.architecture.graph import (
    add_self_loops,
    additive_attention_weights,
    additive_graph_attention,
    graph_attention,
    graph_attention_from_scores,
    neighbor_rankings,
    score_spread,
    shared_weight_score,
)

D, D_K, D_V = 3, 2, 4
ONE, TWO = np.ones((1, 1)), np.ones((2, 2))
EDGES = [[0, 0], [0, 1], [1, 0], [1, 1]]


def node_by_node(score, values, adjacency):
    """A loop over nodes and their neighbors, in plain Python floats."""
    rows = []
    for i, row in enumerate(adjacency):
        neighbors = [j for j, there in enumerate(row) if there]
        highest = max(score(i, j) for j in neighbors)
        weights = [math.exp(score(i, j) - highest) for j in neighbors]
        total = math.fsum(weights)
        rows.append(
            [
                math.fsum(
                    w * values[j][c] for w, j in zip(weights, neighbors, strict=True)
                )
                / total
                for c in range(len(values[0]))
            ]
        )
    return np.array(rows)


def dot_layer(rng):
    return (
        rng.normal(size=(D, D_K)),
        rng.normal(size=(D, D_K)),
        rng.normal(size=(D, D_V)),
    )


def additive_layer(rng):
    return rng.normal(size=(D, D_V)), rng.normal(size=D_V), rng.normal(size=D_V)


def graph(rng, n, density):
    """Directed, with self-loops on some nodes only, and no node left alone."""
    adjacency = rng.random((n, n)) < density
    adjacency[np.arange(n), rng.permutation(n)] = True
    return adjacency


def dot_score(x, w_q, w_k):
    q, k = x @ w_q, x @ w_k
    return lambda i, j: float(q[i] @ k[j]) / math.sqrt(D_K)


def additive_score(x, w, a_1, a_2, slope):
    def score(i, j):
        z = float((x @ w @ a_1)[i] + (x @ w @ a_2)[j])
        return z if z > 0 else slope * z

    return score


@pytest.mark.parametrize("density", [0.0, 0.2, 0.6, 1.0], ids=str)
def test_dot_product_layer_is_the_loop_over_neighbors(rng, density):
    x, layer, adjacency = (
        rng.normal(size=(9, D)),
        dot_layer(rng),
        graph(rng, 9, density),
    )
    w_q, w_k, w_v = layer

    from_matrix = graph_attention(x, *layer, adjacency=adjacency)
    edges = rng.permutation(np.argwhere(adjacency))
    from_edges = graph_attention(x, *layer, edges=edges)

    expected = node_by_node(dot_score(x, w_q, w_k), (x @ w_v).tolist(), adjacency)
    assert_allclose(from_matrix, expected, rtol=1e-11)
    assert_allclose(from_edges, expected, rtol=1e-11)


@pytest.mark.parametrize("size", [1.0, 1e60, 1e-60, 1e120, 1e-120], ids=str)
@pytest.mark.parametrize("d", [1, 2, 3, 4, 9])
def test_edges_are_the_matrix_for_narrow_and_for_wide_nodes(rng, d, size):
    """Narrow nodes are gathered themselves, wide ones are projected first."""
    adjacency = graph(rng, 9, 0.4)
    x = rng.normal(size=(9, d)) * size
    w_q, w_k = rng.normal(size=(2, d, D_K)) / size
    w_v = rng.normal(size=(d, D_V))

    from_edges = graph_attention(x, w_q, w_k, w_v, edges=np.argwhere(adjacency))

    scores = dot_score(x, w_q, w_k)
    expected = node_by_node(scores, (x @ w_v).tolist(), adjacency)
    assert_allclose(from_edges, expected, rtol=1e-11, atol=1e-13 * size)


@pytest.mark.parametrize("slope", [0.0, 0.2, 1.0], ids=str)
@pytest.mark.parametrize("density", [0.0, 0.2, 0.6, 1.0], ids=str)
def test_additive_layer_is_the_loop_over_neighbors(rng, density, slope):
    x, layer = rng.normal(size=(9, D)), additive_layer(rng)
    adjacency = graph(rng, 9, density)

    from_matrix = additive_graph_attention(x, *layer, slope=slope, adjacency=adjacency)
    edges = rng.permutation(np.argwhere(adjacency))
    from_edges = additive_graph_attention(x, *layer, slope=slope, edges=edges)
    weights = additive_attention_weights(x, *layer, slope=slope, adjacency=adjacency)

    values = x @ layer[0]
    score = additive_score(x, *layer, slope)
    expected = node_by_node(score, values.tolist(), adjacency)
    assert_allclose(from_matrix, expected, rtol=1e-11)
    assert_allclose(from_edges, expected, rtol=1e-11)
    assert_allclose(weights @ values, expected, rtol=1e-11)
    assert_array_equal(weights > 0, adjacency)


@given(
    st.lists(st.floats(-3, 3), min_size=1, max_size=30),
    st.sampled_from([0.0, 0.01, 0.2, 0.99, 1.0]),
    st.sampled_from([0.0, 1e-3, 1.0, 40.0, 1e5, 1e150]),
    st.sampled_from([0.0, -1.0, 1.0, 3.0, -1e5]),
)
def test_cumulative_sums_are_the_plain_sums(features, slope, size, center):
    """At every scale, with ties, and with nodes on either side of the kink only."""
    x = np.array(features)[:, None] * [1.0, 0.5]
    layer = ([[1.0, 0.0], [0.0, 2.0]], [center, 0.3], [size, -0.2 * size])

    actual = additive_graph_attention(x, *layer, slope=slope)

    plain = additive_attention_weights(x, *layer, slope=slope) @ (x @ layer[0])
    # Scores of 1e5 and more are rounded before their exponential is taken; a difference
    # that is exact in one order of the operations may be rounded in the other.
    largest = np.abs(x).max(initial=0) * (size + abs(center) + 1)
    tolerance = 1e-13 * min(max(1.0, largest), 1e9)
    if largest < 1e9:
        assert_allclose(actual, plain, rtol=0, atol=1e-12 + tolerance)
    assert np.isfinite(actual).all()
    # A mean lies between the values.
    values = x @ layer[0]
    assert (actual <= values.max(axis=0) + 1e-12).all()
    assert (actual >= values.min(axis=0) - 1e-12).all()


def test_cumulative_sums_over_many_nodes(rng):
    """2000 nodes at once, against the matrix of weights, and in little memory."""
    x, layer = rng.normal(size=(2000, D)), additive_layer(rng)

    tracemalloc.start()
    actual = additive_graph_attention(x, *layer)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    expected = additive_attention_weights(x, *layer) @ (x @ layer[0])
    # Cumulative sums of 2000 terms.
    assert_allclose(actual, expected, rtol=0, atol=1e-12)
    # A matrix of weights would take 31 MiB.
    assert peak < 2 * 2**20


def test_edges_of_a_large_graph_take_no_matrix(rng):
    """20 000 nodes of degree 16: a matrix of weights would take 3 GiB."""
    n, degree = 20_000, 16
    x = rng.normal(size=(n, D))
    neighbors = (np.arange(n)[:, None] + np.arange(degree) ** 2) % n
    edges = np.stack([np.repeat(np.arange(n), degree), neighbors.ravel()], axis=1)
    layer, additive = dot_layer(rng), additive_layer(rng)

    tracemalloc.start()
    dot = graph_attention(x, *layer, edges=edges)
    added = additive_graph_attention(x, *additive, edges=edges)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 64 * 2**20
    node, hood = 777, neighbors[777]
    alone = self_attention(x[[node, *hood]], *layer, mask=np.arange(17) > 0)
    assert_allclose(dot[node], alone[0], rtol=1e-11)
    weights = additive_attention_weights(
        x[[node, *hood]], *additive, adjacency=np.tile(np.arange(17) > 0, (17, 1))
    )
    expected = weights[0] @ x[[node, *hood]] @ additive[0]
    assert_allclose(added[node], expected, rtol=1e-11)


def test_degrees_of_every_size_in_one_graph(rng):
    """A star and a path together: one node sees all, others see one or two."""
    n = 60
    adjacency = np.eye(n, dtype=bool) | np.eye(n, k=1, dtype=bool)
    adjacency[0] = True
    x, layer = rng.normal(size=(n, D)), dot_layer(rng)

    actual = graph_attention(x, *layer, edges=np.argwhere(adjacency))

    expected = self_attention(x, *layer, mask=adjacency)
    assert_allclose(actual, expected, rtol=1e-11, atol=1e-14)


def test_complete_graph_with_self_loops_is_self_attention(rng):
    """3.4 (a), whichever way the graph is given."""
    x, layer = rng.normal(size=(7, D)), dot_layer(rng)
    expected = self_attention(x, *layer)

    complete = np.ones((7, 7), dtype=int)
    for given_as in (
        {},
        {"adjacency": complete},
        {"edges": np.argwhere(complete)},
        {"edges": add_self_loops(np.argwhere(~np.eye(7, dtype=bool)), 7)},
    ):
        actual = graph_attention(x, *layer, **given_as)
        assert_allclose(actual, expected, rtol=1e-11, atol=1e-14)


def test_heads_side_by_side_are_multi_head_attention(rng):
    x, w_o = rng.normal(size=(6, D)), rng.normal(size=(2 * D_V, D))
    first, second = dot_layer(rng), dot_layer(rng)
    stacked = [np.stack(pair) for pair in zip(first, second, strict=True)]

    together = np.hstack([graph_attention(x, *first), graph_attention(x, *second)])

    expected = multi_head_attention(x, *stacked, w_o)
    assert_allclose(together @ w_o, expected, rtol=1e-11, atol=1e-13)


def test_averaging_heads_is_a_special_output_matrix(rng):
    x = rng.normal(size=(6, D))
    first, second = dot_layer(rng), dot_layer(rng)
    stacked = [np.stack(pair) for pair in zip(first, second, strict=True)]

    mean = (graph_attention(x, *first) + graph_attention(x, *second)) / 2

    w_o = np.vstack([np.eye(D_V), np.eye(D_V)]) / 2
    assert_allclose(multi_head_attention(x, *stacked, w_o), mean, rtol=1e-11)


def test_causal_attention_is_the_graph_of_earlier_nodes(rng):
    x, layer = rng.normal(size=(6, D)), dot_layer(rng)
    earlier = [(i, j) for i in range(6) for j in range(i + 1)]

    actual = graph_attention(x, *layer, edges=earlier)

    expected = self_attention(x, *layer, mask=np.tri(6, dtype=bool))
    assert_allclose(actual, expected, rtol=1e-11)


def test_without_self_loops_the_own_value_is_missing(rng):
    """The full output is A_ii v_i + (1 - A_ii) times the one without loops."""
    x, (w_q, w_k, w_v) = rng.normal(size=(5, D)), dot_layer(rng)
    full = graph_attention(x, w_q, w_k, w_v)

    without = graph_attention(x, w_q, w_k, w_v, adjacency=~np.eye(5, dtype=bool))

    own = np.diag(attention_weights(x @ w_q, x @ w_k))[:, None]
    assert_allclose(full, own * (x @ w_v) + (1 - own) * without, rtol=1e-11)
    assert not np.allclose(full, without, atol=0.01)


@pytest.mark.parametrize("slope", [0.01, 0.2, 0.9])
def test_additive_attention_ranks_neighbors_alike_for_every_node(rng, slope):
    """Whatever the nodes and weights; a dot product lets each node choose."""
    for _ in range(50):
        x, layer = rng.normal(size=(8, D)), additive_layer(rng)
        rankings = neighbor_rankings(additive_attention_weights(x, *layer, slope=slope))
        order = np.argsort(-(x @ layer[0] @ layer[2]))
        assert_array_equal(rankings, np.tile(order, (8, 1)))

        w_q, w_k, _ = dot_layer(rng)
        own = neighbor_rankings(attention_weights(4 * x @ w_q, x @ w_k))
        assert len(np.unique(own, axis=0)) > 1


def test_a_dot_product_can_give_every_node_its_own_favorite():
    x = np.eye(4)[[1, 2, 3, 0]]
    favorites = neighbor_rankings(attention_weights(x, np.eye(4)))[:, 0]

    assert_array_equal(favorites, [1, 2, 3, 0])


def test_additive_attention_without_a_neighbor_vector_is_the_mean(rng):
    x, (w, a_1, _) = rng.normal(size=(6, D)), additive_layer(rng)

    actual = additive_graph_attention(x, w, a_1, np.zeros(D_V))

    assert_allclose(actual, np.tile((x @ w).mean(axis=0), (6, 1)), rtol=1e-11)


def test_additive_attention_of_slope_one_ignores_the_node_that_attends(rng):
    x, (w, a_1, a_2) = rng.normal(size=(6, D)), additive_layer(rng)

    weights = additive_attention_weights(x, w, a_1, a_2, slope=1.0)

    assert_allclose(weights, np.tile(weights[:1], (6, 1)), rtol=1e-12)
    assert_allclose(
        weights,
        additive_attention_weights(x, w, np.zeros(D_V), a_2, slope=1.0),
        rtol=1e-12,
    )


def test_equal_weights_if_and_only_if_scores_differ_by_a_constant_a_row(rng):
    """The condition of the theorem, both ways, on random scores."""
    for _ in range(50):
        q, k = rng.normal(size=(2, 5, D_K))
        shifted = q @ k.T / math.sqrt(D_K) + rng.normal(size=(5, 1))
        assert (score_spread(shifted, q, k) < 1e-14).all()
        assert_allclose(softmax_of(shifted), attention_weights(q, k), rtol=1e-12)

        changed = shifted.copy()
        changed[2, 3] += 0.1
        spread = score_spread(changed, q, k)
        assert_allclose(spread, [0, 0, 0.1, 0, 0], rtol=0, atol=1e-14)
        equal = np.isclose(softmax_of(changed), attention_weights(q, k)).all(axis=1)
        assert_array_equal(equal, spread < 1e-9)


def softmax_of(scores):
    weights = np.exp(scores)
    return weights / weights.sum(axis=1, keepdims=True)


def test_no_dot_product_has_additive_scores():
    """Least squares over *all* bilinear scores and row constants leaves a residual.

    At one node and three neighbors on a line, an affine function of the neighbor
    would make the middle score the mean of the outer two.
    """
    x = np.array([[-1.0], [0.0], [1.0]])
    weights = additive_attention_weights(x, [[1.0]], [0.0], [1.0], slope=0.2)
    bend = np.log(weights) @ [1, -2, 1]

    assert_allclose(bend, 0.8, rtol=1e-12)
    for query in (-2.0, 0.3, 5.0):
        dot = np.log(attention_weights([[query]], x))
        assert_allclose(dot @ [1, -2, 1], 0, rtol=0, atol=1e-12)


def test_an_invertible_value_map_can_score_by_itself(rng):
    w_q, w_k = rng.normal(size=(2, D, D_K))
    w_v, x = rng.normal(size=(D, D)), rng.normal(size=(5, D))

    score = shared_weight_score(w_q, w_k, w_v)

    values = x @ w_v
    expected = (x @ w_q) @ (x @ w_k).T / math.sqrt(D_K)
    assert_allclose(values @ score.matrix @ values.T, expected, rtol=0, atol=1e-10)
    assert score.residual < 1e-12


@pytest.mark.parametrize("side", ["both", "queries", "keys", "none"])
def test_a_singular_value_map_scores_only_what_it_keeps(rng, side):
    """The value map forgets the first feature; queries or keys may still need it."""
    w_q, w_k = rng.normal(size=(2, D, D_K))
    w_v = rng.normal(size=(D, D))
    w_v[0] = 0
    w_q[0] *= side in {"queries", "both"}
    w_k[0] *= side in {"keys", "both"}

    score = shared_weight_score(w_q, w_k, w_v)

    assert (score.residual < 1e-12) == (side == "none")
    # What cannot be matched are the products with the forgotten feature.
    target = w_q @ w_k.T / math.sqrt(D_K)
    left = np.abs(np.concatenate([target[0], target[:, 0]])).max()
    assert score.residual == pytest.approx(left, abs=1e-12)


def test_rankings_break_ties_by_number():
    assert_array_equal(neighbor_rankings([[1, 2, 1, 2]]), [[1, 3, 0, 2]])


@pytest.mark.parametrize("edges", [[], [[1, 1]], [[1, 0], [1, 0]]], ids=str)
def test_self_loops_are_added_where_they_are_missing(edges):
    actual = add_self_loops(edges, 2)

    missing = [(i, i) for i in range(2) if [i, i] not in edges]
    expected = [*dict.fromkeys(map(tuple, edges)), *missing]
    assert_array_equal(actual, expected)
    assert actual.dtype == np.int64


@pytest.mark.parametrize("dtype", [int, np.float32])
def test_other_types_give_float64_and_stay_as_they_are(dtype):
    x = np.array([[1, 0], [2, 1], [0, 3]], dtype=dtype)
    edges = np.array([[2, 0], [0, 0], [1, 2]], dtype=np.int32)
    before, edges_before = x.copy(), edges.copy()
    w, a = np.eye(2, dtype=dtype), np.ones(2, dtype=dtype)

    dot = graph_attention(x, w, w, w, edges=edges)
    added = additive_graph_attention(x, w, a, a, edges=edges)

    assert dot.dtype == added.dtype == np.float64
    # Each node has one neighbor, and takes its features.
    assert_array_equal(dot, x[[0, 2, 0]])
    assert_array_equal(added, x[[0, 2, 0]])
    assert_array_equal(x, before)
    assert_array_equal(edges, edges_before)


@pytest.mark.parametrize("density", [0.0, 0.3, 1.0], ids=str)
def test_given_scores_are_the_loop_over_neighbors(rng, density):
    """GATv2 from its definition, by a matrix of scores and by those of the edges."""
    x, w_1, w_2, a = (rng.normal(size=s) for s in [(9, 3), (3, 4), (3, 4), (4,)])
    adjacency = graph(rng, 9, density)
    edges = rng.permutation(np.argwhere(adjacency))

    def score(i, j):
        z = x[i] @ w_1 + x[j] @ w_2
        return float(np.where(z > 0, z, 0.2 * z) @ a)

    scores = np.array([[score(i, j) for j in range(9)] for i in range(9)])
    expected = node_by_node(score, (x @ w_2).tolist(), adjacency)

    dense = graph_attention_from_scores(scores, x @ w_2, adjacency=adjacency)
    sparse = graph_attention_from_scores(scores[*edges.T], x @ w_2, edges=edges)
    assert_allclose(dense, expected, rtol=1e-11, atol=1e-14)
    assert_allclose(sparse, expected, rtol=1e-11, atol=1e-14)


def ways(rng, adjacency, lead=()):
    """Every function of a graph, as a call with a way to give it."""
    n, edges = len(adjacency), np.argwhere(adjacency)
    x = rng.normal(size=(*lead, n, D))
    dot, additive = dot_layer(rng), additive_layer(rng)
    e = rng.normal(size=(*lead, n, n))
    by = {"adjacency": adjacency}, {"edges": edges}
    calls = [
        (lambda x, *_, g=g, f=f, w=w: lambda **o: f(x, *w, **g, **o))
        for f, w in ((graph_attention, dot), (additive_graph_attention, additive))
        for g in by
    ]
    calls += [
        lambda x, e: lambda **o: graph_attention_from_scores(e, x, **by[0], **o),
        lambda x, e: (
            lambda **o: graph_attention_from_scores(e[..., *edges.T], x, **by[1], **o)
        ),
        lambda x, *_: (
            lambda **o: additive_attention_weights(x, *additive, **by[0], **o)
        ),
    ]
    return x, e, calls


def test_an_isolated_node_is_refused_or_gets_zero():
    adjacency = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 0]], dtype=bool)
    with_loop = adjacency.copy()
    with_loop[1, 1] = True
    x, e, calls = ways(np.random.default_rng(3), adjacency)
    *_, looped = ways(np.random.default_rng(3), with_loop)

    for call, other in zip(calls, looped, strict=True):
        with pytest.raises(ValueError, match="leaves node 1 no neighbor"):
            call(x, e)()
        y = call(x, e)(isolated="zero")
        assert_array_equal(y[1], 0.0)
        assert_allclose(y[[0, 2]], other(x, e)()[[0, 2]], rtol=1e-12)
        with pytest.raises(ValueError, match="`isolated` is 'mean', expected 'error'"):
            call(x, e)(isolated="mean")
        with pytest.raises(TypeError, match=r"`isolated` is \[0\], expected 'error'"):
            call(x, e)(isolated=[0])


def test_a_graph_without_edges(rng):
    x, layer = rng.normal(size=(4, D)), dot_layer(rng)

    assert_array_equal(graph_attention(x, *layer, edges=[], isolated="zero"), 0.0)


@pytest.mark.parametrize("lead", [(2,), (2, 3), (0,)], ids=str)
def test_a_batch_is_each_of_its_members(rng, lead):
    x, e, calls = ways(rng, graph(rng, 7, 0.4), lead)

    for call in calls:
        y = call(x, e)()
        assert y.shape[: len(lead)] == lead
        for index in np.ndindex(lead):
            assert_allclose(
                y[index], call(x[index], e[index])(), rtol=1e-11, atol=1e-14
            )


def test_a_batch_with_graphs_of_its_own(rng):
    x, layer, additive = rng.normal(size=(3, 5, D)), dot_layer(rng), additive_layer(rng)
    graphs = np.stack([graph(rng, 5, 0.5) for _ in range(3)])

    for f, w in ((graph_attention, layer), (additive_graph_attention, additive)):
        expected = [f(x[i], *w, adjacency=graphs[i]) for i in range(3)]
        assert_allclose(f(x, *w, adjacency=graphs), expected, rtol=1e-11, atol=1e-14)
        complete = [f(x[i], *w) for i in range(3)]
        assert_allclose(f(x, *w), complete, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("center", [1.0, -1.0, 1e17, -1e17, 1e300, -1e300], ids=str)
def test_a_large_part_of_the_center_costs_no_digits(center):
    """It cancels on either side of the kink, however the graph is given."""
    one = [[1.0]]
    arguments = [[1.0], [2.0]], one, [center], [1.0]
    with mpmath.workdps(400):
        rows = []
        for i in (1, 2):
            e = [mpmath.mpf(center) * i + j for j in (1, 2)]
            e = [z if z > 0 else mpmath.mpf(0.2) * z for z in e]
            w = [mpmath.exp(z - max(e)) for z in e]
            rows.append([float((w[0] + 2 * w[1]) / sum(w))])

    for given_as in ({}, {"adjacency": np.ones((2, 2))}, {"edges": EDGES}):
        actual = additive_graph_attention(*arguments, **given_as)
        assert_allclose(actual, rows, rtol=1e-14)


def test_self_loops_of_many_nodes_are_integers_of_64_bits():
    """Past 46 341 nodes the product of two numbers needs more than 32 bits."""
    edges = add_self_loops([[3, 1], [49_999, 49_999], [0, 2]], 50_000)

    assert edges.dtype == np.int64
    assert_array_equal(edges[:3], [[3, 1], [49_999, 49_999], [0, 2]])
    assert_array_equal(edges[-1], [49_998, 49_998])
    assert len(edges) == 50_002


def test_edges_of_pytorch_geometric_are_refused_and_can_be_converted(rng):
    x, layer = rng.normal(size=(3, D)), dot_layer(rng)
    edge_index = np.array([[1, 0, 2, 0], [0, 1, 2, 2]])  # from, to

    with pytest.raises(ValueError, match=r"expected \(E, 2\): an edge is a row"):
        graph_attention(x, *layer, edges=edge_index)
    actual = graph_attention(x, *layer, edges=edge_index[::-1].T)
    expected = graph_attention(x, *layer, edges=[[0, 1], [1, 0], [2, 2], [2, 0]])
    assert_allclose(actual, expected, rtol=1e-12)


def test_rankings_of_a_batch(rng):
    weights = rng.random((2, 3, 4))

    assert_array_equal(neighbor_rankings(weights)[1], neighbor_rankings(weights[1]))
    assert neighbor_rankings(weights).dtype == np.int64


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: graph_attention_from_scores(TWO, [[1.0]]),
            r"`scores` has shape \(2, 2\), expected \(\.\.\., 1, 1\)",
        ),
        (
            lambda: graph_attention_from_scores(np.ones((3, 2, 2)), TWO),
            r"`scores` has shape \(3, 2, 2\), expected \(2, 2\)",
        ),
        (
            lambda: graph_attention_from_scores([1.0], TWO, edges=EDGES),
            r"`scores` has shape \(1,\), expected \(4,\)",
        ),
        (
            lambda: graph_attention_from_scores(TWO, TWO, adjacency=TWO, edges=EDGES),
            "`edges` is given beside `adjacency`",
        ),
        (
            lambda: additive_graph_attention(
                TWO, TWO, [1.0, 1.0], [1.0, 1.0], adjacency=TWO, edges=EDGES
            ),
            "`edges` is given beside `adjacency`",
        ),
        (
            lambda: graph_attention(
                np.ones((3, 2, 2)), TWO, TWO, TWO, adjacency=np.ones((2, 2, 2))
            ),
            r"`adjacency` has shape \(2, 2, 2\), expected \(2, 2\) or \(3, 2, 2\)",
        ),
        (
            lambda: graph_attention([[1e200], [0.0]], [[1e200]], [[1.0]], [[1.0]]),
            "`nodes` and `query_weights` make the result too large",
        ),
    ],
)
def test_bad_graphs_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: graph_attention([1.0], ONE, ONE, ONE), ValueError, "`nodes` has"),
        (lambda: graph_attention(TWO, ONE, ONE, ONE), ValueError, "`query_weights`"),
        (lambda: graph_attention(TWO, TWO, ONE, ONE), ValueError, "`key_weights`"),
        (lambda: graph_attention(TWO, TWO, TWO, ONE), ValueError, "`value_weights`"),
        (
            lambda: graph_attention([[1e200]], ONE, ONE, [[1e200]]),
            ValueError,
            "`nodes` and `value_weights` make the result too large for a float",
        ),
        (
            lambda: graph_attention([[1e200]], ONE, ONE, ONE, edges=[[0, 0]]),
            ValueError,
            "`nodes` makes the result too large for a float",
        ),
        (
            lambda: graph_attention(TWO, TWO, TWO, TWO, adjacency=ONE),
            ValueError,
            r"`adjacency` has shape \(1, 1\), expected \(2, 2\)",
        ),
        (
            lambda: graph_attention(TWO, TWO, TWO, TWO, adjacency=[[1, 1], [0, 2]]),
            ValueError,
            "`adjacency` holds 2, expected 0 or 1",
        ),
        (
            lambda: graph_attention(TWO, TWO, TWO, TWO, adjacency=[[1, 1], [0, 0]]),
            ValueError,
            "`adjacency` leaves node 1 no neighbor, expected one, if only itself",
        ),
        (
            lambda: graph_attention(TWO, TWO, TWO, TWO, edges=[[1, 0]]),
            ValueError,
            "`edges` leaves node 0 no neighbor",
        ),
        (
            lambda: graph_attention(TWO, TWO, TWO, TWO, edges=[[1, 0], [1, 0]]),
            ValueError,
            r"`edges` holds \(1, 0\) twice, expected each edge once",
        ),
        (
            lambda: graph_attention(TWO, TWO, TWO, TWO, edges=[[1, 2]]),
            ValueError,
            r"`edges` holds 2, expected in \[0, 1\]",
        ),
        (
            lambda: graph_attention(TWO, TWO, TWO, TWO, edges=[[1.0, 0.0]]),
            TypeError,
            "`edges` is of type",
        ),
        (
            lambda: graph_attention(TWO, TWO, TWO, TWO, edges=[1, 0]),
            ValueError,
            "`edges` has shape",
        ),
        (
            lambda: graph_attention(TWO, TWO, TWO, TWO, adjacency=TWO, edges=[[1, 0]]),
            ValueError,
            "`edges` is given beside `adjacency`, expected one of them",
        ),
        (
            lambda: additive_graph_attention(ONE, TWO, [1.0], [1.0]),
            ValueError,
            "`weights` has shape",
        ),
        (
            lambda: additive_graph_attention(ONE, ONE, [1.0, 2.0], [1.0]),
            ValueError,
            "`center_vector` has shape",
        ),
        (
            lambda: additive_graph_attention(ONE, ONE, [1.0], [1.0, 2.0]),
            ValueError,
            "`neighbor_vector` has shape",
        ),
        (
            lambda: additive_graph_attention(ONE, ONE, [1.0], [1.0], slope=1.5),
            ValueError,
            r"`slope` is 1.5, expected in \[0, 1\]",
        ),
        (
            lambda: additive_graph_attention([[1e200]], ONE, [1e200], [1.0]),
            ValueError,
            "`nodes` and `center_vector` make the result too large",
        ),
        (
            lambda: additive_attention_weights([[1e200]], ONE, [1.0], [1e200]),
            ValueError,
            "`nodes` and `neighbor_vector` make the result too large",
        ),
        (
            lambda: additive_attention_weights(
                np.broadcast_to(1.0, (10**6, 1)), ONE, [1.0], [1.0]
            ),
            MemoryError,
            r"`nodes` is of shape \(1000000, 1\)",
        ),
        (lambda: add_self_loops([[0, 1]], 1), ValueError, "`edges` holds 1"),
        (lambda: add_self_loops([], 0), ValueError, "`node_count` is 0"),
        (lambda: add_self_loops([], 10**20), MemoryError, "`node_count` is 1e20"),
        (lambda: add_self_loops(np.ones((0, 5)), 2), ValueError, "`edges` has shape"),
        (lambda: add_self_loops([[0], [0, 1]], 2), ValueError, "`edges` is ragged"),
        (lambda: score_spread(TWO, TWO, ONE), ValueError, "`keys` has shape"),
        (lambda: score_spread(ONE, TWO, TWO), ValueError, "`scores` has shape"),
        (lambda: score_spread(ONE, [[1e300]], [[1e9]]), ValueError, "`queries` and"),
        (lambda: shared_weight_score(ONE, TWO, ONE), ValueError, "`key_weights` has"),
        (lambda: shared_weight_score(ONE, ONE, TWO), ValueError, "`value_weights`"),
        (
            lambda: shared_weight_score([[1e200]], [[1e200]], ONE),
            ValueError,
            "`query_w",
        ),
        (
            lambda: shared_weight_score(ONE, ONE, [[1e-200]]),
            ValueError,
            "`value_weights` makes the result too large",
        ),
        (
            lambda: graph_attention(
                ONE, ONE, ONE, ONE, adjacency=np.ma.array([[True]], mask=True)
            ),
            ValueError,
            "`adjacency` has masked entries",
        ),
        (lambda: neighbor_rankings([1.0]), ValueError, "`weights` has shape"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_results_fit_in_memory_exactly(monkeypatch):
    """The N x N weights of each graph, and a loop for each node."""
    nodes, adjacency = np.ones((2, 3, 1)), np.ones((3, 3))

    def attend():
        return additive_graph_attention(
            nodes, ONE, [1.0], [1.0], slope=0.2, adjacency=adjacency
        )

    monkeypatch.setattr("hw4lib._checks.memory_size", lambda: 8 * 2 * 3 * 3)
    assert attend().shape == (2, 3, 1)
    monkeypatch.setattr("hw4lib._checks.memory_size", lambda: 8 * 2 * 3 * 3 - 1)
    with pytest.raises(MemoryError, match=r"^`nodes` is of shape \(2, 3, 1\)"):
        attend()
    monkeypatch.setattr("hw4lib._checks.memory_size", lambda: 8 * 3 * 2)
    assert add_self_loops([[0, 1]], 3).shape == (4, 2)
    monkeypatch.setattr("hw4lib._checks.memory_size", lambda: 8 * 3 * 2 - 1)
    with pytest.raises(MemoryError, match=r"^`node_count` is 3"):
        add_self_loops([[0, 1]], 3)
