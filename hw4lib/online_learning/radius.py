r"""How far from 0 the best weights and the iterates can be, and how steep the losses.

Throughout, $\lVert x^{(i)} \rVert \le R$ and $w^{(1)} = 0$. A weight $\lambda$ of the
penalty only sets the scale of the weights: with $v = \sqrt\lambda \, w$ the losses are
those of $\lambda = 1$ and features $x / \sqrt\lambda$, and a step of size $\eta$ in $w$
is one of size $\lambda \eta$ in $v$. So every result is computed for $\lambda = 1$ with
$R / \sqrt\lambda$ and $\lambda \eta$.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import as_number, as_numbers, check_broadcast, contract
from hw4lib._typing import Real
from hw4lib.online_learning._recursion import (
    best_margin,
    gain_rate,
    largest_norms,
    margin_root,
    scaled_bound,
    scaled_steps,
)
from hw4lib.online_learning._update import share

__all__ = [
    "KAPPA",
    "gradient_norm_bound",
    "limiting_radius",
    "optimum_norm_bound",
    "safe_step_size",
    "worst_gain",
    "worst_margin",
    "worst_radii",
]


def _lambert_w(z: float) -> float:
    r"""Return the $w$ with $w e^w = z > 0$, Lambert's function $W(z)$.

    Newton's method on $w + \log w - \log z$, which is increasing and concave: after
    the first step it rises to the root from below, at once for small and large $z$.
    """
    w = math.log1p(z)
    for _ in range(6):
        w = w * (1.0 + math.log(z / w)) / (1.0 + w)
    return w


KAPPA = _lambert_w(math.exp(-1.0))
r"""The constant $\kappa = \max_m m \, \sigma(-m) = W(1/e)$, attained at
$m = 1 + \kappa$."""


@contract
def optimum_norm_bound(*, regularization: Real = 1.0) -> float:
    r"""Return $\sqrt{\kappa / (2 \lambda)}$, which no $\lVert w^* \rVert$ exceeds.

    For any data of any size and dimension; a single sample attains it.

    Args:
        regularization: $\lambda > 0$.

    Returns:
        The bound.

    References:
        Homework 4, [Theorem 4.1][4-beyond-comparator].

    Examples:
        >>> round(optimum_norm_bound(), 4)
        np.float64(0.3731)
    """
    lam = as_number("regularization", regularization, above=0.0)
    return math.sqrt(KAPPA / 2.0) / math.sqrt(lam)


@contract
def worst_margin(rho: ArrayLike) -> NDArray[np.float64]:
    r"""Return the margin $m^*$ that maximizes $2 m \sigma(-m) + \rho \, \sigma(-m)^2$.

    It is the only root of $k(m) = \rho$ with
    $k(m) = 2 - m + e^{-m} + (1 - m) e^m$, a decreasing function that is convex for
    $m < 0$ and concave for $m > 0$; Newton's method starts on the side from which it
    runs to the root monotonically.

    Args:
        rho: $\rho \ge 0$, any shape.

    Returns:
        $m^* \le 1 + \kappa$, shape of `rho`.

    References:
        Homework 4, [the lemma of Theorem 4.2][4-beyond-radius].

    Examples:
        >>> worst_margin([4.0, 0.0]).round(6) + 0.0
        array([0.      , 1.278465])
    """
    return np.asarray(margin_root(as_numbers("rho", rho, at_least=0.0)))


@contract
def worst_gain(rho: ArrayLike) -> NDArray[np.float64]:
    r"""Return $\Psi(\rho) = \max_m \, [ 2 m \sigma(-m) + \rho \, \sigma(-m)^2 ]$.

    At $m^*$ it is $(m^* + 1 + e^{-m^*}) / (1 + e^{m^*})$. $\Psi(0) = 2 \kappa$ and
    $\Psi(4) = 1$.

    Args:
        rho: $\rho \ge 0$, any shape.

    Returns:
        The maximum, shape of `rho`.

    References:
        Homework 4, [the lemma of Theorem 4.2][4-beyond-radius].

    Examples:
        >>> worst_gain(4.0).round(12)
        np.float64(1.0)
    """
    rho = as_numbers("rho", rho, at_least=0.0)
    m = margin_root(rho)
    return np.asarray(2.0 * m * share(m) + rho * share(m) ** 2)


@contract
def worst_radii(
    step_sizes: ArrayLike, feature_bound: Real, *, regularization: Real = 1.0
) -> NDArray[np.float64]:
    r"""Return the suprema $r_i$ of $\lVert w^{(i)} \rVert$ over all data, by rounds.

    For $\lambda = 1$, $r_1 = 0$ and

    $$
    \begin{aligned}
    r_{i+1}^2 &= (1 - 2\eta_i)^2 r_i^2 \\
    &\quad + \max_{\lvert m \rvert \le r_i R} \left[
    2 \eta_i (1 - 2\eta_i) \, m \sigma(-m) + \eta_i^2 R^2 \sigma(-m)^2 \right],
    \end{aligned}
    $$

    attained in two dimensions by
    [`farthest_stream`][hw4lib.online_learning.adversary.farthest_stream]. The
    recursion takes `n` steps.

    Args:
        step_sizes: $\eta_1, \dots, \eta_n$ in $(0, 1/(2\lambda)]$, shape `(n, ...)`.
        feature_bound: $R > 0$.
        regularization: $\lambda > 0$.

    Returns:
        The suprema, shape `(n + 1, ...)`.

    References:
        Homework 4, [Theorem 4.2][4-beyond-radius].

    Examples:
        >>> worst_radii([0.01, 0.01], 77.0).round(6)
        array([0.      , 0.385   , 0.798204])
    """
    lam = as_number("regularization", regularization, above=0.0)
    R = scaled_bound(feature_bound, lam)
    steps = scaled_steps(step_sizes, R, lam)
    return largest_norms(steps, R) / math.sqrt(lam)


@contract
def limiting_radius(
    step_size: ArrayLike, feature_bound: Real, *, regularization: Real = 1.0
) -> NDArray[np.float64]:
    r"""Return $r_\infty$, the supremum of $\lVert w^{(i)} \rVert$ over data and rounds.

    For $\lambda = 1$ and a constant step size,
    $r_\infty^2 = \frac{1 - 2\eta}{4 (1 - \eta)} \,
    \Psi\!\left( \frac{\eta R^2}{1 - 2\eta} \right)$ where the margin of the maximum is
    within reach, $\lvert m^* \rvert \le r_\infty R$. Otherwise the samples lie along
    $w$, and $r_\infty$ is the one fixed point of the recursion of
    [`worst_radii`][hw4lib.online_learning.radius.worst_radii], found by bisection.
    It never decreases with $\eta$.

    Args:
        step_size: $\eta$ in $(0, 1/(2\lambda))$, any shape.
        feature_bound: $R > 0$.
        regularization: $\lambda > 0$.

    Returns:
        The suprema, shape of `step_size`.

    References:
        Homework 4, [Theorem 4.2][4-beyond-radius].

    Examples:
        >>> limiting_radius([1e-6, 1e-2], 77.0).round(4)
        array([0.3732, 3.5347])
    """
    lam = as_number("regularization", regularization, above=0.0)
    R = scaled_bound(feature_bound, lam)
    eta = lam * as_numbers("step_size", step_size, above=0.0, below=0.5 / lam)
    return _limit(eta, R) / math.sqrt(lam)


def _limit(eta: NDArray[np.float64], R: float) -> NDArray[np.float64]:
    """Return the limit of the radii for lambda = 1."""
    margin, fade = best_margin(eta, R), 4.0 * (1.0 - eta)
    radius: NDArray[np.float64] = np.sqrt(gain_rate(margin, eta, R) / fade)
    beyond = np.abs(margin) > R * radius
    if beyond.any():
        low, high = np.zeros_like(eta), radius
        while (high - low > 4e-16 * high).any():
            middle = (low + high) / 2.0
            reached = np.clip(margin, -R * middle, R * middle)
            grows = gain_rate(reached, eta, R) > fade * middle**2
            low, high = np.where(grows, middle, low), np.where(grows, high, middle)
        radius = np.where(beyond, high, radius)
    return radius


@contract
def gradient_norm_bound(
    radius: ArrayLike, feature_bound: ArrayLike, *, regularization: Real = 1.0
) -> NDArray[np.float64]:
    r"""Return $2 \lambda r + R \, \sigma(r R)$, the largest norm of a gradient.

    Here $r$ is the norm of the weights. Attained by $\lVert x \rVert = R$ with $y x$
    pointing against $w$.

    Args:
        radius: $r = \lVert w \rVert \ge 0$, any shape.
        feature_bound: $R > 0$, a shape that broadcasts with it.
        regularization: $\lambda > 0$.

    Returns:
        The largest $\lVert \nabla \ell(w) \rVert$, of the broadcast shape.

    References:
        Homework 4, [Theorem 4.2][4-beyond-radius].

    Examples:
        >>> gradient_norm_bound([0.0, 1.0], 77.0)
        array([38.5, 79. ])
    """
    r = as_numbers("radius", radius, at_least=0.0)
    R = as_numbers("feature_bound", feature_bound, above=0.0)
    lam = as_number("regularization", regularization, above=0.0)
    check_broadcast(radius=r, feature_bound=R)
    return np.asarray(2.0 * (lam * r) + R * share(-r * R))


@contract
def safe_step_size(
    radius: Real, feature_bound: Real, *, regularization: Real = 1.0
) -> float:
    r"""Return the largest step size that keeps all iterates within a radius, always.

    That is the largest $\eta$ with
    [$r_\infty(\eta)$][hw4lib.online_learning.radius.limiting_radius] at most the
    radius, found by bisection; no horizon enters.

    Args:
        radius: The radius, above the limit of $r_\infty$ for $\eta \to 0$.
        feature_bound: $R > 0$.
        regularization: $\lambda > 0$.

    Returns:
        The step size, less than $1/(2\lambda)$.

    Raises:
        ValueError: If no step size is small enough.

    References:
        Homework 4, [Theorem 4.2][4-beyond-radius].

    Examples:
        >>> round(safe_step_size(1.0, 77.0), 9)
        np.float64(0.001618144)
    """
    r = as_number("radius", radius, above=0.0)
    lam = as_number("regularization", regularization, above=0.0)
    R, root = scaled_bound(feature_bound, lam), math.sqrt(lam)
    low, high = 1e-300, math.nextafter(0.5, 0.0)

    def limit(eta: float) -> float:
        return float(_limit(np.asarray(eta), R)) / root

    if limit(low) > r:
        raise ValueError(f"`radius` is {r:g}, expected >= {limit(low):g}")
    if limit(high) > r:
        while high > 2.0 * low:  # by the exponents first
            middle = math.sqrt(low) * math.sqrt(high)
            low, high = (low, middle) if limit(middle) > r else (middle, high)
        while low < (middle := (low + high) / 2.0) < high:
            low, high = (low, middle) if limit(middle) > r else (middle, high)
        high = low
    return min(high / lam, math.nextafter(0.5 / lam, 0.0))
