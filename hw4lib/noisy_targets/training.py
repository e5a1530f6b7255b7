r"""Weights trained on noisy labels: a step, its loop, and the minimum.

The output unit is linear in its weights, with logit $w^\top z$. An intercept is a
column of ones among the activations $z$, and its weight is fitted like every other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_generator,
    as_integer,
    as_labels,
    as_number,
    check_broadcast,
    contract,
    is_finite,
)
from hw4lib._elementary import sigmoid_derivative
from hw4lib._typing import RNG, Integer, Real
from hw4lib.noisy_targets.loss import (
    _Array,
    _as_examples,
    _as_logits,
    _as_soft_labels,
    _check_columns,
    _exact_sum,
    _loss_and_gradient,
    _product,
    _sum_of_products,
    noisy_cross_entropy_curvature,
    noisy_cross_entropy_gradient,
)

__all__ = ["LogisticFit", "fit_logistic", "sgd_step", "train_sgd"]


@dataclass(frozen=True, eq=False)
class LogisticFit:
    """A logistic model fitted to noisy labels."""

    weights: NDArray[np.float64]
    """Weights, shape `(p,)`."""
    flip_probability: float
    """The flip probability that was assumed or estimated."""
    loss: float
    """Negative log likelihood, summed over the data."""
    steps: int
    """Steps taken from the starting point that led here."""
    converged: bool
    """Whether the weights are a strict local minimum, found to rounding."""

    @contract
    def predict(self, activations: ArrayLike) -> NDArray[np.float64]:
        """Return the more probable true label of each example.

        Flips do not move the boundary: it is 1 where the logit is positive.

        Args:
            activations: Last hidden activations, shape `(n, p)`.

        Returns:
            Labels 0 and 1, shape `(n,)`.

        Examples:
            >>> fit = fit_logistic([[-2], [-1], [1], [2]], [0, 1, 0, 1],
            ...                    flip_probability=0.1)
            >>> fit.predict([[-3], [3]])
            array([0., 1.])
        """
        z = as_array("activations", activations, "n", self.weights.size)
        return np.asarray(_sum_of_products(self.weights, z.T) > 0.0, dtype=np.float64)

    @contract
    def score(self, activations: ArrayLike, labels: ArrayLike) -> float:
        r"""Return the fraction of labels that are predicted correctly.

        Args:
            activations: Last hidden activations, shape `(n, p)`.
            labels: Labels, 0 or 1, shape `(n,)`. Of noisy labels no model predicts
                more than $1 - \epsilon$ on average.

        Returns:
            The accuracy, in $[0, 1]$.

        Examples:
            >>> fit = fit_logistic([[-2], [-1], [1], [2]], [0, 1, 0, 1],
            ...                    flip_probability=0.1)
            >>> float(fit.score([[-3], [3]], [0, 0]))
            0.5
        """
        z = as_array("activations", activations, "n", self.weights.size)
        y = as_labels("labels", labels, (0, 1), len(z))
        return float(np.mean(self.predict(z) == y))


@contract
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
        label: Its noisy label $y'$, 0, 1 or soft, shape `(...)`.
        weights: Weights $w$, shape `(..., p)`.
        flip_probability: $\epsilon \in [0, \tfrac12)$.
        step_size: $\eta > 0$.

    Returns:
        New weights, of the common shape `(..., p)`.

    Raises:
        ValueError: If a logit is past the largest float.

    References:
        Homework 4, [Problem 2(c)][2-c].

    Examples:
        >>> sgd_step([1, 2], 1, [0, 0], flip_probability=0.1, step_size=0.5)
        array([0.2, 0.4])
    """
    z = as_array("activations", activations, "...", "p")
    y, w = (
        _as_soft_labels("label", label),
        as_array("weights", weights, "...", z.shape[-1]),
    )
    eps = as_number("flip_probability", flip_probability, at_least=0.0, below=0.5)
    eta = as_number("step_size", step_size, above=0.0)
    check_broadcast(activations=z, label=y[..., None], weights=w)
    a = np.vecdot(w, z)
    a = _as_logits("weights", a if is_finite(a) else _exact_sum(w, z, axis=-1))
    _check_columns("label", y.shape, a.shape)
    gradient = noisy_cross_entropy_gradient(a, y, flip_probability=eps)
    return w - _product(eta, gradient[..., None], z)


@contract
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

    A step uses the mean gradient of a batch, also of a last batch that is shorter. The
    number of steps is `epochs` times $\lceil n / \text{batch size} \rceil$; whether
    they are enough is not checked, as it is in
    [`fit_logistic`][hw4lib.noisy_targets.training.fit_logistic].

    Args:
        activations: Last hidden activations $z$, shape `(n, p)`.
        labels: Noisy labels $y'$, 0, 1 or soft, shape `(n,)`.
        flip_probability: $\epsilon \in [0, \tfrac12)$.
        step_size: $\eta > 0$, times the mean gradient of a batch.
        epochs: Passes over the data, each in a new order.
        rng: Random generator or seed for the orders.
        batch_size: Examples per step; 1 is the rule of the homework.
        initial: Initial weights, shape `(p,)`; zeros by default.

    Returns:
        Weights, shape `(p,)`.

    Raises:
        ValueError: If a logit is past the largest float, at the initial weights or
            later, where the step size is too large.

    References:
        Homework 4, [Problem 2(c)][2-c].

    Examples:
        >>> train_sgd([[1.0], [-1.0]], [1, 0], flip_probability=0.1,
        ...           step_size=1.0, epochs=1, rng=0).round(2)
        array([0.73])
    """
    z, y = _as_examples(activations, labels)
    eps = as_number("flip_probability", flip_probability, at_least=0.0, below=0.5)
    eta = as_number("step_size", step_size, above=0.0)
    passes = as_integer("epochs", epochs, at_least=1)
    size = as_integer("batch_size", batch_size, at_least=1)
    generator, w = as_generator(rng), _as_initial(initial, z)
    for _ in range(passes):
        order = generator.permutation(len(y))
        for first in range(0, len(y), size):
            batch = order[first : first + size]
            a = _sum_of_products(w, z[batch].T)
            if not is_finite(a):
                raise ValueError(
                    f"`step_size` is {eta:g}: it leads to an infinite logit, "
                    "expected a smaller one"
                )
            gradient = _loss_and_gradient(a, y[batch], eps).gradient
            w = w - eta * _sum_of_products(gradient / len(batch), z[batch])
    return w


@contract
def fit_logistic(
    activations: ArrayLike,
    labels: ArrayLike,
    *,
    flip_probability: Real,
    initial: ArrayLike | None = None,
    max_steps: Integer = 200,
) -> LogisticFit:
    r"""Return a local minimum of the noisy loss, found by descent from `initial`.

    The method is Newton's on all data. Where the loss is not convex, two safer steps
    replace it: the Newton step of the cross entropy that EM would minimize, and the
    gradient step of the quadratic with curvature $\tfrac14 Z^\top Z$, which lies above
    the loss everywhere, so that this step always lowers the loss. A step is taken only
    if it lowers the loss by as much as that quadratic guarantees.

    Without noise the loss is convex and the minimum is the only one. With noise there
    may be several: descent finds one of them, and **another `initial` may lead to a
    lower loss**. By default it starts from the minimum of cross entropy.

    Data that a hyperplane separates have no finite minimum, with noise or without: the
    weights grow and the loss approaches its infimum until the steps are used up, and
    then `converged` is false.

    The time of a step is that of forming $Z^\top Z$, $O(n p^2)$. It takes at most
    `max_steps` steps, usually ten to twenty, and as many again for the default start.

    Args:
        activations: Last hidden activations $z$, shape `(n, p)`, of rank `p`. A bias
            is a column of ones.
        labels: Noisy labels $y'$, 0, 1 or soft, shape `(n,)`.
        flip_probability: $\epsilon \in [0, \tfrac12)$; 0 is plain logistic regression.
        initial: Initial weights, shape `(p,)`; by default the fit without noise, which
            starts from zeros.
        max_steps: Number of steps after which to stop.

    Returns:
        The fit; `converged` says whether it is a strict local minimum.

    Raises:
        ValueError: If the columns of `activations` are linearly dependent.

    References:
        Homework 4, [two minima][2-beyond-two-minima] and
        [consistency][2-beyond-consistency].

    Examples:
        >>> from hw4lib.noisy_targets import noisy_probability
        >>> fit = fit_logistic([[1], [1], [1], [1]], [1, 1, 1, 0], flip_probability=0.1)
        >>> fit.converged, noisy_probability(fit.weights, flip_probability=0.1).round(9)
        (True, array([0.75]))
    """
    z, y = _as_examples(activations, labels)
    eps = as_number("flip_probability", flip_probability, at_least=0.0, below=0.5)
    limit = as_integer("max_steps", max_steps, at_least=1)
    space = _Whitened(z)
    if initial is None and eps > 0.0:
        initial = fit_logistic(z, y, flip_probability=0.0, max_steps=limit).weights
    v = space.inside(_as_initial(initial, z))
    v, steps, converged = _descend(space.z, y, eps, v, limit)
    loss = _total_loss(space.z, y, eps, v)
    return LogisticFit(space.outside(v), eps, loss, steps, converged)


class _Whitened:
    """Coordinates in which the columns are orthogonal and have mean square 1.

    There the curvature of the quadratic above the loss is n / 4 in every direction, and
    neither units nor columns that nearly agree matter.
    """

    def __init__(self, z: _Array) -> None:
        # Powers of two, so that units are exact and no square overflows.
        self.exponent = np.frexp(np.abs(z).max(axis=0))[1]
        scaled, root = np.ldexp(z, -self.exponent), np.sqrt(len(z))
        rank = np.linalg.matrix_rank(scaled)
        if rank < z.shape[1]:
            raise ValueError(
                f"`activations` has rank {rank}, expected {z.shape[1]} independent "
                "columns"
            )
        basis, change = np.linalg.qr(scaled)
        self.z, self.change = basis * root, change / root

    def inside(self, w: _Array) -> _Array:
        return np.asarray(self.change @ np.ldexp(w, self.exponent))

    def outside(self, v: _Array) -> _Array:
        return np.asarray(np.ldexp(np.linalg.solve(self.change, v), -self.exponent))


def _descend(
    z: _Array, y: _Array, eps: float, w: _Array, max_steps: int
) -> tuple[_Array, int, bool]:
    """Return the minimum in whitened coordinates, the steps, and whether it is one."""
    loss = _total_loss(z, y, eps, w)
    for steps in range(1, max_steps + 1):
        a = z @ w
        gradient = _loss_and_gradient(a, y, eps).gradient @ z
        curvature = noisy_cross_entropy_curvature(a, y, flip_probability=eps)
        newton = _newton_step(z, curvature, gradient)
        if newton is not None and _is_small(newton, w):
            return w - newton, steps, True
        em = _newton_step(z, sigmoid_derivative(a), gradient)
        safe = gradient / (0.25 * len(z))
        trials = [] if newton is None else [newton]
        trials += [] if em is None else [em / 4.0**k for k in range(8)]
        # The last term is the rounding error of the sums.
        enough = loss - 0.5 * float(gradient @ safe) + 1e-12 * loss
        w = w - next(
            (s for s in trials if _total_loss(z, y, eps, w - s) <= enough), safe
        )
        loss = _total_loss(z, y, eps, w)
    return w, max_steps, False


def _newton_step(z: _Array, curvature: _Array, gradient: _Array) -> _Array | None:
    """Return the step to the minimum of a quadratic, or None if it has no clear one."""
    hessian = (curvature[:, None] * z).T @ z
    try:
        np.linalg.cholesky(hessian - 2.5e-13 * len(z) * np.eye(z.shape[1]))
    except np.linalg.LinAlgError:
        return None
    return np.asarray(np.linalg.solve(hessian, gradient))


def _total_loss(z: _Array, y: _Array, eps: float, w: _Array) -> float:
    """Return the loss of all data; infinite where it is not defined."""
    a = z @ w
    if not (0.0 <= eps < 0.5 and is_finite(a)):
        return float("inf")
    return float(_loss_and_gradient(a, y, eps).loss.sum())


def _is_small(step: _Array, w: _Array) -> bool:
    return bool(np.abs(step).max() <= 1e-9 * (1.0 + np.abs(w).max()))


def _as_initial(initial: ArrayLike | None, z: _Array) -> _Array:
    if initial is None:
        return np.zeros(z.shape[1])
    w = as_array("initial", initial, z.shape[1])
    _as_logits("initial", _sum_of_products(w, z.T))
    return w
