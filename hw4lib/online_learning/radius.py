r"""How long the best weights, the iterates and their gradients can be, for any data.

Throughout, $\lVert x^{(i)} \rVert \le R$ and $w^{(1)} = 0$. A weight $\lambda$ of the
penalty is only a unit of length: with $v = \sqrt\lambda \, w$ the losses are those of
$\lambda = 1$ and features $x / \sqrt\lambda$, and a step of size $\eta$ in $w$ is one
of size $\lambda \eta$ in $v$. So every result is computed for $\lambda = 1$ with
$R / \sqrt\lambda$ and $\lambda \eta$.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import as_number, as_numbers, check_broadcast
from hw4lib.activations import sigmoid
from hw4lib.online_learning._recursion import (
    best_margin,
    gain_rate,
    margin_root,
    next_square,
    scaled_bound,
)

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


def _lambert_w(z: ArrayLike) -> NDArray[np.float64]:
    r"""Return the $w \ge 0$ with $w e^w = z$, Lambert's function $W(z)$.

    Newton's method on $w + \log w - \log z$, which is increasing and concave: after
    the first step it rises to the root from below, at once for small and large $z$.

    Args:
        z: Numbers $\ge 0$, any shape.

    Returns:
        $W(z)$, shape of `z`.

    Raises:
        TypeError: If `z` is not real.
        ValueError: If `z` is negative or not finite.

    References:
        Homework 4, [Theorem 4.1][4-beyond-comparator], where
        $\kappa = W(1/e)$.

    Examples:
        >>> _lambert_w([0.0, np.e]).round(12)
        array([0., 1.])
    """
    z = as_numbers("z", z, at_least=0.0)
    positive = np.where(z > 0.0, z, 1.0)
    w = np.log1p(positive)
    for _ in range(6):
        w = w * (1.0 + np.log(positive / w)) / (1.0 + w)
    return np.where(z > 0.0, w, 0.0)


KAPPA = float(_lambert_w(math.exp(-1.0)))
r"""The constant $\kappa = \max_m m \, \sigma(-m) = W(1/e)$, attained at
$m = 1 + \kappa$."""


def optimum_norm_bound(*, regularization: float = 1.0) -> float:
    r"""Return $\sqrt{\kappa / (2 \lambda)}$, which no $\lVert w^* \rVert$ exceeds.

    For any data of any size and dimension; a single sample attains it.

    Args:
        regularization: $\lambda > 0$.

    Returns:
        The bound.

    Raises:
        TypeError: If `regularization` is not real.
        ValueError: If it is not positive and finite.

    References:
        Homework 4, [Theorem 4.1][4-beyond-comparator].

    Examples:
        >>> round(optimum_norm_bound(), 4)
        0.3731
    """
    lam = as_number("regularization", regularization, above=0.0)
    return math.sqrt(KAPPA / 2.0) / math.sqrt(lam)


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

    Raises:
        TypeError: If `rho` is not real.
        ValueError: If `rho` is negative or not finite.

    References:
        Homework 4, [the lemma of Theorem 4.2][4-beyond-radius].

    Examples:
        >>> worst_margin([4.0, 0.0]).round(6) + 0.0
        array([0.      , 1.278465])
    """
    return margin_root(as_numbers("rho", rho, at_least=0.0))


def worst_gain(rho: ArrayLike) -> NDArray[np.float64]:
    r"""Return $\Psi(\rho) = \max_m \, [ 2 m \sigma(-m) + \rho \, \sigma(-m)^2 ]$.

    At $m^*$ it is $(m^* + 1 + e^{-m^*}) / (1 + e^{m^*})$. $\Psi(0) = 2 \kappa$ and
    $\Psi(4) = 1$.

    Args:
        rho: $\rho \ge 0$, any shape.

    Returns:
        The maximum, shape of `rho`.

    Raises:
        TypeError: If `rho` is not real.
        ValueError: If `rho` is negative or not finite.

    References:
        Homework 4, [the lemma of Theorem 4.2][4-beyond-radius].

    Examples:
        >>> round(float(worst_gain(4.0)), 12)
        1.0
    """
    m = worst_margin(rho)
    return (m + 1.0 + np.exp(-m)) / (1.0 + np.exp(m))


def worst_radii(
    step_sizes: ArrayLike, feature_bound: float, *, regularization: float = 1.0
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
    [`farthest_stream`][hw4lib.online_learning.adversary.farthest_stream].

    Args:
        step_sizes: $\eta_1, \dots, \eta_n$ in $(0, 1/(2\lambda)]$, shape `(n, ...)`.
        feature_bound: $R > 0$.
        regularization: $\lambda > 0$.

    Returns:
        The suprema, shape `(n + 1, ...)`.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is out of range, or there is no step.

    References:
        Homework 4, [Theorem 4.2][4-beyond-radius].

    Examples:
        >>> worst_radii([0.01, 0.01], 77.0).round(6)
        array([0.      , 0.385   , 0.798204])
    """
    lam = as_number("regularization", regularization, above=0.0)
    R = scaled_bound(feature_bound, lam)
    steps = as_numbers("step_sizes", step_sizes, above=0.0, at_most=0.5 / lam)
    if steps.ndim == 0 or steps.size == 0:
        raise ValueError(
            f"`step_sizes` has shape {steps.shape}, expected (n, ...) with a step"
        )
    steps = lam * steps
    margins = best_margin(steps, R)
    squares = np.zeros((len(steps) + 1, *steps.shape[1:]))
    # One run is a chain of plain numbers, which NumPy would only slow down.
    rows = (steps.tolist(), margins.tolist()) if steps.ndim == 1 else (steps, margins)
    square: Any = 0.0 if steps.ndim == 1 else squares[0]
    for i, (eta, margin) in enumerate(zip(*rows, strict=True)):
        square = next_square(square, eta, margin, R)
        squares[i + 1] = square
    return np.sqrt(squares / lam)


def limiting_radius(
    step_size: ArrayLike, feature_bound: float, *, regularization: float = 1.0
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

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is out of range.

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


def gradient_norm_bound(
    radius: ArrayLike, feature_bound: ArrayLike, *, regularization: float = 1.0
) -> NDArray[np.float64]:
    r"""Return $2 \lambda r + R \, \sigma(r R)$, the longest gradient at $r$.

    Here $r$ is the norm of the weights. Attained by $\lVert x \rVert = R$ with $y x$
    pointing against $w$.

    Args:
        radius: $r = \lVert w \rVert \ge 0$, any shape.
        feature_bound: $R > 0$, a shape that broadcasts with it.
        regularization: $\lambda > 0$.

    Returns:
        The largest $\lVert \nabla \ell(w) \rVert$, of the broadcast shape.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is out of range, or shapes do not broadcast.

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
    return 2.0 * lam * r + R * sigmoid(r * R)


def safe_step_size(
    radius: float, feature_bound: float, *, regularization: float = 1.0
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
        TypeError: If an argument is not real.
        ValueError: If an argument is out of range, or no step size is small enough.

    References:
        Homework 4, [Theorem 4.2][4-beyond-radius].

    Examples:
        >>> round(safe_step_size(1.0, 77.0), 9)
        0.001618144
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
