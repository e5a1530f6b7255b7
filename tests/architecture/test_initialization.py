import itertools
import math
import tracemalloc

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.stats import ks_2samp, kstest, norm

from hw4lib.architecture.initialization import (
    atom_probability,
    characteristic_function,
    fixed_layer_moments,
    fixed_network_share,
    he_standard_deviation,
    preactivation_kurtosis,
    preactivation_variance,
    random_stack,
    random_stack_variances,
    squares_correlation,
)

SLOPES = [0.0, 0.01, 0.5, 1.0, -0.3]

depths = st.integers(0, 10**6)
widths = st.integers(1, 10**18)
slopes = st.floats(-1e50, 1e50)
scales = st.floats(0.0, 1e50)
variances = st.floats(1e-300, 1e50)


def gaussian_mean(f, std=1.0):
    """Mean of `f(a)` for a Gaussian `a`, by quadrature either side of the kink."""
    return sum(
        quad(lambda u: f(std * u) * norm.pdf(u), *side, epsabs=1e-14, epsrel=1e-13)[0]
        for side in [(-40.0, 0.0), (0.0, 40.0)]
    )


def leaky(slope):
    return lambda a: a if a > 0 else slope * a


def growth_moments(width, slope):
    """Mean and mean square of |f(g)|^2 over all 2^M patterns of units on and off."""
    mean = square = 0.0
    for on in itertools.product([True, False], repeat=width):
        k = sum(on)
        # Sums of squares: (chi^2_k)^2 has mean k (k + 2), and each sign is a fair coin.
        off = width - k
        mean += (k + slope**2 * off) / 2**width
        square += (
            k * (k + 2) + 2 * slope**2 * k * off + slope**4 * off * (off + 2)
        ) / 2**width
    return mean, square


def drawn_stack(rng, depth, width, networks, *, weight_std, slope=0.0, std=1.0):
    """Layers of networks whose weights are drawn, as the question has it."""
    a = std * rng.normal(size=(networks, width))
    yield a
    for _ in range(depth):
        w = weight_std * rng.normal(size=(networks, width, width))
        a = np.einsum("nij,nj->ni", w, np.where(a > 0, a, slope * a))
        yield a


def assert_mean(sample, expected):
    """The mean of the draws is `expected`, within five standard errors."""
    error = np.std(sample) / math.sqrt(np.size(sample))
    assert_allclose(np.mean(sample), expected, rtol=0, atol=5 * error)


class TestHeStandardDeviation:
    """The scale that keeps second moments."""

    def test_relu_is_the_root_of_two_over_m(self):
        """The sheet's answer, for widths whose root is a short number."""
        assert_allclose(he_standard_deviation([2, 8, 50, 200]), [1, 0.5, 0.2, 0.1])

    @pytest.mark.parametrize("slope", SLOPES)
    def test_makes_one_layer_keep_the_second_moment(self, slope):
        """M e^2 E f(a)^2 = lambda^2, with the mean taken by quadrature."""
        second = gaussian_mean(lambda a: leaky(slope)(a) ** 2, std=1.7)
        epsilon = he_standard_deviation(37, slope=slope)
        assert_allclose(37 * epsilon**2 * second, 1.7**2, rtol=1e-12)

    def test_slope_one_is_a_linear_layer(self):
        """A linear layer needs 1/M: nothing is cut off."""
        assert_allclose(he_standard_deviation(16, slope=1.0), 0.25, rtol=1e-15)

    def test_broadcasts(self):
        """Widths along one axis and slopes along another make a table."""
        table = he_standard_deviation([[1], [4]], slope=[0.0, 1.0, 2.0])
        assert table.shape == (2, 3)
        assert_array_equal(table[1, 1], he_standard_deviation(4, slope=1.0))

    def test_a_number_in_gives_a_number(self):
        """Scalars are float64, which prose and formats can take."""
        assert f"{he_standard_deviation(2):.1f}" == "1.0"


class TestPreactivationVariance:
    """The second moment through depth, exact at every width."""

    @pytest.mark.parametrize("slope", SLOPES)
    def test_is_the_recursion_layer_by_layer(self, slope):
        """V <- M e^2 E f(a)^2, by quadrature; f is homogeneous, so once is enough."""
        second = gaussian_mean(lambda a: leaky(slope)(a) ** 2)
        expected = [2.5]
        for _ in range(6):
            expected.append(9 * 0.3**2 * expected[-1] * second)
        actual = preactivation_variance(
            np.arange(7), 9, weight_std=0.3, slope=slope, variance=2.5
        )
        assert_allclose(actual, expected, rtol=1e-12)

    def test_he_keeps_it_exactly(self):
        """With He's scale the variance is that of layer 0, to the last bit."""
        actual = preactivation_variance([0, 1, 10**6], [[1], [77]], variance=1 / 3)
        assert_array_equal(actual, np.full((2, 3), 1 / 3))

    def test_one_over_m_halves_it(self):
        """With variance 1/M a ReLU layer loses half of the second moment."""
        actual = preactivation_variance(np.arange(5), 64, weight_std=1 / 8)
        assert_allclose(actual, 0.5 ** np.arange(5), rtol=1e-14)

    def test_holds_where_layers_are_far_from_gaussian(self, rng):
        """Width 2, five layers: drawn weights have the predicted second moment."""
        layers = drawn_stack(rng, 5, 2, 100_000, weight_std=0.9)
        expected = preactivation_variance(np.arange(6), 2, weight_std=0.9)
        for layer, variance in zip(layers, expected, strict=True):
            assert_mean(layer[:, 0] ** 2, variance)

    def test_does_not_need_gaussian_weights(self, rng):
        """Random signs as weights give the same second moment."""
        a = rng.normal(size=(100_000, 4))
        signs = rng.choice([-0.7, 0.7], size=(100_000, 4))
        next_unit = (signs * np.maximum(a, 0)).sum(axis=1)
        assert_mean(next_unit**2, preactivation_variance(1, 4, weight_std=0.7))

    @pytest.mark.parametrize(
        ("depth", "weight_std", "expected"),
        [(10**6, 1.0, math.inf), (10**6, 0.1, 0.0), (3, 0.0, 0.0), (0, 0.0, 1.0)],
        ids=["explodes", "vanishes", "no weights", "no layers"],
    )
    def test_extremes(self, depth, weight_std, expected):
        """What float64 cannot hold is infinite or 0, without a warning."""
        actual = preactivation_variance(depth, 50, weight_std=weight_std)
        assert actual == expected

    def test_only_the_result_overflows(self):
        """2^-900 grown by 2^1500 is 2^600, although 2^1500 itself overflows."""
        actual = preactivation_variance(
            1500, 4, weight_std=1.0, variance=math.ldexp(1, -900)
        )
        assert_allclose(actual, math.ldexp(1, 600), rtol=1e-12)


class TestPreactivationKurtosis:
    """The fourth moment through depth."""

    @pytest.mark.parametrize("slope", SLOPES)
    @pytest.mark.parametrize("width", [1, 2, 3, 7])
    def test_one_layer_by_enumeration(self, width, slope):
        """All patterns of units on and off, with the moments of chi-squared."""
        mean, square = growth_moments(width, slope)
        assert_allclose(
            preactivation_kurtosis(1, width, slope=slope),
            3 * square / mean**2,
            rtol=1e-12,
        )

    def test_sheet_widths(self):
        """3 (1 + 5/M): 4.5 for ten units, 3.15 for a hundred."""
        assert_allclose(preactivation_kurtosis(1, [10, 100]), [4.5, 3.15], rtol=1e-14)

    @pytest.mark.parametrize("depth", [0, 1, 2, 5])
    def test_width_one_at_any_depth(self, depth):
        """One unit a layer: each multiplies E a^4 by E w^4 / 2 = 3 e^4 / 2."""
        fourth = 3 * (3 * 2.0**2 / 2) ** depth
        assert_allclose(preactivation_kurtosis(depth, 1), fourth, rtol=1e-12)

    @pytest.mark.parametrize("slope", [0.0, 0.5])
    def test_depth_by_drawn_weights(self, rng, slope):
        """A product over layers: drawn weights, 3 E v^2 / (E v)^2 at layer 3."""
        epsilon = math.sqrt(2 / (1 + slope**2) / 8)
        *_, last = drawn_stack(rng, 2, 8, 100_000, weight_std=epsilon, slope=slope)
        v = epsilon**2 * (np.where(last > 0, last, slope * last) ** 2).sum(axis=1)
        assert_mean(3 * v**2, preactivation_kurtosis(3, 8, slope=slope))

    def test_linear_network(self):
        """Slope 1: 3 (1 + 2/M), the fourth moment of a Gaussian times a chi."""
        assert_allclose(preactivation_kurtosis(1, 10, slope=1.0), 3.6, rtol=1e-14)

    def test_keeps_its_digits_at_great_width(self):
        """M = 10^20, where 1 + 5/M rounds to 1, at a depth that makes up for it."""
        with mpmath.workdps(60):
            expected = 3 * mpmath.power(1 + mpmath.mpf(5) / 10**20, 10**20)
        actual = preactivation_kurtosis(10**20, 10**20)
        assert_allclose(actual, float(expected), rtol=1e-12)

    def test_extremes(self):
        """Infinite beyond float64; slopes of any size act as the linear limits."""
        assert preactivation_kurtosis(10**6, 1) == math.inf
        assert_allclose(preactivation_kurtosis(1, 10, slope=[1e50, -1e50]), 4.5)


class TestSquaresCorrelation:
    """How units of one layer depend on each other."""

    @pytest.mark.parametrize("slope", SLOPES)
    def test_one_layer_by_enumeration(self, slope):
        """Given the layer before, squares are v times independent chi-squared of 1."""
        mean, square = growth_moments(5, slope)
        expected = (square - mean**2) / (3 * square - mean**2)
        actual = squares_correlation(1, 5, slope=slope)
        assert_allclose(actual, expected, rtol=1e-12)

    def test_relu_closed_form(self):
        """After one layer 5 / (2M + 15)."""
        widths = np.array([1, 10, 100, 10**15])
        assert_allclose(
            squares_correlation(1, widths), 5 / (2 * widths + 15), rtol=1e-12
        )

    def test_units_are_uncorrelated_but_dependent(self, rng):
        """Drawn weights: a_1 a_2 has mean 0, the squares the predicted covariance."""
        *_, a = drawn_stack(rng, 2, 6, 100_000, weight_std=math.sqrt(1 / 3))
        assert_mean(a[:, 0] * a[:, 1], 0.0)
        covariance = (a[:, 0] ** 2 - 1) * (a[:, 1] ** 2 - 1)
        variance = preactivation_kurtosis(2, 6) - 1
        assert_mean(covariance, squares_correlation(2, 6) * variance)

    def test_is_a_third_past_all_floats(self):
        """A layer past any is no warning."""
        with np.errstate(all="raise"):
            assert_allclose(squares_correlation(1.7e308, 1), 1 / 3, rtol=1e-15)

    def test_limits(self):
        """None at layer 0; a third in the depth, where the scale is all there is."""
        assert squares_correlation(0, 3) == 0.0
        assert_allclose(squares_correlation(10**6, 3), 1 / 3, rtol=1e-15)


class TestCharacteristicFunction:
    """The whole distribution after one layer."""

    @pytest.mark.parametrize("slope", SLOPES)
    @pytest.mark.parametrize("t", [0.0, 0.3, 1.0, -4.0])
    def test_is_the_mean_over_weights_and_inputs(self, t, slope):
        """E exp(-t^2 e^2 f(a)^2 / 2) by quadrature, to the power of the width."""
        one = gaussian_mean(
            lambda a: math.exp(-((t * 0.6 * leaky(slope)(a)) ** 2) / 2), std=1.3
        )
        actual = characteristic_function(
            t, 4, weight_std=0.6, slope=slope, variance=1.69
        )
        assert_allclose(actual, one**4, rtol=1e-12)

    def test_curvature_at_zero_is_the_variance(self):
        """With He's scale, left out, (1 - phi(t)) / t^2 tends to lambda^2 / 2."""
        t = 1e-4
        actual = (1 - characteristic_function(t, 30, variance=2.0)) / t**2
        # The next term is kurtosis * lambda^4 t^2 / 24 relative, and 1 - phi rounds.
        assert_allclose(actual, 1.0, rtol=1e-7)

    def test_tends_to_the_gaussian(self):
        """At width 10^8 the difference from exp(-t^2/2) is of order 1/M."""
        t = np.linspace(-3, 3, 13)
        actual = characteristic_function(t, 10**8)
        assert_allclose(actual, np.exp(-(t**2) / 2), rtol=0, atol=1e-7)

    @pytest.mark.parametrize("width", [1, 7, 10**6, 10**15])
    @pytest.mark.parametrize("t", [1e-9, 0.5, 3.0])
    def test_multiple_precision(self, width, t):
        """For great widths the base is next to 1, and its digits are needed."""
        with mpmath.workdps(60):
            s = mpmath.mpf(t) ** 2 * 2 / width
            expected = ((1 + 1 / mpmath.sqrt(1 + s)) / 2) ** width
        actual = characteristic_function(t, width)
        assert_allclose(actual, float(expected), rtol=1e-12)

    def test_the_atom_is_what_is_left(self):
        """For t to infinity only the atom at 0 remains, and none if leaky."""
        assert_allclose(
            characteristic_function(1.7e308, [1, 5, 30]), [0.5, 2**-5, 2**-30]
        )
        assert characteristic_function(1.7e308, 5, slope=0.1) == 0.0

    def test_no_weights_is_a_point(self):
        """With weights of scale 0 the unit is 0 and its transform 1."""
        assert characteristic_function(5.0, 3, weight_std=0.0) == 1.0


class TestAtomProbability:
    """Layers in which no unit is on."""

    def test_one_layer_by_enumeration(self):
        """The share of sign patterns with no unit on."""
        for width in range(1, 8):
            patterns = list(itertools.product([0, 1], repeat=width))
            dead = sum(not any(p) for p in patterns) / len(patterns)
            assert_allclose(atom_probability(1, width), dead, rtol=1e-14)

    def test_depth_by_recursion(self):
        """Alive layers die with 2^-M, dead ones stay dead."""
        dead = [0.0]
        for _ in range(9):
            dead.append(dead[-1] + (1 - dead[-1]) / 8)
        assert_allclose(atom_probability(np.arange(10), 3), dead, rtol=1e-12)

    def test_drawn_weights_do_die(self, rng):
        """Width 2, three layers: the share of networks whose output is exactly 0."""
        *_, a = drawn_stack(rng, 3, 2, 20_000, weight_std=1.0)
        assert_mean((a[:, 0] == 0.0).astype(float), atom_probability(3, 2))

    def test_small_probabilities(self):
        """L 2^-M without loss for wide layers, 0 below the range of float64."""
        assert_allclose(atom_probability(1000, 100), 1000 * 2.0**-100, rtol=1e-14)
        assert atom_probability(1, 10**9) == 0.0

    def test_leaky_units_never_are(self):
        """Any slope but 0 leaves no atom."""
        assert_array_equal(atom_probability(5, 1, slope=[0.01, -1.0]), [0.0, 0.0])


class TestFixedNetwork:
    """Probability over the inputs alone."""

    @pytest.mark.parametrize("slope", SLOPES)
    def test_share_by_quadrature(self, slope):
        """Var f(a) / E f(a)^2, since the weights multiply both alike."""
        f = leaky(slope)
        mean, second = gaussian_mean(f), gaussian_mean(lambda a: f(a) ** 2)
        assert_allclose(
            fixed_network_share(slope=slope), 1 - mean**2 / second, rtol=1e-12
        )

    def test_relu_is_one_less_one_over_pi(self):
        """The sheet's network: .682."""
        assert_allclose(fixed_network_share(), 1 - 1 / math.pi, rtol=1e-15)

    @pytest.mark.parametrize("slope", SLOPES)
    def test_moments_by_quadrature(self, rng, slope):
        """Mean and variance are those of f(a), summed with w and with w^2."""
        w = rng.normal(size=(2, 3, 5))
        f = leaky(slope)
        mean = gaussian_mean(f, std=1.5)
        variance = gaussian_mean(lambda a: f(a) ** 2, std=1.5) - mean**2
        moments = fixed_layer_moments(w, slope=slope, variance=2.25)
        # Where the sum of weights nearly cancels, both lose the same digits.
        assert_allclose(moments.mean, mean * w.sum(axis=-1), rtol=1e-11, atol=1e-13)
        assert_allclose(moments.variance, variance * (w**2).sum(axis=-1), rtol=1e-11)

    def test_two_parts_make_the_whole(self, rng):
        """Over weights, the squared mean is lambda^2/pi, the variance the rest."""
        w = he_standard_deviation(10) * rng.normal(size=(50_000, 10))
        moments = fixed_layer_moments(w, variance=3.0)
        assert_mean(moments.mean**2, 3.0 / math.pi)
        assert_mean(moments.variance, 3.0 * fixed_network_share())

    def test_integer_weights(self):
        """Integers and float32 are exact in float64, and nothing is written to."""
        w = np.array([[1, 2, -3]], dtype=np.int32)
        moments = fixed_layer_moments(w)
        assert_allclose(moments.mean, [0.0], atol=1e-15)
        assert moments.variance.dtype == np.float64
        assert_array_equal(w, [[1, 2, -3]])


class TestRandomStack:
    """Layers without weights against layers with weights."""

    @pytest.mark.parametrize("slope", [0.0, 0.3])
    def test_has_the_moments_of_drawn_weights(self, rng, slope):
        """Within layers and across them: squares, fourth powers, and their products."""
        M, L, n, epsilon = 4, 2, 60_000, 0.6
        ours = list(
            random_stack(
                L, M, rng=rng, networks=n, weight_std=epsilon, slope=slope, variance=2.0
            )
        )
        drawn = list(
            drawn_stack(rng, L, M, n, weight_std=epsilon, slope=slope, std=math.sqrt(2))
        )
        for statistic in [
            lambda a: a[2][:, 0],
            lambda a: a[2][:, 0] ** 2,
            lambda a: a[2][:, 0] ** 4,
            lambda a: a[2][:, 0] ** 2 * a[2][:, 1] ** 2,
            lambda a: a[1][:, 0] * a[2][:, 0],
            lambda a: a[1][:, 0] ** 2 * a[2][:, 0] ** 2,
            lambda a: np.maximum(a[0][:, 3], 0) * a[2][:, 1] ** 2,
        ]:
            one, other = statistic(ours), statistic(drawn)
            error = math.sqrt((one.var() + other.var()) / n)
            assert_allclose(one.mean(), other.mean(), rtol=0, atol=5 * error)

    def test_a_unit_has_the_distribution_of_drawn_weights(self, rng):
        """Two samples of the output are one distribution to Kolmogorov and Smirnov."""
        *_, ours = random_stack(3, 3, rng=rng, networks=20_000)
        *_, drawn = drawn_stack(rng, 3, 3, 20_000, weight_std=math.sqrt(2 / 3))
        assert ks_2samp(ours[:, 0], drawn[:, 0]).pvalue > 1e-3

    def test_scales_with_its_scales(self):
        """The same draws, weights twice as large: layer l is 2^l times as large."""
        one = random_stack(4, 5, rng=3, weight_std=0.25)
        two = random_stack(4, 5, rng=3, weight_std=0.5, variance=9.0)
        for layer, (a, b) in enumerate(zip(one, two, strict=True)):
            assert_allclose(b, 3 * 2**layer * a, rtol=1e-12)

    def test_negative_slope_one_is_the_absolute_value(self):
        """|a| and a have one norm, so slopes 1 and -1 make the same stack."""
        one = random_stack(4, 5, rng=3, slope=1.0)
        two = random_stack(4, 5, rng=3, slope=-1.0)
        for a, b in zip(one, two, strict=True):
            assert_allclose(a, b, rtol=1e-12)

    def test_a_dead_layer_stays_dead(self, rng):
        """At width 1 half of the networks die at each layer, and none comes back."""
        layers = list(random_stack(20, 1, rng=rng, networks=1000))
        dead = np.array([(layer == 0.0).ravel() for layer in layers])
        assert (dead[1:] >= dead[:-1]).all()
        assert dead[-1].all()

    def test_memory_does_not_grow_with_depth(self, rng):
        """A thousand layers of 2000 units peak at a few layers."""
        tracemalloc.start()
        for _ in random_stack(1000, 2000, rng=rng):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 20 * 8 * 2000

    def test_explosion_stays_finite(self, rng):
        """Where the scale leaves float64 it is cut, and nothing is NaN or warns."""
        *_, last = random_stack(
            50, 10, rng=rng, weight_std=1e50, slope=1e50, variance=1e50
        )
        assert np.isfinite(last).all()
        assert np.abs(last).max() > 1e149

    def test_no_weights(self, rng):
        """With weights of scale 0 all is 0 after layer 0."""
        first, *others = random_stack(2, 3, rng=rng, weight_std=0.0)
        assert (first != 0.0).all()
        assert_array_equal(others, np.zeros((2, 1, 3)))

    def test_complains_at_the_call(self, rng):
        """An error does not wait for the first layer to be asked for."""
        with pytest.raises(ValueError, match="`depth` is -1, expected >= 0"):
            random_stack(-1, 3, rng=rng)


class TestRandomStackVariances:
    """Three draws a layer against a Gaussian a unit."""

    @pytest.mark.parametrize("slope", [0.0, 0.3])
    def test_has_the_distribution_of_random_stack(self, rng, slope):
        """Draws of v at layer 3 from the layers, and from three draws a layer."""
        n, epsilon = 20_000, 0.7
        ours = random_stack_variances(
            3, 4, rng=rng, networks=n, weight_std=epsilon, slope=slope, variance=2.0
        )
        *_, last = random_stack(
            2, 4, rng=rng, networks=n, weight_std=epsilon, slope=slope, variance=2.0
        )
        z = np.where(last > 0, last, slope * last)
        other = epsilon**2 * (z**2).sum(axis=1)
        assert ks_2samp(ours[3], other).pvalue > 1e-3

    def test_moments_are_the_theorems(self, rng):
        """E v is the variance and 3 E v^2 / (E v)^2 the kurtosis, at every layer."""
        v = random_stack_variances(6, 20, rng=rng, networks=200_000)
        for layer in range(1, 7):
            assert_mean(v[layer], preactivation_variance(layer, 20))
            assert_mean(3 * v[layer] ** 2, preactivation_kurtosis(layer, 20))

    def test_layer_zero_is_given(self, rng):
        """Nothing is random before the first weights."""
        v = random_stack_variances(0, 7, rng=rng, networks=4, variance=0.3)
        assert_array_equal(v, np.full((1, 4), 0.3))

    def test_shares_the_dead_of_the_theorem(self, rng):
        """Layers are 0 as often as the atom says."""
        v = random_stack_variances(4, 2, rng=rng, networks=20_000)
        assert_mean((v[4] == 0.0).astype(float), atom_probability(4, 2))

    def test_explosion_and_death_are_not_nan(self, rng):
        """Layers that overflow and die: infinite, then 0, never NaN."""
        v = random_stack_variances(400, 2, rng=rng, networks=50, weight_std=1e20)
        assert not np.isnan(v).any()
        assert (v == np.inf).any()
        assert (v == 0.0).any()

    @pytest.mark.parametrize(("std", "variance"), [(1e40, 1e-300), (1e-45, 1e50)])
    def test_what_a_float_can_hold_is_held(self, rng, std, variance):
        """Where the growth alone would overflow, or be nothing."""
        options = {"weight_std": std, "variance": variance}
        v = random_stack_variances(4, 1000, rng=rng, networks=100, **options)
        expected = preactivation_variance(4, 1000, **options)
        assert 0.5 < np.median(v[-1]) / expected < 2.0

    def test_no_weights(self, rng):
        """With weights of scale 0 all is 0 after layer 0."""
        v = random_stack_variances(2, 3, rng=rng, weight_std=0.0, slope=0.5)
        assert_array_equal(v, [[1.0], [0.0], [0.0]])


@given(depth=depths, width=widths, slope=slopes, weight_std=scales, variance=variances)
def test_moments_are_never_nan(depth, width, slope, weight_std, variance):
    """All accepted arguments give numbers, in the ranges that the theory has."""
    assert (
        preactivation_variance(
            depth, width, weight_std=weight_std, slope=slope, variance=variance
        )
        >= 0
    )
    assert preactivation_kurtosis(depth, width, slope=slope) >= 3 * (1 - 1e-15)
    assert 0 <= squares_correlation(depth, width, slope=slope) <= 1 / 3 + 1e-15
    assert 0 <= atom_probability(depth, width, slope=slope) <= 1
    assert 0 < he_standard_deviation(width, slope=slope) <= math.sqrt(2)
    assert 1 - 2 / math.pi - 1e-15 <= fixed_network_share(slope=slope) <= 1


@given(
    t=st.floats(allow_nan=False, allow_infinity=False),
    width=widths,
    slope=slopes,
    weight_std=scales,
    variance=variances,
)
def test_characteristic_function_is_in_the_unit_interval(
    t, width, slope, weight_std, variance
):
    """Also where t times the scales overflows."""
    actual = characteristic_function(
        t, width, weight_std=weight_std, slope=slope, variance=variance
    )
    assert 0 <= actual <= 1


@given(
    w=st.lists(st.floats(-1e50, 1e50), min_size=1, max_size=5),
    slope=slopes,
    variance=variances,
)
def test_layer_moments_are_finite(w, slope, variance):
    """All accepted weights give a finite mean and a variance that is not negative."""
    moments = fixed_layer_moments(w, slope=slope, variance=variance)
    assert np.isfinite(moments.mean)
    assert 0 <= moments.variance < math.inf


@pytest.mark.parametrize(
    "f",
    [
        preactivation_variance,
        preactivation_kurtosis,
        squares_correlation,
        atom_probability,
    ],
)
def test_functions_of_depth_and_width_broadcast_and_complain(f):
    """One test for what the four have in common."""
    assert f(np.arange(4), [[2], [3]], slope=0.1).shape == (2, 4)
    assert f(2.0, np.float32(3)) == f(2, 3)
    with pytest.raises(ValueError, match="`depth` holds -1, expected >= 0"):
        f(-1, 3)
    with pytest.raises(ValueError, match=r"`depth` holds 0\.5, expected integers"):
        f(0.5, 3)
    with pytest.raises(ValueError, match="`width` holds 0, expected >= 1"):
        f(1, 0)
    with pytest.raises(ValueError, match="`width` holds nan, expected finite"):
        f(1, math.nan)
    with pytest.raises(ValueError, match=r"`slope` holds 1e\+60, expected in"):
        f(1, 3, slope=1e60)
    with pytest.raises(ValueError, match="do not broadcast"):
        f([1, 2], [1, 2, 3])
    with pytest.raises(TypeError, match="`depth` is of type str, expected real"):
        f("deep", 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: he_standard_deviation(2.5), r"`fan_in` holds 2\.5, expected integers"),
        (lambda: he_standard_deviation(0), "`fan_in` holds 0, expected >= 1"),
        (lambda: he_standard_deviation([1, 2], slope=[1, 2, 3]), "do not broadcast"),
        (
            lambda: preactivation_variance(1, 2, weight_std=-0.1),
            r"`weight_std` holds -0\.1, expected in \[0, 1e\+50\]",
        ),
        (
            lambda: preactivation_variance(1, 2, variance=0.0),
            r"`variance` holds 0, expected in \(0, 1e\+50\]",
        ),
        (
            lambda: preactivation_variance([1, 2], 2, weight_std=[0.1, 0.2, 0.3]),
            "`weight_std` .* do not broadcast",
        ),
        (
            lambda: preactivation_variance([1, 2], 2, variance=[0.1, 0.2, 0.3]),
            "`variance` .* do not broadcast",
        ),
        (lambda: characteristic_function(math.inf, 2), "`t` holds inf"),
        (lambda: characteristic_function(1.0, 0), "`width` holds 0, expected >= 1"),
        (
            lambda: characteristic_function(1.0, 2, weight_std=-1.0),
            "`weight_std` holds -1",
        ),
        (lambda: characteristic_function(1.0, 2, variance=-1.0), "`variance` holds -1"),
        (lambda: characteristic_function([1.0, 2.0], [1, 2, 3]), "do not broadcast"),
        (
            lambda: characteristic_function(1.0, [1, 2], slope=[0.0, 0.0, 0.0]),
            "`width` .* `slope` .* do not broadcast",
        ),
        (
            lambda: preactivation_variance(3, [1, 2], variance=[1.0, 2.0, 3.0]),
            "`width` .* `variance` .* do not broadcast",
        ),
        (lambda: fixed_network_share(slope=math.nan), "`slope` holds nan"),
        (lambda: fixed_layer_moments([]), r"`weights` has shape \(0,\), expected"),
        (lambda: fixed_layer_moments([1e60]), r"`weights` holds 1e\+60, expected in"),
        (lambda: fixed_layer_moments([1.0], slope=1e60), r"`slope` is 1e\+60"),
        (lambda: fixed_layer_moments([1.0], variance=0.0), "`variance` is 0, expected"),
    ],
)
def test_bad_arguments_are_named(call, message):
    """Each message names the argument, what it is and what it should be."""
    with pytest.raises(ValueError, match=message):
        call()


class TestShareByDepth:
    """What one network keeps, layer upon layer, at infinite width."""

    @pytest.mark.parametrize("slope", SLOPES)
    def test_is_the_kernel_by_quadrature(self, slope):
        """E f(u) f(v) of two Gaussians of correlation cos(theta), over the angle."""
        phi = np.arange(10**5) * 2 * np.pi / 10**5

        def mean(theta):  # u = r cos(phi), v = r cos(phi - theta), and E r^2 = 2
            u, v = np.cos(phi), np.cos(phi - theta)
            product = np.where(u > 0, u, slope * u) * np.where(v > 0, v, slope * v)
            return 2 * product.mean()

        rho = 0.0
        for depth in range(1, 5):
            rho = mean(math.acos(rho)) / mean(0.0)
            actual = fixed_network_share(depth=depth, slope=slope)
            # Kinks of the integrand cost the square of the step, 4e-9.
            assert_allclose(actual, 1 - rho, rtol=1e-8)

    def test_relu_by_depth(self):
        """The values of the page: .682, .506, .395, .264, and .128 after ten."""
        actual = fixed_network_share(depth=[0, 1, 2, 3, 5, 10])
        assert_allclose(actual, [1, 0.682, 0.506, 0.395, 0.264, 0.128], atol=5e-4)

    @pytest.mark.parametrize("slope", [0.0, 0.3])
    @pytest.mark.parametrize("depth", [1, 2, 3])
    def test_wide_networks_keep_it(self, rng, depth, slope):
        """One network with drawn weights at two inputs: the mean product is 1 - s."""
        width, networks = 200, 60
        epsilon = he_standard_deviation(width, slope=slope)
        products = []
        for _ in range(networks):
            a = rng.normal(size=(width, 2))
            for _ in range(depth):
                w = epsilon * rng.normal(size=(width, width))
                a = w @ np.where(a > 0, a, slope * a)
            products.append((a[:, 0] * a[:, 1]).mean())
        # Within five errors; what a width of 200 changes is a few thousandths.
        error = 5 * np.std(products) / math.sqrt(networks) + 0.01
        share = fixed_network_share(depth=depth, slope=slope)
        assert_allclose(1 - np.mean(products), share, rtol=0, atol=error)

    def test_is_the_arc_cosine_kernel_in_many_digits(self):
        """Also after a thousand layers, where all inputs look alike."""
        with mpmath.workdps(50):
            rho = mpmath.mpf(0)
            for depth in range(1, 1001):
                theta = mpmath.acos(rho)
                rho = (mpmath.sin(theta) + (mpmath.pi - theta) * rho) / mpmath.pi
                if depth in {1, 10, 100, 1000}:
                    actual = fixed_network_share(depth=depth)
                    assert_allclose(actual, float(1 - rho), rtol=1e-12)

    def test_linear_layers_keep_all(self):
        """Slopes along one axis, depths along another."""
        table = fixed_network_share(depth=[[1], [7]], slope=[0.0, 1.0])
        assert_array_equal(table[:, 1], [1.0, 1.0])
        assert table[1, 0] == fixed_network_share(depth=7)

    @pytest.mark.parametrize("depth", [10**5 + 1, -1, 0.5])
    def test_depths_out_of_range(self, depth):
        """A loop has a limit."""
        with pytest.raises(ValueError, match="`depth` holds"):
            fixed_network_share(depth=depth)


class TestDistributions:
    """Draws, not their moments alone."""

    @pytest.mark.parametrize("seed", range(3))
    @pytest.mark.parametrize("slope", [0.0, 0.2])
    def test_given_the_layer_before_units_are_gaussian(self, seed, slope):
        """Kolmogorov and Smirnov on a layer divided by its standard deviation."""
        before, layer = list(random_stack(2, 5, rng=seed, networks=2000, slope=slope))[
            1:
        ]
        z = np.where(before > 0, before, slope * before)
        scale = he_standard_deviation(5, slope=slope) * np.linalg.norm(z, axis=1)
        alive = scale > 0
        standard = layer[alive] / scale[alive, None]
        assert kstest(standard.ravel(), "norm").pvalue > 1e-3

    @pytest.mark.parametrize("seed", range(3))
    def test_variances_are_those_of_the_layers(self, seed):
        """Two ways to one distribution, at every layer."""
        layers = list(random_stack(4, 3, rng=seed, networks=4000))
        v = random_stack_variances(4, 3, rng=seed + 100, networks=4000)
        for layer in range(1, 5):
            z = np.maximum(layers[layer - 1], 0.0)
            drawn = (2 / 3) * (z**2).sum(axis=1)
            assert ks_2samp(v[layer], drawn).pvalue > 1e-3

    def test_seeds(self):
        """What `numpy.random.default_rng` takes; a generator goes on where it is."""
        one, two = (list(random_stack(2, 3, rng=7)) for _ in range(2))
        assert_array_equal(one, two)
        sequence = random_stack_variances(2, 3, rng=np.random.SeedSequence(7))
        assert_array_equal(sequence, random_stack_variances(2, 3, rng=7))
        generator = np.random.default_rng(7)
        first, second = (random_stack_variances(2, 3, rng=generator) for _ in range(2))
        assert not np.array_equal(first, second)


def test_no_message_shows_two_equal_numbers():
    """A depth next to an integer is shown with all of its digits."""
    with pytest.raises(ValueError, match=r"`depth` holds 1\.0000000001, expected int"):
        preactivation_variance(1.0000000001, 5)


def test_layers_do_not_warn_under_any_error_state():
    """They are drawn one by one, long after the call."""
    with np.errstate(all="raise"):
        layers = random_stack(40, 3, rng=0, weight_std=1e-20, variance=1e-50)
        *_, last = layers
    assert_array_equal(last, np.zeros((1, 3)))


def test_float32_scales_are_numbers():
    """A scale of another precision is a number like any other."""
    half = np.float32(0.5)
    v = random_stack_variances(1, 3, rng=0, weight_std=half, slope=half, variance=half)
    w = random_stack_variances(1, 3, rng=0, weight_std=0.5, slope=0.5, variance=0.5)
    assert_array_equal(v, w)
    assert fixed_layer_moments([1.0], slope=half, variance=half).mean.shape == ()


@pytest.mark.parametrize("simulate", [random_stack, random_stack_variances])
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"rng": "seed"}, TypeError, r"`rng` is 'seed', expected a seed or a numpy"),
        ({"depth": -1}, ValueError, "`depth` is -1, expected >= 0"),
        ({"depth": 1.5}, TypeError, r"`depth` is 1\.5, expected an integer"),
        ({"width": 0}, ValueError, "`width` is 0, expected in"),
        ({"networks": 0}, ValueError, "`networks` is 0, expected >= 1"),
        ({"weight_std": -1.0}, ValueError, "`weight_std` is -1, expected in"),
        ({"slope": math.inf}, ValueError, "`slope` holds inf, expected finite"),
        ({"variance": 0.0}, ValueError, r"`variance` is 0, expected in \(0,"),
        ({"networks": 10**14}, MemoryError, "`networks` is 100000000000000: a result"),
    ],
)
def test_simulators_name_bad_arguments(rng, simulate, changes, error, message):
    """Each message names the argument, what it is and what it should be."""
    arguments = {"rng": rng, "depth": 2, "width": 3, **changes}
    with pytest.raises(error, match=message):
        simulate(**arguments)


def test_what_makes_a_simulation_large_is_named():
    """The larger of the two factors, not the one that happens to come first."""
    with pytest.raises(MemoryError, match="`depth` is 100000000000000: a result"):
        random_stack_variances(10**14, 3, rng=0)
    with pytest.raises(MemoryError, match="`width` is 100000000000000: a result"):
        random_stack(2, 10**14, rng=0)
