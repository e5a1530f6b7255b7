import itertools
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import brentq, minimize_scalar
from scipy.special import lambertw

from hw4lib.online_learning import (
    KAPPA,
    batch_optimum,
    gradient_norm_bound,
    gradient_step,
    limiting_radius,
    logistic_loss_gradient,
    online_gradient_descent,
    optimum_norm_bound,
    safe_step_size,
    worst_gain,
    worst_margin,
    worst_radii,
)
from hw4lib.online_learning.radius import _lambert_w


def disc(R):
    """Points of the disc of radius R, most of them on its rim."""

    def ring(length, points):
        turn = np.linspace(0, 2 * np.pi, points)
        return length * np.stack([np.cos(turn), np.sin(turn)], axis=-1)

    inside = [ring(length, 181) for length in np.linspace(0, R, 10)]
    return np.concatenate([ring(R, 20_001), *inside])


# Constants


def test_lambert_w_is_that_of_scipy():
    """Over all magnitudes that a float can have."""
    for z in np.logspace(-300, 300, 601):
        assert_allclose(_lambert_w(z), lambertw(z).real, rtol=1e-14)


def test_kappa_is_the_largest_value_of_its_function():
    """In thirty digits W(1/e), and no margin on a fine grid gives more."""
    m = np.linspace(-5, 10, 1_500_001)
    with mpmath.workdps(30):
        exact = mpmath.lambertw(mpmath.exp(-1))

    assert abs(KAPPA - exact) < 1e-16
    values = m / (1 + np.exp(m))
    assert KAPPA >= values.max() > KAPPA - 1e-10
    assert_allclose((1 + KAPPA) / (1 + math.exp(1 + KAPPA)), KAPPA, rtol=1e-14)


def test_worst_margin_solves_its_equation_in_forty_digits():
    """Newton's root against bisection in multiple precision."""
    rho = np.r_[0.0, np.logspace(-8, 12, 41), 4.0]

    margins = worst_margin(rho)

    with mpmath.workdps(40):
        for value, m in zip(rho, margins, strict=True):

            def equation(m, value=value):
                e = mpmath.exp
                return 2 - m + e(-m) + (1 - m) * e(m) - mpmath.mpf(value)

            low, high = -math.log1p(value) - 1, 2
            root = mpmath.findroot(equation, (low, high), solver="anderson", tol=1e-60)
            assert abs(m - root) <= 1e-14 * max(1, abs(root))


@pytest.mark.parametrize("rho", [0.0, 1e-3, 1.0, 4.0, 50.0, 1e6])
def test_worst_gain_is_the_maximum(rho):
    """SciPy's search over margins finds the same value, and nothing above it."""

    def gain(m):
        s = 1 / (1 + np.exp(m))
        return 2 * m * s + rho * s**2

    found = minimize_scalar(
        lambda m: -gain(m), bounds=(-30, 3), method="bounded", options={"xatol": 1e-10}
    )
    assert_allclose(worst_gain(rho), -found.fun, rtol=1e-9)
    assert (gain(np.linspace(-60, 60, 100_001)) <= worst_gain(rho) + 1e-12).all()


def test_square_of_the_sigmoid_is_below_a_line_in_the_margin():
    """s^2 <= 1/4 - m s / 2, with equality at m = 0 only."""
    m = np.linspace(-50, 50, 100_001)
    s = 1 / (1 + np.exp(m))

    gap = 0.25 - m * s / 2 - s**2

    assert (gap[m != 0] > 0).all()
    assert gap[m == 0] == 0


# Theorem 4.1


@pytest.mark.parametrize("lam", [0.01, 1.0, 30.0])
def test_no_optimum_is_longer_than_the_bound(rng, lam):
    """Random data of every size and scale, half of it separable."""
    bound = optimum_norm_bound(regularization=lam)
    longest = 0.0

    for _ in range(60):
        n, p = rng.integers(1, 8), rng.integers(1, 4)
        X = rng.normal(size=(n, p)) * 10 ** rng.uniform(-1, 2)
        y = (
            rng.choice([-1, 1], n)
            if rng.random() < 0.5
            else np.where(X[:, 0] > 0, 1, -1)
        )
        longest = max(longest, np.linalg.norm(batch_optimum(X, y, regularization=lam)))

    assert 0.8 * bound < longest <= bound * (1 + 1e-12)


@pytest.mark.parametrize("lam", [0.01, 1.0, 30.0])
def test_one_sample_attains_the_bound(lam):
    """At norm (1 + kappa) / bound, which is 3.426248 for lambda = 1."""
    bound = optimum_norm_bound(regularization=lam)
    norm = (1 + KAPPA) / bound

    w = batch_optimum([[norm]], [1], regularization=lam)

    assert_allclose(w, [bound], rtol=1e-12)
    if lam == 1:
        assert_allclose([bound, norm], [0.373138, 3.426248], rtol=0, atol=5e-7)


# Theorem 4.2


@pytest.mark.parametrize("lam", [0.2, 1.0, 3.0])
@pytest.mark.parametrize("R", [0.5, 5.0, 77.0])
@pytest.mark.parametrize("share", [0.003, 0.1, 0.7, 1.0])
def test_radii_are_what_a_search_over_all_samples_finds(lam, R, share):
    """Greedy search over a grid of the disc: never above, and nearly equal."""
    eta = share / (2 * lam)
    radii = worst_radii(np.full(6, eta), R, regularization=lam)
    x = disc(R)
    norm = 0.0

    for expected in radii[1:]:
        reached = gradient_step(x, 1, [norm, 0.0], eta, regularization=lam)
        best = np.linalg.norm(reached, axis=-1).max()
        norm = min(best, expected)
        # The grid of angles misses the best margin by little: a maximum is flat.
        assert expected * (1 - 2e-3) <= best <= expected * (1 + 1e-12)


@settings(deadline=None)
@given(
    st.integers(1, 3),
    st.floats(0.1, 10.0),
    st.floats(0.1, 100.0),
    st.floats(1e-3, 1.0),
    st.integers(0, 2**32 - 1),
)
def test_no_stream_leaves_the_radii(p, lam, R, share, seed):
    """Random streams that favor extreme samples, with random step sizes."""
    rng = np.random.default_rng(seed)
    n = 30
    steps = share / (2 * lam) * rng.uniform(0.01, 1, n)
    directions = rng.normal(size=(n, p))
    X = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    X *= R * rng.choice([0.1, 1.0], size=(n, 1))

    run = online_gradient_descent(
        X,
        rng.choice([-1, 1], n),
        lambda t: steps[t - 1],
        regularization=lam,
        keep="iterates",
    )

    norms = np.linalg.norm(run.iterates, axis=1)
    assert (norms <= worst_radii(steps, R, regularization=lam) * (1 + 1e-9)).all()


def test_radii_of_many_runs_are_those_of_each(rng):
    """An extra axis of step sizes, against one column at a time."""
    steps = rng.uniform(0.001, 0.5, size=(20, 3))

    together = worst_radii(steps, 77.0)

    for column in range(3):
        alone = worst_radii(steps[:, column], 77.0)
        assert_allclose(together[:, column], alone, rtol=1e-12)


@pytest.mark.parametrize("R", [0.3, 2.0, 10.0, 77.0])
@pytest.mark.parametrize("lam", [0.3, 1.0])
def test_limiting_radius_is_where_the_radii_settle(R, lam):
    """After enough rounds the recursion is at its limit, and never above."""
    for share in (0.02, 0.3, 0.9):
        eta = share / (2 * lam)
        radii = worst_radii(np.full(3000, eta), R, regularization=lam)
        limit = limiting_radius(eta, R, regularization=lam)
        assert_allclose(radii[-1], limit, rtol=1e-9)
        assert (radii <= limit * (1 + 1e-12)).all()


def test_limiting_radius_of_the_sheet():
    """The table of r and G, in the digits that were found independently."""
    eta = np.array([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1])

    radius = limiting_radius(eta, 77.0)

    printed = [0.37323, 0.37409, 0.38323, 0.65634, 3.53473, 12.7011]
    assert_allclose(radius[:5], printed[:5], rtol=0, atol=5e-6)
    assert_allclose(radius[5], printed[5], rtol=0, atol=5e-5)
    printed = [77.7465, 77.7482, 77.7665, 78.3127, 84.0695, 102.402]
    assert_allclose(gradient_norm_bound(radius, 77.0), printed, rtol=0, atol=5e-4)


def test_limiting_radius_is_below_its_simple_bound_and_grows():
    """r^2 <= (2 (1 - 2 eta) kappa + eta R^2) / (4 (1 - eta)), increasing in eta."""
    eta = np.linspace(1e-6, 0.499999, 2001)

    for R in (0.1, 1.0, 4.0, 77.0):
        radius = limiting_radius(eta, R)
        simple = (2 * (1 - 2 * eta) * KAPPA + eta * R**2) / (4 * (1 - eta))
        assert (radius**2 <= simple * (1 + 1e-12)).all()
        assert (np.diff(radius) >= -1e-12 * radius[1:]).all()
        assert (radius <= R / 2).all()


def test_short_samples_can_do_no_more_than_be_repeated():
    """For R = 1 the best margin is out of reach: the limit is w* of one sample."""
    single = brentq(lambda r: 2 * r - 1 / (1 + math.exp(r)), 0, 1)

    assert_allclose(limiting_radius([1e-4, 1e-2, 0.1], 1.0), single, rtol=1e-12)


@pytest.mark.parametrize("lam", [0.2, 1.0])
def test_gradient_norm_bound_is_what_a_search_finds(lam):
    """Every sample of the disc at given weights, against the formula."""
    for r in (0.0, 0.2, 1.0, 20.0):
        g = logistic_loss_gradient(disc(5.0), 1, [r, 0.0], regularization=lam)
        largest = np.linalg.norm(g, axis=-1).max()
        bound = gradient_norm_bound(r, 5.0, regularization=lam)
        assert_allclose(bound, largest, rtol=1e-12)


@pytest.mark.parametrize("lam", [0.3, 1.0])
def test_safe_step_size_is_the_largest(lam):
    """At it the limit is the radius; a little above it, the limit is outside."""
    radius = 1.2 / math.sqrt(lam)
    eta = safe_step_size(radius, 77.0, regularization=lam)

    assert_allclose(limiting_radius(eta, 77.0, regularization=lam), radius, rtol=1e-12)
    assert limiting_radius(eta * 1.001, 77.0, regularization=lam) > radius


@pytest.mark.parametrize("R", [1e6, 1e10, 1e50])
def test_safe_step_size_of_long_samples(R):
    """However small: the limit is that of the radii, and what counts is eta R^2."""
    eta = safe_step_size(0.38, R)

    assert_allclose(limiting_radius(eta, R), 0.38, rtol=1e-12)
    assert_allclose(eta * R**2, safe_step_size(0.38, 1e8) * 1e16, rtol=1e-7)


@pytest.mark.parametrize("R", [1e-20, 1e-30, 1e-60])
def test_limiting_radius_of_short_samples(R):
    """They are added up with half of their length: 2 lambda r = R / 2."""
    assert_allclose(limiting_radius([0.01, 0.3], R), R / 4.0, rtol=1e-14)
    lam = R**-2
    limit = limiting_radius(0.1 / lam, 1.0, regularization=lam)
    assert_allclose(limit, 1.0 / (4.0 * lam), rtol=1e-14)
    assert_allclose(limiting_radius([1e-300], R), R / 4.0, rtol=1e-14)
    with pytest.raises(ValueError, match=r"`radius` is .*, expected >= 2\.5e"):
        safe_step_size(R / 100.0, R)


@pytest.mark.parametrize("lam", [3.0, 7.0, 1e-5, 1e12, 1e25])
def test_safe_step_size_stays_below_its_limit(lam):
    """Also where the limit is rounded, and where any step keeps to the radius."""
    R = 77.0 * np.sqrt(lam)
    for radius in (1.0 / np.sqrt(lam), 1e3 / np.sqrt(lam)):
        eta = safe_step_size(radius, R, regularization=lam)
        assert 0.0 < eta < 0.5 / lam
        assert limiting_radius(eta, R, regularization=lam) <= radius * (1 + 1e-12)
    assert_allclose(eta, 0.5 / lam)


def test_optimum_norm_bound_of_every_regularization():
    """Its square has a divisor that is no float, at both ends."""
    for lam in (1e308, 1.0, 5e-324):
        expected = optimum_norm_bound() / np.sqrt(lam)
        assert_allclose(optimum_norm_bound(regularization=lam), expected, rtol=1e-14)


def test_safe_step_size_of_the_sheet():
    """For the unit ball and R = 77 it is .001618144."""
    assert_allclose(safe_step_size(1.0, 77.0), 0.001618144, rtol=0, atol=5e-10)


def test_every_step_size_is_safe_when_the_samples_are_short():
    """With R = 1 no iterate is longer than 1/2."""
    assert 0.499 < safe_step_size(10.0, 1.0) < 0.5


# The edges of the floats


@pytest.mark.parametrize(
    "rho", [0.0, 5e-324, 1e-300, 1e-20, 3.999, 4.0, 4.001, 1e20, 1e300, 1.7976e308]
)
def test_worst_margin_and_gain_at_every_size(rho):
    """The logarithm of the equation has its root where the equation has it."""
    with mpmath.workdps(400):
        low, high = -mpmath.log1p(rho) - 2, mpmath.mpf(2)
        for _ in range(1400):
            m = (low + high) / 2
            left = 2 - m + mpmath.exp(-m) + (1 - m) * mpmath.exp(m)
            low, high = (m, high) if left > rho else (low, m)
        s = 1 / (1 + mpmath.exp(m))
        gain = 2 * m * s + rho * s**2
        assert abs(worst_margin(rho) - m) <= 1e-14 * max(1, abs(m))
        assert abs(worst_gain(rho) - gain) <= 1e-14 * gain


@pytest.mark.parametrize("lam", [1e-300, 1e-20, 1e20, 1e300])
def test_radii_of_every_regularization(lam):
    """In the units in which lambda is 1 they are the same."""
    unit, steps = math.sqrt(lam), np.array([0.01, 0.2, 0.5])

    radii = worst_radii(steps / lam, 7 * unit, regularization=lam)

    assert_allclose(radii * unit, worst_radii(steps, 7.0), rtol=1e-13)
    limit = limiting_radius(0.1 / lam, 7 * unit, regularization=lam)
    assert_allclose(limit * unit, limiting_radius(0.1, 7.0), rtol=1e-13)
    safe = safe_step_size(1 / unit, 7 * unit, regularization=lam)
    assert_allclose(safe * lam, safe_step_size(1.0, 7.0), rtol=1e-12)


@pytest.mark.parametrize(("R", "eta"), [(1e-100, 1e-40), (1e20, 1e-150), (1.0, 1e-120)])
def test_radii_of_small_steps(R, eta):
    """The first step is half of the sample, and the second adds another half."""
    radii = worst_radii([eta, eta], R)

    assert_allclose(radii, [0, eta * R / 2, eta * R], rtol=1e-12)


def test_gradient_norm_bound_at_every_size():
    """In many digits; past the largest float is refused."""
    sizes = [1e-300, 1e-8, 1.0, 77.0, 1e150, 1e300, 1.7e308]
    for r, R, lam in itertools.product([0.0, *sizes], sizes, sizes):
        with mpmath.workdps(700):
            m = mpmath.mpf(r) * R
            pull = R / (1 + mpmath.exp(-min(m, 10**5)))
            exact = 2 * mpmath.mpf(lam) * r + pull
            if exact > mpmath.mpf("1.79e308"):
                with pytest.raises(ValueError, match="too large"):
                    gradient_norm_bound(r, R, regularization=lam)
            else:
                ours = gradient_norm_bound(r, R, regularization=lam)
                assert abs(ours - exact) <= 1e-15 * exact


# What is refused


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: optimum_norm_bound(regularization=0),
            ValueError,
            "`regularization` is 0, expected > 0",
        ),
        (lambda: worst_margin(-1), ValueError, "`rho` holds -1"),
        (lambda: worst_gain(np.nan), ValueError, "`rho` holds nan"),
        (
            lambda: worst_radii([0.6], 1),
            ValueError,
            r"`step_sizes` holds 0.6, expected in \(0, 0.5\]",
        ),
        (lambda: worst_radii(0.1, 1), ValueError, r"`step_sizes` has shape \(\)"),
        (lambda: worst_radii([], 1), ValueError, r"`step_sizes` has shape \(0,\)"),
        (lambda: worst_radii([0.1], 0), ValueError, "`feature_bound` is 0"),
        (
            lambda: worst_radii([0.1], 1, regularization=-1),
            ValueError,
            "`regularization` is -1",
        ),
        (
            lambda: limiting_radius(0.5, 1),
            ValueError,
            r"`step_size` holds 0.5, expected in \(0, 0.5\)",
        ),
        (lambda: limiting_radius(0.1, [1]), ValueError, "`feature_bound` has shape"),
        (
            lambda: limiting_radius(0.1, 1e101),
            ValueError,
            "`feature_bound` is 1e.101 times the root of `regularization`, expected in",
        ),
        (lambda: worst_radii([0.1], 1e-170), ValueError, "`feature_bound` is 1e-170"),
        (lambda: gradient_norm_bound(-1, 1), ValueError, "`radius` holds -1"),
        (lambda: gradient_norm_bound(1, 0), ValueError, "`feature_bound` holds 0"),
        (
            lambda: gradient_norm_bound([1, 2], [1, 2, 3]),
            ValueError,
            "do not broadcast",
        ),
        (
            lambda: safe_step_size(0.3, 77.0),
            ValueError,
            "`radius` is 0.3, expected >= 0.373",
        ),
        (lambda: safe_step_size("a", 77.0), TypeError, "`radius` is of type str"),
        (
            lambda: worst_radii([1e-120], 1e-40),
            ValueError,
            "`step_sizes` holds 1e-120, expected >= 1e-110",
        ),
        (lambda: worst_radii(None, 1), TypeError, "`step_sizes` is of type NoneType"),
        (lambda: worst_gain([[1], [2, 3]]), ValueError, "`rho` is ragged"),
    ],
)
def test_refuses(call, error, message):
    """Each message names the argument, what it is and what it should be."""
    with pytest.raises(error, match=message):
        call()
