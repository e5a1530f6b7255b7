import itertools

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles import difference_quotient
from scipy.special import expit
from scipy.stats import norm

from hw4lib import noisy_targets
from hw4lib.noisy_targets import (
    attenuation_factor,
    convexity_threshold,
    draw_noisy_labels,
    em_bound,
    equivalent_logits,
    fisher_information,
    fit_flip_probability,
    fit_logistic,
    gradient_peak,
    label_posterior,
    logit_information,
    noisy_cross_entropy,
    noisy_cross_entropy_curvature,
    noisy_cross_entropy_gradient,
    noisy_cross_entropy_with_gradient,
    noisy_probability,
    output_gradient,
    sample_weight,
    sgd_step,
    train_sgd,
    weight_gradient,
)

LOGITS = [0.0, 1e-9, 0.3, 1.1, 2.2, 9.0, 36.0, 339.0, 341.0, 700.0, 744.0, 760.0, 1e3]
FLIPS = [0.0, 5e-324, 1e-300, 1e-150, 1e-20, 1e-3, 0.1, 0.25, 0.4, 0.4999999]
GRID = [
    (sign * a, y, eps)
    for a, sign, y, eps in itertools.product(LOGITS, (1, -1), (0, 1), FLIPS)
]
TINY = 1e-307  # below it floats lose digits, and tests may not ask for them

flips = st.one_of(st.just(0.0), st.floats(0.0, 0.5, exclude_max=True))
logits = st.floats(allow_nan=False, allow_infinity=False)
bits = st.sampled_from([0, 1])


def exact(formula):
    """Evaluate a formula of logit, label and flip probability in 900 digits."""
    with mpmath.workdps(900):
        return np.array(
            [float(formula(mpmath.mpf(a), y, mpmath.mpf(eps))) for a, y, eps in GRID]
        )


def seen(a, y, eps):
    """Probability of the label that is seen, from the definition of the noise."""
    h = 1 / (1 + mpmath.exp(-a))
    one = (1 - eps) * h + eps * (1 - h)
    return one if y else (1 - eps) * (1 - h) + eps * h


def loss(a, y, eps):
    return -mpmath.log(seen(a, y, eps))


def slope(a, y, eps):
    """The sheet's form of the derivative, which in floats is 0/0 far out."""
    h = 1 / (1 + mpmath.exp(-a))
    one, zero = seen(a, 1, eps), seen(a, 0, eps)
    return (1 - 2 * eps) * h * (1 - h) * (one - y) / (one * zero)


def bend(a, y, eps):
    """Quotient rule on the derivative of p."""
    h = 1 / (1 + mpmath.exp(-a))
    sign = 1 if y else -1
    p = seen(a, y, eps)
    first = sign * (1 - 2 * eps) * h * (1 - h)
    return (first / p) ** 2 - first * (1 - 2 * h) / p


def posterior(a, y, eps):
    """Bayes' rule for the true label."""
    h = 1 / (1 + mpmath.exp(-a))
    return h * ((1 - eps) if y else eps) / seen(a, y, eps)


def on_grid(function):
    a, y, eps = (np.array(column) for column in zip(*GRID, strict=True))
    return function(a, y, flip_probability=eps)


def data(rng, n=40, p=3):
    return rng.normal(size=(n, p)), rng.integers(0, 2, size=n).astype(float)


def test_probability_is_that_of_a_flipped_coin():
    """Kept ones and flipped zeros add up, and the two labels share all probability."""
    a, _, eps = (np.array(column) for column in zip(*GRID, strict=True))

    q = noisy_probability(a, flip_probability=eps)

    assert_allclose(q, exact(lambda a, _, e: seen(a, 1, e)), rtol=1e-12, atol=TINY)
    both = q + noisy_probability(-a, flip_probability=eps)
    assert_allclose(both, 1.0, rtol=1e-15)


def test_loss_is_the_negative_log_likelihood():
    """Multiple precision agrees at every logit and flip probability, 0 included."""
    expected = exact(loss)

    assert_allclose(on_grid(noisy_cross_entropy), expected, rtol=1e-12, atol=TINY)


def test_gradient_is_the_form_of_the_homework():
    """Multiple precision agrees, also where floats make 0/0 of the sheet's form."""
    actual = on_grid(noisy_cross_entropy_gradient)

    # An exponential of an exponent near 1e3 is known to 1e3 times rounding.
    assert_allclose(actual, exact(slope), rtol=1e-12, atol=TINY)


def test_ten_thousand_is_no_limit():
    """At a logit of 1e4 multiple precision still agrees, label right or wrong."""
    with mpmath.workdps(5000):
        for y, eps in itertools.product((0, 1), (0.0, 1e-300, 0.1)):
            a, e = mpmath.mpf(10_000), mpmath.mpf(eps)
            both = noisy_cross_entropy_with_gradient(1e4, y, flip_probability=eps)
            assert_allclose(both.loss, float(loss(a, y, e)), rtol=1e-12, atol=TINY)
            assert_allclose(both.gradient, float(slope(a, y, e)), rtol=1e-12)


def test_gradient_that_underflows_is_zero():
    """Far from 0 the gradient is exactly 0, not a small number left by a clip."""
    a = np.array([-1e4, 1e4, -1e300, 1e300])

    assert_array_equal(noisy_cross_entropy_gradient(a, 1, flip_probability=0.1), 0.0)
    assert_array_equal(
        noisy_cross_entropy_gradient(a, 1, flip_probability=0.0), [-1, 0, -1, 0]
    )


def test_curvature_is_the_second_derivative():
    """Multiple precision agrees by the quotient rule."""
    actual = on_grid(noisy_cross_entropy_curvature)

    # Near the inflection two sigmoids of order 1 are subtracted.
    expected = exact(bend)
    assert_allclose(actual, expected, rtol=1e-12, atol=1e-15)
    # Without noise there is no inflection and no subtraction of neighbors.
    clean = np.array([eps == 0.0 for _, _, eps in GRID])
    assert_allclose(actual[clean], expected[clean], rtol=1e-12, atol=TINY)


def test_posterior_is_bayes_rule():
    """Multiple precision agrees, and without noise the soft label is the label."""
    actual = on_grid(label_posterior)

    # The log odds of up to 744 are rounded before they are exponentiated.
    assert_allclose(actual, exact(posterior), rtol=1e-12, atol=TINY)
    assert_array_equal(label_posterior([-9, 9], [1, 0], flip_probability=0), [1, 0])


def test_weight_relates_noisy_to_clean_gradient():
    """It is one minus the flip probability over that of the label."""
    expected = exact(lambda a, y, e: 1 - e / seen(a, y, e))

    assert_allclose(on_grid(sample_weight), expected, rtol=1e-12, atol=TINY)


def test_three_forms_of_the_gradient_agree(rng):
    """Posterior residual, weighted residual and difference of sigmoids are one."""
    a, y = rng.normal(size=500) * 3, rng.integers(0, 2, size=500)
    eps = rng.uniform(0.01, 0.49, size=500)
    sign, beta = 2 * y - 1, np.log((1 - eps) / eps)

    actual = noisy_cross_entropy_gradient(a, y, flip_probability=eps)

    # Differences of numbers below 1 round at 1e-16.
    gamma = label_posterior(a, y, flip_probability=eps)
    assert_allclose(actual, expit(a) - gamma, rtol=0, atol=1e-15)
    weight = sample_weight(a, y, flip_probability=eps)
    assert_allclose(actual, weight * (expit(a) - y), rtol=0, atol=1e-15)
    difference = sign * (expit(sign * a) - expit(sign * a + beta))
    assert_allclose(actual, difference, rtol=0, atol=1e-15)


@pytest.mark.parametrize("eps", [0.0, 0.01, 0.1, 0.4])
def test_derivatives_match_difference_quotients(rng, eps):
    """The gradient is the slope of the loss and the curvature that of the gradient."""
    a, y = rng.normal(size=20) * 3, rng.integers(0, 2, size=20)

    def total(a):
        return noisy_cross_entropy(a, y, flip_probability=eps).sum()

    def pull(a):
        return noisy_cross_entropy_gradient(a, y, flip_probability=eps).sum()

    both = noisy_cross_entropy_with_gradient(a, y, flip_probability=eps)
    assert_allclose(both.loss.sum(), total(a), rtol=1e-12)
    quotient = difference_quotient(total, a)
    assert_allclose(both.gradient, quotient, rtol=1e-8, atol=1e-9)
    curvature = noisy_cross_entropy_curvature(a, y, flip_probability=eps)
    quotient = difference_quotient(pull, a)
    assert_allclose(curvature, quotient, rtol=1e-8, atol=1e-9)


def test_no_noise_is_cross_entropy(rng):
    """Without noise loss and gradient are those of logistic regression."""
    a, y = rng.normal(size=100), rng.integers(0, 2, size=100)
    h = expit(a)

    both = noisy_cross_entropy_with_gradient(a, y, flip_probability=0)

    assert_allclose(both.loss, -y * np.log(h) - (1 - y) * np.log(1 - h), rtol=1e-12)
    assert_allclose(both.gradient, h - y, rtol=1e-12)


def test_the_table_of_the_homework():
    """The numbers of 2(c), by hand: h, gradient without and with noise, weight."""
    h = np.array([0.1, 0.25, 0.5, 0.9])
    a = np.log(h / (1 - h))

    assert_allclose(
        noisy_cross_entropy_gradient(a, 1, flip_probability=0), h - 1, rtol=1e-12
    )
    assert_allclose(
        noisy_cross_entropy_gradient(a, 1, flip_probability=0.1),
        [-2 / 5, -1 / 2, -2 / 5, -0.8 * 0.09 / 0.82],
        rtol=1e-12,
    )
    assert_allclose(
        sample_weight(a, 1, flip_probability=0.1),
        [4 / 9, 2 / 3, 4 / 5, 1 - 0.1 / 0.82],
        rtol=1e-12,
    )
    limits = sample_weight([-1e4, 1e4], 1, flip_probability=0.1)
    assert_allclose(limits, [0, 8 / 9], rtol=1e-12)


def test_blocks_and_shapes_do_not_show(rng):
    """Many more numbers than a block, in any layout, are those of one at a time."""
    a = rng.normal(size=(3, 12000)).T * 100
    y = rng.integers(0, 2, size=3)
    eps = np.array([[0.0], [0.2]] * 6000)

    both = noisy_cross_entropy_with_gradient(a, y, flip_probability=eps)

    assert both.loss.shape == both.gradient.shape == (12000, 3)
    for i, j in rng.integers(0, 3, size=(50, 2)):
        k = 4000 * i + 17 * j
        alone = noisy_cross_entropy_with_gradient(
            a[k, j], y[j], flip_probability=eps[k, 0]
        )
        # The far form of a block with a far margin rounds otherwise.
        assert_allclose(both.loss[k, j], alone.loss, rtol=1e-12)
        assert_allclose(both.gradient[k, j], alone.gradient, rtol=1e-12, atol=TINY)


def test_integers_and_float32_give_float64_and_stay_as_they_were():
    """The kind of the input changes no digit, and no argument is written to."""
    a, y = np.array([-2, 0, 3], dtype=np.float32), np.array([1, 0, 1], dtype=np.int8)
    kept = a.copy(), y.copy()

    both = noisy_cross_entropy_with_gradient(a, y, flip_probability=0)

    expected = noisy_cross_entropy_with_gradient(
        [-2, 0, 3], [1, 0, 1], flip_probability=0
    )
    assert both.loss.dtype == both.gradient.dtype == np.float64
    assert_array_equal(both.loss, expected.loss)
    assert_array_equal(a, kept[0])
    assert_array_equal(y, kept[1])


def test_nothing_in_gives_nothing_out():
    """An empty batch has an empty loss."""
    assert noisy_cross_entropy([], [], flip_probability=0.1).shape == (0,)


@given(logits, bits, flips)
def test_no_logit_is_too_large(a, y, eps):
    """Every finite logit has finite results within their bounds."""
    both = noisy_cross_entropy_with_gradient(a, y, flip_probability=eps)
    curvature = noisy_cross_entropy_curvature(a, y, flip_probability=eps)

    assert 0.0 <= both.loss < np.inf
    if eps > 0.0:
        assert -np.log1p(-eps) * (1 - 1e-12) <= both.loss <= -np.log(eps) * (1 + 1e-12)
    assert -1.0 <= both.gradient * (2 * y - 1) <= 0.0
    assert np.abs(both.gradient) <= gradient_peak(eps).size * (1 + 1e-12)
    assert -0.25 <= curvature <= 0.25
    assert 0.0 <= label_posterior(a, y, flip_probability=eps) <= 1.0
    assert 0.0 <= sample_weight(a, y, flip_probability=eps) <= 1.0
    assert 0.0 <= logit_information(a, flip_probability=eps) <= 0.25


@given(logits, flips)
def test_labels_are_mirror_images(a, eps):
    """Exchanging the labels and the logit's sign changes the gradient's sign alone."""
    one = noisy_cross_entropy_with_gradient(a, 1, flip_probability=eps)
    zero = noisy_cross_entropy_with_gradient(-a, 0, flip_probability=eps)

    assert one.loss == zero.loss
    assert one.gradient == -zero.gradient


def test_output_gradient_holds_for_any_output(rng):
    """The logistic form is a special case, and probit matches difference quotients."""
    a, y = rng.normal(size=30), rng.integers(0, 2, size=30)

    logistic = output_gradient(expit(a), expit(a) * expit(-a), y, flip_probability=0.1)
    expected = noisy_cross_entropy_gradient(a, y, flip_probability=0.1)
    assert_allclose(logistic, expected, rtol=1e-12)

    def probit_loss(a):
        q = 0.2 + 0.6 * norm.cdf(a)
        return -np.log(np.where(y == 1, q, 1 - q)).sum()

    probit = output_gradient(norm.cdf(a), norm.pdf(a), y, flip_probability=0.2)
    quotient = difference_quotient(probit_loss, a)
    assert_allclose(probit, quotient, rtol=1e-8, atol=1e-9)


def test_output_gradient_refuses_an_impossible_label():
    """Without noise a label of probability 0 has an infinite loss and no gradient."""
    with pytest.raises(ValueError, match=r"`probabilities` holds 0 for a label"):
        output_gradient([0.5, 1.0], 0.25, [1, 0], flip_probability=0)
    with pytest.raises(ValueError, match=r"`probabilities` holds 1.5"):
        output_gradient(1.5, 0.25, 1, flip_probability=0.1)


@pytest.mark.parametrize("eps", [0.0, 0.1])
def test_weight_gradient_sums_over_the_data(rng, eps):
    """A loop over data and the difference quotient of the summed loss agree."""
    z, y = data(rng)
    w = rng.normal(size=(2, 3))

    actual = weight_gradient(w, z, y, flip_probability=eps)

    for row, weights in zip(actual, w, strict=True):
        loop = sum(
            float(slope(mpmath.mpf(float(weights @ zn)), yn, eps)) * zn
            for zn, yn in zip(z, y, strict=True)
        )
        assert_allclose(row, loop, rtol=1e-12)
        quotient = difference_quotient(
            lambda w: noisy_cross_entropy(z @ w, y, flip_probability=eps).sum(), weights
        )
        assert_allclose(row, quotient, rtol=1e-8, atol=1e-8)


def test_sgd_step_is_the_rule_of_the_homework(rng):
    """One example moves the weights by the rule as 2(c) writes it, also in a batch."""
    w, z, y = rng.normal(size=(5, 1, 3)), rng.normal(size=(4, 3)), [0, 1, 1, 0]

    actual = sgd_step(w, z, y, flip_probability=0.1, step_size=0.7)

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
        rng=np.random.default_rng(5), start=[1, 2, 3],
    )  # fmt: skip

    w, orders = np.array([1.0, 2.0, 3.0]), np.random.default_rng(5)
    for i in [*orders.permutation(7), *orders.permutation(7)]:
        w = sgd_step(w, z[i], y[i], flip_probability=0.1, step_size=0.3)
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
        gradient = weight_gradient(fit.weights, z, y, flip_probability=eps)
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

        fit = fit_logistic(z, y, flip_probability=0.1, start=start, max_steps=30)

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


# --- beyond the homework ---------------------------------------------------------


def test_em_bound_keeps_its_digits_far_out():
    """The loss at 0 is log 2; the bound from far out is above it by what it forgets."""
    with mpmath.workdps(40):
        # At b -> infinity the label 1 is true: E(b) + softplus(-a) - softplus(-b).
        expected = float(-mpmath.log(mpmath.mpf("0.9")) + mpmath.log(2))
    for far in (1e3, 1e8, 1e17, 1e308):
        assert_allclose(em_bound(0.0, 1, at=far, flip_probability=0.1), expected)
    with np.errstate(all="raise", under="ignore"):
        largest = em_bound(1.7e308, 1, at=-1.7e308, flip_probability=0.1)
    assert_allclose(largest, 1.7e308)


def test_em_bound_touches_and_lies_above(rng):
    """The bound is never below the loss, meets it at its point, and is convex."""
    a, b = rng.normal(size=(2, 4000)) * 6
    y, eps = rng.integers(0, 2, size=4000), rng.uniform(0, 0.5, size=4000)

    bound = em_bound(a, y, at=b, flip_probability=eps)

    assert (bound >= noisy_cross_entropy(a, y, flip_probability=eps) - 1e-14).all()
    touching = em_bound(b, y, at=b, flip_probability=eps)
    assert_allclose(
        touching, noisy_cross_entropy(b, y, flip_probability=eps), rtol=1e-12
    )
    soft = label_posterior(b, y, flip_probability=eps)
    entropy = -soft * np.log(expit(a)) - (1 - soft) * np.log(expit(-a))
    constant = touching + soft * np.log(expit(b)) + (1 - soft) * np.log(expit(-b))
    # Cross entropy against the soft label, and nothing else, depends on a.
    assert_allclose(bound, entropy + constant, rtol=1e-12, atol=1e-13)


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


@pytest.mark.parametrize("eps", [1e-12, 1e-3, 0.01, 0.1, 0.2, 0.4, 0.4999])
def test_peak_is_the_largest_gradient(eps):
    """A fine grid finds no larger one, and multiple precision the same size."""
    peak = gradient_peak(eps)
    beta = mpmath.log((1 - mpmath.mpf(eps)) / mpmath.mpf(eps))

    assert_allclose(peak.size, float(mpmath.tanh(beta / 4)), rtol=1e-12)
    assert_allclose(peak.margin, float(-beta / 2), rtol=1e-12)
    assert_allclose(peak.probability, expit(peak.margin), rtol=1e-12)
    margins = peak.margin + np.linspace(-30, 30, 20001)
    sizes = np.abs(noisy_cross_entropy_gradient(margins, 1, flip_probability=eps))
    assert_allclose(sizes.max(), peak.size, rtol=1e-12)
    assert sizes.argmax() == 10000


def test_peaks_of_the_homework():
    """At ten percent noise the peak is a half, at h = 1/4 and a = -log 3."""
    peak = gradient_peak([0.1, 0.2, 0.0])

    assert_allclose(peak.size, [1 / 2, 1 / 3, 1], rtol=1e-12)
    assert_allclose(peak.probability, [1 / 4, 1 / 3, 0], rtol=1e-12)
    assert_allclose(peak.margin, [-np.log(3), -np.log(2), -np.inf], rtol=1e-12)


def test_loss_is_convex_exactly_above_the_threshold(rng):
    """The sign of the second difference changes at the threshold and nowhere else."""
    for eps in rng.uniform(0.001, 0.49, size=20):
        threshold = convexity_threshold(eps)
        step = 1e-3
        margins = threshold + np.linspace(-8, 8, 1601) + step / 2
        inside = np.abs(margins - threshold) > 2 * step
        values = [
            noisy_cross_entropy(margins + shift, 1, flip_probability=eps)
            for shift in (-step, 0.0, step)
        ]

        second = values[0] - 2 * values[1] + values[2]

        # Second differences of a loss of order 1 round at a few 1e-16.
        clear = inside & (np.abs(second) > 1e-14)
        assert clear.sum() > 1000
        assert_array_equal(second[clear] > 0, margins[clear] > threshold)
        curvature = noisy_cross_entropy_curvature(-margins, 0, flip_probability=eps)
        assert_array_equal(curvature[inside] > 0, margins[inside] > threshold)


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
        fit = fit_logistic(z, y, flip_probability=0.1, start=start)
        assert fit.converged
        assert fit.weights[0] == pytest.approx(expected, abs=0.01)  # the grid's step

    def total(w):
        return sum(loss(w * mpmath.mpf(v), 1, mpmath.mpf(0.1)) for v in x)

    fit = fit_logistic(z, y, flip_probability=0.1, start=[-30])
    with mpmath.workdps(30):
        root = mpmath.findroot(lambda w: mpmath.diff(total, w), -40)
    assert_allclose(fit.weights, float(root), rtol=1e-9)


@pytest.mark.parametrize("eps", [0.0, 0.1, 0.3])
def test_expected_loss_is_least_at_the_truth(eps):
    """Averaged over labels the loss is least at the logit they were drawn from."""
    grid = np.linspace(-8, 8, 1601)
    for truth in grid[100:-100:100]:
        q = noisy_probability(truth, flip_probability=eps)
        expected = q * noisy_cross_entropy(grid, 1, flip_probability=eps) + (
            1 - q
        ) * noisy_cross_entropy(grid, 0, flip_probability=eps)

        assert grid[expected.argmin()] == pytest.approx(truth)


def test_information_is_the_variance_of_the_gradient():
    """Averaged over labels the squared gradient is the closed form of the page."""
    a = np.linspace(-9, 9, 37)
    for eps in (0.0, 0.1, 0.4):
        h = expit(a)
        q = eps + (1 - 2 * eps) * h

        actual = logit_information(a, flip_probability=eps)

        squares = [
            noisy_cross_entropy_gradient(a, y, flip_probability=eps) ** 2
            for y in (1, 0)
        ]
        assert_allclose(actual, q * squares[0] + (1 - q) * squares[1], rtol=1e-11)
        closed = (1 - 2 * eps) ** 2 * (h * (1 - h)) ** 2 / (q * (1 - q))
        assert_allclose(actual, closed, rtol=1e-11)  # 1 - q loses digits here


def test_fisher_information_is_the_expected_second_derivative(rng):
    """A difference quotient of the expected score in (w, eps) is the same matrix."""
    z = rng.normal(size=(6, 2))
    theta = np.array([0.7, -0.4, 0.15])
    truth = noisy_probability(z @ theta[:2], flip_probability=theta[2])

    def expected_loss(t):
        q = t[2] + (1 - 2 * t[2]) * expit(z @ t[:2])
        return -(truth * np.log(q) + (1 - truth) * np.log(1 - q)).sum()

    def slope_of(i):
        return lambda t: difference_quotient(expected_loss, t, step=1e-4)[i]

    expected = [difference_quotient(slope_of(i), theta, step=1e-4) for i in range(3)]
    actual = fisher_information(theta[:2], z, flip_probability=theta[2])
    # Two nested quotients with step 1e-4 round at 1e-16 / 1e-8.
    assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def test_flips_attenuate_plain_cross_entropy():
    """Plain fits of noisy data shrink as the theorem says, corrected ones do not."""
    rng, n = np.random.default_rng(6790), 100_000
    truth = np.array([1.5, -0.5])
    z = rng.normal(size=(n, 2))
    y = draw_noisy_labels(z @ truth, flip_probability=0.1, rng=rng)

    plain = fit_logistic(z, y, flip_probability=0.0).weights
    corrected = fit_logistic(z, y, flip_probability=0.1).weights

    information = fisher_information(truth, z, flip_probability=0.1)[:2, :2]
    sigma = np.sqrt(np.diag(np.linalg.inv(information)))
    assert (np.abs(corrected - truth) < 5 * sigma).all()
    factor = attenuation_factor(np.linalg.norm(truth), flip_probability=0.1)
    # A misspecified fit varies by about as much as a right one.
    assert (np.abs(plain - factor * truth) < 5 * sigma).all()
    assert (np.abs(plain - truth) > 20 * sigma)[0]


@pytest.mark.parametrize(
    ("r", "eps"), [(0.01, 0.1), (1.58, 0.1), (3.2, 0.3), (40.0, 0.05)]
)
def test_attenuation_solves_its_equation(r, eps):
    """Multiple-precision integrals over the normal density agree at the factor."""
    k = attenuation_factor(r, flip_probability=eps)

    def mean(scale):
        return mpmath.quad(
            lambda g: g * mpmath.tanh(scale * g / 2) * mpmath.exp(-g * g / 2),
            [0, 1 / scale, 2, 5, 12] if scale > 0.5 else [0, 2, 5, 12],
        )

    assert_allclose(float(mean(k * r)), float((1 - 2 * eps) * mean(r)), rtol=1e-10)
    assert 0 < k < 1


def test_attenuation_without_noise_is_none():
    """Clean labels are not shrunk, at any norm."""
    for r in (1e-3, 1.0, 1000.0):
        factor = attenuation_factor(r, flip_probability=0.0)
        # For a large norm the labels are nearly signs, which barely depend on it.
        assert factor == pytest.approx(1, rel=1e-14 * (1 + r**2))


@given(st.floats(-50, 50), st.floats(0, 0.49), st.floats(0, 1))
def test_equivalent_logits_show_the_same_labels(a, eps, share):
    """Whatever is assumed up to the rarer label's probability, q stays as it is."""
    q = noisy_probability(a, flip_probability=eps)
    assumed = 0.98 * share * min(q, 1 - q)
    other = equivalent_logits(a, flip_probability=eps, assumed=assumed)

    assert np.sign(other) == np.sign(a)
    assert_allclose(noisy_probability(other, flip_probability=assumed), q, rtol=1e-12)


def test_equivalent_logits_at_extremes():
    """The same flips change nothing; without flips the logit is that of q."""
    a = np.array([-1e4, -1e-9, 0.0, 1e4])

    assert_array_equal(equivalent_logits(a, flip_probability=0.2, assumed=0.2), a)
    plain = equivalent_logits(a, flip_probability=0.1, assumed=0.0)
    assert_allclose(plain, [-np.log(9), -0.8e-9, 0.0, np.log(9)], rtol=1e-9)
    assert equivalent_logits(1.0, flip_probability=0.1, assumed=0.2) == pytest.approx(
        2 * np.arctanh(np.tanh(0.5) * 0.8 / 0.6), rel=1e-12
    )


def test_equivalent_logits_refuse_more_noise_than_there_is():
    """A rarer label than the assumed flips alone would give cannot be explained."""
    with pytest.raises(
        ValueError, match=r"`assumed` is 0.2, expected less than .* 0.1"
    ):
        equivalent_logits(50.0, flip_probability=0.1, assumed=0.2)
    with pytest.raises(
        ValueError, match=r"`assumed` holds 0.5, expected in \[0, 0.5\)"
    ):
        equivalent_logits(0.0, flip_probability=0.1, assumed=0.5)


def test_flip_probability_is_found_where_it_is_identified():
    """Weights and flips are within five standard errors, at a stationary point."""
    rng, n = np.random.default_rng(1105), 20_000
    truth = np.array([2.0, -1.0])
    z = rng.normal(size=(n, 2)) * [1.0, 2.0]
    y = draw_noisy_labels(z @ truth, flip_probability=0.1, rng=rng)

    fit = fit_flip_probability(z, y)

    assert fit.converged
    found = np.append(fit.weights, fit.flip_probability)
    information = fisher_information(truth, z, flip_probability=0.1)
    sigma = np.sqrt(np.diag(np.linalg.inv(information)))
    assert (np.abs(found - [*truth, 0.1]) < 5 * sigma).all()

    def total(theta):
        return noisy_cross_entropy(z @ theta[:2], y, flip_probability=theta[2]).sum()

    assert fit.loss == pytest.approx(total(found), rel=1e-12)
    # A sum of 2e4 losses rounds at 1e-11, and a quotient divides by 1e-5.
    assert_allclose(difference_quotient(total, found), 0.0, atol=1e-4)
    known = fit_logistic(z, y, flip_probability=fit.flip_probability)
    assert_allclose(fit.weights, known.weights, rtol=1e-6)


def test_clean_labels_are_estimated_to_have_no_flips():
    """Labels that fit too well for any flips give 0, separated ones as well."""
    z = np.repeat([-2.0, -1.0, 1.0, 2.0], 10)[:, None]
    y = np.r_[
        np.zeros(10), np.zeros(7), np.ones(3), np.zeros(3), np.ones(7), np.ones(10)
    ]

    assert fit_flip_probability(z, y).flip_probability == 0.0
    separated = fit_flip_probability(z, (z[:, 0] > 0).astype(float))
    assert separated.flip_probability == 0.0
    assert not separated.converged


def test_flip_probability_is_not_identified_by_three_inputs(rng):
    """On -1, 0 and 1 the likelihood is flat along equivalent pairs, and is refused."""
    z = np.tile([-1.0, 0.0, 1.0], 20)[:, None]
    y = draw_noisy_labels(z[:, 0] * 1.0, flip_probability=0.1, rng=rng)
    other = equivalent_logits(1.0, flip_probability=0.1, assumed=0.2)

    one = noisy_cross_entropy(z[:, 0], y, flip_probability=0.1)
    two = noisy_cross_entropy(z[:, 0] * other, y, flip_probability=0.2)

    assert_allclose(one, two, rtol=1e-12)
    information = fisher_information([1.0], z, flip_probability=0.1)
    assert np.linalg.cond(information) > 1e12
    with pytest.raises(ValueError, match=r"`activations` do not identify"):
        fit_flip_probability(z, y)
    with pytest.raises(ValueError, match=r"`activations` do not identify"):
        fit_flip_probability([[1.0], [1.0]], [1, 0])


def test_fits_give_up_after_their_steps(rng):
    """A limit of one step is reported as no convergence."""
    z = rng.normal(size=(500, 2)) * 3
    y = draw_noisy_labels(z @ [2.0, 1.0], flip_probability=0.2, rng=rng)

    assert not fit_logistic(z, y, flip_probability=0.2, max_steps=1).converged
    assert not fit_flip_probability(z, y, max_steps=8).converged


def test_drawn_labels_have_their_probability():
    """The mean of many draws is q."""
    n, a = 40_000, np.array([[-2.0], [0.5]])
    q = 0.2 + 0.6 * expit(a)

    labels = draw_noisy_labels(
        a.repeat(n, axis=1), flip_probability=0.2, rng=np.random.default_rng(0)
    )

    assert set(np.unique(labels)) == {0.0, 1.0}
    sigma = np.sqrt(q * (1 - q) / n)
    assert (np.abs(labels.mean(axis=1, keepdims=True) - q) < 5 * sigma).all()


ELEMENTWISE = [
    noisy_cross_entropy,
    noisy_cross_entropy_gradient,
    noisy_cross_entropy_with_gradient,
    noisy_cross_entropy_curvature,
    label_posterior,
    sample_weight,
]


@pytest.mark.parametrize("function", ELEMENTWISE, ids=lambda f: f.__name__)
def test_bad_data_are_named(function):
    """Each rejected argument is named with what it is and what it should be."""
    with pytest.raises(ValueError, match=r"`logits` holds nan, expected finite"):
        function([np.nan], [1], flip_probability=0.1)
    with pytest.raises(ValueError, match=r"`labels` holds -1, expected 0 or 1"):
        function([0.0], [-1], flip_probability=0.1)
    with pytest.raises(ValueError, match=r"`flip_probability` .* 0.5, expected in"):
        function([0.0], [1], flip_probability=0.5)
    with pytest.raises(ValueError, match=r"`flip_probability` .* -0.1, expected in"):
        function([0.0], [1], flip_probability=-0.1)
    with pytest.raises(
        ValueError, match=r"`logits` \(2,\), `labels` \(3,\).*broadcast"
    ):
        function([0, 0], [1, 1, 1], flip_probability=0.1)
    with pytest.raises(TypeError, match=r"`logits` is of type"):
        function(["a"], [1], flip_probability=0.1)


def test_bad_training_data_are_named(rng):
    """Shapes, ranges and kinds of the trainers' arguments are checked."""
    z, y = [[1.0, 2.0], [3.0, 4.0]], [0, 1]
    sgd = {"flip_probability": 0.1, "step_size": 1.0, "epochs": 1, "rng": rng}
    with pytest.raises(ValueError, match=r"`labels` has shape \(3,\), expected \(2\)"):
        weight_gradient([0, 0], z, [0, 1, 1], flip_probability=0.1)
    with pytest.raises(ValueError, match=r"`weights` has shape \(3,\)"):
        weight_gradient([0, 0, 0], z, y, flip_probability=0.1)
    with pytest.raises(ValueError, match=r"`activations` has shape \(0,\)"):
        fit_logistic([], [], flip_probability=0.1)
    with pytest.raises(ValueError, match=r"`weights` give an infinite logit"):
        weight_gradient([1e308, 1e308], z, y, flip_probability=0.1)
    with pytest.raises(ValueError, match=r"`weights` give an infinite logit"):
        sgd_step([1e308], [1e308], 1, flip_probability=0.1, step_size=1)
    with pytest.raises(ValueError, match=r"`step_size` is 0, expected > 0"):
        sgd_step([0.0], [1.0], 1, flip_probability=0.1, step_size=0)
    with pytest.raises(ValueError, match=r"`label` holds 2, expected 0 or 1"):
        sgd_step([0.0], [1.0], 2, flip_probability=0.1, step_size=1)
    with pytest.raises(ValueError, match=r"`start` has shape \(1,\), expected \(2\)"):
        train_sgd(z, y, **sgd, start=[0.0])
    with pytest.raises(ValueError, match=r"`batch_size` is 0, expected >= 1"):
        train_sgd(z, y, **sgd, batch_size=0)
    with pytest.raises(ValueError, match=r"`epochs` is 0, expected >= 1"):
        train_sgd(z, y, **{**sgd, "epochs": 0})
    with pytest.raises(TypeError, match=r"`rng` is of type int, expected numpy"):
        train_sgd(z, y, **{**sgd, "rng": 0})
    with pytest.raises(TypeError, match=r"`rng` is of type NoneType"):
        draw_noisy_labels([0.0], flip_probability=0.1, rng=None)
    with pytest.raises(TypeError, match=r"`max_steps` is 1.5, expected an integer"):
        fit_flip_probability(z, y, max_steps=1.5)
    with pytest.raises(
        ValueError, match=r"`flip_probability` is 0, expected in \(0, 0.5"
    ):
        fisher_information([0.0, 0.0], z, flip_probability=0)
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


def test_groups_that_are_fitted_exactly_have_no_flips():
    """The slope in the flip probability is 0 there, up to rounding of either sign."""
    # One label in 3, 5, 9, 17 is 0: the odds are 2^x, and the weight is log 2.
    for sizes in ([3, 5], [3, 5, 9], [3, 9], [5, 17], [3, 5, 9, 17]):
        x = np.repeat(np.log2(np.array(sizes) - 1.0), sizes)
        y = np.concatenate([np.arange(n) > 0 for n in sizes]).astype(float)
        fit = fit_flip_probability(x[:, None], y)
        assert fit.converged
        assert fit.flip_probability == 0.0
        assert_allclose(fit.weights, np.log(2.0), rtol=1e-9)


@pytest.mark.parametrize(
    ("z", "y"),
    [
        ([1, 3, 3, -3, -3, 1, -2, -1], [1, 1, 0, 0, 0, 1, 0, 0]),
        ([-2, 2, 1], [0, 0, 1]),
        ([-3, 0, 2, -3], [1, 0, 0, 0]),
    ],
)
def test_flips_that_explain_all_have_no_finite_weights(z, y):
    """Growing weights lower the loss for ever: said, and no error of NumPy's."""
    z = np.array(z, dtype=float)[:, None]

    fit = fit_flip_probability(z, y)

    assert not fit.converged
    eps = fit.flip_probability
    losses = [
        noisy_cross_entropy(z @ (k * fit.weights), y, flip_probability=eps).sum()
        for k in (0.1, 1.0, 10.0)
    ]
    assert losses[0] >= losses[1] - 1e-9
    assert losses[1] >= losses[2] - 1e-9


def test_not_every_lapack_notices_a_singular_matrix(monkeypatch):
    """Then what it returns is no number, and the fit ends all the same."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(200, 1)) * 2
    y = draw_noisy_labels(z[:, 0] * 2, flip_probability=0.1, rng=rng)
    assert fit_flip_probability(z, y).converged
    solve = np.linalg.solve

    def unaware(a, b):
        # Weights and flip probability together are two.
        return np.full(2, np.nan) if len(a) == 2 else solve(a, b)

    monkeypatch.setattr(np.linalg, "solve", unaware)

    fit = fit_flip_probability(z, y)

    assert not fit.converged
    assert np.isfinite(fit.weights).all()


def test_a_gain_that_is_lost_in_the_sum_is_none(monkeypatch):
    """Where the loss falls by less than its rounding, the search for it ends."""
    z, y = np.array([[1.0], [9.0]]).repeat(8, axis=0), np.array(7 * [1, 1] + [0, 0])
    assert fit_flip_probability(z, y).flip_probability > 0.0
    monkeypatch.setattr(noisy_targets, "_total_loss", lambda *_: 1.0)

    assert fit_flip_probability(z, y).flip_probability == 0.0
