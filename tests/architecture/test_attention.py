import itertools
import tracemalloc
from dataclasses import asdict
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from oracles import matrix_of

from hw4lib.architecture.attention import (
    apply_attention_matrix,
    attention_counts,
    attention_factors,
    attention_gradient,
    attention_matrix,
    attention_weights,
    block_pattern,
    causal_mask,
    multi_head_attention,
    scaled_dot_product_attention,
    self_attention,
)

CAUSAL = np.tri(4, dtype=bool)
ONE, TWO = np.ones((1, 1)), np.ones((2, 2))


def weights_one_by_one(queries, keys, mask=None):
    """Softmax of each row in exact rational scores and 30 digits."""
    rows = []
    with mpmath.workdps(30):
        for i, query in enumerate(queries):
            terms = []
            for j, key in enumerate(keys):
                score = sum(
                    Fraction(float(a)) * Fraction(float(b))
                    for a, b in zip(query, key, strict=True)
                )
                scaled = mpmath.mpf(score.numerator) / score.denominator
                allowed = mask is None or mask[i][j]
                terms.append(mpmath.exp(scaled / mpmath.sqrt(len(key))) * int(allowed))
            rows.append([float(term / sum(terms)) for term in terms])
    return np.array(rows)


def layer(rng, length=4, d=3, d_k=2, d_v=5):
    return (
        rng.normal(size=(length, d)),
        rng.normal(size=(d, d_k)),
        rng.normal(size=(d, d_k)),
        rng.normal(size=(d, d_v)),
    )


def heads(rng):
    count, length, d, d_k, d_v, d_out = 2, 4, 3, 2, 5, 4
    return (
        rng.normal(size=(length, d)),
        rng.normal(size=(count, d, d_k)),
        rng.normal(size=(count, d, d_k)),
        rng.normal(size=(count, d, d_v)),
        rng.normal(size=(count * d_v, d_out)),
    )


@pytest.mark.parametrize("mask", [None, CAUSAL], ids=["all", "causal"])
@pytest.mark.parametrize("size", [1.0, 30.0], ids=["small scores", "large scores"])
def test_weights_are_the_softmax_in_exact_scores(rng, mask, size):
    queries, keys = size * rng.normal(size=(2, 4, 3))

    actual = attention_weights(queries, keys, mask=mask)

    # A score of a few hundred is rounded before its exponential is taken.
    expected = weights_one_by_one(queries, keys, mask)
    assert_allclose(actual, expected, rtol=1e-12 * size**2, atol=1e-300)


def test_weights_are_the_softmax_of_rows_not_of_columns():
    """Two keys of which only the second row prefers one: column sums are not 1."""
    weights = attention_weights([[0.0], [np.log(3.0)]], [[0.0], [1.0]])

    assert_allclose(weights, [[0.5, 0.5], [0.25, 0.75]], rtol=1e-15)


@pytest.mark.parametrize("mask", [False, True], ids=["all", "mask"])
@pytest.mark.parametrize("size", [1.0, 10.0], ids=["no shift", "shift"])
@pytest.mark.parametrize(
    ("shape", "widths"),
    [((1, 1), (4, 3)), ((300, 2100), (4, 3)), ((513, 1024), (64, 40))],
)
def test_streaming_over_blocks_is_the_product_with_all_weights(
    rng, shape, widths, size, mask
):
    (n, m), (d, d_v) = shape, widths
    queries = size * rng.normal(size=(n, d))
    # Keys grow along the sequence, so that later blocks hold the larger scores.
    keys = size * rng.normal(size=(m, d)) * np.linspace(0.1, 1, m)[:, None]
    values = rng.normal(size=(m, d_v))
    allowed = rng.random((n, m)) < 0.3 if mask else np.ones((n, m), bool)
    allowed[:, -1] = True
    allowed[: n // 2, : m // 2] = not mask  # a block with rows that are all masked

    scores = np.where(allowed, queries @ keys.T / np.sqrt(d), -np.inf)
    expected = np.exp(scores - scores.max(axis=1, keepdims=True))
    expected = expected / expected.sum(axis=1, keepdims=True) @ values
    actual = scaled_dot_product_attention(
        queries, keys, values, mask=allowed if mask else None
    )

    # Sums of up to 2100 terms in another order; scores of 500 lose three digits.
    assert_allclose(actual, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("batch", [(), (0,), (3,), (2, 3)], ids=str)
def test_a_batch_is_each_of_its_members(rng, batch):
    queries, keys = rng.normal(size=(2, *batch, 5, 4))
    values = rng.normal(size=(*batch, 5, 2))

    actual = scaled_dot_product_attention(queries, keys, values)

    assert actual.shape == (*batch, 5, 2)
    for index in np.ndindex(batch):
        alone = scaled_dot_product_attention(queries[index], keys[index], values[index])
        assert_allclose(actual[index], alone, rtol=1e-12)


def test_a_large_batch_is_each_of_its_members(rng):
    """So large that it is halved, down to single members."""
    queries = rng.normal(size=(3, 2, 260, 32))
    keys = rng.normal(size=(2, 1030, 32))
    values = rng.normal(size=(3, 1, 1030, 2))
    mask = rng.random((3, 1, 1, 1030)) < 0.5

    actual = scaled_dot_product_attention(queries, keys, values, mask=mask)

    weights = attention_weights(queries, keys, mask=mask)
    assert_allclose(actual, weights @ values, rtol=0, atol=1e-13)


def test_extra_memory_does_not_grow_with_the_square_of_the_length():
    x = np.random.default_rng(0).normal(size=(4096, 8))
    tracemalloc.start()
    scaled_dot_product_attention(x, x, x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # All weights would take 128 MiB.
    assert peak < 8 * 2**20


def test_self_attention_projects_the_rows(rng):
    x, w_q, w_k, w_v = layer(rng)

    actual = self_attention(x, w_q, w_k, w_v, mask=CAUSAL)

    expected = weights_one_by_one(x @ w_q, x @ w_k, CAUSAL) @ (x @ w_v)
    assert_allclose(actual, expected, rtol=1e-12)


def test_self_attention_of_a_batch(rng):
    _, w_q, w_k, w_v = layer(rng)
    batch = rng.normal(size=(2, 6, 3))

    actual = self_attention(batch, w_q, w_k, w_v)

    expected = [self_attention(x, w_q, w_k, w_v) for x in batch]
    assert_allclose(actual, expected, rtol=1e-12)


def test_multi_head_attention_is_the_sum_over_heads(rng):
    """Concatenation and one product is a sum of products with blocks of rows."""
    x, w_q, w_k, w_v, w_o = heads(rng)

    actual = multi_head_attention(x, w_q, w_k, w_v, w_o, mask=CAUSAL)

    expected = sum(
        weights_one_by_one(x @ w_q[i], x @ w_k[i], CAUSAL)
        @ (x @ w_v[i])
        @ w_o[5 * i : 5 * i + 5]
        for i in range(2)
    )
    assert_allclose(actual, expected, rtol=1e-11)


def test_multi_head_attention_of_a_batch(rng):
    x, *weights = heads(rng)
    batch = rng.normal(size=(3, *x.shape))

    actual = multi_head_attention(batch, *weights)

    assert actual.shape == (3, 4, 4)
    assert_allclose(actual[1], multi_head_attention(batch[1], *weights), rtol=1e-12)


def test_every_permutation_of_the_input_permutes_the_output(rng):
    """3.3 (b), over all 24 orders of four positions."""
    x, *weights = heads(rng)
    y = multi_head_attention(x, *weights)

    for order in itertools.permutations(range(4)):
        actual = multi_head_attention(x[list(order)], *weights)
        # Sums over positions are in another order.
        assert_allclose(actual, y[list(order)], rtol=0, atol=1e-13)


def test_a_causal_mask_breaks_the_symmetry_for_all_but_the_identity(rng):
    x, *weights = heads(rng)
    y = multi_head_attention(x, *weights, mask=CAUSAL)

    for order in itertools.permutations(range(4)):
        moved = multi_head_attention(x[list(order)], *weights, mask=CAUSAL)
        assert np.allclose(moved, y[list(order)]) == (order == (0, 1, 2, 3))


def test_a_mask_that_moves_along_keeps_the_symmetry(rng):
    x, *weights = heads(rng)
    order = [2, 0, 3, 1]

    actual = multi_head_attention(x[order], *weights, mask=CAUSAL[np.ix_(order, order)])

    expected = multi_head_attention(x, *weights, mask=CAUSAL)[order]
    assert_allclose(actual, expected, rtol=1e-11)


def test_matrix_is_numpys_kronecker_product(rng):
    a, w_v = rng.random((4, 4)), rng.normal(size=(3, 5))

    # Each entry is one product.
    assert_allclose(attention_matrix(a, w_v), np.kron(a, w_v.T), rtol=0, atol=0)


def test_matrix_of_heads_is_the_sum_of_kronecker_products(rng):
    a, w_v = rng.random((2, 4, 4)), rng.normal(size=(2, 3, 5))

    expected = np.kron(a[0], w_v[0].T) + np.kron(a[1], w_v[1].T)
    assert_allclose(attention_matrix(a, w_v), expected, rtol=1e-12, atol=1e-14)


def test_matrix_is_the_matrix_of_the_layer_with_its_weights_held(rng):
    """One basis vector at a time through the layer, whose weights `x` has fixed."""
    x, w_q, w_k, w_v = layer(rng)
    a = attention_weights(x @ w_q, x @ w_k)

    expected = matrix_of(lambda stacked: a @ stacked.reshape(4, 3) @ w_v, 12)

    matrix = attention_matrix(a, w_v)
    assert_allclose(matrix, expected, rtol=1e-12, atol=1e-14)
    y = self_attention(x, w_q, w_k, w_v)
    assert_allclose(matrix @ x.ravel(), y.ravel(), rtol=1e-11)


def test_heads_may_add_up_to_almost_the_largest_float():
    """Halves of what would overflow in full."""
    assert_allclose(
        attention_matrix(np.full((2, 1, 1), 0.5), np.full((2, 1, 1), 1.5e308)),
        [[1.5e308]],
        rtol=0,
        atol=0,
    )


def test_matrix_of_a_multi_head_layer_maps_its_input_to_its_output(rng):
    x, w_q, w_k, w_v, w_o = heads(rng)
    a = attention_weights(x @ w_q, x @ w_k)

    matrix = attention_matrix(a, w_v, output_weights=w_o)

    y = multi_head_attention(x, w_q, w_k, w_v, w_o)
    assert_allclose(matrix @ x.ravel(), y.ravel(), rtol=1e-11)


def test_column_major_stacking_swaps_the_factors(rng):
    """With columns stacked the matrix is W_v' x A, the same map."""
    x, w_q, w_k, w_v = layer(rng)
    a = attention_weights(x @ w_q, x @ w_k)

    y = np.kron(w_v.T, a) @ x.ravel(order="F")

    rows = attention_matrix(a, w_v) @ x.ravel()
    assert_allclose(y.reshape(5, 4).T.ravel(), rows, rtol=1e-11)


def test_output_weights_are_combined_block_by_block(rng):
    *_, w_v, w_o = heads(rng)
    a, x = rng.random((2, 4, 4)), rng.normal(size=12)
    combined = np.stack([w_v[0] @ w_o[:5], w_v[1] @ w_o[5:]])

    for together, apart in (
        (
            attention_matrix(a, w_v, output_weights=w_o),
            attention_matrix(a, combined),
        ),
        (
            apply_attention_matrix(x, a, w_v, output_weights=w_o),
            apply_attention_matrix(x, a, combined),
        ),
    ):
        assert_allclose(together, apart, rtol=1e-12, atol=1e-13)


def test_factors_are_kronecker_products_with_identities(rng):
    a, w_v = rng.random((4, 4)), rng.normal(size=(3, 5))

    factors = attention_factors(a, w_v)

    assert_array_equal(factors.mixing, np.kron(a, np.eye(5)))
    assert_array_equal(factors.shared, np.kron(np.eye(4), w_v.T))
    product = factors.mixing @ factors.shared
    assert_allclose(product, attention_matrix(a, w_v), rtol=1e-12)


@pytest.mark.parametrize("count", [None, 1, 3])
def test_applying_the_factors_is_applying_the_matrix(rng, count):
    lead = () if count is None else (count,)
    a, w_v = rng.random((*lead, 4, 4)), rng.normal(size=(*lead, 3, 5))
    stacked = rng.normal(size=12)

    actual = apply_attention_matrix(stacked, a, w_v)

    assert_allclose(actual, attention_matrix(a, w_v) @ stacked, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("masked", [False, True], ids=["all", "mask"])
@pytest.mark.parametrize(("n", "d"), [(1, 1), (3, 2), (4, 3), (7, 1)])
def test_counts_are_counted_in_the_matrices(rng, n, d, masked):
    x, w_q, w_k, w_v = layer(rng, n, d, d, d)
    mask = (rng.random((n, n)) < 0.4) | np.eye(n, dtype=bool) if masked else None
    a = attention_weights(x @ w_q, x @ w_k, mask=mask)
    shared = np.kron(np.eye(n), w_v.T)
    blocks = [b for rows in np.split(shared, n) for b in np.split(rows, n, axis=1)]

    assert asdict(attention_counts(n, d, mask=mask)) == {
        "dense_parameters": np.ones((n * d, n * d)).size,
        "learned_parameters": w_q.size + w_k.size + w_v.size,
        "mixing_weights": np.count_nonzero(a),
        "shared_nonzeros": np.count_nonzero(shared),
        "shared_zero_blocks": sum(not block.any() for block in blocks),
        "mixing_nonzeros": np.count_nonzero(np.kron(a, np.eye(d))),
        "product_nonzeros": np.count_nonzero(np.kron(a, w_v.T)),
    }


def test_product_has_no_zero_block_but_the_mask_makes_it_triangular(rng):
    x, w_q, w_k, w_v = layer(rng)
    full, causal = (
        attention_matrix(attention_weights(x @ w_q, x @ w_k, mask=mask), w_v)
        for mask in (None, CAUSAL)
    )

    assert block_pattern(full, (5, 3)).all()
    assert_array_equal(block_pattern(causal, (5, 3)) > 0, CAUSAL)


def test_the_layer_is_not_linear_in_its_input(rng):
    x, *weights = layer(rng)

    assert not np.allclose(
        self_attention(2 * x, *weights), 2 * self_attention(x, *weights), rtol=0.01
    )


@pytest.mark.parametrize("length", [2, 3, 6])
def test_the_layer_is_linear_if_and_only_if_queries_and_keys_are_orthogonal(
    rng, length
):
    """Then, and only then, is it homogeneous: at random inputs, weights and scales."""
    for _ in range(50):
        x, w_q, w_k, w_v = layer(rng, length, 3, 2, 3)
        # Queries in the first direction, keys in the second: W_q W_k' = 0.
        orthogonal = w_q * [1, 0], w_k * [0, 1]
        for pair, linear in ((orthogonal, True), ((w_q, w_k), False)):
            once = self_attention(x, *pair, w_v)
            tenth = self_attention(0.1 * x, *pair, w_v)
            mean = np.tile((x @ w_v).mean(axis=0), (length, 1))
            assert np.allclose(tenth, 0.1 * once) == linear
            assert np.allclose(once, mean) == linear


@pytest.mark.parametrize("d_k", [1, 2, 3])
def test_logarithms_of_the_weights_have_low_rank(rng, d_k):
    """Scores have rank d_k, and the softmax subtracts a constant from each row."""
    queries, keys = rng.normal(size=(2, 8, d_k))

    logarithms = np.log(attention_weights(queries, keys))

    assert np.linalg.matrix_rank(logarithms, tol=1e-10) == d_k + 1


def test_the_layer_is_linear_when_queries_vanish(rng):
    """The exception: no query prefers a key, and every output is the mean value."""
    x, w_q, w_k, w_v = layer(rng)

    actual = self_attention(x, 0 * w_q, w_k, w_v)

    assert_allclose(actual, np.tile((x @ w_v).mean(axis=0), (4, 1)), rtol=1e-12)


def test_block_pattern_numbers_blocks_as_they_appear():
    b, c, z = np.ones((1, 2)), np.array([[1, 2]]), np.zeros((1, 2))

    actual = block_pattern(np.block([[z, c, b], [b, z, c]]), (1, 2))

    assert_array_equal(actual, [[0, 1, 2], [2, 0, 1]])


@pytest.mark.parametrize("dtype", [int, np.float32, bool])
def test_other_types_give_float64_and_stay_as_they_are(dtype):
    x = np.array([[1, 0], [1, 1], [0, 1]], dtype=dtype)
    before = x.copy()

    actual = scaled_dot_product_attention(x, x, x)

    assert actual.dtype == np.float64
    assert_array_equal(actual, scaled_dot_product_attention(*[x.astype(float)] * 3))
    assert_array_equal(x, before)


def test_arguments_are_not_modified(rng):
    arguments = heads(rng)
    copies = [argument.copy() for argument in arguments]

    multi_head_attention(*arguments, mask=CAUSAL)

    for argument, copy in zip(arguments, copies, strict=True):
        assert_array_equal(argument, copy)


@pytest.mark.parametrize("size", [1e-300, 1e4, 1e150])
def test_extreme_scores_pick_the_largest_or_nothing(size):
    queries = keys = [[size], [-size]]
    weights = attention_weights(queries, keys)

    expected = np.full((2, 2), 0.5) if size < 1 else np.eye(2)
    assert_array_equal(weights, expected)
    values = [[1e290], [-1e290]]
    actual = scaled_dot_product_attention(queries, keys, values)
    assert_allclose(actual, expected @ values, rtol=1e-15)


FINITE = st.floats(-1e6, 1e6, width=32)


@given(
    hnp.arrays(float, st.tuples(st.integers(1, 6), st.just(3)), elements=FINITE),
    hnp.arrays(float, st.tuples(st.integers(1, 6), st.just(3)), elements=FINITE),
)
def test_outputs_stay_between_the_values(queries, keys):
    """Weights are a distribution, so means lie within the range of the values."""
    weights = attention_weights(queries, keys)
    values = np.linspace(-1, 1, len(keys))[:, None]

    means = scaled_dot_product_attention(queries, keys, values)

    assert weights.shape == (len(queries), len(keys))
    assert (weights >= 0).all()
    assert_allclose(weights.sum(axis=1), 1, rtol=1e-15)
    # Two products of the same vectors round to scores that differ by some units.
    scale = np.abs(queries).sum(axis=1).max() * np.abs(keys).max()
    atol = 1e-12 + 4 * np.finfo(float).eps * scale
    assert_allclose(means, weights @ values, rtol=0, atol=atol)
    assert (np.abs(means) <= 1 + 1e-15).all()


def rows_of(scores, values):
    """Scores, softmax, mean, as SciPy has them."""
    return scipy.special.softmax(scores, axis=-1) @ values


def test_a_bias_is_added_to_the_scores(rng):
    queries, keys = rng.normal(size=(2, 4, 3))
    values, bias = rng.normal(size=(4, 2)), rng.normal(size=(4, 4))
    scores = queries @ keys.T / np.sqrt(3) + bias

    weights = attention_weights(queries, keys, bias=bias)
    mean = scaled_dot_product_attention(queries, keys, values, bias=bias)

    assert_allclose(weights, scipy.special.softmax(scores, axis=1), rtol=1e-12)
    assert_allclose(mean, rows_of(scores, values), rtol=1e-11)


def test_a_bias_of_minus_infinity_is_a_mask(rng):
    queries, keys = rng.normal(size=(2, 4, 3))
    bias = np.where(CAUSAL, 0.0, -np.inf)

    assert_array_equal(
        attention_weights(queries, keys, bias=bias),
        attention_weights(queries, keys, mask=CAUSAL),
    )


def test_a_mask_of_each_head_and_of_each_member_of_a_batch(rng):
    x, *weights = heads(rng)
    batch = rng.normal(size=(3, 4, 3))
    by_head = rng.random((2, 4, 4)) < 0.5
    by_member = rng.random((3, 1, 4, 4)) < 0.5
    by_head |= np.eye(4, dtype=bool)
    by_member |= np.eye(4, dtype=bool)
    w_q, w_k, w_v, w_o = weights

    actual = multi_head_attention(x, *weights, mask=by_head)
    expected = sum(
        self_attention(x, w_q[i], w_k[i], w_v[i], mask=by_head[i])
        @ w_o[5 * i : 5 * i + 5]
        for i in range(2)
    )
    assert_allclose(actual, expected, rtol=1e-11, atol=1e-13)

    actual = multi_head_attention(batch, *weights, mask=by_member)
    expected = [
        multi_head_attention(batch[b], *weights, mask=by_member[b, 0]) for b in range(3)
    ]
    assert_allclose(actual, expected, rtol=1e-11, atol=1e-13)
    bias = rng.normal(size=(3, 2, 4, 4))
    actual = multi_head_attention(batch, *weights, bias=bias)
    expected = [
        multi_head_attention(batch[b], *weights, bias=bias[b]) for b in range(3)
    ]
    assert_allclose(actual, expected, rtol=1e-11, atol=1e-13)


def test_cross_attention_takes_keys_and_values_from_the_context(rng):
    x, context = rng.normal(size=(4, 3)), rng.normal(size=(6, 2))
    w_q, w_k, w_v = (rng.normal(size=shape) for shape in [(3, 5), (2, 5), (2, 7)])
    b_q, b_k, b_v = rng.normal(size=5), rng.normal(size=5), rng.normal(size=7)
    q, k, v = x @ w_q + b_q, context @ w_k + b_k, context @ w_v + b_v
    biases = {"query_bias": b_q, "key_bias": b_k, "value_bias": b_v}

    actual = self_attention(x, w_q, w_k, w_v, context=context, **biases)

    assert_allclose(actual, rows_of(q @ k.T / np.sqrt(5), v), rtol=1e-11)
    # One head with an output matrix and a bias of its own.
    w_o, b_o = rng.normal(size=(7, 2)), rng.normal(size=2)
    one = multi_head_attention(
        x,
        w_q[None],
        w_k[None],
        w_v[None],
        w_o,
        context=context,
        **{name: bias[None] for name, bias in biases.items()},
        output_bias=b_o,
    )
    assert_allclose(one, actual @ w_o + b_o, rtol=1e-11)


# --- the gradient ---------------------------------------------------------------------


def scalar(rng, n, m, d, d_v, *lead):
    """Queries, keys, values and the gradient of a scalar with respect to outputs."""
    shapes = (n, d), (m, d), (m, d_v), (n, d_v)
    return [rng.normal(size=(*lead, *shape)) for shape in shapes]


def by_differences(arrays, **options):
    """Central differences of E = sum(G * Y) in each number of queries, keys, values."""
    *operands, g = (a.copy() for a in arrays)
    for a in operands:
        slopes = np.empty(a.shape)
        for index in np.ndindex(a.shape):
            ends, middle = [], a[index]
            for a[index] in (middle + 1e-5, middle - 1e-5):
                y = scaled_dot_product_attention(*operands, **options)
                ends.append((g * y).sum())
            a[index] = middle
            slopes[index] = (ends[0] - ends[1]) / 2e-5
        yield slopes


def fields(gradient):
    return gradient.queries, gradient.keys, gradient.values


def options_of(masking, rng, n, m):
    """A mask or a bias of n queries and m keys, none of them, or both."""
    return {
        "none": {},
        "causal": {"mask": np.tri(n, m, dtype=bool)},
        "bias": {"bias": rng.normal(size=(n, m))},
        "minus infinity": {"bias": np.where(np.arange(m) % 3 == 1, -np.inf, 1.0)},
        "both": {"mask": np.arange(m) % 2 == 0, "bias": rng.normal(size=(n, 1))},
    }[masking]


EVERY_MASKING = pytest.mark.parametrize(
    "masking", ["none", "causal", "bias", "minus infinity", "both"]
)


@EVERY_MASKING
def test_the_gradient_is_that_of_central_differences(rng, masking):
    """Without its sum over a row, that of queries and keys would be another."""
    arrays, options = scalar(rng, 3, 4, 2, 5), options_of(masking, rng, 3, 4)

    gradient = attention_gradient(*arrays, **options)

    for actual, expected in zip(
        fields(gradient), by_differences(arrays, **options), strict=True
    ):
        assert_allclose(actual, expected, rtol=1e-8, atol=1e-9)


def test_what_is_repeated_gets_the_sum_of_its_gradients(rng):
    """One set of keys for two heads, and one set of values for a batch of three."""
    q, k = rng.normal(size=(3, 2, 4, 2)), rng.normal(size=(3, 1, 5, 2))
    v, g = rng.normal(size=(5, 2)), rng.normal(size=(3, 2, 4, 2))

    gradient = attention_gradient(q, k, v, g)

    expected = by_differences((q, k, v, g))
    for actual, slopes in zip(fields(gradient), expected, strict=True):
        assert_allclose(actual, slopes, rtol=1e-8, atol=1e-9)


def test_a_vector_added_to_every_key_changes_no_output(rng):
    """It adds a constant to each row of scores: so the keys' gradients sum to zero."""
    gradient = attention_gradient(*scalar(rng, 6, 7, 3, 2))

    assert_allclose(gradient.keys.sum(axis=0), 0, rtol=0, atol=1e-14)
    assert np.abs(gradient.keys).max() > 0.1


def test_equal_values_leave_queries_and_keys_alone(rng):
    """Every mean of equal values is their value, wherever a query attends."""
    q, k, _, g = scalar(rng, 6, 7, 3, 2)

    gradient = attention_gradient(q, k, np.ones((7, 2)), g)

    assert_allclose(gradient.queries, 0, rtol=0, atol=1e-14)
    assert_allclose(gradient.keys, 0, rtol=0, atol=1e-14)
    # Each query passes its whole gradient on, in parts.
    assert_allclose(gradient.values.sum(axis=0), g.sum(axis=0), rtol=1e-12)


def test_the_gradient_is_that_of_a_large_layer_in_blocks(rng):
    """More scores than are held at a time: as the formula with all of them has it."""
    q, k, v, g = scalar(rng, 300, 2100, 4, 3)
    a = scipy.special.softmax(q @ k.T / 2, axis=1)
    by_scores = a * (g @ v.T - (a * (g @ v.T)).sum(axis=1, keepdims=True))

    gradient = attention_gradient(q, k, v, g)

    # Sums of up to 2100 terms in another order.
    expected = by_scores @ k / 2, by_scores.T @ q / 2, a.T @ g
    for actual, part in zip(fields(gradient), expected, strict=True):
        assert_allclose(actual, part, rtol=0, atol=1e-12)


# --- the engine -----------------------------------------------------------------------


@EVERY_MASKING
@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize(
    ("shape", "widths"),
    [
        ((1, 1), (1, 1)),
        ((3, 67), (5, 2)),
        pytest.param((70, 9), (8, 4), id="two parts"),
    ],
)
def test_tiles_give_what_the_formula_gives(rng, shape, widths, masking):
    """Tiles of 64 keys; three left over, of four; later keys with larger scores."""
    q, k, v, g = scalar(rng, *shape, *widths)
    k *= np.linspace(0.1, 3.0, len(k))[:, None]
    options = options_of(masking, rng, *shape)

    actual = scaled_dot_product_attention(q, k, v, **options, engine="numba")
    gradient = attention_gradient(q, k, v, g, **options, engine="numba")

    expected = scaled_dot_product_attention(q, k, v, **options)
    assert_allclose(actual, expected, rtol=0, atol=1e-13)
    plain = attention_gradient(q, k, v, g, **options)
    for one, other in zip(fields(gradient), fields(plain), strict=True):
        assert_allclose(one, other, rtol=0, atol=1e-12)


@pytest.mark.usefixtures("numba")
def test_heads_and_batches_by_either_engine(rng):
    """Also where each member of a batch has its mask, and queries are repeated."""
    q, k = rng.normal(size=(2, 3, 4)), rng.normal(size=(3, 2, 5, 4))
    v, mask = rng.normal(size=(3, 1, 5, 3)), rng.random((3, 1, 1, 5)) < 0.6
    mask[..., 0] = True
    g, x = rng.normal(size=(3, 2, 3, 3)), rng.normal(size=(2, 4, 3))

    actual = scaled_dot_product_attention(q, k, v, mask=mask, engine="numba")
    gradient = attention_gradient(q, k, v, g, mask=mask, engine="numba")

    expected = scaled_dot_product_attention(q, k, v, mask=mask)
    assert_allclose(actual, expected, rtol=0, atol=1e-14)
    plain = attention_gradient(q, k, v, g, mask=mask)
    for one, other in zip(fields(gradient), fields(plain), strict=True):
        assert_allclose(one, other, rtol=0, atol=1e-13)
    _, *weights = heads(rng)
    assert_allclose(
        multi_head_attention(x, *weights, engine="numba"),
        multi_head_attention(x, *weights),
        rtol=1e-11,
    )
    w_q, w_k, w_v = (w[0] for w in weights[:3])
    assert_allclose(
        self_attention(x, w_q, w_k, w_v, engine="numba"),
        self_attention(x, w_q, w_k, w_v),
        rtol=1e-11,
    )
    empty = np.ones((0, 2, 2))
    assert scaled_dot_product_attention(empty, empty, empty, engine="numba").size == 0


@pytest.mark.parametrize("engine", ["numpy", "numba"])
@pytest.mark.parametrize("size", [1e-300, 1e60, 1e150])
@pytest.mark.usefixtures("numba")
def test_either_engine_at_the_ends_of_the_floats(size, engine):
    """The largest score decides, or none does; values are halved, or stay."""
    x, options = [[size], [-size]], {"engine": engine}
    decided = [[3.0]] if size < 1 else [[4.0]]

    y = scaled_dot_product_attention([[size]], x, [[4.0], [2.0]], **options)
    assert_array_equal(y, decided)
    bias = [[size, -size]]
    y = scaled_dot_product_attention(
        [[1.0]], [[0.0], [0.0]], [[4.0], [2.0]], bias=bias, **options
    )
    assert_array_equal(y, decided)
    y = scaled_dot_product_attention([[0.0]], x, [[size], [0.0]], **options)
    assert_array_equal(y, [[size / 2]])
    gradient = attention_gradient([[0.0]], x, [[1.0], [0.0]], [[size]], **options)
    assert_array_equal(gradient.values, [[size / 2], [size / 2]])


@pytest.mark.parametrize("engine", ["numpy", "numba"])
@pytest.mark.parametrize("bias", [-1e30, -np.finfo(float).max])
@pytest.mark.usefixtures("numba")
def test_a_row_that_is_masked_by_a_low_bias_has_equal_weights(rng, engine, bias):
    """As rows of padding have: next to the bias the scores round to nothing."""
    q, k, v, g = scalar(rng, 5, 70, 4, 3)

    gradient = attention_gradient(q, k, v, g, bias=bias, engine=engine)

    slopes = g @ v.T
    by_scores = (slopes - slopes.mean(axis=1, keepdims=True)) / 70
    expected = (
        by_scores @ k / 2,
        by_scores.T @ q / 2,
        np.tile(g.sum(axis=0) / 70, (70, 1)),
    )
    for actual, part in zip(fields(gradient), expected, strict=True):
        assert_allclose(actual, part, rtol=0, atol=1e-14)


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_no_engine_holds_all_weights(engine):
    """In either direction: all of them would take 32 MiB."""
    if engine == "numba":
        pytest.importorskip("numba")
    x = np.random.default_rng(0).normal(size=(2048, 8))
    attention_gradient(x[:2], x[:2], x[:2], x[:2], engine=engine)  # compiles
    tracemalloc.start()
    attention_gradient(x, x, x, x, engine=engine)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 16 * 2**20


@pytest.mark.usefixtures("numba")
def test_numbers_at_odd_addresses_are_read_by_either_engine(rng):
    """As a field of packed records is, or a file that was mapped into memory."""
    aligned = scalar(rng, 3, 4, 2, 5)
    odd = []
    for array in aligned:
        memory = np.zeros(array.nbytes + 1, np.uint8)
        odd.append(memory[1:].view(float).reshape(array.shape))
        odd[-1][:] = array
        assert not odd[-1].flags.aligned

    gradient = attention_gradient(*odd, bias=odd[0][:, :1], engine="numba")

    plain = attention_gradient(*aligned, bias=aligned[0][:, :1])
    for one, other in zip(fields(gradient), fields(plain), strict=True):
        assert_allclose(one, other, rtol=0, atol=1e-14)


@pytest.mark.usefixtures("numba")
def test_one_thread_gives_what_two_give(rng, numba, monkeypatch):
    q, k, v, g = scalar(rng, 300, 6, 3, 2)
    two = scaled_dot_product_attention(q, k, v, engine="numba")
    slopes = attention_gradient(q, k, v, g, engine="numba")

    monkeypatch.setattr(numba, "get_num_threads", lambda: 1)

    assert_array_equal(scaled_dot_product_attention(q, k, v, engine="numba"), two)
    alone = attention_gradient(q, k, v, g, engine="numba")
    for one, other in zip(fields(alone), fields(slopes), strict=True):
        assert_allclose(one, other, rtol=0, atol=1e-13)  # sums of two parts, or one


def test_a_causal_output_depends_on_no_later_position(rng):
    """The receptive field: to the last bit, whatever comes later."""
    x, *weights = heads(rng)
    y = multi_head_attention(x, *weights, mask=causal_mask(4))

    for n in range(3):
        changed = x.copy()
        changed[n + 1 :] = 100 * rng.normal(size=changed[n + 1 :].shape)
        other = multi_head_attention(changed, *weights, mask=causal_mask(4))
        assert_array_equal(other[: n + 1], y[: n + 1])
        assert not np.allclose(other[n + 1 :], y[n + 1 :])


def test_decoding_step_by_step_gives_the_rows_of_the_whole(rng):
    x, *weights = heads(rng)
    y = multi_head_attention(x, *weights, mask=causal_mask(4))

    steps = [
        multi_head_attention(x[n : n + 1], *weights, context=x[: n + 1])[0]
        for n in range(4)
    ]

    assert_allclose(steps, y, rtol=1e-11)


def test_causal_mask_is_the_lower_triangle():
    mask = causal_mask(4)

    assert mask.dtype == np.bool_
    assert_array_equal(mask, CAUSAL)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (7, 1), (1, 7), (7,), (7, 7)])
def test_counts_of_a_mask_that_is_broadcast(shape):
    whole = np.ones((7, 7), dtype=bool)
    counts = attention_counts(7, 2, mask=np.ones(shape, dtype=bool))

    assert counts.mixing_weights == whole.sum()


def test_counts_of_any_length_take_no_time():
    n = 10**30
    assert attention_counts(n, 2, mask=[[True]]).product_nonzeros == 4 * n**2


@pytest.mark.parametrize("size", [1e-308, 1e-150, 1e150, 1.7e308])
def test_means_of_values_of_any_size(size):
    """Equal scores: half of each, up to the largest float."""
    actual = scaled_dot_product_attention([[1.0]], [[2.0], [2.0]], [[size], [0.0]])

    assert_allclose(actual, [[size / 2]], rtol=1e-15)


def test_float32_is_computed_in_float64(rng):
    arrays = [a.astype(np.float32) for a in heads(rng)]

    actual = multi_head_attention(*arrays)

    assert actual.dtype == np.float64
    assert_array_equal(actual, multi_head_attention(*[a.astype(float) for a in arrays]))


def test_the_callers_error_state_does_not_matter():
    with np.errstate(all="raise"):
        weights = attention_weights([[1e3]], [[-1e3], [1e3]])

    assert_array_equal(weights, [[0.0, 1.0]])


def test_scores_that_no_address_counts(monkeypatch):
    """Where integers have 32 bits, before anything is allocated."""
    monkeypatch.setattr("sys.maxsize", 2**31 - 1)
    x = np.broadcast_to(1.0, (20_000, 1))

    with pytest.raises(MemoryError, match=r"the scores have shape \(20000, 20000\)"):
        scaled_dot_product_attention(x, x, x)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: attention_weights([[1e200]], [[-1e200], [0.0]]),
            "`queries` and `keys` make the result too large",
        ),
        (
            lambda: attention_weights(ONE, ONE, bias=[[np.inf]]),
            "`bias` holds inf, expected finite numbers or -inf",
        ),
        (lambda: attention_weights(ONE, ONE, bias=[[np.nan]]), "`bias` holds nan"),
        (
            lambda: attention_weights(TWO, TWO, bias=[[0.0, 0.0], [-np.inf, -np.inf]]),
            "`bias` leaves row 1 empty, expected a key a row",
        ),
        (
            lambda: attention_weights(
                TWO, TWO, mask=np.eye(2), bias=[[0.0, 0.0], [0.0, -np.inf]]
            ),
            "`bias` leaves row 1 empty",
        ),
        (
            lambda: attention_weights(TWO, TWO, bias=np.zeros((3, 1, 1))),
            r"`bias` has shape \(3, 1, 1\), expected one that broadcasts to \(2, 2\)",
        ),
        (lambda: attention_weights(TWO, TWO, mask=False), "`mask` leaves row 0 empty"),
        (
            lambda: self_attention(TWO, TWO, TWO, TWO, context=ONE),
            r"`key_weights` has shape \(2, 2\), expected \(1, 2\)",
        ),
        (
            lambda: self_attention(
                np.ones((2, 1, 1)), ONE, ONE, ONE, context=np.ones((3, 1, 1))
            ),
            "`inputs` .* `context` .* do not broadcast",
        ),
        (
            lambda: self_attention(ONE, ONE, ONE, ONE, query_bias=[1.0, 2.0]),
            r"`query_bias` has shape \(2,\), expected \(1\)",
        ),
        (
            lambda: multi_head_attention(
                ONE, [ONE], [ONE], [ONE], ONE, mask=np.ones((2, 1, 1))
            ),
            r"`mask` has shape \(2, 1, 1\), expected one that broadcasts to",
        ),
    ],
)
def test_bad_masks_and_biases_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: attention_weights([1.0], ONE), ValueError, "`queries` has shape"),
        (lambda: attention_weights(TWO, ONE), ValueError, "`keys` has shape"),
        (lambda: attention_weights(ONE, [[np.nan]]), ValueError, "`keys` holds nan"),
        (lambda: attention_weights([["a"]], ONE), TypeError, "`queries` is of type"),
        (
            lambda: attention_weights([[1e200]], [[1e200]]),
            ValueError,
            "`queries` and `keys` make the result too large for a float",
        ),
        (
            lambda: attention_weights(np.ones((2, 2, 1)), np.ones((3, 2, 1))),
            ValueError,
            "do not broadcast",
        ),
        (
            lambda: attention_weights(TWO, TWO, mask=np.ones((3, 2), bool)),
            ValueError,
            r"`mask` has shape \(3, 2\), expected one that broadcasts to \(2, 2\)",
        ),
        (
            lambda: attention_weights(TWO, TWO, mask=[[1, 1], [0, 0]]),
            ValueError,
            "`mask` leaves row 1 empty, expected a key a row",
        ),
        (
            lambda: attention_weights(TWO, TWO, mask=[[2, 0], [1, 1]]),
            ValueError,
            "`mask` holds 2, expected 0 or 1",
        ),
        (
            lambda: attention_weights(*[np.broadcast_to(1.0, (10**6, 1))] * 2),
            MemoryError,
            "`queries` is of shape",
        ),
        (
            lambda: scaled_dot_product_attention(TWO, TWO, ONE),
            ValueError,
            "`values` has shape",
        ),
        (
            lambda: scaled_dot_product_attention(ONE, ONE, [[np.inf]]),
            ValueError,
            "`values` holds inf, expected finite numbers",
        ),
        (
            lambda: attention_gradient(TWO, TWO, TWO, ONE),
            ValueError,
            r"`output_gradient` has shape \(1, 1\), expected \(2, 2\)",
        ),
        (
            lambda: attention_gradient(
                np.zeros((10**6, 1, 1)),
                np.zeros((10**6, 1)),
                np.zeros((10**6, 1)),
                np.zeros((10**6, 1, 1)),
                engine="numba",
            ),
            MemoryError,
            r"`keys` is of shape \(1000000, 1\)",
        ),
        (
            lambda: attention_gradient(TWO, TWO, TWO, TWO, engine="torch"),
            ValueError,
            "`engine` is 'torch', expected 'numpy' or 'numba'",
        ),
        (
            lambda: self_attention(TWO, ONE, ONE, ONE),
            ValueError,
            "`query_weights` has shape",
        ),
        (
            lambda: self_attention(TWO, TWO, ONE, TWO),
            ValueError,
            "`key_weights` has shape",
        ),
        (
            lambda: self_attention(TWO, TWO, TWO, ONE),
            ValueError,
            "`value_weights` has shape",
        ),
        (
            lambda: self_attention([[1e200]], [[1e200]], ONE, ONE),
            ValueError,
            "`inputs` and `query_weights` make the result too large",
        ),
        (
            lambda: multi_head_attention(ONE, [ONE], [ONE], [ONE, ONE], ONE),
            ValueError,
            "`value_weights` has shape",
        ),
        (
            lambda: multi_head_attention(ONE, [ONE], [ONE, ONE], [ONE], ONE),
            ValueError,
            "`key_weights` has shape",
        ),
        (
            lambda: multi_head_attention(ONE, [ONE], [ONE], [ONE], TWO),
            ValueError,
            "`output_weights` has shape",
        ),
        (lambda: multi_head_attention(ONE, ONE, ONE, ONE, ONE), ValueError, "query"),
        (
            lambda: attention_matrix([[1.5]], ONE),
            ValueError,
            r"`weights` holds 1.5, expected in \[0, 1\]",
        ),
        (lambda: attention_matrix([[1.0, 0.0]], ONE), ValueError, "`weights` has"),
        (
            lambda: attention_matrix([TWO], [ONE, ONE]),
            ValueError,
            "`value_weights` has shape",
        ),
        (
            lambda: attention_matrix(*[np.broadcast_to(1.0, (4000, 4000))] * 2),
            MemoryError,
            "`weights` is of shape",
        ),
        (lambda: attention_factors(TWO, [1.0]), ValueError, "`value_weights` has"),
        (lambda: attention_factors([TWO], TWO), ValueError, "`weights` has shape"),
        (
            lambda: apply_attention_matrix([1.0, 2.0], TWO, TWO),
            ValueError,
            r"`stacked` has shape \(2,\), expected \(4\)",
        ),
        (
            lambda: apply_attention_matrix([1e200], ONE, [[1e200]]),
            ValueError,
            "`stacked` and `value_weights` make the result too large",
        ),
        (
            lambda: attention_matrix([ONE], [ONE], output_weights=TWO),
            ValueError,
            "`output_weights` has shape",
        ),
        (
            lambda: attention_matrix(ONE, [[1e200]], output_weights=[[1e200]]),
            ValueError,
            "`value_weights` and `output_weights` make the result too large",
        ),
        (
            lambda: attention_matrix([ONE, ONE], [[[1e308]], [[1e308]]]),
            ValueError,
            "`value_weights` makes the result too large",
        ),
        (lambda: attention_counts(0, 1), ValueError, "`length` is 0, expected >= 1"),
        (lambda: attention_counts(1, 0), ValueError, "`dimension` is 0"),
        (lambda: attention_counts(1.5, 1), TypeError, "`length` is 1.5"),
        (lambda: attention_counts(2, 1, mask=[[1, 0], [0, 0]]), ValueError, "row 1"),
        (
            lambda: block_pattern(np.ones((3, 2)), (2, 2)),
            ValueError,
            r"`matrix` has shape \(3, 2\), expected blocks of shape \(2, 2\)",
        ),
        (lambda: block_pattern(TWO, (0, 1)), ValueError, "`block` is 0"),
        (lambda: block_pattern(TWO, 2), ValueError, r"`block` is 2, expected \(p, q\)"),
        (lambda: block_pattern(TWO, (1, 1, 1)), ValueError, r"`block` is \(1, 1, 1\)"),
        (
            lambda: attention_weights(ONE, ONE, mask=np.ma.array([True], mask=True)),
            ValueError,
            "`mask` has masked entries",
        ),
        (lambda: block_pattern(TWO, (1.0, 1)), TypeError, "`block` is 1.0"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
