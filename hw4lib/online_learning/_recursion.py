"""The recursion of the largest norms, for lambda = 1; numbers and arrays alike."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw4lib._checks import as_number


def scaled_bound(feature_bound: float, lam: float) -> float:
    """Return R in units in which lambda is 1, if its squares are floats."""
    R = as_number("feature_bound", feature_bound, above=0.0) / math.sqrt(lam)
    if not 1e-100 <= R <= 1e100:
        raise ValueError(
            f"`feature_bound` is {R:g} times the root of `regularization`, "
            f"expected in [1e-100, 1e+100]"
        )
    return R


def margin_root(rho: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the root m of 2 - m + exp(-m) + (1 - m) exp(m) = rho.

    The left side decreases, is convex for m < 0 and concave for m > 0. From the side
    chosen here Newton's method runs to the root without crossing it.
    """
    m = np.where(rho > 4.0, -np.log1p(rho), 1.3)
    for _ in range(12):
        rise, decay = np.exp(m), np.exp(-m)
        excess = 2.0 - m + decay + (1.0 - m) * rise - rho
        m = m + excess / (1.0 + decay + m * rise)
    return m


def best_margin(eta: NDArray[np.float64], R: float) -> NDArray[np.float64]:
    """Return the margin that maximizes `norm_gain`, if every margin is within reach."""
    # At eta = 1/2 the ratio is infinite, and so is the margin.
    ratio = eta * R**2 / np.maximum(1.0 - 2.0 * eta, 1e-200)
    return margin_root(np.minimum(ratio, 1e290))


def norm_gain(margin: Any, eta: Any, R: float) -> Any:
    """Return what a sample of norm R adds to the squared norm, beyond shrinking it."""
    return eta * gain_rate(margin, eta, R)


def gain_rate(margin: Any, eta: Any, R: float) -> Any:
    """Return `norm_gain` over the step size, which may be as small as floats are."""
    # No overflow: these margins are at most 1 + kappa.
    exp = math.exp if isinstance(margin, float) else np.exp
    s = 1.0 / (1.0 + exp(margin))
    return 2.0 * (1.0 - 2.0 * eta) * margin * s + eta * (R * s) ** 2


def next_square(square: Any, eta: Any, margin: Any, R: float) -> Any:
    """Return the largest squared norm after a step, from the best margin."""
    if isinstance(square, float):
        reach = R * math.sqrt(square)
        margin = min(max(margin, -reach), reach)
    else:
        reach = R * np.sqrt(square)
        margin = np.clip(margin, -reach, reach)
    return (1.0 - 2.0 * eta) ** 2 * square + norm_gain(margin, eta, R)
