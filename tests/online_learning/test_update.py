"""The loops that Numba compiles give what NumPy gives, compiled or not."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from hw4lib.online_learning import descent
from hw4lib.online_learning.descent import (
    online_gradient_descent,
    online_gradient_descent_stream,
)

FIELDS = [
    "weights",
    "total_loss",
    "total_squared_gradient",
    "largest_norm",
    "losses",
    "gradient_norms",
    "iterates",
]


@pytest.fixture
def loops(numba):  # noqa: ARG001
    """The loops, as they are written and as Numba compiles them."""
    return descent.LOOPS.loops


def data(rng, n, p):
    return rng.normal(size=(n, p)), rng.choice([-1.0, 1.0], n)


def assert_same(run, expected):
    """All results agree to rounding, in shape and kind."""
    for name in FIELDS:
        a, b = getattr(run, name), getattr(expected, name)
        assert type(a) is type(b), name
        if b is not None:
            assert a.shape == b.shape, name
            # Sums in another order, of terms up to 1.
            assert_allclose(a, b, rtol=1e-11, atol=1e-13, err_msg=name)


STEPS = {
    "one": 0.05,
    "function": lambda t: 0.2 / np.sqrt(t),
    "fewer runs than features": np.array([0.01, 0.1]),
    "more runs than features": np.geomspace(0.01, 0.2, 7),
}


@pytest.mark.parametrize("keep", ["totals", "losses", "iterates"])
@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS.keys())
@pytest.mark.parametrize("p", [3, 12], ids=["few features", "many features"])
def test_the_loops_agree_with_numpy(loops, rng, monkeypatch, *, p, steps, keep):
    """Whatever is kept and however many runs there are, in numbers and in arrays."""
    X, y = data(rng, 70, p)
    initial = np.linspace(-2.0, 1.0, p)
    options = {"regularization": 0.7, "initial": initial, "keep": keep}

    run = online_gradient_descent(X, y, steps, **options)
    with monkeypatch.context() as without:
        without.setitem(vars(descent.LOOPS), "loops", None)
        expected = online_gradient_descent(X, y, steps, **options)

    assert loops is not None
    assert_same(run, expected)


def test_a_stream_runs_through_the_loops(loops, rng):
    """Samples that come one at a time, in blocks of every layout."""
    X, y = data(rng, 50, 2)

    run = online_gradient_descent_stream(zip(X, y, strict=True), 0.1, keep="losses")

    assert loops is not None
    assert_same(run, online_gradient_descent(np.asfortranarray(X), y, 0.1))


def test_the_loops_are_stable_at_extreme_margins(loops):
    """Margins of half a million overflow nothing."""
    run = online_gradient_descent([[1e3], [1e3], [-1e3]], [1, -1, 1], 1.0)

    # 0, then 500; the second margin is -5e5, so the sample pulls with all its length:
    # -500 - 1000 = -1500; the third margin is 1.5e6, so it does not pull: +1500.
    assert loops is not None
    assert_allclose(run.weights, [1500.0], rtol=1e-12)
    assert_allclose(run.losses[1:], [5e5 + 500.0**2, 1500.0**2], rtol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("lam", [0.0, 1.0])
@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS.keys())
def test_the_loops_end_at_what_is_not_finite(loops, rng, *, bad, lam, steps):
    """Wherever it stands, from zeros or not: the weights tell, and no pass over X."""
    X, y = data(rng, 20, 3)
    for place in [(0, 0), (0, 2), (7, 1), (19, 0), (19, 2)]:
        for initial in (None, [1.0, 0.0, -1.0]):
            holed = X.copy()
            holed[place] = bad
            # Only where Python runs the loops, in place of Numba, is there a warning.
            with (
                np.errstate(all="ignore"),
                pytest.raises(ValueError, match="`X` holds"),
            ):
                online_gradient_descent(
                    holed, y, steps, regularization=lam, initial=initial
                )
    assert loops is not None


@pytest.mark.parametrize("played", ["numpy", "loops"])
@pytest.mark.parametrize(
    ("X", "steps", "lam"),
    [
        ([[1e200], [1e200]], 0.1, 1.0),
        ([[1e200, 0.0], [1e200, 0.0]], [0.1, 0.2], 1.0),
        ([[1.0], [1.0]], 1e-308, 1e308),
        ([[1e10], [1e10]], 1e300, 0.0),
        ([[1e200] + 9 * [0.0], [1e200] + 9 * [0.0]], 0.1, 1.0),
        ([[1e155], [1e155]], 0.1, 1.0),
    ],
)
def test_finite_samples_that_overflow_are_named(played, X, steps, lam):
    """By NumPy and by loops alike: no infinite loss, no weights that are NaN."""
    if played == "loops":
        pytest.importorskip("numba")
        assert descent.LOOPS.loops
    options = {"regularization": lam}
    message = (
        "`, `step_size`, `regularization` or `initial` make the weights, a loss or"
    )
    with np.errstate(over="raise", invalid="raise"):
        with pytest.raises(ValueError, match=f"^`X{message}"):
            online_gradient_descent(X, [1, -1], steps, **options)
        samples = zip(X, [1, -1], strict=True)
        with pytest.raises(ValueError, match=f"^`samples{message}"):
            online_gradient_descent_stream(samples, steps, **options)
        # Each round is a float, and their sum is none.
        many = np.full((200, 1), -1e153)
        with pytest.raises(ValueError, match=f"^`X{message}"):
            online_gradient_descent(
                many, np.ones(200), 1e-308, regularization=0.0, initial=[1e154]
            )


@pytest.mark.parametrize("bad", [0.0, 2.0, -1.5, 1.0 + 2**-52, np.nan, np.inf])
@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS.keys())
def test_the_loops_end_at_a_wrong_label(loops, rng, *, bad, steps):
    """Wherever it stands, and beside features of zero."""
    X, y = data(rng, 20, 3)
    X[7] = 0.0
    for place in (0, 7, 19):
        wrong = y.copy()
        wrong[place] = bad
        with np.errstate(all="ignore"), pytest.raises(ValueError, match="`y` holds"):
            online_gradient_descent(X, wrong, steps)
    assert loops is not None


@pytest.mark.usefixtures("numba")
def test_short_runs_together_are_worth_the_loops(monkeypatch):
    """Rounds count whichever run they belong to, and those of several runs each."""
    monkeypatch.setattr(descent.LOOPS, "_patience", 100)
    played = []
    monkeypatch.setattr(
        descent,
        "_play",
        lambda *a, play=descent._play, **k: played.append(1) or play(*a, **k),
    )
    for _ in range(4):
        online_gradient_descent(np.ones((20, 1)), np.ones(20), [0.1, 0.2])

    assert len(played) == 3
