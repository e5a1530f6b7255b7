r"""The data for which the bounds are tight, chosen by somebody who sees every iterate.

Only the norm of the weights matters to a round: by symmetry, a sample of norm
$\rho \le R$ may have any margin $m$ with $\lvert m \rvert \le \lVert w \rVert \rho$,
as long as there are two dimensions. At a given margin a longer sample gives a longer
gradient and longer weights, so $\rho = R$, and the adversary's only choice is $m$.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import as_integer, as_number, check_memory, contract
from hw4lib._elementary import sigmoid
from hw4lib._typing import Integer, Real
from hw4lib.online_learning._recursion import (
    best_margin,
    gain_rate,
    largest_norms,
    scaled_bound,
    scaled_steps,
)
from hw4lib.online_learning._update import share
from hw4lib.online_learning.descent import online_gradient_descent
from hw4lib.online_learning.radius import KAPPA

__all__ = [
    "WorstCase",
    "costliest_stream",
    "farthest_stream",
]


@contract
def farthest_stream(
    step_sizes: ArrayLike, feature_bound: Real, *, regularization: Real = 1.0
) -> NDArray[np.float64]:
    r"""Return the features that drive the weights as far from 0 as any data can.

    In each round the sample has norm $R$, label 1, and the angle to $w$ that makes the
    next weights longest. Longer weights are never a disadvantage later, so to be greedy
    is optimal, and the norms are those of
    [`worst_radii`][hw4lib.online_learning.radius.worst_radii].

    Args:
        step_sizes: $\eta_1, \dots, \eta_n$ in $(0, 1/(2\lambda)]$, shape `(n,)`.
        feature_bound: $R > 0$.
        regularization: $\lambda > 0$.

    Returns:
        The features, shape `(n, 2)`; all labels are 1.

    References:
        Homework 4, [Theorem 4.2][4-beyond-radius].

    Examples:
        >>> X = farthest_stream([0.01, 0.01], 77.0)
        >>> run = online_gradient_descent(X, [1, 1], 0.01)
        >>> round(float(np.linalg.norm(run.weights)), 6)
        0.798204
    """
    steps, R, unit = _scaled(step_sizes, feature_bound, regularization)
    margins = best_margin(steps, R)
    return unit * _stream(steps, R, lambda i, _: float(margins[i]))


@dataclass(frozen=True, eq=False)
class WorstCase:
    r"""The most that data can make the gradients cost, from below and from above.

    The cost of a stream is $\sum_i \frac{\eta_i}{2} \lVert \nabla_i \rVert^2$, the
    term of inequality (10) that depends on the data.
    """

    X: NDArray[np.float64]
    """Features of a costly stream, shape `(n, 2)`; all labels are 1."""
    cost: float
    """The cost of that stream, measured by a run."""
    bound: float
    """A cost that no stream exceeds."""


@contract
def costliest_stream(
    step_sizes: ArrayLike,
    feature_bound: Real,
    *,
    regularization: Real = 1.0,
    states: Integer = 200,
    margins: Integer = 200,
) -> WorstCase:
    r"""Return a stream whose gradients cost about the most, by dynamic programming.

    For $\lambda = 1$ the largest cost from round $t$ on, at weights of norm $r$, is
    $\alpha_t r^2 + W_t(r)$, $\alpha_t = 2 \eta_t + (1 - 2\eta_t)^2 \alpha_{t+1}$, with

    $$W_t(r) = \max_{\lvert m \rvert \le r R} \left[ c_t(m) + W_{t+1}(r') \right],$$

    $c_t(m)$ being what the margin adds now and through $r'^2$. $W_t$ does not decrease
    in $r$. So rounding $r'$ down to a grid leaves a value that the adversary can reach,
    and rounding it up, with the best of each cell of margins, one that it can not
    exceed. How far the stream may be from the costliest is the difference of the two:
    where step sizes differ by orders of magnitude it takes a finer grid of norms. Time
    grows as `n * states * margins`.

    Args:
        step_sizes: $\eta_1, \dots, \eta_n$ in $(0, 1/(2\lambda)]$, shape `(n,)`.
        feature_bound: $R > 0$.
        regularization: $\lambda > 0$.
        states: Cells of the grid of norms.
        margins: About as many margins are tried in each cell.

    Returns:
        The stream, its cost, and the bound on the cost of any stream.

    Raises:
        MemoryError: If the plan, `n` by `states`, would not fit in memory.

    References:
        Homework 4, [Theorem 4.5][4-beyond-half].

    Examples:
        >>> worst = costliest_stream([0.01], 77.0)  # one gradient, of norm 77/2
        >>> worst.cost.round(6), worst.cost <= worst.bound
        (np.float64(7.41125), np.True_)
    """
    steps, R, unit = _scaled(step_sizes, feature_bound, regularization)
    states = as_integer("states", states, at_least=2)
    margins = as_integer("margins", margins, at_least=2)
    check_memory("step_sizes", f"of {len(steps)} rounds", len(steps), states + 1)
    check_memory("margins", margins, states + 1, 16 * margins)
    norms = np.linspace(0.0, largest_norms(steps, R).max(), states + 1)
    tried = _margin_grid(R * norms[-1], margins)
    s = sigmoid(-tried)
    slope_term, square_term = tried * s, (R * s) ** 2
    room = R * norms[:, None]
    allowed = np.abs(tried) <= room
    cells = (tried[1:] >= -room) & (tried[:-1] <= room)

    lower = upper = np.zeros(states + 1)
    alpha = 0.0
    plan = np.empty((len(steps), states + 1), dtype=np.intp)
    previous = math.nan
    for t in reversed(range(len(steps))):
        eta = float(steps[t])
        if eta != previous:
            previous, kept = eta, ((1.0 - 2.0 * eta) * norms[:, None]) ** 2
            gain = eta * gain_rate(tried, eta, R)
            down = _index(kept + gain, norms, np.floor)
            peak = np.clip(best_margin(steps[t], R), tried[:-1], tried[1:])
            up = _index(kept + eta * gain_rate(peak, eta, R), norms, np.ceil)
        cost = eta / 2.0 * (square_term - 4.0 * slope_term) + alpha * gain
        value = np.where(allowed, cost + lower[down], -np.inf)
        plan[t], lower = value.argmax(axis=1), value.max(axis=1)
        # In a cell of margins the cost is largest at the left end.
        upper = np.where(cells, cost[:-1] + upper[up], -np.inf).max(axis=1)
        alpha = 2.0 * eta + (1.0 - 2.0 * eta) ** 2 * alpha

    def planned(i: int, norm: float) -> float:
        state = int(norm / norms[-1] * states)
        return float(tried[plan[i, min(state, states)]])

    X = _stream(steps, R, planned)
    run = online_gradient_descent(X, np.ones(len(X)), lambda t: steps[t - 1])
    cost = float((steps / 2.0 * run.gradient_norms**2).sum())
    return WorstCase(unit * X, cost, float(upper[0]))


def _scaled(
    step_sizes: ArrayLike, feature_bound: Real, regularization: Real
) -> tuple[NDArray[np.float64], float, float]:
    """Return step sizes and R in units in which lambda is 1, and the unit of R."""
    lam = as_number("regularization", regularization, above=0.0)
    R = scaled_bound(feature_bound, lam)
    steps = scaled_steps(step_sizes, R, lam)
    if steps.ndim > 1:
        raise ValueError(f"`step_sizes` has shape {steps.shape}, expected (n)")
    return steps, R, math.sqrt(lam)


def _margin_grid(reach: float, size: int) -> NDArray[np.float64]:
    """Return margins from -reach up, dense where the sigmoid changes, with 0 in it."""
    low, high = math.asinh(reach), math.asinh(min(reach, 1.0 + KAPPA))
    fine = np.sinh(np.linspace(-low, high, 16 * size))
    level = fine / reach - sigmoid(-fine) ** 2
    even = np.linspace(level[0], level[-1], size)
    return np.union1d(np.interp(even, level, fine), 0.0)


def _index(
    square: NDArray[np.float64], norms: NDArray[np.float64], rounding: np.ufunc
) -> NDArray[np.intp]:
    """Return the grid index of squared norms, rounded down or up."""
    last = len(norms) - 1
    position = np.sqrt(np.maximum(square, 0.0)) / norms[-1] * last
    index: NDArray[np.intp] = np.minimum(rounding(position), last).astype(np.intp)
    return index


def _stream(
    steps: NDArray[np.float64], R: float, margin_of: Callable[[int, float], float]
) -> NDArray[np.float64]:
    """Play an adversary who picks each round's margin from the norm of the weights."""
    w, X = 0j, np.empty(len(steps), np.complex128)  # the plane, in plain numbers
    for i, eta in enumerate(steps.tolist()):
        norm = abs(w)
        reach = norm * R
        margin = min(max(margin_of(i, norm), -reach), reach)
        cosine, ahead = (margin / reach, w / norm) if reach else (1.0, 1.0)
        x = R * complex(cosine, math.sqrt(1.0 - cosine**2)) * ahead
        X[i] = x
        w += eta * (share(margin, math.exp) * x - 2.0 * w)
    return X.view(np.float64).reshape(-1, 2)
