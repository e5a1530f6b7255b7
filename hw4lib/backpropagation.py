r"""One hidden ReLU and its outputs: forward pass, chain rule, gradient step.

The network of Problem 1.1 has one input, one hidden unit and one sigmoid output:
$z_1 = w_1 x$, $a_1 = f(z_1)$, $z_2 = w_2 a_1 + b$, $y = \sigma(z_2)$, with the loss
$E = \tfrac12 (y - t)^2$. The hidden activation $f$ is the leaky ReLU; its `slope` is
0 by default, which is the ReLU. That of Problem 1.2 has several outputs.

Every argument may be a number or an array, of shapes that broadcast: a sweep over a
million weights is one call, and with an array of examples every result is per example.
At the kink $z_1 = 0$ derivatives are those of the inactive side, as in
[`hw4lib.activations`][]. Where $w_1 x$ is past the largest float, all functions refuse.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._blocks import by_blocks
from hw4lib._checks import (
    as_array,
    as_number,
    as_numbers,
    check_broadcast,
    check_memory,
    check_results,
    contract,
    is_finite,
    largest_size,
)
from hw4lib._elementary import sigmoid, softmax
from hw4lib._engine import check_engine, in_loops
from hw4lib._typing import Engine, Real

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

_A: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """Every value of a forward pass, each of the shape its arguments broadcast to."""

    z1: NDArray[np.float64]
    """Pre-activation $z_1$ of the hidden unit."""
    a1: NDArray[np.float64]
    """Activation $a_1$ of the hidden unit."""
    z2: NDArray[np.float64]
    """Pre-activation (logit) $z_2$ of the output unit."""
    y: NDArray[np.float64]
    """Output $y$."""
    loss: NDArray[np.float64]
    """Squared error $E$."""


@dataclass(frozen=True, eq=False)
class BackwardPass:
    r"""Every local derivative of the chain, and the products along it."""

    dloss_dy: NDArray[np.float64]
    r"""$\partial E / \partial y = y - t$."""
    dy_dz2: NDArray[np.float64]
    r"""$\partial y / \partial z_2 = y (1 - y)$."""
    dz2_da1: NDArray[np.float64]
    r"""$\partial z_2 / \partial a_1 = w_2$."""
    dz2_dw2: NDArray[np.float64]
    r"""$\partial z_2 / \partial w_2 = a_1$."""
    dz2_dbias: NDArray[np.float64]
    r"""$\partial z_2 / \partial b = 1$."""
    da1_dz1: NDArray[np.float64]
    r"""$\partial a_1 / \partial z_1 = f'(z_1)$."""
    dz1_dw1: NDArray[np.float64]
    r"""$\partial z_1 / \partial w_1 = x$."""
    dloss_dw1: NDArray[np.float64]
    """The product of the five derivatives on the way to $w_1$."""
    dloss_dw2: NDArray[np.float64]
    """The product of the three derivatives on the way to $w_2$."""
    dloss_dbias: NDArray[np.float64]
    """The product of the three derivatives on the way to $b$."""


class Parameters(NamedTuple):
    """The parameters of the network, or one number for each, such as a gradient.

    A tuple, so that it can be unpacked, also where a function takes all three.
    """

    w1: NDArray[np.float64]
    """For the weight $w_1$ of the hidden unit."""
    w2: NDArray[np.float64]
    """For the weight $w_2$ of the output unit."""
    bias: NDArray[np.float64]
    """For the bias $b$ of the output unit."""


@dataclass(frozen=True, eq=False)
class MultiOutputPass:
    r"""Forward and backward pass of the network with $K$ outputs."""

    z1: NDArray[np.float64]
    """Pre-activation $z_1$ of the hidden unit, shape `(...)`."""
    a1: NDArray[np.float64]
    """Activation $a_1$ of the hidden unit, shape `(...)`."""
    z: NDArray[np.float64]
    """Logits $z_k = w_k a_1$ of the outputs, shape `(..., K)`."""
    y: NDArray[np.float64]
    """Outputs, shape `(..., K)`."""
    loss: NDArray[np.float64]
    """Loss $E$, shape `(...)`."""
    dloss_dy: NDArray[np.float64]
    r"""$\partial E / \partial y_i$, shape `(..., K)`."""
    dy_dz: NDArray[np.float64]
    r"""$\partial y_i / \partial z_j$, shape `(..., K, K)`; diagonal for
    sigmoid outputs."""
    dz_da1: NDArray[np.float64]
    r"""$\partial z_j / \partial a_1 = w_j$, shape `(..., K)`."""
    paths: NDArray[np.float64]
    """The product of these three, one for each path from the loss through
    output $i$ and logit $j$ to $a_1$, shape `(..., K, K)`."""
    dloss_da1: NDArray[np.float64]
    """The sum over all paths, shape `(...)`."""
    da1_dz1: NDArray[np.float64]
    r"""$\partial a_1 / \partial z_1$, shape `(...)`."""
    dz1_dw1: NDArray[np.float64]
    r"""$\partial z_1 / \partial w_1 = x$, shape `(...)`."""
    dloss_dw1: NDArray[np.float64]
    r"""$\partial E / \partial w_1$, the product of the last three."""
    dloss_dz: NDArray[np.float64]
    r"""$\partial E / \partial z_j$, shape `(..., K)`."""
    dloss_dw: NDArray[np.float64]
    r"""$\partial E / \partial w_j$ for the output weights, shape `(..., K)`."""


@dataclass(frozen=True, eq=False)
class OneSidedDerivatives:
    r"""The two one-sided derivatives of a function of one variable."""

    left: NDArray[np.float64]
    r"""$\lim_{h \downarrow 0} (E(w) - E(w - h)) / h$."""
    right: NDArray[np.float64]
    r"""$\lim_{h \downarrow 0} (E(w + h) - E(w)) / h$."""


@contract
def forward_pass(
    x: ArrayLike,
    target: ArrayLike,
    w1: ArrayLike,
    w2: ArrayLike,
    bias: ArrayLike,
    *,
    slope: Real = 0.0,
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

    References:
        Homework 4, [Problem 1.1(a)][1-1-a], [(b)][1-1-b] and [(c)][1-1-c].

    Examples:
        >>> values = forward_pass(x=2, target=1, w1=0.1, w2=-1, bias=0.2)
        >>> float(values.a1), float(values.y), float(values.loss)
        (0.2, 0.5, 0.125)
    """
    x, t, w1, w2, b, alpha = _as_network(x, target, w1, w2, bias, slope=slope)
    x, t, w1, w2, b = np.broadcast_arrays(x, t, w1, w2, b)
    z1, a1, _ = _hidden_unit(w1, x, alpha)
    z2 = w2 * a1 + b
    residual, _ = _output_error(z2, t)
    return ForwardPass(
        z1=z1, a1=a1, z2=z2, y=sigmoid(z2), loss=0.5 * residual * residual
    )


@contract
def backward_pass(
    x: ArrayLike,
    target: ArrayLike,
    w1: ArrayLike,
    w2: ArrayLike,
    bias: ArrayLike,
    *,
    slope: Real = 0.0,
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

    References:
        Homework 4, [Problem 1.1(d)][1-1-d], [(e)][1-1-e] and [(f)][1-1-f].

    Examples:
        >>> chain = backward_pass(x=2, target=1, w1=0.1, w2=-1, bias=0.2)
        >>> float(chain.dloss_dy), float(chain.dy_dz2), float(chain.dloss_dw1)
        (-0.5, 0.25, 0.25)
    """
    x, t, w1, w2, b, alpha = _as_network(x, target, w1, w2, bias, slope=slope)
    x, t, w1, w2, b = np.broadcast_arrays(x, t, w1, w2, b)
    _, a1, da1_dz1 = _hidden_unit(w1, x, alpha)
    dloss_dy, dy_dz2 = _output_error(w2 * a1 + b, t)
    delta = dloss_dy * dy_dz2
    return BackwardPass(
        dloss_dy=dloss_dy,
        dy_dz2=dy_dz2,
        dz2_da1=w2,
        dz2_dw2=a1,
        dz2_dbias=np.ones(delta.shape),
        da1_dz1=da1_dz1,
        dz1_dw1=x,
        dloss_dw1=delta * da1_dz1 * (w2 * x),
        dloss_dw2=delta * a1,
        dloss_dbias=delta,
    )


@contract(checked=True)
def network_loss(
    x: ArrayLike,
    target: ArrayLike,
    w1: ArrayLike,
    w2: ArrayLike,
    bias: ArrayLike,
    *,
    slope: Real = 0.0,
    engine: Engine = "numpy",
) -> NDArray[np.float64]:
    r"""Return the squared error alone, as for a grid of weights.

    It is the last value of [`forward_pass`][hw4lib.backpropagation.forward_pass],
    without the memory for the others. Where the logit overflows, $y$ is 0 or 1.

    Args:
        x: Input $x$, any shape.
        target: Target $t$, any shape.
        w1: Weight $w_1$ of the hidden unit, any shape.
        w2: Weight $w_2$ of the output unit, any shape.
        bias: Bias $b$ of the output unit, any shape.
        slope: Slope $\alpha$ of the hidden unit at $z_1 \le 0$.
        engine: What evaluates the formula, NumPy or a loop that Numba compiles.

    Returns:
        The losses $E$, of the shape that the arguments broadcast to.

    Raises:
        ImportError: If `engine` is `"numba"`, and Numba is missing.

    References:
        Homework 4, [Problem 1.1(c)][1-1-c].

    Examples:
        >>> network_loss(2, 1, w1=[-0.1, 0.1], w2=-1, bias=0.2).round(6)
        array([0.101325, 0.125   ])
    """
    return _evaluated(engine, _loss, x, target, w1, w2, bias, slope=slope)[0]


@contract(checked=True)
def network_gradient(
    x: ArrayLike,
    target: ArrayLike,
    w1: ArrayLike,
    w2: ArrayLike,
    bias: ArrayLike,
    *,
    slope: Real = 0.0,
    engine: Engine = "numpy",
) -> Parameters:
    r"""Return the gradient of the loss alone, one for each example.

    With $\delta = (y - t)\, y (1 - y)$,

    $$\frac{\partial E}{\partial w_1} = \delta\, w_2 f'(z_1)\, x, \qquad
    \frac{\partial E}{\partial w_2} = \delta\, a_1, \qquad
    \frac{\partial E}{\partial b} = \delta.$$

    They are the last three derivatives of
    [`backward_pass`][hw4lib.backpropagation.backward_pass], without the memory for the
    others. Where the logit overflows, $y$ is 0 or 1, and $\delta = 0$.

    Args:
        x: Input $x$, any shape.
        target: Target $t$, any shape.
        w1: Weight $w_1$ of the hidden unit, any shape.
        w2: Weight $w_2$ of the output unit, any shape.
        bias: Bias $b$ of the output unit, any shape.
        slope: Slope $\alpha$ of the hidden unit at $z_1 \le 0$.
        engine: What evaluates the formula, NumPy or a loop that Numba compiles.

    Returns:
        The derivatives, of the shape that the arguments broadcast to.

    Raises:
        ImportError: If `engine` is `"numba"`, and Numba is missing.

    References:
        Homework 4, [Problem 1.1(f)][1-1-f].

    Examples:
        >>> network_gradient([2, -2], 1, w1=-0.1, w2=-1, bias=0.2).w1
        array([ 0.  , -0.25])
    """
    found = _evaluated(engine, _gradient, x, target, w1, w2, bias, slope=slope)
    return Parameters(*found)


@contract
def network_step(
    x: ArrayLike,
    target: ArrayLike,
    w1: ArrayLike,
    w2: ArrayLike,
    bias: ArrayLike,
    *,
    step_size: ArrayLike,
    slope: Real = 0.0,
) -> Parameters:
    r"""Return the parameters after one step of stochastic gradient descent.

    $$w_1 \leftarrow w_1 - \eta \frac{\partial E}{\partial w_1}$$

    and likewise $w_2$ and $b$, all from the same gradient.

    On the inactive side a plain ReLU never moves $w_1$. With a leak $\alpha > 0$ it
    moves, and repeated steps of $w_1$ alone have three outcomes, for $w_2 < 0$:

    - if $t < \sigma(b)$, then $y > t$ on the whole inactive side, and $w_1$ comes back
      across zero;
    - if $\sigma(b) < t < 1$, short steps settle on the inactive side, where $y = t$;
    - if $t = 1$, $w_1$ moves away forever.

    Args:
        x: Input $x$, any shape.
        target: Target $t$, any shape.
        w1: Weight $w_1$ of the hidden unit, any shape.
        w2: Weight $w_2$ of the output unit, any shape.
        bias: Bias $b$ of the output unit, any shape.
        step_size: Step size $\eta > 0$, any shape.
        slope: Slope $\alpha$ of the hidden unit at $z_1 \le 0$.

    Returns:
        The new parameters, of the shape that the arguments broadcast to.

    References:
        Homework 4, [Problem 1.1(g)][1-1-g].

    Examples:
        >>> new = network_step(2, 1, w1=0.1, w2=-1, bias=0.2, step_size=0.8)
        >>> float(new.w1.round(12)), float(new.w2.round(12)), float(new.bias.round(12))
        (-0.1, -0.98, 0.3)
        >>> float(network_loss(2, 1, *new).round(6))
        0.09055
    """
    x, t, w1, w2, b, _ = _as_network(x, target, w1, w2, bias, slope=slope)
    eta = as_numbers("step_size", step_size, above=0.0)
    check_broadcast(x=x, target=t, w1=w1, w2=w2, bias=b, step_size=eta)
    gradient = network_gradient(x, t, w1, w2, b, slope=slope)
    return Parameters(
        w1=w1 - eta * gradient.w1,
        w2=w2 - eta * gradient.w2,
        bias=b - eta * gradient.bias,
    )


@contract(infinite=True)
def sign_change_step_size(
    x: ArrayLike,
    target: ArrayLike,
    w1: ArrayLike,
    w2: ArrayLike,
    bias: ArrayLike,
    *,
    slope: Real = 0.0,
) -> NDArray[np.float64]:
    r"""Return the step size at which a step takes $w_1$ exactly to zero.

    $$\eta^* = \frac{w_1}{\partial E / \partial w_1}$$

    A smaller step keeps the sign of $w_1$, a larger one changes it. No step size
    does if the gradient is zero or pushes $w_1$ away from zero; the result is infinite
    then, and where it is past the largest float; it is at least the smallest float.

    Args:
        x: Input $x$, any shape.
        target: Target $t$, any shape.
        w1: Weight $w_1$ of the hidden unit, any shape.
        w2: Weight $w_2$ of the output unit, any shape.
        bias: Bias $b$ of the output unit, any shape.
        slope: Slope $\alpha$ of the hidden unit at $z_1 \le 0$.

    Returns:
        The step sizes, in $(0, \infty]$, of the shape that the arguments
        broadcast to.

    References:
        Homework 4, [Problem 1.1(h)][1-1-h] and
        [Beyond the homework][1-beyond-learning-rate].

    Examples:
        >>> sign_change_step_size([2, -2], 1, w1=0.1, w2=-1, bias=0.2)
        array([0.4, inf])
    """
    w1 = as_array("w1", w1)
    gradient = network_gradient(x, target, w1, w2, bias, slope=slope).w1
    moves_to_zero = np.sign(w1) * np.sign(gradient) > 0.0
    # At least the smallest float, where the ratio underflows.
    ratio = np.maximum(w1 / gradient, np.finfo(np.float64).smallest_subnormal)
    return np.where(moves_to_zero, ratio, np.inf)


@contract(infinite=True)
def sign_preserving_step_size(
    x: ArrayLike, w1: ArrayLike, w2: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the step size below which no step on `x` changes the sign of $w_1$.

    $$\underline\eta = \frac{27}{4} \left\lvert \frac{w_1}{w_2 x} \right\rvert$$

    It holds for every target in $[0, 1]$, every bias and every slope in $[-1, 1]$, and
    is the largest number of that kind.

    Args:
        x: Input $x$, any shape.
        w1: Weight $w_1$ of the hidden unit, any shape.
        w2: Weight $w_2$ of the output unit, any shape.

    Returns:
        The step sizes, in $[0, \infty]$, of the shape that the arguments
        broadcast to; infinite where `x` or `w2` is zero, and past the largest float.

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
    eta = np.ldexp(27 / 4 * np.abs(top) / reach, up - first - second)
    return np.where(reach > 0.0, eta, np.inf)


@contract
def is_dead(x: ArrayLike, w1: ArrayLike) -> NDArray[np.bool_]:
    r"""Return whether $w_1 x \le 0$, so that a ReLU passes no gradient for this input.

    The unit itself is dead on a set of inputs if all of them are.

    Args:
        x: Input $x$, any shape.
        w1: Weight $w_1$ of the hidden unit, any shape.

    Returns:
        Booleans, of the shape that the arguments broadcast to.

    References:
        Homework 4, [Problem 1.1(i)][1-1-i] and [Beyond the homework][1-beyond-revival].

    Examples:
        >>> is_dead([2, -2], w1=-0.1)
        array([ True, False])
    """
    x, w1 = as_array("x", x), as_array("w1", w1)
    check_broadcast(x=x, w1=w1)
    return np.asarray(~_is_active(w1, x))


@contract
def one_sided_derivatives(
    x: ArrayLike,
    target: ArrayLike,
    w1: ArrayLike,
    w2: ArrayLike,
    bias: ArrayLike,
    *,
    slope: Real = 0.0,
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

    References:
        Homework 4, [Problem 1.1(i)][1-1-i] and [Beyond the homework][1-beyond-kink].

    Examples:
        >>> sides = one_sided_derivatives(2, 1, w1=0, w2=-1, bias=0.2)
        >>> float(sides.left), float(sides.right.round(6))
        (0.0, 0.222847)
    """
    x, t, w1, w2, b, alpha = _as_network(x, target, w1, w2, bias, slope=slope)
    x, t, w1, w2, b = np.broadcast_arrays(x, t, w1, w2, b)
    _, a1, _ = _hidden_unit(w1, x, alpha)
    dloss_dy, dy_dz2 = _output_error(w2 * a1 + b, t)

    def towards(direction: float) -> NDArray[np.float64]:
        # At the kink a step in w1 moves z1 by as much as x, in its direction.
        side = np.where(w1 == 0.0, direction, w1)
        _, _, da1_dz1 = _hidden_unit(side, x, alpha)
        return np.asarray(dloss_dy * dy_dz2 * da1_dz1 * (w2 * x))

    return OneSidedDerivatives(left=towards(-1.0), right=towards(1.0))


@contract
def relu_output_loss(z: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    r"""Return $\tfrac12 (\max(0, z) - t)^2$, the squared error of a ReLU output.

    Args:
        z: Pre-activation $z$ of the output unit, any shape.
        target: Target $t$, any shape.

    Returns:
        The losses, of the shape that the arguments broadcast to.

    References:
        Homework 4, [Problem 1.1(j)][1-1-j].

    Examples:
        >>> relu_output_loss([-1, 0.5], target=1)
        array([0.5  , 0.125])
    """
    z, t = as_array("z", z), as_array("target", target)
    check_broadcast(z=z, target=t)
    residual = np.maximum(z, 0.0) - t
    return np.asarray(0.5 * residual * residual)


@contract
def relu_output_loss_derivative(z: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    r"""Return $(\max(0, z) - t) \mathbf 1[z > 0]$, the gradient of a ReLU output.

    Every gradient further back is this one times something: where it is zero, nothing
    in the network learns from the example.

    Args:
        z: Pre-activation $z$ of the output unit, any shape.
        target: Target $t$, any shape.

    Returns:
        The derivatives in `z`, of the shape that the arguments broadcast to.

    References:
        Homework 4, [Problem 1.1(j)][1-1-j].

    Examples:
        >>> relu_output_loss_derivative([-1, 0.5], target=1)
        array([ 0. , -0.5])
    """
    z, t = as_array("z", z), as_array("target", target)
    check_broadcast(z=z, target=t)
    return np.where(z > 0.0, z - t, 0.0)


@contract(infinite=("dloss_dy",))
def multi_output_pass(
    x: ArrayLike,
    targets: ArrayLike,
    w1: ArrayLike,
    output_weights: ArrayLike,
    *,
    outputs: Literal["sigmoid", "softmax"] = "sigmoid",
    slope: Real = 0.0,
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
        targets: Targets $t_k$, shape `(..., K)`; of softmax outputs distributions, up
            to the square root of the precision in which they are given.
        w1: Weight $w_1$ of the hidden unit, shape `(...)`.
        output_weights: Weight $w_k$ of each output unit, shape `(..., K)`.
        outputs: Activation of the outputs, and with it the loss.
        slope: Slope $\alpha$ of the hidden unit at $z_1 \le 0$.

    Returns:
        All values and derivatives; `dloss_dy` of a softmax output is infinite where it
        is past the largest float, and nothing else is.

    References:
        Homework 4, [Problem 1.2(a)][1-2-a] and [(b)][1-2-b].

    Examples:
        >>> both = multi_output_pass(2, [1, 0], w1=0.5, output_weights=[0, 0])
        >>> both.y, both.dloss_dy
        (array([0.5, 0.5]), array([-0.5,  0.5]))
    """
    if not isinstance(outputs, str):
        raise TypeError(f"`outputs` is {outputs!r}, expected 'sigmoid' or 'softmax'")
    if outputs not in ("sigmoid", "softmax"):
        raise ValueError(f"`outputs` is {outputs!r}, expected 'sigmoid' or 'softmax'")
    x, w1, alpha = as_array("x", x), as_array("w1", w1), as_number("slope", slope)
    t = as_array("targets", targets, "...", "K")
    w = as_array("output_weights", output_weights, "...", "K")
    shape = check_broadcast(
        targets=t, output_weights=w, x=x[..., None], w1=w1[..., None]
    )
    check_memory("output_weights", w.shape, *shape, shape[-1])
    if outputs == "softmax":
        _check_distribution("targets", targets)
    t, w = np.broadcast_to(t, shape), np.broadcast_to(w, shape)
    x, w1 = np.broadcast_to(x, shape[:-1]), np.broadcast_to(w1, shape[:-1])

    z1, a1, da1_dz1 = _hidden_unit(w1, x, alpha)
    z = w * a1[..., None]
    layer = _sigmoid_outputs if outputs == "sigmoid" else _softmax_outputs
    y, loss, dloss_dy, dy_dz, dloss_dz_paths = layer(z, t)
    paths = dloss_dz_paths * w[..., None, :]
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
        dz_da1=w,
        paths=paths,
        dloss_da1=dloss_da1,
        da1_dz1=da1_dz1,
        dz1_dw1=x,
        dloss_dw1=dloss_da1 * da1_dz1 * x,
        dloss_dz=dloss_dz,
        dloss_dw=dloss_dz * a1[..., None],
    )


def _sigmoid_outputs(z: _A, t: _A) -> tuple[_A, ...]:
    """Return y, E, dE/dy, dy/dz, and the products of the last two."""
    dloss_dy, derivative = _output_error(z, t)
    loss = np.asarray(np.sum(0.5 * dloss_dy * dloss_dy, axis=-1))
    dy_dz = derivative[..., None] * np.eye(z.shape[-1])
    return sigmoid(z), loss, dloss_dy, dy_dz, dloss_dy[..., None] * dy_dz


def _softmax_outputs(z: _A, t: _A) -> tuple[_A, ...]:
    """Return y, E, dE/dy, dy/dz, and the products of the last two."""
    y = softmax(z)
    # The derivatives of log y: 1 - y_j on the diagonal, from the other outputs.
    dlogy_dz = np.repeat(-y[..., None, :], z.shape[-1], axis=-2)
    diagonal = np.arange(z.shape[-1])
    dlogy_dz[..., diagonal, diagonal] = 0.0
    dlogy_dz[..., diagonal, diagonal] = -dlogy_dz.sum(axis=-1)
    # log y, in which the largest term is 1: log1p keeps the digits of all others.
    shifted = z - z.max(axis=-1, keepdims=True)
    others = np.exp(shifted)
    np.put_along_axis(others, z.argmax(axis=-1, keepdims=True), 0.0, axis=-1)
    log_y = shifted - np.log1p(others.sum(axis=-1, keepdims=True))
    # Where t = 0 nothing is to pay, not even infinitely much.
    loss = np.where(t > 0.0, -t * log_y, 0.0).sum(axis=-1)
    dloss_dy = np.where(t > 0.0, -t / y, 0.0)
    return y, loss, dloss_dy, y[..., None] * dlogy_dz, -t[..., None] * dlogy_dz


def _check_distribution(name: str, value: ArrayLike) -> None:
    """Refuse what is no distribution along the last axis, in its own precision."""
    total = as_numbers(name, value, at_least=0.0).sum(axis=-1)
    dtype = np.asarray(value).dtype
    kind = dtype if dtype.kind == "f" and dtype.itemsize < 8 else np.float64
    wrong = total[np.abs(total - 1.0) > math.sqrt(np.finfo(kind).eps)]
    if wrong.size:
        raise ValueError(f"`{name}` has sum {wrong[0]}, expected 1")


def _evaluated(
    engine: Engine, formula: Callable[..., Any], *network: ArrayLike, slope: Real
) -> Sequence[_A]:
    """Return finite results of a formula of the network."""
    check_engine(engine)
    if engine == "numba":
        numbers = _as_network(*network, slope=slope, finite=False)
        results, usual = in_loops(formula, _are_finite, *numbers)
        if usual:
            return results
    # NumPy also where the loop met another number: the checks name its argument.
    results = by_blocks(formula, *_as_network(*network, slope=slope))
    check_results(*results)
    return results


def _as_network(
    x: ArrayLike,
    target: ArrayLike,
    w1: ArrayLike,
    w2: ArrayLike,
    bias: ArrayLike,
    *,
    slope: Real,
    finite: bool = True,
) -> tuple[_A, ...]:
    """Return the checked arguments of a network with one output."""
    x, t = as_array("x", x, finite=finite), as_array("target", target, finite=finite)
    w1, w2 = as_array("w1", w1, finite=finite), as_array("w2", w2, finite=finite)
    b = as_array("bias", bias, finite=finite)
    check_broadcast(x=x, target=t, w1=w1, w2=w2, bias=b)
    if finite:
        largest = largest_size(w1) * largest_size(x)
        if not (math.isfinite(largest) or is_finite(w1 * x)):
            raise OverflowError
    return x, t, w1, w2, b, np.asarray(as_number("slope", slope))


# The formulas, for arrays and for numbers.


def _are_finite(*network: Any) -> Any:
    """Whether the numbers are finite, and w1 x as well; the slope is."""
    x, t, w1, w2, b, _ = network
    others = (np.abs(t) < np.inf) & (np.abs(w2) < np.inf) & (np.abs(b) < np.inf)
    return others & (np.abs(w1 * x) < np.inf)


def _loss(*network: Any) -> tuple[Any]:
    """Return E."""
    x, t, w1, w2, b, slope = network
    _, a1, _ = _hidden_unit(w1, x, slope)
    residual, _ = _output_error(w2 * a1 + b, t)
    return (0.5 * residual * residual,)


def _gradient(*network: Any) -> tuple[Any, Any, Any]:
    """Return the derivatives of E with respect to w1, w2 and b."""
    x, t, w1, w2, b, slope = network
    _, a1, da1_dz1 = _hidden_unit(w1, x, slope)
    dloss_dy, dy_dz2 = _output_error(w2 * a1 + b, t)
    delta = dloss_dy * dy_dz2
    return delta * da1_dz1 * (w2 * x), delta * a1, delta


def _is_active(w1: Any, x: Any) -> Any:
    """Whether w1 x > 0, also where the product of small numbers underflows."""
    return ((w1 > 0.0) & (x > 0.0)) | ((w1 < 0.0) & (x < 0.0))


def _hidden_unit(w1: Any, x: Any, slope: Any) -> tuple[Any, Any, Any]:
    """Return z1, a1 = f(z1) and f'(z1)."""
    z1 = w1 * x
    derivative = np.where(_is_active(w1, x), 1.0, slope)
    return z1, derivative * z1 + 0.0, derivative  # not -0.0


def _output_error(z: Any, target: Any) -> tuple[Any, Any]:
    """Return y - t and y (1 - y) for y = sigmoid(z)."""
    # From the smaller of y and 1 - y, which keeps its digits where the other is 1.
    decay = np.exp(-np.abs(z))
    smaller = decay / (1.0 + decay)
    residual = np.where(z > 0.0, (1.0 - target) - smaller, smaller - target)
    return residual, smaller * (1.0 - smaller)
