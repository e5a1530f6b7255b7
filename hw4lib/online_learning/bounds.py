r"""Bounds on the average regret that hold for every stream, and their step sizes.

Throughout, $\lVert x^{(i)} \rVert \le R$, $\lVert w^* \rVert \le D$ and $w^{(1)} = 0$.
Every bound is computed for $\lambda = 1$ with $R / \sqrt\lambda$ and
$\sqrt\lambda \, D$, as in [`radius`][hw4lib.online_learning.radius].
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_integer,
    as_number,
    as_numbers,
    check_broadcast,
    check_memory,
)
from hw4lib.online_learning._recursion import scaled_bound
from hw4lib.online_learning.descent import logistic_loss
from hw4lib.online_learning.radius import (
    KAPPA,
    gradient_norm_bound,
    worst_gain,
    worst_radii,
)
from hw4lib.online_learning.regret import batch_optimum, tuned_step_size

__all__ = [
    "constant_step_bound",
    "constant_step_size",
    "decaying_step_bound",
    "decaying_step_bounds",
    "decaying_step_size",
    "idle_regret",
    "offset_step_bound",
    "offset_step_size",
    "smallest_horizon",
    "tuned_bound",
]


def tuned_bound(
    n: ArrayLike,
    feature_bound: ArrayLike,
    comparator_bound: ArrayLike = 1.0,
    *,
    regularization: float = 1.0,
) -> NDArray[np.float64]:
    r"""Return $D (R + 2 \lambda D) / \sqrt n$, the bound of the sheet's step size.

    It is proved for $\lambda D^2 \ge \frac76 \kappa$: then the step size of
    [`tuned_step_size`][hw4lib.online_learning.regret.tuned_step_size] keeps every
    iterate, up to the last that is played, in the ball of radius $D$.

    Args:
        n: Number of samples, any shape.
        feature_bound: $R > 0$, a shape that broadcasts with it.
        comparator_bound: $D \ge \sqrt{7 \kappa / (6 \lambda)}$, likewise.
        regularization: $\lambda > 0$.

    Returns:
        The bound on the average regret, of the broadcast shape.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is out of range, or shapes do not broadcast.

    References:
        Homework 4, [Theorem 4.3][4-beyond-tuned].

    Examples:
        >>> tuned_bound([100, 10_000], 77.0)
        array([7.9 , 0.79])
    """
    lam = as_number("regularization", regularization, above=0.0)
    least = math.sqrt(7.0 * KAPPA / (6.0 * lam))
    D = as_numbers("comparator_bound", comparator_bound, at_least=least)
    step = tuned_step_size(n, feature_bound, D, regularization=lam)
    bound: NDArray[np.float64] = D**2 / (step * np.asarray(n))
    return bound


def constant_step_size(
    n: ArrayLike,
    feature_bound: ArrayLike,
    comparator_bound: ArrayLike = 1.0,
    *,
    regularization: float = 1.0,
    rho: float = 4.0,
) -> NDArray[np.float64]:
    r"""Return the step size $\eta = D / (\sqrt A + b D)$ of Theorems 4.4 and 4.5.

    For $\lambda = 1$, $A = n R^2 \Psi(\rho) / \rho$ and $b = 2 + R^2 / \rho$, so that
    $\rho = 4$ gives $\eta = D / (\frac12 R \sqrt n + (2 + \frac14 R^2) D)$ and
    $\rho = \infty$ gives $\eta = D / (R \sqrt n + 2 D)$.

    Args:
        n: Number of samples, any shape.
        feature_bound: $R > 0$, a shape that broadcasts with it.
        comparator_bound: $D > 0$, likewise.
        regularization: $\lambda > 0$.
        rho: $\rho \ge 4$, possibly infinite.

    Returns:
        The step size, of the broadcast shape.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is out of range, or shapes do not broadcast.

    References:
        Homework 4, [Theorem 4.4][4-beyond-lipschitz] and
        [Theorem 4.5][4-beyond-half].

    Examples:
        >>> 1 / constant_step_size(100, 77.0, rho=math.inf)
        np.float64(772.0)
    """
    q = _quantities(n, feature_bound, comparator_bound, regularization, rho)
    return q.D / (np.sqrt(q.A) + q.b * q.D) / q.lam


def constant_step_bound(
    n: ArrayLike,
    feature_bound: ArrayLike,
    comparator_bound: ArrayLike = 1.0,
    *,
    regularization: float = 1.0,
    rho: float = 4.0,
) -> NDArray[np.float64]:
    r"""Return the regret bound $(D \sqrt A + \frac12 b D^2) / n$ of that step size.

    With $\rho = 4$ it is $\frac{D R}{2 \sqrt n} + \frac{D^2 (\lambda + R^2/8)}{n}$,
    with $\rho = \infty$ it is $\frac{D R}{\sqrt n} + \frac{\lambda D^2}{n}$. No bound
    on the iterates is needed.

    Args:
        n: Number of samples, any shape.
        feature_bound: $R > 0$, a shape that broadcasts with it.
        comparator_bound: $D > 0$, likewise.
        regularization: $\lambda > 0$.
        rho: $\rho \ge 4$, possibly infinite, that of
            [`constant_step_size`][hw4lib.online_learning.bounds.constant_step_size].

    Returns:
        The bound on the average regret, of the broadcast shape.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is out of range, or shapes do not broadcast.

    References:
        Homework 4, [Theorem 4.4][4-beyond-lipschitz] and
        [Theorem 4.5][4-beyond-half].

    Examples:
        >>> constant_step_bound(100, 77.0, rho=math.inf)
        np.float64(7.71)
    """
    q = _quantities(n, feature_bound, comparator_bound, regularization, rho)
    return (q.D * np.sqrt(q.A) + q.b * q.D**2 / 2.0) / q.n


def decaying_step_size(
    t: ArrayLike, *, regularization: float = 1.0
) -> NDArray[np.float64]:
    r"""Return the step size $\eta_t = 1 / (2 \lambda t)$ of strong convexity.

    Args:
        t: Rounds $t \ge 1$, any shape.
        regularization: $\lambda > 0$.

    Returns:
        The step sizes, shape of `t`.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is out of range.

    References:
        Homework 4, [Theorem 4.6][4-beyond-decaying].

    Examples:
        >>> decaying_step_size([1, 2, 4])
        array([0.5  , 0.25 , 0.125])
    """
    rounds = as_numbers("t", t, at_least=1.0)
    lam = as_number("regularization", regularization, above=0.0)
    return 1.0 / (2.0 * lam * rounds)


def decaying_step_bound(
    n: ArrayLike, feature_bound: ArrayLike, *, regularization: float = 1.0
) -> NDArray[np.float64]:
    r"""Return $R^2 (1 + \log n) / (\lambda n)$, the regret bound of decaying steps.

    For $\eta_t = 1 / (2 \lambda t)$, from gradients of at most $G = 2R$; no bound on
    $w^*$ is needed.

    Args:
        n: Number of samples, any shape.
        feature_bound: $R > 0$, a shape that broadcasts with it.
        regularization: $\lambda > 0$.

    Returns:
        The bound on the average regret, of the broadcast shape.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is out of range, or shapes do not broadcast.

    References:
        Homework 4, [Theorem 4.6][4-beyond-decaying].

    Examples:
        >>> decaying_step_bound(1, 77.0)
        np.float64(5929.0)
    """
    n = as_numbers("n", n, at_least=1.0)
    R = as_numbers("feature_bound", feature_bound, above=0.0)
    lam = as_number("regularization", regularization, above=0.0)
    check_broadcast(n=n, feature_bound=R)
    return R**2 * (1.0 + np.log(n)) / (lam * n)


def decaying_step_bounds(
    n: int, feature_bound: float, *, regularization: float = 1.0
) -> NDArray[np.float64]:
    r"""Return $\frac1k \sum_{t \le k} G_t^2 / (4 \lambda t)$ for all $k \le n$.

    The bound of $\eta_t = 1 / (2 \lambda t)$ at horizon $k$, with $G_t$ the exact
    supremum of $\lVert \nabla \ell_t(w^{(t)}) \rVert$ over all data, from
    [`worst_radii`][hw4lib.online_learning.radius.worst_radii].

    Args:
        n: The longest horizon.
        feature_bound: $R > 0$.
        regularization: $\lambda > 0$.

    Returns:
        The bounds on the average regret, shape `(n,)`.

    Raises:
        TypeError: If an argument is not real, or `n` not an integer.
        ValueError: If an argument is out of range.
        MemoryError: If the result would not fit in memory.

    References:
        Homework 4, [Theorem 4.6][4-beyond-decaying].

    Examples:
        >>> decaying_step_bounds(2, 2.0).round(6)
        array([0.25    , 0.503876])
    """
    n = as_integer("n", n, at_least=1)
    check_memory("n", n, n)
    rounds = np.arange(1, n + 1)
    steps = decaying_step_size(rounds, regularization=regularization)
    radii = worst_radii(steps, feature_bound, regularization=regularization)[:-1]
    G = gradient_norm_bound(radii, feature_bound, regularization=regularization)
    return np.cumsum(steps / 2.0 * G**2) / rounds


def offset_step_size(
    t: ArrayLike,
    feature_bound: ArrayLike,
    comparator_bound: ArrayLike = 1.0,
    *,
    regularization: float = 1.0,
) -> NDArray[np.float64]:
    r"""Return the step size $\eta_t = 1 / (2 \lambda (t + t_0))$, with offset.

    The offset is $t_0 = \frac{R^2}{8 \lambda} + \frac{R^2}{16 \lambda^2 D^2}$.

    Args:
        t: Rounds $t \ge 1$, any shape.
        feature_bound: $R > 0$, a shape that broadcasts with it.
        comparator_bound: $D > 0$, likewise.
        regularization: $\lambda > 0$.

    Returns:
        The step sizes, of the broadcast shape.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is out of range, or shapes do not broadcast.

    References:
        Homework 4, [Theorem 4.7][4-beyond-offset].

    Examples:
        >>> 1 / offset_step_size([1, 2], 4.0)
        array([ 8., 10.])
    """
    q = _quantities(t, feature_bound, comparator_bound, regularization, 4.0, name="t")
    offset = q.R**2 / 8.0 + q.R**2 / (16.0 * q.D**2)
    return 1.0 / (2.0 * q.lam * (q.n + offset))


def offset_step_bound(
    n: ArrayLike,
    feature_bound: ArrayLike,
    comparator_bound: ArrayLike = 1.0,
    *,
    regularization: float = 1.0,
) -> NDArray[np.float64]:
    r"""Return the regret bound of the offset step size, of order $\log n / n$.

    $\frac1n \left[ \frac{R^2}{8} D^2 + \frac{R^2}{16} + D^2 + \frac{R^2}{16}
    \log\!\left( 1 + \frac{16 D^2 (n - 1)}{R^2} \right) \right]$ for $\lambda = 1$.

    Args:
        n: Number of samples, any shape.
        feature_bound: $R > 0$, a shape that broadcasts with it.
        comparator_bound: $D > 0$, likewise.
        regularization: $\lambda > 0$.

    Returns:
        The bound on the average regret, of the broadcast shape.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is out of range, or shapes do not broadcast.

    References:
        Homework 4, [Theorem 4.7][4-beyond-offset].

    Examples:
        >>> offset_step_bound(1, 4.0)
        np.float64(4.0)
    """
    q = _quantities(n, feature_bound, comparator_bound, regularization, 4.0)
    part = q.R**2 / 16.0
    grown = np.log1p(q.D**2 * (q.n - 1.0) / part)
    return (2.0 * part * q.D**2 + q.D**2 + part * (1.0 + grown)) / q.n


def idle_regret(feature_bound: float, *, regularization: float = 1.0) -> float:
    r"""Return the supremum of the regret of never learning, $w^{(i)} = 0$ for all $i$.

    It is $\log 2 - \min_r \left[ \log(1 + e^{-r R}) + \lambda r^2 \right]$, attained by
    a stream that repeats one sample. A bound above it promises nothing.

    Args:
        feature_bound: $R > 0$.
        regularization: $\lambda > 0$.

    Returns:
        The supremum.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is out of range.

    References:
        Homework 4, [when the bounds say something][4-beyond-vacuous].

    Examples:
        >>> round(idle_regret(77.0), 6)
        0.684637
    """
    lam = as_number("regularization", regularization, above=0.0)
    R = scaled_bound(feature_bound, lam)
    return math.log(2.0) - float(logistic_loss([R], 1, batch_optimum([[R]], [1])))


def smallest_horizon(holds: Callable[[int], bool], *, at_most: int = 10**12) -> int:
    r"""Return the smallest $n \ge 1$ for which a claim holds.

    The claim must stay true once it is. Doubling, then bisection: only about
    $2 \log_2 n$ horizons are tried.

    Args:
        holds: Whether the claim holds at a horizon.
        at_most: Where to give up.

    Returns:
        The smallest horizon.

    Raises:
        TypeError: If `at_most` is not an integer.
        ValueError: If the claim does not hold for any horizon that was tried.

    References:
        Homework 4, [when the bounds say something][4-beyond-vacuous].

    Examples:
        >>> smallest_horizon(lambda n: tuned_bound(n, 77.0) <= 1.0)
        6241
    """
    at_most = as_integer("at_most", at_most, at_least=1)
    low, high = 0, 1
    while not holds(high):
        if high == at_most:
            raise ValueError(f"`holds` is false at {high}, expected true by then")
        low, high = high, min(2 * high, at_most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


@dataclass(frozen=True)
class _Quantities:
    """The letters of Theorems 4.4 to 4.7, in units in which lambda is 1."""

    n: NDArray[np.float64]
    R: NDArray[np.float64]
    D: NDArray[np.float64]
    lam: float
    A: NDArray[np.float64]
    b: NDArray[np.float64]


def _quantities(
    n: ArrayLike,
    feature_bound: ArrayLike,
    comparator_bound: ArrayLike,
    regularization: float,
    rho: float,
    *,
    name: str = "n",
) -> _Quantities:
    n = as_numbers(name, n, at_least=1.0)
    lam = as_number("regularization", regularization, above=0.0)
    R = as_numbers("feature_bound", feature_bound, above=0.0) / math.sqrt(lam)
    D = as_numbers("comparator_bound", comparator_bound, above=0.0) * math.sqrt(lam)
    check_broadcast(**{name: n, "feature_bound": R, "comparator_bound": D})
    if np.ndim(rho) == 0 and rho == math.inf:
        return _Quantities(n, R, D, lam, n * R**2, np.full_like(R, 2.0))
    rho = as_number("rho", rho, at_least=4.0)
    A = n * R**2 * (float(worst_gain(rho)) / rho)
    return _Quantities(n, R, D, lam, A, 2.0 + R**2 / rho)
