import itertools

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles import difference_quotient
from scipy.special import expit
from scipy.stats import entropy

from hw4lib.noisy_targets import (
    attenuation_factor,
    draw_noisy_labels,
    equivalent_logits,
    fisher_information,
    fit_flip_probability,
    fit_logistic,
    logit_information,
    noisy_cross_entropy,
    noisy_cross_entropy_gradient,
    noisy_probability,
)
from hw4lib.noisy_targets.identification import _score


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
    actual = fisher_information(z, theta[:2], flip_probability=theta[2])
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

    information = fisher_information(z, truth, flip_probability=0.1)[:2, :2]
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
    information = fisher_information(z, truth, flip_probability=0.1)
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
    information = fisher_information(z, [1.0], flip_probability=0.1)
    assert np.linalg.cond(information) > 1e12
    with pytest.raises(ValueError, match=r"`activations` do not identify"):
        fit_flip_probability(z, y)
    with pytest.raises(ValueError, match=r"`activations` do not identify"):
        fit_flip_probability([[1.0], [1.0]], [1, 0])


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


def test_one_example_does_not_decide_for_a_hundred():
    """The better of two maxima is found, though the fit without noise is at the other.

    Without flips the weight has to fit a far example with a wrong label; with six flips
    in 101 it need not. That likelihood is higher by e^47, at weights without bound.
    """
    z, y = [[100.0]] + [[1.0]] * 100, [0] + [1] * 95 + [0] * 5

    fit = fit_flip_probability(z, y)

    limit = -95 * np.log(95 / 101) - 6 * np.log(6 / 101)
    assert fit.loss == pytest.approx(limit, abs=1e-6)
    assert fit.flip_probability == pytest.approx(6 / 101, abs=1e-6)
    assert fit.weights[0] > 15
    assert not fit.converged
    assert fit_logistic(z, y, flip_probability=0.0).loss > fit.loss + 40


@pytest.mark.parametrize("seed", range(12))
def test_no_point_of_a_grid_is_better(seed):
    """Heavy tails and few examples, where maxima are many: none on a grid is higher."""
    rng = np.random.default_rng(seed)
    z = rng.standard_t(1.5, size=(60, 1))
    y = draw_noisy_labels(2.0 * z[:, 0], flip_probability=0.15, rng=rng)

    fit = fit_flip_probability(z, y)

    grid = np.r_[-np.geomspace(100, 0.01, 200), np.geomspace(0.01, 100, 200)]
    for eps in np.linspace(0.0, 0.49, 50):
        losses = noisy_cross_entropy(grid[:, None] * z[:, 0], y, flip_probability=eps)
        assert fit.loss <= losses.sum(axis=1).min() * (1 + 1e-9)


def test_flip_probability_of_soft_labels():
    """A soft label counts as the examples that it averages."""
    z = np.repeat([0.5, 2.0, 8.0, 30.0, -3.0], 4)[:, None]
    quarters = np.array([2, 3, 2, 4, 3, 4, 3, 4, 4, 3, 3, 4, 3, 4, 4, 3, 0, 1, 0, 1])
    hard = (np.arange(4) < quarters[:, None]).astype(float).ravel()

    soft = fit_flip_probability(z, quarters / 4)

    four = fit_flip_probability(z.repeat(4, axis=0), hard)
    assert soft.converged
    assert soft.flip_probability > 0.05
    assert soft.flip_probability == pytest.approx(four.flip_probability, rel=1e-6)
    assert_allclose(soft.weights, four.weights, rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_drawn_flips_are_found_again(seed):
    """Draw, fit, compare: errors as the information predicts, with an intercept."""
    rng, n, truth = np.random.default_rng(seed), 5000, np.array([0.5, 2.0])
    z = np.column_stack([np.ones(n), 2.0 * rng.normal(size=n)])
    y = draw_noisy_labels(z @ truth, flip_probability=0.1, rng=rng)

    fit = fit_flip_probability(z, y)

    assert fit.converged
    error = np.append(fit.weights, fit.flip_probability) - [*truth, 0.1]
    information = fisher_information(z, truth, flip_probability=0.1)
    # Chi-squared with three degrees of freedom passes 30 once in 700,000.
    assert error @ information @ error < 30


def test_the_same_call_gives_the_same_bits(rng):
    """The directions at random are the same each time, and no global state is used."""
    z = rng.normal(size=(50, 2)) * 3
    y = draw_noisy_labels(z @ [2.0, 1.0], flip_probability=0.2, rng=rng)

    one, two = fit_flip_probability(z, y), fit_flip_probability(z, y)

    assert_array_equal(one.weights, two.weights)
    assert one.flip_probability == two.flip_probability


def test_tiny_flip_probabilities_end_the_scoring():
    """What so few flips would gain is lost in the sum of the losses."""
    z, y = np.array([[1.0], [-1.0]]), np.array([1.0, 0.0])

    theta, steps, converged = _score(z, y, np.array([1.0, 1e-16]), 10)

    assert (steps, converged) == (1, False)
    assert_array_equal(theta, [1.0, 1e-16])


def test_equivalent_logits_of_extremes():
    """Subnormal flips bound the logits of plain cross entropy at log 1/eps."""
    for eps in (5e-324, 1e-310, 1e-300, 1e-17, 0.25, 0.4999999):
        with mpmath.workdps(900):
            wide = mpmath.mpf(eps)
            expected = float(mpmath.log((1 - wide) / wide))
        for a in (1e4, 1e300, 1.7e308):
            actual = equivalent_logits([a, -a], flip_probability=eps, assumed=0.0)
            assert_allclose(actual, [expected, -expected], rtol=1e-12)
    for a in (0.0, 5e-324, 1e-300, 1e-9, 3.0):
        with mpmath.workdps(400):
            wide = mpmath.tanh(mpmath.mpf(a) / 2) * (1 - 2 * mpmath.mpf(0.1))
            expected = float(2 * mpmath.atanh(wide))
        actual = equivalent_logits(a, flip_probability=0.1, assumed=0.0)
        assert_allclose(actual, expected, rtol=1e-12, atol=5e-324)
    z = np.array([1.0, 2.0])
    same = equivalent_logits(z, flip_probability=0.1, assumed=0.1)
    assert_array_equal(same, z)
    assert not np.may_share_memory(same, z)


@pytest.mark.parametrize("eps", [0.0, 0.1, 0.49, np.nextafter(0.5, 0)])
def test_attenuation_of_tiny_norms(eps):
    """Where the model is linear only the factor 1 - 2 eps is left."""
    for r in (5e-324, 1e-310, 1e-150, 1e-9):
        actual = attenuation_factor(r, flip_probability=eps)
        assert_allclose(actual, 1 - 2 * eps, rtol=1e-12)
    assert type(attenuation_factor(np.float32(1), flip_probability=0.1)) is np.float64


def test_information_at_extremes():
    """Multiple precision agrees, or the information is past the largest float."""
    grid = itertools.product((0.0, 40.0, -400.0, 700.0), (5e-324, 1e-300, 1e-20, 0.1))
    for a, eps in grid:
        with mpmath.workdps(900):
            wide, e = mpmath.mpf(a), mpmath.mpf(eps)
            h, not_h = 1 / (1 + mpmath.exp(-wide)), 1 / (1 + mpmath.exp(wide))
            q, not_q = e + (1 - 2 * e) * h, e + (1 - 2 * e) * not_h
            slopes = (1 - 2 * e) * h * not_h, not_h - h
            expected = [[s * t / (q * not_q) for s in slopes] for t in slopes]
        if expected[1][1] > 1.7e308:
            with pytest.raises(ValueError, match=r"`flip_probability`|`activations`"):
                fisher_information([[1.0]], [a], flip_probability=eps)
        else:
            actual = fisher_information([[1.0]], [a], flip_probability=eps)
            expected = np.array(expected, dtype=float)
            assert_allclose(actual, expected, rtol=1e-12, atol=1e-307)
        information = logit_information(a, flip_probability=eps)
        assert_allclose(information, float(expected[0][0]), rtol=1e-12, atol=1e-307)
    assert type(logit_information(0.0, flip_probability=0)) is np.float64


def test_information_of_huge_activations():
    """Their squares are past the largest float, unless the weights are as small."""
    with pytest.raises(ValueError, match=r"`activations` .* result too large"):
        fisher_information([[1e200]], [0.0], flip_probability=0.1)
    with pytest.raises(ValueError, match=r"`weights` give an infinite logit"):
        fisher_information([[1e200]], [1e200], flip_probability=0.1)


@pytest.mark.parametrize("seed", [*range(18), 21, 42, 60, 70])
def test_no_hyperplane_with_flips_is_better(seed):
    """In these draws (not in all, as documented) the loss is at most n H(k / n)."""
    rng, n = np.random.default_rng(seed), 30
    z = rng.standard_t(1.2, size=(n, 2)) if seed % 2 else rng.lognormal(0, 1.5, (n, 2))
    y = draw_noisy_labels(z @ [2.0, -1.0], flip_probability=0.15, rng=rng)

    fit = fit_flip_probability(z, y)

    # A line through 0 changes its labels where it passes an example.
    angles = np.sort((np.arctan2(z[:, 1], z[:, 0]) + np.pi / 2) % np.pi)
    between = (angles + np.r_[angles[1:], angles[0] + np.pi]) / 2
    w = np.column_stack([np.cos(between), np.sin(between)])
    wrong = ((z @ w.T > 0) != y[:, None]).sum(axis=0)
    k = np.minimum(wrong, n - wrong).min()
    assert fit.loss <= n * entropy([k / n, 1 - k / n]) + 1e-6


def test_a_search_ends_after_its_steps(rng):
    """The steps of the race count: a limit is not exceeded by what comes after."""
    z = rng.normal(size=(40, 1)) * 3
    y = draw_noisy_labels(2.0 * z[:, 0], flip_probability=0.2, rng=rng)
    for limit in (12, 25, 60):
        assert fit_flip_probability(z, y, max_steps=limit).steps <= limit
    far = fit_flip_probability([[100.0]] + [[1.0]] * 100, [0] + [1] * 95 + [0] * 5)
    assert not far.converged
    assert far.steps <= 200


def test_steps_of_the_flip_probability_alone_stay_below_a_half(monkeypatch):
    """Weights that predict worse than chance: a full step would pass 1/2."""

    def singular(*_):
        raise np.linalg.LinAlgError

    monkeypatch.setattr(np.linalg, "solve", singular)
    z = np.linspace(-2, 2, 9)[:, None]
    theta, steps, converged = _score(z, (z[:, 0] > 0) * 1.0, np.array([-1.0, 0.1]), 50)

    assert theta[0] == -1.0
    assert 0.49 < theta[1] < 0.5
    assert 1 < steps < 50
    assert not converged
