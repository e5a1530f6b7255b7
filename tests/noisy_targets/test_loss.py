import functools
import itertools

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles import difference_quotient
from scipy.special import expit, log_expit
from scipy.stats import binom, binomtest, chisquare, norm

from hw4lib.noisy_targets import (
    backward_corrected_gradient,
    backward_corrected_loss,
    convexity_threshold,
    draw_noisy_labels,
    em_bound,
    flip_labels,
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

    def slopes(a):
        return noisy_cross_entropy_gradient(a, y, flip_probability=eps).sum()

    both = noisy_cross_entropy_with_gradient(a, y, flip_probability=eps)
    assert_allclose(both.loss.sum(), total(a), rtol=1e-12)
    quotient = difference_quotient(total, a)
    assert_allclose(both.gradient, quotient, rtol=1e-8, atol=1e-9)
    curvature = noisy_cross_entropy_curvature(a, y, flip_probability=eps)
    quotient = difference_quotient(slopes, a)
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
    with pytest.raises(ValueError, match=r"`probabilities` holds -0.5, expected in"):
        output_gradient(-0.5, 0.25, 1, flip_probability=0.1)


@pytest.mark.parametrize("eps", [0.0, 0.1])
def test_weight_gradient_sums_over_the_data(rng, eps):
    """A loop over data and the difference quotient of the summed loss agree."""
    z, y = data(rng)
    w = rng.normal(size=(2, 3))

    actual = weight_gradient(z, y, w, flip_probability=eps)

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
    hard = function in (label_posterior, sample_weight)
    expected = "0 or 1" if hard else r"in \[0, 1\]"
    with pytest.raises(ValueError, match=rf"`labels` holds -1, expected {expected}"):
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


# --- soft labels -----------------------------------------------------------------

SOFT = [
    noisy_cross_entropy,
    noisy_cross_entropy_gradient,
    noisy_cross_entropy_curvature,
    backward_corrected_loss,
    backward_corrected_gradient,
]


@pytest.mark.parametrize("function", SOFT, ids=lambda f: f.__name__)
def test_soft_labels_average_hard_ones(function, rng):
    """A label of 3/4 counts as three labels 1 and one label 0 of the same example."""
    a, eps = rng.normal(size=200) * 30, rng.uniform(0, 0.49, size=200)
    y = rng.uniform(size=200)

    one, zero = (function(a, label, flip_probability=eps) for label in (1, 0))

    expected = y * one + (1 - y) * zero
    assert_allclose(function(a, y, flip_probability=eps), expected, rtol=1e-12)
    quarter = function(a, 0.75, flip_probability=eps)
    four = function(a[:, None], [[1, 1, 1, 0]], flip_probability=eps[:, None])
    assert_allclose(quarter, four.mean(axis=1), rtol=1e-12, atol=1e-15)


def test_soft_labels_elsewhere(rng):
    """Together, for any output, over weights and in EM's bound they average as well."""
    a, y = rng.normal(size=50), rng.uniform(size=50)
    both = noisy_cross_entropy_with_gradient(a, y, flip_probability=0.1)
    z, w = rng.normal(size=(50, 2)), np.array([1.0, -2.0])

    gradient = noisy_cross_entropy_gradient(a, y, flip_probability=0.1)
    assert_allclose(both.loss, noisy_cross_entropy(a, y, flip_probability=0.1))
    assert_allclose(both.gradient, gradient, rtol=1e-12)
    for_any = output_gradient(expit(a), expit(a) * expit(-a), y, flip_probability=0.1)
    # The two terms cancel where the label is about its probability.
    assert_allclose(for_any, gradient, rtol=1e-12, atol=1e-15)

    def total(w):
        return noisy_cross_entropy(z @ w, y, flip_probability=0.1).sum()

    actual = weight_gradient(z, y, w, flip_probability=0.1)
    assert_allclose(actual, difference_quotient(total, w), rtol=1e-8, atol=1e-8)
    bound = em_bound(a, y, at=0.5, flip_probability=0.1)
    one, zero = (em_bound(a, label, at=0.5, flip_probability=0.1) for label in (1, 0))
    assert_allclose(bound, y * one + (1 - y) * zero, rtol=1e-12)


def test_scipy_in_float32():
    """What SciPy returns in float32 is accepted, and agrees to its seven digits."""
    a = np.linspace(-20, 20, 81, dtype=np.float32)
    h = expit(a)
    assert h.dtype == np.float32

    plain = noisy_cross_entropy(a, h, flip_probability=np.float32(0))

    expected = -h * log_expit(a) - (1 - h) * log_expit(-a)
    # float32 has seven digits, and 1 - h fewer where h is close to 1.
    assert_allclose(plain, expected, rtol=1e-5, atol=1e-6)
    slopes = output_gradient(h, h * expit(-a), 1, flip_probability=np.float32(0.1))
    actual = noisy_cross_entropy_gradient(a, 1, flip_probability=0.1)
    assert_allclose(slopes, actual, rtol=1e-5)


# --- extremes --------------------------------------------------------------------

LARGEST = np.finfo(float).max
FAR = [0.0, 5e-324, 1e-300, 1e-150, 1e-8, 0.7, 50.0, 708.0, 1e3, 1e150, 1e300, LARGEST]
EDGES = [0.0, 5e-324, 1e-310, 1e-150, 0.1, 0.25, np.nextafter(0.5, 0)]


def far_grid():
    grid = itertools.product(FAR, (1, -1), (0, 1), EDGES)
    return [(sign * a, y, eps) for a, sign, y, eps in grid]


@functools.cache
def sides(a):
    """Return h and 1 - h, neither by subtraction."""
    return 1 / (1 + mpmath.exp(-a)), 1 / (1 + mpmath.exp(a))


def far_seen(a, y, eps):
    h, not_h = sides(a)
    return (1 - eps) * (h if y else not_h) + eps * (not_h if y else h)


def far_slope(a, y, eps):
    h, not_h = sides(a)
    return (1 - 2 * y) * (1 - 2 * eps) * h * not_h / far_seen(a, y, eps)


def far_bend(a, y, eps):
    h, not_h = sides(a)
    first = far_slope(a, y, eps)
    return first * first + first * (not_h - h)


def far_posterior(a, y, eps):
    return sides(a)[0] * ((1 - eps) if y else eps) / far_seen(a, y, eps)


def far_corrected(a, y, eps):
    one, zero = (-mpmath.log(sides(a)[i]) for i in (0, 1))
    right, wrong = (one, zero) if y else (zero, one)
    return ((1 - eps) * right - eps * wrong) / (1 - 2 * eps)


def far_corrected_slope(a, y, eps):
    h, not_h = sides(a)
    right, wrong = (-not_h, h) if y else (h, -not_h)
    return ((1 - eps) * right - eps * wrong) / (1 - 2 * eps)


@pytest.mark.parametrize(
    ("function", "formula"),
    [
        (noisy_cross_entropy, lambda a, y, e: -mpmath.log(far_seen(a, y, e))),
        (noisy_cross_entropy_gradient, far_slope),
        (noisy_cross_entropy_curvature, far_bend),
        (label_posterior, far_posterior),
        (sample_weight, lambda a, y, e: 1 - e / far_seen(a, y, e)),
        (backward_corrected_gradient, far_corrected_slope),
    ],
    ids=lambda f: f.__name__,
)
def test_every_finite_logit(function, formula):
    """The definition in 900 digits agrees, up to the largest logit."""
    grid = far_grid()
    with mpmath.workdps(900):
        expected = [
            float(formula(mpmath.mpf(a), y, mpmath.mpf(eps))) for a, y, eps in grid
        ]

    a, y, eps = (np.array(column) for column in zip(*grid, strict=True))
    actual = function(a, y, flip_probability=eps)

    # An exponential of an exponent near 1e3 is known to 1e3 times rounding.
    assert_allclose(actual, expected, rtol=1e-12, atol=TINY)


def test_corrected_loss_of_every_logit_or_a_refusal():
    """Digits are lost where two terms cancel; past the largest float it is refused."""
    for a, y, eps in far_grid():
        with mpmath.workdps(900):
            exact_loss = far_corrected(mpmath.mpf(a), y, mpmath.mpf(eps))
            scale = 1 + abs(mpmath.mpf(a)) * (1 + eps / (1 - 2 * mpmath.mpf(eps)))
        if abs(exact_loss) > LARGEST:
            with pytest.raises(ValueError, match=r"`logits` .* result too large"):
                backward_corrected_loss(a, y, flip_probability=eps)
            continue
        actual = backward_corrected_loss(a, y, flip_probability=eps)
        assert abs(actual - exact_loss) <= 4e-16 * scale


@pytest.mark.parametrize("eps", EDGES)
def test_em_bound_of_every_pair_of_logits(eps):
    """The definition in 900 digits agrees at every pair."""
    pairs = [-LARGEST, -1e3, -50.0, 0.0, 0.7, 50.0, LARGEST]
    for a, b, y in itertools.product(pairs, pairs, (0, 1)):
        with mpmath.workdps(900):
            wide = mpmath.mpf(a), mpmath.mpf(b), mpmath.mpf(eps)
            gamma = far_posterior(wide[1], y, wide[2])
            log_ratio = [
                mpmath.log(at_b / at_a)
                for at_a, at_b in zip(sides(wide[0]), sides(wide[1]), strict=True)
            ]
            expected = -mpmath.log(far_seen(wide[1], y, wide[2]))
            expected += gamma * log_ratio[0] + (1 - gamma) * log_ratio[1]
            expected = float(expected)

        actual = em_bound(a, y, at=b, flip_probability=eps)

        # A posterior below the smallest float, 5e-324, is 0, times at most 1.8e308.
        assert_allclose(actual, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("power", range(-3, 4))
def test_output_gradient_of_tiny_probabilities(power):
    """A probability and its slope may both be subnormal; their quotient is exact."""
    tiny = 5e-324 * 10.0 ** (5 + power)

    assert output_gradient(tiny, tiny, 1, flip_probability=0) == -1.0
    assert output_gradient(tiny, 1.0, 0, flip_probability=0) == 1.0
    assert output_gradient(tiny, 1.0, tiny, flip_probability=0) == 0.0
    assert output_gradient(0.0, 3.0, 0, flip_probability=0) == 3.0
    assert output_gradient(1.0, 3.0, 1, flip_probability=0) == -3.0


def test_output_gradient_of_the_largest_slope():
    """Two terms may be past the largest float though their difference is not."""
    actual = output_gradient(0.25, LARGEST, 0.375, flip_probability=0)

    assert_allclose(actual, -2 / 3 * LARGEST, rtol=1e-12)
    with pytest.raises(ValueError, match=r"`derivatives` makes the result too large"):
        output_gradient(0.25, LARGEST, 1, flip_probability=0)


def test_sums_whose_parts_overflow():
    """Three halves up and one down are one, of the largest numbers too."""
    z, y = [[1.7e308]] * 4, [1, 1, 1, 0]

    assert weight_gradient(z, y, [0.0], flip_probability=0) == [-1.7e308]
    # A logit too: two terms of 2e308 cancel, and 1/2 is left.
    row = [[1e308, -1e308, 0.5]]
    actual = weight_gradient(row, [1], [2.0, 2.0, 1.0], flip_probability=0)
    assert_allclose(actual, -expit(-0.5) * np.array(row[0]), rtol=1e-12)
    with pytest.raises(ValueError, match=r"`activations` makes the result too large"):
        weight_gradient(z, [1, 1, 1, 1], [0.0], flip_probability=0)


def test_whatever_numpy_is_told_to_do_about_errors():
    """The caller's settings change nothing: no warning, and nothing raised."""
    with np.errstate(all="raise"):
        for eps in (0.0, 5e-324, 0.1):
            for a in (-LARGEST, -1e3, 0.0, 1e3, LARGEST):
                noisy_cross_entropy_with_gradient(a, 1, flip_probability=eps)
                noisy_cross_entropy_curvature(a, 0, flip_probability=eps)
                em_bound(a, 1, at=-a, flip_probability=eps)
            gradient_peak(eps)
            convexity_threshold(eps)


# --- how it is called --------------------------------------------------------------


def test_scalars_give_scalars():
    """A number for numbers, an array for arrays, of NumPy's kind."""
    for function in [*ELEMENTWISE[:2], *ELEMENTWISE[3:], *SOFT]:
        assert type(function(0.5, 1, flip_probability=0.1)) is np.float64
        assert function([0.5], 1, flip_probability=0.1).shape == (1,)
    both = noisy_cross_entropy_with_gradient(0.5, True, flip_probability=0.1)
    assert type(both.loss) is type(both.gradient) is np.float64
    peak = gradient_peak(np.float32(0.25))
    assert type(peak.margin) is type(peak.probability) is type(peak.size) is np.float64
    assert type(convexity_threshold(0.1)) is np.float64
    assert type(draw_noisy_labels(0.0, flip_probability=0.1, rng=0)) is np.float64
    assert type(flip_labels(1, flip_probability=0.1, rng=0)) is np.float64


@pytest.mark.parametrize("function", [*ELEMENTWISE, *SOFT], ids=lambda f: f.__name__)
def test_a_column_with_flat_labels_is_refused(function):
    """It would broadcast to a square that nobody asked for; torch raises as well."""
    for a, y in [((3, 1), (3,)), ((3,), (3, 1)), ((2, 2), (2, 2, 1))]:
        with pytest.raises(ValueError, match=r"`labels` has shape .*, expected"):
            function(np.zeros(a), np.ones(y), flip_probability=0.1)
    # A grid is written with the new axis of each.
    square = noisy_cross_entropy(
        np.zeros((3, 1)), np.ones((1, 3)), flip_probability=0.1
    )
    assert square.shape == (3, 3)
    assert noisy_cross_entropy(np.zeros((1, 1)), [1], flip_probability=0).shape == (
        1,
        1,
    )


def test_columns_elsewhere_are_refused():
    """Outputs and the points where EM touches are held to the labels as well."""
    with pytest.raises(
        ValueError, match=r"`labels` has shape \(3,\), expected \(3, 1\)"
    ):
        output_gradient(np.full((3, 1), 0.5), 1.0, [1, 0, 1], flip_probability=0.1)
    with pytest.raises(
        ValueError, match=r"`labels` has shape \(3,\), expected \(3, 1\)"
    ):
        em_bound(0.0, [1, 0, 1], at=np.zeros((3, 1)), flip_probability=0.1)


@pytest.mark.parametrize("function", [*ELEMENTWISE, *SOFT], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "wrong",
    [None, "1", {1}, iter([1]), abs, 1j, object(), [1, None]],
    ids=lambda x: type(x).__name__,
)
def test_wrong_kinds_are_named(function, wrong):
    """Whatever is not a real number is a TypeError with the caller's name for it."""
    with pytest.raises(TypeError, match=r"`logits` is of type"):
        function(wrong, 1, flip_probability=0.1)
    with pytest.raises(TypeError, match=r"`labels` is of type"):
        function(0.0, wrong, flip_probability=0.1)
    with pytest.raises(TypeError, match=r"`flip_probability` is of type"):
        function(0.0, 1, flip_probability=wrong)


def test_what_would_not_fit_is_refused_first():
    """A square of 10^7 rows is refused before anything of its size is allocated."""
    a, y = np.zeros((10**7, 1)), np.zeros((1, 10**7))
    with pytest.raises(MemoryError, match=r"`logits` is of shape"):
        noisy_cross_entropy(a, y, flip_probability=0.1)
    with pytest.raises(MemoryError, match=r"`weights` is of shape \(10000000, 1\)"):
        weight_gradient(a, np.zeros(10**7), a, flip_probability=0.1)


def test_results_are_no_views(rng):
    """Writing to a result changes no argument."""
    a = rng.normal(size=5)
    for function in SOFT:
        assert not np.may_share_memory(function(a, 1, flip_probability=0), a)
    y = np.array([0.0, 1.0])
    assert not np.may_share_memory(flip_labels(y, flip_probability=0, rng=0), y)


# --- draws -------------------------------------------------------------------------


def binomial_p_value(counts, n, q):
    """Chi-squared test that counts are binomial, cells of at least five expected."""
    expected = binom.pmf(np.arange(n + 1), n, q) * len(counts)
    observed = np.bincount(counts, minlength=n + 1)
    cells = np.searchsorted(np.cumsum(expected), np.arange(5, len(counts) - 5, 10))
    edges = np.unique(np.r_[0, cells + 1, n + 1])
    observed, expected = (np.add.reduceat(x, edges[:-1]) for x in (observed, expected))
    return chisquare(observed, expected).pvalue


def test_counts_of_drawn_labels_are_binomial():
    """Over a thousand seeds the number of ones has the distribution that q implies."""
    n, eps = 40, 0.2
    for a in (-2.0, 0.5):
        logits = np.full(n, a)
        counts = [
            int(draw_noisy_labels(logits, flip_probability=eps, rng=seed).sum())
            for seed in range(1000)
        ]
        # A right sampler fails here once in a million.
        assert binomial_p_value(counts, n, eps + (1 - 2 * eps) * expit(a)) > 1e-6


def test_counts_of_flips_are_binomial_for_either_label():
    """Zeros and ones are flipped alike, as often as asked, whatever the seed."""
    n, eps = 40, 0.15
    for y in (0, 1):
        labels = np.full(n, y)
        counts = [
            int((flip_labels(labels, flip_probability=eps, rng=seed) != y).sum())
            for seed in range(1000)
        ]
        assert binomial_p_value(counts, n, eps) > 1e-6


def test_flips_of_clean_labels_are_noisy_labels():
    """Drawing true labels and flipping them has the distribution of the model."""
    n, a = 40_000, 0.8
    clean = draw_noisy_labels(np.full(n, a), flip_probability=0, rng=1)
    noisy = flip_labels(clean, flip_probability=0.3, rng=2)

    q = float(noisy_probability(a, flip_probability=0.3))
    assert binomtest(int(noisy.sum()), n, q).pvalue > 1e-6
    assert binomtest(int((noisy != clean).sum()), n, 0.3).pvalue > 1e-6


def test_flips_broadcast_and_repeat():
    """Each label with its own flip probability; one seed, one outcome."""
    eps = np.array([[0.0], [0.49]])
    one, two = (flip_labels([0, 1, 1], flip_probability=eps, rng=7) for _ in range(2))

    assert one.shape == (2, 3)
    assert_array_equal(one, two)
    assert_array_equal(one[0], [0, 1, 1])
    with pytest.raises(ValueError, match=r"`labels` holds 0.5, expected 0 or 1"):
        flip_labels([0.5], flip_probability=0.1, rng=0)
    with pytest.raises(TypeError, match=r"`rng` is 'dice'"):
        flip_labels([1], flip_probability=0.1, rng="dice")


# --- the backward-corrected loss -----------------------------------------------------


def test_corrected_loss_is_unbiased(rng):
    """Averaged over the flip it is the cross entropy of the true label."""
    a, y = rng.normal(size=100) * 5, rng.integers(0, 2, size=100)
    eps = rng.uniform(0, 0.45, size=100)

    kept, flipped = (
        backward_corrected_loss(a, label, flip_probability=eps) for label in (y, 1 - y)
    )

    clean = noisy_cross_entropy(a, y, flip_probability=0)
    assert_allclose((1 - eps) * kept + eps * flipped, clean, rtol=1e-12, atol=1e-13)


def test_corrected_loss_is_convex_with_its_gradient():
    """Its gradient is its slope and never falls, where that of the likelihood does."""
    a = np.linspace(-20, 20, 401)
    for y, eps in itertools.product((0, 1), (0.0, 0.1, 0.4)):
        gradient = backward_corrected_gradient(a, y, flip_probability=eps)
        quotient = difference_quotient(
            lambda a, y=y, eps=eps: backward_corrected_loss(
                a, y, flip_probability=eps
            ).sum(),
            a[::40],
        )
        assert_allclose(gradient[::40], quotient, rtol=1e-8, atol=1e-8)
        assert (np.diff(gradient) >= 0).all()
    assert (np.diff(noisy_cross_entropy_gradient(a, 1, flip_probability=0.1)) < 0).any()


def test_a_curve_has_no_seam_where_its_formula_changes():
    """Loss and gradient together are those of each, on either side of the seam."""
    a = np.array([339.0, 341.0, 352.0, 365.0, 420.0])
    for sign, eps in itertools.product((1, -1), (0.0, 1e-300, 0.1)):
        for logit in sign * a:
            both = noisy_cross_entropy_with_gradient(logit, 1, flip_probability=eps)
            loss = noisy_cross_entropy(logit, 1, flip_probability=eps)
            gradient = noisy_cross_entropy_gradient(logit, 1, flip_probability=eps)
            assert_allclose(both.loss, loss, rtol=1e-12)
            assert_allclose(both.gradient, gradient, rtol=1e-12)


@pytest.mark.parametrize("eps", [0.3, 0.4999, 0.4999999999, np.nextafter(0.5, 0)])
def test_log_odds_of_nearly_a_half(eps):
    """They keep their digits where the two logarithms agree."""
    with mpmath.workdps(50):
        expected = float(-mpmath.atanh(1 - 2 * mpmath.mpf(float(eps))))

    assert_allclose(gradient_peak(eps).margin, expected, rtol=1e-14)


def test_no_flips_even_where_the_draw_is_zero():
    """A draw of exactly 0 is possible; a flip probability of 0 forbids the flip."""

    class Zeros(np.random.Generator):
        def random(self, size=None, *_, **__):
            return np.zeros(size)

    rng = Zeros(np.random.PCG64(0))
    assert_array_equal(flip_labels([0, 1], flip_probability=0, rng=rng), [0, 1])
    drawn = draw_noisy_labels([-1e4, 1e4], flip_probability=0, rng=rng)
    assert_array_equal(drawn, [0, 1])


@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [
        ("logits", np.nan, "finite numbers"),
        ("logits", -np.inf, "finite numbers"),
        ("labels", np.nan, "finite numbers"),
        ("labels", -0.5, r"in \[0, 1\]"),
        ("labels", 2.0, r"in \[0, 1\]"),
        ("flip_probability", np.nan, "finite numbers"),
        ("flip_probability", -0.1, r"in \[0, 0.5\)"),
        ("flip_probability", 0.5, r"in \[0, 0.5\)"),
    ],
)
def test_a_compiled_loop_names_the_argument_that_is_wrong(name, number, expected):
    """The loop only knows that one is."""
    arguments = {
        "logits": np.arange(5.0),
        "labels": np.ones(5),
        "flip_probability": np.full(5, 0.1),
    }
    arguments[name][3] = number
    for f in (
        noisy_cross_entropy,
        noisy_cross_entropy_gradient,
        noisy_cross_entropy_with_gradient,
    ):
        with pytest.raises(ValueError, match=f"`{name}` holds .*, expected {expected}"):
            f(**arguments, engine="numba")


@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize(
    "last", [(3.0, 1.0), (3.0, 0.25), (345.0, 1.0), (-1e300, 0.5)], ids=str
)
def test_a_compiled_loop_is_the_formula_of_the_sheet(rng, last):
    """And one soft label, or one large logit, changes the loss of no other entry."""
    a, y = np.append(rng.normal(size=9), last[0]), np.append(np.arange(9) % 2, last[1])
    both = noisy_cross_entropy_with_gradient(a, y, flip_probability=0.1, engine="numba")

    one, zero = (
        -np.logaddexp(np.log(p) + log_expit(a), np.log1p(-p) + log_expit(-a))
        for p in (0.9, 0.1)
    )
    assert_allclose(both.loss, y * one + (1.0 - y) * zero, rtol=1e-12)
    slope = 0.8 * expit(a) * expit(-a)
    one, zero = -slope / (0.1 + 0.8 * expit(a)), slope / (0.1 + 0.8 * expit(-a))
    # Where the two terms cancel, so do their digits.
    assert_allclose(both.gradient, y * one + (1.0 - y) * zero, rtol=1e-12, atol=1e-16)
