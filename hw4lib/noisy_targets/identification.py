r"""What noisy labels reveal: about the weights and about the noise itself."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_integer,
    as_number,
    as_numbers,
    check_broadcast,
    is_finite,
)
from hw4lib._elementary import sigmoid, softplus
from hw4lib._typing import Integer, Real
from hw4lib.noisy_targets.loss import (
    _as_examples,
    _as_flip_probability,
    _evaluate,
    _evaluate_data,
    _logits,
    noisy_probability,
)
from hw4lib.noisy_targets.training import (
    LogisticFit,
    _is_small,
    _total_loss,
    _units,
    fit_logistic,
)

__all__ = [
    "attenuation_factor",
    "equivalent_logits",
    "fisher_information",
    "fit_flip_probability",
    "logit_information",
]


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

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, is outside its range, or the shapes do
            not broadcast.

    References:
        Homework 4, [consistency][2-beyond-consistency].

    Examples:
        >>> logit_information(0.0, flip_probability=[0, 0.1])
        array([0.25, 0.16])
    """
    one = _evaluate(logits, 1.0, flip_probability).gradient
    zero = _evaluate(logits, 0.0, flip_probability).gradient
    return np.asarray(-one * zero)


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
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, is outside its range, has another
            shape, or gives a logit that is too large for a float.

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
    logits = _logits(w, z)
    q = noisy_probability(logits, flip_probability=eps)
    spread = np.sqrt(q * noisy_probability(-logits, flip_probability=eps))
    of_weights = np.sqrt(logit_information(logits, flip_probability=eps))
    slopes = np.column_stack([of_weights[:, None] * z, -np.tanh(logits / 2.0) / spread])
    return np.asarray(slopes.T @ slopes)


def attenuation_factor(norm: Real, *, flip_probability: Real) -> float:
    r"""Return by how much plain cross entropy shrinks the weights of noisy data.

    For inputs $x \sim N(0, I)$ and labels from a logistic model with weights $w$ and
    flips, cross entropy on unlimited data finds $k w$, where $0 < k \le 1$ solves

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

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite or is outside its range.

    References:
        Homework 4, [attenuation][2-beyond-attenuation].

    Examples:
        Where the model is nearly linear, only the factor $1 - 2\epsilon$ is left.

        >>> round(attenuation_factor(1e-6, flip_probability=0.1), 9)
        0.8
    """
    r = as_number("norm", norm, above=0.0, at_most=1000.0)
    eps = as_number("flip_probability", flip_probability, at_least=0.0, below=0.5)
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


def equivalent_logits(
    logits: ArrayLike, *, flip_probability: ArrayLike, assumed: ArrayLike
) -> NDArray[np.float64]:
    r"""Return logits that explain the same labels by another flip probability.

    The labels show only $q$. Another $\epsilon'$ gives the same $q$ with
    $h' = \frac{q - \epsilon'}{1 - 2\epsilon'}$, that is

    $$
    (1 - 2\epsilon') \tanh \tfrac12 a' = (1 - 2\epsilon) \tanh \tfrac12 a
    $$

    With $\epsilon' = 0$ these are the logits that a flexible network learns by plain
    cross entropy.

    Args:
        logits: Logits $a$, any shape.
        flip_probability: The flip probability $\epsilon$ behind the labels, broadcast
            with `logits`.
        assumed: Another one, $\epsilon' \le \min(q, 1 - q)$, broadcast with `logits`.

    Returns:
        Logits $a'$, of the common shape.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, is outside its range, the shapes do
            not broadcast, or `assumed` is too large to explain the labels.

    References:
        Homework 4, [identifiability][2-beyond-identifiability].

    Examples:
        >>> equivalent_logits([-1.0, 1.0], flip_probability=0.1, assumed=0.2).round(4)
        array([-1.4376,  1.4376])
    """
    a, eps = as_array("logits", logits), _as_flip_probability(flip_probability)
    other = as_numbers("assumed", assumed, at_least=0.0, below=0.5)
    check_broadcast(logits=a, flip_probability=eps, assumed=other)
    size, rate = np.abs(a), 1.0 - 2.0 * eps
    excess = eps - other
    rarer = np.asarray(excess + rate * sigmoid(-size))  # the rarer label, less epsilon'
    if ((excess != 0.0) & (rarer <= 0.0)).any():
        raise ValueError(
            f"`assumed` is {np.max(other):g}, expected less than the probability "
            f"{np.min(eps + rate * sigmoid(-size)):g} of the rarer label"
        )
    # Where the two probabilities agree the logit is known: it need not be recomputed.
    odds = rate * np.tanh(size / 2.0) / np.where(excess == 0.0, 1.0, rarer)
    return np.where(excess == 0.0, a, np.copysign(np.log1p(odds), a))


def fit_flip_probability(
    activations: ArrayLike, labels: ArrayLike, *, max_steps: Integer = 200
) -> LogisticFit:
    r"""Return weights and flip probability by maximum likelihood.

    Fisher scoring on $(w, \epsilon)$, halving a step until it does not raise the loss,
    from the cross-entropy fit and the largest of $\tfrac14, \tfrac18, \dots$ that
    improves on it. If a small $\epsilon$ would not lower the loss of that fit, the
    answer is 0. The likelihood may have several maxima: this is the one to which these
    steps lead.

    Where flips explain all that a hyperplane does not separate, the likelihood has no
    maximum at finite weights; then `converged` is false.

    Args:
        activations: Last hidden activations $z$, shape `(n, p)`, of rank `p`.
        labels: Labels $y'$ as seen, 0 or 1, shape `(n,)`.
        max_steps: Steps after which to give up.

    Returns:
        The fit; `flip_probability` is the estimate, `converged` says whether it is
        one.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, has another shape, or the activations
            cannot tell the flip probability from the weights.

    References:
        Homework 4, [identifiability][2-beyond-identifiability].

    Examples:
        However far the input, no more than three of four labels agree.

        >>> x = np.repeat([1.0, 9.0], 8)[:, None]
        >>> y = [1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0]
        >>> round(fit_flip_probability(x, y).flip_probability, 3)
        0.25
    """
    z, y = _as_examples(activations, labels)
    limit = as_integer("max_steps", max_steps, at_least=1)
    clean = fit_logistic(z, y, flip_probability=0.0, max_steps=limit)
    if not clean.converged:  # separated: no flips, and no finite weights
        return clean
    unit = _units(z)
    z, w = z / unit, clean.weights * unit
    _check_identified(w, z)
    margin = (2.0 * y - 1.0) * _logits(w, z)
    # The slope of the loss in epsilon at 0; the bound keeps the exponential finite.
    odds = np.exp(np.minimum(softplus(-margin), 700.0))
    tilt = np.tanh(margin / 2.0)
    # Up to rounding: where every group is fitted exactly, it is 0.
    if float(tilt @ odds) >= -1e-12 * float(np.abs(tilt) @ odds):
        return clean
    eps, loss = 0.25, _total_loss(w, z, y, 0.0)
    while _total_loss(w, z, y, eps) >= loss:
        eps /= 2.0
        if eps < 1e-15:  # what it would gain is lost in the sum
            return clean
    fit = _score(np.append(w, eps), z, y, limit)
    return replace(fit, weights=fit.weights / unit)


def _score(
    theta: NDArray[np.float64],
    z: NDArray[np.float64],
    y: NDArray[np.float64],
    max_steps: Integer,
) -> LogisticFit:
    """Fisher scoring on weights and flip probability, held together in one vector."""
    loss = _total_loss(theta[:-1], z, y, theta[-1])
    for steps in range(1, max_steps + 1):
        w, eps = theta[:-1], float(theta[-1])
        both = _evaluate_data(_logits(w, z), y, eps)
        margin = (2.0 * y - 1.0) * _logits(w, z)
        gradient = np.append(
            both.gradient @ z, np.tanh(margin / 2.0) @ np.exp(both.loss)
        )
        information = fisher_information(z, w, flip_probability=eps)
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:  # the weights have run off to infinity
            break
        if not is_finite(step):  # likewise, where LAPACK does not notice
            break
        if _is_small(step, theta):
            return LogisticFit(w, eps, loss, steps, True)
        # The last term is what the sums may be off by.
        enough = loss + 1e-12 * loss
        while _total_loss((theta - step)[:-1], z, y, (theta - step)[-1]) > enough:
            step = step / 2.0
        theta = theta - step
        loss = _total_loss(theta[:-1], z, y, theta[-1])
    return LogisticFit(theta[:-1], float(theta[-1]), loss, steps, False)


def _check_identified(w: NDArray[np.float64], z: NDArray[np.float64]) -> None:
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
