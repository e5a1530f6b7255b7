import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from hw4lib.online_learning.adversary import costliest_stream, farthest_stream
from hw4lib.online_learning.descent import online_gradient_descent
from hw4lib.online_learning.radius import worst_radii


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


def test_half_is_an_admitted_step_size():
    """At 1 / (2 lambda) the old weights vanish, and only the pull is left."""
    worst = costliest_stream([0.5, 0.25], 77.0)
    norms = worst_radii([0.5, 0.25], 77.0)

    # After the first round |w| = R / 4; its gradient was R / 2.
    assert_allclose(norms[1], 77 / 4, rtol=1e-12)
    assert worst.cost >= 0.25 * (77 / 2) ** 2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
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
