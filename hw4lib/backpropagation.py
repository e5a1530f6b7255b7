r"""One hidden ReLU and its outputs: forward pass, chain rule, gradient step.

The network of Problem 1.1 has one input, one hidden unit and one sigmoid output:
$z_1 = w_1 x$, $a_1 = f(z_1)$, $z_2 = w_2 a_1 + b$, $y = \sigma(z_2)$, with the loss
$E = \tfrac12 (y - t)^2$. The hidden activation $f$ is the leaky ReLU; its `slope` is
0 by default, which is the ReLU. That of Problem 1.2 has several outputs.

Every argument may be a number or an array, of shapes that broadcast: a sweep over a
million weights is one call, and with an array of examples every result is per example.
At the kink $z_1 = 0$ derivatives are those of the inactive side, as in
[`hw4lib.activations`][].
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_number,
    as_numbers,
    check_broadcast,
    is_finite,
)
from hw4lib._products import BUFFER
from hw4lib.activations import (
    leaky_relu,
    leaky_relu_derivative,
    relu,
    sigmoid,
    softmax,
)

__all__ = [
    "BackwardPass",
    "ForwardPass",
    "MultiOutputPass",
    "OneSidedDerivatives",
    "Parameters",
    "backward_pass",
    "forward_pass",
    "is_dead",
    "multi_output_pass",
    "network_gradient",
    "network_loss",
    "network_step",
    "one_sided_derivatives",
    "relu_output_loss",
    "relu_output_loss_derivative",
    "sign_change_step_size",
    "sign_preserving_step_size",
]

_BLOCK = 2**16
"""Entries worked on at a time, so that intermediate results stay in the cache."""


@dataclass(frozen=True)
class ForwardPass:
    """Every value of a forward pass, each of the shape its arguments broadcast to.

    Attributes:
        z1: Pre-activation $z_1$ of the hidden unit.
        a1: Activation $a_1$ of the hidden unit.
        z2: Pre-activation (logit) $z_2$ of the output unit.
        y: Output $y$.
        loss: Squared error $E$.
    """

    z1: NDArray[np.float64]
    a1: NDArray[np.float64]
    z2: NDArray[np.float64]
    y: NDArray[np.float64]
    loss: NDArray[np.float64]


@dataclass(frozen=True)
class BackwardPass:
    r"""Every local derivative of the chain, and the products along it.

    Attributes:
        dloss_dy: $\partial E / \partial y = y - t$.
        dy_dz2: $\partial y / \partial z_2 = y (1 - y)$.
        dz2_da1: $\partial z_2 / \partial a_1 = w_2$.
        dz2_dw2: $\partial z_2 / \partial w_2 = a_1$.
        dz2_dbias: $\partial z_2 / \partial b = 1$.
        da1_dz1: $\partial a_1 / \partial z_1 = f'(z_1)$.
        dz1_dw1: $\partial z_1 / \partial w_1 = x$.
        dloss_dw1: The product of the five derivatives on the way to $w_1$.
        dloss_dw2: The product of the three derivatives on the way to $w_2$.
        dloss_dbias: The product of the three derivatives on the way to $b$.
    """

    dloss_dy: NDArray[np.float64]
    dy_dz2: NDArray[np.float64]
    dz2_da1: NDArray[np.float64]
    dz2_dw2: NDArray[np.float64]
    dz2_dbias: NDArray[np.float64]
    da1_dz1: NDArray[np.float64]
    dz1_dw1: NDArray[np.float64]
    dloss_dw1: NDArray[np.float64]
    dloss_dw2: NDArray[np.float64]
    dloss_dbias: NDArray[np.float64]


class Parameters(NamedTuple):
    """The parameters of the network, or one number for each, such as a gradient.

    A tuple, so that it can be unpacked, also where a function takes all three.

    Attributes:
        w1: For the weight $w_1$ of the hidden unit.
        w2: For the weight $w_2$ of the output unit.
        bias: For the bias $b$ of the output unit.
    """

    w1: NDArray[np.float64]
    w2: NDArray[np.float64]
    bias: NDArray[np.float64]


@dataclass(frozen=True)
class MultiOutputPass:
    r"""Forward and backward pass of the network with $K$ outputs.

    Attributes:
        z1: Pre-activation $z_1$ of the hidden unit, shape `(...)`.
        a1: Activation $a_1$ of the hidden unit, shape `(...)`.
        z: Logits $z_k = w_k a_1$ of the outputs, shape `(..., K)`.
        y: Outputs, shape `(..., K)`.
        loss: Loss $E$, shape `(...)`.
        dloss_dy: $\partial E / \partial y_i$, shape `(..., K)`.
        dy_dz: $\partial y_i / \partial z_j$, shape `(..., K, K)`; diagonal for
            sigmoid outputs.
        dz_da1: $\partial z_j / \partial a_1 = w_j$, shape `(..., K)`.
        paths: The product of these three, one for each path from the loss through
            output $i$ and logit $j$ to $a_1$, shape `(..., K, K)`.
        dloss_da1: The sum over all paths, shape `(...)`.
        da1_dz1: $\partial a_1 / \partial z_1$, shape `(...)`.
        dz1_dw1: $\partial z_1 / \partial w_1 = x$, shape `(...)`.
        dloss_dw1: $\partial E / \partial w_1$, the product of the last three.
        dloss_dz: $\partial E / \partial z_j$, shape `(..., K)`.
        dloss_dw: $\partial E / \partial w_j$ for the output weights, shape `(..., K)`.
    """

    z1: NDArray[np.float64]
    a1: NDArray[np.float64]
    z: NDArray[np.float64]
    y: NDArray[np.float64]
    loss: NDArray[np.float64]
    dloss_dy: NDArray[np.float64]
    dy_dz: NDArray[np.float64]
    dz_da1: NDArray[np.float64]
    paths: NDArray[np.float64]
    dloss_da1: NDArray[np.float64]
    da1_dz1: NDArray[np.float64]
    dz1_dw1: NDArray[np.float64]
    dloss_dw1: NDArray[np.float64]
    dloss_dz: NDArray[np.float64]
    dloss_dw: NDArray[np.float64]


@dataclass(frozen=True)
class OneSidedDerivatives:
    r"""The two one-sided derivatives of a function of one variable.

    Attributes:
        left: $\lim_{h \downarrow 0} (E(w) - E(w - h)) / h$.
        right: $\lim_{h \downarrow 0} (E(w + h) - E(w)) / h$.
    """

    left: NDArray[np.float64]
    right: NDArray[np.float64]


def forward_pass(
    x: ArrayLike,
    target: ArrayLike,
    w1: ArrayLike,
    w2: ArrayLike,
    bias: ArrayLike,
    *,
    slope: float = 0.0,
) -> ForwardPass:
    r"""Return every value from the input to the loss.

    $$z_1 = w_1 x, \quad a_1 = f(z_1), \quad z_2 = w_2 a_1 + b, \quad
    y = \sigma(z_2), \quad E = \tfrac12 (y - t)^2.$$

    Args:
        x: Input $x$, any shape.
        target: Target $t$, any shape.
        w1: Weight $w_1$ of the hidden unit, any shape.
        w2: Weight $w_2$ of the output unit, any shape.
        bias: Bias $b$ of the output unit, any shape.
        slope: Slope $\alpha$ of the hidden unit at $z_1 \le 0$.

    Returns:
        The values, of the shape that the arguments broadcast to.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument or a product of arguments is not finite, or the
            shapes do not broadcast.

    References:
        Homework 4, [Problem 1.1(a)][1-1-a], [(b)][1-1-b] and [(c)][1-1-c].

    Examples:
        >>> values = forward_pass(x=2, target=1, w1=0.1, w2=-1, bias=0.2)
        >>> float(values.a1), float(values.y), float(values.loss)
        (0.2, 0.5, 0.125)
    """
    x, t, w1, w2, b = _broadcast_arguments(x, target, w1, w2, bias)
    z1 = _product("w1 * x", w1, x)
    a1 = leaky_relu(z1, slope=slope)
    z2 = _logit(w2, a1, b)
    residual, _ = _output_error(np, z2, t)
    with np.errstate(over="ignore"):
        loss = as_array("loss", 0.5 * residual * residual)[()]
    return ForwardPass(z1, a1, z2, sigmoid(z2), loss)


def backward_pass(
    x: ArrayLike,
    target: ArrayLike,
    w1: ArrayLike,
    w2: ArrayLike,
    bias: ArrayLike,
    *,
    slope: float = 0.0,
) -> BackwardPass:
    r"""Return every derivative from the loss back to the parameters.

    $$\frac{\partial E}{\partial w_1} = \frac{\partial E}{\partial y}
    \frac{\partial y}{\partial z_2} \frac{\partial z_2}{\partial a_1}
    \frac{\partial a_1}{\partial z_1} \frac{\partial z_1}{\partial w_1}$$

    Where $y$ is within rounding of a target of 0 or 1, $y - t$ and $y (1 - y)$ come
    from $\sigma(-\lvert z_2 \rvert)$ and keep all their digits.

    Args:
        x: Input $x$, any shape.
        target: Target $t$, any shape.
        w1: Weight $w_1$ of the hidden unit, any shape.
        w2: Weight $w_2$ of the output unit, any shape.
        bias: Bias $b$ of the output unit, any shape.
        slope: Slope $\alpha$ of the hidden unit at $z_1 \le 0$.

    Returns:
        The derivatives, of the shape that the arguments broadcast to.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument or a product of arguments is not finite, or the
            shapes do not broadcast.

    References:
        Homework 4, [Problem 1.1(d)][1-1-d], [(e)][1-1-e] and [(f)][1-1-f].

    Examples:
        >>> chain = backward_pass(x=2, target=1, w1=0.1, w2=-1, bias=0.2)
        >>> float(chain.dloss_dy), float(chain.dy_dz2), float(chain.dloss_dw1)
        (-0.5, 0.25, 0.25)
    """
    x, t, w1, w2, b = _broadcast_arguments(x, target, w1, w2, bias)
    z1 = _product("w1 * x", w1, x)
    a1 = leaky_relu(z1, slope=slope)
    da1_dz1 = leaky_relu_derivative(z1, slope=slope)
    dloss_dy, dy_dz2 = _output_error(np, _logit(w2, a1, b), t)
    delta = dloss_dy * dy_dz2
    return BackwardPass(
        dloss_dy,
        dy_dz2,
        dz2_da1=_copy(w2),
        dz2_dw2=a1,
        dz2_dbias=np.ones_like(delta)[()],
        da1_dz1=da1_dz1,
        dz1_dw1=_copy(x),
        dloss_dw1=_product("gradient of w1", delta * da1_dz1, w2, x),
        dloss_dw2=_product("gradient of w2", delta, a1),
        dloss_dbias=delta,
    )


def network_loss(
    x: ArrayLike,
    target: ArrayLike,
    w1: ArrayLike,
    w2: ArrayLike,
    bias: ArrayLike,
    *,
    slope: float = 0.0,
) -> NDArray[np.float64]:
    r"""Return the squared error alone, as for a grid of weights.

    The hidden unit is computed once per pair of `w1` and `x`, the rest in blocks that
    stay in the cache: beside result and hidden units, memory is bounded. Where a whole
    block of hidden units is off, `w2` does not matter, and no exponential is taken for
    it.

    Args:
        x: Input $x$, any shape.
        target: Target $t$, any shape.
        w1: Weight $w_1$ of the hidden unit, any shape.
        w2: Weight $w_2$ of the output unit, any shape.
        bias: Bias $b$ of the output unit, any shape.
        slope: Slope $\alpha$ of the hidden unit at $z_1 \le 0$.

    Returns:
        The losses $E$, of the shape that the arguments broadcast to.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument, the product of `w1` and `x` or a result is not
            finite, or the shapes do not broadcast.

    References:
        Homework 4, [Problem 1.1(c)][1-1-c].

    Examples:
        >>> network_loss(2, 1, w1=[-0.1, 0.1], w2=-1, bias=0.2).round(6)
        array([0.101325, 0.125   ])
    """
    x, t, w1, w2, b = _arguments(x, target, w1, w2, bias)
    shape = check_broadcast(x=x, target=t, w1=w1, w2=w2, bias=b)
    a1 = leaky_relu(_product("w1 * x", w1, x), slope=slope)
    result = np.empty(shape)
    with np.errstate(over="ignore", invalid="ignore"):
        if len(shape) > 1:
            np.setbufsize(BUFFER)
        for block, (a1_, t_, w2_, b_) in _blocks(shape, a1, t, w2, b):
            z2 = np.asarray((w2_ if a1_.any() else 0.0) * a1_)
            z2 = np.add(z2, b_, None if b_.ndim else z2)
            _write_loss(z2, t_, result[block])
    return result[()]


def network_gradient(
    x: ArrayLike,
    target: ArrayLike,
    w1: ArrayLike,
    w2: ArrayLike,
    bias: ArrayLike,
    *,
    slope: float = 0.0,
) -> Parameters:
    r"""Return the gradient of the loss alone, one for each example.

    With $\delta = (y - t)\, y (1 - y)$,

    $$\frac{\partial E}{\partial w_1} = \delta\, w_2 f'(z_1)\, x, \qquad
    \frac{\partial E}{\partial w_2} = \delta\, a_1, \qquad
    \frac{\partial E}{\partial b} = \delta.$$

    The same numbers as from [`backward_pass`][hw4lib.backpropagation.backward_pass]
    without the local derivatives: in blocks that stay in the cache, and without any
    array when all arguments are Python floats. Where a logit overflows, the sigmoid is
    0 or 1, and the gradient what follows from that.

    Args:
        x: Input $x$, any shape.
        target: Target $t$, any shape.
        w1: Weight $w_1$ of the hidden unit, any shape.
        w2: Weight $w_2$ of the output unit, any shape.
        bias: Bias $b$ of the output unit, any shape.
        slope: Slope $\alpha$ of the hidden unit at $z_1 \le 0$.

    Returns:
        The derivatives, of the shape that the arguments broadcast to.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument or a result is not finite, or the shapes do not
            broadcast.

    References:
        Homework 4, [Problem 1.1(f)][1-1-f].

    Examples:
        >>> network_gradient([2, -2], 1, w1=-0.1, w2=-1, bias=0.2).w1
        array([ 0.  , -0.25])
    """
    kind = type(slope)
    if type(x) is type(target) is type(w1) is type(w2) is type(bias) is kind is float:
        by_w1, by_w2, by_bias = _gradient(math, slope, x, target, w1, w2, bias)
        # An infinite bias alone would leave all three finite.
        if math.isfinite(by_w1 + by_w2 + by_bias + bias):
            number: Any = np.float64
            return Parameters(number(by_w1), number(by_w2), number(by_bias))
    # What is not finite makes a gradient for a weight so, but for an infinite bias.
    x, t, w1, w2, b = _arguments(x, target, w1, w2, bias, finite=False)
    as_array("bias", b)
    shape = check_broadcast(x=x, target=t, w1=w1, w2=w2, bias=b)
    slope = as_number("slope", slope)
    results = np.empty((3, *shape))
    with np.errstate(over="ignore", invalid="ignore"):
        if len(shape) > 1:
            np.setbufsize(BUFFER)
        for block, arguments in _blocks(shape, x, t, w1, w2, b):
            part = results[(slice(None), *block)]
            _write_gradient(arguments, slope, part)
            # Row by row, which is contiguous; with these the last one is finite too.
            if not (is_finite(part[0]) and is_finite(part[1])):
                part[:] = np.broadcast_arrays(*_gradient(np, slope, *arguments))
                if not np.isfinite(part).all():
                    # The plain way stops at the product that is not finite.
                    backward_pass(x, t, w1, w2, b, slope=slope)
    return Parameters(*results)


def network_step(
    x: ArrayLike,
    target: ArrayLike,
    w1: ArrayLike,
    w2: ArrayLike,
    bias: ArrayLike,
    *,
    step_size: ArrayLike,
    slope: float = 0.0,
) -> Parameters:
    r"""Return the parameters after one step of stochastic gradient descent.

    $$w_1 \leftarrow w_1 - \eta \frac{\partial E}{\partial w_1}$$

    and likewise $w_2$ and $b$, all from the same gradient.

    Args:
        x: Input $x$, any shape.
        target: Target $t$, any shape.
        w1: Weight $w_1$ of the hidden unit, any shape.
        w2: Weight $w_2$ of the output unit, any shape.
        bias: Bias $b$ of the output unit, any shape.
        step_size: Learning rate $\eta > 0$, any shape.
        slope: Slope $\alpha$ of the hidden unit at $z_1 \le 0$.

    Returns:
        The new parameters, of the shape that the arguments broadcast to.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument or a result is not finite, the learning rate is not
            positive, or the shapes do not broadcast.

    References:
        Homework 4, [Problem 1.1(g)][1-1-g].

    Examples:
        >>> new = network_step(2, 1, w1=0.1, w2=-1, bias=0.2, step_size=0.8)
        >>> float(new.w1.round(12)), float(new.w2.round(12)), float(new.bias.round(12))
        (-0.1, -0.98, 0.3)
        >>> float(network_loss(2, 1, *new).round(6))
        0.09055
    """
    x, t, w1, w2, b = _arguments(x, target, w1, w2, bias)
    eta = as_numbers("step_size", step_size, above=0)
    check_broadcast(x=x, target=t, w1=w1, w2=w2, bias=b, step_size=eta)
    g = network_gradient(x, t, w1, w2, b, slope=slope)
    with np.errstate(over="ignore"):
        new = Parameters(w1 - eta * g.w1, w2 - eta * g.w2, b - eta * g.bias)
    for name, value in zip(new._fields, new, strict=True):
        as_array(f"new {name}", value)
    return new


def sign_change_step_size(
    x: ArrayLike,
    target: ArrayLike,
    w1: ArrayLike,
    w2: ArrayLike,
    bias: ArrayLike,
    *,
    slope: float = 0.0,
) -> NDArray[np.float64]:
    r"""Return the learning rate at which a step takes $w_1$ exactly to zero.

    $$\eta^* = \frac{w_1}{\partial E / \partial w_1}$$

    A smaller step keeps the sign of $w_1$, a larger one changes it. No learning rate
    does if the gradient is zero or pushes $w_1$ away from zero; the result is infinite
    then, and where it is past the largest float.

    Args:
        x: Input $x$, any shape.
        target: Target $t$, any shape.
        w1: Weight $w_1$ of the hidden unit, any shape.
        w2: Weight $w_2$ of the output unit, any shape.
        bias: Bias $b$ of the output unit, any shape.
        slope: Slope $\alpha$ of the hidden unit at $z_1 \le 0$.

    Returns:
        The learning rates, in $(0, \infty]$, of the shape that the arguments
        broadcast to.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument or a product of arguments is not finite, or the
            shapes do not broadcast.

    References:
        Homework 4, [Problem 1.1(h)][1-1-h] and
        [Beyond the homework][1-beyond-learning-rate].

    Examples:
        >>> sign_change_step_size([2, -2], 1, w1=0.1, w2=-1, bias=0.2)
        array([0.4, inf])
    """
    w1 = as_array("w1", w1)
    g = network_gradient(x, target, w1, w2, bias, slope=slope).w1
    crosses = np.sign(w1) * np.sign(g) > 0
    with np.errstate(over="ignore"):
        ratio = w1 / np.where(crosses, g, np.inf)
    return np.where(crosses, ratio, np.inf)[()]


def sign_preserving_step_size(
    x: ArrayLike, w1: ArrayLike, w2: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the learning rate below which no step on `x` changes the sign of $w_1$.

    $$\underline\eta = \frac{27}{4} \left\lvert \frac{w_1}{w_2 x} \right\rvert$$

    It holds for every target in $[0, 1]$, every bias and every slope in $[-1, 1]$, and
    is the largest number of that kind.

    Args:
        x: Input $x$, any shape.
        w1: Weight $w_1$ of the hidden unit, any shape.
        w2: Weight $w_2$ of the output unit, any shape.

    Returns:
        The learning rates, in $[0, \infty]$, of the shape that the arguments
        broadcast to; infinite where `x` or `w2` is zero, and past the largest float.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, or the shapes do not broadcast.

    References:
        Homework 4, [Beyond the homework][1-beyond-learning-rate].

    Examples:
        >>> float(sign_preserving_step_size(x=2, w1=0.1, w2=-1).round(12))
        0.3375
    """
    x, w1, w2 = as_array("x", x), as_array("w1", w1), as_array("w2", w2)
    check_broadcast(x=x, w1=w1, w2=w2)
    # In mantissas and exponents: a product of two numbers alone may overflow.
    (top, up), (left, first), (right, second) = map(np.frexp, (w1, w2, x))
    reach = np.abs(left * right)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        rate = np.ldexp(27 / 4 * np.abs(top) / reach, up - first - second)
    return np.where(reach > 0, rate, np.inf)[()]


def is_dead(x: ArrayLike, w1: ArrayLike) -> NDArray[np.bool_]:
    r"""Return whether $w_1 x \le 0$, so that a ReLU passes no gradient for this input.

    The unit itself is dead on a set of inputs if all of them are.

    Args:
        x: Input $x$, any shape.
        w1: Weight $w_1$ of the hidden unit, any shape.

    Returns:
        Booleans, of the shape that the arguments broadcast to.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, or the shapes do not broadcast.

    References:
        Homework 4, [Problem 1.1(i)][1-1-i] and [Beyond the homework][1-beyond-revival].

    Examples:
        >>> is_dead([2, -2], w1=-0.1)
        array([ True, False])
    """
    x, w1 = as_array("x", x), as_array("w1", w1)
    check_broadcast(x=x, w1=w1)
    # Of the signs, because a product of small numbers underflows to zero.
    return np.asarray(np.sign(w1) * np.sign(x) <= 0)[()]


def one_sided_derivatives(
    x: ArrayLike,
    target: ArrayLike,
    w1: ArrayLike,
    w2: ArrayLike,
    bias: ArrayLike,
    *,
    slope: float = 0.0,
) -> OneSidedDerivatives:
    r"""Return the one-sided derivatives of the loss in $w_1$.

    Away from the kink both are $\partial E / \partial w_1$. At $w_1 x = 0$ the side to
    which $x$ points is active, the other is not:

    $$E'_\pm = (y - t)\, y (1 - y)\, w_2\, x \cdot \begin{cases} 1 & \text{if }
    \pm x > 0 \\ \alpha & \text{otherwise.} \end{cases}$$

    The Clarke subdifferential is the interval between them.

    Args:
        x: Input $x$, any shape.
        target: Target $t$, any shape.
        w1: Weight $w_1$ of the hidden unit, any shape.
        w2: Weight $w_2$ of the output unit, any shape.
        bias: Bias $b$ of the output unit, any shape.
        slope: Slope $\alpha$ of the hidden unit at $z_1 \le 0$.

    Returns:
        The left and the right derivative, of the shape that the arguments broadcast to.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument or a product of arguments is not finite, or the
            shapes do not broadcast.

    References:
        Homework 4, [Problem 1.1(i)][1-1-i] and [Beyond the homework][1-beyond-kink].

    Examples:
        >>> sides = one_sided_derivatives(2, 1, w1=0, w2=-1, bias=0.2)
        >>> float(sides.left), float(sides.right.round(6))
        (0.0, 0.222847)
    """
    x, t, w1, w2, b = _broadcast_arguments(x, target, w1, w2, bias)
    chain = backward_pass(x, t, w1, w2, b, slope=slope)
    delta = chain.dloss_dy * chain.dy_dz2
    z1 = w1 * x

    def towards(direction: float) -> NDArray[np.float64]:
        # At the kink a step in w1 moves z1 by as much as x, in its direction.
        side = np.where(z1 == 0, direction * x, z1)
        da1_dz1 = leaky_relu_derivative(side, slope=slope)
        return _product("one-sided derivative", delta * da1_dz1, w2, x)

    return OneSidedDerivatives(left=towards(-1.0), right=towards(1.0))


def relu_output_loss(z: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    r"""Return $\tfrac12 (\max(0, z) - t)^2$, the squared error of a ReLU output.

    Args:
        z: Pre-activation $z$ of the output unit, any shape.
        target: Target $t$, any shape.

    Returns:
        The losses, of the shape that the arguments broadcast to.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument or a loss is not finite, or the shapes do not
            broadcast.

    References:
        Homework 4, [Problem 1.1(j)][1-1-j].

    Examples:
        >>> relu_output_loss([-1, 0.5], target=1)
        array([0.5  , 0.125])
    """
    z, t = as_array("z", z), as_array("target", target)
    check_broadcast(z=z, target=t)
    with np.errstate(over="ignore"):
        residual = relu(z) - t
        return as_array("loss", 0.5 * residual * residual)[()]


def relu_output_loss_derivative(z: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    r"""Return $(\max(0, z) - t) \mathbf 1[z > 0]$, the gradient of a ReLU output.

    Every gradient further back is this one times something: where it is zero, nothing
    in the network learns from the example.

    Args:
        z: Pre-activation $z$ of the output unit, any shape.
        target: Target $t$, any shape.

    Returns:
        The derivatives in `z`, of the shape that the arguments broadcast to.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument or a derivative is not finite, or the shapes do not
            broadcast.

    References:
        Homework 4, [Problem 1.1(j)][1-1-j].

    Examples:
        >>> relu_output_loss_derivative([-1, 0.5], target=1)
        array([ 0. , -0.5])
    """
    z, t = as_array("z", z), as_array("target", target)
    check_broadcast(z=z, target=t)
    with np.errstate(over="ignore"):
        residual = as_array("gradient", relu(z) - t)
    return np.where(z > 0, residual, 0.0)[()]


def multi_output_pass(
    x: ArrayLike,
    targets: ArrayLike,
    w1: ArrayLike,
    output_weights: ArrayLike,
    *,
    outputs: Literal["sigmoid", "softmax"] = "sigmoid",
    slope: float = 0.0,
) -> MultiOutputPass:
    r"""Return both passes of the network whose hidden unit feeds $K$ outputs.

    The hidden unit is reached from the loss through every output $i$ and logit $j$:

    $$\frac{\partial E}{\partial w_1} = \Bigl( \sum_{i,j} \frac{\partial E}{\partial
    y_i} \frac{\partial y_i}{\partial z_j} \frac{\partial z_j}{\partial a_1} \Bigr)
    \frac{\partial a_1}{\partial z_1} \frac{\partial z_1}{\partial w_1}$$

    Sigmoid outputs have the loss $E = \tfrac12 \sum_k (y_k - t_k)^2$, and a path only
    where $i = j$. Softmax outputs have the cross entropy $E = -\sum_k t_k \log y_k$ and
    all $K^2$ paths, whose sum is that of $(y_j - t_j) w_j$.

    Args:
        x: Input $x$, shape `(...)`.
        targets: Targets $t_k$, shape `(..., K)`; of softmax outputs a distribution.
        w1: Weight $w_1$ of the hidden unit, shape `(...)`.
        output_weights: Weight $w_k$ of each output unit, shape `(..., K)`.
        outputs: Activation of the outputs, and with it the loss.
        slope: Slope $\alpha$ of the hidden unit at $z_1 \le 0$.

    Returns:
        All values and derivatives; `dloss_dy` of a softmax output is infinite where it
        is past the largest float, and nothing else is.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument or a product of arguments is not finite, the shapes
            do not broadcast, the targets of softmax outputs are no distribution, or
            `outputs` is another word.

    References:
        Homework 4, [Problem 1.2(a)][1-2-a] and [(b)][1-2-b].

    Examples:
        >>> both = multi_output_pass(2, [1, 0], w1=0.5, output_weights=[0, 0])
        >>> both.y, both.dloss_dy
        (array([0.5, 0.5]), array([-0.5,  0.5]))
    """
    if outputs not in ("sigmoid", "softmax"):
        raise ValueError(f"`outputs` is {outputs!r}, expected 'sigmoid' or 'softmax'")
    x, w1 = as_array("x", x), as_array("w1", w1)
    t = as_array("targets", targets, "...", "K")
    w = as_array("output_weights", output_weights, "...", "K")
    t, w, x_, w1_ = _broadcast(
        targets=t, output_weights=w, x=x[..., None], w1=w1[..., None]
    )
    x, w1 = x_[..., 0], w1_[..., 0]

    z1 = _product("w1 * x", w1, x)
    a1 = leaky_relu(z1, slope=slope)
    da1_dz1 = leaky_relu_derivative(z1, slope=slope)
    z = _product("output_weights * a1", w, a1[..., None])
    layer = _sigmoid_outputs if outputs == "sigmoid" else _softmax_outputs
    y, loss, dloss_dy, dy_dz, dloss_dz_paths = layer(z, t)
    paths = _product("path", dloss_dz_paths, w[..., None, :])
    dloss_dz = dloss_dz_paths.sum(axis=-2)
    dloss_da1 = paths.sum(axis=(-2, -1))
    return MultiOutputPass(
        z1=z1,
        a1=a1,
        z=z,
        y=y,
        loss=loss,
        dloss_dy=dloss_dy,
        dy_dz=dy_dz,
        dz_da1=w.copy(),
        paths=paths,
        dloss_da1=dloss_da1,
        da1_dz1=da1_dz1,
        dz1_dw1=_copy(x),
        dloss_dw1=_product("gradient of w1", da1_dz1, dloss_da1, x),
        dloss_dz=dloss_dz,
        dloss_dw=_product("gradient of output_weights", dloss_dz, a1[..., None]),
    )


def _sigmoid_outputs(
    z: NDArray[np.float64], t: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    with np.errstate(over="ignore"):
        residual, derivative = _output_error(np, z, t)
        loss = as_array("loss", 0.5 * np.sum(residual * residual, axis=-1))[()]
    each = np.eye(z.shape[-1])
    dy_dz = derivative[..., None] * each
    return sigmoid(z), loss, residual, dy_dz, residual[..., None] * dy_dz


def _softmax_outputs(
    z: NDArray[np.float64], t: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    as_numbers("targets", t, at_least=0)
    total = t.sum(axis=-1)
    if wrong := total[np.abs(total - 1) > 1e-9].tolist():
        raise ValueError(f"`targets` has sum {wrong[0]:g}, expected 1")
    y = softmax(z)
    # The derivatives of log y: 1 - y_j on the diagonal, from the other outputs.
    dlogy_dz = np.repeat(-y[..., None, :], z.shape[-1], axis=-2)
    diagonal = np.arange(z.shape[-1])
    dlogy_dz[..., diagonal, diagonal] = 0.0
    dlogy_dz[..., diagonal, diagonal] = -dlogy_dz.sum(axis=-1)
    with np.errstate(over="ignore", divide="ignore"):
        shifted = z - z.max(axis=-1, keepdims=True)
        others = np.exp(shifted)
        np.put_along_axis(others, z.argmax(axis=-1, keepdims=True), 0.0, axis=-1)
        # The largest term is 1: log1p keeps the digits of all others.
        log_y = shifted - np.log1p(others.sum(axis=-1, keepdims=True))
        terms = np.multiply(-t, log_y, out=np.zeros_like(y), where=t > 0)
        loss = as_array("loss", terms.sum(axis=-1))[()]
        dloss_dy = np.divide(-t, y, out=np.zeros_like(y), where=t > 0)
    return y, loss, dloss_dy, y[..., None] * dlogy_dz, -t[..., None] * dlogy_dz


def _arguments(
    x: ArrayLike,
    target: ArrayLike,
    w1: ArrayLike,
    w2: ArrayLike,
    bias: ArrayLike,
    *,
    finite: bool = True,
) -> list[NDArray[np.float64]]:
    named = {"x": x, "target": target, "w1": w1, "w2": w2, "bias": bias}
    return [as_array(name, value, finite=finite) for name, value in named.items()]


def _broadcast_arguments(
    x: ArrayLike, target: ArrayLike, w1: ArrayLike, w2: ArrayLike, bias: ArrayLike
) -> list[NDArray[np.float64]]:
    x, t, w1, w2, b = _arguments(x, target, w1, w2, bias)
    return _broadcast(x=x, target=t, w1=w1, w2=w2, bias=b)


def _broadcast(**arrays: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    shape = check_broadcast(**arrays)
    return [np.broadcast_to(array, shape) for array in arrays.values()]


def _copy(array: NDArray[np.float64]) -> NDArray[np.float64]:
    return array.copy()[()]


def _product(name: str, *factors: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):
        product = math.prod(factors[1:], start=factors[0])
    return as_array(name, product)[()]


def _logit(
    w2: NDArray[np.float64], a1: NDArray[np.float64], bias: NDArray[np.float64]
) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):
        return as_array("w2 * a1 + bias", w2 * a1 + bias)[()]


def _output_error(library: ModuleType, z: Any, target: Any) -> tuple[Any, Any]:
    """Return y - t and y (1 - y) for the sigmoid y of `z`.

    Both from the smaller of y and 1 - y, of which neither loses digits. The library
    is `math` for a number, `numpy` for an array.
    """
    decay = library.exp(-abs(z))
    smaller = decay / (1.0 + decay)
    side = library.copysign(1.0, z)
    residual = (0.5 + 0.5 * side) - target - side * smaller
    return residual, smaller * (1.0 - smaller)


def _gradient(library: ModuleType, slope: float, *network: Any) -> tuple[Any, Any, Any]:
    x, target, w1, w2, bias = network
    z1 = w1 * x
    da1_dz1 = (z1 > 0.0) + slope * (z1 <= 0.0)
    a1 = da1_dz1 * z1
    dloss_dy, dy_dz2 = _output_error(library, w2 * a1 + bias, target)
    delta = dloss_dy * dy_dz2
    return delta * da1_dz1 * w2 * x, delta * a1, delta


def _write_gradient(
    arguments: Sequence[NDArray[np.float64]],
    slope: float,
    results: NDArray[np.float64],
) -> None:
    """Write what `_gradient` returns, or NaN where exp(z2) overflows, in fewer passes.

    In place, because memory is the cost: the results hold the hidden unit first. With
    the odds o = y / (1 - y), y - t is ((1 - t) o - t) / (1 + o), of which no digit is
    lost near a target of 0 or 1, and y (1 - y) is o / (1 + o)^2.
    """
    x, target, w1, w2, bias = arguments
    by_w1, by_w2, by_bias = (results[k, ...] for k in range(3))
    active = w1 * x > 0.0
    seen = np.where(active, x, slope * x) if slope else active * x
    np.multiply(w1, seen, by_w2)
    np.multiply(w2, seen, by_w1)
    odds = np.multiply(w2, by_w2, np.empty_like(by_w2))
    odds += bias
    np.exp(odds, odds)
    rest = np.add(odds, 1.0, np.empty_like(odds))
    np.divide(1.0, rest, rest)
    np.subtract(1.0, target, by_bias)
    by_bias *= odds
    by_bias -= target
    by_bias *= rest
    odds *= rest
    odds *= rest
    by_bias *= odds
    by_w1 *= by_bias
    by_w2 *= by_bias


def _write_loss(
    z2: NDArray[np.float64], target: NDArray[np.float64], result: NDArray[np.float64]
) -> None:
    """Write the loss over `z2`, with y - t as in `_write_gradient`.

    For one target of 0 or 1 that is a reciprocal, and nothing is lost if it underflows.
    """
    if target.ndim == 0 and target in (0.0, 1.0):
        total = np.exp(z2 if target else -z2, z2)
        total += 1.0
        total *= total
        result[...] = np.divide(0.5, total, result if z2.shape == result.shape else z2)
        return
    odds = np.exp(z2)
    residual = (1.0 - target) * odds
    residual -= target
    residual /= odds + 1.0
    np.multiply(residual, residual, result)
    result *= 0.5
    if not is_finite(result):
        residual, _ = _output_error(np, z2, target)
        result[...] = as_array("loss", 0.5 * residual * residual)


def _blocks(
    shape: tuple[int, ...], *arrays: NDArray[np.float64]
) -> Iterator[tuple[tuple[Any, ...], list[NDArray[np.float64]]]]:
    """Cut arrays that broadcast to `shape` along the first axes, if they are large."""
    if math.prod(shape) <= _BLOCK:
        yield (...,), list(arrays)
        return
    rows = _BLOCK // math.prod(shape[1:])
    for start in range(0, shape[0], max(rows, 1)):
        block = slice(start, start + rows) if rows else start
        once = slice(None) if rows else 0  # of an array that is broadcast along it
        parts = [
            a if a.ndim < len(shape) else a[block if len(a) > 1 else once]
            for a in arrays
        ]
        if rows:
            yield (block,), parts
        else:  # one row is too large
            yield from (
                ((block, *rest), some) for rest, some in _blocks(shape[1:], *parts)
            )
