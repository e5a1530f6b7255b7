"""The two engines answer alike: one formula, by arrays and by a compiled loop."""

import itertools
import math
from functools import partial
from importlib.util import find_spec

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from hw4lib import _engine
from hw4lib.online_learning import (
    descent,
    gradient_step,
    online_gradient_descent,
    online_gradient_descent_stream,
)
from hw4lib.online_learning._update import norm, play, scaled_root

FIELDS = [
    "count",
    "weights",
    "total_loss",
    "total_squared_gradient",
    "largest_norm",
    "losses",
    "gradient_norms",
    "iterates",
]

STEPS = {
    "one": 0.05,
    "function": lambda t: 0.2 / np.sqrt(t),
    "fewer runs than features": np.array([0.01, 0.1]),
    "more runs than features": np.geomspace(0.01, 0.2, 7),
}


def data(rng, n, p):
    return rng.normal(size=(n, p)), rng.choice([-1.0, 1.0], n)


def assert_same(run, expected, rtol=1e-11):
    """All results agree to rounding, in shape and kind."""
    assert type(run) is type(expected)
    for name in FIELDS:
        a, b = getattr(run, name), getattr(expected, name)
        assert type(a) is type(b), name
        if b is not None:
            assert np.shape(a) == np.shape(b), name
            # Sums in another order, of terms up to 1.
            assert_allclose(a, b, rtol=rtol, atol=1e-13, err_msg=name)


@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize("keep", ["totals", "losses", "iterates"])
@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS.keys())
@pytest.mark.parametrize("p", [1, 12])
def test_the_engines_agree(rng, *, p, steps, keep):
    """Whatever is kept and however many runs there are."""
    X, y = data(rng, 70, p)
    options = {
        "regularization": 0.7,
        "initial": np.linspace(-2.0, 1.0, p),
        "keep": keep,
    }

    run = online_gradient_descent(X, y, steps, **options, engine="numba")

    assert_same(run, online_gradient_descent(X, y, steps, **options))


@pytest.mark.parametrize("p", [2, 12], ids=["in lines", "in turn"])
def test_runs_side_by_side_are_runs_alone_in_any_threads(rng, numba, monkeypatch, p):
    """Each is what NumPy plays with one step size; one thread gives the same bits."""
    X, y = data(rng, 30, p)
    sizes = np.geomspace(0.01, 0.2, 9)
    run = partial(online_gradient_descent, X, y, sizes, keep="iterates", engine="numba")
    together = run()
    for s, eta in enumerate(sizes):
        alone = online_gradient_descent(X, y, eta, keep="iterates")
        for name in FIELDS[1:]:
            ours = getattr(together, name)
            ours = ours[s] if len(ours) == len(sizes) else ours[:, s]
            assert_allclose(ours, getattr(alone, name), rtol=1e-11, err_msg=name)

    monkeypatch.setattr(_engine, "_SHARE", 20)
    monkeypatch.setattr(numba, "get_num_threads", lambda: 2)
    shared = run()
    for name in FIELDS[1:]:
        assert_array_equal(getattr(shared, name), getattr(together, name))


@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize("p", [2, 12], ids=["in lines", "in turn"])
def test_norms_past_the_squares_are_those_of_numpy(rng, p):
    """Of weights and of gradients, in some of the rounds and for some of the runs."""
    X, y = data(rng, 8, p)
    X[::3] *= 1e-200
    start = rng.normal(size=(9, p)) * 10.0 ** np.repeat([-180, 0, 150], 3)[:, None]
    options = {"regularization": 1e-3, "initial": start, "keep": "iterates"}

    run = online_gradient_descent(X, y, [1e-9] * 9, **options, engine="numba")

    assert_same(run, online_gradient_descent(X, y, [1e-9] * 9, **options))


@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize("keep", ["totals", "iterates"])
def test_blocks_of_rounds_are_one_run(rng, monkeypatch, keep):
    """Each block goes on from the last, and its totals are added."""
    X, y = data(rng, 31, 3)
    expected = online_gradient_descent(X, y, [0.1, 0.2], keep=keep)
    monkeypatch.setattr(descent, "_FEATURES", 12)
    monkeypatch.setattr(descent, "_BLOCK", 24)
    taken = []
    monkeypatch.setattr(
        descent, "play", lambda *a, **b: taken.append(a) or play(*a, **b)
    )

    run = online_gradient_descent(X, y, [0.1, 0.2], keep=keep, engine="numba")

    assert len(taken) == 8
    assert_same(run, expected)


@pytest.mark.usefixtures("numba")
def test_the_engines_agree_on_a_stream(rng):
    """Samples that come one at a time, and arrays that can only be read."""
    X, y = data(rng, 50, 2)
    X.flags.writeable = y.flags.writeable = False

    run = online_gradient_descent_stream(
        zip(X, y, strict=True), 0.1, keep="losses", engine="numba"
    )

    expected = online_gradient_descent(X, y, 0.1)
    assert_same(run, expected)
    for layout in (np.asfortranarray(X), X[::-1][::-1], X.astype(np.float32)):
        other = online_gradient_descent(layout, y, 0.1, engine="numba")
        assert_same(other, expected, rtol=1e-5 if layout.dtype != X.dtype else 1e-11)


SIZES = [0.0, 5e-324, 1e-300, 1e-150, 1.0, 1e3, 1e150, 1e300, 1.7e308]


def outcome(X, y, *options, **more):
    """The run, or the kind and the words of the error."""
    try:
        return online_gradient_descent(X, y, *options, **more)
    except (ValueError, TypeError) as error:
        return type(error), str(error)


@pytest.mark.parametrize("lam", [0.0, 1e-150, 1.0])
def test_the_engines_agree_on_the_edges_of_the_floats(lam):
    """The same result, or the same error word for word.

    No margin and no weight is a small difference of large products, of which each order
    rounds another.
    """
    pytest.importorskip("numba")
    answered = refused = 0
    for first, second, start in itertools.product(SIZES, repeat=3):
        for eta in (1e-300, 2.0**-10):
            X, y = [[first, 1.0], [second, first]], [1, -1]
            options = {"regularization": lam, "initial": [start, 0.0]}
            ours = outcome(X, y, eta, keep="iterates", **options)
            theirs = outcome(X, y, eta, keep="iterates", engine="numba", **options)
            if isinstance(ours, tuple):
                assert theirs == ours
                refused += 1
                continue
            answered += 1
            for name in FIELDS[1:]:
                a, b = getattr(ours, name), getattr(theirs, name)
                assert np.isfinite(a).all()
                # Subnormal numbers have few digits.
                assert_allclose(b, a, rtol=1e-11, atol=1e-300, err_msg=name)
    assert answered > 300
    assert refused > 300


@pytest.mark.parametrize(
    ("engine", "eta"), [("numpy", 1e-3), ("numba", 1e-3), ("numba", 9 * [1e-3])]
)
def test_a_run_at_the_edges_is_the_definition_in_many_digits(engine, eta):
    """Against mpmath: losses, gradients, and weights, for every size of features.

    Alone, and side by side: the last of nine runs is left over by vectors.
    """
    if engine == "numba":
        pytest.importorskip("numba")
    checked = 0
    for first, second, lam in itertools.product(SIZES, SIZES, (0.0, 1e-10, 1.0, 1e3)):
        samples = [(first, 1), (second, -1), (first, 1)]
        try:
            run = online_gradient_descent(
                [[x] for x, _ in samples],
                [y for _, y in samples],
                eta,
                regularization=lam,
                keep="iterates",
                engine=engine,
            )
        except ValueError:
            # The square of a gradient's norm is past the largest float.
            assert max(first, second) > 1e150
            continue
        with mpmath.workdps(700):
            w = mpmath.mpf(0)
            for i, (feature, y) in enumerate(samples):
                x, e = mpmath.mpf(feature), mpmath.mpf(1e-3)
                m = y * w * x
                loss = mpmath.log1p(mpmath.exp(-abs(m))) + max(-m, 0) + lam * w**2
                s = 1 / (1 + mpmath.exp(min(m, 10**6)))
                shrink, pull = 2 * mpmath.mpf(lam) * w, y * s * x
                after = run.iterates[i + 1].ravel()
                # Beside what cancels in a difference.
                for values, expected, size in (
                    (run.losses[i], loss, loss),
                    (run.gradient_norms[i], abs(shrink - pull), abs(shrink) + s * x),
                    (after, w - e * (shrink - pull), abs(w) + e * s * x),
                ):
                    ends = np.ravel(values)[[0, -1]]
                    gap = max(abs(mpmath.mpf(float(v)) - expected) for v in ends)
                    limit = 1e-12 * size + mpmath.mpf("1e-300")
                    assert gap <= limit, (i, first, second, lam)
                w = mpmath.mpf(float(after[0]))  # what follows is another question
        checked += 1
    assert checked > 150


def test_features_of_which_a_lost_share_would_count_are_refused():
    """At a margin of 720 sigma(-m) is no float; times 1e306 it is 2e-7."""
    message = r"`X` holds features up to 1e\+306 and has a margin of 720, expected"
    for engine in ("numpy", "numba") if find_spec("numba") else ("numpy",):
        with pytest.raises(ValueError, match=message):
            online_gradient_descent(
                [[1e306]], [1], 0.1, initial=[720 / 1e306], engine=engine
            )
    with pytest.raises(ValueError, match=r"^`samples` holds features up to"):
        online_gradient_descent_stream([([1e306], 1)], 0.1, initial=[720 / 1e306])
    # One step counts it.
    step = gradient_step([1e306], 1, [720 / 1e306], 0.1)
    assert_allclose(step, 0.1 * math.exp(-720 / 2) * (1e306 * math.exp(-360)))


@pytest.mark.parametrize(
    ("size", "margin", "refused"),
    [
        (1e306, 699.0, False),
        (1e306, 701.0, True),
        (1e306, 1499.0, True),
        (1e306, 1501.0, False),
        (9e139, 720.0, False),
        (1.1e140, 720.0, True),
    ],
)
def test_no_other_feature_is_refused(size, margin, refused):
    """What is answered is right, up to what is lost beside the weights."""
    w, options = margin / size, {"regularization": 1.0}
    if refused:
        with pytest.raises(ValueError, match="expected features up to"):
            online_gradient_descent([[size]], [1], 0.1, initial=[w], **options)
        return

    run = online_gradient_descent([[size]], [1], 0.1, initial=[w], **options)

    expected = gradient_step([size], 1, [w], 0.1, **options)
    assert_allclose(run.weights, expected, rtol=1e-12)


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_the_same_call_gives_the_same_bits(rng, engine):
    """First or hundredth, whatever ran in between."""
    if engine == "numba":
        pytest.importorskip("numba")
    X, y = data(rng, 300, 5)
    first = online_gradient_descent(X, y, 0.05, engine=engine)

    for other in range(100):
        online_gradient_descent(X[: 3 + other], y[: 3 + other], [0.1, 0.2])
        again = online_gradient_descent(X, y, 0.05, engine=engine)
        for name in FIELDS[1:-1]:
            assert_array_equal(getattr(again, name), getattr(first, name))


@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS.keys())
def test_both_engines_refuse_a_bad_feature_and_a_bad_label(rng, *, bad, steps):
    """Wherever it stands."""
    X, y = data(rng, 20, 3)
    for row, engine in itertools.product((0, 7, 19), ("numpy", "numba")):
        holed, wrong = X.copy(), y.copy()
        holed[row, 2] = wrong[row] = bad
        with pytest.raises(ValueError, match="`X` holds"):
            online_gradient_descent(holed, y, steps, engine=engine)
        for label in (bad, 0.0, 1.0 + 2**-52):
            wrong[row] = label
            with pytest.raises(ValueError, match="`y` holds"):
                online_gradient_descent(X, wrong, steps, engine=engine)


@pytest.mark.parametrize(
    "size", [0.0, 5e-324, 1e-200, 1e-158, 1e-140, 1.0, 1e140, 1e154, 1e200, 1e307]
)
def test_norms_where_squares_leave_the_floats(rng, size):
    """Against Python's own, and for arrays as for numbers."""
    v = size * np.append(rng.uniform(-1, 1, size=(3, 4)), [[1.0]] * 3, axis=1)
    v[0] = 1.0  # a usual row changes nothing for the others

    expected = [math.hypot(*row) for row in v]

    with np.errstate(all="ignore"):
        assert_allclose(norm(v), expected, rtol=1e-15)
        assert_allclose(norm(v.T, axis=0), expected, rtol=1e-15)
        roots = [-scaled_root(v, k) for k in range(len(v))]
    assert_allclose(roots, expected, rtol=1e-15)


def test_the_engine_that_was_asked_for_plays(rng, monkeypatch):
    """NumPy's rounds need no compiled loop, and Numba's are that loop."""

    def no_loop(*_, **__):
        raise RuntimeError("the compiled loop")

    monkeypatch.setattr("hw4lib.online_learning._update._play_compiled", no_loop)
    X, y = data(rng, 5, 2)
    online_gradient_descent(X, y, 0.1, engine="numpy")
    pytest.importorskip("numba")
    with pytest.raises(RuntimeError, match="the compiled loop"):
        online_gradient_descent(X, y, 0.1, engine="numba")
