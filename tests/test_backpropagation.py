import copy
import functools
import itertools
import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles import difference_quotient
from scipy.special import expit

from hw4lib import _blocks
from hw4lib.backpropagation import (
    backward_pass,
    forward_pass,
    is_dead,
    multi_output_pass,
    network_gradient,
    network_loss,
    network_step,
    one_sided_derivatives,
    relu_output_loss,
    relu_output_loss_derivative,
    sign_change_step_size,
    sign_preserving_step_size,
)

# Problem 1.1: the example, the target, the weights, and the bias of the text.
SHEET = {"x": 2, "target": 1, "w1": 0.1, "w2": -1, "bias": 0.2}
SINGLE = [
    forward_pass,
    backward_pass,
    network_loss,
    network_gradient,
    sign_change_step_size,
    one_sided_derivatives,
]
NAMES = ["x", "target", "w1", "w2", "bias"]

numbers = st.floats(-50, 50)
probabilities = st.floats(0, 1)


def exact_loss(*, x, target, w1, w2, bias, slope=0):
    """The loss in multiple precision, from its definition."""
    z1 = mpmath.mpf(w1) * x
    a1 = z1 if z1 > 0 else slope * z1
    y = 1 / (1 + mpmath.exp(-(w2 * a1 + bias)))
    return (y - target) ** 2 / 2


def exact_derivative(name, arguments, side=0):
    """Difference quotient with 120 digits: central, or one-sided towards `side`."""
    with mpmath.workdps(120):
        step = mpmath.mpf(10) ** -40
        at = {
            sign: exact_loss(**{**arguments, name: arguments[name] + sign * step})
            for sign in (-1, 0, 1)
        }
        if side:
            return float((at[side] - at[0]) / (side * step))
        return float((at[1] - at[-1]) / (2 * step))


def random_examples(rng, count=20, scale=2.0):
    """Mappings of arguments, one for each example; targets in [0, 1]."""
    draws = rng.normal(scale=scale, size=(count, 5))
    draws[:, 1] = rng.uniform(size=count)
    return [dict(zip(NAMES, map(float, row), strict=True)) for row in draws]


def says(error, message):
    """Expect exactly this error with exactly this message."""
    return pytest.raises(error, match=f"^{re.escape(message)}$")


# --- one output ---------------------------------------------------------------


def test_forward_pass_of_the_sheet():
    """1.1 (a), (b), (c): 0.2, 1/2 and 1/8."""
    values = asdict(forward_pass(**SHEET))

    assert values == {"z1": 0.2, "a1": 0.2, "z2": 0.0, "y": 0.5, "loss": 0.125}


def test_backward_pass_of_the_sheet():
    """1.1 (e), (f): every factor, and 1/4, -1/40, -1/8."""
    chain = asdict(backward_pass(**SHEET))

    assert_allclose(chain.pop("dloss_dw2"), -1 / 40, rtol=1e-15)
    assert chain == {
        "dloss_dy": -0.5,
        "dy_dz2": 0.25,
        "dz2_da1": -1.0,
        "dz2_dw2": 0.2,
        "dz2_dbias": 1.0,
        "da1_dz1": 1.0,
        "dz1_dw1": 2.0,
        "dloss_dw1": 0.25,
        "dloss_dbias": -0.125,
    }


def test_the_bias_of_the_figure():
    """With the -0.2 that the sheet's figure shows by mistake."""
    figure = {**SHEET, "bias": -0.2}

    assert_allclose(forward_pass(**figure).y, 0.401312, atol=5e-7)
    assert_allclose(forward_pass(**figure).loss, 0.179213, atol=5e-7)
    assert_allclose(backward_pass(**figure).dloss_dw1, 0.287682, atol=5e-7)
    assert_allclose(forward_pass(**{**figure, "w1": -0.1}).y, 0.450166, atol=5e-7)


def test_steps_of_the_sheet():
    """1.1 (g), (h), (i), (k): 0.1 - 0.25 η, dead after η = 0.8, alive with a leak."""
    eta = np.array([0.1, 0.4, 0.8])
    assert_allclose(network_step(**SHEET, step_size=eta).w1, 0.1 - 0.25 * eta, 1e-15)

    new = network_step(**SHEET, step_size=0.8)
    assert_allclose([new.w1, new.w2, new.bias], [-0.1, -0.98, 0.3], rtol=1e-15)
    all_moved = forward_pass(2, 1, new.w1, new.w2, new.bias)
    assert_allclose(all_moved.y, 0.574443, atol=5e-7)

    dead = {**SHEET, "w1": -0.1}
    assert_allclose(forward_pass(**dead).y, 0.549834, atol=5e-7)
    targets = {**dead, "target": np.linspace(-2, 3, 11)}
    assert_array_equal(network_gradient(**targets).w1, np.zeros(11))
    assert_array_equal(network_gradient(**targets).w2, np.zeros(11))
    assert network_gradient(**{**dead, "x": -2}).w1 == -0.25

    leaky = forward_pass(**dead, slope=0.01)
    assert_allclose([leaky.a1, leaky.z2, leaky.y], [-0.002, 0.202, 0.550329], 1e-6)
    both = network_gradient(**{**dead, "target": [1, 0]}, slope=0.01).w1
    assert_allclose(both, [0.00222557, -0.00272377], atol=5e-9)


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.5, 1.0, -0.3])
def test_loss_is_its_definition_and_the_gradient_its_difference_quotient(rng, slope):
    """Multiple precision, and no chain rule at all."""
    for arguments in random_examples(rng):
        values = forward_pass(**arguments, slope=slope)
        chain = backward_pass(**arguments, slope=slope)
        exact = {**arguments, "slope": slope}

        assert_allclose(values.loss, float(exact_loss(**exact)), rtol=1e-12)
        for name in ("w1", "w2", "bias"):
            expected = exact_derivative(name, exact)
            assert_allclose(getattr(chain, f"dloss_d{name}"), expected, rtol=1e-12)


def test_each_local_derivative_is_its_own_difference_quotient(rng):
    """One link of the chain at a time."""
    slope = 0.1
    for given_ in random_examples(rng):
        x, t, w1, w2, b = given_.values()
        at = forward_pass(**given_, slope=slope)
        chain = backward_pass(**given_, slope=slope)
        links = {
            "dloss_dy": (lambda y, t=t: 0.5 * (y - t) ** 2, at.y),
            "dy_dz2": (lambda z: 1 / (1 + np.exp(-z)), at.z2),
            "dz2_da1": (lambda a, w2=w2, b=b: w2 * a + b, at.a1),
            "dz2_dw2": (lambda w, a=at.a1, b=b: w * a + b, w2),
            "dz2_dbias": (lambda b, a=at.a1, w2=w2: w2 * a + b, b),
            "da1_dz1": (lambda z: max(z, slope * z), at.z1),
            "dz1_dw1": (lambda w, x=x: w * x, w1),
        }
        for name, (f, point) in links.items():
            expected = difference_quotient(f, point)
            assert_allclose(getattr(chain, name), expected, 1e-8, 1e-9, err_msg=name)
        assert_allclose(
            chain.dloss_dw1,
            chain.dloss_dy
            * chain.dy_dz2
            * chain.dz2_da1
            * chain.da1_dz1
            * chain.dz1_dw1,
            rtol=1e-15,
        )


@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("bias", [-700.0, -40.0, -1e-9, 0.0, 37.0, 300.0])
def test_digits_survive_where_the_output_saturates(target, bias):
    """At y = 1 - 4e-18 the naive y - 1 is 0; here 12 digits remain."""
    given_ = {"x": 0.5, "target": target, "w1": 0.5, "w2": 3.0, "bias": bias}
    with mpmath.workdps(700):
        y = 1 / (1 + mpmath.exp(-(mpmath.mpf(0.75) + bias)))
        residual, derivative = y - target, y * (1 - y)
        expected = [float(v) for v in (residual, derivative, residual**2 / 2)]

    chain = backward_pass(**given_)
    actual = [chain.dloss_dy, chain.dy_dz2, forward_pass(**given_).loss]

    assert_allclose(actual, expected, rtol=1e-12, atol=1e-320)
    assert_allclose(network_loss(**given_), expected[2], rtol=1e-12, atol=1e-320)
    delta = float(residual * derivative)
    assert_allclose(network_gradient(**given_).bias, delta, rtol=1e-12, atol=1e-320)


@pytest.mark.parametrize("slope", [0.0, 0.01])
@pytest.mark.parametrize("block", [1, 7, 2**15])
def test_lean_functions_equal_the_plain_ones(rng, monkeypatch, slope, block):
    """`network_loss` and `network_gradient` in blocks, on shapes of every kind."""
    monkeypatch.setattr(_blocks, "_BLOCK", block)
    shapes = [
        ((), (), (), (), ()),
        ((5,), (5,), (), (), ()),
        ((), (), (6, 1), (1, 4), ()),
        ((3, 1, 2), (2,), (4, 1), (), (3, 1, 1)),
        ((0,), (), (), (), ()),
        ((1, 9), (), (), (), ()),
        ((1, 1, 9), (), (2, 1, 1), (9,), (2, 1, 1)),
    ]
    for shape in shapes:
        x, t, w1, w2, b = (rng.normal(size=s) for s in shape)
        plain = backward_pass(x, t, w1, w2, b, slope=slope)
        lean = network_gradient(x, t, w1, w2, b, slope=slope)

        expected = forward_pass(x, t, w1, w2, b, slope=slope).loss
        actual = network_loss(x, t, w1, w2, b, slope=slope)
        assert_allclose(actual, expected, rtol=1e-14)
        assert actual.shape == np.broadcast_shapes(*shape)
        for name in ("w1", "w2", "bias"):
            expected = getattr(plain, f"dloss_d{name}")
            # The factors are multiplied in another order.
            assert_allclose(getattr(lean, name), expected, rtol=1e-13)
            assert getattr(lean, name).shape == expected.shape


@pytest.mark.parametrize("target", [0.0, 1.0, 0.3, -2.0, [[0.0], [1.0]]], ids=str)
def test_lean_functions_do_not_mix_examples_up(target):
    """Where one logit of a block is past every exponential, the others are as ever."""
    bias = np.array([-1e300, -800.0, -700.0, -30.0, 0.0, 3.0, 700.0, 800.0, 1e300])
    given_ = {**SHEET, "target": target, "bias": bias}
    plain, lean = backward_pass(**given_), network_gradient(**given_)

    expected = forward_pass(**given_).loss
    # Subnormal numbers have fewer digits.
    assert_allclose(network_loss(**given_), expected, rtol=1e-12, atol=1e-307)
    for name in ("w1", "w2", "bias"):
        expected = getattr(plain, f"dloss_d{name}")
        assert_allclose(getattr(lean, name), expected, rtol=1e-12, atol=1e-307)


def test_every_result_has_the_common_shape(rng):
    """Also the local derivatives that depend on one argument alone."""
    x, w1 = rng.normal(size=(4, 1)), rng.normal(size=3)
    for result in (forward_pass(x, 1, w1, -1, 0.2), backward_pass(x, 1, w1, -1, 0.2)):
        assert {value.shape for value in asdict(result).values()} == {(4, 3)}
    for result in (forward_pass(**SHEET), backward_pass(**SHEET)):
        assert {type(value) for value in asdict(result).values()} == {np.float64}
    assert {type(value) for value in network_gradient(**SHEET)} == {np.float64}


def test_a_sweep_is_its_single_calls(rng):
    """A thousand weights at once, against a loop of plain floats."""
    w1 = rng.normal(size=1000)
    sweep = network_gradient(2.0, 1.0, w1, -1.0, 0.2, slope=0.01)
    single = [network_gradient(2.0, 1.0, w, -1.0, 0.2, slope=0.01) for w in w1.tolist()]

    for name in ("w1", "w2", "bias"):
        expected = [getattr(g, name) for g in single]
        assert_allclose(getattr(sweep, name), expected, rtol=1e-13)


@given(
    weights=st.tuples(numbers, numbers, numbers),
    x=numbers,
    target=probabilities,
    slope=numbers,
)
def test_never_nan(weights, x, target, slope):
    """Finite and bounded: E ≤ 1/2, |y - t| ≤ 1, |∂E/∂b| ≤ 4/27."""
    values = forward_pass(x, target, *weights, slope=slope)
    chain = backward_pass(x, target, *weights, slope=slope)

    assert all(np.isfinite(list(asdict(values).values())))
    assert all(np.isfinite(list(asdict(chain).values())))
    assert 0 <= values.loss <= 0.5
    assert abs(chain.dloss_dy) <= 1
    assert abs(chain.dloss_dbias) <= 4 / 27 * (1 + 1e-15)


@given(x=numbers, target=probabilities, w1=numbers, w2=numbers, bias=numbers)
def test_mirror_symmetries(x, target, w1, w2, bias):
    """Mirroring x and w1, or the output, changes nothing but signs, even of zeros."""
    g = network_gradient(x, target, w1, w2, bias)

    mirrored = network_gradient(-x, target, -w1, w2, bias)
    assert_array_equal([mirrored.w1, mirrored.w2, mirrored.bias], [-g.w1, g.w2, g.bias])
    flipped = network_gradient(x, 1 - target, w1, -w2, -bias)
    # 1 - target is rounded.
    expected = [g.w1, -g.w2, -g.bias]
    actual = [flipped.w1, flipped.w2, flipped.bias]
    assert_allclose(actual, expected, rtol=1e-10, atol=1e-12)


def test_arguments_are_neither_modified_nor_shared(rng):
    """A result stays what it was when an argument changes afterwards."""
    x, w2 = rng.normal(size=4), rng.normal(size=4)
    before = x.copy(), w2.copy()
    chain = backward_pass(x, 1, 0.1, w2, 0.2)
    assert_array_equal([x, w2], before)

    x += 1
    w2 += 1
    assert_array_equal(chain.dz1_dw1, before[0])
    assert_array_equal(chain.dz2_da1, before[1])


@pytest.mark.parametrize("dtype", [np.int8, np.float32])
def test_integers_and_single_precision_give_double(dtype):
    """Nothing is computed in the precision of the input."""
    arguments = np.array([[2, 3], [1, 0], [1, -1], [-1, 2], [3, 4]], dtype=dtype)
    for f in (
        network_loss,
        lambda *a: network_gradient(*a).w1,
        lambda *a: backward_pass(*a).dloss_dw1,
    ):
        actual = f(*arguments)
        assert actual.dtype == np.float64
        assert_array_equal(actual, f(*arguments.astype(float)))


# --- what is refused ------------------------------------------------------------


@pytest.mark.parametrize("f", SINGLE)
@pytest.mark.parametrize("name", NAMES)
def test_rejects_what_is_no_finite_number(f, name):
    """Each argument by its name."""
    with says(ValueError, f"`{name}` holds nan, expected finite numbers"):
        f(**{**SHEET, name: np.nan})
    with says(ValueError, f"`{name}` holds -inf, expected finite numbers"):
        f(**{**SHEET, name: [0.0, -np.inf]})
    with says(TypeError, f"`{name}` is of type NoneType, expected real numbers"):
        f(**{**SHEET, name: None})


@pytest.mark.parametrize("f", SINGLE)
def test_rejects_other_slopes_and_shapes(f):
    """One slope; shapes that broadcast."""
    floats = {name: float(value) for name, value in SHEET.items()}
    for given_ in (SHEET, floats):
        with says(ValueError, "`slope` holds inf, expected finite numbers"):
            f(**given_, slope=np.inf)
        with says(ValueError, "`slope` has shape (2,), expected a number"):
            f(**given_, slope=[0.1, 0.2])
    message = (
        "`x` (3,), `target` (), `w1` (2,), `w2` (), `bias` () do not broadcast, "
        "expected shapes that do"
    )
    with says(ValueError, message):
        f(**{**SHEET, "x": [1, 2, 3], "w1": [1, 2]})


@pytest.mark.parametrize("f", SINGLE)
@pytest.mark.parametrize("kind", [float, np.array], ids=["number", "array"])
def test_rejects_products_past_the_largest_float(f, kind):
    """No warning, no silent infinity: the product is named."""
    huge = {name: kind(float(value)) for name, value in SHEET.items()}
    huge.update(x=kind(1e200), w1=kind(1e200))
    with says(
        ValueError,
        "`x` and `w1` make the result too large for a float, "
        "expected values closer to 1",
    ):
        f(**huge)


def test_rejects_logits_losses_and_gradients_past_the_largest_float():
    """What is passed is named, and no product on the way."""
    end = "the result too large for a float, expected values closer to 1"
    with says(ValueError, f"`x` and `w2` make {end}"):
        forward_pass(1e200, 1, 1, -1e200, 0)
    for f in (forward_pass, network_loss):
        with says(ValueError, f"`target` makes {end}"):
            f(**{**SHEET, "target": 1e200})
    with says(ValueError, f"`x` and `w2` make {end}"):
        network_gradient(x=1e200, target=1.0, w1=0.0, w2=-1e200, bias=0.2, slope=1.0)
    with says(ValueError, f"`x` and `target` make {end}"):
        backward_pass(x=1e200, target=1e200, w1=1, w2=0, bias=0)
    with says(ValueError, f"`x`, `w1` and `step_size` make {end}"):
        network_step(x=1e200, target=1, w1=1e-200, w2=1, bias=0, step_size=1e150)


def test_half_a_square_fits_where_the_square_does_not():
    """The largest losses that are floats."""
    assert_allclose(relu_output_loss(0, 1.5e154), 1.125e308, rtol=1e-14)
    assert_allclose(network_loss(0, 1.5e154, 0, 0, 0), 1.125e308, rtol=1e-14)
    assert_allclose(multi_output_pass(0, [1.5e154], 0, [0]).loss, 1.125e308, rtol=1e-14)


EXTREMES = [0.0, 5e-324, 1e-310, 1e-200, 1e-150, 1.0, 1e150, 1e200, 1.7e308]


@pytest.mark.parametrize("slope", [0.0, 0.01])
def test_right_or_refused_at_every_size(rng, slope):
    """Random mixtures of extremes, from the definition in multiple precision."""
    refused = 0
    for _ in range(400):
        x, w1, w2, b = rng.choice(EXTREMES, size=4) * rng.choice([-1.0, 1.0], size=4)
        t = float(rng.choice([0.0, 0.3, 1.0]))
        with mpmath.workdps(1400):
            z1 = mpmath.mpf(w1) * mpmath.mpf(x)
            active = mpmath.mpf(1) if z1 > 0 else mpmath.mpf(slope)
            z2 = mpmath.mpf(w2) * active * z1 + mpmath.mpf(b)
            cancels = abs(z2) < 1e-10 * abs(b)  # what is left of z2 is its rounding
            z2 = max(min(z2, mpmath.mpf(3000)), mpmath.mpf(-3000))
            y = 1 / (1 + mpmath.exp(-z2))
            delta = (y - t) * y * (1 - y)
            exact = {
                "loss": (y - t) ** 2 / 2,
                "w1": delta * active * w2 * mpmath.mpf(x),
                "w2": delta * active * z1,
                "bias": delta,
            }
        if abs(z1) > 1.7e308:
            for f in (network_loss, network_gradient):
                with pytest.raises(ValueError, match="too large for a float"):
                    f(x, t, w1, w2, b, slope=slope)
            refused += 1
            continue
        if cancels:
            continue
        loss = network_loss(x, t, w1, w2, b, slope=slope)
        assert_allclose(loss, float(exact["loss"]), rtol=1e-12, atol=1e-300)
        if not abs(mpmath.mpf(w2) * mpmath.mpf(x)) < np.finfo(float).max:
            refused += 1
            with pytest.raises(ValueError, match="too large for a float"):
                network_gradient(x, t, w1, w2, b, slope=slope)
            continue
        gradient = network_gradient(x, t, w1, w2, b, slope=slope)
        for name, value in gradient._asdict().items():
            assert_allclose(value, float(exact[name]), rtol=1e-12, atol=1e-300)
    assert refused < 200


def test_a_product_that_underflows_leaves_its_unit_active():
    """Its derivative in w1 is that of the active side, which the signs decide."""
    gradient = network_gradient(1e-200, 1, 1e-200, 1e100, 0.0)
    assert_allclose(gradient.w1, -0.125e-100, rtol=1e-14)
    assert backward_pass(1e-200, 1, 1e-200, 1.0, 0.0).da1_dz1 == 1.0
    assert not is_dead(1e-200, 1e-200)


@pytest.mark.parametrize("f", [forward_pass, backward_pass])
def test_nothing_is_minus_zero_where_the_unit_is_dead(f):
    """A reader would ask why."""
    for value in asdict(f(**{**SHEET, "w1": -0.1})).values():
        if value == 0.0 and f is forward_pass:
            assert not np.signbit(value)


def test_the_callers_error_state_does_not_matter():
    """Overflow and underflow on the way are the library's own affair."""
    given_ = {**SHEET, "bias": [-1e300, -745.0, 0.0, 745.0], "w2": 1e-310}
    expected = network_gradient(**given_), network_loss(**given_)
    with np.errstate(all="raise"):
        assert_array_equal(network_gradient(**given_).w1, expected[0].w1)
        assert_array_equal(network_loss(**given_), expected[1])


def test_shapes_past_every_memory_are_refused():
    """Before anything is allocated."""
    wide, tall = np.zeros((10**7, 1)), np.zeros(10**7)
    for f in (forward_pass, network_loss, network_gradient):
        with pytest.raises(MemoryError, match="`x` is of shape"):
            f(wide, 1, tall, 1, 1)
    with pytest.raises(MemoryError, match="`output_weights` is of shape"):
        multi_output_pass(1, 1.0 * np.ones(10**7), 1, np.ones(10**7))


@pytest.mark.parametrize("step_size", [0, -0.5])
def test_rejects_learning_rates_that_are_not_positive(step_size):
    """A step of zero or uphill is a slip."""
    message = f"`step_size` holds {step_size}, expected > 0"
    with says(ValueError, message):
        network_step(**SHEET, step_size=[1, step_size])


def test_rejects_learning_rates_that_do_not_broadcast():
    """The learning rate is one of the shapes."""
    with pytest.raises(ValueError, match=r"`step_size` \(2,\) do not broadcast"):
        network_step(**{**SHEET, "x": [1, 2, 3]}, step_size=[1, 2])


# --- ReLU output ----------------------------------------------------------------


def test_relu_output(rng):
    """The definition, its difference quotient, and the dead half-line."""
    z, t = rng.normal(size=(2, 50))

    actual = relu_output_loss(z, t)
    expected = [0.5 * (max(0, a) - b) ** 2 for a, b in zip(z, t, strict=True)]
    assert_allclose(actual, expected, rtol=1e-15)
    expected = difference_quotient(lambda z: relu_output_loss(z, t).sum(), z)
    assert_allclose(relu_output_loss_derivative(z, t), expected, 1e-8, 1e-9)
    assert relu_output_loss(-1, 1) == 0.5
    assert_array_equal(relu_output_loss_derivative([-1, 0], [1, -7]), [0.0, 0.0])


@pytest.mark.parametrize("f", [relu_output_loss, relu_output_loss_derivative])
def test_relu_output_rejects(f):
    """Both arguments by name, shapes, and overflow."""
    with says(ValueError, "`z` holds nan, expected finite numbers"):
        f(np.nan, 1)
    with says(ValueError, "`target` holds inf, expected finite numbers"):
        f(1, np.inf)
    message = "`z` (2,), `target` (3,) do not broadcast, expected shapes that do"
    with says(ValueError, message):
        f([1, 2], [1, 2, 3])
    message = "`z` and `target` make the result too large for a float, expected"
    with pytest.raises(ValueError, match=f"^{message}"):
        f(1e308, -1e308)


# --- several outputs --------------------------------------------------------------


def multi_loss(x, targets, w1, weights, *, outputs, slope):
    """The loss of one example with several outputs, in plain Python and mpmath."""
    z1 = mpmath.mpf(w1) * x
    z = [w * (z1 if z1 > 0 else slope * z1) for w in weights]
    if outputs == "sigmoid":
        pairs = zip(z, targets, strict=True)
        return sum((1 / (1 + mpmath.exp(-v)) - t) ** 2 for v, t in pairs) / 2
    log_sum = mpmath.log(sum(mpmath.exp(v) for v in z))
    return sum(t * (log_sum - v) for v, t in zip(z, targets, strict=True))


@pytest.mark.parametrize("outputs", ["sigmoid", "softmax"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_multi_output_gradient_is_a_difference_quotient(rng, outputs, count):
    """Multiple precision, from the loss alone."""
    for _ in range(5):
        x, w1 = rng.normal(size=2)
        weights = rng.normal(size=count)
        targets = rng.dirichlet(np.ones(count))
        result = multi_output_pass(x, targets, w1, weights, outputs=outputs, slope=0.1)
        with mpmath.workdps(80):
            step = mpmath.mpf(10) ** -30
            f = functools.partial(multi_loss, x, targets, outputs=outputs, slope=0.1)
            base = f(w1, weights)
            dw1 = float((f(w1 + step, weights) - base) / step)
            moved = weights + step * np.eye(count, dtype=int)
            dw = [float((f(w1, row) - base) / step) for row in moved]

        # One class is certain: the exact loss is 0, but for the 80th digit.
        assert_allclose(result.loss, float(base), rtol=1e-12, atol=1e-70)
        assert_allclose(result.dloss_dw1, dw1, rtol=1e-11, atol=1e-15)
        assert_allclose(result.dloss_dw, dw, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("outputs", ["sigmoid", "softmax"])
def test_multi_output_factors_are_difference_quotients(rng, outputs):
    """Each link of the chain, and each path as the product of its links."""
    count = 3
    x, w1, weights = 1.5, 0.7, rng.uniform(-1, 1, size=count)
    targets = rng.dirichlet(np.ones(count))
    at = multi_output_pass(x, targets, w1, weights, outputs=outputs)

    def activation(z):
        e = np.exp(z)
        return e / (1 + e) if outputs == "sigmoid" else e / e.sum()

    def loss_of(y):
        squared = 0.5 * np.sum((y - targets) ** 2)
        return squared if outputs == "sigmoid" else -np.sum(targets * np.log(y))

    assert_allclose(at.y, activation(at.z), rtol=1e-14)
    assert_allclose(at.dloss_dy, difference_quotient(loss_of, at.y), 1e-8, 1e-9)
    for i in range(count):
        row = difference_quotient(lambda z, i=i: activation(z)[i], at.z)
        assert_allclose(at.dy_dz[i], row, 1e-8, 1e-9)
    expected = difference_quotient(lambda z: loss_of(activation(z)), at.z)
    assert_allclose(at.dloss_dz, expected, 1e-8, 1e-9)
    assert_array_equal(at.dz_da1, weights)
    for i, j in itertools.product(range(count), repeat=2):
        product = at.dloss_dy[i] * at.dy_dz[i, j] * at.dz_da1[j]
        assert_allclose(at.paths[i, j], product, rtol=1e-13)
    assert_allclose(at.dloss_da1, at.paths.sum(), rtol=1e-14)
    assert_allclose(at.dloss_dw1, at.dloss_da1 * at.da1_dz1 * at.dz1_dw1, rtol=1e-14)
    assert (at.z1, at.a1, at.da1_dz1, at.dz1_dw1) == (1.5 * 0.7, 1.5 * 0.7, 1.0, 1.5)


def test_sigmoid_outputs_have_one_path_each():
    """The two-term formula of 1.2 (a), and no path that crosses over."""
    x, w1, w2, w3, t1, t2 = 2.0, 0.3, -1.0, 0.5, 1.0, 0.0
    result = multi_output_pass(x, [t1, t2], w1, [w2, w3])
    y1, y2 = 1 / (1 + np.exp(-np.array([w2, w3]) * 0.6))

    first, second = (y1 - t1) * y1 * (1 - y1) * w2, (y2 - t2) * y2 * (1 - y2) * w3
    assert_allclose(result.paths, [[first, 0], [0, second]], rtol=1e-14)
    assert_allclose(result.dloss_dw1, (first + second) * x, rtol=1e-14)


def test_one_sigmoid_output_is_the_network_of_the_sheet(rng):
    """With one output and no bias both networks are the same."""
    x, w1, w2 = rng.normal(size=(3, 40))
    t = rng.uniform(size=40)
    one = backward_pass(x, t, w1, w2, 0, slope=0.2)
    many = multi_output_pass(x, t[:, None], w1, w2[:, None], slope=0.2)

    assert_allclose(many.dloss_dw1, one.dloss_dw1, rtol=1e-13)
    assert_allclose(many.dloss_dw[:, 0], one.dloss_dw2, rtol=1e-13)


def test_softmax_paths_collapse_to_the_residual(rng):
    """Four products, of which the sum is (y - t) w for each logit."""
    x, w1 = 1.0, rng.uniform(0.1, 1, size=(30, 1))
    weights, t = rng.normal(size=(30, 1, 2)), rng.dirichlet([1, 1], size=(30, 4))
    result = multi_output_pass(x, t, w1, weights, outputs="softmax")

    assert result.paths.shape == (30, 4, 2, 2)
    assert_allclose(result.dloss_dz, result.y - t, rtol=1e-12, atol=1e-15)
    assert_allclose(result.paths.sum(axis=-2), (result.y - t) * weights, atol=1e-14)


def test_multi_output_extremes():
    """Where an output underflows only its own derivative is infinite, nothing NaN."""
    sure = multi_output_pass(1, [0, 1], 1, [1e4, -1e4], outputs="softmax")
    assert_array_equal(sure.y, [1, 0])
    assert_array_equal(sure.dloss_dy, [0, -np.inf])
    assert sure.loss == 2e4
    assert_array_equal(sure.paths, [[0, 0], [1e4, 1e4]])
    assert sure.dloss_dw1 == 2e4

    far = multi_output_pass(1, [1, 0], 1, [1e308, -1e308], outputs="softmax")
    assert far.loss == 0

    # At 1 - y = 2e-18 the naive 1 - y is 0.
    right = multi_output_pass(1, [1, 0], 1, [40, 0], outputs="softmax")
    assert_allclose(right.dloss_dz, [-np.exp(-40), np.exp(-40)], rtol=1e-14)
    assert_allclose(right.loss, np.exp(-40), rtol=1e-14)
    for outputs in ("sigmoid", "softmax"):
        for value in asdict(multi_output_pass(1, [1, 0], 1, [1e4, -1e4])).values():
            assert np.isfinite(value).all(), outputs


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f4", "f8", "longdouble"])
def test_softmaxes_of_other_libraries_are_distributions(rng, dtype):
    """In their own precision: a thousand softmaxes over ten classes."""
    z = rng.normal(size=(1000, 10)).astype(dtype)
    weights = np.exp(z - z.max(axis=-1, keepdims=True))
    targets = (weights / weights.sum(axis=-1, keepdims=True)).astype(dtype)

    result = multi_output_pass(1, targets, 1, np.zeros(10), outputs="softmax")

    total = targets.astype(float).sum(axis=-1)
    assert_allclose(result.loss, np.log(10) * total, rtol=1e-12)


def test_multi_output_broadcasts_and_shares_nothing(rng):
    """Every field has the documented shape, and none is a view of an argument."""
    x, w1, weights = rng.normal(size=(4, 1)), rng.normal(size=3), rng.normal(size=2)
    result = multi_output_pass(x, [1, 0], w1, weights)
    matrices = {"dy_dz", "paths"}
    vectors = {"z", "y", "dloss_dy", "dz_da1", "dloss_dz", "dloss_dw"}
    for name, value in asdict(result).items():
        tail = (2, 2) if name in matrices else (2,) if name in vectors else ()
        assert value.shape == (4, 3, *tail), name
        assert not any(np.shares_memory(value, a) for a in (x, w1, weights)), name


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"outputs": ["softmax"]},
            TypeError,
            "`outputs` is ['softmax'], expected 'sigmoid' or ",
        ),
        (
            {"outputs": "tanh"},
            ValueError,
            "`outputs` is 'tanh', expected 'sigmoid' or ",
        ),
        ({"targets": 1}, ValueError, "`targets` has shape (), expected (..., K)"),
        (
            {"targets": [[]]},
            ValueError,
            "`targets` has shape (1, 0), expected (..., K)",
        ),
        ({"targets": [0.5, 0.4]}, ValueError, "`targets` has sum 0.9, expected 1"),
        (
            {"targets": [0.5, 0.5 + 2.0**-20]},
            ValueError,
            "`targets` has sum 1.0000009536743164, expected 1",
        ),
        (
            {"targets": np.float32([0.5, 0.501])},
            ValueError,
            "`targets` has sum 1.00099",
        ),
        ({"targets": [1.5, -0.5]}, ValueError, "`targets` holds -0.5, expected >= 0"),
        ({"targets": [1, np.nan]}, ValueError, "`targets` holds nan, expected finite"),
        ({"output_weights": [1, 2, 3]}, ValueError, "`targets` (2,), `output_weights`"),
        ({"output_weights": 3.0}, ValueError, "`output_weights` has shape (), expec"),
        ({"output_weights": [1j]}, TypeError, "`output_weights` is of type list of "),
        ({"x": np.inf}, ValueError, "`x` holds inf, expected finite numbers"),
        ({"w1": "a"}, TypeError, "`w1` is of type str, expected real numbers"),
        ({"slope": np.nan}, ValueError, "`slope` holds nan, expected finite numbers"),
        ({"w1": 1e308}, ValueError, "`w1` makes the result too large for a float"),
        (
            {"output_weights": [1e308, 1]},
            ValueError,
            "`output_weights` makes the result too large for a float",
        ),
    ],
    ids=str,
)
def test_multi_output_rejects(change, error, message):
    """Each argument by its name."""
    given_ = {
        "x": 2,
        "targets": [1, 0],
        "w1": 1,
        "output_weights": [1, -1],
        "outputs": "softmax",
    }
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        multi_output_pass(**{**given_, **change})


# --- beyond the homework ------------------------------------------------------------


def test_one_sided_derivatives_of_the_sheet():
    """At w1 = 0: 0 on the left and 0.222847 on the right."""
    sides = one_sided_derivatives(**{**SHEET, "w1": 0})

    assert sides.left == 0
    assert_allclose(sides.right, 0.222847, atol=5e-7)
    both = one_sided_derivatives(**SHEET)
    assert (both.left, both.right) == (0.25, 0.25)


@pytest.mark.parametrize("slope", [0.0, 0.01, 1.0])
def test_one_sided_derivatives_are_one_sided_difference_quotients(rng, slope):
    """At the kink and beside it, for inputs of either sign, and zero."""
    for given_ in random_examples(rng):
        for change in ({"w1": 0.0}, {"x": 0.0}, {}):
            exact = {**given_, **change, "slope": slope}
            sides = one_sided_derivatives(**exact)
            for side, actual in ((-1, sides.left), (1, sides.right)):
                expected = exact_derivative("w1", exact, side)
                assert_allclose(actual, expected, rtol=1e-12, atol=1e-30)


def test_clarke_subdifferential_holds_every_limit_of_gradients(rng):
    """Gradients near the kink come close to its two ends, and to nothing else."""
    w1 = rng.normal(scale=1e-7, size=1000)
    for given_ in random_examples(rng):
        sides = one_sided_derivatives(**{**given_, "w1": 0.0})
        near = network_gradient(**{**given_, "w1": w1}).w1
        to_end = np.minimum(abs(near - sides.left), abs(near - sides.right))
        assert to_end.max() < 1e-4
        assert_allclose(np.ptp(near), abs(sides.left - sides.right), atol=2e-4)


def test_plateau_is_optimal_exactly_when_the_theorem_says_so(rng):
    """A grid search over w1 against the sign of (σ(b) - t) w2."""
    w1 = np.linspace(-20, 20, 4001)
    seen = set()
    for given_ in random_examples(rng, count=200):
        losses = network_loss(**{**given_, "w1": w1})
        plateau = 0.5 * (1 / (1 + np.exp(-given_["bias"])) - given_["target"]) ** 2
        dead = is_dead(given_["x"], w1)
        assert_allclose(losses[dead], plateau, rtol=1e-12)

        sides = one_sided_derivatives(**{**given_, "w1": 0.0})
        ascent = sides.right if given_["x"] > 0 else -sides.left
        assert (losses.min() >= plateau * (1 - 1e-12)) == (ascent >= 0)
        seen.add(bool(ascent >= 0))
    assert seen == {True, False}


def test_dead_is_where_every_gradient_of_the_unit_is_zero(rng):
    """No gradient in w1 and w2 for any target; some gradient everywhere else."""
    x, w1 = rng.normal(size=(2, 200))
    x[:3], w1[2:5] = 0, 0
    g = network_gradient(x, rng.uniform(2, 3, size=200), w1, 1.5, 0.2)

    assert_array_equal(is_dead(x, w1), (g.w1 == 0) & (g.w2 == 0))
    assert_array_equal(is_dead([2, -2, 0], [[-0.1], [0]]), [[1, 0, 1], [1, 1, 1]])
    assert not is_dead(1e-200, 1e-200)


def test_a_step_on_the_mirrored_input_revives_when_the_theorem_says_so(rng):
    """Brute force: some learning rate makes the dead example active again."""
    rates = np.logspace(-6, 40, 400)
    seen = set()
    for given_ in random_examples(rng, count=100):
        x, t, w1, w2, b = given_.values()
        mirrored = -x if is_dead(x, w1) else x
        new = network_step(mirrored, t, w1, w2, b, step_size=rates).w1
        revived = not is_dead(-mirrored, new).all()
        y = forward_pass(mirrored, t, w1, w2, b).y
        assert revived == ((y - t) * w2 > 0)
        assert revived == np.isfinite(sign_change_step_size(mirrored, t, w1, w2, b))
        seen.add(revived)
    assert seen == {True, False}


@pytest.mark.parametrize("slope", [0.01, 0.3, 1.0])
def test_a_leak_pulls_a_dead_weight_by_the_sign_of_the_theorem(rng, slope):
    """A small step moves a dead w1 towards zero if (y - t) w2 < 0, else away."""
    for given_ in random_examples(rng, count=100):
        x, t, w1, w2, b = given_.values()
        x = x if is_dead(x, w1) else -x
        new = network_step(x, t, w1, w2, b, step_size=1e-3, slope=slope).w1
        y = forward_pass(x, t, w1, w2, b, slope=slope).y
        assert np.sign(abs(new) - abs(w1)) == np.sign((y - t) * w2)


def test_leaky_descent_comes_back_for_one_target_only():
    """From w1 = -0.1: ever further away for t = 1, across zero for t = 0."""
    ends = {}
    for target in (0, 1):
        w1 = -0.1
        for _ in range(2000):
            new = float(
                network_step(2, target, w1, -1, 0.2, step_size=0.8, slope=0.01).w1
            )
            assert (new > w1) == (target == 0)
            w1 = new
            if w1 > 0:
                break
        ends[target] = w1
    assert ends[0] > 0
    assert ends[1] < -1


@pytest.mark.parametrize("slope", [0.0, 0.01, 1.0])
def test_learning_rate_of_the_sign_change(rng, slope):
    """Just below it the sign stays, just above it the sign is another."""
    finite = 0
    for given_ in random_examples(rng, count=100):
        rate = sign_change_step_size(**given_, slope=slope)
        if np.isfinite(rate):
            finite += 1
            around = np.array([1e-3, 1 - 1e-9, 1 + 1e-9, 10]) * rate
            new = network_step(**given_, step_size=around, slope=slope).w1
            same = np.sign(new) == np.sign(given_["w1"])
            assert_array_equal(same, [True, True, False, False])
        else:
            rates = np.logspace(-9, 12, 50)
            new = network_step(**given_, step_size=rates, slope=slope).w1
            assert (np.sign(new) == np.sign(given_["w1"])).all()
    assert 10 < finite < 90


@pytest.mark.parametrize(
    ("target", "ends"), [(0.3, "back"), (0.56, "settles"), (1.0, "away")]
)
def test_a_dead_weight_with_a_leak_has_three_fates(target, ends):
    """Below sigma(b) = .55 it comes back, above it settles at y = t, at 1 it leaves."""
    w1, previous = -0.1, np.nan
    for _ in range(20_000):
        previous, w1 = (
            w1,
            network_step(2.0, target, w1, -1.0, 0.2, step_size=80.0, slope=0.01).w1,
        )
        if w1 > 0.0:
            break
    if ends == "back":
        assert w1 > 0.0
    elif ends == "settles":
        assert_allclose(w1, (0.2 - np.log(0.56 / 0.44)) / 0.02, rtol=1e-6)
        assert_allclose(w1, -2.06, atol=0.005)
    else:
        assert w1 < previous < -100.0


def test_the_sign_changing_step_size_is_positive_where_it_underflows():
    """Its ratio is 4e-326 here; the smallest float is the next that there is."""
    eta = sign_change_step_size(2, 1, 1e-320, -1e6, 0)
    assert eta == 5e-324
    new = network_step(2, 1, 1e-320, -1e6, 0, step_size=eta).w1
    assert new < 0.0


def test_learning_rate_of_the_sign_change_at_its_limits():
    """0.4 on the sheet; none when dead, at zero, at the target, or moving away."""
    assert sign_change_step_size(**SHEET) == 0.4
    for change in ({"w1": -0.1}, {"w1": 0}, {"target": 0.5}, {"target": 0}, {"w2": 0}):
        assert sign_change_step_size(**{**SHEET, **change}) == np.inf
    # A gradient of 1e-301 for a weight of 1e9.
    tiny = {"x": 1, "target": 1, "w1": 1e9, "w2": -1e-9, "bias": -692}
    assert sign_change_step_size(**tiny) == np.inf


def test_no_learning_rate_below_the_bound_changes_the_sign(rng):
    """Brute force over targets and biases; the bound is attained at y = 1/3, t = 1."""
    for given_ in random_examples(rng, count=30):
        x, w1, w2 = given_["x"], given_["w1"], given_["w2"]
        bound = sign_preserving_step_size(x, w1, w2)
        x = -x if is_dead(x, w1) else x
        targets = np.linspace(0, 1, 21)[:, None]
        logit = np.linspace(-6, 6, 2401)
        bias = logit - w2 * w1 * x
        rates = sign_change_step_size(x, targets, w1, w2, bias)
        assert rates.min() >= bound * (1 - 1e-12)
        # The best logit is a quadratic minimum, and the grid within 0.0025 of it.
        assert_allclose(rates.min(), bound, rtol=1e-5)

        t = 1.0 if w2 < 0 else 0.0
        best = np.log(1 / 2 if w2 < 0 else 2) - w2 * w1 * x
        assert_allclose(sign_change_step_size(x, t, w1, w2, best), bound, rtol=1e-12)
    assert_allclose(sign_preserving_step_size(2, 0.1, -1), 0.3375, rtol=1e-15)
    assert_array_equal(
        sign_preserving_step_size([0, 1, 2, 1e-300], [0, 0, 1, 1e300], 1),
        [np.inf, 0, 3.375, np.inf],
    )
    # Where products of two are past the floats, but not the ratio.
    assert_allclose(
        sign_preserving_step_size(
            [1e300, 1e-200, 1e-200], [1e308, 1e-200, 0], [1, 1e-200, 1e-200]
        ),
        [6.75e8, 6.75e200, 0.0],
        rtol=1e-14,
    )


def test_beyond_rejects():
    """The arguments of the remaining functions, by name."""
    with says(ValueError, "`w1` holds nan, expected finite numbers"):
        is_dead(1, np.nan)
    message = "`x` (2,), `w1` (3,) do not broadcast, expected shapes that do"
    with says(ValueError, message):
        is_dead([1, 2], [1, 2, 3])
    with says(TypeError, "`x` is of type complex, expected real numbers"):
        sign_preserving_step_size(1j, 1, 1)
    message = "`x` (2,), `w1` (3,), `w2` () do not broadcast, expected shapes that do"
    with says(ValueError, message):
        sign_preserving_step_size([1, 2], [1, 2, 3], 1)


def test_results_can_be_kept_and_sent():
    """Pickled, copied, and computed in threads; compared by identity."""
    result = multi_output_pass(2, [[1, 0], [0, 1]], w1=0.5, output_weights=[1, 2])
    for same in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert same != result
        for name, value in asdict(result).items():
            assert_array_equal(getattr(same, name), value)
    with ThreadPoolExecutor(4) as threads:
        many = list(threads.map(lambda _: network_gradient(**SHEET), range(64)))
    assert set(many) == {network_gradient(**SHEET)}


@pytest.mark.usefixtures("numba")
def test_a_compiled_loop_is_the_formula_of_the_sheet(rng):
    """With SciPy's sigmoid, for examples on both sides of the kink."""
    x, t = rng.normal(size=40), rng.random(40)
    y = expit(-1.3 * np.maximum(0.7 * x, 0.0) + 0.2)
    delta = (y - t) * y * (1.0 - y)

    loss = network_loss(x, t, 0.7, -1.3, 0.2, engine="numba")
    gradient = network_gradient(x, t, 0.7, -1.3, 0.2, engine="numba")

    assert_allclose(loss, 0.5 * (y - t) ** 2, rtol=1e-12, atol=1e-16)
    assert_allclose(gradient.w1, delta * -1.3 * (x > 0.0) * x, rtol=1e-12, atol=1e-16)
    assert_allclose(
        gradient.w2, delta * np.maximum(0.7 * x, 0.0), rtol=1e-12, atol=1e-16
    )
    assert_allclose(gradient.bias, delta, rtol=1e-12, atol=1e-16)


@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize("f", [network_loss, network_gradient])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", NAMES)
def test_a_compiled_loop_names_the_argument_that_is_not_finite(f, name, number):
    """The loop only knows that one is wrong, also where no result would show it."""
    given_ = {key: np.full(5, float(value)) for key, value in SHEET.items()}
    given_[name][3] = number
    with says(ValueError, f"`{name}` holds {number}, expected finite numbers"):
        f(**given_, engine="numba")


@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize("f", [network_loss, network_gradient])
@pytest.mark.parametrize("w2", [-1.0, 0.0, 1.0])
def test_a_compiled_loop_refuses_a_hidden_unit_past_the_largest_float(f, w2):
    """Also where the loss itself would be finite: the output is then 0 or 1."""
    with pytest.raises(ValueError, match="`x` and `w1` make the result too large"):
        f([1.0, 1e200], 1.0, 1e200, w2, 0.2, engine="numba")


@pytest.mark.usefixtures("numba")
def test_a_compiled_loop_refuses_a_gradient_past_the_largest_float():
    """`w2 x` overflows, though every argument and the hidden unit are finite."""
    with pytest.raises(ValueError, match="make the result too large"):
        network_gradient(1e200, 0.5, 1e-300, 1e200, [0.2, 0.1], engine="numba")
