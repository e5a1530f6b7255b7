import itertools
import math
import re

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize, root
from scipy.special import expit

from hw4lib.online_learning import (
    average_regret,
    batch_optimum,
    logistic_loss,
    logistic_loss_gradient,
    online_gradient_descent,
    regret_bound,
    regret_terms,
    tuned_step_size,
)
from hw4lib.online_learning.regret import _direction, _length


def random_data(rng, n, p, scale=1.0):
    return scale * rng.normal(size=(n, p)), rng.choice([-1, 1], size=n)


# The batch optimum


@pytest.mark.parametrize("lam", [1.0, 1e-3])
@pytest.mark.parametrize(("n", "p"), [(1, 1), (40, 3), (5, 12), (3000, 2)])
def test_optimum_has_no_gradient_and_is_what_scipy_finds(rng, n, p, lam):
    """The mean gradient vanishes to rounding, and SciPy's minimizer agrees."""
    X, y = random_data(rng, n, p)

    w = batch_optimum(X, y, regularization=lam)

    gradient = logistic_loss_gradient(X, y, w, regularization=lam).mean(axis=0)
    assert_allclose(gradient, 0.0, rtol=0, atol=1e-14)
    found = minimize(
        lambda v: np.logaddexp(0, -y * (X @ v)).mean() + lam * v @ v,
        np.zeros(p),
        method="BFGS",
        options={"gtol": 1e-9},
    )
    # BFGS stops when differences of the objective are lost in rounding.
    assert_allclose(w, found.x, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("n", "p"), [(3, 1), (200, 4), (50, 8)])
def test_optimum_is_the_root_that_scipy_finds(seed, n, p):
    """Powell's hybrid method on the gradient, with SciPy's own sigmoid."""
    rng = np.random.default_rng(seed)
    X, y = random_data(rng, n, p, scale=rng.choice([0.1, 1.0, 5.0]))
    lam = 10.0 ** rng.uniform(-3, 1)

    found = root(
        lambda v: 2 * lam * v - (y * expit(-y * (X @ v))) @ X / n,
        np.zeros(p),
        tol=1e-14,
    )

    assert_allclose(batch_optimum(X, y, regularization=lam), found.x, rtol=1e-9)


@pytest.mark.parametrize("size", [1e-300, 1e-150, 1e-20, 1.0, 1e20, 1e150])
@pytest.mark.parametrize("lam", [1e-300, 1e-20, 1.0, 1e20, 1e300])
def test_optimum_of_one_sample_at_every_size(size, lam):
    """Its margin m solves m (1 + e^m) = x^2 / (2 lam); what floats lose is refused."""
    try:
        w = float(batch_optimum([[size]], [1], regularization=lam)[0])
    except ValueError as error:
        message = str(error)
    else:
        with mpmath.workdps(60):
            x, v, l_ = map(mpmath.mpf, (size, w, lam))
            above = 2 * l_ * v * (1 + mpmath.exp(v * x)) / x
            # Relative error of w times 1 + m, as the margin is in the exponent.
            assert abs(above - 1) <= 1e-12 * (1 + v * x) or w < 1e-300
        return
    assert re.match("`X` holds features up to|`regularization` is", message)
    assert size**2 / lam > 1e100 if size < 1e150 else True


@pytest.mark.parametrize("scale", [1e-8, 1.0, 77.0, 1e4])
@pytest.mark.parametrize("lam", [1e-8, 1.0, 1e4])
def test_optimum_exists_for_separable_data(rng, scale, lam):
    """All labels on one side of a plane: only the penalty keeps the weights finite."""
    X = scale * rng.normal(size=(60, 2))
    y = np.where(X @ [1.0, -2.0] > 0, 1, -1)

    w = batch_optimum(X, y, regularization=lam)

    margins = y * (X @ w)
    pulls = X.T @ (y / (1 + np.exp(np.minimum(margins, 700)))) / 60
    # At the optimum both sides are the same vector: 2 lambda w = mean pull.
    assert_allclose(2 * lam * w, pulls, rtol=1e-7, atol=1e-14 * scale)


def test_optimum_of_one_sample_solves_one_equation():
    """One sample of norm 77 has its optimum at norm .0802, along the sample."""
    x = 77 * np.array([0.6, -0.8])

    w = batch_optimum([x], [-1])

    assert_allclose(np.linalg.norm(w), 0.0802, rtol=0, atol=5e-5)
    assert_allclose(w, -np.linalg.norm(w) * x / 77, rtol=1e-12)


def test_optimum_of_contradicting_samples_is_zero():
    """Each sample with both labels: by symmetry no direction is better."""
    assert_array_equal(batch_optimum([[3.0], [3.0]], [1, -1]), [0.0])


def test_optimum_stops_where_rounding_does():
    """With features of 1e7 a margin has no digits to spare; the search still ends."""
    w = batch_optimum([[1e7], [3e7], [2e7]], [1, -1, 1])

    assert np.isfinite(w).all()


@pytest.mark.parametrize("outlier", [1e2, 1e4, 1e8, 1e12, -1e4, -1e12])
@pytest.mark.parametrize("shape", [(30, 3), (2000, 10), (50_000, 2), (300, 400)])
def test_optimum_with_an_outlier(rng, shape, outlier):
    """One feature out of scale, among samples that give start and Hessian or not."""
    X, y = random_data(rng, *shape)
    X[25, -1] = outlier * y[25]

    w = batch_optimum(X, y, regularization=1e-3)

    pulls = y / (1 + np.exp(np.minimum(y * (X @ w), 700))) / len(y)
    # 2 lambda w = mean pull, beside what cancels in the mean.
    left = 2e-3 * w - pulls @ X
    assert (np.abs(left) <= 1e-11 * (np.abs(pulls) @ np.abs(X))).all()


def test_optimum_of_tiny_features():
    """Where the curvature along a direction is no float, the Hessian is solved."""
    w = batch_optimum(1e-155 * np.eye(16), np.ones(16), regularization=1e-12)

    # From zeros a sample pulls with half of its features.
    assert_allclose(w, 1e-155 / (2 * 2e-12 * 16), rtol=1e-14)


def test_optimum_that_floats_cannot_hold(rng, monkeypatch):
    """Samples 100 digits apart in size, and a penalty lost beside the features."""
    X, y = random_data(rng, 300, 400)
    X[25, -1] = -1e100 * y[25]
    advice = (
        "expected smaller ones of similar size that are not collinear, or a larger "
        "`regularization`"
    )

    with pytest.raises(ValueError, match=f"^`X` holds features up to 1e.100, {advice}"):
        batch_optimum(X, y)
    with pytest.raises(ValueError, match=f"^`X` holds features up to 3e.06, {advice}"):
        batch_optimum([[3e6, 1e6]], [1], regularization=1e-9)
    # An optimum whose margin no exponential can hold.
    message = "^`regularization` is 1e-174, so small that margins of the optimum pass"
    with pytest.raises(ValueError, match=message):
        batch_optimum([[1e100]], [1], regularization=1e-174)
    # Other samples may have such margins, whose pulls do not count.
    X, y = [[1.0]] * 6 + [[1000.0]], [1] * 5 + [-1, 1]
    for size in (1.0, 1e110):
        w = batch_optimum(size * np.array(X), y, regularization=1e-21 * size**2)
        assert_allclose(size * w, np.log(5.0), rtol=1e-12)
    # Not every LAPACK notices that a matrix is singular.
    monkeypatch.setattr(np.linalg, "solve", lambda _, b: np.full(b.shape, np.inf))
    with pytest.raises(ValueError, match=f"^`X` holds features up to 3e.06, {advice}"):
        batch_optimum([[3e6, 1e6]], [1], regularization=1e-9)


# Regret


def test_regret_is_average_loss_less_the_best(rng):
    """Against losses added up in a loop, for one step size and for several."""
    X, y = random_data(rng, 40, 2)
    best = batch_optimum(X, y)
    least = np.mean([logistic_loss(x, t, best) for x, t in zip(X, y, strict=True)])

    for eta in (0.1, [0.1, 0.3]):
        run = online_gradient_descent(X, y, eta)
        expected = run.losses.mean(axis=0) - least
        assert_allclose(average_regret(X, y, run), expected, rtol=1e-10, atol=1e-14)
    other = average_regret(X, y, run, comparator=[1.0, 1.0])
    ones = np.mean([logistic_loss(*s, [1.0, 1.0]) for s in zip(X, y, strict=True)])
    assert_allclose(other, run.losses.mean(axis=0) - ones, rtol=1e-10)


def test_regret_can_be_negative():
    """The iterates follow a stream that changes sides; fixed weights cannot."""
    X, y = np.ones((400, 1)) * 4.0, np.repeat([1, -1], 200)

    assert average_regret(X, y, online_gradient_descent(X, y, 0.1)) < -0.1


@pytest.mark.parametrize("lam", [1.0, 0.05])
def test_terms_of_the_bound_add_up_to_the_regret(rng, lam):
    """Nothing is lost: the regret measured is the sum of the four terms."""
    X, y = random_data(rng, 60, 3, scale=3.0)
    start = rng.normal(size=3)
    for eta in (0.05, np.array([0.01, 0.1, 0.4])):
        run = online_gradient_descent(
            X, y, eta, regularization=lam, initial=start, keep="iterates"
        )
        for comparator in (None, rng.normal(size=3)):
            terms = regret_terms(
                X, y, run.iterates, eta, regularization=lam, comparator=comparator
            )
            total = (
                terms.initial_distance
                + terms.gradients
                - terms.final_distance
                - terms.curvature
            )
            assert_allclose(terms.regret, total, rtol=1e-10, atol=1e-12)
            assert_allclose(
                terms.regret,
                average_regret(X, y, run, regularization=lam, comparator=comparator),
                rtol=1e-10,
                atol=1e-13,
            )
            assert (terms.regret <= terms.bound).all()
            # Strong convexity: the curvature is at least lambda times the distance.
            best = comparator
            if best is None:
                best = batch_optimum(X, y, regularization=lam)
            least = lam * np.square(run.iterates[:-1] - best).sum(axis=-1).mean(axis=0)
            assert (terms.curvature >= least - 1e-12).all()


def test_bound_is_that_of_the_terms(rng):
    """Inequality (10) from its letters is inequality (10) from the run."""
    X, y = random_data(rng, 30, 2)
    run = online_gradient_descent(X, y, 0.1, keep="iterates")
    distance = np.linalg.norm(batch_optimum(X, y))

    actual = regret_bound(distance, run.total_squared_gradient, 0.1, 30)

    terms = regret_terms(X, y, run.iterates, 0.1)
    assert_allclose(actual, terms.bound, rtol=1e-12)


@pytest.mark.parametrize("D", [1.0, 0.3])
def test_tuned_step_size_minimizes_the_bound(D):
    """No step size on a fine grid does better, and the value there is D G / sqrt n."""
    n, R, lam = 500, 77.0, 0.5
    G = R + 2 * lam * D
    etas = np.geomspace(1e-7, 1e-1, 20_001)

    eta = tuned_step_size(n, R, D, regularization=lam)

    least = regret_bound(D, n * G**2, eta, n)
    assert_allclose(least, D * G / math.sqrt(n), rtol=1e-12)
    assert (regret_bound(D, n * G**2, etas, n) >= least * (1 - 1e-12)).all()


def test_tuned_step_size_of_the_sheet():
    """1 / (79 sqrt n), for an array of n at once."""
    n = np.array([1, 100, 10_000])

    assert_allclose(tuned_step_size(n, 77), [1 / 79, 1 / 790, 1 / 7900], rtol=1e-12)


SIZES = [0.0, 1e-300, 1e-150, 1.0, 77.0, 1e150, 1e300, 1.7e308]


def test_regret_bound_is_right_at_every_size():
    """In many digits; past the largest float is refused, and hardly anything else."""
    for D, S, eta in itertools.product(SIZES, SIZES, SIZES[1:]):
        with mpmath.workdps(700):
            squares = mpmath.mpf(D) ** 2 / eta, mpmath.mpf(eta) * S
            if max(squares) > mpmath.mpf("1.7e308") or sum(squares) > 1e308:
                continue
            gap = abs(float(regret_bound(D, S, eta, 3)) - sum(squares) / 6)
            assert gap <= 1e-13 * sum(squares) + mpmath.mpf("1e-320")
    with pytest.raises(ValueError, match="too large"):
        regret_bound(1e300, 1.0, 1.0, 1)


@pytest.mark.parametrize("size", [1e-100, 1e-20, 1e20])
def test_terms_keep_their_digits_for_short_and_long_samples(rng, size):
    """In the units in which lambda is 1 they are those of usual samples."""
    X, y = random_data(rng, 20, 2)
    run = online_gradient_descent(X, y, 0.1, keep="iterates")
    expected = regret_terms(X, y, run.iterates, 0.1)

    lam = size**2
    scaled = online_gradient_descent(
        size * X, y, 0.1 / lam, regularization=lam, keep="iterates"
    )
    terms = regret_terms(size * X, y, scaled.iterates, 0.1 / lam, regularization=lam)

    for name, value in vars(expected).items():
        assert_allclose(getattr(terms, name), value, rtol=1e-9, err_msg=name)
    regret = average_regret(size * X, y, scaled, regularization=lam)
    assert_allclose(regret, expected.regret, rtol=1e-9)


# What is refused

X3, Y3 = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [1, -1, 1]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
@pytest.mark.parametrize("shape", [(30, 3), (2000, 10), (50_000, 2), (300, 400)])
def test_optimum_refuses_a_feature_wherever_it_stands(rng, shape, bad):
    """In a sample that gives the start and the Hessian, or in none of these."""
    X, y = random_data(rng, *shape)
    for row in (0, 1, 24, shape[0] - 1):
        holed = X.copy()
        holed[row, -1] = bad
        with pytest.raises(ValueError, match=re.escape(f"`X` holds {bad}, expected")):
            batch_optimum(holed, y)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: batch_optimum(X3, Y3, regularization=0),
            ValueError,
            "`regularization` is 0, expected > 0",
        ),
        (
            lambda: batch_optimum(np.broadcast_to(np.zeros(1), (1, 2**20)), [1]),
            MemoryError,
            "`X` is of 1048576 features",
        ),
        (
            lambda: average_regret(
                X3[:2], Y3[:2], online_gradient_descent(X3, Y3, 0.1)
            ),
            ValueError,
            "`X` has 2 samples, expected the 3 of `run`",
        ),
        (
            lambda: average_regret(
                X3, Y3, online_gradient_descent(X3, Y3, 0.1), comparator=[1.0]
            ),
            ValueError,
            "`comparator` has shape",
        ),
        (
            lambda: average_regret(
                np.ones((3, 7)), Y3, online_gradient_descent(X3, Y3, 0.1)
            ),
            ValueError,
            "`X` has 7 features, expected the 2 of `run`",
        ),
        (
            lambda: average_regret([[1.0]], [1], None),
            TypeError,
            "`run` is of type NoneType, expected an OnlineRun",
        ),
        (lambda: average_regret(None, [1], None), TypeError, "`X` is of type NoneType"),
        (lambda: batch_optimum("ab", [1]), TypeError, "`X` is of type str"),
        (
            lambda: regret_terms(X3, Y3, np.ones((4, 1, 1, 2)), [[0.1]]),
            ValueError,
            r"`step_size` has shape \(1, 1\), expected \(\) or \(S\)",
        ),
        (lambda: regret_bound(-1, 1, 1, 1), ValueError, "`distance` holds -1"),
        (lambda: regret_bound(1, -1, 1, 1), ValueError, "`squared_gradients` holds -1"),
        (lambda: regret_bound(1, 1, 0, 1), ValueError, "`step_size` holds 0"),
        (lambda: regret_bound(1, 1, 1, 0), ValueError, "`n` holds 0"),
        (
            lambda: regret_bound([1, 2], [1, 2, 3], 1, 1),
            ValueError,
            "do not broadcast",
        ),
        (
            lambda: regret_terms(X3, Y3, np.ones((3, 2)), 0.1),
            ValueError,
            "`iterates` has shape",
        ),
        (
            lambda: regret_terms(X3, Y3, np.ones((4, 2)), 0.0),
            ValueError,
            "`step_size` holds 0",
        ),
        (lambda: tuned_step_size(0, 77), ValueError, "`n` holds 0"),
        (lambda: tuned_step_size(1, 0), ValueError, "`feature_bound` holds 0"),
        (lambda: tuned_step_size(1, 1, 0), ValueError, "`comparator_bound` holds 0"),
        (
            lambda: tuned_step_size(1, 1, regularization=-1),
            ValueError,
            "`regularization` is -1",
        ),
        (
            lambda: tuned_step_size([1, 2], [1, 2, 3]),
            ValueError,
            "do not broadcast",
        ),
    ],
)
def test_refuses(call, error, message):
    """Each message names the argument, what it is and what it should be."""
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("n", "p", "scale"),
    [
        pytest.param(400, 160, 0.1, id="conjugate gradients"),
        pytest.param(80, 33, 40.0, id="too slow for them"),
    ],
)
def test_optimum_of_many_features(n, p, scale, rng):
    """The gradient vanishes, whichever way Newton's direction was found."""
    X = scale * rng.normal(size=(n, p))
    y = rng.choice([-1.0, 1.0], n)

    w = batch_optimum(X, y, regularization=0.5)

    pulls = [y[i] / (1.0 + np.exp(y[i] * (X[i] @ w))) * X[i] for i in range(n)]
    # Rounding of sums of n terms of this size; strictly convex, so 0 is at one place.
    assert_allclose(w, np.mean(pulls, axis=0), rtol=0, atol=1e-13 * scale)


@pytest.mark.parametrize(
    ("n", "p", "thinned"),
    [
        pytest.param(60_000, 2, 1.0, id="few features"),
        pytest.param(30_000, 40, 1.0, id="many features"),
        pytest.param(20_000, 3, 1e-2, id="its Hessian is too small"),
        pytest.param(20_000, 3, 1e2, id="its Hessian is too large"),
    ],
)
def test_optimum_of_many_samples(n, p, thinned, rng):
    """The gradient vanishes, whether or not every 24th sample is like the others."""
    X = rng.normal(size=(n, p))
    X[::24] *= thinned
    y = np.where(X.sum(axis=1) + rng.logistic(size=n) > 0.0, 1.0, -1.0)

    w = batch_optimum(X, y, regularization=0.01)

    pulls = y / (1.0 + np.exp(y * (X @ w)))
    # Rounding of a mean of terms of the size of a sample.
    atol = 1e-14 * max(thinned, 1.0)
    assert_allclose(0.02 * w, X.T @ pulls / n, rtol=0, atol=atol)


def test_newton_direction_by_conjugate_gradients_solves_the_system(rng):
    """To three digits, where p is large enough for a few of its steps."""
    X = rng.normal(size=(500, 64))
    bend, lam, descent = rng.uniform(0, 0.25, 500) / 500, 0.7, rng.normal(size=64)
    hessian = X.T @ (bend[:, None] * X) + 2 * lam * np.eye(64)
    expected = np.linalg.solve(hessian, descent)

    # Three steps are enough here, so the dense system is never solved.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np.linalg, "solve", None)
        actual = _direction(X, bend, lam, descent)

    residual = hessian @ actual - descent
    assert np.linalg.norm(residual) <= 1e-3 * np.linalg.norm(descent)
    assert_allclose(actual, expected, rtol=0, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_the_length_of_a_step_is_where_the_slope_is_a_tenth(rng, scale):
    """Along any direction of descent, by a derivative that is written out here."""
    X, y = random_data(rng, 40, 3)
    w, lam = 2 * rng.normal(size=3), 0.1

    def slope(length):
        u = w + length * direction
        return logistic_loss_gradient(X, y, u, regularization=lam).mean(0) @ direction

    direction = -scale * logistic_loss_gradient(X, y, w, regularization=lam).mean(0)
    length = _length((X, y), lam, w, direction)

    assert length > 0
    assert abs(slope(length)) <= 0.1 * abs(slope(0.0))
