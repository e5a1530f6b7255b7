"""Gradient descent of Problem 5 against a slow loop over all coordinates."""

import math

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import optimize

from hw4lib.adversarial_example import (
    descent_beta,
    escape_time,
    gradient_descent,
    objective,
)

OFFSETS = [0.0, 0.1, 0.3, 0.45]


def sigma(m):
    return 1 / (1 + math.exp(-m))


def slope(m):
    return sigma(m) * sigma(-m)


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
@pytest.mark.parametrize("margin", [-3.0, 0.5, 36.0, 699.9, 701.0, 1e5])
@pytest.mark.parametrize("steps", [0, 1, 500])
def test_the_engines_agree(margin, steps):
    """Through the boundary, and from where the sigmoid is flat."""
    one, other = (
        gradient_descent(
            [margin],
            [1.0],
            0.0,
            0.1,
            step_size=0.3,
            steps=steps,
            offset=0.2,
            engine=engine,
        )
        for engine in ("numpy", "numba")
    )

    for name in ("logits", "distances", "objectives", "x"):
        # A compiled loop may fuse a product and a sum.
        assert_allclose(
            getattr(other, name), getattr(one, name), rtol=1e-12, atol=1e-13
        )


def test_the_same_call_has_the_same_bits():
    """The first time and the hundredth."""
    paths = [
        gradient_descent([2.0], [1.0], 0.0, 0.1, step_size=0.1, steps=400)
        for _ in range(100)
    ]
    for path in paths:
        assert_array_equal(path.logits, paths[0].logits)


@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize("engine", ["numpy", "numba"])
@pytest.mark.parametrize(
    ("options", "names"),
    [
        (
            {"weights": [1e50], "alpha": 0.0, "step_size": 1e300},
            "`weights` and `st",
        ),
        ({"weights": [3.0], "alpha": 0.0, "step_size": 1e308}, "`step_size` makes"),
        ({"weights": [1e-60], "initial": [1e200]}, "`weights` and `initial` make "),
    ],
)
def test_a_path_that_overflows_is_named(engine, options, names):
    """Whoever runs the steps, and whatever they leave the floats by."""
    arguments = {"original": [1.0], "bias": 0.0, "alpha": 0.1, "step_size": 1.0}
    with pytest.raises(ValueError, match=f"^{names}.*too large for a float"):
        gradient_descent(**{**arguments, **options}, steps=3, engine=engine)


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


@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_on_the_boundary_only_the_distance_pulls(engine):
    """There the second term of the objective has its derivative from below, zero."""
    path = gradient_descent(
        [2.0], [1.0], 0.0, 0.1, step_size=1.0, steps=1, initial=[0.0], engine=engine
    )
    assert_allclose(path.logits, [0.0, 2 * 0.1 * 2.0], rtol=1e-15)


def test_descent_of_no_steps_stays():
    path = gradient_descent([2.0, 1.0], [1.0, 0.0], 0.0, 0.0, step_size=9, steps=0)
    assert_array_equal(path.x, [2.0, 1.0])
    assert_array_equal(path.logits, [2.0])


@pytest.mark.parametrize("margin", [2.0, 5.0, 8.0])
def test_from_the_other_side_descent_settles_at_the_boundary(margin):
    """For every penalty below 1 / (8 m0), which is far above that of `descent_beta`."""
    x_star, w = np.array([margin / 5.0, 3.0]), np.array([5.0, 0.0])
    eta = 0.001
    for factor, settles in ((0.5, True), (0.95, True), (1.1, False)):
        alpha = factor * 25.0 / (8.0 * margin)
        path = gradient_descent(
            x_star,
            w,
            0.0,
            alpha,
            step_size=eta,
            steps=40_000,
            initial=[-0.1, 2.0],
        )
        tail = path.logits[20_000:]
        assert (np.abs(tail).max() <= eta * 25.0 / 4.0) == settles
        assert np.allclose(path.x, [0.0, 3.0], atol=2.0 * eta) == settles


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


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"original": [[1.0, 0.5]]}, ValueError, "`original` has shape"),
        ({"weights": [0, 0]}, ValueError, "`weights` holds only zeros"),
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
        ({"keep_iterates": "no"}, TypeError, "`keep_iterates` is 'no', expected True"),
        ({"engine": "torch"}, ValueError, "`engine` is 'torch', expected 'numpy' or"),
        ({"engine": None}, TypeError, "`engine` is None, expected 'numpy' or"),
    ],
)
def test_bad_input_of_descent_is_named(changes, error, message):
    arguments = {
        "original": [1.0, 0.5],
        "weights": [2.0, -1.0],
        "bias": 0.5,
        "alpha": 0.5,
        "step_size": 0.1,
        "steps": 1,
    } | changes
    with pytest.raises(error, match=message):
        gradient_descent(**arguments)


def test_the_engine_that_was_asked_for_descends(monkeypatch):
    """NumPy's steps need no compiled loop, and Numba's are that loop."""

    def no_loop(*_):
        raise RuntimeError("the compiled loop")

    monkeypatch.setattr("hw4lib.adversarial_example.descent.compiled", no_loop)
    arguments = {"step_size": 0.1, "steps": 3}
    gradient_descent([2.0], [1.0], 0.0, 0.1, **arguments, engine="numpy")
    pytest.importorskip("numba")
    with pytest.raises(RuntimeError, match="the compiled loop"):
        gradient_descent([2.0], [1.0], 0.0, 0.1, **arguments, engine="numba")
