r"""The objective in $\mathbb R^d$ and its exact minimizer.

What matters of $x \in \mathbb R^d$ is one number, the logit $m = W^\top x + W_0$: a
step across $W$ costs similarity and changes no label.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_number,
    as_numbers,
    check_broadcast,
    check_memory,
    is_finite,
)
from hw4lib.activations import sigmoid, sigmoid_derivative
from hw4lib.adversarial_example.line import (
    _LARGEST_LOGIT,
    _excess,
    _finite,
    _kink,
    _minimizing_logit,
    _offset,
    critical_beta,
    descent_beta,
)

__all__ = [
    "Minimizer",
    "boundary_projection",
    "critical_alpha",
    "descent_alpha",
    "hinge_objective",
    "hinge_objective_gradient",
    "minimizer",
    "objective",
    "objective_gradient",
    "preactivation",
    "predicted_probability",
]


@dataclass(frozen=True)
class Minimizer:
    """The global minimizer of the objective for each penalty.

    Attributes:
        x: The adversarial example $x_A$, shape `(..., d)`.
        logit: Its logit, shape `(...)`; at most the kink where it counts as negative.
        distance: Its distance to $x^*$, shape `(...)`.
        objective: The smallest value $J(x_A)$, shape `(...)`.
    """

    x: NDArray[np.float64]
    logit: NDArray[np.float64]
    distance: NDArray[np.float64]
    objective: NDArray[np.float64]


def preactivation(x: ArrayLike, weights: ArrayLike, bias: float) -> NDArray[np.float64]:
    r"""Return the logit $m = W^\top x + W_0$, positive where the class is.

    Args:
        x: Inputs, shape `(..., d)`.
        weights: Weights $W$, shape `(d,)`.
        bias: Bias $W_0$.

    Returns:
        The logits, shape `(...)`.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, the lengths differ, or a logit
            exceeds 1e150.

    References:
        Homework 4, [Problem 5(a)][5-a].

    Examples:
        >>> float(preactivation([1.0, 0.5], [2.0, -1.0], 0.5))
        2.0
    """
    return _place("x", x, weights, bias)[2]


def predicted_probability(
    x: ArrayLike, weights: ArrayLike, bias: float
) -> NDArray[np.float64]:
    r"""Return $h(x) = \sigma(W^\top x + W_0)$, the probability of the positive class.

    Args:
        x: Inputs, shape `(..., d)`.
        weights: Weights $W$, shape `(d,)`.
        bias: Bias $W_0$.

    Returns:
        Probabilities, shape `(...)`.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, the lengths differ, or a logit
            exceeds 1e150.

    References:
        Homework 4, [Problem 5(a)][5-a].

    Examples:
        >>> float(predicted_probability([0.2, 0.9], [2.0, -1.0], 0.5))
        0.5
    """
    return sigmoid(preactivation(x, weights, bias))


def objective(
    x: ArrayLike,
    original: ArrayLike,
    weights: ArrayLike,
    bias: float,
    alpha: float,
    *,
    offset: float = 0.0,
) -> NDArray[np.float64]:
    r"""Return $J(x) = \alpha \lVert x-x^*\rVert^2 + \max(0, h(x) - \tfrac12 + \delta)$.

    Args:
        x: Inputs, shape `(..., d)`.
        original: The example $x^*$, shape `(d,)`.
        weights: Weights $W$, shape `(d,)`.
        bias: Bias $W_0$.
        alpha: Penalty $\alpha \ge 0$ on the squared distance.
        offset: How far $\delta \in [0, \tfrac12)$ below one half $h$ has to be.

    Returns:
        The objective, shape `(...)`.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite or out of range, the lengths
            differ, or the objective overflows.

    References:
        Homework 4, [Problem 5(a)][5-a]; the offset, [the repairs][5-beyond-label].

    Examples:
        >>> float(objective([0.0, 0.0], [1.0, 0.5], [2.0, -1.0], 0.0, 0.2))
        0.25
    """
    difference, m, _ = _relative(x, original, weights, bias)
    excess = _excess(m, _offset(offset))
    return _objective(difference, _alpha(alpha), excess)


def objective_gradient(
    x: ArrayLike,
    original: ArrayLike,
    weights: ArrayLike,
    bias: float,
    alpha: float,
    *,
    offset: float = 0.0,
    kink: float = 0.0,
) -> NDArray[np.float64]:
    r"""Return $\nabla J = 2\alpha(x-x^*) + \mathbf 1[h > \tfrac12-\delta]\,h(1-h)W$.

    On the boundary $h = \tfrac12 - \delta$ there is no gradient; every vector
    $2\alpha(x-x^*) + c\,h(1-h)\,W$ with $c \in [0, 1]$ is a Clarke subgradient.

    Args:
        x: Inputs, shape `(..., d)`.
        original: The example $x^*$, shape `(d,)`.
        weights: Weights $W$, shape `(d,)`.
        bias: Bias $W_0$.
        alpha: Penalty $\alpha \ge 0$ on the squared distance.
        offset: How far $\delta \in [0, \tfrac12)$ below one half $h$ has to be.
        kink: Which subgradient $c \in [0, 1]$ to take on the boundary.

    Returns:
        The gradient, shape `(..., d)`.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite or out of range, the lengths
            differ, or the gradient overflows.

    References:
        Homework 4, [Problem 5(c)][5-c].

    Examples:
        >>> objective_gradient([0.0, 0.0], [1.0, 0.5], [2.0, -1.0], 0.0, 0.2)
        array([-0.4, -0.2])
    """
    difference, m, w = _relative(x, original, weights, bias)
    edge = _kink(_offset(offset))
    share = np.where(m == edge, as_number("kink", kink, at_least=0.0, at_most=1.0), 1.0)
    slope = np.where(m >= edge, share * sigmoid_derivative(m), 0.0)
    return _gradient(difference, _alpha(alpha), slope, w)


def hinge_objective(
    x: ArrayLike,
    original: ArrayLike,
    weights: ArrayLike,
    bias: float,
    alpha: float,
    *,
    offset: float = 0.0,
) -> NDArray[np.float64]:
    r"""Return the objective with its hinge on the logit instead of the probability.

    $J(x) = \alpha \lVert x-x^*\rVert^2 + \max(0, W^\top x + W_0 - m_\delta)$ with
    $m_\delta = \log\frac{1/2-\delta}{1/2+\delta}$ is convex, and its second term
    vanishes where $h \le \tfrac12 - \delta$, as that of the sheet's objective does.

    Args:
        x: Inputs, shape `(..., d)`.
        original: The example $x^*$, shape `(d,)`.
        weights: Weights $W$, shape `(d,)`.
        bias: Bias $W_0$.
        alpha: Penalty $\alpha \ge 0$ on the squared distance.
        offset: How far $\delta \in [0, \tfrac12)$ below one half $h$ has to be.

    Returns:
        The objective, shape `(...)`.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite or out of range, the lengths
            differ, or the objective overflows.

    References:
        Homework 4, [Beyond Problem 5: the label and its repairs][5-beyond-label].

    Examples:
        >>> float(hinge_objective([1.0, 0.5], [1.0, 0.5], [2.0, -1.0], 0.5, 0.2))
        2.0
    """
    difference, m, _ = _relative(x, original, weights, bias)
    excess = np.maximum(m - _kink(_offset(offset)), 0.0)
    return _objective(difference, _alpha(alpha), excess)


def hinge_objective_gradient(
    x: ArrayLike,
    original: ArrayLike,
    weights: ArrayLike,
    bias: float,
    alpha: float,
    *,
    offset: float = 0.0,
) -> NDArray[np.float64]:
    r"""Return $2\alpha(x-x^*) + \mathbf 1[W^\top x + W_0 > m_\delta]\,W$.

    The slope of the hinge does not vanish, however sure the classifier is. On the
    boundary this is the subgradient without the second term.

    Args:
        x: Inputs, shape `(..., d)`.
        original: The example $x^*$, shape `(d,)`.
        weights: Weights $W$, shape `(d,)`.
        bias: Bias $W_0$.
        alpha: Penalty $\alpha \ge 0$ on the squared distance.
        offset: How far $\delta \in [0, \tfrac12)$ below one half $h$ has to be.

    Returns:
        The gradient, shape `(..., d)`.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite or out of range, the lengths
            differ, or the gradient overflows.

    References:
        Homework 4, [Beyond Problem 5: the label and its repairs][5-beyond-label].

    Examples:
        >>> hinge_objective_gradient([1.0, 0.5], [1.0, 0.5], [2.0, -1.0], 0.5, 0.2)
        array([ 2., -1.])
    """
    difference, m, w = _relative(x, original, weights, bias)
    slope = np.where(m > _kink(_offset(offset)), 1.0, 0.0)
    return _gradient(difference, _alpha(alpha), slope, w)


def boundary_projection(
    x: ArrayLike, weights: ArrayLike, bias: float, *, offset: float = 0.0
) -> NDArray[np.float64]:
    r"""Return the closest point with $h = \tfrac12 - \delta$, on the decision boundary.

    It is $x - \frac{m - m_\delta}{\lVert W \rVert^2} W$, where $m$ is the logit of $x$
    and $m_\delta = \log\frac{1/2-\delta}{1/2+\delta}$, which is 0 for $\delta = 0$.

    Args:
        x: Inputs, shape `(..., d)`.
        weights: Weights $W \ne 0$, shape `(d,)`.
        bias: Bias $W_0$.
        offset: How far $\delta \in [0, \tfrac12)$ below one half $h$ has to be.

    Returns:
        The orthogonal projections, shape `(..., d)`.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite or out of range, the lengths differ,
            or `weights` is zero.

    References:
        Homework 4, [Problem 5(d)][5-d].

    Examples:
        >>> boundary_projection([1.0, 0.5], [2.0, -1.0], 0.5)
        array([0.2, 0.9])
    """
    points, w, m = _place("x", x, weights, bias)
    shift = m[()] - _kink(_offset(offset))
    return _shifted(points, shift, w, _squared_norm(w))


def minimizer(
    original: ArrayLike,
    weights: ArrayLike,
    bias: float,
    alpha: ArrayLike,
    *,
    offset: float = 0.0,
) -> Minimizer:
    r"""Return the exact global minimizer $x_A = \arg\min_x J(x)$.

    It lies on the line through $x^*$ along $W$, at the logit that
    [`minimizing_logit`][hw4lib.adversarial_example.line.minimizing_logit] returns; take
    that function for more penalties than inputs fit in memory. An example that
    counts as negative already is its own minimizer, at distance 0.

    Args:
        original: Examples $x^*$, shape `(..., d)`.
        weights: Weights $W \ne 0$, shape `(d,)`.
        bias: Bias $W_0$.
        alpha: Penalties $\alpha > 0$, any shape that broadcasts with `(...)`.
        offset: How far $\delta \in [0, \tfrac12)$ below one half $h$ has to be.

    Returns:
        The minimizers, their logits, distances and objectives. Of two tied ones, the
        one with the smaller logit.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite or out of range, shapes do not fit,
            or `weights` is zero.
        MemoryError: If the minimizers would not fit in memory.

    References:
        Homework 4, [Problem 5(d)][5-d] and [5(e)][5-e]; the proof,
        [Beyond Problem 5][5-beyond-minimizer].

    Examples:
        >>> minimizer([1.0, 0.5], [2.0, -1.0], 0.5, 0.1).x
        array([0.2, 0.9])
    """
    points, w, margin = _place("original", original, weights, bias)
    alpha = as_numbers("alpha", alpha, above=0.0)
    shape = check_broadcast(alpha=alpha, original=margin)
    check_memory("alpha", alpha.shape, *shape, w.size)

    squared_norm = _squared_norm(w)
    beta = _beta(alpha, squared_norm)
    kink = _kink(_offset(offset))
    m = _minimizing_logit(margin, beta, kink)
    # Not margin - m, whose digits cancel when the penalty is large.
    with np.errstate(over="ignore"):
        slid = 0.5 * sigmoid_derivative(m) * squared_norm / alpha
    shift = np.where(m > kink, slid, margin - m)
    shift = np.where(margin > kink, shift, 0.0)
    distance = np.asarray(shift / math.sqrt(squared_norm))
    return Minimizer(
        x=_shifted(points, shift, w, squared_norm),
        logit=m,
        distance=distance,
        objective=np.asarray(alpha * distance * distance + _excess(m, offset)),
    )


def critical_alpha(
    original: ArrayLike, weights: ArrayLike, bias: float, *, offset: float = 0.0
) -> NDArray[np.float64]:
    r"""Return $\alpha_c$: the minimizer is on the boundary for $\alpha \le \alpha_c$.

    Above $\alpha_c$ the minimizer is still classified as positive.

    Args:
        original: Examples $x^*$, shape `(..., d)`.
        weights: Weights $W \ne 0$, shape `(d,)`.
        bias: Bias $W_0$.
        offset: How far $\delta \in [0, \tfrac12)$ below one half $h$ has to be.

    Returns:
        $\alpha_c = \lVert W \rVert^2 \beta_c$, shape `(...)`; infinite for an example
        that counts as negative already, and past the largest float.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite or out of range, the lengths differ,
            or `weights` is zero.

    References:
        Homework 4, [Problem 5(d)][5-d] and [5(e)][5-e].

    Examples:
        >>> float(critical_alpha([1.0, 0.5], [2.0, -1.0], 0.5))
        0.3125
    """
    _, w, margin = _place("original", original, weights, bias)
    with np.errstate(over="ignore"):
        return _squared_norm(w) * critical_beta(margin, offset=offset)


def descent_alpha(
    original: ArrayLike, weights: ArrayLike, bias: float, *, offset: float = 0.0
) -> NDArray[np.float64]:
    r"""Return $\alpha_{GD}$, below which gradient descent from $x^*$ succeeds.

    Args:
        original: Examples $x^*$, shape `(..., d)`.
        weights: Weights $W \ne 0$, shape `(d,)`.
        bias: Bias $W_0$.
        offset: How far $\delta \in [0, \tfrac12)$ below one half $h$ has to be.

    Returns:
        $\alpha_{GD} = \lVert W \rVert^2 \beta_{GD} \le \alpha_c$, shape `(...)`;
        infinite for an example that counts as negative already.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite or out of range, the lengths differ,
            or `weights` is zero.

    References:
        Homework 4, [Beyond Problem 5: gradient descent][5-beyond-descent].

    Examples:
        >>> float(descent_alpha([1.0, 0.5], [2.0, -1.0], 0.5))
        0.3125
    """
    _, w, margin = _place("original", original, weights, bias)
    with np.errstate(over="ignore"):
        return _squared_norm(w) * descent_beta(margin, offset=offset)


def _objective(
    difference: NDArray[np.float64], alpha: float, excess: NDArray[np.float64]
) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):
        squared = np.einsum("...i,...i->...", difference, difference)
        value = np.asarray(alpha * squared + excess)
    return _finite("x", "the objective", value)


def _gradient(
    difference: NDArray[np.float64],
    alpha: float,
    slope: NDArray[np.float64],
    w: NDArray[np.float64],
) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):
        value = alpha * (2.0 * difference) + slope[..., None] * w
    return _finite("x", "the gradient", value)


def _shifted(
    x: NDArray[np.float64],
    shift: NDArray[np.float64],
    w: NDArray[np.float64],
    squared_norm: float,
) -> NDArray[np.float64]:
    """Return `x` with its logit lowered by each `shift`, by a step along `w`."""
    with np.errstate(over="ignore"):
        length = shift / squared_norm
    if not is_finite(length):
        norm = math.sqrt(squared_norm)
        length, w = shift / norm, w / norm
    step = (length[..., None] if length.ndim else length) * w
    return np.subtract(x, step, out=step)


def _relative(
    x: ArrayLike, original: ArrayLike, weights: ArrayLike, bias: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return x - x*, the logit of x, and the weights."""
    points, w, m = _place("x", x, weights, bias)
    origin = as_array("original", original, w.size)
    with np.errstate(over="ignore"):
        difference = points - origin
    return difference, m, w


def _place(
    name: str, x: ArrayLike, weights: ArrayLike, bias: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the inputs, the weights, and the logits of the inputs."""
    points = as_array(name, x, "...", "d", finite=False)
    w = as_array("weights", weights, points.shape[-1], finite=False)
    w_0 = as_number("bias", bias)
    if points.ndim == 1:
        # All factors of a finite product are finite: no other pass has to check them.
        m = float(np.vdot(points, w)) + w_0
        if abs(m) <= _LARGEST_LOGIT:
            return points, w, np.asarray(m)
    as_array(name, points)
    as_array("weights", w)
    with np.errstate(over="ignore", invalid="ignore"):
        logits = np.asarray(points @ w + w_0)
    if not (np.abs(logits) <= _LARGEST_LOGIT).all():
        raise ValueError(
            f"`{name}` has a logit beyond {_LARGEST_LOGIT:g} in size, "
            f"expected at most that"
        )
    return points, w, logits


def _squared_norm(w: NDArray[np.float64]) -> float:
    squared = float(np.vdot(w, w))  # without a warning if it overflows
    if not 1e-305 <= squared <= 1e305:  # all digits, and a reciprocal
        raise ValueError(
            f"`weights` has the squared norm {squared:g}, expected in [1e-305, 1e+305]"
        )
    return squared


def _beta(alpha: NDArray[np.float64], squared_norm: float) -> NDArray[np.float64]:
    limits = np.finfo(np.float64)
    with np.errstate(over="ignore"):
        return np.clip(alpha / squared_norm, limits.tiny, limits.max)


def _alpha(alpha: float) -> float:
    return as_number("alpha", alpha, at_least=0.0)
