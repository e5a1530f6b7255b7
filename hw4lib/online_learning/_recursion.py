"""The recursion of the largest norms, for lambda = 1; numbers and arrays alike."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import as_number, as_numbers
from hw4lib._typing import Real
from hw4lib.online_learning._update import share


def scaled_bound(feature_bound: Real, lam: float) -> float:
    """Return R in units in which lambda is 1, if its squares are floats."""
    R = as_number("feature_bound", feature_bound, above=0.0) / math.sqrt(lam)
    if not 1e-100 <= R <= 1e100:
        raise ValueError(
            f"`feature_bound` is {R:g} times the root of `regularization`, "
            f"expected in [1e-100, 1e+100]"
        )
    return R


def scaled_steps(step_sizes: ArrayLike, R: float, lam: float) -> NDArray[np.float64]:
    """Return step sizes in units in which lambda is 1, if their squares are floats."""
    steps = as_numbers("step_sizes", step_sizes, above=0.0, at_most=0.5 / lam)
    if steps.ndim == 0 or steps.size == 0:
        raise ValueError(
            f"`step_sizes` has shape {steps.shape}, expected (n, ...) with a step"
        )
    least = max(1e-150 / R, 1e-150)
    if lam * steps.min() < least:
        raise ValueError(
            f"`step_sizes` holds {steps.min():g}, expected >= {least / lam:g}"
        )
    return lam * steps


def margin_root(rho: Any) -> Any:
    """Return the root m of 2 - m + exp(-m) + (1 - m) exp(m) = rho.

    The left side decreases, is convex for m < 0 and concave for m > 0. From the side
    chosen here Newton's method runs to the root without crossing it.
    """
    m = np.where(rho > 4.0, -np.log1p(rho), 1.3)
    for _ in range(12):
        rise, decay = np.exp(m), np.exp(-m)
        excess = (decay - rho) + (2.0 - m + (1.0 - m) * rise)
        m = m + excess / (1.0 + decay + m * rise)
    return m


def best_margin(eta: Any, R: float) -> Any:
    """Return the margin that maximizes `gain_rate`, if every margin is within reach."""
    # At eta = 1/2 the ratio is infinite, and so is the margin.
    ratio = eta * R**2 / np.maximum(1.0 - 2.0 * eta, 1e-200)
    return margin_root(np.minimum(ratio, 1e290))


def gain_rate(margin: Any, eta: Any, R: float) -> Any:
    """Return what a sample of norm R adds to the squared norm, over the step size."""
    s = share(margin)
    return 2.0 * (1.0 - 2.0 * eta) * margin * s + eta * (R * s) ** 2


def largest_norms(steps: NDArray[np.float64], R: float) -> NDArray[np.float64]:
    """Return the suprema of the norms, before the first step and after each."""
    norms = np.zeros((len(steps) + 1, *steps.shape[1:]))
    margins = best_margin(steps, R)
    for i, eta in enumerate(steps):
        reach = R * norms[i]
        margin = np.maximum(np.minimum(margins[i], reach), -reach)
        squares = ((1.0 - 2.0 * eta) * norms[i]) ** 2
        norms[i + 1] = np.sqrt(squares + eta * gain_rate(margin, eta, R))
    return norms


def largest_gradient(norm: Any, R: Any) -> Any:
    """Return the largest norm of a gradient at weights of a norm."""
    return 2.0 * norm + R * share(-norm * R)


def loss_excess(margin: Any) -> Any:
    """Return log(1 + exp(-m)) - log 2, by which the loss exceeds that of no weights."""
    low = np.minimum(margin, -1.0)
    beyond = -low + np.log1p(np.exp(low)) - math.log(2.0)
    near = np.log1p(np.expm1(-np.maximum(margin, -1.0)) / 2.0)  # keeps its digits at 0
    return np.where(margin < -1.0, beyond, near)
