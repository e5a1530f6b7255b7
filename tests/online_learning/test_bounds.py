import itertools
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize_scalar

from hw4lib.online_learning import (
    KAPPA,
    average_regret,
    constant_step_bound,
    constant_step_size,
    costliest_stream,
    decaying_step_bound,
    decaying_step_bounds,
    decaying_step_size,
    farthest_stream,
    idle_regret,
    limiting_radius,
    logistic_loss,
    offset_step_bound,
    offset_step_size,
    online_gradient_descent,
    regret_bound,
    smallest_horizon,
    tuned_bound,
    tuned_step_size,
    worst_gain,
    worst_radii,
)

SHEET = math.sqrt(KAPPA / 2)


def step_of(name, n, R, D, lam):
    """The step size of a theorem, as a function of the round."""
    t = np.arange(1, n + 1)
    steps = {
        "tuned": lambda: np.full(n, tuned_step_size(n, R, D, regularization=lam)),
        "lipschitz": lambda: np.full(
            n, constant_step_size(n, R, D, regularization=lam, rho=math.inf)
        ),
        "half": lambda: np.full(n, constant_step_size(n, R, D, regularization=lam)),
        "between": lambda: np.full(
            n, constant_step_size(n, R, D, regularization=lam, rho=20)
        ),
        "decaying": lambda: decaying_step_size(t, regularization=lam),
        "offset": lambda: offset_step_size(t, R, D, regularization=lam),
    }
    return steps[name]()


def bound_of(name, n, R, D, lam):
    """The bound of a theorem."""
    options = {"regularization": lam}
    bounds = {
        "tuned": lambda: tuned_bound(n, R, D, **options),
        "lipschitz": lambda: constant_step_bound(n, R, D, **options, rho=math.inf),
        "half": lambda: constant_step_bound(n, R, D, **options),
        "between": lambda: constant_step_bound(n, R, D, **options, rho=20),
        "decaying": lambda: decaying_step_bounds(n, R, **options)[-1],
        "offset": lambda: offset_step_bound(n, R, D, **options),
    }
    return bounds[name]()


THEOREMS = ["tuned", "lipschitz", "half", "between", "decaying", "offset"]


def streams(rng, steps, R, lam):
    """Random, one-sided, turning, and two adversarial streams."""
    n = len(steps)
    turn = rng.uniform(0, 2 * np.pi, n)
    rim = R * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    ones = np.ones(n)
    yield rim, rng.choice([-1, 1], n)
    yield rim * rng.random((n, 1)), np.where(rim[:, 0] > 0, 1, -1)
    yield np.tile([R, 0.0], (n, 1)), np.where(np.arange(n) < n // 2, 1, -1)
    yield np.tile([R, 0.0], (n, 1)), ones
    yield farthest_stream(steps, R, regularization=lam), ones
    plan = costliest_stream(steps, R, regularization=lam, states=40, margins=40)
    yield plan.X, ones


# The bounds hold


@pytest.mark.parametrize("name", THEOREMS)
@pytest.mark.parametrize(("lam", "R"), [(1.0, 77.0), (0.2, 0.5), (5.0, 6.0)])
def test_no_stream_has_more_regret_than_the_bound(rng, name, lam, R):
    """Against every comparator of norm at most D, not only against the best."""
    for n in (1, 8, 60):
        for scaled in (0.6, 3.0):
            D = scaled / math.sqrt(lam)
            steps, bound = step_of(name, n, R, D, lam), bound_of(name, n, R, D, lam)
            for X, y in streams(rng, steps, R, lam):
                run = online_gradient_descent(
                    X, y, lambda t, steps=steps: steps[t - 1], regularization=lam
                )
                regret = average_regret(X, y, run, regularization=lam)
                assert regret <= bound * (1 + 1e-12) + 1e-12
                if name != "decaying":
                    u = rng.normal(size=2)
                    u *= D / np.linalg.norm(u)
                    regret = average_regret(X, y, run, regularization=lam, comparator=u)
                    assert regret <= bound * (1 + 1e-12) + 1e-12


@pytest.mark.parametrize("rho", [4.0, 9.0, 100.0, math.inf])
@pytest.mark.parametrize("lam", [0.2, 1.0, 5.0])
def test_sum_of_squared_gradients_is_bounded_without_a_bound_on_iterates(rng, rho, lam):
    """The inequality behind Theorems 4.4 and 4.5, in the sheet's own units."""
    R, n = 9.0, 60
    b = 2 * lam + (0 if rho == math.inf else R**2 / rho)
    A = n * R**2 * (1 if rho == math.inf else float(worst_gain(rho)) / rho)
    for share in (0.02, 0.3, 0.9):
        steps = np.full(n, share / b)
        for X, y in streams(rng, steps, R, lam):
            run = online_gradient_descent(X, y, steps[0], regularization=lam)
            assert run.total_squared_gradient <= A / (1 - share) * (1 + 1e-12)


@pytest.mark.parametrize("rho", [4.0, 9.0, math.inf])
@pytest.mark.parametrize("lam", [0.2, 1.0, 5.0])
def test_constant_step_size_minimizes_its_bound(rho, lam):
    """A grid of step sizes in the sheet's own units does no better."""
    n, R, D = 300, 9.0, 0.7
    b = 2 * lam + (0 if rho == math.inf else R**2 / rho)
    A = n * R**2 * (1 if rho == math.inf else float(worst_gain(rho)) / rho)
    eta = np.linspace(1e-4, 0.9999, 200_001) / b

    values = (D**2 / eta + eta * A / (1 - b * eta)) / (2 * n)

    bound = constant_step_bound(n, R, D, regularization=lam, rho=rho)
    assert (values >= bound * (1 - 1e-12)).all()
    assert_allclose(values.min(), bound, rtol=1e-6)
    best = constant_step_size(n, R, D, regularization=lam, rho=rho)
    assert_allclose(eta[values.argmin()], best, rtol=1e-2)


def test_bounds_in_the_letters_of_their_theorems():
    """Each with lambda written out, which the code reaches by a change of units."""
    n, R, D, lam = np.array([1.0, 10.0, 1e5]), 7.0, 1.3, 0.4

    options = {"regularization": lam}
    half = D * R / (2 * np.sqrt(n)) + D**2 * (lam + R**2 / 8) / n
    assert_allclose(constant_step_bound(n, R, D, **options), half, rtol=1e-12)
    step = D / (R * np.sqrt(n) / 2 + (2 * lam + R**2 / 4) * D)
    assert_allclose(constant_step_size(n, R, D, **options), step, rtol=1e-12)
    whole = D * R / np.sqrt(n) + lam * D**2 / n
    assert_allclose(
        constant_step_bound(n, R, D, **options, rho=math.inf), whole, rtol=1e-12
    )
    tuned = D * (R + 2 * lam * D) / np.sqrt(n)
    assert_allclose(tuned_bound(n, R, D, **options), tuned, rtol=1e-12)
    part = R**2 / (16 * lam)
    log = np.log(1 + lam * D**2 * (n - 1) / part)
    offset = (R**2 * D**2 / 8 + part + lam * D**2 + part * log) / n
    assert_allclose(offset_step_bound(n, R, D, **options), offset, rtol=1e-12)
    t0 = R**2 / (8 * lam) + R**2 / (16 * lam**2 * D**2)
    eta = 1 / (2 * lam * (n + t0))
    assert_allclose(offset_step_size(n, R, D, **options), eta, rtol=1e-12)
    crude = (2 * R) ** 2 * (1 + np.log(n)) / (4 * lam * n)
    assert_allclose(decaying_step_bound(n, R, **options), crude, rtol=1e-12)


def test_every_rho_holds_and_four_is_best_in_the_long_run():
    """Psi(rho) / rho, the leading constant squared, has its minimum 1/4 at 4."""
    rho = np.linspace(0.1, 40, 4001)
    ratio = worst_gain(rho) / rho

    assert (ratio >= 0.25 - 1e-15).all()
    assert_allclose(rho[ratio.argmin()], 4.0, rtol=0, atol=0.01)


def test_bounds_of_the_sheet():
    """The table of bounds for R = 77, in the digits that were found independently."""
    n = np.array([10**2, 10**3, 10**4, 10**6])

    table = {
        (7.9, 2.4982, 0.79, 0.079): tuned_bound(n, 77),
        (7.71, 2.4360, 0.7701, 0.0770): constant_step_bound(n, 77, rho=math.inf),
        (11.2713, 1.9596, 0.4592, 0.0392): constant_step_bound(n, 77),
        (2.4699, 0.5576, 0.1540, 0.0145): constant_step_bound(n, 77, SHEET),
        (12.0043, 1.5971, 0.2347, 0.0040): offset_step_bound(n, 77),
        (4.8742, 0.5920, 0.1052, 0.0027): offset_step_bound(n, 77, SHEET),
    }
    for printed, bounds in table.items():
        assert_allclose(bounds, printed, rtol=0, atol=5.1e-5)
    exact = decaying_step_bounds(10**4, 77)[n[:3] - 1]
    assert_allclose(exact, [111.47, 14.892, 1.8392], rtol=5e-5)


# Theorem 4.3


@settings(deadline=None)
@given(
    st.floats(0.05, 20.0),
    st.floats(0.01, 300.0),
    st.floats(1.0, 10.0),
    st.integers(1, 400),
)
def test_the_tuned_step_size_keeps_every_iterate_in_the_ball(lam, R, factor, n):
    """For any lambda, any R, any n, and D from its smallest admitted value up."""
    D = factor * math.sqrt(7 * KAPPA / (6 * lam))
    eta = tuned_step_size(n, R, D, regularization=lam)

    radii = worst_radii(np.full(n, eta), R, regularization=lam)[:-1]

    assert radii.max() <= D


def test_the_worst_over_all_horizons_of_the_sheet():
    """For R = 77 the supremum over n is .708418, at n = 9: later ones stay below."""
    assert limiting_radius(tuned_step_size(150, 77), 77) < 0.708
    largest = [
        worst_radii(np.full(n, tuned_step_size(n, 77)), 77)[:-1].max()
        for n in range(1, 150)
    ]

    assert_allclose(max(largest), 0.708418, rtol=0, atol=5e-7)
    assert int(np.argmax(largest)) + 1 == 9


def test_the_two_ranges_of_the_proof_cover_every_horizon():
    """Its inequalities, with D free: 3 D / (8 kappa) meets 1 / (4 D^2 - 2 kappa)."""
    D = np.geomspace(math.sqrt(7 * KAPPA / 6), 1e3, 1001)

    short, long = 3 * D / (8 * KAPPA), D / (4 * D**2 - 2 * KAPPA)

    assert (short >= long * (1 - 1e-12)).all()


# Theorem 4.6


def test_decaying_bounds_are_sums_of_exact_gradients():
    """A loop over rounds; the sup gradient at t = 2 is 115.5, not 79."""
    bounds = decaying_step_bounds(30, 77.0, regularization=0.5)
    steps = [1 / t for t in range(1, 31)]
    radii = worst_radii(steps, 77.0, regularization=0.5)

    total = 0.0
    for k in range(30):
        G = radii[k] + 77 / (1 + math.exp(-radii[k] * 77))
        total += G**2 / (4 * 0.5 * (k + 1))
        assert_allclose(bounds[k], total / (k + 1), rtol=1e-12)
    assert_allclose(radii[1], 77 / 2, rtol=1e-12)  # R / (4 lambda)


def test_decaying_norms_stay_below_their_simple_bound():
    """r^2 <= kappa / 2 + R^2 / (4 t) after round t, and at most 21.470 for R = 77."""
    t = np.arange(1, 2001)
    radii = worst_radii(decaying_step_size(t), 77.0)[1:]

    assert (radii**2 <= KAPPA / 2 + 77**2 / (4 * t)).all()
    assert_allclose(radii.max(), 21.470, rtol=0, atol=5e-4)
    assert_allclose(radii[0], 77 / 4, rtol=1e-12)


# What bounds say


@pytest.mark.parametrize("lam", [0.1, 1.0])
def test_idle_regret_is_the_worst_case_of_not_learning(rng, lam):
    """SciPy's minimum over one variable; no random data set does worse."""
    found = minimize_scalar(
        lambda r: math.log1p(math.exp(-77 * r)) + lam * r * r,
        bounds=(0, 1),
        method="bounded",
        options={"xatol": 1e-12},
    )
    idle = idle_regret(77.0, regularization=lam)

    assert_allclose(idle, math.log(2) - found.fun, rtol=1e-10)
    for _ in range(50):
        X = rng.normal(size=(5, 2))
        X *= 77 / np.linalg.norm(X, axis=1).max()
        y = np.where(X @ rng.normal(size=2) > 0, 1, -1)
        run = online_gradient_descent(X, y, 1e-300, regularization=lam)
        assert average_regret(X, y, run, regularization=lam) <= idle


def test_idle_regret_of_the_sheet():
    """Log 2 less the best loss of one sample of norm 77 is .684637."""
    assert_allclose(idle_regret(77.0), 0.684637, rtol=0, atol=5e-7)
    assert logistic_loss([77.0], 1, [0.0]) == math.log(2)


def test_horizons_of_the_sheet():
    """From which n each bound says anything, and which bound is ahead from where."""
    idle = idle_regret(77.0)
    exact = decaying_step_bounds(80_000, 77.0)

    claims = {
        13_315: lambda n: tuned_bound(n, 77) <= idle,
        50_597: lambda n: (
            regret_bound(1, n * 154**2, 1 / (154 * math.sqrt(n)), n) <= idle
        ),
        5100: lambda n: constant_step_bound(n, 77) <= idle,
        841: lambda n: offset_step_bound(n, 77, SHEET) <= idle,
        711: lambda n: constant_step_bound(n, 77, SHEET) <= idle,
        336: lambda n: constant_step_bound(n, 77) <= tuned_bound(n, 77),
        280: lambda n: offset_step_bound(n, 77) <= tuned_bound(n, 77),
        181: lambda n: offset_step_bound(n, 77) <= constant_step_bound(n, 77),
        1299: lambda n: (
            offset_step_bound(n, 77, SHEET) <= constant_step_bound(n, 77, SHEET)
        ),
        270_455: lambda n: decaying_step_bound(n, 77) <= 2 * 77 / math.sqrt(n),
        1_277_574: lambda n: decaying_step_bound(n, 77) <= tuned_bound(n, 77),
        73_417: lambda n: exact[min(n, 80_000) - 1] <= tuned_bound(min(n, 80_000), 77),
        62: lambda n: tuned_step_size(n, 77) <= 0.001618144,
    }
    for expected, claim in claims.items():
        assert smallest_horizon(claim) == expected


@settings(deadline=None)
@given(st.integers(1, 10**6))
def test_smallest_horizon_is_the_first_that_holds(n):
    """Whatever it is, it is found."""
    assert smallest_horizon(lambda k: k >= n) == n


def test_smallest_horizon_tries_the_last_one_too():
    """A claim that holds only at the limit is still found."""
    assert smallest_horizon(lambda n: n >= 100, at_most=100) == 100


# The edges of the floats

SIZES = [1e-300, 1e-150, 1e-8, 1.0, 77.0, 1e8, 1e150, 1e300, 1.7e308]
FORMULAS = {
    "tuned step": (
        lambda n, R, D, lam: tuned_step_size(n, R, D, regularization=lam),
        lambda n, R, D, lam: 1 / ((R / D + 2 * lam) * mpmath.sqrt(n)),
    ),
    "tuned": (
        lambda n, R, D, lam: tuned_bound(n, R, D, regularization=lam),
        lambda n, R, D, lam: D * (R + 2 * lam * D) / mpmath.sqrt(n),
    ),
    "half step": (
        lambda n, R, D, lam: constant_step_size(n, R, D, regularization=lam),
        lambda n, R, D, lam: 1 / (R / D * mpmath.sqrt(n) / 2 + 2 * lam + R**2 / 4),
    ),
    "half": (
        lambda n, R, D, lam: constant_step_bound(n, R, D, regularization=lam),
        lambda n, R, D, lam: R * D / mpmath.sqrt(n) / 2 + D**2 / n * (lam + R**2 / 8),
    ),
    "lipschitz step": (
        lambda n, R, D, lam: constant_step_size(
            n, R, D, regularization=lam, rho=math.inf
        ),
        lambda n, R, D, lam: 1 / (R / D * mpmath.sqrt(n) + 2 * lam),
    ),
    "lipschitz": (
        lambda n, R, D, lam: constant_step_bound(
            n, R, D, regularization=lam, rho=math.inf
        ),
        lambda n, R, D, lam: R * D / mpmath.sqrt(n) + D**2 / n * lam,
    ),
    "decaying": (
        lambda n, R, _, lam: decaying_step_bound(n, R, regularization=lam),
        lambda n, R, _, lam: R**2 * (1 + mpmath.log(n)) / (lam * n),
    ),
    "offset step": (
        lambda n, R, D, lam: offset_step_size(n, R, D, regularization=lam),
        lambda n, R, D, lam: 1 / (2 * lam * n + R**2 / 4 + R**2 / (8 * lam * D**2)),
    ),
    "offset": (
        lambda n, R, D, lam: offset_step_bound(n, R, D, regularization=lam),
        lambda n, R, D, lam: (
            (
                R**2 * D**2 / 8
                + lam * D**2
                + R**2
                / (16 * lam)
                * (1 + mpmath.log1p(16 * lam**2 * D**2 * (n - 1) / R**2))
            )
            / n
        ),
    ),
}


@pytest.mark.parametrize(("ours", "formula"), FORMULAS.values(), ids=FORMULAS.keys())
def test_formulas_are_right_at_every_size(ours, formula):
    """In many digits, for all sizes together; past the largest float is refused."""
    largest = mpmath.mpf(np.finfo(float).max)
    for arguments in itertools.product((1.0, 2.0, 1e15), SIZES, SIZES, SIZES):
        _, _, D, lam = arguments
        if ours is FORMULAS["tuned"][0] and math.sqrt(1.2 * KAPPA) / math.sqrt(lam) > D:
            continue
        with mpmath.workdps(700):
            exact = formula(*map(mpmath.mpf, arguments))
            if exact > largest:
                with pytest.raises(ValueError, match=r"too large"):
                    ours(*arguments)
                continue
            try:
                gap = abs(mpmath.mpf(float(ours(*arguments))) - exact)
            except ValueError:  # a product on the way, of which sqrt(n) is left
                assert exact > 1e300, arguments
            else:
                assert gap <= 1e-12 * exact + mpmath.mpf("1e-307"), arguments


@pytest.mark.parametrize("R", [1e-100, 1e-50, 1e-8, 1e-3, 1.0, 3.0, 77.0, 1e20, 1e100])
def test_idle_regret_keeps_its_digits(R):
    """For short samples it is R^2 / 16, far below the rounding of log 2."""
    idle = idle_regret(R)

    if R < 1e-3:
        assert_allclose(idle, R**2 / 16, rtol=1e-15 + R**2)
    with mpmath.workdps(450):
        size = mpmath.mpf(R)
        low, high = mpmath.mpf(0), size / 2  # the best weight: 2 w = R sigma(-w R)
        for _ in range(1400):
            w = (low + high) / 2
            above = 2 * w * (1 + mpmath.exp(w * size)) > size
            low, high = (low, w) if above else (w, high)
        exact = mpmath.log(2) - mpmath.log1p(mpmath.exp(-w * size)) - w**2
        assert abs(mpmath.mpf(float(idle)) - exact) <= 1e-13 * exact
    for lam in (1e-100, 1e100):
        scaled = idle_regret(R * math.sqrt(lam), regularization=lam)
        assert_allclose(scaled, idle, rtol=1e-13)


def test_decaying_bounds_of_every_regularization():
    """They depend on R over the root of lambda alone."""
    expected = decaying_step_bounds(20, 77.0)

    for lam in (1e-300, 1e-20, 1e20, 1e300):
        bounds = decaying_step_bounds(20, 77 * math.sqrt(lam), regularization=lam)
        assert_allclose(bounds, expected, rtol=1e-13)


def test_the_least_comparator_of_the_tuned_bound():
    """7/6 kappa, not a little less: at D just below it the proof has a gap."""
    for lam in (0.1, 1.0, 9.0):
        least = math.sqrt(7 * KAPPA / (6 * lam))
        tuned_bound(5, 77.0, least * (1 + 1e-12), regularization=lam)
        with pytest.raises(ValueError, match=r"`comparator_bound` holds"):
            tuned_bound(5, 77.0, least * (1 - 1e-9), regularization=lam)
    short, long = 3 * least / 8, least / (4 * lam * least**2 / KAPPA - 2)
    assert_allclose(short, long, rtol=1e-12)


def test_step_sizes_of_the_sheet():
    """The four answers to (e), and whatever D and G somebody has."""
    n = np.array([1, 100, 10**6])

    assert_allclose(tuned_step_size(n, 77), 1 / (79 * np.sqrt(n)), rtol=1e-15)
    twice = tuned_step_size(n, 2 * 77, regularization=0)  # G = 2 R, D = 1
    assert_allclose(twice, 1 / (154 * np.sqrt(n)), rtol=1e-15)
    free = constant_step_size(n, 77, rho=math.inf)
    assert_allclose(free, 1 / (77 * np.sqrt(n) + 2), rtol=1e-15)
    any_ = tuned_step_size(n, 50.0, 0.3, regularization=0)
    assert_allclose(any_, 0.3 / (50.0 * np.sqrt(n)), rtol=1e-15)


# What is refused


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tuned_bound(0, 77), ValueError, "`n` holds 0"),
        (
            lambda: tuned_bound(1, 77, 0.5),
            ValueError,
            "`comparator_bound` holds 0.5, expected >= 0.56",
        ),
        (
            lambda: tuned_bound(1, 77, regularization=0),
            ValueError,
            "`regularization` is 0",
        ),
        (lambda: constant_step_size(0, 1), ValueError, "`n` holds 0, expected >= 1"),
        (lambda: constant_step_size(1, 0), ValueError, "`feature_bound` holds 0"),
        (
            lambda: constant_step_bound(1, 1, 0),
            ValueError,
            "`comparator_bound` holds 0",
        ),
        (
            lambda: constant_step_bound(1, 1, regularization=0),
            ValueError,
            "`regularization` is 0",
        ),
        (lambda: constant_step_bound(1, 1, rho=3), ValueError, "`rho` is 3"),
        (lambda: constant_step_bound(1, 1, rho=[4, 5]), ValueError, "`rho` has shape"),
        (
            lambda: constant_step_bound([1, 2], [1, 2, 3]),
            ValueError,
            "do not broadcast",
        ),
        (lambda: decaying_step_size(0), ValueError, "`t` holds 0"),
        (lambda: decaying_step_bound(0, 1), ValueError, "`n` holds 0"),
        (lambda: decaying_step_bound(1, 0), ValueError, "`feature_bound` holds 0"),
        (
            lambda: decaying_step_bound([1, 2], [1, 2, 3]),
            ValueError,
            "do not broadcast",
        ),
        (lambda: decaying_step_bounds(0, 1), ValueError, "`n` is 0"),
        (lambda: decaying_step_bounds(1.5, 1), TypeError, "`n` is 1.5"),
        (lambda: decaying_step_bounds(10**15, 1), MemoryError, "`n` is 10000000000"),
        (lambda: offset_step_size(0, 1), ValueError, "`t` holds 0"),
        (lambda: offset_step_bound(1, -1), ValueError, "`feature_bound` holds -1"),
        (lambda: idle_regret(0), ValueError, "`feature_bound` is 0"),
        (
            lambda: idle_regret(1, regularization=0),
            ValueError,
            "`regularization` is 0",
        ),
        (
            lambda: smallest_horizon(lambda n: n < 0, at_most=1000),
            ValueError,
            "`holds` is false at 1000",
        ),
        (
            lambda: smallest_horizon(lambda n: n > 0, at_most=0),
            ValueError,
            "`at_most` is 0",
        ),
        (lambda: smallest_horizon(None), TypeError, "`holds` is of type NoneType"),
        (
            lambda: smallest_horizon(lambda _: None),
            TypeError,
            "`holds` returns None at 1, expected a boolean",
        ),
        (
            lambda: smallest_horizon(lambda n: np.arange(n) > 1),
            TypeError,
            "`holds` returns array",
        ),
        (lambda: smallest_horizon(lambda n: n > 2, at_most=1.5), TypeError, "at_most"),
        (lambda: tuned_bound(10, 1e308, 1e300), ValueError, "too large"),
        (lambda: decaying_step_size(1, regularization=5e-324), ValueError, "too large"),
        (lambda: tuned_bound(None, 77), TypeError, "`n` is of type NoneType"),
        (lambda: offset_step_size("a", 77), TypeError, "`t` is of type str"),
        (lambda: constant_step_bound(1, {1}), TypeError, "`feature_bound` is of type"),
        (lambda: constant_step_bound(1, 1, rho=None), TypeError, "`rho` is of type"),
        (lambda: idle_regret([1, 2]), ValueError, "`feature_bound` has shape"),
        (lambda: idle_regret(1e-120), ValueError, "`feature_bound` is 1e-120 times"),
        (
            lambda: decaying_step_bounds(2, 1, regularization=1e300),
            ValueError,
            "`feature_bound` is 1e-150 times",
        ),
    ],
)
def test_refuses(call, error, message):
    """Each message names the argument, what it is and what it should be."""
    with pytest.raises(error, match=message):
        call()
