r"""Bounds on the average regret that hold for every stream, and their step sizes.

Throughout, $\lVert x^{(i)} \rVert \le R$, $\lVert w^* \rVert \le D$ and $w^{(1)} = 0$.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_integer,
    as_number,
    as_numbers,
    check_broadcast,
    check_memory,
    contract,
)
from hw4lib._typing import Integer, Real
from hw4lib.online_learning._recursion import (
    largest_gradient,
    largest_norms,
    loss_excess,
    margin_root,
    scaled_bound,
)
from hw4lib.online_learning.radius import KAPPA
from hw4lib.online_learning.regret import batch_optimum

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


@contract
def tuned_bound(
    n: ArrayLike,
    feature_bound: ArrayLike,
    comparator_bound: ArrayLike = 1.0,
    *,
    regularization: Real = 1.0,
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

    References:
        Homework 4, [Theorem 4.3][4-beyond-tuned].

    Examples:
        >>> tuned_bound([100, 10_000], 77.0)
        array([7.9 , 0.79])
    """
    lam = as_number("regularization", regularization, above=0.0)
    least = math.sqrt(7.0 * KAPPA / 6.0) / math.sqrt(lam)
    D = as_numbers("comparator_bound", comparator_bound, at_least=least)
    n, R, D, lam = _arguments(n, feature_bound, D, lam)
    root = np.sqrt(n)
    return D * (R / root + 2.0 * (lam * (D / root)))


@contract
def constant_step_size(
    n: ArrayLike,
    feature_bound: ArrayLike,
    comparator_bound: ArrayLike = 1.0,
    *,
    regularization: Real = 1.0,
    rho: Real = 4.0,
) -> NDArray[np.float64]:
    r"""Return the step size of Theorems 4.4 and 4.5.

    $\eta = 1 \big/ \left( \frac RD \sqrt{n \Psi(\rho) / \rho} + 2 \lambda
    + R^2 / \rho \right)$, so that $\rho = 4$ gives
    $\eta = D / (\frac12 R \sqrt n + (2 \lambda + \frac14 R^2) D)$ and
    $\rho = \infty$ gives $\eta = D / (R \sqrt n + 2 \lambda D)$.

    Args:
        n: Number of samples, any shape.
        feature_bound: $R > 0$, a shape that broadcasts with it.
        comparator_bound: $D > 0$, likewise.
        regularization: $\lambda > 0$.
        rho: $\rho \ge 4$, possibly infinite.

    Returns:
        The step size, of the broadcast shape.

    References:
        Homework 4, [Theorem 4.4][4-beyond-lipschitz] and
        [Theorem 4.5][4-beyond-half].

    Examples:
        >>> 1 / constant_step_size(100, 77.0, rho=math.inf)
        np.float64(772.0)
    """
    n, R, D, lam = _arguments(n, feature_bound, comparator_bound, regularization)
    share, rho = _leading_share(rho)
    leading = R / D * np.sqrt(n * share)
    return np.asarray(1.0 / (leading + 2.0 * lam + (R / math.sqrt(rho)) ** 2))


@contract
def constant_step_bound(
    n: ArrayLike,
    feature_bound: ArrayLike,
    comparator_bound: ArrayLike = 1.0,
    *,
    regularization: Real = 1.0,
    rho: Real = 4.0,
) -> NDArray[np.float64]:
    r"""Return the regret bound of Theorems 4.4 and 4.5.

    $\frac{D R}{\sqrt n} \sqrt{\Psi(\rho) / \rho} + \frac{D^2}{n} \left( \lambda
    + \frac{R^2}{2 \rho} \right)$: with $\rho = 4$ it is
    $\frac{D R}{2 \sqrt n} + \frac{D^2 (\lambda + R^2/8)}{n}$,
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

    References:
        Homework 4, [Theorem 4.4][4-beyond-lipschitz] and
        [Theorem 4.5][4-beyond-half].

    Examples:
        >>> constant_step_bound(100, 77.0, rho=math.inf)
        np.float64(7.71)
    """
    n, R, D, lam = _arguments(n, feature_bound, comparator_bound, regularization)
    share, rho = _leading_share(rho)
    root = np.sqrt(n)
    leading = D * R / root * math.sqrt(share)
    rest = (math.sqrt(lam) * D / root) ** 2 + (D * R / root / math.sqrt(2.0 * rho)) ** 2
    return leading + rest


@contract
def decaying_step_size(
    t: ArrayLike, *, regularization: Real = 1.0
) -> NDArray[np.float64]:
    r"""Return the step size $\eta_t = 1 / (2 \lambda t)$ of strong convexity.

    Args:
        t: Rounds $t \ge 1$, any shape.
        regularization: $\lambda > 0$.

    Returns:
        The step sizes, shape of `t`.

    References:
        Homework 4, [Theorem 4.6][4-beyond-decaying].

    Examples:
        >>> decaying_step_size([1, 2, 4])
        array([0.5  , 0.25 , 0.125])
    """
    rounds = as_numbers("t", t, at_least=1.0)
    lam = as_number("regularization", regularization, above=0.0)
    return 1.0 / (2.0 * lam * rounds)


@contract
def decaying_step_bound(
    n: ArrayLike, feature_bound: ArrayLike, *, regularization: Real = 1.0
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

    References:
        Homework 4, [Theorem 4.6][4-beyond-decaying].

    Examples:
        >>> decaying_step_bound(1, 77.0)
        np.float64(5929.0)
    """
    n, R, _, lam = _arguments(n, feature_bound, 1.0, regularization)
    return (R / math.sqrt(lam) / np.sqrt(n)) ** 2 * (1.0 + np.log(n))


@contract
def decaying_step_bounds(
    n: Integer, feature_bound: Real, *, regularization: Real = 1.0
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
        MemoryError: If the result would not fit in memory.

    References:
        Homework 4, [Theorem 4.6][4-beyond-decaying].

    Examples:
        >>> decaying_step_bounds(2, 2.0).round(6)
        array([0.25    , 0.503876])
    """
    n = as_integer("n", n, at_least=1)
    check_memory("n", n, n)
    lam = as_number("regularization", regularization, above=0.0)
    R = scaled_bound(feature_bound, lam)  # and lambda is 1
    rounds = np.arange(1, n + 1)
    G = largest_gradient(largest_norms(0.5 / rounds, R)[:-1], R)
    return np.asarray(np.cumsum(G**2 / (4.0 * rounds)) / rounds)


@contract
def offset_step_size(
    t: ArrayLike,
    feature_bound: ArrayLike,
    comparator_bound: ArrayLike = 1.0,
    *,
    regularization: Real = 1.0,
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

    References:
        Homework 4, [Theorem 4.7][4-beyond-offset].

    Examples:
        >>> 1 / offset_step_size([1, 2], 4.0)
        array([ 8., 10.])
    """
    t, R, D, lam = _arguments(t, feature_bound, comparator_bound, regularization, "t")
    offset = R**2 / 4.0 + (R / D / math.sqrt(lam)) ** 2 / 8.0  # 2 lambda t_0
    return 1.0 / (2.0 * lam * t + offset)


@contract
def offset_step_bound(
    n: ArrayLike,
    feature_bound: ArrayLike,
    comparator_bound: ArrayLike = 1.0,
    *,
    regularization: Real = 1.0,
) -> NDArray[np.float64]:
    r"""Return the regret bound of the offset step size, of order $\log n / n$.

    $\frac1n \left[ \frac{R^2 D^2}{8} + \frac{R^2}{16 \lambda} + \lambda D^2 +
    \frac{R^2}{16 \lambda} \log\!\left( 1 + \frac{16 \lambda^2 D^2 (n - 1)}{R^2}
    \right) \right]$.

    Args:
        n: Number of samples, any shape.
        feature_bound: $R > 0$, a shape that broadcasts with it.
        comparator_bound: $D > 0$, likewise.
        regularization: $\lambda > 0$.

    Returns:
        The bound on the average regret, of the broadcast shape.

    References:
        Homework 4, [Theorem 4.7][4-beyond-offset].

    Examples:
        >>> offset_step_bound(1, 4.0)
        np.float64(4.0)
    """
    n, R, D, lam = _arguments(n, feature_bound, comparator_bound, regularization)
    root = np.sqrt(n)
    # By logarithms, because what is squared may be past the floats.
    ratio = math.log(4.0) + math.log(lam) + np.log(D) - np.log(R)
    grown = np.logaddexp(0.0, 2.0 * ratio + np.log(n - 1.0))
    part = (R / math.sqrt(lam) / root / 4.0) ** 2
    return (
        (R * D / root) ** 2 / 8.0
        + (math.sqrt(lam) * D / root) ** 2
        + part * (1.0 + grown)
    )


@contract
def idle_regret(feature_bound: Real, *, regularization: Real = 1.0) -> float:
    r"""Return the supremum of the regret of never learning, $w^{(i)} = 0$ for all $i$.

    It is $\log 2 - \min_r \left[ \log(1 + e^{-r R}) + \lambda r^2 \right]$, attained by
    a stream that repeats one sample. A bound above it is weaker than that of never
    learning.

    Args:
        feature_bound: $R > 0$.
        regularization: $\lambda > 0$.

    Returns:
        The supremum.

    References:
        Homework 4, [when the bounds say something][4-beyond-vacuous].

    Examples:
        >>> round(idle_regret(77.0), 6)
        np.float64(0.684637)
    """
    lam = as_number("regularization", regularization, above=0.0)
    R = scaled_bound(feature_bound, lam)
    w = float(batch_optimum([[R]], [1])[0])
    return float(-loss_excess(w * R)) - w**2


def smallest_horizon(
    holds: Callable[[int], object], *, at_most: Integer = 10**12
) -> int:
    r"""Return the smallest $n \ge 1$ for which a claim is true.

    For finding the horizon from which a bound is below a value, or below another bound.
    The claim must stay true once it is true. Doubling, then bisection: only about
    $2 \log_2 n$ horizons are tried.

    Args:
        holds: Whether the claim is true at a horizon, as a boolean.
        at_most: Where to give up.

    Returns:
        The smallest horizon.

    Raises:
        TypeError: If `holds` cannot be called or returns something else.
        ValueError: If the claim is not true for any horizon that was tried.

    References:
        Homework 4, [when the bounds say something][4-beyond-vacuous].

    Examples:
        >>> smallest_horizon(lambda n: tuned_bound(n, 77.0) <= 1.0)
        6241
    """
    most = as_integer("at_most", at_most, at_least=1)
    if not callable(holds):
        raise TypeError(
            f"`holds` is of type {type(holds).__name__}, expected a function"
        )

    def is_true(n: int) -> bool:
        verdict = holds(n)
        if not isinstance(verdict, bool | np.bool):
            raise TypeError(f"`holds` returns {verdict!r} at {n}, expected a boolean")
        return bool(verdict)

    low, high = 0, 1
    while not is_true(high):
        if high == most:
            raise ValueError(f"`holds` is false at {high}, expected true by then")
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_true(middle) else (middle, high)
    return high


def _arguments(
    n: ArrayLike,
    feature_bound: ArrayLike,
    comparator_bound: ArrayLike,
    regularization: Real,
    name: str = "n",
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """Return n, R, D and lambda."""
    n = as_numbers(name, n, at_least=1.0)
    R = as_numbers("feature_bound", feature_bound, above=0.0)
    D = as_numbers("comparator_bound", comparator_bound, above=0.0)
    check_broadcast(**{name: n, "feature_bound": R, "comparator_bound": D})
    return n, R, D, as_number("regularization", regularization, above=0.0)


def _leading_share(rho: Real) -> tuple[float, float]:
    """Return Psi(rho) / rho, which tends to 1, and rho."""
    limit = as_array("rho", rho, finite=False)
    if limit.ndim == 0 and limit == math.inf:
        return 1.0, math.inf
    rho = as_number("rho", rho, at_least=4.0)
    m = float(margin_root(rho))
    # Psi = 2 m sigma(-m) + rho sigma(-m)^2
    s = 1.0 / (1.0 + math.exp(m))
    return 2.0 * m * s / rho + s**2, rho
