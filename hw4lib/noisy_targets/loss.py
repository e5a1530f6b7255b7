r"""Cross entropy under label flips: what label noise does to loss and gradient.

The true label $y \in \{0, 1\}$ has $p(y = 1 \mid x) = h = \sigma(a)$ with logit $a$.
Training sees $y'$, which is $y$ flipped with a known probability
$\epsilon \in [0, \tfrac12)$, independently of $x$ and $y$. Throughout, $m = \pm a$ is
the margin of the label that is seen ($+$ for $y' = 1$) and
$\beta = \log\frac{1 - \epsilon}{\epsilon}$ the log odds that a label is right.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_generator,
    as_labels,
    as_number,
    as_numbers,
    check_broadcast,
    is_finite,
)
from hw4lib._elementary import sigmoid, softplus
from hw4lib._typing import RNG, Real

__all__ = [
    "GradientPeak",
    "LossAndGradient",
    "backward_corrected_gradient",
    "backward_corrected_loss",
    "convexity_threshold",
    "draw_noisy_labels",
    "em_bound",
    "flip_labels",
    "gradient_peak",
    "label_posterior",
    "noisy_cross_entropy",
    "noisy_cross_entropy_curvature",
    "noisy_cross_entropy_gradient",
    "noisy_cross_entropy_with_gradient",
    "noisy_probability",
    "output_gradient",
    "sample_weight",
    "weight_gradient",
]

# Elements handled at a time: the temporaries of a block stay in the cache.
_BLOCK = 32768
# Margins within which exp(-margin) and its square are normal numbers.
_FAR = 340.0


@dataclass(frozen=True)
class LossAndGradient:
    """A loss and its derivative in the logit, entry by entry."""

    loss: NDArray[np.float64]
    """Negative log likelihood of each label."""
    gradient: NDArray[np.float64]
    """Its derivative in the logit, of the same shape."""


@dataclass(frozen=True)
class GradientPeak:
    """Where a single label pulls hardest, and how hard."""

    margin: NDArray[np.float64]
    """Margin of the label there; minus infinity without noise."""
    probability: NDArray[np.float64]
    """Probability that the network gives to the label there."""
    size: NDArray[np.float64]
    """Largest size of the gradient in the logit."""


def noisy_probability(
    logits: ArrayLike, *, flip_probability: ArrayLike
) -> NDArray[np.float64]:
    r"""Return $q = p(y' = 1 \mid x) = \epsilon + (1 - 2\epsilon) \, \sigma(a)$.

    A 1 is seen if the label is 1 and was kept, $(1 - \epsilon) h$, or is 0 and was
    flipped, $\epsilon (1 - h)$. The probability of a 0 is the same function of $-a$.

    Args:
        logits: Logits $a$, any shape.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.

    Returns:
        Probabilities in $[\epsilon, 1 - \epsilon]$, of the common shape.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, is outside its range, or the shapes do
            not broadcast.

    References:
        Homework 4, [Problem 2(a)][2-a].

    Examples:
        >>> noisy_probability([-1e4, 0.0, 1e4], flip_probability=0.1)
        array([0.1, 0.5, 0.9])
    """
    a, eps = as_array("logits", logits), _as_flip_probability(flip_probability)
    check_broadcast(logits=a, flip_probability=eps)
    return np.asarray(eps + (1.0 - 2.0 * eps) * sigmoid(a))


def noisy_cross_entropy(
    logits: ArrayLike, labels: ArrayLike, *, flip_probability: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the negative log likelihood of each noisy label.

    $$
    E_n = -y'_n \log q_n - (1 - y'_n) \log (1 - q_n),
    \qquad q_n = \epsilon + (1 - 2\epsilon) \, \sigma(a_n)
    $$

    The error function of the homework is the sum over the data. Without noise this is
    cross entropy.

    Args:
        logits: Logits $a$, any shape.
        labels: Labels $y'$ as seen, 0 or 1, broadcast with `logits`.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.

    Returns:
        Losses in $[-\log(1 - \epsilon), -\log\epsilon]$, of the common shape, exact to
        rounding for every finite logit.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, is outside its range, or the shapes do
            not broadcast.

    References:
        Homework 4, [Problem 2(a)][2-a].

    Examples:
        >>> noisy_cross_entropy([-1e4, 0.0, 1e4], 1, flip_probability=0.1).round(4)
        array([2.3026, 0.6931, 0.1054])
        >>> noisy_cross_entropy([-1e4, 0.0, 1e4], 1, flip_probability=0).round(4)
        array([1.000e+04, 6.931e-01, 0.000e+00])
    """
    return _evaluate(logits, labels, flip_probability).loss


def noisy_cross_entropy_gradient(
    logits: ArrayLike, labels: ArrayLike, *, flip_probability: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the derivative of each label's loss in its logit.

    $$
    \frac{\partial E_n}{\partial a_n}
    = (1 - 2\epsilon) \, h_n (1 - h_n) \frac{q_n - y'_n}{q_n (1 - q_n)}
    = h_n - \gamma_n
    $$

    with the posterior $\gamma$ of
    [`label_posterior`][hw4lib.noisy_targets.loss.label_posterior]. It is computed as a
    product, so that it keeps its digits where $h$ and $\gamma$ nearly agree.

    Args:
        logits: Logits $a$, any shape.
        labels: Labels $y'$ as seen, 0 or 1, broadcast with `logits`.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.

    Returns:
        Derivatives in $(-1, 1)$, of the common shape.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, is outside its range, or the shapes do
            not broadcast.

    References:
        Homework 4, [Problem 2(b)][2-b].

    Examples:
        >>> noisy_cross_entropy_gradient([0.0, 1e4], [1, 0], flip_probability=0.1)
        array([-0.4,  0. ])
    """
    return _evaluate(logits, labels, flip_probability).gradient


def noisy_cross_entropy_with_gradient(
    logits: ArrayLike, labels: ArrayLike, *, flip_probability: ArrayLike
) -> LossAndGradient:
    r"""Return loss and gradient together, for one exponential and one logarithm each.

    With $t = e^{-m}$ and $r = 1 - \epsilon + \epsilon t$ the odds against the label are
    $o = (\epsilon + (1 - \epsilon) t) / r$, its loss is $\log(1 + o)$ and the size of
    its gradient $(1 - 2\epsilon) \, t / ((1 + t) \, r)$: nothing is subtracted, so
    nothing cancels. The data are taken in blocks that stay in the cache, so that beside
    arguments and results the memory is bounded.

    Args:
        logits: Logits $a$, any shape.
        labels: Labels $y'$ as seen, 0 or 1, broadcast with `logits`.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.

    Returns:
        Losses and gradients, each of the common shape.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, is outside its range, or the shapes do
            not broadcast.

    References:
        Homework 4, [Problem 2(a)][2-a] and [2(b)][2-b].

    Examples:
        >>> both = noisy_cross_entropy_with_gradient(0.0, 1, flip_probability=0.1)
        >>> float(both.gradient)
        -0.4
    """
    return _evaluate(logits, labels, flip_probability)


def noisy_cross_entropy_curvature(
    logits: ArrayLike, labels: ArrayLike, *, flip_probability: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the second derivative of each label's loss in its logit.

    $$
    \frac{\partial^2 E_n}{\partial a_n^2} = \sigma'(m_n) - \sigma'(m_n + \beta)
    $$

    It is negative, and the loss not convex, below
    [`convexity_threshold`][hw4lib.noisy_targets.loss.convexity_threshold].

    Args:
        logits: Logits $a$, any shape.
        labels: Labels $y'$ as seen, 0 or 1, broadcast with `logits`.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.

    Returns:
        Second derivatives, at most $\tfrac14$, of the common shape.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, is outside its range, or the shapes do
            not broadcast.

    References:
        Homework 4, [where the loss is convex][2-beyond-convexity].

    Examples:
        >>> noisy_cross_entropy_curvature([-4.0, 0.0], 1, flip_probability=0.1).round(3)
        array([-0.104,  0.16 ])
    """
    gradient = _evaluate(logits, labels, flip_probability).gradient
    margin, beta = _margin(logits, labels), _beta(flip_probability)
    # sigma'(m) - sigma'(m + beta) is the size of the gradient times this difference,
    # which is taken on the side where both sigmoids are small.
    difference = np.where(
        margin >= 0.0,
        sigmoid(margin + beta) - sigmoid(-margin),
        sigmoid(margin) - sigmoid(-margin - beta),
    )
    return np.asarray(np.abs(gradient) * difference)


def label_posterior(
    logits: ArrayLike, labels: ArrayLike, *, flip_probability: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the soft label $\gamma = p(y = 1 \mid y', x) = \sigma(a \pm \beta)$.

    Bayes' rule adds the log odds $\beta$ that a label is right to the logit if
    $y' = 1$, and subtracts them if $y' = 0$. Without noise the soft label is the label.

    Args:
        logits: Logits $a$, any shape.
        labels: Labels $y'$ as seen, 0 or 1, broadcast with `logits`.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.

    Returns:
        Probabilities in $[0, 1]$, of the common shape.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, is outside its range, or the shapes do
            not broadcast.

    References:
        Homework 4, [Problem 2(b)][2-b] and
        [the posterior residual][2-beyond-posterior].

    Examples:
        >>> label_posterior(0.0, [0, 1], flip_probability=0.1)
        array([0.1, 0.9])
    """
    a, y, eps = _as_data(logits, labels, flip_probability)
    return sigmoid(a + (2.0 * y - 1.0) * _beta(eps))


def sample_weight(
    logits: ArrayLike, labels: ArrayLike, *, flip_probability: ArrayLike
) -> NDArray[np.float64]:
    r"""Return what multiplies the clean gradient $h - y'$ when labels are noisy.

    $$
    1 - \frac{\epsilon}{p(y' \mid x)}
    = \frac{1 - 2\epsilon}{1 - \epsilon} \, \sigma(m + \beta)
    $$

    The last factor is the posterior probability that the label is right.

    Args:
        logits: Logits $a$, any shape.
        labels: Labels $y'$ as seen, 0 or 1, broadcast with `logits`.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.

    Returns:
        Weights in $[0, \frac{1 - 2\epsilon}{1 - \epsilon}]$, of the common shape.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, is outside its range, or the shapes do
            not broadcast.

    References:
        Homework 4, [Problem 2(c)][2-c].

    Examples:
        >>> sample_weight([-1e4, 0.0, 1e4], 1, flip_probability=0.1).round(3)
        array([0.   , 0.8  , 0.889])
    """
    a, y, eps = _as_data(logits, labels, flip_probability)
    right = sigmoid((2.0 * y - 1.0) * a + _beta(eps))
    return np.asarray((1.0 - 2.0 * eps) / (1.0 - eps) * right)


def output_gradient(
    probabilities: ArrayLike,
    derivatives: ArrayLike,
    labels: ArrayLike,
    *,
    flip_probability: ArrayLike,
) -> NDArray[np.float64]:
    r"""Return the derivative in the pre-activation for any output $h = f(a)$.

    $$
    \frac{\partial E_n}{\partial a_n}
    = (1 - 2\epsilon) \, f'(a_n) \frac{q_n - y'_n}{q_n (1 - q_n)}
    $$

    For the logistic output
    [`noisy_cross_entropy_gradient`][hw4lib.noisy_targets.loss.noisy_cross_entropy_gradient]
    is exact at every logit; here a probability that has been rounded stays rounded.

    Args:
        probabilities: Outputs $h = f(a) \in [0, 1]$, any shape.
        derivatives: Slopes $f'(a)$, broadcast with `probabilities`.
        labels: Labels $y'$ as seen, 0 or 1, broadcast with `probabilities`.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `probabilities`.

    Returns:
        Derivatives, of the common shape.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, is outside its range, the shapes do
            not broadcast, or a label has probability 0, where the loss is infinite.

    References:
        Homework 4, [Problem 2(b)][2-b].

    Examples:
        A probit unit at its origin has the slope of the normal density.

        >>> round(float(output_gradient(0.5, 0.39894, 1, flip_probability=0.1)), 4)
        -0.6383
    """
    h = as_numbers("probabilities", probabilities, at_least=0.0, at_most=1.0)
    slope, y = as_array("derivatives", derivatives), as_labels("labels", labels, (0, 1))
    eps = _as_flip_probability(flip_probability)
    check_broadcast(probabilities=h, derivatives=slope, labels=y, flip_probability=eps)
    seen = eps + (1.0 - 2.0 * eps) * np.where(y == 1.0, h, 1.0 - h)
    if not (seen > 0.0).all():
        raise ValueError("`probabilities` holds 0 for a label, expected > 0")
    return np.asarray((1.0 - 2.0 * eps) * slope * (1.0 - 2.0 * y) / seen)


def weight_gradient(
    activations: ArrayLike,
    labels: ArrayLike,
    weights: ArrayLike,
    *,
    flip_probability: Real,
) -> NDArray[np.float64]:
    r"""Return the gradient in the output layer's weights, summed over the data.

    $$
    \frac{\partial E}{\partial w_j} = \sum_n \frac{\partial E_n}{\partial a_n} z_{nj},
    \qquad a_n = w^\top z_n
    $$

    Args:
        activations: Last hidden activations $z$, shape `(n, p)`; a bias is a column
            of ones.
        labels: Labels $y'$ as seen, 0 or 1, shape `(n,)`.
        weights: Weights $w$ of the output unit, shape `(..., p)`.
        flip_probability: $\epsilon \in [0, \tfrac12)$.

    Returns:
        Gradients, shape `(..., p)`.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, is outside its range, has another
            shape, or gives a logit that is too large for a float.

    References:
        Homework 4, [Problem 2(b)][2-b].

    Examples:
        >>> weight_gradient([[1, 2], [3, 4]], [1, 0], [0, 0], flip_probability=0.1)
        array([0.8, 0.8])
    """
    z, y = _as_examples(activations, labels)
    w = as_array("weights", weights, "...", z.shape[1])
    eps = as_number("flip_probability", flip_probability, at_least=0.0, below=0.5)
    return np.asarray(_evaluate_data(_logits(w, z), y, eps).gradient @ z)


def em_bound(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    at: ArrayLike,
    flip_probability: ArrayLike,
) -> NDArray[np.float64]:
    r"""Return the convex function of the logit that EM puts over each label's loss.

    $$
    E_n(b) + \log\frac{1 + e^a}{1 + e^b} - \gamma(b) \, (a - b) \ge E_n(a)
    $$

    Up to a constant it is cross entropy against the soft label $\gamma(b)$, and it
    touches the loss at $a = b$ with the same slope. Minimizing it over a model and
    renewing $\gamma$ is the EM algorithm.

    Args:
        logits: Logits $a$ at which to evaluate the bound, any shape.
        labels: Labels $y'$ as seen, 0 or 1, broadcast with `logits`.
        at: Logits $b$ at which the bound touches, broadcast with `logits`.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.

    Returns:
        Upper bounds, of the common shape.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, is outside its range, or the shapes do
            not broadcast.

    References:
        Homework 4, [the posterior residual][2-beyond-posterior].

    Examples:
        >>> em_bound([0.0, 1.0], 1, at=0.0, flip_probability=0.1).round(4)
        array([0.6931, 0.4133])
    """
    a, b = as_array("logits", logits), as_array("at", at)
    y, eps = as_labels("labels", labels, (0, 1)), _as_flip_probability(flip_probability)
    check_broadcast(logits=a, labels=y, at=b, flip_probability=eps)
    gamma = label_posterior(b, y, flip_probability=eps)
    touching = noisy_cross_entropy(b, y, flip_probability=eps)
    # By the two labels that may be true: the logits themselves would cancel.
    one, zero = softplus(-a) - softplus(-b), softplus(a) - softplus(b)
    return np.asarray(touching + gamma * one + (1.0 - gamma) * zero)


def gradient_peak(flip_probability: ArrayLike) -> GradientPeak:
    r"""Return where and how large the largest gradient of a single label is.

    $$
    m^* = -\tfrac12 \beta, \qquad
    p^* = \frac{\sqrt\epsilon}{\sqrt\epsilon + \sqrt{1 - \epsilon}}, \qquad
    \max \left\lvert \frac{\partial E_n}{\partial a_n} \right\rvert
    = \tanh \tfrac14 \beta
    $$

    Beyond it the gradient falls back to 0: a label that is surely wrong is ignored.
    Without noise the largest size 1 is a supremum, approached as $m \to -\infty$.

    Args:
        flip_probability: $\epsilon \in [0, \tfrac12)$, any shape.

    Returns:
        Margin, probability of the label and size, each of the same shape.

    Raises:
        TypeError: If `flip_probability` is not real.
        ValueError: If it is not in $[0, \tfrac12)$.

    References:
        Homework 4, [the largest pull][2-beyond-peak].

    Examples:
        >>> peak = gradient_peak([0.0, 0.1])
        >>> peak.margin.round(4), peak.probability.round(4), peak.size.round(4)
        (array([   -inf, -1.0986]), array([0.  , 0.25]), array([1. , 0.5]))
    """
    eps = _as_flip_probability(flip_probability)
    root, other = np.sqrt(eps), np.sqrt(1.0 - eps)
    return GradientPeak(
        margin=np.asarray(-0.5 * _beta(eps)),
        probability=np.asarray(root / (root + other)),
        # tanh(beta / 4) without the difference of two roots that nearly agree.
        size=np.asarray((1.0 - 2.0 * eps) / (root + other) ** 2),
    )


def convexity_threshold(flip_probability: ArrayLike) -> NDArray[np.float64]:
    r"""Return the margin $-\tfrac12 \beta$ from which on a label's loss is convex.

    Args:
        flip_probability: $\epsilon \in [0, \tfrac12)$, any shape.

    Returns:
        Margins, of the same shape; minus infinity without noise, where the loss is
        convex everywhere.

    Raises:
        TypeError: If `flip_probability` is not real.
        ValueError: If it is not in $[0, \tfrac12)$.

    References:
        Homework 4, [where the loss is convex][2-beyond-convexity].

    Examples:
        >>> convexity_threshold([0, 0.1]).round(4)
        array([   -inf, -1.0986])
    """
    return gradient_peak(flip_probability).margin


def draw_noisy_labels(
    logits: ArrayLike, *, flip_probability: ArrayLike, rng: RNG
) -> NDArray[np.float64]:
    r"""Return labels drawn from the model, $y' = 1$ with probability $q$.

    Args:
        logits: Logits $a$, any shape.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.
        rng: Draws them.

    Returns:
        Labels 0 and 1, of the common shape.

    Raises:
        TypeError: If an argument is not real, or `rng` is not a generator.
        ValueError: If an argument is not finite, is outside its range, or the shapes do
            not broadcast.

    References:
        Homework 4, [consistency][2-beyond-consistency].

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> draw_noisy_labels([-9.0, 0.0, 9.0], flip_probability=0.1, rng=rng)
        array([0., 1., 1.])
    """
    q = noisy_probability(logits, flip_probability=flip_probability)
    return np.asarray(as_generator(rng).random(q.shape) < q, dtype=np.float64)


def flip_labels(
    labels: ArrayLike, *, flip_probability: ArrayLike, rng: RNG
) -> NDArray[np.float64]:
    r"""Return labels of which each is flipped with probability $\epsilon$.

    Args:
        labels: Labels $y$, 0 or 1, any shape.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `labels`.
        rng: A seed or a generator, which draws the flips.

    Returns:
        Labels 0 and 1, of the common shape.

    Examples:
        >>> flip_labels([0, 1, 1], flip_probability=0, rng=0)
        array([0., 1., 1.])
    """
    y, eps = as_labels("labels", labels, (0, 1)), _as_flip_probability(flip_probability)
    shape = check_broadcast(labels=y, flip_probability=eps)
    flipped = as_generator(rng).random(shape) < eps
    return np.where(flipped, 1.0 - y, y)


def backward_corrected_loss(
    logits: ArrayLike, labels: ArrayLike, *, flip_probability: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the unbiased estimate of each true label's cross entropy.

    $$
    \tilde E_n
    = \frac{(1 - \epsilon) \, \ell(m_n) - \epsilon \, \ell(-m_n)}{1 - 2\epsilon}
    = \log(1 + e^{-m_n}) - \frac{\epsilon}{1 - 2\epsilon} \, m_n
    $$
    """
    a, y, eps = _as_data(logits, labels, flip_probability)
    m = (2.0 * y - 1.0) * a
    return softplus(-m) - eps / (1.0 - 2.0 * eps) * m


def backward_corrected_gradient(
    logits: ArrayLike, labels: ArrayLike, *, flip_probability: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the derivative of the backward-corrected loss with respect to the logit."""
    a, y, eps = _as_data(logits, labels, flip_probability)
    sign = 2.0 * y - 1.0
    return -sign * (sigmoid(-sign * a) + eps / (1.0 - 2.0 * eps))


def _evaluate(
    logits: ArrayLike, labels: ArrayLike, flip_probability: ArrayLike
) -> LossAndGradient:
    return _evaluate_data(*_as_data(logits, labels, flip_probability))


def _evaluate_data(
    a: NDArray[np.float64], y: NDArray[np.float64], flip_probability: ArrayLike
) -> LossAndGradient:
    """Return what `_evaluate` does, of data that have been checked."""
    eps = np.asarray(flip_probability)
    shape = np.broadcast(a, y, eps).shape
    a, y = _flat(a, shape), _flat(y, shape)
    if eps.ndim:
        eps = _flat(eps, shape)
    loss, gradient = np.empty(a.size), np.empty(a.size)
    for first in range(0, a.size, _BLOCK):
        block = slice(first, first + _BLOCK)
        flip = eps[block] if eps.ndim else eps
        _evaluate_block(a[block], y[block], flip, loss[block], gradient[block])
    return LossAndGradient(loss.reshape(shape), gradient.reshape(shape))


def _flat(array: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    whole = array if array.shape == shape else np.broadcast_to(array, shape)
    return whole.reshape(-1)


def _evaluate_block(
    a: NDArray[np.float64],
    y: NDArray[np.float64],
    eps: NDArray[np.float64],
    loss: NDArray[np.float64],
    gradient: NDArray[np.float64],
) -> None:
    """Write loss and gradient; in place, because here memory traffic is the cost."""
    turn = 1.0 - 2.0 * y
    t = turn * a
    if max(t.max(), -t.min()) > _FAR:
        loss[:], gradient[:] = _evaluate_far(t, turn, eps)
        return
    kept = 1.0 - eps
    np.exp(t, out=t)
    right = eps * t
    right += kept
    np.multiply(kept, t, out=loss)
    loss += eps
    loss /= right
    np.log1p(loss, out=loss)
    np.multiply(turn, t, out=gradient)
    t += 1.0
    right *= t
    gradient *= 1.0 - 2.0 * eps
    gradient /= right


def _evaluate_far(
    against: NDArray[np.float64], turn: NDArray[np.float64], eps: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Loss and gradient at minus the margin, where its exponential is no float too."""
    with np.errstate(divide="ignore"):  # log(0) = -inf is what no noise means
        kept, flipped = np.log1p(-eps), np.log(eps)
    loss = 0.0 - np.logaddexp(kept - softplus(against), flipped - softplus(-against))
    weight = (1.0 - 2.0 * eps) / (1.0 - eps) * sigmoid(_beta(eps) - against)
    return loss, turn * weight * sigmoid(against) + 0.0


def _beta(flip_probability: ArrayLike) -> NDArray[np.float64]:
    """Log odds that a label is right; infinite without noise."""
    eps = np.asarray(flip_probability, dtype=np.float64)
    with np.errstate(divide="ignore"):
        far = np.log1p(-eps) - np.log(eps)
    # Near a half both logarithms agree: their difference is taken inside one.
    near = np.log1p((1.0 - 2.0 * eps) / np.maximum(eps, 0.25))
    return np.where(eps < 0.25, far, near)


def _margin(logits: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(
        (2.0 * np.asarray(labels, dtype=np.float64) - 1.0)
        * np.asarray(logits, dtype=np.float64)
    )


def _logits(w: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):
        return _as_logits(w @ z.T)


def _as_logits(a: NDArray[np.float64]) -> NDArray[np.float64]:
    if not is_finite(a):
        raise ValueError("`weights` give an infinite logit, expected finite ones")
    return a


def _as_flip_probability(value: ArrayLike) -> NDArray[np.float64]:
    return as_numbers("flip_probability", value, at_least=0.0, below=0.5)


def _as_data(
    logits: ArrayLike, labels: ArrayLike, flip_probability: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    a, y = as_array("logits", logits), as_labels("labels", labels, (0, 1))
    eps = _as_flip_probability(flip_probability)
    check_broadcast(logits=a, labels=y, flip_probability=eps)
    return a, y, eps


def _as_examples(
    activations: ArrayLike, labels: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    z = as_array("activations", activations, "n", "p")
    return z, as_labels("labels", labels, (0, 1), len(z))
