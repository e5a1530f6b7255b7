import copy
import pickle
from dataclasses import replace

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.special import expit, xlog1py, xlogy

from hw4lib.noisy_targets import (
    attenuation_factor,
    backward_corrected_gradient,
    draw_noisy_labels,
    em_bound,
    fisher_information,
    fit_flip_probability,
    fit_logistic,
    flip_labels,
    gradient_peak,
    label_posterior,
    noisy_cross_entropy,
    sgd_step,
    train_sgd,
    weight_gradient,
)


def loss(a, y, eps):
    return -mpmath.log(seen(a, y, eps))


def seen(a, y, eps):
    """Probability of the label that is seen, from the definition of the noise."""
    h = 1 / (1 + mpmath.exp(-a))
    one = (1 - eps) * h + eps * (1 - h)
    return one if y else (1 - eps) * (1 - h) + eps * h


def data(rng, n=40, p=3):
    return rng.normal(size=(n, p)), rng.integers(0, 2, size=n).astype(float)


def test_sgd_step_is_the_rule_of_the_homework(rng):
    """One example moves the weights by the rule as 2(c) writes it, also in a batch."""
    w, z, y = rng.normal(size=(5, 1, 3)), rng.normal(size=(4, 3)), [0, 1, 1, 0]

    actual = sgd_step(z, y, w, flip_probability=0.1, step_size=0.7)

    assert actual.shape == (5, 4, 3)
    for i, j in np.ndindex(5, 4):
        h = expit(w[i, 0] @ z[j])
        q = 0.1 + 0.8 * h
        step = 0.7 * 0.8 * h * (1 - h) * (q - y[j]) / (q * (1 - q)) * z[j]
        assert_allclose(actual[i, j], w[i, 0] - step, rtol=1e-12)


def test_training_one_by_one_is_the_step_repeated(rng):
    """The trainer makes the homework's step for each example of each shuffled pass."""
    z, y = data(rng, n=7)

    actual = train_sgd(
        z, y, flip_probability=0.1, step_size=0.3, epochs=2,
        rng=np.random.default_rng(5), initial=[1, 2, 3],
    )  # fmt: skip

    w, orders = np.array([1.0, 2.0, 3.0]), np.random.default_rng(5)
    for i in [*orders.permutation(7), *orders.permutation(7)]:
        w = sgd_step(z[i], y[i], w, flip_probability=0.1, step_size=0.3)
    assert_allclose(actual, w, rtol=1e-12)


def test_training_with_all_data_finds_the_minimum(rng):
    """With one batch a pass it is gradient descent, which ends where the fit is."""
    z = rng.normal(size=(200, 2))
    y = draw_noisy_labels(z @ [1.0, -0.5], flip_probability=0.1, rng=rng)

    w = train_sgd(
        z,
        y,
        flip_probability=0.1,
        step_size=4.0,
        epochs=500,
        rng=rng,
        batch_size=200,
    )

    # Gradient descent ends within its last steps, not at rounding.
    assert_allclose(w, fit_logistic(z, y, flip_probability=0.1).weights, atol=1e-6)


@pytest.mark.parametrize("eps", [0.0, 0.1, 0.3])
def test_fit_is_a_strict_minimum(rng, eps):
    """The gradient is 0 to rounding, and every point near it is higher."""
    for _ in range(5):
        z = rng.normal(size=(60, 2)) * [1.0, 1e3]
        y = draw_noisy_labels(z @ [1.5, -1e-3], flip_probability=eps, rng=rng)

        fit = fit_logistic(z, y, flip_probability=eps)

        assert fit.converged
        assert fit.flip_probability == eps
        gradient = weight_gradient(z, y, fit.weights, flip_probability=eps)
        assert_allclose(gradient / [1.0, 1e3], 0.0, atol=1e-11)
        near = fit.weights + rng.normal(size=(50, 2)) * [1e-2, 1e-5]
        around = noisy_cross_entropy(near @ z.T, y, flip_probability=eps).sum(axis=-1)
        assert (around > fit.loss).all()


def test_fit_never_ends_above_its_start(rng):
    """From any start, near or far, the loss only falls."""
    z, y = data(rng, n=30, p=2)
    for start in rng.normal(size=(20, 2)) * np.array([[1.0], [30.0]]).repeat(
        10, axis=0
    ):
        before = noisy_cross_entropy(z @ start, y, flip_probability=0.1).sum()

        fit = fit_logistic(z, y, flip_probability=0.1, initial=start, max_steps=30)

        assert fit.loss <= before * (1 + 1e-12)


def test_fit_says_when_there_is_no_minimum():
    """Labels that a threshold separates send the weights towards infinity."""
    for eps in (0.0, 0.1):
        fit = fit_logistic([[1], [2], [-1]], [1, 1, 0], flip_probability=eps)

        assert not fit.converged
        assert fit.loss == pytest.approx(-3 * np.log1p(-eps), abs=1e-6)


def test_fit_of_huge_and_tiny_columns(rng):
    """Squares that would overflow do not: columns are measured in their own units."""
    z, y = rng.normal(size=(50, 2)), rng.integers(0, 2, size=50)
    unit = np.array([1e200, 1e-200])

    fit = fit_logistic(z * unit, y, flip_probability=0.1)

    plain = fit_logistic(z, y, flip_probability=0.1)
    assert_allclose(fit.weights * unit, plain.weights, rtol=1e-9)


def test_fit_needs_independent_columns():
    """Two equal columns leave the weights open."""
    with pytest.raises(ValueError, match=r"`activations` has rank 1, expected 2"):
        fit_logistic([[1, 1], [2, 2]], [0, 1], flip_probability=0.1)


def test_em_never_raises_the_loss(rng):
    """Renewing the soft labels and minimizing against them goes down to the fit."""
    z = rng.normal(size=(300, 2))
    y = draw_noisy_labels(z @ [2.0, 1.0], flip_probability=0.2, rng=rng)
    fit = fit_logistic(z, y, flip_probability=0.2)
    w = fit_logistic(z, y, flip_probability=0.0).weights
    losses = []
    for _ in range(200):
        losses.append(noisy_cross_entropy(z @ w, y, flip_probability=0.2).sum())
        soft = label_posterior(z @ w, y, flip_probability=0.2)
        for _ in range(5):  # Newton on cross entropy against soft labels
            h = expit(z @ w)
            hessian = (z * (h * (1 - h))[:, None]).T @ z
            w = w - np.linalg.solve(hessian, z.T @ (h - soft))

    assert (np.diff(losses) <= 1e-12 * losses[0]).all()
    # EM converges linearly; 200 rounds bring it here.
    assert_allclose(w, fit.weights, atol=1e-5)


def test_thirteen_points_have_two_finite_minima():
    """A grid over the weight finds two minima, one without noise; so do the fits."""
    x = np.array([10.0] * 5 + [-0.1] * 6 + [0.01] * 2)
    grid = np.concatenate([np.linspace(-400, -5, 40001), np.linspace(-5, 60, 40001)])

    def minima(eps):
        losses = noisy_cross_entropy(grid[:, None] * x, 1, flip_probability=eps).sum(1)
        inner = losses[1:-1]
        return grid[1:-1][(inner < losses[:-2]) & (inner < losses[2:])]

    left, right = minima(0.1)
    assert len(minima(0.0)) == 1
    z, y = x[:, None], np.ones(13)
    for start, expected in [([-30], left), ([-100], left), ([5], right), (None, right)]:
        fit = fit_logistic(z, y, flip_probability=0.1, initial=start)
        assert fit.converged
        assert fit.weights[0] == pytest.approx(expected, abs=0.01)  # the grid's step

    def total(w):
        return sum(loss(w * mpmath.mpf(v), 1, mpmath.mpf(0.1)) for v in x)

    fit = fit_logistic(z, y, flip_probability=0.1, initial=[-30])
    with mpmath.workdps(30):
        root = mpmath.findroot(lambda w: mpmath.diff(total, w), -40)
    assert_allclose(fit.weights, float(root), rtol=1e-9)


def test_fits_give_up_after_their_steps(rng):
    """A limit of one step is reported as no convergence."""
    z = rng.normal(size=(500, 2)) * 3
    y = draw_noisy_labels(z @ [2.0, 1.0], flip_probability=0.2, rng=rng)

    assert not fit_logistic(z, y, flip_probability=0.2, max_steps=1).converged
    assert not fit_flip_probability(z, y, max_steps=8).converged


def test_bad_training_data_are_named(rng):
    """Shapes, ranges and kinds of the trainers' arguments are checked."""
    z, y = [[1.0, 2.0], [3.0, 4.0]], [0, 1]
    sgd = {"flip_probability": 0.1, "step_size": 1.0, "epochs": 1, "rng": rng}
    with pytest.raises(ValueError, match=r"`labels` has shape \(3,\), expected \(2\)"):
        weight_gradient(z, [0, 1, 1], [0, 0], flip_probability=0.1)
    with pytest.raises(ValueError, match=r"`weights` has shape \(3,\)"):
        weight_gradient(z, y, [0, 0, 0], flip_probability=0.1)
    with pytest.raises(ValueError, match=r"`activations` has shape \(0,\)"):
        fit_logistic([], [], flip_probability=0.1)
    with pytest.raises(ValueError, match=r"`weights` give an infinite logit"):
        weight_gradient(z, y, [1e308, 1e308], flip_probability=0.1)
    with pytest.raises(ValueError, match=r"`weights` give an infinite logit"):
        sgd_step([1e308], 1, [1e308], flip_probability=0.1, step_size=1)
    with pytest.raises(ValueError, match=r"`step_size` is 0, expected > 0"):
        sgd_step([1.0], 1, [0.0], flip_probability=0.1, step_size=0)
    with pytest.raises(ValueError, match=r"`label` holds 2, expected in \[0, 1\]"):
        sgd_step([1.0], 2, [0.0], flip_probability=0.1, step_size=1)
    with pytest.raises(ValueError, match=r"`initial` has shape \(1,\), expected \(2\)"):
        train_sgd(z, y, **sgd, initial=[0.0])
    with pytest.raises(ValueError, match=r"`batch_size` is 0, expected >= 1"):
        train_sgd(z, y, **sgd, batch_size=0)
    with pytest.raises(ValueError, match=r"`epochs` is 0, expected >= 1"):
        train_sgd(z, y, **{**sgd, "epochs": 0})
    with pytest.raises(TypeError, match=r"`rng` is 'dice', expected a seed or"):
        train_sgd(z, y, **{**sgd, "rng": "dice"})
    with pytest.raises(TypeError, match=r"`max_steps` is 1.5, expected an integer"):
        fit_flip_probability(z, y, max_steps=1.5)
    with pytest.raises(
        ValueError, match=r"`flip_probability` is 0, expected in \(0, 0.5"
    ):
        fisher_information(z, [0.0, 0.0], flip_probability=0)
    with pytest.raises(ValueError, match=r"`norm` is 0, expected in \(0, 1000\]"):
        attenuation_factor(0, flip_probability=0.1)
    with pytest.raises(ValueError, match=r"`flip_probability` holds 0.7"):
        gradient_peak([0.1, 0.7])
    with pytest.raises(ValueError, match=r"`at` holds inf, expected finite"):
        em_bound(0.0, 1, at=np.inf, flip_probability=0.1)


def test_fit_of_columns_that_nearly_agree():
    """A clock and an intercept: as the same clock, set to its middle."""
    y = np.array([1, 0, 1, 0, 1, 1, 0, 1])
    clock = np.arange(8.0)
    for eps in (0.0, 0.1):
        fit = fit_logistic(
            np.column_stack([np.ones(8), 1.7e9 + clock]), y, flip_probability=eps
        )
        middle = fit_logistic(
            np.column_stack([np.ones(8), clock - 3.5]), y, flip_probability=eps
        )
        assert fit.converged
        # Nine of sixteen digits are those of the time itself.
        assert_allclose(fit.weights[1], middle.weights[1], rtol=1e-4)
        assert_allclose(fit.loss, middle.loss, rtol=1e-7)


# --- steps at their edges ------------------------------------------------------------


def test_a_short_last_batch_has_its_own_mean():
    """Of seven examples in batches of three the last one is a mean of one."""
    rng = np.random.default_rng(3)
    z, y = data(rng, n=7)

    actual = train_sgd(
        z, y, flip_probability=0.1, step_size=0.3, epochs=2, rng=5, batch_size=3
    )

    w, orders = np.zeros(3), np.random.default_rng(5)
    for _ in range(2):
        order = orders.permutation(7)
        for batch in (order[:3], order[3:6], order[6:]):
            total = weight_gradient(z[batch], y[batch], w, flip_probability=0.1)
            w = w - 0.3 * total / len(batch)
    assert_allclose(actual, w, rtol=1e-12)


def test_a_batch_larger_than_the_data_is_all_of_them(rng):
    """The mean is over the examples that there are."""
    z, y = data(rng, n=5)
    options = {"flip_probability": 0.1, "step_size": 2.0, "epochs": 3}

    whole = train_sgd(z, y, **options, rng=1, batch_size=5)

    larger = train_sgd(z, y, **options, rng=1, batch_size=10**9)
    assert_allclose(larger, whole, rtol=1e-12)


def test_a_resumed_run_is_the_run(rng):
    """With the generator handed on, two halves are the whole, to the last bit."""
    z, y = data(rng, n=11)
    options = {"flip_probability": 0.2, "step_size": 0.5, "batch_size": 4}

    whole = train_sgd(z, y, **options, epochs=4, rng=np.random.default_rng(8))

    orders = np.random.default_rng(8)
    half = train_sgd(z, y, **options, epochs=2, rng=orders)
    resumed = train_sgd(z, y, **options, epochs=2, rng=orders, initial=half)
    assert_array_equal(resumed, whole)


def test_steps_of_extreme_sizes():
    """Step size, gradient and activation multiply without overflow or underflow."""
    # The first column gives the gradient exp(-460), the second has the weight 0.
    w = sgd_step([1.0, 1e308], 1, [460.0, 0.0], flip_probability=0, step_size=1e-200)
    assert_allclose(w, [460.0, np.exp(-460.0) * 1e108], rtol=1e-12)
    w = sgd_step([1e-200], 1, [0.0], flip_probability=0, step_size=1e308)
    assert_allclose(w, [0.5e108], rtol=1e-12)
    w = sgd_step([1e308], 1, [0.0], flip_probability=0, step_size=1e-308)
    assert_allclose(w, [0.5], rtol=1e-12)
    # A logit of which two terms of 2e308 cancel.
    w = sgd_step(
        [1e308, -1e308, 0.0], 1, [2.0, 2.0, 1.0], flip_probability=0, step_size=1e-308
    )
    assert_allclose(w, [2.5, 1.5, 1.0], rtol=1e-12)
    with pytest.raises(ValueError, match=r"`step_size` make the result too large"):
        sgd_step([1e10], 1, [0.0], flip_probability=0, step_size=1e300)


def test_training_past_the_largest_float_is_refused():
    """What went too far is named: the step size, or the initial weights."""
    z, y = [[1.0], [1.0]], [1, 0]
    options = {"flip_probability": 0.1, "epochs": 2, "rng": 0}
    with pytest.raises(ValueError, match=r"`step_size` is 1e\+300: it leads to an inf"):
        train_sgd([[1e10], [-1e10]], y, **options, step_size=1e300)
    with pytest.raises(ValueError, match=r"`initial` give an infinite logit"):
        train_sgd([[1e10]], [1], **options, step_size=1, initial=[1e300])
    with pytest.raises(ValueError, match=r"`initial` give an infinite logit"):
        fit_logistic([[1e10]], [1], flip_probability=0, initial=[1e300])
    # Far, but a float: each step changes the weight by less than its last digit.
    w = train_sgd(z, y, **options, step_size=1, initial=[1e300])
    assert_array_equal(w, [1e300])
    # Four activations of which the largest sums cancel.
    w = train_sgd(
        [[1.7e308]] * 4, [1, 1, 1, 0], flip_probability=0, step_size=1e-308, epochs=1,
        rng=0, batch_size=4,
    )  # fmt: skip
    assert_allclose(w, [1.7 / 4], rtol=1e-12)


def test_column_of_labels_for_flat_steps_is_refused(rng):
    """Labels are as many as the examples that are stepped, not a column of them."""
    z = rng.normal(size=(4, 2))
    with pytest.raises(ValueError, match=r"`label` has shape \(4, 1\), expected"):
        sgd_step(z, np.ones((4, 1)), [0, 0], flip_probability=0.1, step_size=1)


# --- fits -----------------------------------------------------------------------------


def test_soft_labels_are_repeated_examples(rng):
    """A soft label of 3/4 is fitted as four examples with one label 0 among them."""
    z = rng.normal(size=(30, 2))
    quarters = rng.integers(0, 5, size=30)
    hard = (np.arange(4) < quarters[:, None]).astype(float).ravel()
    for eps in (0.0, 0.1):
        soft = fit_logistic(z, quarters / 4, flip_probability=eps)
        four = fit_logistic(z.repeat(4, axis=0), hard, flip_probability=eps)
        assert soft.converged
        assert_allclose(soft.weights, four.weights, rtol=1e-9)
        assert soft.loss == pytest.approx(four.loss / 4, rel=1e-12)
    steps = {"flip_probability": 0.1, "step_size": 1.0, "epochs": 2, "batch_size": 30}
    assert_allclose(
        train_sgd(z, quarters / 4, **steps, rng=0),
        train_sgd(z.repeat(4, axis=0), hard, **{**steps, "batch_size": 120}, rng=0),
        rtol=1e-12,
    )


def test_fit_agrees_with_scipy(rng):
    """A general minimizer of the formula in SciPy ends at the same weights."""
    z = np.column_stack([np.ones(300), rng.normal(size=(300, 2))])
    y = draw_noisy_labels(z @ [0.5, 1.0, -2.0], flip_probability=0.15, rng=rng)

    fit = fit_logistic(z, y, flip_probability=0.15)

    def total(w):
        q = 0.15 + 0.7 * expit(z @ w)
        return -(xlogy(y, q) + xlog1py(1 - y, -q)).sum()

    found = minimize(total, fit.weights + 0.1, method="BFGS", options={"gtol": 1e-8})
    assert_allclose(fit.weights, found.x, atol=1e-6)
    assert fit.loss <= found.fun * (1 + 1e-12)


def test_three_points_have_two_minima():
    """From either side of 0 a fit ends in another minimum; the default one is lower."""
    z, y = [[10.0], [-2.0], [0.2]], [1, 1, 1]

    right, left, default = (
        fit_logistic(z, y, flip_probability=0.1, initial=initial)
        for initial in ([1.0], [-1.5], None)
    )

    # The values of a search on a grid of the plain formula.
    grid = np.linspace(-4, 2, 600_001)
    q = 0.1 + 0.8 * expit(grid[:, None] * np.ravel(z))
    losses = -np.log(q).sum(axis=1)
    inner = (losses[1:-1] < losses[:-2]) & (losses[1:-1] < losses[2:])
    assert_allclose([left.weights[0], right.weights[0]], grid[1:-1][inner], atol=1e-5)
    assert_allclose([left.loss, right.loss], losses[1:-1][inner], rtol=1e-9)
    assert default.loss == pytest.approx(right.loss)
    assert right.loss < left.loss


@pytest.mark.parametrize("exponent", [-1010, -1000, 1000])
def test_fit_of_columns_near_the_limits_of_floats(rng, exponent):
    """Powers of two change nothing but the weight's own power, down to subnormals."""
    z = rng.integers(-8, 9, size=(60, 2)).astype(float)
    y = draw_noisy_labels(z @ [0.4, -0.2], flip_probability=0.1, rng=rng)

    scaled = fit_logistic(np.ldexp(z, [exponent, 0]), y, flip_probability=0.1)

    plain = fit_logistic(z, y, flip_probability=0.1)
    assert_array_equal(np.ldexp(scaled.weights, [exponent, 0]), plain.weights)


def test_a_weight_past_the_largest_float_is_refused():
    """Where activations are subnormal the weight that fits them may be no float."""
    z = np.array([[1.0], [1.0], [1.0], [-1.0]]) * 5e-324
    with pytest.raises(ValueError, match=r"`activations` .* result too large"):
        fit_logistic(z, [1, 0, 1, 0], flip_probability=0)


@pytest.mark.parametrize("seed", range(5))
def test_drawn_labels_give_the_weights_back(seed):
    """Draw, fit, compare: the errors are those that the information predicts."""
    rng, n, truth = np.random.default_rng(seed), 4000, np.array([0.5, 1.5, -1.0])
    z = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    clean = draw_noisy_labels(z @ truth, flip_probability=0, rng=rng)
    noisy = flip_labels(clean, flip_probability=0.2, rng=rng)

    fit = fit_logistic(z, noisy, flip_probability=0.2)

    information = fisher_information(z, truth, flip_probability=0.2)[:3, :3]
    error = fit.weights - truth
    # Chi-squared with three degrees of freedom passes 30 once in 700,000.
    assert error @ information @ error < 30
    # The fit predicts true labels nearly as well as the truth does.
    assert fit.score(z, clean) > np.mean((z @ truth > 0) == clean) - 0.02
    assert fit.score(z, clean) > fit.score(z, noisy)


def test_the_corrected_loss_is_consistent():
    """Its minimum on flipped labels is at the true weights, by Newton's method."""
    rng, n, truth = np.random.default_rng(2013), 200_000, np.array([1.5, -0.5])
    z = rng.normal(size=(n, 2))
    y = draw_noisy_labels(z @ truth, flip_probability=0.1, rng=rng)

    w = np.zeros(2)
    for _ in range(20):
        gradient = z.T @ backward_corrected_gradient(z @ w, y, flip_probability=0.1)
        h = expit(z @ w)
        w = w - np.linalg.solve((z * (h * (1 - h))[:, None]).T @ z, gradient)

    scores = z * backward_corrected_gradient(z @ w, y, flip_probability=0.1)[:, None]
    inverse = np.linalg.inv((z * (h * (1 - h))[:, None]).T @ z)
    sigma = np.sqrt(np.diag(inverse @ (scores.T @ scores) @ inverse))
    assert_allclose(w, truth, atol=5 * sigma.max())
    assert sigma.max() < 0.02


def test_predictions_are_the_sides_of_the_boundary(rng):
    """1 where the logit is positive, also where a part of it overflows."""
    z, y = data(rng, n=50, p=2)
    fit = fit_logistic(z, y, flip_probability=0.1)

    labels = fit.predict(z)

    assert_array_equal(labels, z @ fit.weights > 0)
    assert fit.score(z, labels) == 1.0
    assert fit.score(z, 1 - labels) == 0.0
    assert type(fit.score(z, y)) is np.float64
    far = replace(fit, weights=np.array([1e10, 1e10, 1.0]))
    assert_array_equal(far.predict([[1e308, -1e308, 1], [1e308, -1e308, -1]]), [1, 0])
    with pytest.raises(ValueError, match=r"`activations` has shape \(50, 2\)"):
        far.predict(z)
    with pytest.raises(ValueError, match=r"`labels` holds 0.5, expected 0 or 1"):
        fit.score(z, np.full(50, 0.5))
    assert fit != replace(fit)
    assert_array_equal(fit.predict([[0.0, 0.0]]), [0])


def test_fits_survive_pickling_and_copying(rng):
    """A result is data: it can be stored, sent and copied."""
    z, y = data(rng)
    fit = fit_logistic(z, y, flip_probability=0.1)
    for again in (pickle.loads(pickle.dumps(fit)), copy.deepcopy(fit)):
        assert_array_equal(again.weights, fit.weights)
        assert again.loss == fit.loss


@pytest.mark.parametrize(
    "wrong", [None, "1", {1}, abs, 1j, object()], ids=lambda x: type(x).__name__
)
def test_wrong_kinds_in_training_are_named(wrong):
    """Every argument under the caller's name."""
    z, y = [[1.0], [2.0]], [1, 0]
    with pytest.raises(TypeError, match=r"`activations` is of type"):
        fit_logistic(wrong, y, flip_probability=0.1)
    with pytest.raises(TypeError, match=r"`labels` is of type"):
        train_sgd(z, wrong, flip_probability=0.1, step_size=1, epochs=1, rng=0)
    with pytest.raises(TypeError, match=r"`weights` is of type"):
        sgd_step([1.0], 1, wrong, flip_probability=0.1, step_size=1)
    with pytest.raises(TypeError, match=r"`step_size` is of type"):
        sgd_step([1.0], 1, [1.0], flip_probability=0.1, step_size=wrong)
    with pytest.raises(TypeError, match=r"`epochs` is .*, expected an integer"):
        train_sgd(z, y, flip_probability=0.1, step_size=1, epochs=wrong, rng=0)


@pytest.mark.parametrize("eps", [-0.1, 0.5])
def test_training_needs_a_flip_probability_below_a_half(eps):
    """And of at least 0, in each of the three functions that train."""
    z, y = [[1.0], [2.0]], [1, 0]
    message = rf"`flip_probability` is {eps}, expected in \[0, 0.5\)"
    with pytest.raises(ValueError, match=message):
        train_sgd(z, y, flip_probability=eps, step_size=1, epochs=1, rng=0)
    with pytest.raises(ValueError, match=message):
        fit_logistic(z, y, flip_probability=eps)
    with pytest.raises(ValueError, match=message):
        sgd_step([1.0], 1, [1.0], flip_probability=eps, step_size=1)
