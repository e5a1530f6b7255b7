r"""The adversarial example of a sigmoid unit: objective, exact minimizer, descent.

What matters of $x \in \mathbb R^d$ is one number, the logit $m = W^\top x + W_0$: a
step across $W$ costs similarity and changes no label. With the margin
$m_0 = W^\top x^* + W_0$ and $\beta = \alpha / \lVert W \rVert^2$ the objective becomes

$$j(m) = \beta (m_0 - m)^2 + \max(0, \sigma(m) - \tfrac12 + \delta).$$

Functions of `margin` and `beta` work on this line, for any broadcastable shapes;
functions of `original`, `weights` and `bias` work in $\mathbb R^d$. The `offset`
$\delta \in [0, \tfrac12)$ is 0 on the sheet; a positive one asks for
$h \le \tfrac12 - \delta$ instead of $h \le \tfrac12$.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_integer,
    as_number,
    as_numbers,
    check_broadcast,
    check_memory,
    is_finite,
)
from hw4lib._steps import LOOPS, logits_of_descent
from hw4lib.activations import sigmoid, sigmoid_derivative

# The squares of logits, and their products with `beta`, are floats up to here.
_LARGEST_LOGIT = 1e150
# Where the slope of the sigmoid turns from concave to convex: cosh(m) = 2.
_INFLECTION = math.acosh(2.0)
_BISTABLE = _INFLECTION + math.sqrt(3.0)
# So many numbers at a time stay in the cache from one Newton step to the next.
_CHUNK = 2**15

_ValueAndSlope = tuple[NDArray[np.float64], NDArray[np.float64]]


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


@dataclass(frozen=True)
class Jump:
    """The penalty at which the global minimizer jumps; NaN where it never does.

    Attributes:
        beta: The penalty with two global minimizers.
        before: The logit of the first, the minimizer up to `beta`.
        after: The logit of the second, the minimizer just above `beta`.
    """

    beta: NDArray[np.float64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]


@dataclass(frozen=True)
class RegimeMargins:
    """The margins at which the behavior in the penalty changes.

    Attributes:
        bistable: Above it the objective has two local minima for some penalties.
        descent: Above it descent is caught before it reaches the boundary also for
            penalties below $1 / (8 m_0)$, down to that of `descent_beta`.
        jump: Above it the minimizer leaves the boundary by a jump.
    """

    bistable: float
    descent: float
    jump: float


@dataclass(frozen=True)
class Descent:
    """The path of gradient descent, from the start to step `T`.

    Attributes:
        logits: Logits, shape `(T + 1,)`.
        distances: Distances to $x^*$, shape `(T + 1,)`.
        objectives: Values of the objective, shape `(T + 1,)`.
        x: The last iterate, shape `(d,)`.
        iterates: All iterates, shape `(T + 1, d)`, if they were asked for.
    """

    logits: NDArray[np.float64]
    distances: NDArray[np.float64]
    objectives: NDArray[np.float64]
    x: NDArray[np.float64]
    iterates: NDArray[np.float64] | None


def logit(x: ArrayLike, weights: ArrayLike, bias: float) -> NDArray[np.float64]:
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
        >>> float(logit([1.0, 0.5], [2.0, -1.0], 0.5))
        2.0
    """
    return _place("x", x, weights, bias)[2]


def hypothesis(x: ArrayLike, weights: ArrayLike, bias: float) -> NDArray[np.float64]:
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
        >>> float(hypothesis([0.2, 0.9], [2.0, -1.0], 0.5))
        0.5
    """
    return sigmoid(logit(x, weights, bias))


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
    [`minimizing_logit`][hw4lib.adversarial_example.minimizing_logit] returns; take
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


def gradient_descent(
    original: ArrayLike,
    weights: ArrayLike,
    bias: float,
    alpha: float,
    *,
    step_size: float,
    steps: int,
    start: ArrayLike | None = None,
    offset: float = 0.0,
    keep_iterates: bool = False,
) -> Descent:
    r"""Run $x_{t+1} = x_t - \eta \nabla J(x_t)$, from $x^*$ unless told otherwise.

    Two numbers a step suffice, whatever $d$ is. The logit moves by itself,
    $m_{t+1} = m_t + 2\alpha\eta(m_0 - m_t) - \eta \lVert W \rVert^2
    \mathbf 1[h_t > \tfrac12 - \delta]\,h_t(1-h_t)$, and the part of $x_t - x^*$
    across $W$, which is zero for a start at $x^*$, shrinks by $1 - 2\alpha\eta$.

    Args:
        original: The example $x^*$, shape `(d,)`.
        weights: Weights $W \ne 0$, shape `(d,)`.
        bias: Bias $W_0$.
        alpha: Penalty $\alpha \ge 0$ on the squared distance.
        step_size: Step size $\eta > 0$ with $\alpha\eta < 1$; the squared distance
            alone would make a longer step diverge.
        steps: Number of steps $T \ge 0$.
        start: First iterate, shape `(d,)`; the example $x^*$ by default.
        offset: How far $\delta \in [0, \tfrac12)$ below one half $h$ has to be.
        keep_iterates: Whether to return all iterates too.

    Returns:
        The path. Without the iterates it takes memory for $O(T + d)$ numbers.

    Raises:
        TypeError: If an argument is not real, or `steps` is not an integer.
        ValueError: If an argument is not finite or out of range, the lengths differ,
            `weights` is zero, or the path overflows.
        MemoryError: If the path would not fit in memory.

    References:
        Homework 4, [Problem 5(d)][5-d]; where it stops,
        [Beyond Problem 5: gradient descent][5-beyond-descent].

    Examples:
        >>> path = gradient_descent(
        ...     [1.0, 0.5], [2.0, -1.0], 0.5, 0.1, step_size=0.01, steps=1000
        ... )
        >>> path.x.round(2)
        array([0.2, 0.9])
    """
    # One example, so that its logit is one number.
    origin = as_array("original", original, "d", finite=False)
    origin, w, logit = _place("original", origin, weights, bias)
    m_0 = margin = float(logit)
    if start is not None:
        first = as_array("start", start, origin.size)
        m_0 = float(_place("start", first, w, bias)[2])
    alpha = _alpha(alpha)
    limit = math.inf if alpha == 0.0 else 1.0 / alpha
    rate = as_number("step_size", step_size, above=0.0, below=limit)
    steps = as_integer("steps", steps, at_least=0)
    check_memory("steps", steps, steps + 1, 3 + keep_iterates * w.size)

    squared_norm = _squared_norm(w)
    delta = _offset(offset)
    pull, push = 2.0 * alpha * rate, rate * squared_norm
    line = m_0, margin, pull, push, _kink(delta)
    LOOPS.work += steps
    if write := LOOPS():
        write(logits := np.empty(steps + 1), line)
    else:
        logits = np.fromiter(logits_of_descent(*line), np.float64, steps + 1)

    with np.errstate(over="ignore", invalid="ignore"):
        along = (logits - margin) / math.sqrt(squared_norm)
        distances = np.abs(along)
        if start is not None:
            moved = np.asarray(m_0 - margin)
            across = _shifted(first - origin, moved, w, squared_norm)
            shrinkage = (1.0 - pull) ** np.arange(steps + 1)
            distances = np.hypot(along, shrinkage * np.linalg.norm(across))
        objectives = alpha * distances * distances + _excess(logits, delta)
    name = "step_size" if math.isfinite(objectives[0]) else "start"
    _finite(name, "the objective", objectives)

    kept = slice(None) if keep_iterates else -1
    iterates = _shifted(origin, margin - logits[kept], w, squared_norm)
    if start is not None:
        iterates += np.multiply.outer(shrinkage[kept], across)

    return Descent(
        logits=logits,
        distances=distances,
        objectives=objectives,
        x=iterates[-1] if keep_iterates else iterates,
        iterates=iterates if keep_iterates else None,
    )


def reduced_objective(
    logit: ArrayLike, margin: ArrayLike, beta: ArrayLike, *, offset: float = 0.0
) -> NDArray[np.float64]:
    r"""Return $j(m) = \beta (m_0-m)^2 + \max(0, \sigma(m)-\tfrac12+\delta)$.

    It is the smallest value of $J$ on the hyperplane of inputs with logit $m$.

    Args:
        logit: Logits $m$, any shape.
        margin: Margins $m_0$ of the example, any shape that broadcasts.
        beta: Penalties $\beta = \alpha / \lVert W \rVert^2 \ge 0$, any shape that
            broadcasts.
        offset: How far $\delta \in [0, \tfrac12)$ below one half $h$ has to be.

    Returns:
        The objective, of the common shape.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite or out of range, shapes do not fit,
            or the objective overflows.
        MemoryError: If the result would not fit in memory.

    References:
        Homework 4, [Problem 5(d)][5-d].

    Examples:
        >>> reduced_objective([0.0, 2.0], margin=2.0, beta=0.05).round(3)
        array([0.2  , 0.381])
    """
    m, m0 = _logits("logit", logit), _logits("margin", margin)
    beta = as_numbers("beta", beta, at_least=0.0)
    shape = check_broadcast(logit=m, margin=m0, beta=beta)
    check_memory("beta", beta.shape, *shape)
    with np.errstate(over="ignore"):
        value = np.asarray(beta * (m0 - m) ** 2 + _excess(m, _offset(offset)))
    return _finite("beta", "the objective", value)


def minimizing_logit(
    margin: ArrayLike, beta: ArrayLike, *, offset: float = 0.0
) -> NDArray[np.float64]:
    r"""Return the logit $m_A$ of the global minimizer, to machine precision.

    A minimizer that is not on the boundary solves $\sigma'(m) = 2\beta(m_0 - m)$, which
    has up to three solutions. Which of them it is follows from the penalty at which
    the minimizer jumps. Towards it $j'$ is convex or concave, so that Newton's
    method, started on the proper side, comes monotonically and never passes it.

    Args:
        margin: Margins $m_0 = W^\top x^* + W_0$, any shape.
        beta: Penalties $\beta = \alpha / \lVert W \rVert^2 > 0$, any shape that
            broadcasts.
        offset: How far $\delta \in [0, \tfrac12)$ below one half $h$ has to be.

    Returns:
        The logits, of the common shape: in $[m_\delta, m_0)$, or $m_0$ itself for an
        example that counts as negative already. Of two tied ones, the smaller.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite or out of range, or shapes do not fit.
        MemoryError: If the result would not fit in memory.

    References:
        Homework 4, [Beyond Problem 5: the exact minimizer][5-beyond-minimizer].

    Examples:
        >>> minimizing_logit(2.0, [0.01, 0.0625, 0.1]).round(4)
        array([0.    , 0.    , 1.0312])
    """
    m0, beta = _logits("margin", margin), as_numbers("beta", beta, above=0.0)
    shape = check_broadcast(margin=m0, beta=beta)
    check_memory("beta", beta.shape, *shape)
    return _minimizing_logit(m0, beta, _kink(_offset(offset)))


def hinge_minimizing_logit(
    margin: ArrayLike, beta: ArrayLike, *, offset: float = 0.0
) -> NDArray[np.float64]:
    r"""Return the minimizing logit of the hinge, $\max(m_\delta, m_0-\frac1{2\beta})$.

    Args:
        margin: Margins $m_0 = W^\top x^* + W_0$, any shape.
        beta: Penalties $\beta = \alpha / \lVert W \rVert^2 > 0$, any shape that
            broadcasts.
        offset: How far $\delta \in [0, \tfrac12)$ below one half $h$ has to be.

    Returns:
        The logits, of the common shape; $m_0$ itself for an example that counts as
        negative already.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite or out of range, or shapes do not fit.
        MemoryError: If the result would not fit in memory.

    References:
        Homework 4, [Beyond Problem 5: the label and its repairs][5-beyond-label].

    Examples:
        >>> hinge_minimizing_logit(2.0, [0.1, 0.25, 0.5])
        array([0., 0., 1.])
    """
    m0, beta = _logits("margin", margin), as_numbers("beta", beta, above=0.0)
    shape = check_broadcast(margin=m0, beta=beta)
    check_memory("beta", beta.shape, *shape)
    with np.errstate(over="ignore"):  # a tiny penalty: the kink, whatever the margin
        interior = m0 - 0.5 / beta
    return np.asarray(np.minimum(m0, np.maximum(_kink(_offset(offset)), interior)))


def critical_beta(margin: ArrayLike, *, offset: float = 0.0) -> NDArray[np.float64]:
    r"""Return $\beta_c$: the minimizer is on the boundary for $\beta \le \beta_c$.

    With $\delta = 0$ it is $\beta_c = \min\bigl\{\frac1{8m_0},
    \min_{0<m\le m_0} \frac{\tanh(m/2)}{2m(2m_0-m)}\bigr\}$: above the first the
    minimizer slides off the boundary, above the second it jumps.

    Args:
        margin: Margins $m_0$, any shape.
        offset: How far $\delta \in [0, \tfrac12)$ below one half $h$ has to be.

    Returns:
        The critical penalties, shape of `margin`; infinite for an example that
        counts as negative already.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite or out of range.

    References:
        Homework 4, [Problem 5(d)][5-d]; the proof,
        [Beyond Problem 5: the exact minimizer][5-beyond-minimizer].

    Examples:
        >>> critical_beta([1.0, 2.0, -1.0])
        array([0.125 , 0.0625,    inf])
    """
    m0, kink = _logits("margin", margin), _kink(_offset(offset))
    return np.asarray(np.fmin(_release(kink, m0), _jump(m0, kink).beta))


def descent_beta(margin: ArrayLike, *, offset: float = 0.0) -> NDArray[np.float64]:
    r"""Return $\beta_{GD}$, below which gradient descent from $x^*$ succeeds.

    Descent stops at the first solution of $\sigma'(m) = 2\beta(m_0-m)$ below $m_0$, so
    that $\beta_{GD} = \min_{0 \le m < m_0} \frac{\sigma'(m)}{2(m_0-m)}$ for
    $\delta = 0$. It decays like $\tfrac12 e^{1-m_0}$, but $\beta_c$ like $1/(2m_0^2)$.

    Args:
        margin: Margins $m_0$, any shape.
        offset: How far $\delta \in [0, \tfrac12)$ below one half $h$ has to be.

    Returns:
        The penalties, shape of `margin`; infinite for an example that counts as
        negative already.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite or out of range.

    References:
        Homework 4, [Beyond Problem 5: gradient descent][5-beyond-descent].

    Examples:
        >>> descent_beta([1.0, 2.0, -1.0])
        array([0.125 , 0.0625,    inf])
    """
    m0, kink = _logits("margin", margin), _kink(_offset(offset))
    valley, _ = _turning_betas(m0)
    return np.asarray(np.minimum(_release(kink, m0), valley))


def jump(margin: ArrayLike, *, offset: float = 0.0) -> Jump:
    r"""Return the penalty at which the minimizer jumps, and from where to where.

    There is one jump if $m_0 > \operatorname{arcosh} 2 + \sqrt 3$ and none otherwise.
    A jump between two logits above the boundary cuts equal areas off the graph of
    $\sigma'$; a jump from the boundary leaves from $m_\delta$.

    Args:
        margin: Margins $m_0$, any shape.
        offset: How far $\delta \in [0, \tfrac12)$ below one half $h$ has to be.

    Returns:
        The penalty and the two tied minimizers, each of the shape of `margin`; NaN
        where the minimizer is continuous in the penalty.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite or out of range.

    References:
        Homework 4, [Beyond Problem 5: the three regimes][5-beyond-regimes].

    Examples:
        >>> found = jump([2.0, 3.5, 6.0])
        >>> found.beta.round(6)
        array([     nan, 0.037774, 0.013817])
        >>> found.before.round(2), found.after.round(2)
        (array([ nan, 0.24, 0.  ]), array([ nan, 2.76, 5.9 ]))
    """
    return _jump(_logits("margin", margin), _kink(_offset(offset)))


def regime_margins() -> RegimeMargins:
    r"""Return the margins that separate the regimes of the sheet's objective.

    With $T(m) = \tanh\frac m2$ each is a value of $m$ at one solution $m > 0$:

    * `bistable` is $m + 1/T(m)$ at $\cosh m = 2$,
    * `descent` is $m + 1/T(m)$ at $\sinh m = 2m$,
    * `jump` is $m / T(m)^2$ at $m = 4T(m) / (2 - T(m)^2)$.

    Returns:
        The three margins, in ascending order.

    References:
        Homework 4, [Beyond Problem 5: the three regimes][5-beyond-regimes].

    Examples:
        >>> regimes = regime_margins()
        >>> round(regimes.bistable, 4), round(regimes.descent, 4)
        (3.049, 3.433)
        >>> round(regimes.jump, 4)
        3.7739
    """
    m_descent = _fixed_point(lambda m: math.asinh(2.0 * m), 2.0)
    m_jump = _fixed_point(
        lambda m: 4.0 * math.tanh(m / 2.0) / (2.0 - math.tanh(m / 2.0) ** 2), 3.0
    )
    return RegimeMargins(
        bistable=_BISTABLE,
        descent=m_descent + 1.0 / math.tanh(m_descent / 2.0),
        jump=m_jump / math.tanh(m_jump / 2.0) ** 2,
    )


def escape_time(margin: ArrayLike, *, offset: float = 0.0) -> NDArray[np.float64]:
    r"""Return how long descent takes to the boundary without any penalty.

    The flow $\dot m = -\lVert W \rVert^2 \sigma'(m)$ needs the time
    $\int_{m_\delta}^{m_0} \frac{dm}{\sigma'(m)} = 2(m_0 - m_\delta) + 2(\sinh m_0 -
    \sinh m_\delta)$ in units of $1/\lVert W \rVert^2$. Steps of size $\eta$ need at
    least this time over $\eta$ if $\delta = 0$, with any penalty.

    Args:
        margin: Margins $m_0$, any shape.
        offset: How far $\delta \in [0, \tfrac12)$ below one half $h$ has to be.

    Returns:
        The times, shape of `margin`: 0 for an example that counts as negative
        already, infinite where they overflow, beyond a margin of 710.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite or out of range.

    References:
        Homework 4, [Beyond Problem 5: gradient descent][5-beyond-descent].

    Examples:
        >>> float(escape_time(10.0).round())
        22046.0
    """
    m0, kink = _logits("margin", margin), _kink(_offset(offset))
    m0 = np.maximum(m0, kink)
    with np.errstate(over="ignore"):
        return np.asarray(2.0 * (m0 - kink) + 2.0 * (np.sinh(m0) - math.sinh(kink)))


def _minimizing_logit(
    m0: NDArray[np.float64], beta: NDArray[np.float64], kink: float
) -> NDArray[np.float64]:
    """Take the lower local minimizer up to the jump, and the upper one above it."""
    switch = _switch(m0, kink)
    columns = np.nditer(
        [m0, beta, switch, None],
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=[["readonly"], ["readonly"], ["readonly"], ["writeonly", "allocate"]],
        op_dtypes=[np.float64] * 4,
        buffersize=_CHUNK,
    )
    with columns:
        for margin, penalty, tie, m in columns:
            upper = penalty > tie
            lower = ~upper
            if lower.any():
                m[lower] = _lower(margin[lower], penalty[lower], kink)
            if upper.any():
                m[upper] = _upper(margin[upper], penalty[upper])
        # An example that counts as negative already stays where it is.
        return np.asarray(np.minimum(m0, columns.operands[3]))


def _switch(m0: NDArray[np.float64], kink: float) -> NDArray[np.float64]:
    """Return the penalty above which the minimizer is where j' is convex."""
    with_one_minimum = np.where(m0 > _INFLECTION, _release(_INFLECTION, m0), np.inf)
    return np.where(m0 > _BISTABLE, _jump(m0, kink).beta, with_one_minimum)


def _jump(m0: NDArray[np.float64], kink: float) -> Jump:
    """Equate the two local minima by Dinkelbach's iteration, kept in a bracket."""
    found = np.full((3, *m0.shape), np.nan)
    exists = m0 > _BISTABLE
    if not exists.any():
        return Jump(*found)
    m0 = m0[exists]
    low, high = _turning_betas(m0)
    tie = np.clip(_release(kink, m0), low, high)
    done = np.zeros(m0.shape, dtype=bool)
    while not done.all():
        lower, upper = _lower(m0, tie, kink), _upper(m0, tie)
        # The penalty at which these two points tie.
        gain = 0.5 * (np.tanh(0.5 * upper) - np.tanh(0.5 * lower))
        with np.errstate(invalid="ignore"):  # of two points that are next to one
            update = gain / ((upper - lower) * ((m0 - lower) + (m0 - upper)))
        low, high = np.where(update > tie, tie, low), np.where(update > tie, high, tie)
        done = (np.abs(update - tie) <= 4e-16 * tie) | (high - low <= 4e-16 * high)
        inside = (low < update) & (update < high)
        update = np.where(inside, update, 0.5 * (low + high))
        tie = np.where(done, tie, update)
    found[:, exists] = tie, _lower(m0, tie, kink), _upper(m0, tie)
    return Jump(*found)


def _release(m: float, m0: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the penalty for which `m` is stationary, infinite if `m0 <= m`."""
    beta = np.full(m0.shape, np.inf)
    with np.errstate(over="ignore"):
        np.divide(0.5 * sigmoid_derivative(m), m0 - m, out=beta, where=m0 > m)
    return beta


def _turning_betas(
    m0: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the valley and the ridge of `_release` in m; infinite if it is monotone.

    It turns where m + coth(m/2) = m0; the left side is convex, least at `_BISTABLE`.
    """
    bistable = m0 > _BISTABLE
    margin = np.where(bistable, m0, 2.0 * _BISTABLE)

    def residual(m: NDArray[np.float64]) -> _ValueAndSlope:
        coth = 1.0 / np.tanh(0.5 * m)
        return (m - margin) + coth, 1.0 - 0.5 * (coth - 1.0) * (coth + 1.0)

    def beta(start: NDArray[np.float64]) -> NDArray[np.float64]:
        m = _newton(residual, start, np.full(m0.shape, _INFLECTION))
        # Not divided by m0 - m = coth(m/2), whose digits cancel.
        value = 0.5 * sigmoid_derivative(m) * np.tanh(0.5 * m)
        return np.where(bistable, value, np.inf)

    # coth(m/2) > 2/m, so that 2/m0 is to the left of the ridge.
    return beta(margin), beta(2.0 / margin)


def _lower(
    m0: NDArray[np.float64], beta: NDArray[np.float64], kink: float
) -> NDArray[np.float64]:
    """Return the local minimizer next to the kink, if there is one."""
    left = -_INFLECTION
    # The slope of the sigmoid is concave between the inflections, convex outside.
    outside = (kink < left) & (beta <= _release(left, m0))
    start = np.where(outside, np.minimum(m0, left), np.maximum(kink, left))
    stop = np.where(outside, kink, np.clip(m0, start, _INFLECTION))
    m = _stationary(m0, beta, start, stop)
    return np.where(beta <= _release(kink, m0), kink, m)


def _upper(m0: NDArray[np.float64], beta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the local minimizer next to the margin, if there is one."""
    return _stationary(m0, beta, m0, np.full(m0.shape, _INFLECTION))


def _stationary(
    m0: NDArray[np.float64],
    beta: NDArray[np.float64],
    start: NDArray[np.float64],
    stop: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Solve j'(m) = 0 between `start` and `stop`, over which j' bends one way."""
    # Divided by 2 beta, which may overflow; its inverse would only for margins so
    # large that the slope of the sigmoid is zero.
    scale = 0.5 / np.maximum(beta, 1e-300)

    def residual(m: NDArray[np.float64]) -> _ValueAndSlope:
        decay = np.exp(-np.abs(m))
        total = 1.0 + decay
        slope = scale * decay / (total * total)
        tanh = np.copysign((1.0 - decay) / total, m)
        return slope - (m0 - m), 1.0 - slope * tanh

    return _newton(residual, start, stop)


def _newton(
    residual: Callable[[NDArray[np.float64]], _ValueAndSlope],
    start: NDArray[np.float64],
    stop: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Go from `start` towards `stop` by Newton's method until nothing moves.

    If the residual is convex or concave and has the sign of its second derivative
    at `start`, no step passes the root. So only rounding can turn a step back.
    """
    m = start
    while True:
        value, slope = residual(m)
        step = np.divide(value, slope, out=np.zeros(m.shape), where=slope != 0.0)
        moved = np.clip(m - step, np.minimum(m, stop), np.maximum(m, stop))
        if (moved == m).all():
            return m
        m = moved


def _fixed_point(function: Callable[[float], float], start: float) -> float:
    m = start
    for _ in range(100):  # a factor of 2/3 a step, far beyond the last digit
        m = function(m)
    return m


def _excess(m: NDArray[np.float64], delta: float) -> NDArray[np.float64]:
    """Return max(0, h - 1/2 + delta), with all digits near the boundary."""
    return np.asarray(np.maximum(0.5 * np.tanh(0.5 * m) + delta, 0.0))


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


def _logits(name: str, value: ArrayLike) -> NDArray[np.float64]:
    return as_numbers(name, value, at_least=-_LARGEST_LOGIT, at_most=_LARGEST_LOGIT)


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


def _offset(offset: float) -> float:
    return as_number("offset", offset, at_least=0.0, below=0.5)


def _kink(offset: float) -> float:
    """Return the logit of the probability one half minus the offset."""
    return 0.0 - 2.0 * math.atanh(2.0 * offset)  # not -0.0


def _finite(name: str, what: str, value: NDArray[np.float64]) -> NDArray[np.float64]:
    if not is_finite(value):
        raise ValueError(f"`{name}` makes {what} overflow, expected a smaller one")
    return value
