r"""The objective in $\mathbb R^d$, its gradient, and its exact minimizer.

The classifier is $h(x) = \sigma(W^\top x + W_0)$ with $W \ne 0$. It predicts the
positive class where $h > \tfrac12$; an input on the boundary counts as negative. The
`offset` $\delta \in [0, \tfrac12)$ is 0 on the sheet; a positive one requires
$h \le \tfrac12 - \delta$, which is $W^\top x + W_0 \le m_\delta$ with
$m_\delta = \log\frac{1/2-\delta}{1/2+\delta}$.

To attack an example of the negative class, negate `weights` and `bias`:
$1 - h(x) = \sigma(-W^\top x - W_0)$ is the probability of that class.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_number,
    as_numbers,
    check_broadcast,
    check_memory,
    contract,
)
from hw4lib._elementary import sigmoid, sigmoid_derivative
from hw4lib._typing import Real
from hw4lib.adversarial_example.line import (
    _LARGEST_LOGIT,
    _as_offset,
    _boundary_logit,
    _excess,
    _minimizing_logit,
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

# The squares of norms, and their reciprocals, are floats up to here.
_LARGEST_NORM = 1e152


@dataclass(frozen=True, eq=False)
class Minimizer:
    """The global minimizer of the objective for each example and penalty."""

    x: NDArray[np.float64]
    """The adversarial example $x_A$, shape `(..., d)`."""
    logit: NDArray[np.float64]
    r"""Its logit $W^\top x_A + W_0$ before `x` is rounded, shape `(...)`."""
    distance: NDArray[np.float64]
    r"""Its distance $\lVert x_A - x^* \rVert$ to the original, shape `(...)`."""
    objective: NDArray[np.float64]
    """The smallest value $J(x_A)$ of the objective, shape `(...)`."""


@contract
def preactivation(x: ArrayLike, weights: ArrayLike, bias: Real) -> NDArray[np.float64]:
    r"""Return $W^\top x + W_0$, the logit of the positive class.

    It is positive where the positive class is predicted.

    Args:
        x: Inputs, shape `(..., d)`.
        weights: Weights $W$, shape `(d,)`.
        bias: Bias $W_0$.

    Returns:
        The logits, shape `(...)`.

    References:
        Homework 4, [Problem 5(a)][5-a].

    Examples:
        >>> float(preactivation([1.0, 0.5], [2.0, -1.0], 0.5))
        2.0
    """
    x, w, w_0 = _as_inputs("x", x, weights, bias)
    return np.asarray(np.vecdot(x, w) + w_0)


@contract
def predicted_probability(
    x: ArrayLike, weights: ArrayLike, bias: Real
) -> NDArray[np.float64]:
    r"""Return $h(x) = \sigma(W^\top x + W_0)$, the probability of the positive class.

    Args:
        x: Inputs, shape `(..., d)`.
        weights: Weights $W$, shape `(d,)`.
        bias: Bias $W_0$.

    Returns:
        Probabilities, shape `(...)`.

    References:
        Homework 4, [Problem 5(a)][5-a].

    Examples:
        >>> float(predicted_probability([0.2, 0.9], [2.0, -1.0], 0.5))
        0.5
    """
    x, w, w_0 = _as_inputs("x", x, weights, bias)
    return sigmoid(np.vecdot(x, w) + w_0)


@contract
def objective(
    x: ArrayLike,
    original: ArrayLike,
    weights: ArrayLike,
    bias: Real,
    alpha: ArrayLike,
    *,
    offset: Real = 0.0,
) -> NDArray[np.float64]:
    r"""Return $J(x) = \alpha \lVert x-x^*\rVert^2 + \max(0, h(x) - \tfrac12 + \delta)$.

    Args:
        x: Inputs, shape `(..., d)`.
        original: Examples $x^*$, shape `(..., d)`.
        weights: Weights $W$, shape `(d,)`.
        bias: Bias $W_0$.
        alpha: Penalties $\alpha \ge 0$ on the squared distance, shape `(...)`.
        offset: How far below one half $h$ has to be, $\delta \in [0, \tfrac12)$.

    Returns:
        The objective, of the shape that the leading axes broadcast to.

    References:
        Homework 4, [Problem 5(a)][5-a]; the offset, [the repairs][5-beyond-label].

    Examples:
        >>> float(objective([0.0, 0.0], [1.0, 0.5], [2.0, -1.0], 0.0, 0.2))
        0.25
    """
    difference, _, m, alpha = _as_attack(x, original, weights, bias, alpha)
    return _penalty(difference, alpha) + _excess(m, _as_offset(offset))


@contract
def objective_gradient(
    x: ArrayLike,
    original: ArrayLike,
    weights: ArrayLike,
    bias: Real,
    alpha: ArrayLike,
    *,
    offset: Real = 0.0,
    kink: Real = 0.0,
) -> NDArray[np.float64]:
    r"""Return $\nabla J = 2\alpha(x-x^*) + \mathbf 1[h > \tfrac12-\delta]\,h(1-h)W$.

    On the boundary $h = \tfrac12 - \delta$ there is no gradient; every vector
    $2\alpha(x-x^*) + c\,h(1-h)\,W$ with $c \in [0, 1]$ is a Clarke subgradient.

    Args:
        x: Inputs, shape `(..., d)`.
        original: Examples $x^*$, shape `(..., d)`.
        weights: Weights $W$, shape `(d,)`.
        bias: Bias $W_0$.
        alpha: Penalties $\alpha \ge 0$ on the squared distance, shape `(...)`.
        offset: How far below one half $h$ has to be, $\delta \in [0, \tfrac12)$.
        kink: The subgradient to return on the boundary, $c \in [0, 1]$.

    Returns:
        The gradients, shape `(..., d)`.

    References:
        Homework 4, [Problem 5(c)][5-c].

    Examples:
        >>> objective_gradient([0.0, 0.0], [1.0, 0.5], [2.0, -1.0], 0.0, 0.2)
        array([-0.4, -0.2])
    """
    difference, w, m, alpha = _as_attack(x, original, weights, bias, alpha)
    boundary = _boundary_logit(_as_offset(offset))
    c = as_number("kink", kink, at_least=0.0, at_most=1.0)
    indicator = np.where(m == boundary, c, m > boundary)
    slope = indicator * sigmoid_derivative(m)  # h (1 - h)
    return 2.0 * (alpha[..., None] * difference) + slope[..., None] * w


@contract
def hinge_objective(
    x: ArrayLike,
    original: ArrayLike,
    weights: ArrayLike,
    bias: Real,
    alpha: ArrayLike,
    *,
    offset: Real = 0.0,
    slope: Real = 1.0,
) -> NDArray[np.float64]:
    r"""Return the objective with its hinge on the logit instead of the probability.

    $J(x) = \alpha \lVert x-x^*\rVert^2 + s \max(0, W^\top x + W_0 - m_\delta)$ is
    convex, and its second term vanishes where $h \le \tfrac12 - \delta$, as that of the
    sheet's objective does. The sheet's term has a slope of at most $s = \tfrac14$.

    Args:
        x: Inputs, shape `(..., d)`.
        original: Examples $x^*$, shape `(..., d)`.
        weights: Weights $W$, shape `(d,)`.
        bias: Bias $W_0$.
        alpha: Penalties $\alpha \ge 0$ on the squared distance, shape `(...)`.
        offset: How far below one half $h$ has to be, $\delta \in [0, \tfrac12)$.
        slope: Slope $s > 0$ of the hinge.

    Returns:
        The objective, of the shape that the leading axes broadcast to.

    References:
        Homework 4, [Beyond Problem 5: the label and its repairs][5-beyond-label].

    Examples:
        >>> float(hinge_objective([1.0, 0.5], [1.0, 0.5], [2.0, -1.0], 0.5, 0.2))
        2.0
    """
    difference, _, m, alpha = _as_attack(x, original, weights, bias, alpha)
    boundary = _boundary_logit(_as_offset(offset))
    s = as_number("slope", slope, above=0.0)
    return _penalty(difference, alpha) + s * np.maximum(0.0, m - boundary)


@contract
def hinge_objective_gradient(
    x: ArrayLike,
    original: ArrayLike,
    weights: ArrayLike,
    bias: Real,
    alpha: ArrayLike,
    *,
    offset: Real = 0.0,
    slope: Real = 1.0,
) -> NDArray[np.float64]:
    r"""Return $2\alpha(x-x^*) + s\,\mathbf 1[W^\top x + W_0 > m_\delta]\,W$.

    The slope of the hinge does not vanish, however confident the classifier is. On the
    boundary this is the subgradient without the second term.

    Args:
        x: Inputs, shape `(..., d)`.
        original: Examples $x^*$, shape `(..., d)`.
        weights: Weights $W$, shape `(d,)`.
        bias: Bias $W_0$.
        alpha: Penalties $\alpha \ge 0$ on the squared distance, shape `(...)`.
        offset: How far below one half $h$ has to be, $\delta \in [0, \tfrac12)$.
        slope: Slope $s > 0$ of the hinge.

    Returns:
        The gradients, shape `(..., d)`.

    References:
        Homework 4, [Beyond Problem 5: the label and its repairs][5-beyond-label].

    Examples:
        >>> hinge_objective_gradient([1.0, 0.5], [1.0, 0.5], [2.0, -1.0], 0.5, 0.2)
        array([ 2., -1.])
    """
    difference, w, m, alpha = _as_attack(x, original, weights, bias, alpha)
    above = m > _boundary_logit(_as_offset(offset))
    s = as_number("slope", slope, above=0.0)
    return 2.0 * (alpha[..., None] * difference) + s * above[..., None] * w


@contract
def boundary_projection(
    x: ArrayLike, weights: ArrayLike, bias: Real, *, offset: Real = 0.0
) -> NDArray[np.float64]:
    r"""Return the closest point with $h = \tfrac12 - \delta$, on the decision boundary.

    It is $x - \frac{m - m_\delta}{\lVert W \rVert^2} W$, where $m$ is the logit of $x$.
    The result is rounded to the side of the negative class: `predicted_probability` of
    it is at most $\tfrac12 - \delta$, in whatever order the products are summed.

    Args:
        x: Inputs, shape `(..., d)`.
        weights: Weights $W \ne 0$, shape `(d,)`.
        bias: Bias $W_0$.
        offset: How far below one half $h$ has to be, $\delta \in [0, \tfrac12)$.

    Returns:
        The orthogonal projections, shape `(..., d)`.

    Raises:
        ValueError: If `weights` is zero or its norm outside $[10^{-152}, 10^{152}]$,
            or a logit is past $10^{150}$ in size.

    References:
        Homework 4, [Problem 5(d)][5-d].

    Examples:
        >>> boundary_projection([1.0, 0.5], [2.0, -1.0], 0.5).round(12)
        array([0.2, 0.9])
    """
    x, w, w_0, m = _as_examples("x", x, weights, bias)
    return _boundary_points(x, w, w_0, m, _as_offset(offset))


@contract
def minimizer(
    original: ArrayLike,
    weights: ArrayLike,
    bias: Real,
    alpha: ArrayLike,
    *,
    offset: Real = 0.0,
) -> Minimizer:
    r"""Return the exact global minimizer $x_A = \arg\min_x J(x)$.

    It lies on the line through $x^*$ along $W$, because a step across $W$ costs
    similarity and leaves the logit unchanged; its logit is
    [`minimizing_logit`][hw4lib.adversarial_example.line.minimizing_logit]. Use that
    function for more penalties than inputs fit in memory.

    An example that counts as negative already is its own minimizer, at distance 0. A
    minimizer on the boundary is the
    [`boundary_projection`][hw4lib.adversarial_example.space.boundary_projection],
    rounded to the side of the negative class.

    Args:
        original: Examples $x^*$, shape `(..., d)`.
        weights: Weights $W \ne 0$, shape `(d,)`.
        bias: Bias $W_0$.
        alpha: Penalties $\alpha > 0$ on the squared distance, shape `(...)`.
        offset: How far below one half $h$ has to be, $\delta \in [0, \tfrac12)$.

    Returns:
        The minimizers, their logits, distances and objectives. Of two tied ones, the
        one with the smaller logit.

    Raises:
        ValueError: If `weights` is zero or its norm outside $[10^{-152}, 10^{152}]$,
            or a logit is past $10^{150}$ in size.

    References:
        Homework 4, [Problem 5(d)][5-d] and [5(e)][5-e]; the proof,
        [Beyond Problem 5][5-beyond-minimizer].

    Examples:
        >>> found = minimizer([1.0, 0.5], [2.0, -1.0], 0.5, 0.1)
        >>> found.x.round(12)
        array([0.2, 0.9])
        >>> bool(predicted_probability(found.x, [2.0, -1.0], 0.5) <= 0.5)
        True
    """
    original, w, w_0, margin = _as_examples("original", original, weights, bias)
    alpha, delta = as_numbers("alpha", alpha, above=0.0), _as_offset(offset)
    shape = check_broadcast(alpha=alpha, original=margin)
    check_memory("alpha", alpha.shape, *shape, w.size)

    norm, boundary = np.linalg.norm(w), _boundary_logit(delta)
    limits = np.finfo(np.float64)
    beta = np.clip(alpha / norm**2, limits.tiny, limits.max)
    m = _minimizing_logit(margin, beta, boundary)
    # Above the boundary J is stationary: 2 alpha distance = h (1 - h) |W|. The
    # difference of logits would lose its digits for a large penalty.
    slid = 0.5 * sigmoid_derivative(m) * norm / alpha
    distance = np.where(m > boundary, slid, (margin - m) / norm)
    on_boundary = (m <= boundary) & (margin > boundary)
    x_A = np.where(
        on_boundary[..., None],
        _boundary_points(original, w, w_0, margin, delta),
        original - distance[..., None] * (w / norm),
    )
    return Minimizer(
        x=x_A,
        logit=m,
        distance=distance,
        objective=_penalty(distance[..., None], alpha) + _excess(m, delta),
    )


@contract(infinite=True)
def critical_alpha(
    original: ArrayLike, weights: ArrayLike, bias: Real, *, offset: Real = 0.0
) -> NDArray[np.float64]:
    r"""Return $\alpha_c$: the minimizer is on the boundary for $\alpha \le \alpha_c$.

    Above $\alpha_c$ the minimizer is still classified as positive.

    Args:
        original: Examples $x^*$, shape `(..., d)`.
        weights: Weights $W \ne 0$, shape `(d,)`.
        bias: Bias $W_0$.
        offset: How far below one half $h$ has to be, $\delta \in [0, \tfrac12)$.

    Returns:
        $\alpha_c = \lVert W \rVert^2 \beta_c$, shape `(...)`; infinite for an example
        that counts as negative already, and past the largest float.

    Raises:
        ValueError: If `weights` is zero or its norm outside $[10^{-152}, 10^{152}]$,
            or a logit is past $10^{150}$ in size.

    References:
        Homework 4, [Problem 5(d)][5-d] and [5(e)][5-e].

    Examples:
        >>> float(critical_alpha([1.0, 0.5], [2.0, -1.0], 0.5))
        0.3125
    """
    _, w, _, margin = _as_examples("original", original, weights, bias)
    return np.vdot(w, w) * critical_beta(margin, offset=offset)


@contract(infinite=True)
def descent_alpha(
    original: ArrayLike, weights: ArrayLike, bias: Real, *, offset: Real = 0.0
) -> NDArray[np.float64]:
    r"""Return $\alpha_{GD}$, below which gradient descent from $x^*$ succeeds.

    From an input that counts as negative, and for $\delta = 0$, descent with short
    steps settles at the boundary for every $\alpha < \lVert W \rVert^2 / (8 m_0)$,
    which is at least $\alpha_{GD}$.

    Args:
        original: Examples $x^*$, shape `(..., d)`.
        weights: Weights $W \ne 0$, shape `(d,)`.
        bias: Bias $W_0$.
        offset: How far below one half $h$ has to be, $\delta \in [0, \tfrac12)$.

    Returns:
        $\alpha_{GD} = \lVert W \rVert^2 \beta_{GD} \le \alpha_c$, shape `(...)`;
        infinite for an example that counts as negative already, and past the largest
        float.

    Raises:
        ValueError: If `weights` is zero or its norm outside $[10^{-152}, 10^{152}]$,
            or a logit is past $10^{150}$ in size.

    References:
        Homework 4, [Beyond Problem 5: gradient descent][5-beyond-descent].

    Examples:
        >>> float(descent_alpha([1.0, 0.5], [2.0, -1.0], 0.5))
        0.3125
    """
    _, w, _, margin = _as_examples("original", original, weights, bias)
    return np.vdot(w, w) * descent_beta(margin, offset=offset)


def _penalty(
    difference: NDArray[np.float64], alpha: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return alpha times the squared norm of the difference."""
    # In this order, because the squares alone may over- or underflow.
    return np.asarray((alpha[..., None] * difference * difference).sum(axis=-1))


def _boundary_points(
    x: NDArray[np.float64],
    w: NDArray[np.float64],
    bias: float,
    m: NDArray[np.float64],
    delta: float,
) -> NDArray[np.float64]:
    """Return the projections on the boundary, rounded to its negative side."""
    norm, boundary = np.linalg.norm(w), _boundary_logit(delta)
    # The logit is lowered by as much more as rounding may raise it: each of d + 8
    # operations on the way to it, and to the probability, errs by its terms' sizes.
    sizes = np.vecdot(np.abs(x), np.abs(w)) + abs(bias) + np.abs(m - boundary)
    if delta > 0.0:
        sizes += 1.0  # of the probability, which is 1/2 exactly at the logit 0
    lowering = (m - boundary) + (w.size + 8) * np.finfo(np.float64).eps * sizes
    return np.asarray(x - (lowering / norm)[..., None] * (w / norm))


def _as_inputs(
    name: str, x: ArrayLike, weights: ArrayLike, bias: Real
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    x = as_array(name, x, "...", "d")
    return x, as_array("weights", weights, x.shape[-1]), as_number("bias", bias)


def _as_attack(
    x: ArrayLike, original: ArrayLike, weights: ArrayLike, bias: Real, alpha: ArrayLike
) -> tuple[NDArray[np.float64], ...]:
    """Return x - x*, the weights, the logits of x, and the penalties."""
    x, w, w_0 = _as_inputs("x", x, weights, bias)
    original = as_array("original", original, "...", w.size)
    alpha = as_numbers("alpha", alpha, at_least=0.0)
    shape = check_broadcast(x=x[..., 0], original=original[..., 0], alpha=alpha)
    check_memory("x", x.shape, *shape, w.size)
    return x - original, w, np.asarray(np.vecdot(x, w) + w_0), alpha


def _as_examples(
    name: str, x: ArrayLike, weights: ArrayLike, bias: Real
) -> tuple[NDArray[np.float64], NDArray[np.float64], float, NDArray[np.float64]]:
    """Return the inputs, the weights, the bias, and the logits of the inputs."""
    x, w, w_0 = _as_inputs(name, x, weights, bias)
    if not w.any():
        raise ValueError("`weights` holds only zeros, expected a weight that is not")
    largest = np.abs(w).max()
    norm = largest * np.linalg.norm(w / largest)  # whose squares are floats
    if not 1.0 / _LARGEST_NORM <= norm <= _LARGEST_NORM:
        raise ValueError(
            f"`weights` has norm {norm:g}, expected in "
            f"[{1.0 / _LARGEST_NORM:g}, {_LARGEST_NORM:g}]"
        )
    m = np.asarray(np.vecdot(x, w) + w_0)
    if not (np.abs(m) <= _LARGEST_LOGIT).all():
        raise ValueError(
            f"`{name}` has a logit beyond {_LARGEST_LOGIT:g} in size, "
            f"expected at most that"
        )
    return x, w, w_0, m
