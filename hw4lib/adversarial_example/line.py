r"""The objective on the line along $W$, as a function of the logit alone.

With the margin $m_0 = W^\top x^* + W_0$ and $\beta = \alpha / \lVert W \rVert^2$ the
objective becomes

$$j(m) = \beta (m_0 - m)^2 + \max(0, \sigma(m) - \tfrac12 + \delta).$$

The arguments `margin` and `beta` have any shapes that broadcast, and a `margin` is at
most $10^{150}$ in size. The `offset` $\delta \in [0, \tfrac12)$ is 0 on the sheet; a
positive one requires $h \le \tfrac12 - \delta$ instead of $h \le \tfrac12$. The logit
of this boundary is $m_\delta = \log\frac{1/2-\delta}{1/2+\delta}$, and an example on
the boundary counts as negative.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._blocks import by_blocks
from hw4lib._checks import as_number, as_numbers, check_broadcast, contract
from hw4lib._elementary import sigmoid_derivative
from hw4lib._typing import Real

__all__ = [
    "Jump",
    "RegimeMargins",
    "critical_beta",
    "descent_beta",
    "escape_time",
    "hinge_minimizing_logit",
    "minimizer_jump",
    "minimizing_logit",
    "reduced_objective",
    "regime_margins",
]

# The squares of logits, and their products with `beta`, are floats up to here.
_LARGEST_LOGIT = 1e150
# Where the slope of the sigmoid turns from concave to convex: cosh(m) = 2.
_INFLECTION = math.acosh(2.0)
_BISTABLE = _INFLECTION + math.sqrt(3.0)

_ValueAndSlope = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Jump:
    """The penalty at which the global minimizer jumps from one logit to another.

    Where the minimizer is continuous in the penalty, `beta` is infinite, and both
    logits are the margin, which is the minimizer's limit for large penalties.
    """

    beta: NDArray[np.float64]
    """The penalty $\\beta_J$, at which there are two global minimizers."""
    before: NDArray[np.float64]
    """The smaller of their logits: the minimizer for penalties up to `beta`."""
    after: NDArray[np.float64]
    """The larger of their logits: the minimizer's limit from penalties above."""


@dataclass(frozen=True, eq=False)
class RegimeMargins:
    r"""The margins at which the answer to "what if the penalty grows?" changes.

    They are those of the sheet's objective, without an offset.
    """

    bistable: float
    """Above this margin two local minima exist for some penalties, and the minimizer
    jumps from one to the other. Below it, it is continuous in the penalty."""
    descent: float
    r"""Above this margin gradient descent from $x^*$ needs a smaller penalty than
    $1 / (8 m_0)$ to reach the boundary."""
    jump: float
    """Above this margin the minimizer leaves the boundary by the jump. Below it, it
    leaves the boundary continuously."""


@contract
def reduced_objective(
    logit: ArrayLike, margin: ArrayLike, beta: ArrayLike, *, offset: Real = 0.0
) -> NDArray[np.float64]:
    r"""Return $j(m) = \beta (m_0-m)^2 + \max(0, \sigma(m)-\tfrac12+\delta)$.

    It is the smallest value of $J$ on the hyperplane of inputs with logit $m$.

    Args:
        logit: Logits $m$, any shape.
        margin: Margins $m_0$ of the example, any shape that broadcasts.
        beta: Penalties $\beta = \alpha / \lVert W \rVert^2 \ge 0$, any shape that
            broadcasts.
        offset: How far below one half $h$ has to be, $\delta \in [0, \tfrac12)$.

    Returns:
        The objective, of the common shape.

    References:
        Homework 4, [Problem 5(d)][5-d].

    Examples:
        >>> reduced_objective([0.0, 2.0], margin=2.0, beta=0.05).round(3)
        array([0.2  , 0.381])
    """
    m, m0 = _as_logits("logit", logit), _as_logits("margin", margin)
    beta, delta = as_numbers("beta", beta, at_least=0.0), _as_offset(offset)
    check_broadcast(logit=m, margin=m0, beta=beta)
    # Not beta times a square, which may underflow for a large penalty.
    return (beta * (m0 - m)) * (m0 - m) + _excess(m, delta)


@contract
def minimizing_logit(
    margin: ArrayLike, beta: ArrayLike, *, offset: Real = 0.0
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
        offset: How far below one half $h$ has to be, $\delta \in [0, \tfrac12)$.

    Returns:
        The logits, of the common shape: in $[m_\delta, m_0)$, or $m_0$ itself for an
        example that counts as negative already. Of two tied ones, the smaller.

    References:
        Homework 4, [Beyond Problem 5: the exact minimizer][5-beyond-minimizer].

    Examples:
        >>> minimizing_logit(2.0, [0.01, 0.0625, 0.1]).round(4)
        array([0.    , 0.    , 1.0312])
    """
    m0, beta = _as_logits("margin", margin), as_numbers("beta", beta, above=0.0)
    check_broadcast(margin=m0, beta=beta)
    return _minimizing_logit(m0, beta, _boundary_logit(_as_offset(offset)))


@contract
def hinge_minimizing_logit(
    margin: ArrayLike, beta: ArrayLike, *, offset: Real = 0.0, slope: Real = 1.0
) -> NDArray[np.float64]:
    r"""Return the minimizing logit of the hinge, $\max(m_\delta, m_0-\frac s{2\beta})$.

    It minimizes $\beta (m_0 - m)^2 + s \max(0, m - m_\delta)$. At the largest slope of
    the sigmoid, $s = \tfrac14$, the minimizer stays on the boundary up to
    $\beta = 1 / (8 m_0)$ for $\delta = 0$, as that of the sheet's objective does for
    margins up to `regime_margins().jump`.

    Args:
        margin: Margins $m_0 = W^\top x^* + W_0$, any shape.
        beta: Penalties $\beta = \alpha / \lVert W \rVert^2 > 0$, any shape that
            broadcasts.
        offset: How far below one half $h$ has to be, $\delta \in [0, \tfrac12)$.
        slope: Slope $s > 0$ of the hinge.

    Returns:
        The logits, of the common shape; $m_0$ itself for an example that counts as
        negative already.

    References:
        Homework 4, [Beyond Problem 5: the label and its repairs][5-beyond-label].

    Examples:
        >>> hinge_minimizing_logit(2.0, [0.1, 0.25, 0.5])
        array([0., 0., 1.])
    """
    m0, beta = _as_logits("margin", margin), as_numbers("beta", beta, above=0.0)
    check_broadcast(margin=m0, beta=beta)
    boundary = _boundary_logit(_as_offset(offset))
    s = as_number("slope", slope, above=0.0)
    # A tiny penalty gives -inf here, and so the boundary.
    return np.minimum(m0, np.maximum(boundary, m0 - 0.5 * s / beta))


@contract(infinite=True)
def critical_beta(margin: ArrayLike, *, offset: Real = 0.0) -> NDArray[np.float64]:
    r"""Return $\beta_c$: the minimizer is on the boundary for $\beta \le \beta_c$.

    With $\delta = 0$ it is $\beta_c = \min\bigl\{\frac1{8m_0},
    \min_{0<m\le m_0} \frac{\tanh(m/2)}{2m(2m_0-m)}\bigr\}$: above the first the
    minimizer slides off the boundary, above the second it jumps.

    Args:
        margin: Margins $m_0$, any shape.
        offset: How far below one half $h$ has to be, $\delta \in [0, \tfrac12)$.

    Returns:
        The critical penalties, shape of `margin`; infinite for an example that
        counts as negative already, and past the largest float.

    References:
        Homework 4, [Problem 5(d)][5-d]; the proof,
        [Beyond Problem 5: the exact minimizer][5-beyond-minimizer].

    Examples:
        >>> critical_beta([1.0, 2.0, -1.0])
        array([0.125 , 0.0625,    inf])
    """
    m0, boundary = _as_logits("margin", margin), _boundary_logit(_as_offset(offset))
    return np.minimum(_stationary_beta(boundary, m0), _jump(m0, boundary).beta)


@contract(infinite=True)
def descent_beta(margin: ArrayLike, *, offset: Real = 0.0) -> NDArray[np.float64]:
    r"""Return $\beta_{GD}$, below which gradient descent from $x^*$ succeeds.

    Descent stops at the first solution of $\sigma'(m) = 2\beta(m_0-m)$ below $m_0$, so
    that $\beta_{GD} = \min_{0 \le m < m_0} \frac{\sigma'(m)}{2(m_0-m)}$ for
    $\delta = 0$. It decays like $\tfrac12 e^{1-m_0}$, but $\beta_c$ like $1/(2m_0^2)$.

    Args:
        margin: Margins $m_0$, any shape.
        offset: How far below one half $h$ has to be, $\delta \in [0, \tfrac12)$.

    Returns:
        The penalties, shape of `margin`; infinite for an example that counts as
        negative already, and past the largest float.

    References:
        Homework 4, [Beyond Problem 5: gradient descent][5-beyond-descent].

    Examples:
        >>> descent_beta([1.0, 2.0, -1.0])
        array([0.125 , 0.0625,    inf])
    """
    m0, boundary = _as_logits("margin", margin), _boundary_logit(_as_offset(offset))
    valley, _ = _turning_betas(m0)
    return np.minimum(_stationary_beta(boundary, m0), valley)


@contract(infinite=("beta",))
def minimizer_jump(margin: ArrayLike, *, offset: Real = 0.0) -> Jump:
    r"""Return the penalty at which the minimizer jumps, and from where to where.

    There is one jump if $m_0 > \operatorname{arcosh} 2 + \sqrt 3$ and none otherwise.
    A jump between two logits above the boundary cuts equal areas off the graph of
    $\sigma'$; a jump from the boundary leaves from $m_\delta$.

    Args:
        margin: Margins $m_0$, any shape.
        offset: How far below one half $h$ has to be, $\delta \in [0, \tfrac12)$.

    Returns:
        The penalty and the two tied minimizers, each of the shape of `margin`.

    References:
        Homework 4, [Beyond Problem 5: the three regimes][5-beyond-regimes].

    Examples:
        >>> found = minimizer_jump([2.0, 3.5, 6.0])
        >>> found.beta.round(6)
        array([     inf, 0.037774, 0.013817])
        >>> found.before.round(2), found.after.round(2)
        (array([2.  , 0.24, 0.  ]), array([2.  , 2.76, 5.9 ]))
    """
    return _jump(_as_logits("margin", margin), _boundary_logit(_as_offset(offset)))


@contract
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
        >>> print(f"{regimes.bistable:.4f} {regimes.descent:.4f} {regimes.jump:.4f}")
        3.0490 3.4330 3.7739
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


@contract(infinite=True)
def escape_time(margin: ArrayLike, *, offset: Real = 0.0) -> NDArray[np.float64]:
    r"""Return how long descent takes to the boundary without any penalty.

    The flow $\dot m = -\lVert W \rVert^2 \sigma'(m)$ needs the time
    $\int_{m_\delta}^{m_0} \frac{dm}{\sigma'(m)} = 2(m_0 - m_\delta) + 2(\sinh m_0 -
    \sinh m_\delta)$ in units of $1/\lVert W \rVert^2$. Steps of size $\eta$ need at
    least this time over $\eta$ if $\delta = 0$, with any penalty.

    Args:
        margin: Margins $m_0$, any shape.
        offset: How far below one half $h$ has to be, $\delta \in [0, \tfrac12)$.

    Returns:
        The times, shape of `margin`: 0 for an example that counts as negative
        already, infinite where they overflow, beyond a margin of 710.

    References:
        Homework 4, [Beyond Problem 5: gradient descent][5-beyond-descent].

    Examples:
        >>> float(escape_time(10.0).round())
        22046.0
    """
    m0, boundary = _as_logits("margin", margin), _boundary_logit(_as_offset(offset))
    m0 = np.maximum(m0, boundary)
    # The difference of the two sinh as a product, in which no digits cancel.
    half, middle = 0.5 * (m0 - boundary), 0.5 * (m0 + boundary)
    return 4.0 * half + 4.0 * np.sinh(half) * np.cosh(middle)


def _minimizing_logit(
    m0: NDArray[np.float64], beta: NDArray[np.float64], boundary: float
) -> NDArray[np.float64]:
    """Return the lower local minimizer up to the jump, and the upper one above it."""

    def better(*arrays: NDArray[np.float64]) -> tuple[NDArray[np.float64]]:
        m0, beta, switching = np.broadcast_arrays(*arrays)
        m, is_upper = np.empty(m0.shape), beta > switching
        m[~is_upper] = _lower_minimizer(m0[~is_upper], beta[~is_upper], boundary)
        m[is_upper] = _upper_minimizer(m0[is_upper], beta[is_upper])
        # An example that counts as negative already stays where it is.
        return (np.minimum(m0, m),)

    return by_blocks(better, m0, beta, _switching_beta(m0, boundary))[0]


def _switching_beta(m0: NDArray[np.float64], boundary: float) -> NDArray[np.float64]:
    """Return the penalty above which the minimizer is where j' is convex."""
    jumps = m0 > _BISTABLE
    return np.where(jumps, _jump(m0, boundary).beta, _stationary_beta(_INFLECTION, m0))


def _jump(m0: NDArray[np.float64], boundary: float) -> Jump:
    """Equate the two local minima by Dinkelbach's iteration, kept in a bracket.

    Each round gains digits as Newton's method does, or else halves the bracket.
    """
    exists = m0 > _BISTABLE
    beta, before, after = np.full(m0.shape, np.inf), m0.copy(), m0.copy()
    if not exists.any():
        return Jump(beta=beta, before=before, after=after)
    m0 = m0[exists]
    low, high = _turning_betas(m0)
    tie = low
    done = np.zeros(m0.shape, dtype=bool)
    while not done.all():
        lower, upper = _lower_minimizer(m0, tie, boundary), _upper_minimizer(m0, tie)
        # The penalty at which these two points tie; 0/0 where they are next to one.
        gain = 0.5 * (np.tanh(0.5 * upper) - np.tanh(0.5 * lower))
        update = gain / ((upper - lower) * ((m0 - lower) + (m0 - upper)))
        low, high = np.where(update > tie, tie, low), np.where(update > tie, high, tie)
        done = (np.abs(update - tie) <= 4e-16 * tie) | (high - low <= 4e-16 * high)
        inside = (low < update) & (update < high)
        update = np.where(inside, update, 0.5 * (low + high))
        tie = np.where(done, tie, update)
    beta[exists] = tie
    before[exists] = _lower_minimizer(m0, tie, boundary)
    after[exists] = _upper_minimizer(m0, tie)
    return Jump(beta=beta, before=before, after=after)


def _stationary_beta(m: float, m0: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the penalty for which `m` is stationary, infinite if `m0 <= m`."""
    return np.where(m0 > m, 0.5 * sigmoid_derivative(np.asarray(m)) / (m0 - m), np.inf)


def _turning_betas(
    m0: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return valley and ridge of `_stationary_beta` over m, infinite if there are none.

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


def _lower_minimizer(
    m0: NDArray[np.float64], beta: NDArray[np.float64], boundary: float
) -> NDArray[np.float64]:
    """Return the local minimizer next to the boundary, if there is one."""
    left = -_INFLECTION
    # The slope of the sigmoid is concave between the inflections, convex outside.
    outside = (boundary < left) & (beta <= _stationary_beta(left, m0))
    start = np.where(outside, np.minimum(m0, left), np.maximum(boundary, left))
    stop = np.where(outside, boundary, np.clip(m0, start, _INFLECTION))
    m = _solve_stationary(m0, beta, start, stop)
    return np.where(beta <= _stationary_beta(boundary, m0), boundary, m)


def _upper_minimizer(
    m0: NDArray[np.float64], beta: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the local minimizer next to the margin, if there is one."""
    return _solve_stationary(m0, beta, m0, np.full(m0.shape, _INFLECTION))


def _solve_stationary(
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


def _boundary_logit(delta: float) -> float:
    """Return the logit of the probability 1/2 - delta."""
    return 0.0 - 2.0 * math.atanh(2.0 * delta)  # not -0.0


def _as_logits(name: str, value: ArrayLike) -> NDArray[np.float64]:
    return as_numbers(name, value, at_least=-_LARGEST_LOGIT, at_most=_LARGEST_LOGIT)


def _as_offset(offset: Real) -> float:
    return as_number("offset", offset, at_least=0.0, below=0.5)
