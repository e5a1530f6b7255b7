import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit

from hw4lib.noisy_targets import (
    attenuation_factor,
    draw_noisy_labels,
    em_bound,
    fisher_information,
    fit_flip_probability,
    fit_logistic,
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
