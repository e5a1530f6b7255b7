"""Gradient descent on the objective, with two numbers a step in any dimension."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import as_array, as_integer, as_number, check_memory
from hw4lib._steps import LOOPS, logits_of_descent
from hw4lib.adversarial_example.line import _excess, _finite, _kink, _offset
from hw4lib.adversarial_example.space import _alpha, _place, _shifted, _squared_norm

__all__ = [
    "Descent",
    "gradient_descent",
]


@dataclass(frozen=True)
class Descent:
    """The path of gradient descent, from the first iterate to step `T`.

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


def gradient_descent(
    original: ArrayLike,
    weights: ArrayLike,
    bias: float,
    alpha: float,
    *,
    step_size: float,
    steps: int,
    initial: ArrayLike | None = None,
    offset: float = 0.0,
    keep_iterates: bool = False,
) -> Descent:
    r"""Run $x_{t+1} = x_t - \eta \nabla J(x_t)$, from $x^*$ unless told otherwise.

    Two numbers a step suffice, whatever $d$ is. The logit moves by itself,
    $m_{t+1} = m_t + 2\alpha\eta(m_0 - m_t) - \eta \lVert W \rVert^2
    \mathbf 1[h_t > \tfrac12 - \delta]\,h_t(1-h_t)$, and the part of $x_t - x^*$
    across $W$, which is zero from $x^*$ on, shrinks by $1 - 2\alpha\eta$.

    Args:
        original: The example $x^*$, shape `(d,)`.
        weights: Weights $W \ne 0$, shape `(d,)`.
        bias: Bias $W_0$.
        alpha: Penalty $\alpha \ge 0$ on the squared distance.
        step_size: Step size $\eta > 0$ with $\alpha\eta < 1$; the squared distance
            alone would make a longer step diverge.
        steps: Number of steps $T \ge 0$.
        initial: First iterate, shape `(d,)`; the example $x^*$ by default.
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
    if initial is not None:
        first = as_array("initial", initial, origin.size)
        m_0 = float(_place("initial", first, w, bias)[2])
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
        if initial is not None:
            moved = np.asarray(m_0 - margin)
            across = _shifted(first - origin, moved, w, squared_norm)
            shrinkage = (1.0 - pull) ** np.arange(steps + 1)
            distances = np.hypot(along, shrinkage * np.linalg.norm(across))
        objectives = alpha * distances * distances + _excess(logits, delta)
    name = "step_size" if math.isfinite(objectives[0]) else "initial"
    _finite(name, "the objective", objectives)

    kept = slice(None) if keep_iterates else -1
    iterates = _shifted(origin, margin - logits[kept], w, squared_norm)
    if initial is not None:
        iterates += np.multiply.outer(shrinkage[kept], across)

    return Descent(
        logits=logits,
        distances=distances,
        objectives=objectives,
        x=iterates[-1] if keep_iterates else iterates,
        iterates=iterates if keep_iterates else None,
    )
