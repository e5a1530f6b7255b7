import itertools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles import difference_quotient

from hw4lib.online_learning.descent import (
    gradient_step,
    logistic_loss,
    logistic_loss_gradient,
    online_gradient_descent,
    online_gradient_descent_stream,
)


def random_data(rng, n, p, scale=1.0):
    return scale * rng.normal(size=(n, p)), rng.choice([-1, 1], size=n)


def plain_run(X, y, etas, lam=1.0, w=None):
    """Descend with a loop of scalars, as the sheet writes it."""
    w = [0.0] * len(X[0]) if w is None else list(w)
    path, losses, norms = [list(w)], [], []
    for x, label, eta in zip(X, y, etas, strict=True):
        margin = label * math.fsum(a * b for a, b in zip(w, x, strict=True))
        square = math.fsum(a * a for a in w)
        losses.append(math.log1p(math.exp(-margin)) + lam * square)
        s = 1.0 / (1.0 + math.exp(margin))
        g = [2.0 * lam * a - label * s * b for a, b in zip(w, x, strict=True)]
        norms.append(math.sqrt(math.fsum(a * a for a in g)))
        w = [a - eta * b for a, b in zip(w, g, strict=True)]
        path.append(list(w))
    return np.array(path), np.array(losses), np.array(norms)


# The loss and its gradient


def test_loss_is_the_formula_of_the_sheet(rng):
    """Equation (5), a sample at a time, with Python's own functions."""
    w, (X, y) = rng.normal(size=3), random_data(rng, 20, 3)

    for x, label in zip(X, y, strict=True):
        margin = label * sum(a * b for a, b in zip(w, x, strict=True))
        expected = math.log(1 + math.exp(-margin)) + 0.3 * sum(a * a for a in w)
        actual = logistic_loss(x, label, w, regularization=0.3)
        assert_allclose(actual, expected, rtol=1e-12)


def test_gradient_is_the_difference_quotient(rng):
    """Central differences of the loss, on a batch of samples and weights."""
    w, (X, y) = rng.normal(size=(4, 3)), random_data(rng, 4, 3)

    expected = difference_quotient(
        lambda v: logistic_loss(X, y, v, regularization=0.7).sum(), w
    )

    actual = logistic_loss_gradient(X, y, w, regularization=0.7)
    assert_allclose(actual, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("margin", [-1e4, -800.0, 800.0, 1e4])
def test_loss_and_gradient_are_finite_at_extreme_margins(margin):
    """Far out, log(1 + exp(-m)) is max(0, -m), and its slope -1 or 0."""
    loss = logistic_loss([margin], 1, [1.0], regularization=0.0)
    gradient = logistic_loss_gradient([margin], 1, [1.0], regularization=0.0)

    assert loss == max(0.0, -margin)
    assert_array_equal(gradient, [-margin if margin < 0 else 0.0])


def test_loss_and_gradient_broadcast_and_convert():
    """Integers and float32 in any broadcastable shape give float64."""
    w = np.ones((5, 1, 2), dtype=np.float32)
    X, y = np.arange(6).reshape(3, 2), np.array([1, -1, 1], dtype=np.int8)

    loss, gradient = logistic_loss(X, y, w), logistic_loss_gradient(X, y, w)

    assert loss.shape == (5, 3)
    assert gradient.shape == (5, 3, 2)
    assert loss.dtype == gradient.dtype == np.float64
    assert_allclose(loss[0, 1], np.log1p(np.exp(5.0)) + 2.0, rtol=1e-12)


# One step


def test_step_is_the_update_rule_of_the_answer(rng):
    """(1 - 2 eta) w + eta y x / (1 + exp(y w x)), with lambda = 1."""
    w, x = rng.normal(size=3), rng.normal(size=3)

    for y, eta in itertools.product((-1, 1), (0.01, 0.5, 0.9)):
        expected = (1 - 2 * eta) * w + eta * y * x / (1 + math.exp(y * w @ x))
        assert_allclose(gradient_step(x, y, w, eta), expected, rtol=1e-12, atol=1e-15)


def test_step_for_many_step_sizes_is_the_step_for_each(rng):
    """Step sizes broadcast with the weights they belong to."""
    w, x, etas = rng.normal(size=(4, 3)), rng.normal(size=3), rng.random(4)

    actual = gradient_step(x, -1, w, etas, regularization=0.2)

    for row, eta, expected in zip(w, etas, actual, strict=True):
        step = gradient_step(x, -1, row, eta, regularization=0.2)
        # `vecdot` may sum in another order.
        assert_allclose(step, expected, rtol=1e-12)


# The run


@pytest.mark.parametrize(("n", "p"), [(1, 1), (7, 1), (50, 3), (1500, 2), (50, 20)])
@pytest.mark.parametrize("lam", [0.0, 1.0, 0.3])
def test_run_is_the_loop_of_scalars(rng, n, p, lam):
    """A scalar loop that sums with fsum sees the same losses, norms and iterates."""
    X, y = random_data(rng, n, p, scale=2.0)
    start = rng.normal(size=p)
    path, losses, norms = plain_run(X.tolist(), y.tolist(), [0.1] * n, lam, start)

    run = online_gradient_descent(
        X, y, 0.1, regularization=lam, initial=start, keep="iterates"
    )

    assert run.count == n
    assert_allclose(run.iterates, path, rtol=1e-11, atol=1e-13)
    assert_allclose(run.losses, losses, rtol=1e-11)
    assert_allclose(run.gradient_norms, norms, rtol=1e-10)
    assert_array_equal(run.weights, run.iterates[-1])
    assert_allclose(run.total_loss, losses.sum(), rtol=1e-11)
    assert_allclose(run.average_loss, losses.mean(), rtol=1e-11)
    assert_allclose(run.total_squared_gradient, (norms**2).sum(), rtol=1e-10)
    radii = np.linalg.norm(path[:-1], axis=1)
    assert_allclose(run.largest_norm, radii.max(), rtol=1e-11)


def test_run_is_repeated_steps(rng):
    """The public step, called in a loop, gives the iterates of the run."""
    X, y = random_data(rng, 30, 4)
    w = np.zeros(4)

    run = online_gradient_descent(X, y, 0.2, keep="iterates")

    for x, label, after in zip(X, y, run.iterates[1:], strict=True):
        w = gradient_step(x, label, w, 0.2)
        assert_allclose(after, w, rtol=1e-12, atol=1e-14)


def test_many_step_sizes_in_one_pass_are_the_runs_for_each(rng):
    """A run for S step sizes holds, in its second axis, the S runs."""
    X, y = random_data(rng, 1200, 3)
    etas = np.geomspace(1e-4, 1.0, 7)

    together = online_gradient_descent(X, y, etas, keep="iterates")

    assert together.iterates.shape == (1201, 7, 3)
    assert together.weights.shape == (7, 3)
    for s, eta in enumerate(etas):
        alone = online_gradient_descent(X, y, eta, keep="iterates")
        for name in ("losses", "gradient_norms", "iterates"):
            one, all_ = getattr(alone, name), getattr(together, name)
            assert_allclose(all_[:, s], one, rtol=1e-9, atol=1e-12)
        for name in ("total_loss", "total_squared_gradient", "largest_norm"):
            one, all_ = getattr(alone, name), getattr(together, name)
            assert_allclose(all_[s], one, rtol=1e-9)


def test_a_thousand_step_sizes_take_blocks_that_fit(rng):
    """With many step sizes and features a block is a single sample."""
    X, y = random_data(rng, 3, 300)

    run = online_gradient_descent(X, y, np.full(1000, 0.1))

    alone = online_gradient_descent(X, y, 0.1)
    assert_allclose(run.losses, np.tile(alone.losses[:, None], 1000), rtol=1e-10)


def test_schedule_gives_each_round_its_step_size(rng):
    """A function of the round, across blocks, against the loop of scalars."""
    X, y = random_data(rng, 1100, 2)
    etas = [1 / (2 * (t + 3)) for t in range(1, 1101)]
    path, losses, _ = plain_run(X.tolist(), y.tolist(), etas)

    run = online_gradient_descent(X, y, lambda t: 1 / (2 * (t + 3)), keep="iterates")

    assert_allclose(run.iterates, path, rtol=1e-10, atol=1e-13)
    assert_allclose(run.losses, losses, rtol=1e-11)


@pytest.mark.parametrize("keep", ["totals", "losses", "iterates"])
@pytest.mark.parametrize("n", [1, 2500, 3 * 1024], ids=["one", "some", "whole blocks"])
def test_stream_is_the_run_over_arrays(rng, keep, n):
    """An iterator of the same samples gives the same run, block by block."""
    X, y = random_data(rng, n, 2)

    stream = online_gradient_descent_stream(
        zip(iter(X), y.tolist(), strict=True), [0.1, 0.2], keep=keep
    )

    arrays = online_gradient_descent(X, y, [0.1, 0.2], keep=keep)
    for name, expected in vars(arrays).items():
        actual = getattr(stream, name)
        assert (actual is None) == (expected is None)
        if expected is not None:
            assert_array_equal(actual, expected)
    assert (stream.losses is None) == (keep == "totals")
    assert (stream.iterates is None) == (keep != "iterates")


def test_stream_needs_no_more_memory_when_it_is_longer():
    """Peak memory for 20 000 samples is that for 5 000."""

    def peak(n):
        samples = (([math.sin(i), math.cos(i)], 1 - 2 * (i % 2)) for i in range(n))
        tracemalloc.start()
        online_gradient_descent_stream(samples, 0.01)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(2000)
    assert peak(20_000) < 1.1 * peak(5000)


def test_run_is_stable_at_extreme_features():
    """Margins of a million overflow nothing, with numbers, with arrays, with runs."""
    run = online_gradient_descent([[1e3], [1e3], [-1e3]], [1, -1, 1], 1.0)

    # 0, then 500; the second margin is -5e5, so s = 1: -500 - 1000 = -1500; the
    # third margin is 1.5e6, so s = 0: +1500.
    assert_allclose(run.weights, [1500.0], rtol=1e-12)
    several = online_gradient_descent([[1e3], [1e3], [-1e3]], [1, -1, 1], [1.0])
    assert_allclose(several.weights, [[1500.0]], rtol=1e-12)
    others = np.zeros((3, 40))
    others[:, 7] = [1e3, 1e3, -1e3]
    many = online_gradient_descent(others, [1, -1, 1], 1.0)
    assert_allclose(many.weights[7], 1500.0, rtol=1e-12)


def test_run_does_not_touch_its_arguments(rng):
    """Data, start and step sizes are as before."""
    X, y = random_data(rng, 5, 2)
    start, etas = np.ones(2), np.array([0.1, 0.2])
    before = [a.copy() for a in (X, y, start, etas)]

    online_gradient_descent(X, y, etas, initial=start, keep="iterates")

    for old, new in zip(before, (X, y, start, etas), strict=True):
        assert_array_equal(old, new)


@settings(deadline=None)
@given(
    st.integers(1, 12),
    st.integers(1, 3),
    st.floats(1e-6, 1.0),
    st.floats(1e-3, 1e6),
    st.integers(0, 2**32 - 1),
)
def test_run_is_finite_and_turns_with_its_data(n, p, eta, scale, seed):
    """Rotating the data, or flipping it with its labels, does the same to the run."""
    rng = np.random.default_rng(seed)
    X, y = random_data(rng, n, p, scale)
    Q = np.linalg.qr(rng.normal(size=(p, p)))[0]

    run = online_gradient_descent(X, y, eta, keep="iterates")
    flipped = online_gradient_descent(-X, -y, eta, keep="iterates")

    assert all(
        np.isfinite(v).all() for v in (run.losses, run.gradient_norms, run.iterates)
    )
    assert_array_equal(flipped.iterates, run.iterates)
    if scale < 10:
        turned = online_gradient_descent(X @ Q, y, eta, keep="iterates")
        # Rounding grows where a step overshoots: eta R^2 / 4 is at most about 100.
        if eta * scale**2 < 0.2:
            assert_allclose(turned.iterates, run.iterates @ Q, rtol=1e-6, atol=1e-8)


# What is refused

X3, Y3 = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [1, -1, 1]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: logistic_loss(1.0, 1, [1.0]), ValueError, "`x` has shape"),
        (lambda: logistic_loss([1.0], 1, [1.0, 2.0]), ValueError, "`w` has shape"),
        (lambda: logistic_loss([1.0], 1, [np.nan]), ValueError, "`w` holds nan"),
        (lambda: logistic_loss([1.0], 0, [1.0]), ValueError, "`y` holds 0, expected"),
        (lambda: logistic_loss([1.0], 1, ["a"]), TypeError, "`w` is of type"),
        (
            lambda: logistic_loss([1.0], 1, [1.0], regularization=-1),
            ValueError,
            "`regularization` is -1, expected >= 0",
        ),
        (
            lambda: logistic_loss(np.ones((3, 1)), 1, np.ones((2, 1))),
            ValueError,
            "do not broadcast",
        ),
        (
            lambda: logistic_loss_gradient([np.inf], 1, [1.0]),
            ValueError,
            "`x` holds inf",
        ),
        (
            lambda: gradient_step([1.0], 1, [1.0], 0.0),
            ValueError,
            "`step_size` holds 0, expected > 0",
        ),
        (
            lambda: gradient_step(np.ones((2, 1)), 1, [1.0], [0.1, 0.1, 0.1]),
            ValueError,
            "do not broadcast",
        ),
        (
            lambda: online_gradient_descent(X3, Y3, [[1], [1, 2]], keep="iterates"),
            ValueError,
            "`step_size` is ragged",
        ),
        (
            lambda: online_gradient_descent_stream(None, 0.1),
            TypeError,
            r"`samples` is of type NoneType, expected pairs \(x, y\)",
        ),
        (
            lambda: online_gradient_descent_stream([None], 0.1),
            TypeError,
            "`samples` does not hold pairs",
        ),
        (lambda: online_gradient_descent([1.0], [1], 0.1), ValueError, "`X` has shape"),
        (
            lambda: online_gradient_descent(np.ones((0, 2)), [], 0.1),
            ValueError,
            "`X` has shape",
        ),
        (lambda: online_gradient_descent(X3, [1, 1], 0.1), ValueError, "`y` has shape"),
        (lambda: online_gradient_descent(X3, [1, 1, 2], 0.1), ValueError, "`y` holds"),
        (
            lambda: online_gradient_descent(X3, Y3, -0.1),
            ValueError,
            "`step_size` holds -0.1, expected in \\(0, 1\\]",
        ),
        (
            lambda: online_gradient_descent(X3, Y3, [0.1, 1.1]),
            ValueError,
            "`step_size` holds 1.1, expected in \\(0, 1\\]",
        ),
        (
            lambda: online_gradient_descent(X3, Y3, 2.1, regularization=0.5),
            ValueError,
            "`step_size` holds 2.1, expected in \\(0, 2\\]",
        ),
        (
            lambda: online_gradient_descent(X3, Y3, [[0.1]]),
            ValueError,
            "`step_size` has shape \\(1, 1\\)",
        ),
        (
            lambda: online_gradient_descent(X3, Y3, []),
            ValueError,
            "`step_size` has shape \\(0,\\)",
        ),
        (
            lambda: online_gradient_descent(X3, Y3, lambda t: t[:1] * 0.1),
            ValueError,
            "`step_size` has shape",
        ),
        (
            lambda: online_gradient_descent(X3, Y3, lambda t: t - 1.0),
            ValueError,
            "`step_size` holds 0",
        ),
        (
            lambda: online_gradient_descent(X3, Y3, 0.1, initial=[1.0]),
            ValueError,
            "`initial` has shape",
        ),
        (
            lambda: online_gradient_descent(X3, Y3, 0.1, keep="all"),
            ValueError,
            "`keep` is 'all', expected",
        ),
        (
            lambda: online_gradient_descent(
                np.broadcast_to(np.zeros(1), (2**17, 1)),
                np.ones(2**17),
                np.broadcast_to(np.array(0.1), 2**24),
                keep="iterates",
            ),
            MemoryError,
            "`X` is of 131072 samples",
        ),
        (
            lambda: online_gradient_descent_stream([], 0.1),
            ValueError,
            "`samples` is empty",
        ),
        (
            lambda: online_gradient_descent_stream([1, 2], 0.1),
            TypeError,
            "`samples` does not hold pairs",
        ),
        (
            lambda: online_gradient_descent_stream([([1], 1), ([1], 1, 2)], 0.1),
            TypeError,
            "`samples` does not hold pairs",
        ),
        (
            lambda: online_gradient_descent_stream([([1], 1), ([1, 2], 1)], 0.1),
            ValueError,
            "`samples` is ragged",
        ),
        (
            # The block in which it comes holds nothing else, whatever its length.
            lambda: online_gradient_descent_stream(
                [([1], 1)] * 2**13 + [([1, 2], 1)], 0.1
            ),
            ValueError,
            "`samples` has shape \\(1, 2\\), expected \\(1, 1\\)",
        ),
        (
            lambda: online_gradient_descent_stream([([1], 1), ([1], 3)], 0.1),
            ValueError,
            "`samples` holds 3",
        ),
    ],
)
def test_refuses(call, error, message):
    """Each message names the argument, what it is and what it should be."""
    with pytest.raises(error, match=message):
        call()
