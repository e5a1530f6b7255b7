"""Problem 5 against grids over x, slow loops, and roots found by bisection."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles import difference_quotient
from scipy import integrate, optimize

from hw4lib import adversarial_example
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


def reduced(m, margin, beta, offset=0.0):
    return beta * (margin - m) ** 2 + np.maximum(0, 1 / (1 + np.exp(-m)) - 0.5 + offset)


def stationary_points(margin, beta, lowest=0.0):
    """Every sign change of the derivative on a fine grid, then bisection."""

    def derivative(m):
        return slope(m) - 2 * beta * (margin - m)

    grid = np.linspace(lowest, margin, 4001)
    signs = np.sign(0.25 / np.cosh(grid / 2) ** 2 - 2 * beta * (margin - grid))
    return [
        optimize.brentq(derivative, grid[i], grid[i + 1], xtol=1e-15)
        for i in np.flatnonzero(np.diff(signs))
    ]


def best_logit(margin, beta, offset=0.0):
    """The best of the kink and all stationary points."""
    kink = kink_of(offset)
    candidates = np.array([kink, *stationary_points(margin, beta, kink)])
    values = reduced(candidates, margin, beta, offset)
    return candidates[values.argmin()], values.min()


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


def test_an_offset_asks_a_barely_negative_example_to_move():
    """Between the two boundaries the example has a way to go only with the offset."""
    assert minimizing_logit(-0.1, 1e-3) == -0.1
    assert_allclose(minimizing_logit(-0.1, 1e-3, offset=0.1), kink_of(0.1), rtol=1e-12)


# ------------------------------------------------------------------ on the line


@pytest.mark.parametrize("offset", OFFSETS)
def test_reduced_objective_is_the_best_of_its_hyperplane(rng, offset):
    w, x_star = np.array([0.6, -1.1, 0.4]), np.array([1.0, -2.0, 0.5])
    margin, squared_norm = float(preactivation(x_star, w, 0.0)), w @ w
    for m in (-3.0, -0.5, 0.0, 1.0, 5.0):
        foot = x_star - (margin - m) / squared_norm * w
        actual = reduced_objective(m, margin, 0.3 / squared_norm, offset=offset)
        expected = slow_objective(foot, x_star, w, 0.0, 0.3, offset=offset)
        assert_allclose(actual, expected, rtol=1e-12, atol=1e-14)
        across = rng.normal(size=3)
        across -= across @ w / squared_norm * w
        assert (
            slow_objective(foot + across, x_star, w, 0.0, 0.3, offset=offset) > actual
        )


@pytest.mark.parametrize("offset", OFFSETS)
def test_minimizing_logit_is_the_best_stationary_point(rng, offset):
    """Random margins and penalties, many of them next to the critical ones."""
    margins = np.concatenate([rng.uniform(0.01, 12, 60), rng.uniform(2.9, 4.2, 60)])
    betas = 10 ** rng.uniform(-5, 1, margins.size)
    near = np.arange(margins.size) % 2 == 0
    critical = critical_beta(margins, offset=offset)
    betas[near] = (critical * rng.uniform(0.95, 1.3, margins.size))[near]

    actual = minimizing_logit(margins, betas, offset=offset)

    for margin, beta, m in zip(margins, betas, actual, strict=True):
        expected, value = best_logit(margin, beta, offset)
        # The value is flat at the minimum, so that the logit is less exact.
        assert_allclose(reduced(m, margin, beta, offset), value, atol=1e-15, rtol=1e-13)
        assert_allclose(m, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("margin", "beta"),
    [(2.0, 0.07), (2.0, 5.0), (3.5, 0.037), (3.5, 0.04), (6.0, 0.015), (30.0, 0.01)],
)
def test_minimizing_logit_is_exact_to_rounding(margin, beta):
    """The stationary equation solved with 40 digits."""
    with mpmath.workdps(40):
        m0, b = mpmath.mpf(margin), mpmath.mpf(beta)

        def derivative(m):
            return 1 / (2 + 2 * mpmath.cosh(m)) - 2 * b * (m0 - m)

        expected = mpmath.findroot(derivative, best_logit(margin, beta)[0])
        curvature = abs(float(mpmath.diff(derivative, expected)))
        # Rounding of the derivative's terms, over its slope.
        allowed = 4e-16 * (float(expected) + 2 * beta * margin / curvature)
        assert abs(float(minimizing_logit(margin, beta) - expected)) <= allowed


def test_minimizing_logit_of_an_array_of_margins_is_one_by_one(rng):
    margins, betas = rng.uniform(-1, 8, (20, 1)), 10 ** rng.uniform(-3, 0, 10)
    table = minimizing_logit(margins, betas, offset=0.35)
    assert table.shape == (20, 10)
    for i, j in np.ndindex(20, 10):
        one = minimizing_logit(margins[i, 0], betas[j], offset=0.35)
        assert_allclose(table[i, j], one, rtol=1e-12, atol=1e-12)


def test_minimizing_logit_across_many_chunks_is_monotone():
    """More penalties than a chunk holds; the minimizer goes up with the penalty."""
    betas = np.logspace(-5, 3, 100_001)
    for margin in (1.0, 3.2, 3.6, 5.0):
        m = minimizing_logit(margin, betas)
        # Where the curvature is small, rounding may turn neighbors round.
        assert (np.diff(m) >= -1e-12).all()
        assert_array_equal(m[betas <= float(critical_beta(margin))], 0.0)
        assert (m[betas > 1.001 * float(critical_beta(margin))] > 0.0).all()
        assert (m < margin).all()


def test_no_penalty_at_all_gives_no_minimizer():
    assert minimizing_logit(2.0, []).shape == (0,)
    assert minimizer([1.0], [1.0], 0.0, np.empty((0, 2))).x.shape == (0, 2, 1)


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("margin", [0.3, 2.0, 3.2, 3.7, 3.9, 6.0, 15.0])
def test_critical_beta_is_its_definition(margin, offset):
    """The least penalty at which any logit ties with the kink, over a fine grid."""
    kink = kink_of(offset)
    m = np.linspace(kink, margin, 400_001)[1:]
    gain = 1 / (1 + np.exp(-m)) - (0.5 - offset)
    ties = gain / ((m - kink) * (2 * margin - kink - m))

    actual = float(critical_beta(margin, offset=offset))

    at_kink = slope(kink) / (2 * (margin - kink))
    # The grid misses the least by the square of its spacing; its first points cancel.
    assert_allclose(actual, min(ties.min(), at_kink), rtol=1e-8)
    assert minimizing_logit(margin, actual * 0.999, offset=offset) == kink_exactly(
        offset
    )
    assert minimizing_logit(margin, actual * 1.001, offset=offset) > kink


def kink_exactly(offset):
    return -2 * math.atanh(2 * offset)


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("margin", [0.3, 2.0, 3.2, 3.45, 3.9, 6.0, 15.0])
def test_descent_beta_is_its_definition(margin, offset):
    """The least penalty at which a logit below the margin is stationary."""
    m = np.linspace(kink_of(offset), margin, 400_001)[:-1]
    betas = np.exp(-np.abs(m)) / (1 + np.exp(-np.abs(m))) ** 2 / (2 * (margin - m))
    assert_allclose(descent_beta(margin, offset=offset), betas.min(), rtol=1e-8)


@pytest.mark.parametrize("margin", [3.06, 3.3, 3.5, 3.77])
def test_an_interior_jump_cuts_equal_areas(margin):
    """Tied, stationary, and the line cuts equal areas off the slope's graph."""
    found = minimizer_jump(margin)
    beta, m1, m3 = (float(v) for v in (found.beta, found.before, found.after))

    assert 0 < m1 < m3 < margin
    for m in (m1, m3):
        assert_allclose(slope(m), 2 * beta * (margin - m), rtol=1e-12)
    area, _ = integrate.quad(
        lambda m: slope(m) - 2 * beta * (margin - m), m1, m3, epsabs=1e-15
    )
    assert abs(area) < 1e-15
    assert_allclose(sigma(m3) - sigma(m1), (m3 - m1) * (slope(m1) + slope(m3)) / 2)
    assert_allclose(float(minimizing_logit(margin, beta * (1 - 1e-9))), m1, atol=1e-5)
    assert_allclose(float(minimizing_logit(margin, beta * (1 + 1e-9))), m3, atol=1e-5)


@pytest.mark.parametrize("margin", [3.8, 5.0, 6.0, 10.0, 40.0])
def test_a_jump_off_the_boundary_lies_on_the_closed_curve(margin):
    """Tied and stationary together: margin = m + m^2 / (2 (sinh m - m))."""
    found = minimizer_jump(margin)
    m = float(found.after)

    assert found.before == 0.0
    assert_allclose(m + m * m / (2 * (math.sinh(m) - m)), margin, rtol=1e-12)
    beta = slope(m) * (math.sinh(m) - m) / m**2
    assert_allclose(found.beta, beta, rtol=1e-11)
    assert_allclose(found.beta, critical_beta(margin), rtol=0, atol=0)


def test_there_is_one_jump_above_the_bistable_margin_and_none_below():
    """The largest step of the minimizer over a fine grid of penalties."""
    for margin in (1.0, 2.9, 3.0):
        betas = np.linspace(0.5, 2, 200_001) * float(critical_beta(margin))
        assert np.isnan(minimizer_jump(margin).beta)
        assert np.diff(minimizing_logit(margin, betas)).max() < 0.02
    for margin in (3.2, 3.6, 5.0):
        found = minimizer_jump(margin)
        betas = np.linspace(0.5, 2, 200_001) * float(found.beta)
        steps = np.diff(minimizing_logit(margin, betas))
        largest = steps.argmax()
        assert betas[largest] <= found.beta <= betas[largest + 1]
        assert_allclose(steps[largest], found.after - found.before, rtol=0.02)
        assert np.delete(steps, largest).max() < 0.02


def test_jumps_of_an_array_are_one_by_one():
    margins = np.array([[1.0, 3.0490087], [3.05, 3.4], [3.7739, 50.0]])
    table = minimizer_jump(margins, offset=0.05)
    for index in np.ndindex(margins.shape):
        one = minimizer_jump(margins[index], offset=0.05)
        for name in ("beta", "before", "after"):
            actual = getattr(table, name)[index]
            assert_allclose(actual, getattr(one, name), rtol=1e-9)


def test_a_jump_next_to_the_cusp_is_where_the_cusp_is():
    """At the bistable margin both logits merge at arcosh 2."""
    margin = np.nextafter(regime_margins().bistable, 4)
    found = minimizer_jump(margin)
    cusp = math.acosh(2)
    # The distance of the two grows like the square root of what is beyond.
    assert_allclose([found.before, found.after], cusp, atol=1e-4)
    assert_allclose(found.beta, slope(cusp) / (2 * math.sqrt(3)), rtol=1e-9)


def test_regime_margins_are_their_definitions():
    """Each from its definition, by minimization or bisection, not its equation."""
    regimes = regime_margins()

    bistable = optimize.minimize_scalar(
        lambda m: m + 1 / np.tanh(m / 2), bracket=(0.5, 1.3, 3), tol=1e-12
    )
    assert_allclose(regimes.bistable, bistable.fun, rtol=1e-12)
    assert_allclose(regimes.bistable, math.log(2 + math.sqrt(3)) + math.sqrt(3))

    boundary_jump = optimize.minimize_scalar(
        lambda m: m**2 / (2 * m - 4 * np.tanh(m / 2)), bracket=(2, 3, 5), tol=1e-12
    )
    assert_allclose(regimes.jump, boundary_jump.fun, rtol=1e-12)

    def gap(margin):
        m = np.linspace(1.4, margin - 0.5, 200_001)
        return (np.exp(-m) / (1 + np.exp(-m)) ** 2 / (margin - m)).min() - 0.25 / margin

    assert_allclose(regimes.descent, optimize.brentq(gap, 3.2, 4.0), rtol=1e-8)
    assert_allclose(
        [regimes.bistable, regimes.descent, regimes.jump],
        [3.049009, 3.432988, 3.773940],
        atol=1e-6,
    )


def test_regimes_are_what_their_names_say():
    eps = 1e-4
    regimes = regime_margins()
    assert np.isnan(minimizer_jump(regimes.bistable - eps).beta)
    assert minimizer_jump(regimes.bistable + eps).beta > critical_beta(
        regimes.bistable + eps
    )
    for margin, is_free in (
        (regimes.descent - eps, True),
        (regimes.descent + eps, False),
    ):
        assert math.isclose(descent_beta(margin) * 8 * margin, 1.0) == is_free
    for margin, slides in ((regimes.jump - eps, True), (regimes.jump + eps, False)):
        assert math.isclose(critical_beta(margin) * 8 * margin, 1.0) == slides
        assert (minimizer_jump(margin).before > 0) == slides


def test_critical_beta_for_a_sure_classifier():
    """Half over the squared margin, between two bounds that close."""
    margins = np.array([4.0, 6.0, 10.0, 50.0, 1e3, 1e9, 1e149])
    scaled = 2 * critical_beta(margins) * margins * margins
    assert (scaled <= np.tanh(margins / 2) * (1 + 1e-15)).all()
    assert (scaled >= np.tanh(minimizer_jump(margins).after / 2) * (1 - 1e-15)).all()
    assert_allclose(scaled[-4:], 1.0, rtol=1e-12)


def test_descent_beta_is_exponentially_small():
    """Twice `descent_beta` times e^(margin - 1) tends to 1."""
    margins = np.array([10.0, 20.0, 40.0])
    scaled = 2 * descent_beta(margins) * np.exp(margins - 1)
    # The corrections are of order margin e^(-margin).
    assert_allclose(scaled, 1.0, atol=2e-4 * 10)
    assert_allclose(scaled[1:], 1.0, atol=1e-7)
    assert_allclose(descent_beta([6.0, 10.0]), [0.0033237, 6.17e-5], rtol=1e-3)


# ------------------------------------------------------------- gradient descent


def slow_descent(initial, x_star, w, bias, alpha, *, rate, steps, offset):
    """All coordinates of every iterate."""
    x = np.array(initial, dtype=float)
    path = [x]
    for _ in range(steps):
        h = sigma(x @ w + bias)
        push = h * (1 - h) * w if h > 0.5 - offset else 0.0 * w
        x = x - rate * (2 * alpha * (x - x_star) + push)
        path.append(x)
    return np.array(path)


@pytest.mark.parametrize("offset", [0.0, 0.2])
@pytest.mark.parametrize("away", [False, True], ids=["from the example", "from afar"])
def test_descent_is_the_slow_loop(rng, offset, away):
    w, x_star = rng.normal(size=6), rng.normal(size=6)
    bias, initial = 2.0 - w @ x_star, rng.normal(size=6)
    chosen = {"initial": initial} if away else {}

    path = gradient_descent(
        x_star,
        w,
        bias,
        0.05,
        step_size=0.3,
        steps=200,
        offset=offset,
        keep_iterates=True,
        **chosen,
    )

    first = initial if away else x_star
    expected = slow_descent(
        first, x_star, w, bias, 0.05, rate=0.3, steps=200, offset=offset
    )
    # Two hundred steps round two hundred times.
    assert_allclose(path.iterates, expected, rtol=1e-10, atol=1e-12)
    assert_allclose(path.x, expected[-1], rtol=1e-10, atol=1e-12)
    assert_allclose(path.logits, expected @ w + bias, rtol=1e-10, atol=1e-12)
    distances = np.linalg.norm(expected - x_star, axis=1)
    assert_allclose(path.distances, distances, rtol=1e-10, atol=1e-12)
    values = objective(expected, x_star, w, bias, 0.05, offset=offset)
    assert_allclose(path.objectives, values, rtol=1e-10, atol=1e-12)


@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize("margin", [-3.0, 0.5, 36.0, 699.9, 700.0, 701.0, 1e5])
@pytest.mark.parametrize("steps", [0, 1, 500])
def test_descent_is_the_same_compiled(margin, steps):
    """To the last digit: through the boundary, and from where the sigmoid is flat."""

    def path():
        return gradient_descent(
            [margin], [1.0], 0.0, 0.1, step_size=0.3, steps=steps, offset=0.2
        )

    before = path()
    assert "loops" not in vars(adversarial_example.LOOPS)
    assert adversarial_example.LOOPS.loops

    for name in ("logits", "distances", "objectives", "x"):
        assert_array_equal(getattr(path(), name), getattr(before, name))


@pytest.mark.usefixtures("numba")
def test_long_paths_are_compiled(monkeypatch):
    """Both a long one and many short ones."""
    monkeypatch.setattr(adversarial_example.LOOPS, "_patience", 100)
    for expected in (False, False, True):
        gradient_descent([2.0], [1.0], 0.0, 0.1, step_size=0.1, steps=40)
        assert ("loops" in vars(adversarial_example.LOOPS)) == expected


@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize("compiled", [False, True], ids=["to run", "compiled"])
@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"weights": [1e50], "alpha": 0.0, "step_size": 1e300}, "step_size"),
        ({"weights": [3.0], "alpha": 0.0, "step_size": 1e308}, "step_size"),
        ({"weights": [1e-60], "initial": [1e200]}, "initial"),
    ],
)
def test_a_path_that_overflows_is_named(compiled, options, name):
    """Whoever runs the steps, and whatever they leave the floats by."""
    arguments = {"original": [1.0], "bias": 0.0, "alpha": 0.1, "step_size": 1.0}
    if compiled:
        assert adversarial_example.LOOPS.loops
    message = f"`{name}` makes the objective overflow, expected a smaller one"
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=message):
        gradient_descent(**{**arguments, **options}, steps=3)


def test_long_steps_along_short_weights():
    """The ratio of logit and squared norm may overflow where the step does not."""
    assert_allclose(boundary_projection([1e215], [1e-100], 0.0), [0.0], atol=1e200)
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


def test_descent_returns_iterates_only_on_request():
    path = gradient_descent([2.0], [1.0], 0.0, 0.1, step_size=0.1, steps=3)
    assert path.iterates is None
    assert path.logits.shape == path.distances.shape == path.objectives.shape == (4,)


@pytest.mark.parametrize("margin", [1e-9, 0.5, 36.0, 699.9, 700.0, 701.0, 740.0])
def test_one_step_of_descent_keeps_its_digits(margin):
    """However flat the sigmoid is, a step that makes up for it is seen."""
    slope = 1 / (2 + 2 * mpmath.cosh(margin))
    # The step is as long as the margin, unless the rate overflows.
    rate = min(float(margin / slope), 1e307)

    path = gradient_descent([margin], [1.0], 0.0, 0.0, step_size=rate, steps=1)

    expected = float(margin - rate * slope)
    assert_allclose(path.logits, [margin, expected], rtol=1e-14, atol=1e-13 * margin)


def test_descent_of_no_steps_stays():
    path = gradient_descent([2.0, 1.0], [1.0, 0.0], 0.0, 0.0, step_size=9, steps=0)
    assert_array_equal(path.x, [2.0, 1.0])
    assert_array_equal(path.logits, [2.0])


@pytest.mark.parametrize("margin", [0.5, 2.0, 3.3, 3.6, 5.0])
@pytest.mark.parametrize("rate", ["fine", "the longest"])
def test_descent_succeeds_exactly_below_its_penalty(margin, rate):
    """One percent to either side, with short steps and with the longest allowed."""
    critical = float(descent_beta(margin))
    for factor in (0.95, 1.05):
        beta = factor * critical
        eta = 0.05 if rate == "fine" else 0.5 / beta
        path = gradient_descent(
            [margin], [1.0], 0.0, beta, step_size=eta, steps=100_000
        )
        assert (path.logits.min() <= 0.0) == (factor < 1)
        if factor > 1:
            stops = max(stationary_points(margin, beta))
            assert path.logits.min() >= stops - 1e-12
            assert_allclose(path.logits[-1], stops, rtol=1e-9)


def test_descent_chatters_at_the_boundary():
    """The share of steps above one half is what balances the pull, 8 alpha m0."""
    beta, margin = 0.02, 2.0
    path = gradient_descent([margin], [1.0], 0.0, beta, step_size=0.01, steps=60_000)
    tail = path.logits[20_000:]
    assert_allclose(np.mean(tail > 0), 8 * beta * margin, rtol=0.02)
    assert tail.min() >= -0.01 / 4


@pytest.mark.parametrize("margin", [0.5, 3.0, 6.0])
@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_escape_time_is_the_integral_of_the_inverse_slope(margin, offset):
    expected, _ = integrate.quad(lambda m: 1 / slope(m), kink_of(offset), margin)
    assert_allclose(escape_time(margin, offset=offset), expected, rtol=1e-9)


@pytest.mark.parametrize("rate", [1.0, 7.0, 100.0])
def test_no_step_size_escapes_faster_than_the_flow(rate):
    """The number of steps is at least the time over the step size."""
    for beta in (0.0, 1e-5):
        path = gradient_descent([7.0], [1.0], 0.0, beta, step_size=rate, steps=5_000)
        steps = int(np.argmax(path.logits <= 0.0))
        assert steps >= float(escape_time(7.0)) / rate
    # Without a penalty, short steps are about as fast.
    path = gradient_descent([7.0], [1.0], 0.0, 0.0, step_size=1.0, steps=5_000)
    assert_allclose(np.argmax(path.logits <= 0.0), escape_time(7.0), rtol=0.01)


# --------------------------------------------------------------- the other repair


@pytest.mark.parametrize("offset", OFFSETS)
def test_hinge_minimizer_beats_a_grid(rng, offset):
    kink = kink_of(offset)
    for _ in range(50):
        margin, beta = rng.uniform(-3, 9), 10 ** rng.uniform(-3, 1)
        grid = np.linspace(min(margin, kink) - 1, margin + 1, 20_001)
        values = beta * (margin - grid) ** 2 + np.maximum(grid - kink, 0)
        m = float(hinge_minimizing_logit(margin, beta, offset=offset))
        own = beta * (margin - m) ** 2 + max(m - kink, 0)
        assert own <= values.min() + 1e-12
        assert abs(grid[values.argmin()] - m) < 1e-3


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

margins = st.floats(-1e3, 1e3) | st.floats(2.9, 4.0) | st.floats(-1e150, 1e150)
penalties = st.floats(1e-300, 1e300) | st.floats(1e-3, 1.0)
offsets = st.sampled_from([0.0, 1e-9, 0.1, 0.29, 0.4999999])


@given(margins, penalties, offsets)
@settings(max_examples=200, deadline=None)
def test_minimizing_logit_is_between_kink_and_margin(margin, beta, offset):
    """Never NaN, never beyond; nothing among a hundred logits is better."""
    m = float(minimizing_logit(margin, beta, offset=offset))
    kink = kink_exactly(offset)

    if margin <= kink:
        assert m == margin
        return
    assert kink <= m <= margin
    if abs(margin) > 1e3 or beta > 1e200:
        return
    others = np.append(np.linspace(kink, margin, 100), m)
    values = reduced_objective(others, margin, beta, offset=offset)
    assert values[-1] <= values.min() + 1e-13 * (1 + beta * margin**2 * 1e-3)


@given(margins, offsets)
@settings(max_examples=150, deadline=None)
def test_descent_needs_a_smaller_penalty_than_the_minimizer(margin, offset):
    critical = float(critical_beta(margin, offset=offset))
    descent = float(descent_beta(margin, offset=offset))
    assert 0 <= descent <= critical * (1 + 1e-12)
    assert (critical == math.inf) == (margin <= kink_exactly(offset)) or margin < 1e-300


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


@pytest.mark.parametrize("beta", [1e-300, 1.0, 1e308])
@pytest.mark.parametrize("margin", [1e-308, 1e-20, 800.0, 1e4, 1e150])
def test_extremes_are_answered_without_a_warning(margin, beta):
    for offset in (0.0, 0.25, 0.5 - 1e-16):
        m = minimizing_logit(margin, beta, offset=offset)
        assert kink_exactly(offset) <= m <= margin
        assert np.isfinite(hinge_minimizing_logit(margin, beta, offset=offset))
    assert escape_time(1e150) == math.inf
    assert minimizer_jump(1e150).after == 1e150


@pytest.mark.parametrize(
    ("weight", "alpha"), [(1e-150, 1e300), (1e150, 1e-300), (1e-150, 1e-9), (1e150, 9)]
)
def test_penalties_beyond_floats_have_their_limits(weight, alpha):
    """The reduced penalty may overflow or underflow: then x* or the boundary."""
    x_star = 2.0 / weight
    found = minimizer([x_star], [weight], 0.0, alpha)
    expected = x_star if alpha / weight > weight else 0.0
    assert_allclose(found.x, [expected], rtol=1e-12)
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
            lambda: preactivation([1e200, 0], W, 0),
            ValueError,
            r"`x` has a logit beyond 1e\+150 in size, expected at most that",
        ),
        (
            lambda: preactivation([1e308, 1e308], [9, -9], 0),
            ValueError,
            "`x` has a logit",
        ),
        (lambda: objective(X, [1.0], W, 0, 1), ValueError, "`original` has shape"),
        (lambda: objective(X, X, W, 0, -1), ValueError, "`alpha` is -1, expected >= 0"),
        (
            lambda: objective(X, X, W, 0, 1, offset=0.5),
            ValueError,
            r"`offset` is 0.5, expected in \[0, 0.5\)",
        ),
        (
            lambda: objective([1e200, 2e200], X, W, 0, 1),
            ValueError,
            "`x` makes the objective overflow, expected a smaller one",
        ),
        (
            lambda: objective_gradient([1e308, 0], [-1e308, 0], [0, 1], 0, 1),
            ValueError,
            "`x` makes the gradient overflow, expected a smaller one",
        ),
        (
            lambda: objective_gradient(X, X, W, 0, 1, kink=2),
            ValueError,
            r"`kink` is 2, expected in \[0, 1\]",
        ),
        (
            lambda: boundary_projection(X, [0, 0], 1),
            ValueError,
            r"`weights` has the squared norm 0, expected in \[1e-305, 1e\+305\]",
        ),
        (
            lambda: minimizer([0, 0], [1e200, 0], 1, 1),
            ValueError,
            r"`weights` has the squared norm inf, expected in \[1e-305",
        ),
        (lambda: minimizer(X, [0, 0], 1, 1), ValueError, "squared norm 0"),
        (lambda: critical_alpha(X, [0, 0], 1), ValueError, "squared norm 0"),
        (lambda: descent_alpha(X, [0, 0], 1), ValueError, "squared norm 0"),
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
            "`beta` makes the obj",
        ),
        (lambda: minimizing_logit(MANY, MANY.T), MemoryError, "`beta` is of shape"),
        (lambda: hinge_minimizing_logit(MANY, MANY.T), MemoryError, "`beta` is of"),
        (lambda: reduced_objective(MANY, 1, MANY.T), MemoryError, "`beta` is of"),
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


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"original": [[1.0, 0.5]]}, ValueError, "`original` has shape"),
        ({"weights": [0, 0]}, ValueError, "squared norm 0"),
        ({"weights": [1, 2, 3]}, ValueError, "`weights` has shape"),
        ({"alpha": -1}, ValueError, "`alpha` is -1"),
        (
            {"step_size": 0},
            ValueError,
            r"`step_size` is 0, expected in \(0, 2\)",
        ),
        (
            {"step_size": 2},
            ValueError,
            r"`step_size` is 2, expected in \(0, 2\)",
        ),
        ({"alpha": 0, "step_size": 0}, ValueError, "expected > 0"),
        ({"steps": -1}, ValueError, "`steps` is -1, expected >= 0"),
        ({"steps": 1.5}, TypeError, "`steps` is 1.5, expected an integer"),
        ({"steps": 10**15}, MemoryError, "`steps` is 1000000000000000"),
        ({"steps": 10**9, "keep_iterates": True}, MemoryError, "`steps`"),
        ({"initial": [1.0]}, ValueError, "`initial` has shape"),
        ({"initial": [1e200, 0.0]}, ValueError, "`initial` has a logit"),
        ({"offset": 1}, ValueError, "`offset` is 1"),
    ],
)
def test_bad_input_of_descent_is_named(changes, error, message):
    arguments = {
        "original": X,
        "weights": W,
        "bias": 0.5,
        "alpha": 0.5,
        "step_size": 0.1,
        "steps": 1,
    } | changes
    with pytest.raises(error, match=message):
        gradient_descent(**arguments)
