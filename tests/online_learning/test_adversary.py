import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from hw4lib.online_learning import (
    alternating_stream,
    average_regret,
    constant_step_bound,
    constant_step_size,
    costliest_stream,
    decaying_step_bounds,
    decaying_step_size,
    farthest_stream,
    idle_regret,
    known_regret,
    offset_step_bound,
    offset_step_size,
    online_gradient_descent,
    tuned_bound,
    tuned_step_size,
    worst_radii,
)


def gradient_cost(X, y, steps, lam):
    """Half the step sizes times the squared gradients, from a run."""
    run = online_gradient_descent(
        X, y, lambda t: steps[t - 1], regularization=lam, keep="losses"
    )
    return float((steps / 2 * run.gradient_norms**2).sum())


def search(steps, R, lam, size=1201):
    """The largest cost of three rounds, over a grid of the two free margins.

    In the first round w = 0, and every sample of norm R has margin 0.
    """

    def step(square, m, eta):
        s = 1 / (1 + np.exp(m))
        squared_gradient = 4 * lam**2 * square - 4 * lam * m * s + (s * R) ** 2
        ahead = (1 - 2 * lam * eta) ** 2 * square + (eta * s * R) ** 2
        return squared_gradient, ahead + 2 * eta * (1 - 2 * lam * eta) * m * s

    first, square = step(0.0, 0.0, steps[0])
    share = np.linspace(-1, 1, size)
    second, square = step(square, share * R * math.sqrt(square), steps[1])
    margins = share[:, None] * R * np.sqrt(square)
    third, _ = step(square, margins, steps[2])
    total = steps[0] * first + steps[1] * second + steps[2] * third
    return float(total.max()) / 2


@pytest.mark.parametrize("lam", [0.2, 1.0, 3.0])
@pytest.mark.parametrize("R", [0.5, 6.0, 77.0])
def test_farthest_stream_attains_the_supremum(rng, lam, R):
    """A run over it has, in every round, the norm of the recursion."""
    steps = rng.uniform(0.01, 1.0, 25) / (2 * lam)

    X = farthest_stream(steps, R, regularization=lam)

    run = online_gradient_descent(
        X, np.ones(25), lambda t: steps[t - 1], regularization=lam, keep="iterates"
    )
    norms = np.linalg.norm(run.iterates, axis=1)
    assert_allclose(norms, worst_radii(steps, R, regularization=lam), rtol=1e-9)
    assert_allclose(np.linalg.norm(X, axis=1), R, rtol=1e-12)


@pytest.mark.parametrize("lam", [0.3, 1.0])
@pytest.mark.parametrize(("R", "share"), [(1.0, 0.2), (8.0, 0.05), (77.0, 0.002)])
def test_three_rounds_cost_what_a_search_over_all_margins_finds(lam, R, share):
    """The plan is within its bracket, and the exact optimum too."""
    for steps in (np.full(3, share / lam), share / lam / np.arange(1, 4)):
        worst = costliest_stream(steps, R, regularization=lam, states=400, margins=400)
        exact = search(steps, R, lam)

        assert worst.cost <= exact * (1 + 1e-5)
        assert exact <= worst.bound * (1 + 1e-12)
        assert worst.bound <= worst.cost * 1.02


def test_cost_is_that_of_the_stream(rng):
    """A scalar recomputation of what the run over the stream costs."""
    steps = rng.uniform(0.001, 0.01, 15)

    worst = costliest_stream(steps, 20.0, regularization=0.5, states=60, margins=60)

    cost = gradient_cost(worst.X, np.ones(15), steps, 0.5)
    assert_allclose(worst.cost, cost, rtol=1e-12)
    assert_allclose(np.linalg.norm(worst.X, axis=1), 20.0, rtol=1e-12)


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("lam", [0.3, 1.0])
def test_no_stream_costs_more_than_the_bound(rng, p, lam):
    """Random streams of every kind, in one to three dimensions."""
    steps = np.full(20, 0.02)
    worst = costliest_stream(steps, 10.0, regularization=lam, states=60, margins=60)

    for _ in range(60):
        X = rng.normal(size=(20, p))
        X *= 10 / np.linalg.norm(X, axis=1, keepdims=True)
        X *= rng.choice([0.3, 1.0], size=(20, 1))
        y = rng.choice([-1, 1], 20) if rng.random() < 0.5 else np.ones(20)
        assert gradient_cost(X, y, steps, lam) <= worst.bound
    assert worst.cost <= worst.bound


def test_a_finer_grid_narrows_the_bracket():
    """Both ends move towards each other, up to the grid's own luck."""
    steps = np.full(40, 0.001)
    coarse, fine = (
        costliest_stream(steps, 77.0, states=k, margins=k) for k in (40, 300)
    )

    assert fine.bound < coarse.bound
    assert fine.bound - fine.cost < 0.3 * (coarse.bound - coarse.cost)


@pytest.mark.parametrize("cost", ["gradients", "losses"])
def test_what_comes_after_the_last_round_costs_nothing(cost):
    """One round from 0 has one margin, so the bracket closes with the cells."""
    worst = costliest_stream([0.01], 77.0, cost=cost, states=2, margins=100_000)

    exact = {"gradients": 0.005 * 38.5**2, "losses": math.log(2)}[cost]
    assert_allclose([worst.cost, worst.bound], exact, rtol=5e-5)


def test_half_is_an_admitted_step_size():
    """At 1 / (2 lambda) the old weights vanish, and only the pull is left."""
    worst = costliest_stream([0.5, 0.25], 77.0)
    norms = worst_radii([0.5, 0.25], 77.0)

    # After the first round |w| = R / 4; its gradient was R / 2.
    assert_allclose(norms[1], 77 / 4, rtol=1e-12)
    assert worst.cost >= 0.25 * (77 / 2) ** 2


# Regret


def regret_of(X, steps, lam=1.0):
    """The average regret of a run over a stream whose labels are all 1."""
    ones = np.ones(len(X))
    run = online_gradient_descent(X, ones, lambda t: steps[t - 1], regularization=lam)
    return average_regret(X, ones, run, regularization=lam)


@pytest.mark.parametrize("n", [2, 10, 40])
@pytest.mark.parametrize("R", [0.5, 6.0, 77.0])
def test_regret_of_the_alternating_stream_is_its_formula(n, R):
    """The recursion of one number, for steps that are constant and that decrease."""
    t = np.arange(1, n + 1)
    for steps in (np.full(n, 0.002), np.full(n, 0.5), 0.5 / t, 1 / (2 * t + R**2)):
        a, total = 0.0, 0.0
        for eta in steps:
            total += np.logaddexp(0, R * a) + a**2
            a = eta * R / (1 + math.exp(-R * a)) - (1 - 2 * eta) * a
            assert a >= 0  # so the signs alternate

        actual = regret_of(alternating_stream(n, R), steps)

        assert_allclose(actual, total / n - math.log(2), rtol=1e-10, atol=1e-13)


def test_alternating_stream_costs_almost_half_of_the_bound_of_the_sheet():
    """Its share is .41 at n = 40, and about R^2 / (2 G^2) less what log 2 takes."""
    for n in (20, 40, 100):
        steps = np.full(n, tuned_step_size(n, 77))
        share = regret_of(alternating_stream(n, 77), steps) / tuned_bound(n, 77)
        simple = 77**2 / (2 * 79**2) - math.log(2) * math.sqrt(n) / 79
        # The first round loses log 2 only, and a_i stays below eta R / 2.
        assert simple * (1 - 4 / n) < share < simple
        if n == 40:
            assert_allclose(share, 0.41, rtol=0, atol=5e-3)


@pytest.mark.parametrize("tilt", [0.0, 0.05, 1.0])
@pytest.mark.parametrize("n", [1, 4, 5])
def test_alternating_samples_have_their_norm_and_their_tilt(n, tilt):
    X = alternating_stream(n, 77.0, tilt=tilt)

    assert_allclose(np.linalg.norm(X, axis=1), 77.0, rtol=1e-14)
    assert_allclose(X[:, 1], 77 * tilt, rtol=0, atol=0)
    assert_allclose(X[1:, 0], -X[:-1, 0], rtol=0, atol=0)
    assert X[0, 0] >= 0


@pytest.mark.parametrize("lam", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("R", [1e-8, 0.5, 6.0, 77.0])
@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_known_regret_is_that_of_its_stream(n, R, lam):
    """Measured by a run, no less than the plain ones', below the bound of its steps."""
    t, D, options = np.arange(1, n + 1), 1 / math.sqrt(lam), {"regularization": lam}
    decaying = decaying_step_size(t, **options)
    cases = [
        (
            np.full(n, tuned_step_size(n, R, D, **options)),
            tuned_bound(n, R, D, **options),
        ),
        (
            np.full(n, constant_step_size(n, R, D, **options)),
            constant_step_bound(n, R, D, **options),
        ),
        (offset_step_size(t, R, D, **options), offset_step_bound(n, R, D, **options)),
        (decaying, decaying_step_bounds(n, R, **options)[-1]),
    ]
    for steps, bound in cases:
        known = known_regret(steps, R, **options)

        assert known.X.shape == (n, 2)
        # Losses near log 2 leave no more digits.
        measured = regret_of(known.X, steps, lam)
        assert_allclose(known.regret, measured, rtol=1e-8, atol=1e-13)
        assert known.regret <= bound * (1 + 1e-12)
        for tilt in (0.0, 1.0):
            plain = regret_of(alternating_stream(n, R, tilt=tilt), steps, lam)
            # For odd n the best weights are not quite those that choose the tilt.
            assert plain <= known.regret * (1 + 1e-3) + 1e-13
        if n == 1:
            assert_allclose(known.regret, idle_regret(R, **options), rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", [2, 3, 8])
@pytest.mark.parametrize("kind", ["tuned", "half", "decaying"])
def test_no_search_finds_more_than_the_bracket_allows(n, seed, kind):
    """Climbing sample by sample: above what is known at most by log 2 or a little."""
    rng = np.random.default_rng(seed)
    steps = {
        "tuned": np.full(n, tuned_step_size(n, 77.0)),
        "half": np.full(n, constant_step_size(n, 77.0)),
        "decaying": decaying_step_size(np.arange(1, n + 1)),
    }[kind]
    worst = costliest_stream(steps, 77.0, cost="losses")
    known = max(known_regret(steps, 77.0).regret, regret_of(worst.X, steps))

    turns = rng.uniform(0, 2 * np.pi, n)
    best = 0.0
    for _ in range(200):
        others = turns.copy()
        others[rng.integers(n)] += rng.normal() * rng.choice([0.1, 1.0, 4.0])
        X = 77 * np.stack([np.cos(others), np.sin(others)], axis=1)
        if (regret := regret_of(X, steps)) > best:
            best, turns = regret, others

    least = math.log(2) - idle_regret(77.0)  # of the best weights, whatever the data
    assert best <= worst.bound / n - least
    assert known <= worst.bound / n - least
    assert best <= 1.05 * known + 0.1


@pytest.mark.parametrize("lam", [0.2, 1.0, 3.0])
def test_three_rounds_lose_what_a_search_over_all_margins_finds(lam):
    """The plan for the losses is within its bracket, and the exact optimum too."""
    R, n = 6.0, 3
    for steps in (np.full(n, 0.05 / lam), 0.2 / lam / np.arange(1, 4)):
        worst = costliest_stream(
            steps, R, regularization=lam, cost="losses", states=400, margins=400
        )
        share = np.linspace(-1, 1, 1201)

        def step(square, m, eta, lam=lam):
            s = 1 / (1 + np.exp(m))
            ahead = (1 - 2 * lam * eta) ** 2 * square + (eta * s * R) ** 2
            return ahead + 2 * eta * (1 - 2 * lam * eta) * m * s

        first = step(0.0, 0.0, steps[0])
        second = share * R * math.sqrt(first)
        after = step(first, second, steps[1])
        third = share[:, None] * R * np.sqrt(after)
        losses = np.log1p(np.exp(-second)) + np.log1p(np.exp(-third))
        exact = float((math.log(2) + losses + lam * (first + after)).max())

        assert worst.cost <= exact * (1 + 1e-5)
        assert exact <= worst.bound * (1 + 1e-12)
        assert worst.bound <= worst.cost * 1.02


@pytest.mark.parametrize("lam", [1e-100, 1e100])
def test_streams_of_every_regularization(lam):
    """In the units in which lambda is 1 they are the same."""
    unit, steps = math.sqrt(lam), np.array([0.01, 0.2, 0.003])
    for stream, more in (
        (costliest_stream, {}),
        (costliest_stream, {"cost": "losses"}),
        (known_regret, {}),
    ):
        usual = stream(steps, 7.0, **more)
        scaled = stream(steps / lam, 7.0 * unit, regularization=lam, **more)
        for name, value in vars(usual).items():
            size = unit if name == "X" else 1.0
            assert_allclose(getattr(scaled, name), size * value, rtol=1e-9)
    far = farthest_stream(steps / lam, 7.0 * unit, regularization=lam)
    assert_allclose(far, unit * farthest_stream(steps, 7.0), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("R", [1e-100, 1e-30, 1e30, 1e100])
def test_streams_of_every_size(R):
    """The results are finite, and the norms those of the recursion."""
    steps = np.array([0.01, 0.2, 0.003, 0.5])

    X = farthest_stream(steps, R)
    known = known_regret(steps, R)

    path = online_gradient_descent(
        X, np.ones(4), lambda t: steps[t - 1], keep="iterates"
    ).iterates
    # A margin of long samples is a difference of products that are much larger.
    norms = np.linalg.norm(path / R, axis=1)
    assert_allclose(norms, worst_radii(steps, R) / R, rtol=1e-7 if R < 1 else 1e-3)
    for cost in ("gradients", "losses"):
        costly = costliest_stream(steps, R, states=40, margins=40, cost=cost)
        assert 0 < costly.cost <= costly.bound * (1 + 1e-12)
    assert known.regret > 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: alternating_stream(0, 1), ValueError, "`n` is 0, expected >= 1"),
        (lambda: alternating_stream(1.0, 1), TypeError, "`n` is 1.0, expected an int"),
        (lambda: alternating_stream(2, -1), ValueError, "`feature_bound` is -1"),
        (lambda: alternating_stream(10**15, 1), MemoryError, "`n` is 1000000000000000"),
        (lambda: alternating_stream(2, 1, tilt=2), ValueError, "`tilt` is 2, expected"),
        (
            lambda: costliest_stream([0.1], 1, cost="regret"),
            ValueError,
            "`cost` is 'regret', expected 'gradients' or 'losses'",
        ),
        (lambda: known_regret([], 1), ValueError, "`step_sizes` has shape"),
        (
            lambda: known_regret([[0.1]], 1),
            ValueError,
            r"`step_sizes` has shape \(1, 1\), expected \(n\)",
        ),
        (
            lambda: farthest_stream([1e-200], 1),
            ValueError,
            "`step_sizes` holds 1e-200, expected >= 1e-150",
        ),
        (
            lambda: costliest_stream([0.1], 1, margins=10**13),
            MemoryError,
            "`margins` is 10000000000000",
        ),
        (lambda: costliest_stream(None, 1), TypeError, "`step_sizes` is of type None"),
        (lambda: farthest_stream(0.1, 1), ValueError, "`step_sizes` has shape"),
        (lambda: farthest_stream([], 1), ValueError, "`step_sizes` has shape"),
        (
            lambda: farthest_stream([0.6], 1),
            ValueError,
            r"`step_sizes` holds 0.6, expected in \(0, 0.5\]",
        ),
        (lambda: farthest_stream([0.1], 0), ValueError, "`feature_bound` is 0"),
        (
            lambda: farthest_stream([0.1], 1, regularization=0),
            ValueError,
            "`regularization` is 0",
        ),
        (lambda: costliest_stream([[0.1]], 1), ValueError, "`step_sizes` has shape"),
        (lambda: costliest_stream([0.1], 1, states=1), ValueError, "`states` is 1"),
        (lambda: costliest_stream([0.1], 1, margins=1), ValueError, "`margins` is 1"),
        (
            lambda: costliest_stream([0.1], 1, states=1.5),
            TypeError,
            "`states` is 1.5",
        ),
        (
            lambda: costliest_stream([0.1], 1, states=10**13),
            MemoryError,
            "`step_sizes` is of 1 rounds",
        ),
    ],
)
def test_refuses(call, error, message):
    """Each message names the argument, what it is and what it should be."""
    with pytest.raises(error, match=message):
        call()
