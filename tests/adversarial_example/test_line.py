"""Problem 5 on the line along W, against grids and roots found by bisection."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, optimize

from hw4lib.adversarial_example import (
    critical_beta,
    descent_beta,
    escape_time,
    hinge_minimizing_logit,
    minimizer_jump,
    minimizing_logit,
    preactivation,
    reduced_objective,
    regime_margins,
)

OFFSETS = [0.0, 0.1, 0.3, 0.45]


margins = st.floats(-1e3, 1e3) | st.floats(2.9, 4.0) | st.floats(-1e150, 1e150)
penalties = st.floats(1e-300, 1e300) | st.floats(1e-3, 1.0)
offsets = st.sampled_from([0.0, 1e-9, 0.1, 0.29, 0.4999999])


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


def kink_exactly(offset):
    return -2 * math.atanh(2 * offset)


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


def test_an_offset_asks_a_barely_negative_example_to_move():
    """Between the two boundaries the example has a way to go only with the offset."""
    assert minimizing_logit(-0.1, 1e-3) == -0.1
    assert_allclose(minimizing_logit(-0.1, 1e-3, offset=0.1), kink_of(0.1), rtol=1e-12)


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
        assert minimizer_jump(margin).beta == np.inf
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
    assert minimizer_jump(regimes.bistable - eps).beta == np.inf
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


@pytest.mark.parametrize("margin", [0.5, 3.0, 6.0])
@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_escape_time_is_the_integral_of_the_inverse_slope(margin, offset):
    expected, _ = integrate.quad(lambda m: 1 / slope(m), kink_of(offset), margin)
    assert_allclose(escape_time(margin, offset=offset), expected, rtol=1e-9)


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


@pytest.mark.parametrize("beta", [5e-324, 1e-310, 1e-300, 1.0, 1e308])
@pytest.mark.parametrize("margin", [1e-308, 1e-20, 800.0, 1e4, 1e150])
def test_extremes_are_answered_without_a_warning(margin, beta):
    for offset in (0.0, 0.25, 0.5 - 1e-16):
        m = minimizing_logit(margin, beta, offset=offset)
        assert kink_exactly(offset) <= m <= margin
        assert np.isfinite(hinge_minimizing_logit(margin, beta, offset=offset))
    assert escape_time(1e150) == math.inf
    assert minimizer_jump(1e150).after == 1e150


@pytest.mark.parametrize("slope_", [0.25, 1.0, 3.0])
def test_hinge_minimizer_with_a_slope_beats_a_grid(rng, slope_):
    for _ in range(30):
        margin, beta = rng.uniform(-1, 9), 10 ** rng.uniform(-3, 1)
        grid = np.linspace(min(margin, 0.0) - 1, margin + 1, 20_001)
        values = beta * (margin - grid) ** 2 + slope_ * np.maximum(grid, 0)
        m = float(hinge_minimizing_logit(margin, beta, slope=slope_))
        own = beta * (margin - m) ** 2 + slope_ * max(m, 0)
        assert own <= values.min() + 1e-12
    with pytest.raises(ValueError, match="`slope` is 0, expected > 0"):
        hinge_minimizing_logit(1, 1, slope=0)


def test_at_equal_slope_the_hinge_leaves_the_boundary_with_the_sheets_objective():
    """Below the margin `jump` at the same penalty; above, the sheet's leaves first."""
    for margin in (0.5, 2.0, 3.7, 5.0):
        critical = 1 / (8 * margin)
        assert hinge_minimizing_logit(margin, 0.999 * critical, slope=0.25) == 0
        assert hinge_minimizing_logit(margin, 1.001 * critical, slope=0.25) > 0
        same = math.isclose(critical_beta(margin), critical)
        assert same == (margin < regime_margins().jump)


def test_the_tie_of_two_minimizers_goes_to_the_smaller_logit():
    """At the penalty of the jump itself, up to the last digit of it."""
    for margin in (3.5, 5.0, 9.0):
        found = minimizer_jump(margin)
        assert minimizing_logit(margin, found.beta) == found.before
        above = minimizing_logit(margin, np.nextafter(found.beta, 1))
        assert_allclose(above, found.after, rtol=1e-12)


@pytest.mark.parametrize("beta", [1e-300, 1e-150, 1.0, 1e150, 1e300])
@pytest.mark.parametrize("gap", [1e-200, 1e-150, 1e-9, 1.0, 1e3, 1e149])
def test_reduced_objective_is_exact_at_every_size(beta, gap):
    """Multiple precision, or an error where the value is past the largest float."""
    with mpmath.workdps(600):
        excess = 1 / (1 + mpmath.exp(-mpmath.mpf(min(gap, 1000.0)))) - mpmath.mpf(0.5)
        exact = mpmath.mpf(beta) * mpmath.mpf(gap) ** 2 + excess
    if exact > np.finfo(float).max:
        with pytest.raises(ValueError, match=r"`beta` make.* the result too large"):
            reduced_objective(gap, 0.0, beta)
    else:
        assert_allclose(reduced_objective(gap, 0.0, beta), float(exact), rtol=1e-14)


@pytest.mark.parametrize("offset", [0.0, 0.3, 0.4999999])
@pytest.mark.parametrize("gap", [1e-12, 1e-6, 1.0, 30.0])
def test_escape_time_keeps_the_digits_of_a_short_way(offset, gap):
    """The two sinh are almost equal there."""
    margin = kink_exactly(offset) + gap
    with mpmath.workdps(60):
        ends = [mpmath.mpf(margin), mpmath.mpf(kink_exactly(offset))]
        first, last = (2 * m + 2 * mpmath.sinh(m) for m in ends)
    assert_allclose(escape_time(margin, offset=offset), float(first - last), rtol=1e-13)


def test_escape_time_past_the_largest_float_is_infinite():
    assert np.isfinite(escape_time(709.0))
    assert escape_time(711.0) == escape_time(1e150) == np.inf


def test_numbers_in_give_numbers_out():
    """NumPy scalars, also from integers and single precision."""
    for value in (2, 2.0, np.float32(2), np.array(2.0)):
        for f in (critical_beta, descent_beta, escape_time):
            assert type(f(value)) is np.float64
        assert type(minimizing_logit(value, value)) is np.float64
        assert type(minimizer_jump(value).beta) is np.float64
