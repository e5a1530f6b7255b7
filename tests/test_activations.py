import functools
import re

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal
from oracles import difference_quotient
from scipy import special

from hw4lib.activations import (
    leaky_relu,
    leaky_relu_derivative,
    relu,
    relu_derivative,
    sigmoid,
    sigmoid_derivative,
    softmax,
    softmax_jacobian,
    softplus,
)

leaky = functools.partial(leaky_relu, slope=0.01)
leaky_derivative = functools.partial(leaky_relu_derivative, slope=0.01)
ELEMENTWISE = [
    relu,
    relu_derivative,
    leaky,
    leaky_derivative,
    sigmoid,
    sigmoid_derivative,
    softplus,
]
SMOOTH = [sigmoid, sigmoid_derivative, softplus]
# Where a naive formula overflows, underflows, or loses its digits.
EXTREMES = [0.0, 1e-320, 1e-16, 0.2, 1.0, 20.0, 36.8, 40.0, 709.5, 745.0, 1e4, 1.7e308]
EXTREMES = [*EXTREMES, *(-z for z in EXTREMES)]

finite = st.floats(allow_nan=False, allow_infinity=False)
any_array = arrays(np.float64, array_shapes(min_dims=0, min_side=0), elements=finite)
logits = arrays(np.float64, array_shapes(max_dims=3, max_side=5), elements=finite)
moderate_logits = arrays(
    np.float64, array_shapes(max_dims=2, max_side=4), elements=st.floats(-30, 30)
)


def exact(f, z):
    """Evaluate with 1000 digits, enough for 1 - 1e-300, and round to float64."""
    with mpmath.workdps(1000):
        # Past 1e4 every value is at its limit: 0, 1, or z itself.
        z = mpmath.mpf(z)
        near = max(min(z, mpmath.mpf(10) ** 4), -(mpmath.mpf(10) ** 4))
        y = 1 / (1 + mpmath.exp(-near))
        values = {
            sigmoid: y,
            sigmoid_derivative: y * (1 - y),
            softplus: mpmath.log1p(mpmath.exp(near)) + max(z - near, 0),
        }
        return float(values[f])


@pytest.mark.parametrize("f", SMOOTH)
@pytest.mark.parametrize("z", EXTREMES)
def test_smooth_activations_are_exact_at_every_size(f, z):
    """Multiple precision agrees in relative terms, down to the smallest float."""
    # atol: results below 1e-308 have fewer than 16 digits.
    assert_allclose(f(z), exact(f, z), rtol=1e-14, atol=5e-323)


@pytest.mark.parametrize(
    ("f", "derivative"),
    [
        (relu, relu_derivative),
        (leaky, leaky_derivative),
        (sigmoid, sigmoid_derivative),
        (softplus, sigmoid),
    ],
)
def test_derivatives_are_difference_quotients(rng, f, derivative):
    """The next function is the derivative of the one before, away from a kink."""
    z = rng.normal(size=(3, 4)) + 0.001
    expected = difference_quotient(lambda z: f(z).sum(), z)

    assert_allclose(derivative(z), expected, rtol=1e-8, atol=1e-9)


def test_sheets_own_numbers():
    """Hidden and output unit of Problem 1.1 (a), (b), (h) and (k)."""
    assert relu(0.1 * 2) == 0.2
    assert sigmoid(0.0) == 0.5
    assert sigmoid_derivative(0.0) == 0.25
    assert_allclose(sigmoid(0.2), 0.549834, atol=5e-7)
    assert_allclose(leaky(-0.2), -0.002, rtol=1e-15)
    assert_allclose(sigmoid(0.202), 0.550329, atol=5e-7)


@pytest.mark.parametrize("slope", [0.0, 0.01, 1.0, -1.0, 3.0])
def test_leaky_relu_is_its_two_branches(slope):
    """A loop with an `if`; slope 0 is the ReLU, 1 the identity, -1 the modulus."""
    z = np.array([-1e300, -2.0, -5e-324, 0.0, 5e-324, 2.0, 1e300])

    actual = leaky_relu(z, slope=slope)
    derivative = leaky_relu_derivative(z, slope=slope)

    assert_array_equal(actual, [v if v > 0 else slope * v for v in z])
    assert_array_equal(derivative, [1.0 if v > 0 else slope for v in z])


@given(z=any_array)
def test_relu_is_leaky_relu_without_leak(z):
    """Slope 0 gives the ReLU and its derivative."""
    assert_array_equal(relu(z), leaky_relu(z, slope=0))
    assert_array_equal(relu_derivative(z), leaky_relu_derivative(z, slope=0))


def test_convention_at_the_kink():
    """At 0 (of either sign) the derivative is the left one, as the module says."""
    assert_array_equal(relu_derivative([-0.0, 0.0]), [0.0, 0.0])
    assert_array_equal(leaky_relu_derivative([-0.0, 0.0], slope=0.2), [0.2, 0.2])


def test_a_steep_slope_overflows_only_where_it_is_used():
    """The active side is not touched by a slope; the other names both factors."""
    assert_array_equal(leaky_relu([1e300, 0.0], slope=1e300), [1e300, 0.0])
    message = "^`z` and `slope` make the result too large for a float, expected"
    with pytest.raises(ValueError, match=message):
        leaky_relu([1e300, -1e300], slope=1e300)


@given(z=any_array)
def test_sigmoid_symmetries(z):
    """The mirrored logit has the complementary probability and the same slope."""
    assert_allclose(sigmoid(-z), 1 - sigmoid(z), rtol=0, atol=2e-16)
    assert_array_equal(sigmoid_derivative(-z), sigmoid_derivative(z))
    # softplus(z) - softplus(-z) = z
    assert_allclose(softplus(z) - softplus(-z), z, rtol=1e-15, atol=2e-16)


@pytest.mark.parametrize("f", ELEMENTWISE)
@given(z=any_array)
def test_elementwise_keeps_shape_and_is_finite(f, z):
    """Every finite input, of every shape, gives a finite result of its shape."""
    before = z.copy()

    actual = f(z)

    assert actual.shape == z.shape
    assert actual.dtype == np.float64
    assert np.isfinite(actual).all()
    assert_array_equal(z, before)


@pytest.mark.parametrize("f", [*ELEMENTWISE, softmax, softmax_jacobian])
def test_integers_and_single_precision_give_double(f):
    """Nothing is computed in the precision of the input."""
    z = [[-3, 0], [2, 7]]

    for dtype in (np.int8, np.uint8, np.float32):
        cast = np.abs(z) if dtype is np.uint8 else np.array(z)
        actual = f(cast.astype(dtype))
        assert actual.dtype == np.float64
        assert_array_equal(actual, f(cast.astype(float)))


def test_softmax_is_exact_at_every_size():
    """Each probability agrees with multiple precision, however small it is."""
    for z in ([0.0, 1.0, 2.0], [-700.0, 0.0, 40.0], [1e4, -1e4], [1e308, -1e308, 9.0]):
        with mpmath.workdps(400):
            weights = [mpmath.exp(max(v - max(z), -5000)) for v in z]
            expected = [float(w / sum(weights)) for w in weights]
        assert_allclose(softmax(z), expected, rtol=1e-14, atol=5e-323)


@given(z=logits)
def test_softmax_is_a_distribution_on_each_line(z):
    """Along any axis: between 0 and 1, sum 1, in the order of the logits."""
    for axis in range(-z.ndim, z.ndim):
        y = softmax(z, axis=axis)
        assert y.shape == z.shape
        assert (y >= 0).all()
        assert_allclose(y.sum(axis=axis), 1.0, rtol=1e-14)
        order = np.argsort(z, axis=axis)
        assert (np.diff(np.take_along_axis(y, order, axis), axis=axis) >= 0).all()


@given(z=moderate_logits, shift=st.floats(-100, 100))
def test_softmax_ignores_a_common_shift(z, shift):
    """Only differences of logits matter."""
    # Adding the shift rounds the logits by about 1e-14.
    assert_allclose(softmax(z + shift), softmax(z), rtol=1e-12)


def test_softmax_of_two_is_a_sigmoid(rng):
    """Two classes need one logit, the difference."""
    z = rng.normal(scale=20, size=(50, 2))

    assert_allclose(softmax(z)[:, 0], sigmoid(z[:, 0] - z[:, 1]), rtol=1e-12)


def test_softmax_jacobian_is_a_difference_quotient(rng):
    """Column j is the central difference with respect to logit j."""
    z = rng.normal(size=(2, 3, 4))
    for i in range(4):
        expected = difference_quotient(lambda z, i=i: softmax(z)[..., i].sum(), z)
        assert_allclose(softmax_jacobian(z)[..., i, :], expected, 1e-8, 1e-9)


def test_softmax_jacobian_keeps_its_digits_when_one_class_wins():
    """The diagonal y (1 - y) at y = 1 - 4e-18, where 1 - y rounds to 0."""
    z = [0.0, 40.0, -3.0]
    with mpmath.workdps(60):
        weights = [mpmath.exp(v) for v in z]
        y = [w / sum(weights) for w in weights]
        expected = [
            [float(y[i] * ((i == j) - y[j])) for j in range(3)] for i in range(3)
        ]

    assert_allclose(softmax_jacobian(z), expected, rtol=1e-14)


@given(z=logits)
def test_softmax_jacobian_is_a_covariance(z):
    """Symmetric, rows sum to 0, no negative variance, finite at every logit."""
    jacobian = softmax_jacobian(z)

    assert jacobian.shape == (*z.shape, z.shape[-1])
    assert_array_equal(jacobian, jacobian.mT)
    assert_allclose(jacobian.sum(axis=-1), 0.0, atol=1e-15)
    assert (np.diagonal(jacobian, axis1=-2, axis2=-1) >= 0).all()


@pytest.mark.parametrize("f", [*ELEMENTWISE, softmax, softmax_jacobian])
def test_rejects_logits_that_are_no_finite_numbers(f):
    """NaN, infinity and complex numbers are named."""
    with pytest.raises(ValueError, match=r"^`z` holds nan, expected finite numbers$"):
        f([0.0, np.nan])
    with pytest.raises(ValueError, match=r"^`z` holds -inf, expected finite numbers$"):
        f([0.0, -np.inf])
    with pytest.raises(TypeError, match=r"^`z` is of type complex, expected real num"):
        f(1j)


@pytest.mark.parametrize("f", [leaky_relu, leaky_relu_derivative])
def test_rejects_a_slope_that_is_no_finite_number(f):
    """One slope for all units, finite."""
    with pytest.raises(ValueError, match=r"^`slope` holds nan, expected finite num"):
        f(1.0, slope=np.nan)
    with pytest.raises(ValueError, match=r"^`slope` has shape \(2,\), expected a numb"):
        f(1.0, slope=[0.1, 0.2])
    with pytest.raises(TypeError, match=r"^`slope` is of type str, expected real num"):
        f(1.0, slope="a")


@pytest.mark.parametrize(
    ("z", "axis", "error", "message"),
    [
        (1.0, -1, ValueError, "`axis` is -1, expected an axis of 0"),
        ([1.0], 1, ValueError, "`axis` is 1, expected an axis of 1"),
        ([1.0], 0.5, TypeError, "`axis` is 0.5, expected an integer"),
        ([], -1, ValueError, "`z` has shape (0,), expected at least one logit"),
    ],
)
def test_softmax_rejects_what_has_no_such_axis(z, axis, error, message):
    """A scalar has no classes, and an empty axis no distribution."""
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        softmax(z, axis=axis)


def test_softmax_jacobian_refuses_what_no_memory_holds():
    """Before anything is allocated."""
    with pytest.raises(MemoryError, match=r"^`z` is of shape \(10000000,\): a result"):
        softmax_jacobian(np.zeros(10**7))


@pytest.mark.parametrize("f", ELEMENTWISE)
@pytest.mark.parametrize(
    "z", [1, 1.0, np.float32(1), np.array(1), np.int8(1)], ids=repr
)
def test_a_number_gives_a_numpy_scalar(f, z):
    """Of double precision, whatever the kind of the number."""
    assert type(f(z)) is np.float64


@pytest.mark.parametrize("f", [*ELEMENTWISE, softmax, softmax_jacobian])
def test_the_callers_error_state_does_not_matter(f):
    """Underflow and overflow on the way are the library's own affair."""
    z = [-1.7e308, -745.0, 1e-310, 800.0, 1.7e308]
    expected = f(z)
    with np.errstate(all="raise"):
        assert_array_equal(f(z), expected)


def test_the_slope_has_no_default():
    """What leaks how much is said where it is used; any kind of number will do."""
    for f in (leaky_relu, leaky_relu_derivative):
        with pytest.raises(TypeError, match="slope"):
            f([1.0])
        for slope in (0.25, np.float32(0.25), np.array(0.25)):
            assert_array_equal(f([-1.0], slope=slope), f([-1.0], slope=0.25))


def test_softmax_jacobian_rejects_scalars_and_empty_axes():
    """The Jacobian needs an axis of classes."""
    with pytest.raises(ValueError, match=r"^`axis` is -1, expected an axis of 0$"):
        softmax_jacobian(1.0)
    with pytest.raises(ValueError, match=r"expected at least one logit$"):
        softmax_jacobian(np.zeros((2, 0)))


@pytest.mark.parametrize(
    ("f", "theirs"),
    [
        (sigmoid, special.expit),
        (softmax, functools.partial(special.softmax, axis=-1)),
        (softplus, lambda z: -special.log_expit(-z)),
        (leaky, lambda z: np.where(z > 0, z, 0.01 * z)),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_scipy_computes_the_same(f, theirs, seed):
    """Other code, other seeds, and logits of every size."""
    draw = np.random.default_rng(seed)
    z = draw.normal(size=(20, 6)) * 10.0 ** draw.integers(-8, 3, size=(20, 1))
    # Below 1e-300 their results have fewer digits or none.
    assert_allclose(f(z), theirs(z), rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize("f", [*ELEMENTWISE, softmax, softmax_jacobian])
def test_memory_of_every_kind_is_read(rng, tmp_path, f):
    """Read-only, strided, byte-swapped, unaligned, and mapped from a file."""
    z = rng.normal(size=(3, 4))
    expected = f(z)
    raw = np.zeros(z.nbytes + 1, dtype=np.uint8)
    unaligned = raw[1:].view(np.float64).reshape(z.shape)
    unaligned[:] = z
    mapped = np.memmap(tmp_path / "z", dtype=np.float64, mode="w+", shape=z.shape)
    mapped[:] = z
    read_only = z.copy()
    read_only.flags.writeable = False
    kinds = [
        unaligned,
        mapped,
        read_only,
        z.astype(">f8"),
        z.tolist(),
        np.asfortranarray(z),
        np.repeat(z, 2, axis=1)[:, ::2],
        np.ma.array(z),
    ]
    assert not unaligned.flags.aligned
    for kind in kinds:
        result = f(kind)
        assert type(result) is np.ndarray
        assert_array_equal(result, expected)
