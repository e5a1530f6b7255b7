import copy
import itertools
import math
import pickle
import tracemalloc
import warnings

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles import difference_quotient

from hw4lib.online_learning import (
    OnlineRun,
    RunWithIterates,
    RunWithLosses,
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


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_stream_needs_no_more_memory_when_it_is_longer(engine):
    """Peak memory for 100 000 samples is that for 40 000."""
    if engine == "numba":
        pytest.importorskip("numba")

    def peak(n):
        samples = (([math.sin(i), math.cos(i)], 1 - 2 * (i % 2)) for i in range(n))
        tracemalloc.start()
        online_gradient_descent_stream(samples, 0.01, engine=engine)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(2000)
    assert peak(100_000) < 1.1 * peak(40_000)


def test_a_run_can_be_resumed(rng):
    """Two halves, the second from the weights of the first, are the whole."""
    X, y = random_data(rng, 90, 3)
    for steps in (0.1, np.array([0.05, 0.1, 0.4])):
        whole = online_gradient_descent(X, y, steps, keep="iterates")

        first = online_gradient_descent(X[:50], y[:50], steps)
        rest = online_gradient_descent(
            X[50:], y[50:], steps, initial=first.weights, keep="iterates"
        )

        assert_array_equal(rest.iterates, whole.iterates[50:])
        both = np.concatenate([first.losses, rest.losses])
        # The margins of a block are one product, whose sums depend on its size.
        assert_allclose(both, whole.losses, rtol=1e-12)
        total = first.total_squared_gradient + rest.total_squared_gradient
        assert_allclose(total, whole.total_squared_gradient, rtol=1e-12)
    halves = [
        online_gradient_descent(X[:50], y[:50], lambda t: 1 / (2 * t)),
        online_gradient_descent(X, y, lambda t: 1 / (2 * t)),
    ]
    rest = online_gradient_descent(
        X[50:], y[50:], lambda t: 1 / (2 * (t + 50)), initial=halves[0].weights
    )
    assert_array_equal(rest.weights, halves[1].weights)


@pytest.mark.parametrize("seed", range(5))
def test_columns_may_come_in_any_order(seed):
    """The names of the features do not matter, nor do features that are all 0."""
    rng = np.random.default_rng(seed)
    X, y = random_data(rng, 200, 6)
    order = rng.permutation(6)
    run = online_gradient_descent(X, y, [0.02, 0.2])

    shuffled = online_gradient_descent(X[:, order], y, [0.02, 0.2])
    wider = online_gradient_descent(np.insert(X, 3, 0.0, axis=1), y, [0.02, 0.2])

    # Sums in another order.
    assert_allclose(shuffled.weights, run.weights[:, order], rtol=1e-10, atol=1e-14)
    assert_allclose(shuffled.losses, run.losses, rtol=1e-10)
    assert_allclose(wider.losses, run.losses, rtol=1e-10)
    assert_array_equal(wider.weights[:, 3], 0.0)


@pytest.mark.parametrize(
    "schedule",
    [lambda _: 0.1, lambda _: np.float32(0.1), lambda t: np.full(t.shape, 0.1)],
    ids=["number", "float32", "array"],
)
def test_a_schedule_may_be_constant(rng, schedule):
    X, y = random_data(rng, 40, 2)

    run = online_gradient_descent(X, y, schedule)

    expected = online_gradient_descent(X, y, 0.1)
    assert_allclose(run.weights, expected.weights, rtol=1e-6)


def test_a_schedule_may_use_powers_or_an_index(rng):
    """Rounds are integers, which index an array, or floats where these fail."""
    X, y = random_data(rng, 40, 2)
    sizes = np.arange(1, 41) ** -1.0

    run = online_gradient_descent(X, y, lambda t: t**-1)

    for schedule in (lambda t: 1 / t, lambda t: sizes[t - 1]):
        other = online_gradient_descent(X, y, schedule)
        assert_allclose(other.weights, run.weights, rtol=1e-14)


@pytest.mark.parametrize("engine", ["numpy", "numba"])
@pytest.mark.parametrize(
    ("keep", "kind"),
    [
        ("totals", OnlineRun),
        ("losses", RunWithLosses),
        ("iterates", RunWithIterates),
    ],
)
def test_results_own_their_memory_and_are_plain(rng, engine, keep, kind):
    """NumPy scalars or arrays without a base, that can be pickled and copied."""
    if engine == "numba":
        pytest.importorskip("numba")
    X, y = random_data(rng, 30, 2)

    run = online_gradient_descent(X, y, 0.1, keep=keep, engine=engine)

    assert type(run) is kind
    assert type(run.average_loss) is type(run.largest_norm) is np.float64
    for again in (pickle.loads(pickle.dumps(run)), copy.deepcopy(run)):
        assert_array_equal(again.weights, run.weights)
        assert again != run
    for value in vars(run).values():
        if isinstance(value, np.ndarray):
            assert value.base is None or value.base.nbytes == value.nbytes
            assert not np.shares_memory(value, X)


EXTREME = [0.0, 5e-324, 1e-300, 1e-150, 1.0, 1e3, 1e150, 1e300, 1.7e308]


def sigma(m):
    """The sigmoid in many digits, also where exp is past what memory holds."""
    return 1 / (1 + mpmath.exp(-max(min(m, 10**5), -(10**5))))


@pytest.mark.parametrize("lam", EXTREME)
@pytest.mark.parametrize("y", [1, -1])
def test_loss_gradient_and_step_are_right_at_every_size(lam, y):
    """In many digits; a result past the largest float is refused, and no other."""
    largest = mpmath.mpf(np.finfo(float).max)
    eta, options = 1e-3, {"regularization": lam}
    for x, w in itertools.product(EXTREME, EXTREME):
        with mpmath.workdps(800):
            m, penalty = y * mpmath.mpf(w) * x, mpmath.mpf(lam) * w
            log = mpmath.log1p(mpmath.exp(-min(abs(m), 10**5)))
            pull = y * sigma(-m) * mpmath.mpf(x)
            loss = max(-m, mpmath.mpf(0)) + log + penalty * w
            gradient = 2 * penalty - pull
            results = (
                (logistic_loss, (), loss, loss),
                (logistic_loss_gradient, (), gradient, 2 * penalty + abs(pull)),
                (
                    gradient_step,
                    (eta,),
                    w - eta * gradient,
                    w + eta * (2 * penalty + abs(pull)),
                ),
            )
            for function, more, exact, size in results:
                if abs(exact) > largest:
                    with pytest.raises(ValueError, match="too large"):
                        function([x], y, [w], *more, **options)
                elif size < largest:
                    ours = float(np.squeeze(function([x], y, [w], *more, **options)))
                    gap = abs(mpmath.mpf(ours) - exact)
                    # Beside what cancels; half of the least float is no float.
                    limit = 1e-12 * size + mpmath.mpf("1e-323")
                    assert gap <= limit, (function.__name__, x, w)


@pytest.mark.parametrize("m", [690.0, 709.0, 720.0, 746.0, 1400.0, 1500.0])
@pytest.mark.parametrize("x", [1e-300, 1.0, 1e20, 1e300, 1e308])
def test_gradient_where_the_sigmoid_is_no_float(m, x):
    """Exp(-m) is less than any float, its product with the features often not."""
    w = m / x
    with mpmath.workdps(50):
        exact = -mpmath.exp(-mpmath.mpf(w) * x) * x

    actual = logistic_loss_gradient([x], 1, [w], regularization=0)

    assert_allclose(actual, [float(exact)], rtol=1e-12, atol=1e-310)


def test_nothing_depends_on_how_numpy_treats_errors(rng):
    """No warning and no error, whatever the caller has asked NumPy for."""
    X, y = random_data(rng, 5, 2, scale=1e100)
    for state in ("raise", "warn", "ignore"):
        with np.errstate(all=state), warnings.catch_warnings():
            warnings.simplefilter("error")
            online_gradient_descent(X, y, 0.5)
            logistic_loss([1e200], 1, [1e200], regularization=0)
            logistic_loss_gradient([1e200], 1, [1e200], regularization=0)
            with pytest.raises(ValueError, match="too large"):
                gradient_step([0.0], -1, [1e300], 1e10)


@pytest.mark.parametrize(
    "kind", [list, tuple, np.float32, np.longdouble, ">f8", "masked", "readonly"]
)
def test_every_kind_of_array_is_read(rng, kind):
    """Whatever NumPy can read gives what float64 gives, in float64."""
    X, y = random_data(rng, 20, 3)
    X = np.float32(X)
    expected = online_gradient_descent(X.astype(float), y, 0.1)
    other = {
        list: X.tolist,
        tuple: lambda: tuple(map(tuple, X.tolist())),
        "masked": lambda: np.ma.array(X),
        "readonly": lambda: np.broadcast_to(X, X.shape),
    }.get(kind, lambda: X.astype(kind))()

    run = online_gradient_descent(other, y.tolist(), 0.1)

    assert_array_equal(run.losses, expected.losses)
    assert run.weights.dtype == np.float64


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
            lambda: online_gradient_descent(
                X3, Y3, [0.1, 0.2], initial=np.ones((3, 2))
            ),
            ValueError,
            r"`initial` has shape \(3, 2\), expected \(2, 2\)",
        ),
        (
            lambda: logistic_loss(X3, [[1], [-1], [1]], [0.0, 0.0]),
            ValueError,
            r"`y` is a column of shape \(3, 1\), expected one axis less",
        ),
        (
            lambda: online_gradient_descent(X3, Y3, lambda _: None),
            TypeError,
            "`step_size` is of type NoneType",
        ),
        (
            lambda: online_gradient_descent(X3, Y3, 0.1, keep=["losses"]),
            ValueError,
            r"`keep` is \['losses'\], expected",
        ),
        (
            lambda: online_gradient_descent(X3, Y3, 0.1, engine="c"),
            ValueError,
            "`engine` is 'c', expected 'numpy' or 'numba'",
        ),
        (
            lambda: online_gradient_descent(X3, Y3, "fast"),
            TypeError,
            "`step_size` is of type str",
        ),
        (
            lambda: online_gradient_descent({1}, Y3, 0.1),
            TypeError,
            "`X` is of type set",
        ),
        (
            lambda: online_gradient_descent((x for x in X3), Y3, 0.1),
            TypeError,
            "`X` is of type generator",
        ),
        (
            lambda: online_gradient_descent(np.array(X3) * 1j, Y3, 0.1),
            TypeError,
            "`X` is of type complex128",
        ),
        (
            lambda: logistic_loss(np.zeros((2**20, 1, 1)), 1, np.zeros((1, 2**20, 1))),
            MemoryError,
            "expected at most",
        ),
        (
            lambda: gradient_step(
                np.zeros((2**18, 1, 2**3)), 1, np.zeros((1, 2**18, 2**3)), 0.1
            ),
            MemoryError,
            "expected at most",
        ),
        (
            lambda: online_gradient_descent(
                np.broadcast_to(np.zeros(1), (1, 2**20)), [1], np.full(2**20, 0.1)
            ),
            MemoryError,
            "`step_size` is of shape",
        ),
        (
            lambda: online_gradient_descent([[1e200], [1e200]], [1, -1], 0.1),
            ValueError,
            "`X` makes the result too large",
        ),
        (
            lambda: online_gradient_descent(
                [[1e10]] * 2, [1, -1], 1e300, regularization=0
            ),
            ValueError,
            "too large",
        ),
        (
            # Each round is a float, and their sum is none.
            lambda: online_gradient_descent(
                [[-1e153]] * 200, [1] * 200, 1e-308, regularization=0, initial=[1e154]
            ),
            ValueError,
            "make the result too large",
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
                [([1], 1)] * 2**14 + [([1, 2], 1)], 0.1
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
