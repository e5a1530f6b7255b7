r"""What noisy labels reveal: about the weights and about the noise itself."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_integer,
    as_number,
    as_numbers,
    check_broadcast,
    contract,
    is_finite,
)
from hw4lib._elementary import sigmoid
from hw4lib._typing import Integer, Real
from hw4lib.noisy_targets.loss import (
    _Array,
    _as_examples,
    _as_flip_probability,
    _as_logits,
    _sum_of_products,
    noisy_cross_entropy_gradient,
    noisy_probability,
)
from hw4lib.noisy_targets.training import (
    LogisticFit,
    _descend,
    _is_small,
    _total_loss,
    _Whitened,
    fit_logistic,
)

__all__ = [
    "attenuation_factor",
    "equivalent_logits",
    "fisher_information",
    "fit_flip_probability",
    "logit_information",
]


@contract
def logit_information(
    logits: ArrayLike, *, flip_probability: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the Fisher information about the logit in one noisy label.

    $$
    I(a) = \frac{(1 - 2\epsilon)^2 \, [h (1 - h)]^2}{q (1 - q)} = -g_1(a) \, g_0(a)
    $$

    where $g_{y'}$ is the gradient of the loss for label $y'$. Without noise it is
    $h (1 - h)$.

    Args:
        logits: Logits $a$, any shape.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.

    Returns:
        Information, of the common shape.

    References:
        Homework 4, [consistency][2-beyond-consistency].

    Examples:
        >>> logit_information(0.0, flip_probability=[0, 0.1])
        array([0.25, 0.16])
    """
    one = noisy_cross_entropy_gradient(logits, 1.0, flip_probability=flip_probability)
    zero = noisy_cross_entropy_gradient(logits, 0.0, flip_probability=flip_probability)
    return np.asarray(-one * zero)


@contract
def fisher_information(
    activations: ArrayLike, weights: ArrayLike, *, flip_probability: Real
) -> NDArray[np.float64]:
    r"""Return the Fisher information about the weights and the flip probability.

    $$
    \sum_n \frac{\nabla q_n \nabla q_n^\top}{q_n (1 - q_n)}, \qquad
    \nabla q = \begin{pmatrix} (1 - 2\epsilon) \, h (1 - h) \, z \\ 1 - 2h \end{pmatrix}
    $$

    Where this matrix is singular, no amount of data with these activations can tell a
    small change of the weights from a small change of $\epsilon$.

    Args:
        activations: Last hidden activations $z$, shape `(n, p)`.
        weights: Weights $w$, shape `(p,)`.
        flip_probability: $\epsilon \in (0, \tfrac12)$.

    Returns:
        The information, shape `(p + 1, p + 1)`; the last row belongs to $\epsilon$.

    Raises:
        ValueError: If a logit is past the largest float.

    References:
        Homework 4, [identifiability][2-beyond-identifiability].

    Examples:
        >>> fisher_information([[1.0], [2.0]], [0.0], flip_probability=0.1).round(6)
        array([[0.8, 0. ],
               [0. , 0. ]])
    """
    z = as_array("activations", activations, "n", "p")
    w = as_array("weights", weights, z.shape[1])
    eps = as_number("flip_probability", flip_probability, above=0.0, below=0.5)
    a = _as_logits("weights", _sum_of_products(w, z.T))
    # Square roots of both factors, because their product may underflow.
    q, not_q = (np.sqrt(noisy_probability(s, flip_probability=eps)) for s in (a, -a))
    one, zero = (
        np.sqrt(np.abs(noisy_cross_entropy_gradient(a, y, flip_probability=eps)))
        for y in (1.0, 0.0)
    )
    slopes = np.column_stack(
        [(one * zero)[:, None] * z, -np.tanh(a / 2.0) / (q * not_q)]
    )
    return np.asarray(slopes.T @ slopes)


@contract
def attenuation_factor(norm: Real, *, flip_probability: Real) -> float:
    r"""Return by how much plain cross entropy shrinks the weights of noisy data.

    For inputs $x \sim N(0, I)$ and labels from a logistic model with weights $w$, no
    bias, and flips, cross entropy on unlimited data finds $k w$, where $0 < k \le 1$
    solves

    $$
    \operatorname{E} \left[ g \tanh \tfrac12 k r g \right]
    = (1 - 2\epsilon) \operatorname{E} \left[ g \tanh \tfrac12 r g \right],
    \qquad g \sim N(0, 1), \quad r = \lVert w \rVert
    $$

    The expectations are trapezoidal sums, which for these functions converge faster
    than any power of the step; the equation is solved by bisection.

    Args:
        norm: Norm $r$ of the true weights, in $(0, 1000]$.
        flip_probability: $\epsilon \in [0, \tfrac12)$.

    Returns:
        The factor $k$.

    References:
        Homework 4, [attenuation][2-beyond-attenuation].

    Examples:
        Where the model is nearly linear, only the factor $1 - 2\epsilon$ is left.

        >>> round(attenuation_factor(1e-6, flip_probability=0.1), 9)
        np.float64(0.8)
    """
    r = as_number("norm", norm, above=0.0, at_most=1000.0)
    eps = as_number("flip_probability", flip_probability, at_least=0.0, below=0.5)
    r = max(r, 1e-9)  # tanh is linear to rounding there: k depends on r no longer
    # The step resolves a sigmoid of width 1 / r; the density beyond 9 is below 1e-17.
    g = np.linspace(0.0, 9.0, 18 * (2 + int(r)) + 1)
    weight = g * np.exp(-0.5 * g**2)
    target = (1.0 - 2.0 * eps) * float(weight @ np.tanh(0.5 * r * g))
    low, high = 0.0, 1.0
    while low < (middle := 0.5 * (low + high)) < high:
        if float(weight @ np.tanh(0.5 * middle * r * g)) < target:
            low = middle
        else:
            high = middle
    return high


@contract
def equivalent_logits(
    logits: ArrayLike, *, flip_probability: ArrayLike, assumed: ArrayLike
) -> NDArray[np.float64]:
    r"""Return logits that explain the same labels by another flip probability.

    The labels depend on $q$ alone. Another $\epsilon'$ gives the same $q$ with
    $h' = \frac{q - \epsilon'}{1 - 2\epsilon'}$, that is

    $$
    (1 - 2\epsilon') \tanh \tfrac12 a' = (1 - 2\epsilon) \tanh \tfrac12 a,
    \qquad a' = \log \frac{q - \epsilon'}{1 - q - \epsilon'}
    $$

    With $\epsilon' = 0$ these are the logits that a flexible network learns by plain
    cross entropy.

    Args:
        logits: Logits $a$, any shape.
        flip_probability: The flip probability $\epsilon$ of the labels, broadcast
            with `logits`.
        assumed: Another one, $\epsilon' \le \min(q, 1 - q)$, broadcast with `logits`.

    Returns:
        Logits $a'$, of the common shape.

    Raises:
        ValueError: If `assumed` is too large to explain the labels.

    References:
        Homework 4, [identifiability][2-beyond-identifiability].

    Examples:
        >>> equivalent_logits([-1.0, 1.0], flip_probability=0.1, assumed=0.2).round(4)
        array([-1.4376,  1.4376])
    """
    a, eps = as_array("logits", logits), _as_flip_probability(flip_probability)
    other = as_numbers("assumed", assumed, at_least=0.0, below=0.5)
    check_broadcast(logits=a, flip_probability=eps, assumed=other)
    rate = 1.0 - 2.0 * eps
    rarer = eps + rate * sigmoid(-np.abs(a))  # probability of the rarer label
    left = (eps - other) + rate * sigmoid(-np.abs(a))  # less the assumed flips
    same = eps == other
    impossible = ~same & (left <= 0.0)
    if impossible.any():
        wrong, limit = (
            np.broadcast_to(x, impossible.shape)[impossible][0] for x in (other, rarer)
        )
        raise ValueError(
            f"`assumed` is {wrong}, expected less than the probability {limit} of the "
            "rarer label"
        )
    more = rate * np.tanh(np.abs(a) / 2.0)  # by which the other label is likelier
    odds = more / left
    size = np.where(odds < 1e300, np.log1p(odds), np.log(more) - np.log(left))
    return np.where(same, a, np.copysign(size, a))


@contract
def fit_flip_probability(
    activations: ArrayLike, labels: ArrayLike, *, max_steps: Integer = 200
) -> LogisticFit:
    r"""Return weights and flip probability by maximum likelihood.

    The likelihood may have several maxima. The search therefore starts in several
    directions of weight space: the fit without noise, the fit without noise of
    examples scaled to unit length, in which no example has leverage, and $8p$ random
    directions, the same in each call. Along each, the best of four lengths at
    $\epsilon = 0.3$ is a starting point. The best eight of these take 20 steps of
    Fisher scoring on $(w, \epsilon)$, and the best of them continues until it
    converges. If the fit without noise is no worse, the answer is that fit, with
    $\epsilon = 0$. A better maximum to which no start leads remains possible.

    Where flips explain every label that a hyperplane does not separate, the likelihood
    has no maximum at finite weights; then `converged` is false, while loss and flip
    probability are near their limits. It is false too for data that a hyperplane
    separates, which need no flips.

    The time of a step is $O(n p^2)$; at most 160 steps are taken, and then
    `max_steps` for the best.

    Args:
        activations: Last hidden activations $z$, shape `(n, p)`, of rank `p`. A bias
            is a column of ones.
        labels: Noisy labels $y'$, 0, 1 or soft, shape `(n,)`.
        max_steps: Number of steps along one path after which to stop.

    Returns:
        The fit; `flip_probability` is the estimate, `converged` says whether the fit
        is a strict local maximum of the likelihood, found to rounding.

    Raises:
        ValueError: If the columns of `activations` are linearly dependent, or the
            activations cannot tell the flip probability from the weights.

    References:
        Homework 4, [identifiability][2-beyond-identifiability].

    Examples:
        However far the input, no more than three of four labels agree.

        >>> x = np.repeat([1.0, 9.0], 8)[:, None]
        >>> y = [1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0]
        >>> round(float(fit_flip_probability(x, y).flip_probability), 3)
        0.25
    """
    z, y = _as_examples(activations, labels)
    limit = as_integer("max_steps", max_steps, at_least=1)
    clean = fit_logistic(z, y, flip_probability=0.0, max_steps=limit)
    if not clean.converged:  # separated: no flips, and no finite weights
        return clean
    space = _Whitened(z)
    w = space.inside(clean.weights)
    _check_identified(space.z, w)
    starts = [_best_along(space.z, y, d) for d in _directions(space.z, y, w)]
    starts = sorted(starts, key=lambda theta: _loss(space.z, y, theta))[:8]
    race = [_score(space.z, y, theta, min(20, limit)) for theta in starts]
    theta, taken, converged = min(race, key=lambda end: _loss(space.z, y, end[0]))
    if not converged:
        theta, steps, converged = _score(space.z, y, theta, limit - taken)
        taken += steps
    loss = _loss(space.z, y, theta)
    if clean.loss <= loss * (1.0 + 1e-12):  # no better, up to the rounding of the sums
        return clean
    weights = space.outside(theta[:-1])
    return LogisticFit(weights, float(theta[-1]), loss, taken, converged)


def _directions(z: _Array, y: _Array, clean: _Array) -> list[_Array]:
    p = z.shape[1]
    # Examples of length at most 1 have a curvature of at most n / 4, as whitened ones.
    unit = z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-300)
    robust, _, _ = _descend(unit, y, 0.0, np.zeros(p), 50)
    others = np.random.default_rng(0).normal(size=(8 * p, p))
    return [clean, robust, *(others / np.linalg.norm(others, axis=1, keepdims=True))]


def _best_along(z: _Array, y: _Array, w: _Array) -> _Array:
    """Return the length with the least loss, with a flip probability of 0.3."""
    points = [np.append(length * w, 0.3) for length in (1.0, 4.0, 16.0, 64.0)]
    return min(points, key=lambda theta: _loss(z, y, theta))


def _score(
    z: _Array, y: _Array, theta: _Array, max_steps: int
) -> tuple[_Array, int, bool]:
    """Take steps of Fisher scoring on weights and flip probability, in one vector."""
    loss = _loss(z, y, theta)
    for steps in range(1, max_steps + 1):
        w, eps = theta[:-1], float(theta[-1])
        if eps < 1e-15:  # what flips would gain is lost in the sum
            return theta, steps, False
        information = fisher_information(z, w, flip_probability=eps)
        gradient = _loss_gradient(z, y, w, eps)
        alone = np.zeros_like(theta)  # the step of the flip probability alone
        alone[-1] = gradient[-1] / information[-1, -1]
        trials = [alone / 2.0**k for k in range(12)]
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:  # the weights have run off to infinity
            step = np.full_like(theta, np.nan)
        if is_finite(step):  # LAPACK need not notice a singular matrix
            if _is_small(step, theta):
                return theta, steps, True
            trials = [step / 2.0**k for k in range(12)] + trials
        # The last term is the rounding error of the sums.
        enough = loss + 1e-12 * loss
        better = (theta - s for s in trials if _loss(z, y, theta - s) <= enough)
        following = next(better, theta)
        if (following == theta).all():
            return theta, steps, False
        theta, loss = following, _loss(z, y, following)
    return theta, max_steps, False


def _loss(z: _Array, y: _Array, theta: _Array) -> float:
    return _total_loss(z, y, float(theta[-1]), theta[:-1])


def _loss_gradient(z: _Array, y: _Array, w: _Array, eps: float) -> _Array:
    """Return the gradient with respect to the weights and the flip probability."""
    a = z @ w
    q, not_q = (noisy_probability(s, flip_probability=eps) for s in (a, -a))
    of_logits = noisy_cross_entropy_gradient(a, y, flip_probability=eps)
    of_eps = np.tanh(a / 2.0) @ (y / q - (1.0 - y) / not_q)  # 1 - 2h = -tanh(a / 2)
    return np.append(of_logits @ z, of_eps)


def _check_identified(z: _Array, w: _Array) -> None:
    information = fisher_information(z, w, flip_probability=0.1)
    unit = np.sqrt(np.diag(information))
    # Relative to each parameter's own information, so that units do not matter.
    if (
        not unit.all()
        or np.linalg.eigvalsh(information / np.outer(unit, unit))[0] < 1e-10
    ):
        raise ValueError(
            "`activations` do not identify the flip probability: the information about "
            "it is singular, expected inputs that do"
        )
