r"""Weights trained on noisy labels: a step, its loop, and the minimum."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_generator,
    as_integer,
    as_labels,
    as_number,
    check_broadcast,
)
from hw4lib._elementary import sigmoid
from hw4lib._typing import RNG, Integer, Real
from hw4lib.noisy_targets.loss import (
    _as_examples,
    _as_logits,
    _evaluate_data,
    _logits,
    noisy_cross_entropy_curvature,
)

__all__ = [
    "LogisticFit",
    "fit_logistic",
    "sgd_step",
    "train_sgd",
]


@dataclass(frozen=True)
class LogisticFit:
    """A logistic model fitted to noisy labels."""

    weights: NDArray[np.float64]
    """Weights, shape `(p,)`."""
    flip_probability: float
    """The flip probability that was assumed or estimated."""
    loss: float
    """Negative log likelihood, summed over the data."""
    steps: int
    """Steps taken."""
    converged: bool
    """Whether the weights are a strict local minimum, found to rounding."""

    def predict(self, activations: ArrayLike) -> NDArray[np.float64]:
        """Return the more probable true label of each example, shape `(n,)`."""
        z = as_array("activations", activations, "n", self.weights.size)
        return np.asarray(z @ self.weights > 0.0, dtype=np.float64)

    def score(self, activations: ArrayLike, labels: ArrayLike) -> np.float64:
        """Return the fraction of the labels, shape `(n,)`, that are predicted."""
        predicted = self.predict(activations)
        y = as_labels("labels", labels, (0, 1), predicted.size)
        return np.float64(np.mean(predicted == y))


def sgd_step(
    activations: ArrayLike,
    label: ArrayLike,
    weights: ArrayLike,
    *,
    flip_probability: Real,
    step_size: Real,
) -> NDArray[np.float64]:
    r"""Return the weights after one step of stochastic gradient descent.

    $$
    w - \eta \, (1 - 2\epsilon) \, h (1 - h) \frac{q - y'}{q (1 - q)} \, z
    $$

    Args:
        activations: Hidden activations $z$ of one example, shape `(..., p)`.
        label: Its label $y'$ as seen, 0 or 1, shape `(...)`.
        weights: Weights $w$, shape `(..., p)`.
        flip_probability: $\epsilon \in [0, \tfrac12)$.
        step_size: $\eta > 0$.

    Returns:
        New weights, of the common shape `(..., p)`.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, is outside its range, the shapes do
            not broadcast, or a logit is too large for a float.

    References:
        Homework 4, [Problem 2(c)][2-c].

    Examples:
        >>> sgd_step([1, 2], 1, [0, 0], flip_probability=0.1, step_size=0.5)
        array([0.2, 0.4])
    """
    w = as_array("weights", weights, "...", "p")
    z = as_array("activations", activations, "...", w.shape[-1])
    y = as_labels("label", label, (0, 1))
    eps = as_number("flip_probability", flip_probability, at_least=0.0, below=0.5)
    rate = as_number("step_size", step_size, above=0.0)
    check_broadcast(weights=w, activations=z, label=y[..., None])
    with np.errstate(over="ignore", invalid="ignore"):
        logits = _as_logits((w * z).sum(axis=-1))
    return np.asarray(w - rate * _evaluate_data(logits, y, eps).gradient[..., None] * z)


def train_sgd(
    activations: ArrayLike,
    labels: ArrayLike,
    *,
    flip_probability: Real,
    step_size: Real,
    epochs: Integer,
    rng: RNG,
    batch_size: Integer = 1,
    initial: ArrayLike | None = None,
) -> NDArray[np.float64]:
    r"""Return the weights after stochastic gradient descent over shuffled data.

    Args:
        activations: Last hidden activations $z$, shape `(n, p)`.
        labels: Labels $y'$ as seen, 0 or 1, shape `(n,)`.
        flip_probability: $\epsilon \in [0, \tfrac12)$.
        step_size: $\eta > 0$, times the mean gradient of a batch.
        epochs: Passes over the data, each in a new order.
        rng: Draws the orders.
        batch_size: Examples a step; 1 is the rule of the homework.
        initial: Weights to start from, shape `(p,)`; zeros by default.

    Returns:
        Weights, shape `(p,)`.

    Raises:
        TypeError: If an argument is not real, or `rng` is not a generator.
        ValueError: If an argument is not finite, is outside its range, has another
            shape, or gives a logit that is too large for a float.

    References:
        Homework 4, [Problem 2(c)][2-c].

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> train_sgd([[1.0], [-1.0]], [1, 0], flip_probability=0.1,
        ...           step_size=1.0, epochs=1, rng=rng).round(2)
        array([0.73])
    """
    z, y = _as_examples(activations, labels)
    w = _as_initial(initial, z)
    eps = as_number("flip_probability", flip_probability, at_least=0.0, below=0.5)
    rate = as_number("step_size", step_size, above=0.0)
    size = as_integer("batch_size", batch_size, at_least=1)
    generator = as_generator(rng)
    for _ in range(as_integer("epochs", epochs, at_least=1)):
        order = generator.permutation(len(y))
        for first in range(0, len(y), size):
            batch = order[first : first + size]
            seen = z[batch]
            gradient = _evaluate_data(_logits(w, seen), y[batch], eps).gradient
            w = w - rate / len(batch) * (gradient @ seen)
    return w


def fit_logistic(
    activations: ArrayLike,
    labels: ArrayLike,
    *,
    flip_probability: Real,
    initial: ArrayLike | None = None,
    max_steps: Integer = 200,
) -> LogisticFit:
    r"""Return the minimum of the noisy loss that descent from `initial` leads to.

    Newton's method on all data, with two safer steps behind it for places where the
    loss is not convex: that of the cross entropy which EM would minimize, and that of
    the quadratic with curvature $\tfrac14 Z^\top Z$, which lies above the loss
    everywhere, so that its step never fails to lower it. A step is taken only if it
    lowers the loss by as much as that quadratic promises. The loss may have several
    minima: by default the start is the minimum of cross entropy, which has one.

    Data that a hyperplane separates have no finite minimum; then `converged` is false.

    Args:
        activations: Last hidden activations $z$, shape `(n, p)`, of rank `p`.
        labels: Labels $y'$ as seen, 0 or 1, shape `(n,)`.
        flip_probability: $\epsilon \in [0, \tfrac12)$; 0 is plain logistic regression.
        initial: Weights to start from, shape `(p,)`; by default the fit without noise,
            which starts from zeros.
        max_steps: Steps after which to give up.

    Returns:
        The fit; `converged` says whether it is a strict local minimum.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, is outside its range, has another
            shape, or the columns of `activations` are dependent.

    References:
        Homework 4, [two minima][2-beyond-two-minima] and
        [consistency][2-beyond-consistency].

    Examples:
        >>> fit = fit_logistic([[1], [1], [1], [1]], [1, 1, 1, 0], flip_probability=0.1)
        >>> from hw4lib.noisy_targets import noisy_probability
        >>> fit.converged, noisy_probability(fit.weights, flip_probability=0.1).round(9)
        (True, array([0.75]))
    """
    z, y = _as_examples(activations, labels)
    eps = as_number("flip_probability", flip_probability, at_least=0.0, below=0.5)
    limit = as_integer("max_steps", max_steps, at_least=1)
    unit = _units(z)
    w = _as_initial(initial, z)
    if initial is None and eps > 0.0:
        w = fit_logistic(z, y, flip_probability=0.0, max_steps=limit).weights
    # In orthogonal coordinates: the squares of columns that nearly agree are singular.
    basis, change = np.linalg.qr(z / unit)
    root = math.sqrt(len(z))
    fit = _descend(change @ (w * unit) / root, basis * root, y, eps, limit)
    return replace(fit, weights=np.linalg.solve(change, fit.weights * root) / unit)


def _descend(
    w: NDArray[np.float64],
    z: NDArray[np.float64],
    y: NDArray[np.float64],
    eps: Real,
    max_steps: Integer,
) -> LogisticFit:
    ceiling = 0.25 * z.T @ z
    loss = _total_loss(w, z, y, eps)
    for steps in range(1, max_steps + 1):
        a = _logits(w, z)
        gradient = _evaluate_data(a, y, eps).gradient @ z
        safe = np.asarray(np.linalg.solve(ceiling, gradient), dtype=np.float64)
        promise = 0.5 * float(gradient @ safe)
        em = _solve(sigmoid(a) * sigmoid(-a), z, gradient, ceiling, safe)
        bend = noisy_cross_entropy_curvature(a, y, flip_probability=eps)
        newton = _solve(bend, z, gradient, ceiling, em)
        if newton is not em and _is_small(newton, w):
            w = w - newton
            return LogisticFit(w, eps, _total_loss(w, z, y, eps), steps, True)
        # The last term is what the sums may be off by, not what is given away.
        enough = loss - promise + 1e-12 * loss
        trials = (newton, *(em / 4.0**k for k in range(8)))
        step = next(
            (s for s in trials if _total_loss(w - s, z, y, eps) <= enough), safe
        )
        w = w - step
        loss = _total_loss(w, z, y, eps)
    return LogisticFit(w, eps, loss, max_steps, False)


def _solve(
    bend: NDArray[np.float64],
    z: NDArray[np.float64],
    gradient: NDArray[np.float64],
    ceiling: NDArray[np.float64],
    otherwise: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the step to the minimum of a quadratic, or another if it has none."""
    hessian = (bend[:, None] * z).T @ z
    try:
        np.linalg.cholesky(hessian - 1e-12 * ceiling)
    except np.linalg.LinAlgError:
        return otherwise
    return np.asarray(np.linalg.solve(hessian, gradient), dtype=np.float64)


def _units(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest entry of each column: in these units no square overflows."""
    unit = np.asarray(np.maximum(np.abs(z).max(axis=0), 1e-300))
    rank = np.linalg.matrix_rank(z / unit)
    if rank < z.shape[1]:
        raise ValueError(
            f"`activations` has rank {rank}, expected {z.shape[1]} independent columns"
        )
    return unit


def _total_loss(
    w: NDArray[np.float64],
    z: NDArray[np.float64],
    y: NDArray[np.float64],
    eps: Real,
) -> float:
    if not 0.0 <= eps < 0.5:
        return float("inf")
    return float(_evaluate_data(_logits(w, z), y, eps).loss.sum())


def _is_small(step: NDArray[np.float64], w: NDArray[np.float64]) -> bool:
    return bool(np.abs(step).max() <= 1e-9 * (1.0 + np.abs(w).max()))


def _as_initial(
    initial: ArrayLike | None, z: NDArray[np.float64]
) -> NDArray[np.float64]:
    if initial is None:
        return np.zeros(z.shape[1])
    return as_array("initial", initial, z.shape[1]).copy()
