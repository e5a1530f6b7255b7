"""Gradient descent on the objective, with two numbers a step in any dimension."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_flag,
    as_integer,
    as_number,
    check_memory,
    contract,
)
from hw4lib._engine import check_engine, compiled
from hw4lib._typing import Engine, Integer, Real
from hw4lib.adversarial_example.line import _as_offset, _boundary_logit, _excess
from hw4lib.adversarial_example.space import _as_examples, _penalty

__all__ = ["Descent", "gradient_descent"]


@dataclass(frozen=True, eq=False)
class Descent:
    """The path of gradient descent, from the first iterate to step `T`."""

    logits: NDArray[np.float64]
    """The logits, shape `(T + 1,)`."""
    distances: NDArray[np.float64]
    """The distances to $x^*$, shape `(T + 1,)`."""
    objectives: NDArray[np.float64]
    """The values of the objective, shape `(T + 1,)`."""
    x: NDArray[np.float64]
    """The last iterate, shape `(d,)`."""
    iterates: NDArray[np.float64] | None
    """All iterates, shape `(T + 1, d)`, if they were asked for."""


@contract
def gradient_descent(
    original: ArrayLike,
    weights: ArrayLike,
    bias: Real,
    alpha: Real,
    *,
    step_size: Real,
    steps: Integer,
    initial: ArrayLike | None = None,
    offset: Real = 0.0,
    keep_iterates: bool = False,
    engine: Engine = "numpy",
) -> Descent:
    r"""Run $x_{t+1} = x_t - \eta \nabla J(x_t)$, from $x^*$ unless told otherwise.

    Two numbers a step suffice, whatever $d$ is. The logit moves by itself,
    $m_{t+1} = m_t + 2\alpha\eta(m_0 - m_t) - \eta \lVert W \rVert^2
    \mathbf 1[h_t > \tfrac12 - \delta]\,h_t(1-h_t)$, and the part of $x_t - x^*$
    across $W$, which is zero if the first iterate is $x^*$, shrinks by
    $1 - 2\alpha\eta$.

    From $x^*$ it reaches the boundary below the penalty of
    [`descent_alpha`][hw4lib.adversarial_example.space.descent_alpha]. From an `initial`
    that counts as negative, and for $\delta = 0$, short steps settle at the boundary
    for every $\alpha < \lVert W \rVert^2 / (8 m_0)$: there the logit oscillates across
    the kink, within $\eta \lVert W \rVert^2 / 4$ of it.

    Args:
        original: The example $x^*$, shape `(d,)`.
        weights: Weights $W \ne 0$, shape `(d,)`.
        bias: Bias $W_0$.
        alpha: Penalty $\alpha \ge 0$ on the squared distance.
        step_size: Step size $\eta > 0$ with $\alpha\eta < 1$; the squared distance
            alone would make a longer step diverge.
        steps: Number of steps $T \ge 0$.
        initial: First iterate, shape `(d,)`; the example $x^*$ by default.
        offset: How far below one half $h$ has to be, $\delta \in [0, \tfrac12)$.
        keep_iterates: Whether to return all iterates too.
        engine: What evaluates the steps, NumPy or a loop that Numba compiles.

    Returns:
        The path. Without the iterates it takes memory for $O(T + d)$ numbers.

    Raises:
        ValueError: If `weights` is zero or its norm outside $[10^{-152}, 10^{152}]$,
            or a logit is past $10^{150}$ in size.
        ImportError: If `engine` is `"numba"`, and Numba is missing.

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
    original = as_array("original", original, "d")
    original, w, _, margin = _as_examples("original", original, weights, bias)
    first, m = original, margin
    if initial is not None:
        first = as_array("initial", initial, w.size)
        first, _, _, m = _as_examples("initial", first, w, bias)
    alpha = as_number("alpha", alpha, at_least=0.0)
    limit = 1.0 / alpha if alpha else math.inf
    eta = as_number("step_size", step_size, above=0.0, below=limit)
    steps = as_integer("steps", steps, at_least=0)
    delta, keep = _as_offset(offset), as_flag("keep_iterates", keep_iterates)
    check_engine(engine)
    check_memory("steps", steps, steps + 1, 3 + keep * w.size)

    norm = float(np.linalg.norm(w))
    shrink, push = 2.0 * alpha * eta, eta * norm * norm
    logits = np.empty(steps + 1)
    logits[0] = m
    line = float(margin), shrink, push, _boundary_logit(delta)
    if engine == "numba":
        compiled(_descend, _SIGNATURE, _slope)(logits, *line)
    else:
        _descend(logits.data, *line)  # plain floats beat arrays of one

    # Along W and across it, x - x* and all that follows from it.
    along = (logits - margin) / norm
    across = first - original - along[0] * (w / norm)
    shrinkage = (1.0 - shrink) ** np.arange(steps + 1)
    distances = np.hypot(along, shrinkage * np.linalg.norm(across))
    kept = slice(None) if keep else slice(-1, None)
    iterates = (
        original
        + np.multiply.outer(along[kept], w / norm)
        + np.multiply.outer(shrinkage[kept], across)
    )
    return Descent(
        logits=logits,
        distances=distances,
        objectives=_penalty(distances[:, None], np.asarray(alpha))
        + _excess(logits, delta),
        x=iterates[-1].copy(),
        iterates=iterates if keep else None,
    )


_SIGNATURE = "void(float64[::1], float64, float64, float64, float64)"


def _slope(m: Any, boundary: Any) -> Any:
    """Return the derivative of the second term of J with respect to the logit."""
    decay = math.exp(-abs(m))
    return decay / (1.0 + decay) ** 2 if m > boundary else 0.0


def _descend(
    logits: Any,
    margin: float,
    shrink: float,
    push: float,
    boundary: float,
) -> None:
    """Fill in the logits that follow the first one."""
    for t in range(len(logits) - 1):
        m = logits[t]
        logits[t + 1] = m + shrink * (margin - m) - push * _slope(m, boundary)
