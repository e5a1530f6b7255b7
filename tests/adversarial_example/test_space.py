"""Problem 5 in the space of inputs, against grids and slow loops."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles import difference_quotient

from hw4lib.adversarial_example import (
    boundary_projection,
    critical_alpha,
    critical_beta,
    descent_alpha,
    descent_beta,
    escape_time,
    gradient_descent,
    hinge_minimizing_logit,
    hinge_objective,
    hinge_objective_gradient,
    minimizer,
    minimizer_jump,
    minimizing_logit,
    objective,
    objective_gradient,
    preactivation,
    predicted_probability,
    reduced_objective,
    regime_margins,
)

# Weights, bias, example, and what follows: margin, critical alpha, the alpha of
# descent, distance to the boundary, projection.
CASES = {
    "margin 2": ((2, -1), 0.5, (1, 0.5), 2, 0.3125, 0.3125, 0.89443, (0.2, 0.9)),
    "margin 3.5": (
        (1, 2, 2),
        0.0,
        (0.5, 0.75, 0.75),
        3.5,
        0.3214286,
        0.3105003,
        1.16667,
        (0.1111, -0.0278, -0.0278),
    ),
    "margin 6": ((3, 4), -1, (1, 1), 6, 0.3454210, 0.0830931, 1.2, (0.28, 0.04)),
    "margin 10": (
        (1, 1, 1, 1),
        0,
        (2.5,) * 4,
        10,
        0.0199982,
        0.000246759,
        5,
        (0, 0, 0, 0),
    ),
}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)

OFFSETS = [0.0, 0.1, 0.3, 0.45]


def sigma(m):
    return 1 / (1 + math.exp(-m))


def slope(m):
    return sigma(m) * sigma(-m)


def kink_of(offset):
    return math.log((0.5 - offset) / (0.5 + offset))


def slow_objective(x, original, weights, bias, alpha, *, offset=0.0):
    z = sum(w * v for w, v in zip(weights, x, strict=True)) + bias
    squared = sum((v - o) ** 2 for v, o in zip(x, original, strict=True))
    return alpha * squared + max(0.0, sigma(z) - 0.5 + offset)


# ---------------------------------------------------------------- in d dimensions


def test_hypothesis_is_the_sigmoid_of_the_logit(rng):
    x, w = rng.normal(size=(3, 4, 5)), rng.normal(size=5)

    for index in np.ndindex(3, 4):
        z = sum(w * x[index]) + 0.3
        assert_allclose(preactivation(x, w, 0.3)[index], z, rtol=1e-12, atol=1e-15)
        assert_allclose(predicted_probability(x, w, 0.3)[index], sigma(z), rtol=1e-12)


@pytest.mark.parametrize("offset", OFFSETS)
def test_objective_is_its_definition_point_by_point(rng, offset):
    x, x_star, w = rng.normal(size=(50, 3)), rng.normal(size=3), rng.normal(size=3)

    actual = objective(x, x_star, w, 0.2, 0.7, offset=offset)

    expected = [slow_objective(v, x_star, w, 0.2, 0.7, offset=offset) for v in x]
    # Half of the sigmoid cancels where the excess is small.
    assert_allclose(actual, expected, rtol=1e-12, atol=1e-15)


def test_objective_keeps_its_digits_next_to_the_boundary():
    """`h - 1/2` would have lost them: its slope there is 1/4."""
    assert_allclose(objective([1e-20], [0], [1], 0, 0), 0.25e-20, rtol=1e-12)


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("hinge", [False, True])
def test_gradients_are_difference_quotients(rng, offset, hinge):
    f, gradient = (
        (hinge_objective, hinge_objective_gradient)
        if hinge
        else (objective, objective_gradient)
    )
    x, x_star, w = rng.normal(size=(40, 4)), rng.normal(size=4), rng.normal(size=4)
    assert (
        np.abs(preactivation(x, w, 0.1) - kink_of(offset)) > 1e-4
    ).all()  # off the kink

    actual = gradient(x, x_star, w, 0.1, 0.7, offset=offset)

    assert actual.shape == x.shape
    expected = [
        difference_quotient(lambda v: f(v, x_star, w, 0.1, 0.7, offset=offset), point)
        for point in x
    ]
    assert_allclose(actual, expected, rtol=1e-8, atol=1e-9)


def test_the_kink_offers_every_subgradient(rng):
    """A subgradient's product with any direction is at most the one-sided slope."""
    w, x_star, x = np.array([2.0, -1.0]), np.array([1.0, 0.5]), np.array([1.0, 2.0])
    assert float(preactivation(x, w, 0.0)) == 0.0
    smooth = 2 * 0.3 * (x - x_star)

    for share in (0.0, 0.4, 1.0):
        actual = objective_gradient(x, x_star, w, 0.0, 0.3, kink=share)
        assert_allclose(actual, smooth + share * w / 4, rtol=1e-12)
        for direction in rng.normal(size=(20, 2)):
            ahead = objective(x + 1e-6 * direction, x_star, w, 0.0, 0.3)
            rise = (ahead - objective(x, x_star, w, 0.0, 0.3)) / 1e-6
            assert actual @ direction <= rise + 1e-5  # the step's own curvature


def test_on_the_boundary_the_hinge_leaves_its_second_term_out():
    """The subgradient that the docstring names."""
    x, x_star, w = np.array([0.2, 0.9]), np.array([1.0, 0.5]), [2.0, -1.0]
    assert preactivation(x, w, 0.5) == 0.0
    actual = hinge_objective_gradient(x, x_star, w, 0.5, 0.3)
    assert_allclose(actual, 2 * 0.3 * (x - x_star), rtol=1e-15)


def test_hinge_objective_vanishes_with_the_sheets(rng):
    """Without the distance, both are zero on the same inputs."""
    x, w = rng.normal(size=(500, 2)) * 3, np.array([2.0, -1.0])
    for offset in OFFSETS:
        sheets = objective(x, [0, 0], w, 0.5, 0.0, offset=offset)
        hinge = hinge_objective(x, [0, 0], w, 0.5, 0.0, offset=offset)
        assert_array_equal(hinge > 0, sheets > 0)
        excess = x @ w + 0.5 - kink_of(offset)
        assert_allclose(hinge, np.maximum(excess, 0), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("offset", OFFSETS)
def test_projection_is_the_closest_point_of_the_boundary(rng, offset):
    x, w = rng.normal(size=(10, 3)), rng.normal(size=3)

    projected = boundary_projection(x, w, -0.4, offset=offset)

    assert_allclose(predicted_probability(projected, w, -0.4), 0.5 - offset, rtol=1e-12)
    across = rng.normal(size=(100, 1, 3))
    across -= (across @ w)[..., None] / (w @ w) * w
    others = projected + across
    assert_allclose(predicted_probability(others, w, -0.4), 0.5 - offset, rtol=1e-12)
    nearest = np.linalg.norm(projected - x, axis=-1)
    assert (np.linalg.norm(others - x, axis=-1) >= nearest).all()


@each_case
def test_the_worked_examples(case):
    """The table of examples, at the digits it is printed with."""
    w, bias, x_star, margin, alpha_c, alpha_gd, distance, projection = case

    assert_allclose(preactivation(x_star, w, bias), margin, rtol=1e-12)
    assert_allclose(critical_alpha(x_star, w, bias), alpha_c, rtol=2e-6)
    assert_allclose(descent_alpha(x_star, w, bias), alpha_gd, rtol=2e-6)
    at_most = minimizer(x_star, w, bias, np.array([1e-9, 0.5, 0.999]) * alpha_c)
    assert_array_equal(at_most.logit, 0.0)
    assert_allclose(at_most.distance, distance, rtol=1e-5)
    assert_allclose(at_most.x, [projection] * 3, atol=1e-4)
    assert_allclose(boundary_projection(x_star, w, bias), projection, atol=1e-4)
    above = minimizer(x_star, w, bias, [1.001 * alpha_c, 10 * alpha_c])
    assert (above.logit > 0).all()


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("margin", [0.7, 2.0, 3.5, 6.0])
def test_no_point_of_the_plane_is_better(margin, offset):
    """A grid over x in two dimensions, around the example, finds nothing below."""
    w, bias = np.array([1.2, -0.9]), 0.3
    x_star = (margin - bias) / (w @ w) * w + np.array([0.9, 1.2])
    assert_allclose(preactivation(x_star, w, bias), margin, rtol=1e-12)
    side = np.linspace(-8, 8, 801)
    grid = x_star + np.stack(np.meshgrid(side, side), axis=-1)
    critical = float(critical_alpha(x_star, w, bias, offset=offset))

    for alpha in np.array([0.01, 0.5, 0.99, 1.01, 1.5, 30.0]) * critical:
        found = minimizer(x_star, w, bias, alpha, offset=offset)
        values = objective(grid, x_star, w, bias, alpha, offset=offset)
        best = grid[np.unravel_index(values.argmin(), values.shape)]
        own = slow_objective(found.x, x_star, w, bias, alpha, offset=offset)
        assert_allclose(found.objective, own, rtol=1e-12, atol=1e-14)
        assert own <= values.min() + 1e-14
        # The grid's best is as good but for its spacing: no other basin is missed.
        assert values.min() - own < 3 * 0.02 * (np.linalg.norm(w) / 4 + 2 * alpha * 8)
        if alpha != 1.01 * critical:
            assert np.linalg.norm(best - found.x) < 0.5


def test_no_random_point_of_five_dimensions_is_better(rng):
    for _ in range(30):
        w, x_star = rng.normal(size=5), rng.normal(size=5)
        bias = rng.uniform(0.1, 8) - w @ x_star
        alpha = 10 ** rng.uniform(-4, 1)
        found = minimizer(x_star, w, bias, alpha)
        spread = 10 ** rng.uniform(-3, 1, size=(2000, 1))
        near = np.concatenate([found.x + spread * rng.normal(size=(2000, 5)), [x_star]])
        assert (
            objective(near, x_star, w, bias, alpha) >= found.objective - 1e-15
        ).all()


def test_minimizer_of_a_batch_is_one_by_one(rng):
    """Examples along one axis, penalties along the other."""
    w, x_star, alpha = rng.normal(size=3), rng.normal(size=(6, 1, 3)), [0.01, 0.1, 1.0]

    batch = minimizer(x_star, w, 1.0, alpha, offset=0.1)

    assert batch.x.shape == (6, 3, 3)
    for i, j in np.ndindex(6, 3):
        one = minimizer(x_star[i, 0], w, 1.0, alpha[j], offset=0.1)
        for name in ("x", "logit", "distance", "objective"):
            # The batch's matrix product may round otherwise.
            assert_allclose(
                getattr(batch, name)[i, j], getattr(one, name), rtol=1e-11, atol=1e-13
            )


def test_minimizer_keeps_the_digits_of_a_small_step():
    """For a large penalty the step is slope / (2 alpha), though logits are equal."""
    found = minimizer([1.0, 0.5], [2.0, -1.0], 0.5, 1e20)
    distance = slope(2.0) * math.sqrt(5) / 2e20
    assert_allclose(found.distance, distance, rtol=1e-12)
    assert_allclose(found.objective, sigma(2) - 0.5, rtol=1e-12)


@pytest.mark.parametrize("margin", [0.0, -1e-9, -3.0])
def test_a_negative_example_is_its_own_minimizer(margin):
    found = minimizer([margin, 7.0], [1.0, 0.0], 0.0, [1e-3, 1.0, 1e3])
    assert_array_equal(found.x, [[margin, 7.0]] * 3)
    assert_array_equal(found.logit, [margin] * 3)
    assert_array_equal(found.distance, 0.0)
    assert_array_equal(found.objective, 0.0)
    assert critical_alpha([margin, 7.0], [1.0, 0.0], 0.0) == np.inf
    assert descent_alpha([margin, 7.0], [1.0, 0.0], 0.0) == np.inf
    assert escape_time(margin) == 0.0
    assert hinge_minimizing_logit(margin, 1.0) == margin


# ------------------------------------------------------------------ on the line


def test_no_penalty_at_all_gives_no_minimizer():
    assert minimizing_logit(2.0, []).shape == (0,)
    assert minimizer([1.0], [1.0], 0.0, np.empty((0, 2))).x.shape == (0, 2, 1)


def kink_exactly(offset):
    return -2 * math.atanh(2 * offset)


# ------------------------------------------------------------- gradient descent


def test_long_steps_along_short_weights():
    """The ratio of logit and squared norm may overflow where the step does not."""
    # Rounded to the negative side: by a few roundings of the step.
    assert_allclose(boundary_projection([1e215], [1e-100], 0.0), [0.0], atol=5e200)
    assert_allclose(boundary_projection([0.0], [1e-150], 1e149), [-1e299], rtol=1e-14)
    # Without a penalty the distance may be past the floats.
    path = gradient_descent(
        [1e160], [1e-10], 0.0, 0.0, step_size=0.1, steps=2, initial=[-1e160]
    )
    assert_array_equal(path.objectives, 0.0)
    # A penalty past the floats, over the squared norm.
    found = minimizer([1.0], [1e-152], 1.0, 1e308)
    assert_allclose(found.objective, math.tanh(0.5) / 2.0, rtol=1e-14)
    found = minimizer([1e100], [0.99e50], 0.0, 1e-300)
    assert_allclose(found.objective, 1e-300 * 1e100**2, rtol=1e-12)
    # Where a jump begins, its two points are next to one.
    with np.errstate(all="raise", under="ignore"):
        critical_beta(regime_margins().bistable * (1.0 + 1e-15 * np.arange(300)))


# --------------------------------------------------------------- the other repair


def test_the_hinge_never_traps_descent():
    """Descent on it reaches the boundary for every penalty below the critical one."""
    w, x_star, margin = np.array([3.0, 4.0]), np.array([1.0, 1.0]), 6.0
    for factor, reaches in ((0.99, True), (1.01, False)):
        alpha = factor * 25 / (2 * margin)
        x = x_star
        lowest = margin
        for _ in range(2000):
            x = x - 0.002 * hinge_objective_gradient(x, x_star, w, -1.0, alpha)
            lowest = min(lowest, float(preactivation(x, w, -1.0)))
        assert (lowest <= 0.0) == reaches
        expected = float(hinge_minimizing_logit(margin, alpha / 25))
        # Chatter around the kink is one step high.
        assert abs(float(preactivation(x, w, -1.0)) - expected) <= 0.002 * 25


# ---------------------------------------------------------- extremes and properties


@given(st.floats(0.01, 20), st.floats(1e-4, 10), st.floats(0.01, 100))
@settings(max_examples=100, deadline=None)
def test_minimizer_scales_with_the_inputs(margin, alpha, scale):
    """Inputs in another unit: weights over it, penalty over its square."""
    one = minimizer([margin, 1.0], [1.0, 0.0], 0.0, alpha)
    w = [1 / scale, 0.0]
    other = minimizer([margin * scale, scale], w, 0.0, alpha / scale**2)
    if (
        abs(alpha - float(critical_alpha([margin, 1.0], [1.0, 0.0], 0.0)))
        > 1e-6 * alpha
    ):
        assert_allclose(other.x, one.x * scale, rtol=1e-6, atol=1e-6 * scale)


@pytest.mark.parametrize(
    ("weight", "alpha"), [(1e-150, 1e300), (1e150, 1e-300), (1e-150, 1e-9), (1e150, 9)]
)
def test_penalties_beyond_floats_have_their_limits(weight, alpha):
    """The reduced penalty may overflow or underflow: then x* or the boundary."""
    x_star = 2.0 / weight
    found = minimizer([x_star], [weight], 0.0, alpha)
    expected = x_star if alpha / weight > weight else 0.0
    # Rounded to the negative side: by a few roundings of the step.
    assert_allclose(found.x, [expected], rtol=1e-12, atol=1e-14 * x_star)
    assert np.isfinite([found.logit, found.distance, found.objective]).all()


@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_other_dtypes_give_the_same_float64(dtype):
    x, w = np.array([3, 1], dtype=dtype), np.array([2, -1], dtype=dtype)
    found = minimizer(x, w, 1, np.array([1, 2], dtype=dtype))
    same = minimizer([3.0, 1.0], [2.0, -1.0], 1.0, [1.0, 2.0])
    assert_array_equal(found.x, same.x)
    assert found.x.dtype == found.logit.dtype == np.float64
    assert_array_equal(
        objective_gradient(x, x + 1, w, 0, 1),
        objective_gradient([3, 1], [4, 2], w, 0, 1),
    )


def test_no_argument_is_modified(rng):
    arguments = [rng.normal(size=(2, 3)), rng.normal(size=3), rng.normal(size=3)]
    margins, betas = rng.uniform(1, 5, 4), rng.uniform(0.01, 1, 4)
    for array in (*arguments, margins, betas):
        array.flags.writeable = False
    x, x_star, w = arguments
    objective_gradient(x, x_star, w, 0.0, 0.1)
    hinge_objective_gradient(x, x_star, w, 0.0, 0.1)
    boundary_projection(x, w, 0.0)
    minimizer(x, w, 0.0, [[0.1], [0.2]])
    minimizing_logit(margins, betas)
    hinge_minimizing_logit(margins, betas)
    minimizer_jump(margins)
    gradient_descent(x_star, w, 0.0, 0.1, step_size=0.1, steps=3, initial=x[0])


# ------------------------------------------------------------------------- errors

X, W = [1.0, 0.5], [2.0, -1.0]
MANY = np.ones((10**6, 1))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: preactivation(3.0, W, 0), ValueError, r"`x` has shape \(\), expected"),
        (lambda: preactivation(X, [1.0], 0), ValueError, r"`weights` has shape \(1,\)"),
        (lambda: preactivation(X, ["a", "b"], 0), TypeError, "`weights`"),
        (lambda: preactivation(X, W, np.nan), ValueError, "`bias`"),
        (lambda: predicted_probability([np.inf, 0], W, 0), ValueError, "`x` holds inf"),
        (
            lambda: boundary_projection([1e200, 0], W, 0),
            ValueError,
            r"`x` has a logit beyond 1e\+150 in size, expected at most that",
        ),
        (
            lambda: preactivation([1e308, 1e308], [9, -9], 0),
            ValueError,
            "`x` makes the re",
        ),
        (lambda: objective(X, [1.0], W, 0, 1), ValueError, "`original` has shape"),
        (
            lambda: objective(X, X, W, 0, -1),
            ValueError,
            "`alpha` holds -1, expected >= 0",
        ),
        (
            lambda: objective(X, X, W, 0, 1, offset=0.5),
            ValueError,
            r"`offset` is 0.5, expected in \[0, 0.5\)",
        ),
        (
            lambda: objective([1e200, 2e200], X, W, 0, 1),
            ValueError,
            "`x` makes the result too large for a float",
        ),
        (
            lambda: objective_gradient([1e308, 0], [-1e308, 0], [0, 1], 0, 1),
            ValueError,
            "`x` and `original` make the result too large",
        ),
        (
            lambda: objective_gradient(X, X, W, 0, 1, kink=2),
            ValueError,
            r"`kink` is 2, expected in \[0, 1\]",
        ),
        (
            lambda: boundary_projection(X, [0, 0], 1),
            ValueError,
            "`weights` holds only zeros, expected a weight that is not",
        ),
        (
            lambda: minimizer([0, 0], [1e200, 0], 1, 1),
            ValueError,
            r"`weights` has norm 1e\+200, expected in \[1e-152, 1e\+152\]",
        ),
        (lambda: minimizer(X, [0, 0], 1, 1), ValueError, "`weights` holds only"),
        (
            lambda: critical_alpha(X, [0, 0], 1),
            ValueError,
            "`weights` holds only",
        ),
        (lambda: descent_alpha(X, [0, 0], 1), ValueError, "`weights` holds only"),
        (lambda: minimizer(X, W, 0, 0), ValueError, "`alpha` holds 0, expected > 0"),
        (lambda: minimizer(X, W, 0, [1, np.nan]), ValueError, "`alpha` holds nan"),
        (
            lambda: minimizer([X, X], W, 0, [1, 2, 3]),
            ValueError,
            "do not broadcast",
        ),
        (
            lambda: minimizer(np.ones(10**6), np.ones(10**6), 0, np.ones(10**6)),
            MemoryError,
            r"`alpha` is of shape \(1000000,\): a result of shape",
        ),
        (lambda: reduced_objective(0, 1, -1), ValueError, "`beta` holds -1"),
        (lambda: reduced_objective([0, 0], [1, 2, 3], 1), ValueError, "broadcast"),
        (
            lambda: reduced_objective(0, 1e100, 1e200),
            ValueError,
            "`margin` and `beta` make the result too",
        ),
        (lambda: minimizing_logit(MANY, MANY.T), MemoryError, "`margin` is of shape"),
        (lambda: hinge_minimizing_logit(MANY, MANY.T), MemoryError, "`margin` is of"),
        (lambda: reduced_objective(MANY, 1, MANY.T), MemoryError, "`logit` is of"),
        (lambda: minimizing_logit(1, 0), ValueError, "`beta` holds 0, expected > 0"),
        (
            lambda: minimizing_logit(1e200, 1),
            ValueError,
            r"`margin` holds 1e\+200, expected in \[-1e\+150, 1e\+150\]",
        ),
        (lambda: minimizing_logit([1, 2], [1, 2, 3]), ValueError, "broadcast"),
        (lambda: hinge_minimizing_logit([1, 2], [1, 2, 3]), ValueError, "broadcast"),
        (lambda: hinge_minimizing_logit(1, -1), ValueError, "`beta` holds -1"),
        (lambda: critical_beta([np.nan]), ValueError, "`margin` holds nan"),
        (lambda: descent_beta("a"), TypeError, "`margin`"),
        (lambda: minimizer_jump(1, offset=-0.1), ValueError, "`offset` is -0.1"),
        (lambda: escape_time([[1], [1, 2]]), ValueError, "`margin` is ragged"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ------------------------------------------------------------------ the closed loop

OTHER_SUMS = [
    lambda x, w, b: x @ w + b,
    lambda x, w, b: float(np.sum(x * w)) + b,
    lambda x, w, b: math.fsum([*(x * w), b]),
    lambda x, w, b: b + sum((x * w)[::-1].tolist()),
    lambda x, w, b: float(np.dot(np.append(x, 1.0), np.append(w, b))),
]
"""The logit as others compute it; each rounds in its own way."""


@given(
    st.integers(1, 1000),
    st.integers(0, 2**32 - 1),
    st.floats(-200, 200),
    st.sampled_from([0.0, 1e-12, 0.1, 0.4999]),
)
@settings(max_examples=300)
def test_the_classifier_takes_the_minimizer_for_negative(d, seed, size, offset):
    """However the logit is summed, for inputs and weights of any size."""
    draw = np.random.default_rng(seed)
    spread = 10.0 ** draw.integers(-3, 4, size=2)
    x, w = spread[0] * draw.normal(size=d), spread[1] * draw.normal(size=d)
    bias = size * float(np.linalg.norm(w))
    alpha = min(float(critical_alpha(x, w, bias, offset=offset)), 1e9)

    projected = boundary_projection(x, w, bias, offset=offset)
    found = minimizer(x, w, bias, 0.5 * alpha, offset=offset)

    for point in (projected, found.x):
        assert predicted_probability(point, w, bias) <= 0.5 - offset
        for logit in OTHER_SUMS if point is projected else ():
            assert 1.0 / (1.0 + math.exp(-logit(point, w, bias))) <= 0.5 - offset
    # And no farther below than rounding explains.
    terms = np.abs(x) @ np.abs(w) + abs(bias) + 1.0 - kink_exactly(offset)
    slack = 1e-14 * d * terms
    assert preactivation(projected, w, bias) >= kink_exactly(offset) - slack


def test_small_logits_are_rounded_to_the_negative_side_too(rng):
    """Where the probability, not the logit, has the larger rounding error."""
    for offset in 10.0 ** rng.uniform(-15, -2, size=500):
        point = boundary_projection([1e-5], [1e-3], 0.0, offset=offset)
        assert predicted_probability(point, [1e-3], 0.0) <= 0.5 - offset


def test_a_batch_has_the_bits_of_its_rows(rng):
    """So that an example is classified alone as in its batch."""
    x, w = rng.normal(size=(50, 37)), rng.normal(size=37)
    together = preactivation(x, w, 0.3)
    assert_array_equal(together, [preactivation(row, w, 0.3) for row in x])
    points = boundary_projection(x, w, 0.3)
    assert_array_equal(points, [boundary_projection(row, w, 0.3) for row in x])


def test_an_input_on_the_boundary_counts_as_negative():
    """At h = 1/2 nothing has to move."""
    found = minimizer([0.2, 0.9], [2.0, -1.0], 0.5, 1.0)
    assert predicted_probability([0.2, 0.9], [2.0, -1.0], 0.5) == 0.5
    assert_array_equal(found.x, [0.2, 0.9])
    assert found.distance == found.objective == 0.0


def test_an_example_of_the_negative_class_is_attacked_with_negated_weights(rng):
    """The mirrored classifier gives the probability of the other class."""
    w, x = rng.normal(size=4), rng.normal(size=4)
    bias = -3.0 - float(w @ x)
    assert predicted_probability(x, w, bias) < 0.5
    assert_allclose(
        predicted_probability(x, -w, -bias), 1 - predicted_probability(x, w, bias)
    )

    found = minimizer(x, -w, -bias, 1e-6)

    assert predicted_probability(found.x, w, bias) >= 0.5
    shortest = abs(float(preactivation(x, w, bias))) / np.linalg.norm(w)
    assert_allclose(found.distance, shortest, rtol=1e-12)


@pytest.mark.parametrize(
    "f",
    [objective, objective_gradient, hinge_objective, hinge_objective_gradient],
    ids=lambda f: f.__name__,
)
def test_inputs_originals_and_penalties_broadcast(rng, f):
    """A batch is one by one; what does not fit is named."""
    x, x_star, w = (
        rng.normal(size=(3, 1, 4)),
        rng.normal(size=(5, 4)),
        rng.normal(size=4),
    )
    alpha = [[0.1], [0.2], [0.3]]
    table = f(x, x_star, w, 0.2, alpha)
    assert table.shape[:2] == (3, 5)
    for i, j in np.ndindex(3, 5):
        one = f(x[i, 0], x_star[j], w, 0.2, alpha[i][0])
        assert_allclose(table[i, j], one, rtol=1e-14, atol=1e-15)
    with pytest.raises(ValueError, match=r"`x` \(3, 1\), `original` \(5,\), `alpha` "):
        f(x, x_star, w, 0.2, [1, 2])
    many = np.ones((10**6, 1, 1))
    with pytest.raises(MemoryError, match="`x` is of shape"):
        f(many, many[:, 0], [1.0], 0.2, 1)


def test_the_objective_at_the_minimizer_is_its_smallest_value(rng):
    """The fields agree with the functions, penalty by penalty."""
    w, x_star = rng.normal(size=6), rng.normal(size=6)
    bias, alpha = 3.5 - w @ x_star, np.logspace(-4, 2, 40)
    found = minimizer(x_star, w, bias, alpha)
    values = objective(found.x, x_star, w, bias, alpha)
    assert_allclose(values, found.objective, rtol=1e-12)
    assert_allclose(preactivation(found.x, w, bias), found.logit, atol=1e-13)


@pytest.mark.parametrize("slope_", [0.25, 1.0, 3.0])
def test_the_hinge_has_a_slope(rng, slope_):
    """It multiplies the second term alone; 1/4 is the largest slope of the sheet's."""
    x, w = rng.normal(size=(30, 2)) * 2, np.array([2.0, -1.0])
    given_ = (x, [0, 0], w, 0.5)
    distance = hinge_objective(x, x, w, 0.5, 0.0)
    assert_allclose(
        hinge_objective(*given_, 0.3, slope=slope_),
        0.3 * np.square(x).sum(axis=1) + slope_ * distance,
        rtol=1e-13,
    )
    expected = [
        difference_quotient(
            lambda v: hinge_objective(v, [0, 0], w, 0.5, 0.3, slope=slope_), point
        )
        for point in x
    ]
    gradients = hinge_objective_gradient(*given_, 0.3, slope=slope_)
    assert_allclose(gradients, expected, rtol=1e-8, atol=1e-8)
    below = objective(x, [0, 0], w, 0.5, 0.3)
    assert (hinge_objective(*given_, 0.3, slope=0.25) >= below - 1e-15).all()
    with pytest.raises(ValueError, match="`slope` is 0, expected > 0"):
        hinge_objective(*given_, 0.3, slope=0)
    with pytest.raises(ValueError, match="`slope` is -1, expected > 0"):
        hinge_objective_gradient(*given_, 0.3, slope=-1)


@pytest.mark.parametrize("scale", [1e-150, 1e-20, 1e20, 1e150])
def test_objectives_keep_their_digits_at_every_scale(scale):
    """The square of a distance may be past the floats where the objective is not."""
    x, x_star = scale * np.array([[3.0, 1.0], [1.0, 2.0]])
    w = [0.0, 1e-200]
    alpha = 0.7 / scale / scale
    with mpmath.workdps(60):
        squared = sum((mpmath.mpf(a) - b) ** 2 for a, b in zip(x, x_star, strict=True))
        expected = float(alpha * squared)
    assert_allclose(objective(x, x_star, w, 0, alpha), expected, rtol=1e-14)


def test_float32_arguments_are_numbers_too():
    """What another library returns, in its own precision."""
    x, w = np.float32([1.0, 0.5]), np.float32([2.0, -1.0])
    found = minimizer(x, w, np.float32(0.5), np.float32(0.1), offset=np.float32(0.125))
    same = minimizer([1.0, 0.5], [2.0, -1.0], 0.5, float(np.float32(0.1)), offset=0.125)
    assert_array_equal(found.x, same.x)
    assert type(found.logit) is np.float64
