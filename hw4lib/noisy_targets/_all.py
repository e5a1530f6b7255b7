r"""Cross entropy under label flips: what label noise does to loss and gradient.

The true label $y \in \{0, 1\}$ has $p(y = 1 \mid x) = h = \sigma(a)$ with logit $a$.
Training sees $y'$, which is $y$ flipped with a known probability
$\epsilon \in [0, \tfrac12)$, independently of $x$ and $y$. Throughout, $m = \pm a$ is
the margin of the label that is seen ($+$ for $y' = 1$) and
$\beta = \log\frac{1 - \epsilon}{\epsilon}$ the log odds that a label is right.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_integer,
    as_labels,
    as_number,
    as_numbers,
    check_broadcast,
    is_finite,
)
from hw4lib.activations import softplus

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
    return np.asarray(eps + (1.0 - 2.0 * eps) * _sigmoid(a))


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
    [`label_posterior`][hw4lib.noisy_targets.label_posterior]. It is computed as a
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
    [`convexity_threshold`][hw4lib.noisy_targets.convexity_threshold].

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
        _sigmoid(margin + beta) - _sigmoid(-margin),
        _sigmoid(margin) - _sigmoid(-margin - beta),
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
    return _sigmoid(a + (2.0 * y - 1.0) * _beta(eps))


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
    right = _sigmoid((2.0 * y - 1.0) * a + _beta(eps))
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
    [`noisy_cross_entropy_gradient`][hw4lib.noisy_targets.noisy_cross_entropy_gradient]
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
    weights: ArrayLike,
    activations: ArrayLike,
    labels: ArrayLike,
    *,
    flip_probability: float,
) -> NDArray[np.float64]:
    r"""Return the gradient in the output layer's weights, summed over the data.

    $$
    \frac{\partial E}{\partial w_j} = \sum_n \frac{\partial E_n}{\partial a_n} z_{nj},
    \qquad a_n = w^\top z_n
    $$

    Args:
        weights: Weights $w$ of the output unit, shape `(..., p)`.
        activations: Last hidden activations $z$, shape `(n, p)`; a bias is a column
            of ones.
        labels: Labels $y'$ as seen, 0 or 1, shape `(n,)`.
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
        >>> weight_gradient([0, 0], [[1, 2], [3, 4]], [1, 0], flip_probability=0.1)
        array([0.8, 0.8])
    """
    z, y = _as_examples(activations, labels)
    w = as_array("weights", weights, "...", z.shape[1])
    eps = as_number("flip_probability", flip_probability, at_least=0.0, below=0.5)
    return np.asarray(_evaluate_data(_logits(w, z), y, eps).gradient @ z)


def sgd_step(
    weights: ArrayLike,
    activations: ArrayLike,
    label: ArrayLike,
    *,
    flip_probability: float,
    step_size: float,
) -> NDArray[np.float64]:
    r"""Return the weights after one step of stochastic gradient descent.

    $$
    w - \eta \, (1 - 2\epsilon) \, h (1 - h) \frac{q - y'}{q (1 - q)} \, z
    $$

    Args:
        weights: Weights $w$, shape `(..., p)`.
        activations: Hidden activations $z$ of one example, shape `(..., p)`.
        label: Its label $y'$ as seen, 0 or 1, shape `(...)`.
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
        >>> sgd_step([0, 0], [1, 2], 1, flip_probability=0.1, step_size=0.5)
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
    flip_probability: float,
    step_size: float,
    epochs: int,
    rng: np.random.Generator,
    batch_size: int = 1,
    start: ArrayLike | None = None,
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
        start: Weights to start from, shape `(p,)`; zeros by default.

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
    w = _as_start(start, z)
    eps = as_number("flip_probability", flip_probability, at_least=0.0, below=0.5)
    rate = as_number("step_size", step_size, above=0.0)
    size = as_integer("batch_size", batch_size, at_least=1)
    _check_generator(rng)
    for _ in range(as_integer("epochs", epochs, at_least=1)):
        order = rng.permutation(len(y))
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
    flip_probability: float,
    start: ArrayLike | None = None,
    max_steps: int = 200,
) -> LogisticFit:
    r"""Return the minimum of the noisy loss that descent from `start` leads to.

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
        start: Weights to start from, shape `(p,)`; by default the fit without noise,
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
        >>> fit.converged, noisy_probability(fit.weights, flip_probability=0.1).round(9)
        (True, array([0.75]))
    """
    z, y = _as_examples(activations, labels)
    eps = as_number("flip_probability", flip_probability, at_least=0.0, below=0.5)
    limit = as_integer("max_steps", max_steps, at_least=1)
    unit = _units(z)
    w = _as_start(start, z)
    if start is None and eps > 0.0:
        w = fit_logistic(z, y, flip_probability=0.0, max_steps=limit).weights
    # In orthogonal coordinates: the squares of columns that nearly agree are singular.
    basis, change = np.linalg.qr(z / unit)
    root = math.sqrt(len(z))
    fit = _descend(change @ (w * unit) / root, basis * root, y, eps, limit)
    return replace(fit, weights=np.linalg.solve(change, fit.weights * root) / unit)


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
    weights: ArrayLike, activations: ArrayLike, *, flip_probability: float
) -> NDArray[np.float64]:
    r"""Return the Fisher information about the weights and the flip probability.

    $$
    \sum_n \frac{\nabla q_n \nabla q_n^\top}{q_n (1 - q_n)}, \qquad
    \nabla q = \begin{pmatrix} (1 - 2\epsilon) \, h (1 - h) \, z \\ 1 - 2h \end{pmatrix}
    $$

    Where this matrix is singular, no amount of data with these activations can tell a
    small change of the weights from a small change of $\epsilon$.

    Args:
        weights: Weights $w$, shape `(p,)`.
        activations: Last hidden activations $z$, shape `(n, p)`.
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
        >>> fisher_information([0.0], [[1.0], [2.0]], flip_probability=0.1).round(6)
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


def attenuation_factor(norm: float, *, flip_probability: float) -> float:
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
    rarer = np.asarray(
        excess + rate * _sigmoid(-size)
    )  # the rarer label, less epsilon'
    if ((excess != 0.0) & (rarer <= 0.0)).any():
        raise ValueError(
            f"`assumed` is {np.max(other):g}, expected less than the probability "
            f"{np.min(eps + rate * _sigmoid(-size)):g} of the rarer label"
        )
    # Where the two probabilities agree the logit is known: it need not be recomputed.
    odds = rate * np.tanh(size / 2.0) / np.where(excess == 0.0, 1.0, rarer)
    return np.where(excess == 0.0, a, np.copysign(np.log1p(odds), a))


def fit_flip_probability(
    activations: ArrayLike, labels: ArrayLike, *, max_steps: int = 200
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


def draw_noisy_labels(
    logits: ArrayLike, *, flip_probability: ArrayLike, rng: np.random.Generator
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
    _check_generator(rng)
    return np.asarray(rng.random(q.shape) < q, dtype=np.float64)


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
    weight = (1.0 - 2.0 * eps) / (1.0 - eps) * _sigmoid(_beta(eps) - against)
    return loss, turn * weight * _sigmoid(against) + 0.0


def _descend(
    w: NDArray[np.float64],
    z: NDArray[np.float64],
    y: NDArray[np.float64],
    eps: float,
    max_steps: int,
) -> LogisticFit:
    ceiling = 0.25 * z.T @ z
    loss = _total_loss(w, z, y, eps)
    for steps in range(1, max_steps + 1):
        a = _logits(w, z)
        gradient = _evaluate_data(a, y, eps).gradient @ z
        safe = np.asarray(np.linalg.solve(ceiling, gradient), dtype=np.float64)
        promise = 0.5 * float(gradient @ safe)
        em = _solve(_sigmoid(a) * _sigmoid(-a), z, gradient, ceiling, safe)
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


def _score(
    theta: NDArray[np.float64],
    z: NDArray[np.float64],
    y: NDArray[np.float64],
    max_steps: int,
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
        information = fisher_information(w, z, flip_probability=eps)
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
    eps: float,
) -> float:
    if not 0.0 <= eps < 0.5:
        return float("inf")
    return float(_evaluate_data(_logits(w, z), y, eps).loss.sum())


def _is_small(step: NDArray[np.float64], w: NDArray[np.float64]) -> bool:
    return bool(np.abs(step).max() <= 1e-9 * (1.0 + np.abs(w).max()))


def _check_identified(w: NDArray[np.float64], z: NDArray[np.float64]) -> None:
    information = fisher_information(w, z, flip_probability=0.1)
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


def _sigmoid(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logistic sigmoid, which here may be asked for its limits at infinity."""
    decay = np.exp(-np.abs(z))
    return np.where(z >= 0.0, 1.0, decay) / (1.0 + decay)


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


def _as_start(start: ArrayLike | None, z: NDArray[np.float64]) -> NDArray[np.float64]:
    if start is None:
        return np.zeros(z.shape[1])
    return as_array("start", start, z.shape[1]).copy()


def _check_generator(rng: object) -> None:
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"`rng` is of type {type(rng).__name__}, expected numpy.random.Generator"
        )
