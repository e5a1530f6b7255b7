r"""Activation functions and their derivatives, without overflow at any input.

Each takes pre-activations $z$ of any shape and returns float64 numbers of that shape.
A piecewise linear activation has no derivative at its kink $z = 0$, only the
subdifferential between its one-sided derivatives; the derivative here is the left
one, which is the convention $f'(0) = 0$ of every deep-learning library for ReLU.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib import _elementary
from hw4lib._checks import as_array, as_integer, as_number, check_memory, contract
from hw4lib._typing import Integer, Real

__all__ = [
    "leaky_relu",
    "leaky_relu_derivative",
    "relu",
    "relu_derivative",
    "sigmoid",
    "sigmoid_derivative",
    "softmax",
    "softmax_jacobian",
    "softplus",
]


@contract
def relu(z: ArrayLike) -> NDArray[np.float64]:
    r"""Return the rectified linear unit $f(z) = \max(0, z)$.

    Args:
        z: Pre-activations, any shape.

    Returns:
        The activations, shape of `z`.

    References:
        Homework 4, [Problem 1.1(a)][1-1-a].

    Examples:
        >>> relu([-0.2, 0.0, 0.2])
        array([0. , 0. , 0.2])
    """
    return np.maximum(as_array("z", z), 0.0)


@contract
def relu_derivative(z: ArrayLike) -> NDArray[np.float64]:
    r"""Return $f'(z) = \mathbf 1[z > 0]$ of the rectified linear unit.

    At the kink $z = 0$ any value of the subdifferential $[0, 1]$ would do; this is 0.

    Args:
        z: Pre-activations, any shape.

    Returns:
        The derivatives, shape of `z`.

    References:
        Homework 4, [Problem 1.1(e)][1-1-e].

    Examples:
        >>> relu_derivative([-0.2, 0.0, 0.2])
        array([0., 0., 1.])
    """
    return np.where(as_array("z", z) > 0.0, 1.0, 0.0)


@contract
def leaky_relu(z: ArrayLike, *, slope: Real) -> NDArray[np.float64]:
    r"""Return the leaky ReLU, $z$ for $z > 0$ and $\alpha z$ otherwise.

    Args:
        z: Pre-activations, any shape.
        slope: Slope $\alpha$ on the negative side; 0 is the plain ReLU, 1 the identity.

    Returns:
        The activations, shape of `z`.

    References:
        Homework 4, [Problem 1.1(k)][1-1-k].

    Examples:
        >>> leaky_relu([-0.2, 0.0, 0.2], slope=0.01)
        array([-0.002,  0.   ,  0.2  ])
    """
    z, slope = as_array("z", z), as_number("slope", slope)
    return np.where(z > 0.0, z, slope * z) + 0.0  # not -0.0


@contract
def leaky_relu_derivative(z: ArrayLike, *, slope: Real) -> NDArray[np.float64]:
    r"""Return the derivative of the leaky ReLU, 1 for $z > 0$ and $\alpha$ otherwise.

    At the kink $z = 0$ the one-sided derivatives are $\alpha$ and 1; this is $\alpha$.

    Args:
        z: Pre-activations, any shape.
        slope: Slope $\alpha$ on the negative side.

    Returns:
        The derivatives, shape of `z`.

    References:
        Homework 4, [Problem 1.1(k)][1-1-k].

    Examples:
        >>> leaky_relu_derivative([-0.2, 0.0, 0.2], slope=0.01)
        array([0.01, 0.01, 1.  ])
    """
    z, slope = as_array("z", z), as_number("slope", slope)
    return np.where(z > 0.0, 1.0, slope)


@contract
def sigmoid(z: ArrayLike) -> NDArray[np.float64]:
    r"""Return the logistic sigmoid $\sigma(z) = 1 / (1 + e^{-z})$.

    Args:
        z: Logits, any shape.

    Returns:
        Probabilities in $[0, 1]$, shape of `z`.

    References:
        Homework 4, [Problem 1.1(b)][1-1-b].

    Examples:
        >>> sigmoid([-1e4, 0.0, 1e4])
        array([0. , 0.5, 1. ])
    """
    return _elementary.sigmoid(as_array("z", z))


@contract
def sigmoid_derivative(z: ArrayLike) -> NDArray[np.float64]:
    r"""Return $\sigma'(z) = \sigma(z) (1 - \sigma(z))$ of the logistic sigmoid.

    Args:
        z: Logits, any shape.

    Returns:
        The derivatives, in $[0, \tfrac14]$, shape of `z`.

    References:
        Homework 4, [Problem 1.1(e)][1-1-e].

    Examples:
        >>> sigmoid_derivative([-1e4, 0.0, 1e4])
        array([0.  , 0.25, 0.  ])
    """
    return _elementary.sigmoid_derivative(as_array("z", z))


@contract
def softplus(z: ArrayLike) -> NDArray[np.float64]:
    r"""Return $\log(1 + e^z)$, the integral of the sigmoid.

    Args:
        z: Logits, any shape.

    Returns:
        Non-negative values, shape of `z`.

    References:
        Homework 4, [Problem 4(a)][4-a], whose loss is `softplus` of minus the margin.

    Examples:
        >>> softplus([-1e4, 1e4])
        array([    0., 10000.])
    """
    return _elementary.softplus(as_array("z", z))


@contract
def softmax(z: ArrayLike, *, axis: Integer = -1) -> NDArray[np.float64]:
    r"""Return $y_i = e^{z_i} / \sum_k e^{z_k}$ along one axis.

    Args:
        z: Logits, any shape but a scalar.
        axis: The axis along which the result sums to 1.

    Returns:
        Probabilities, shape of `z`.

    References:
        Homework 4, [Problem 1.2(b)][1-2-b], whose formula uses the index $i$ twice.

    Examples:
        >>> softmax([0.0, 1e4])
        array([0., 1.])
    """
    z, axis = _with_axis(z, axis)
    return _elementary.softmax(z, axis)


@contract
def softmax_jacobian(z: ArrayLike) -> NDArray[np.float64]:
    r"""Return the Jacobian $\partial y_i / \partial z_j = y_i (\delta_{ij} - y_j)$.

    Args:
        z: Logits, shape `(..., K)`.

    Returns:
        The symmetric Jacobians of [`softmax`][hw4lib.activations.softmax] along the
        last axis, shape `(..., K, K)`; each row sums to 0.

    References:
        Homework 4, [Problem 1.2(a)][1-2-a].

    Examples:
        >>> softmax_jacobian([0.0, 0.0])
        array([[ 0.25, -0.25],
               [-0.25,  0.25]])
    """
    z, _ = _with_axis(z, -1)
    check_memory("z", z.shape, *z.shape, z.shape[-1])
    y = _elementary.softmax(z)
    jacobian = -y[..., :, None] * y[..., None, :]
    # The diagonal from the rest of its row: 1 - y would lose every digit near y = 1.
    diagonal = np.arange(y.shape[-1])
    jacobian[..., diagonal, diagonal] = 0.0
    jacobian[..., diagonal, diagonal] = -jacobian.sum(axis=-1)
    return jacobian


def _with_axis(z: ArrayLike, axis: Integer) -> tuple[NDArray[np.float64], int]:
    array, axis = as_array("z", z), as_integer("axis", axis)
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(f"`axis` is {axis}, expected an axis of {array.ndim}")
    if array.size == 0:
        raise ValueError(f"`z` has shape {array.shape}, expected at least one logit")
    return array, axis
