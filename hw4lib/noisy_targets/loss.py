r"""Cross entropy under label flips: what label noise does to loss and gradient.

The true label $y \in \{0, 1\}$ has $p(y = 1 \mid x) = h = \sigma(a)$ with logit $a$.
Training sees $y'$, which is $y$ flipped with a known probability
$\epsilon \in [0, \tfrac12)$, whatever $x$ and $y$ are. Throughout, $m = \pm a$ is the
margin of the noisy label ($+$ for $y' = 1$, $-$ for $y' = 0$) and
$\beta = \log\frac{1 - \epsilon}{\epsilon}$ the log odds that a label is correct.

The losses are linear in the label, and so they accept **soft labels** in $[0, 1]$: a
soft label is the fraction of ones among several labels of the same example, and its
loss is the mean of theirs. Where a function needs a label itself, as Bayes' rule does,
it accepts 0 and 1 only.

Logits and labels broadcast, with one exception: a column of logits `(n, 1)` with flat
labels `(n,)`, or the other way round, would give `(n, n)` losses and is refused.
"""

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_generator,
    as_labels,
    as_number,
    as_numbers,
    check_broadcast,
    check_memory,
    check_results,
    contract,
    is_finite,
    largest_size,
)
from hw4lib._elementary import sigmoid, softplus
from hw4lib._engine import check_engine, elementwise, in_loops
from hw4lib._typing import RNG, Engine, Real

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

_Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LossAndGradient:
    """A loss and its derivative with respect to the logit, entry by entry."""

    loss: NDArray[np.float64]
    """Negative log likelihood of each label."""
    gradient: NDArray[np.float64]
    """Its derivative with respect to the logit, of the same shape."""


@dataclass(frozen=True, eq=False)
class GradientPeak:
    """Where the gradient of a single label is largest, and how large."""

    margin: NDArray[np.float64]
    """Margin of the label there; minus infinity without noise."""
    probability: NDArray[np.float64]
    """Probability that the network gives to the label there."""
    size: NDArray[np.float64]
    """Largest absolute value of the gradient with respect to the logit."""


@contract
def noisy_probability(
    logits: ArrayLike, *, flip_probability: ArrayLike
) -> NDArray[np.float64]:
    r"""Return $q = p(y' = 1 \mid x) = \epsilon + (1 - 2\epsilon) \, \sigma(a)$.

    The noisy label is 1 if the true label is 1 and was kept, $(1 - \epsilon) h$, or is
    0 and was flipped, $\epsilon (1 - h)$. The probability of a 0 is the same function
    of $-a$.

    Args:
        logits: Logits $a$, any shape.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.

    Returns:
        Probabilities in $[\epsilon, 1 - \epsilon]$, of the common shape.

    References:
        Homework 4, [Problem 2(a)][2-a].

    Examples:
        >>> noisy_probability([-1e4, 0.0, 1e4], flip_probability=0.1)
        array([0.1, 0.5, 0.9])
    """
    a, eps = as_array("logits", logits), _as_flip_probability(flip_probability)
    check_broadcast(logits=a, flip_probability=eps)
    return np.asarray(eps + (1.0 - 2.0 * eps) * sigmoid(a))


@contract(checked=True)
def noisy_cross_entropy(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    flip_probability: ArrayLike,
    engine: Engine = "numpy",
) -> NDArray[np.float64]:
    r"""Return the negative log likelihood of each noisy label.

    $$
    E_n = -y'_n \log q_n - (1 - y'_n) \log (1 - q_n),
    \qquad q_n = (1 - \epsilon) \, h_n + \epsilon \, (1 - h_n)
    $$

    The error function of the homework is the sum over the data. Without noise this is
    cross entropy. No logit is too large, because no intermediate result overflows.

    Args:
        logits: Logits $a$, any shape.
        labels: Noisy labels $y'$, 0, 1 or soft, broadcast with `logits`.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.
        engine: What evaluates the formula, NumPy or a loop that Numba compiles.

    Returns:
        Losses in $[-\log(1 - \epsilon), -\log\epsilon]$, of the common shape.

    Raises:
        ImportError: If `engine` is `"numba"`, and Numba is missing.

    References:
        Homework 4, [Problem 2(a)][2-a].

    Examples:
        >>> noisy_cross_entropy([-1e4, 0.0, 1e4], 1, flip_probability=0.1).round(4)
        array([2.3026, 0.6931, 0.1054])
        >>> noisy_cross_entropy([-1e4, 0.0, 1e4], 1, flip_probability=0).round(4)
        array([1.000e+04, 6.931e-01, 0.000e+00])
    """
    return _evaluated(engine, logits, labels, flip_probability).loss


@contract(checked=True)
def noisy_cross_entropy_gradient(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    flip_probability: ArrayLike,
    engine: Engine = "numpy",
) -> NDArray[np.float64]:
    r"""Return the derivative of each label's loss with respect to its logit.

    $$
    \frac{\partial E_n}{\partial a_n}
    = (1 - 2\epsilon) \, h_n (1 - h_n) \frac{q_n - y'_n}{q_n (1 - q_n)}
    = h_n - \gamma_n
    $$

    with the posterior $\gamma$ of
    [`label_posterior`][hw4lib.noisy_targets.loss.label_posterior]. It is computed as
    the weight of [`sample_weight`][hw4lib.noisy_targets.loss.sample_weight] times the
    gradient of cross entropy, a product, which keeps its digits where $h$ and $\gamma$
    nearly agree.

    Args:
        logits: Logits $a$, any shape.
        labels: Noisy labels $y'$, 0, 1 or soft, broadcast with `logits`.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.
        engine: What evaluates the formula, NumPy or a loop that Numba compiles.

    Returns:
        Derivatives in $[-1, 1]$, of the common shape.

    Raises:
        ImportError: If `engine` is `"numba"`, and Numba is missing.

    References:
        Homework 4, [Problem 2(b)][2-b].

    Examples:
        >>> noisy_cross_entropy_gradient([0.0, 1e4], [1, 0], flip_probability=0.1)
        array([-0.4,  0. ])
    """
    return _evaluated(engine, logits, labels, flip_probability).gradient


@contract(checked=True)
def noisy_cross_entropy_with_gradient(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    flip_probability: ArrayLike,
    engine: Engine = "numpy",
) -> LossAndGradient:
    r"""Return loss and gradient together.

    That takes no longer than either of them alone. They are those of
    [`noisy_cross_entropy`][hw4lib.noisy_targets.loss.noisy_cross_entropy] and
    [`noisy_cross_entropy_gradient`][hw4lib.noisy_targets.loss.noisy_cross_entropy_gradient].

    Args:
        logits: Logits $a$, any shape.
        labels: Noisy labels $y'$, 0, 1 or soft, broadcast with `logits`.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.
        engine: What evaluates the formula, NumPy or a loop that Numba compiles.

    Returns:
        Losses and gradients, each of the common shape.

    Raises:
        ImportError: If `engine` is `"numba"`, and Numba is missing.

    References:
        Homework 4, [Problem 2(a)][2-a] and [2(b)][2-b].

    Examples:
        >>> both = noisy_cross_entropy_with_gradient(0.0, 1, flip_probability=0.1)
        >>> float(both.gradient)
        -0.4
    """
    return _evaluated(engine, logits, labels, flip_probability)


@contract
def noisy_cross_entropy_curvature(
    logits: ArrayLike, labels: ArrayLike, *, flip_probability: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the second derivative of each label's loss with respect to its logit.

    $$
    \frac{\partial^2 E_n}{\partial a_n^2} = \sigma'(m_n) - \sigma'(m_n + \beta)
    $$

    It is negative, and the loss not convex, below
    [`convexity_threshold`][hw4lib.noisy_targets.loss.convexity_threshold].

    Args:
        logits: Logits $a$, any shape.
        labels: Noisy labels $y'$, 0, 1 or soft, broadcast with `logits`.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.

    Returns:
        Second derivatives, at most $\tfrac14$, of the common shape.

    References:
        Homework 4, [where the loss is convex][2-beyond-convexity].

    Examples:
        >>> noisy_cross_entropy_curvature([-4.0, 0.0], 1, flip_probability=0.1).round(3)
        array([-0.104,  0.16 ])
    """
    a, y, eps = _as_data(logits, labels, flip_probability)
    return np.asarray(y * _curvature(a, eps) + (1.0 - y) * _curvature(-a, eps))


@contract
def label_posterior(
    logits: ArrayLike, labels: ArrayLike, *, flip_probability: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the posterior $\gamma = p(y = 1 \mid y', x) = \sigma(a \pm \beta)$.

    Bayes' rule adds the log odds $\beta$ that a label is correct to the logit if
    $y' = 1$, and subtracts them if $y' = 0$. Without noise the posterior is the label.

    Args:
        logits: Logits $a$, any shape.
        labels: Noisy labels $y'$, 0 or 1, broadcast with `logits`. For a soft label,
            take the mean of the two posteriors that it stands for.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.

    Returns:
        Probabilities in $[0, 1]$, of the common shape.

    References:
        Homework 4, [Problem 2(b)][2-b] and
        [the posterior residual][2-beyond-posterior].

    Examples:
        >>> label_posterior(0.0, [0, 1], flip_probability=0.1)
        array([0.1, 0.9])
    """
    a, y, eps = _as_data(logits, labels, flip_probability, soft=False)
    return sigmoid(a + (2.0 * y - 1.0) * _log_odds(eps))


@contract
def sample_weight(
    logits: ArrayLike, labels: ArrayLike, *, flip_probability: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the factor by which noise multiplies the gradient $h - y'$.

    $$
    1 - \frac{\epsilon}{p(y' \mid x)}
    = \frac{1 - 2\epsilon}{1 - \epsilon} \, \sigma(m + \beta)
    $$

    The last factor is the posterior probability that the label is correct.

    Args:
        logits: Logits $a$, any shape.
        labels: Noisy labels $y'$, 0 or 1, broadcast with `logits`; the two labels
            that a soft label averages have a weight each.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.

    Returns:
        Weights in $[0, \frac{1 - 2\epsilon}{1 - \epsilon}]$, of the common shape.

    References:
        Homework 4, [Problem 2(c)][2-c].

    Examples:
        >>> sample_weight([-1e4, 0.0, 1e4], 1, flip_probability=0.1).round(3)
        array([0.   , 0.8  , 0.889])
    """
    a, y, eps = _as_data(logits, labels, flip_probability, soft=False)
    correct = sigmoid((2.0 * y - 1.0) * a + _log_odds(eps))
    return np.asarray((1.0 - 2.0 * eps) / (1.0 - eps) * correct)


@contract
def output_gradient(
    probabilities: ArrayLike,
    derivatives: ArrayLike,
    labels: ArrayLike,
    *,
    flip_probability: ArrayLike,
) -> NDArray[np.float64]:
    r"""Return the derivative with respect to the pre-activation of any output unit.

    $$
    \frac{\partial E_n}{\partial a_n}
    = (1 - 2\epsilon) \, f'(a_n) \frac{q_n - y'_n}{q_n (1 - q_n)}
    = (1 - 2\epsilon) \, f'(a_n)
      \left( \frac{1 - y'_n}{1 - q_n} - \frac{y'_n}{q_n} \right)
    $$

    For the logistic output
    [`noisy_cross_entropy_gradient`][hw4lib.noisy_targets.loss.noisy_cross_entropy_gradient]
    is exact at every logit; here a probability that was rounded to 0 or 1 stays
    rounded.

    Args:
        probabilities: Outputs $h = f(a) \in [0, 1]$, any shape.
        derivatives: Slopes $f'(a)$, broadcast with `probabilities`.
        labels: Noisy labels $y'$, 0, 1 or soft, broadcast with `probabilities`.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `probabilities`.

    Returns:
        Derivatives, of the common shape.

    Raises:
        ValueError: If a label has probability 0, where the loss is infinite.

    References:
        Homework 4, [Problem 2(b)][2-b].

    Examples:
        A probit unit at its origin has the slope of the normal density.

        >>> round(float(output_gradient(0.5, 0.39894, 1, flip_probability=0.1)), 4)
        -0.6383
    """
    h = as_numbers("probabilities", probabilities, at_least=0.0, at_most=1.0)
    slope, y = as_array("derivatives", derivatives), _as_soft_labels("labels", labels)
    eps = _as_flip_probability(flip_probability)
    check_broadcast(probabilities=h, derivatives=slope, labels=y, flip_probability=eps)
    _check_columns("labels", y.shape, h.shape)
    q, not_q = eps + (1.0 - 2.0 * eps) * h, eps + (1.0 - 2.0 * eps) * (1.0 - h)
    if (((y > 0.0) & (q == 0.0)) | ((y < 1.0) & (not_q == 0.0))).any():
        raise ValueError("`probabilities` holds 0 for a label, expected > 0")
    unit = 2.0**52  # even 5e-324 times this has a reciprocal
    ratio = np.where(y < 1.0, (1.0 - y) / (not_q * unit), 0.0)
    ratio = ratio - np.where(y > 0.0, y / (q * unit), 0.0)
    return _product(1.0 - 2.0 * eps, slope, ratio, unit)


@contract
def weight_gradient(
    activations: ArrayLike,
    labels: ArrayLike,
    weights: ArrayLike,
    *,
    flip_probability: Real,
) -> NDArray[np.float64]:
    r"""Return the gradient with respect to the output layer's weights.

    $$
    \frac{\partial E}{\partial w_j} = \sum_n \frac{\partial E_n}{\partial a_n} z_{nj},
    \qquad a_n = w^\top z_n
    $$

    Args:
        activations: Last hidden activations $z$, shape `(n, p)`; a bias is a column
            of ones.
        labels: Noisy labels $y'$, 0, 1 or soft, shape `(n,)`.
        weights: Weights $w$ of the output unit, shape `(..., p)`.
        flip_probability: $\epsilon \in [0, \tfrac12)$.

    Returns:
        Gradients, shape `(..., p)`.

    Raises:
        ValueError: If a logit is past the largest float.

    References:
        Homework 4, [Problem 2(b)][2-b].

    Examples:
        >>> weight_gradient([[1, 2], [3, 4]], [1, 0], [0, 0], flip_probability=0.1)
        array([0.8, 0.8])
    """
    z, y = _as_examples(activations, labels)
    w = as_array("weights", weights, "...", z.shape[1])
    eps = as_number("flip_probability", flip_probability, at_least=0.0, below=0.5)
    check_memory("weights", w.shape, *w.shape[:-1], len(z))
    a = _as_logits("weights", _sum_of_products(w, z.T))
    gradient = noisy_cross_entropy_gradient(a, y, flip_probability=eps)
    return _sum_of_products(gradient, z)


@contract
def em_bound(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    at: ArrayLike,
    flip_probability: ArrayLike,
) -> NDArray[np.float64]:
    r"""Return the convex upper bound that EM puts on each label's loss.

    $$
    E_n(b) + \log\frac{1 + e^a}{1 + e^b} - \gamma(b) \, (a - b) \ge E_n(a)
    $$

    Up to a constant it is cross entropy against the posterior $\gamma(b)$, and it
    touches the loss at $a = b$ with the same slope. Minimizing it over a model and
    updating $\gamma$ is the EM algorithm. Summed over the true labels $y$ it is
    $\sum_y \gamma_y \left( \log \frac{p(y \mid b)}{p(y' \mid b)} - \log p(y \mid a)
    \right)$. A posterior below the smallest float counts as 0.

    Args:
        logits: Logits $a$ at which to evaluate the bound, any shape.
        labels: Noisy labels $y'$, 0, 1 or soft, broadcast with `logits`.
        at: Logits $b$ at which the bound touches, broadcast with `logits`.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.

    Returns:
        Upper bounds, of the common shape.

    References:
        Homework 4, [the posterior residual][2-beyond-posterior].

    Examples:
        >>> em_bound([0.0, 1.0], 1, at=0.0, flip_probability=0.1).round(4)
        array([0.6931, 0.4133])
    """
    a, y, eps = _as_data(logits, labels, flip_probability)
    b = as_array("at", at)
    check_broadcast(logits=a, labels=y, at=b, flip_probability=eps)
    _check_columns("labels", y.shape, b.shape)
    log_kept, log_flipped, beta = np.log1p(-eps), np.log(eps), _log_odds(eps)

    def of_one(a: _Array, b: _Array) -> _Array:
        correct, wrong = sigmoid(beta + b), sigmoid(-beta - b)  # posterior of y = 1, 0
        cross_entropy = correct * softplus(-a) + wrong * softplus(a)
        constant = correct * np.logaddexp(log_kept, log_flipped - b)
        constant = constant + wrong * np.logaddexp(log_flipped, log_kept + b)
        return np.asarray(cross_entropy - constant)

    return np.asarray(y * of_one(a, b) + (1.0 - y) * of_one(-a, -b))


@contract(infinite=("margin",))
def gradient_peak(flip_probability: ArrayLike) -> GradientPeak:
    r"""Return where the gradient of a single label is largest, and how large.

    $$
    m^* = -\tfrac12 \beta, \qquad
    p^* = \frac{\sqrt\epsilon}{\sqrt\epsilon + \sqrt{1 - \epsilon}}, \qquad
    \max \left\lvert \frac{\partial E_n}{\partial a_n} \right\rvert
    = \tanh \tfrac14 \beta
    $$

    At smaller margins the gradient decreases to 0: a label that is almost certainly
    wrong is ignored. Without noise the largest size 1 is a supremum, approached as
    $m \to -\infty$.

    Args:
        flip_probability: $\epsilon \in [0, \tfrac12)$, any shape.

    Returns:
        Margin, probability of the label and size, each of the same shape.

    References:
        Homework 4, [the largest gradient][2-beyond-peak].

    Examples:
        >>> peak = gradient_peak([0.0, 0.1])
        >>> peak.margin.round(4), peak.probability.round(4), peak.size.round(4)
        (array([   -inf, -1.0986]), array([0.  , 0.25]), array([1. , 0.5]))
    """
    eps = _as_flip_probability(flip_probability)
    root, other = np.sqrt(eps), np.sqrt(1.0 - eps)
    return GradientPeak(
        margin=np.asarray(-0.5 * _log_odds(eps)),
        probability=np.asarray(root / (root + other)),
        # tanh(beta / 4) without the difference of two roots that nearly agree
        size=np.asarray((1.0 - 2.0 * eps) / (root + other) ** 2),
    )


@contract(infinite=True)
def convexity_threshold(flip_probability: ArrayLike) -> NDArray[np.float64]:
    r"""Return the margin $-\tfrac12 \beta$ above which a label's loss is convex.

    It is also the margin of
    [`gradient_peak`][hw4lib.noisy_targets.loss.gradient_peak], under the name that the
    question of convexity gives it.

    Args:
        flip_probability: $\epsilon \in [0, \tfrac12)$, any shape.

    Returns:
        Margins, of the same shape; minus infinity without noise, where the loss is
        convex everywhere.

    References:
        Homework 4, [where the loss is convex][2-beyond-convexity].

    Examples:
        >>> convexity_threshold([0, 0.1]).round(4)
        array([   -inf, -1.0986])
    """
    return np.asarray(-0.5 * _log_odds(_as_flip_probability(flip_probability)))


@contract
def draw_noisy_labels(
    logits: ArrayLike, *, flip_probability: ArrayLike, rng: RNG
) -> NDArray[np.float64]:
    r"""Return labels drawn from the model, $y' = 1$ with probability $q$.

    Args:
        logits: Logits $a$, any shape.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.
        rng: Random generator or seed.

    Returns:
        Labels 0 and 1, of the common shape.

    References:
        Homework 4, [consistency][2-beyond-consistency].

    Examples:
        >>> draw_noisy_labels([-9.0, 0.0, 9.0], flip_probability=0.1, rng=0)
        array([0., 1., 1.])
    """
    q = noisy_probability(logits, flip_probability=flip_probability)
    return np.asarray(as_generator(rng).random(np.shape(q)) < q, dtype=np.float64)


@contract
def flip_labels(
    labels: ArrayLike, *, flip_probability: ArrayLike, rng: RNG
) -> NDArray[np.float64]:
    r"""Return labels of which each is flipped with probability $\epsilon$.

    Args:
        labels: True labels $y$, 0 or 1, any shape.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `labels`.
        rng: Random generator or seed.

    Returns:
        Noisy labels $y'$, 0 and 1, of the common shape.

    References:
        Homework 4, Problem 2: the process by which the training labels arise.

    Examples:
        >>> flip_labels([0, 0, 1, 1], flip_probability=0.4, rng=0)
        array([0., 1., 0., 0.])
    """
    y, eps = as_labels("labels", labels, (0, 1)), _as_flip_probability(flip_probability)
    shape = check_broadcast(labels=y, flip_probability=eps)
    return np.where(as_generator(rng).random(shape) < eps, 1.0 - y, y)


@contract
def backward_corrected_loss(
    logits: ArrayLike, labels: ArrayLike, *, flip_probability: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the unbiased estimate of the cross entropy of each true label.

    $$
    \tilde E_n = \frac{(1 - \epsilon) \, \ell(m_n) - \epsilon \, \ell(-m_n)}
    {1 - 2\epsilon} = \ell(m_n) - \frac{\epsilon}{1 - 2\epsilon} \, m_n,
    \qquad \ell(m) = \log(1 + e^{-m})
    $$

    Averaged over the flips it is the cross entropy of the true label, so that its
    minimum is consistent too, and unlike the noisy likelihood it is convex. The price:
    it is not bounded, neither below nor in its gradient, and a mislabelled point far
    from the boundary counts in full.

    Args:
        logits: Logits $a$, any shape.
        labels: Noisy labels $y'$, 0, 1 or soft, broadcast with `logits`.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.

    Returns:
        Losses, of the common shape; they may be negative.

    References:
        Natarajan, Dhillon, Ravikumar and Tewari, *Learning with noisy labels*, 2013,
        Lemma 1; Patrini et al., *Making deep neural networks robust to label noise*,
        2017, who call it backward correction.

    Examples:
        >>> loss = backward_corrected_loss(2.0, [1, 0], flip_probability=0.1)
        >>> loss.round(4), np.round(np.dot([0.9, 0.1], loss), 4)  # the loss of y = 1
        (array([-0.1231,  2.3769]), np.float64(0.1269))
    """
    a, y, eps = _as_data(logits, labels, flip_probability)
    cross_entropy = y * softplus(-a) + (1.0 - y) * softplus(a)
    return np.asarray(cross_entropy - eps / (1.0 - 2.0 * eps) * ((2.0 * y - 1.0) * a))


@contract
def backward_corrected_gradient(
    logits: ArrayLike, labels: ArrayLike, *, flip_probability: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the derivative of the backward-corrected loss with respect to the logit.

    $$
    \frac{\partial \tilde E_n}{\partial a_n}
    = h_n - y'_n - \frac{\epsilon}{1 - 2\epsilon} \, (2 y'_n - 1)
    $$

    Args:
        logits: Logits $a$, any shape.
        labels: Noisy labels $y'$, 0, 1 or soft, broadcast with `logits`.
        flip_probability: $\epsilon \in [0, \tfrac12)$, broadcast with `logits`.

    Returns:
        Derivatives, of the common shape.

    References:
        Natarajan, Dhillon, Ravikumar and Tewari, *Learning with noisy labels*, 2013.

    Examples:
        >>> backward_corrected_gradient(0.0, [1, 0], flip_probability=0.1)
        array([-0.625,  0.625])
    """
    a, y, eps = _as_data(logits, labels, flip_probability)
    residual = (1.0 - y) * sigmoid(a) - y * sigmoid(-a)  # h - y', digits kept
    return np.asarray(residual - eps / (1.0 - 2.0 * eps) * (2.0 * y - 1.0))


def _evaluated(
    engine: Engine,
    logits: ArrayLike,
    labels: ArrayLike,
    flip_probability: ArrayLike,
) -> LossAndGradient:
    """Return both, finite, of arguments that are checked here."""
    check_engine(engine)
    if engine == "numba":
        data = _as_data(logits, labels, flip_probability, checked=False)
        results, usual = in_loops(_of_moderate, _are_moderate, *data)
        if usual:
            return LossAndGradient(*results)
    # Where the loop met another number, the checks name its argument.
    both = _loss_and_gradient(*_as_data(logits, labels, flip_probability), engine)
    check_results(both.loss, both.gradient)
    return both


def _loss_and_gradient(
    a: _Array, y: _Array, eps: _Array | float, engine: Engine = "numpy"
) -> LossAndGradient:
    """Return both, by the shorter formula if it suits all labels and logits."""
    noise = np.asarray(eps)
    hard = np.logical_or(y == 0.0, y == 1.0).all()
    if hard and largest_size(a) <= 340.0:
        return LossAndGradient(*elementwise(engine, _of_moderate, a, y, noise))
    noises = noise, np.asarray(np.sqrt(noise)), np.asarray(np.log(noise))
    return LossAndGradient(*elementwise(engine, _of_all, a, y, *noises))


# The formulas, for arrays and for numbers.


def _are_moderate(a: Any, y: Any, eps: Any) -> Any:
    """Whether the shorter formula is for these numbers."""
    hard = (y == 0.0) | (y == 1.0)
    return hard & (np.abs(a) <= 340.0) & (eps >= 0.0) & (eps < 0.5)


def _of_moderate(a: Any, y: Any, eps: Any) -> tuple[Any, Any]:
    """Return both for labels 0 and 1, and logits whose squared odds are floats."""
    sign = 2.0 * y - 1.0
    t = np.exp(-sign * a)  # odds against the label, if there were no noise
    correct, wrong = (1.0 - eps) + eps * t, eps + (1.0 - eps) * t
    size = (1.0 - 2.0 * eps) * t / ((1.0 + t) * correct)
    return np.log1p(wrong / correct), -sign * size


def _of_all(a: Any, y: Any, *noise: Any) -> tuple[Any, Any]:
    """Return both, with p = (1 - eps) sigma(m) + eps sigma(-m) for either label.

    With E = exp(-|a|), the label that the logit favors has p = likely / (1 + E), the
    other one (eps + (1 - eps) E) / (1 + E). Either of eps and E may underflow: so they
    are divided by the larger one, through their roots, which do not.
    """
    eps, root, log_eps = noise
    size, half = np.abs(a), np.exp(-0.5 * np.abs(a))
    decay = half * half
    noisy = root > half
    least = np.where(noisy, half, root) / np.where(noisy, root, half)
    least = np.where(half > 0.0, least * least, 0.0)
    unlikely = np.where(noisy, 1.0, least) + (1.0 - eps) * np.where(noisy, least, 1.0)
    likely = 1.0 - eps + eps * decay
    share = 1.0 / ((1.0 + decay) * likely * unlikely)
    loss = np.log1p((eps + (1.0 - eps) * decay) * ((1.0 + decay) * unlikely * share))
    other_loss = np.log((1.0 + decay) * ((1.0 + decay) * likely * share))
    other_loss = other_loss + np.where(noisy, -log_eps, size)
    rate = (1.0 - 2.0 * eps) * share
    slope = rate * decay * unlikely
    other_slope = rate * np.where(noisy, least, 1.0) * likely
    own, other = np.where(a > 0.0, y, 1.0 - y), np.where(a > 0.0, 1.0 - y, y)
    return (
        own * loss + other * other_loss,
        np.where(a > 0.0, 1.0, -1.0) * (other * other_slope - own * slope),
    )


def _curvature(m: _Array, eps: _Array) -> _Array:
    """Return sigma'(m) - sigma'(m + beta), digits kept where the two nearly agree."""
    far = m + _log_odds(eps)
    # With s, S for sigma of m, m + beta it is (S - s) (s + S - 1): the size of the
    # gradient, times (1 - exp(-m - far)) s S, which changes its sign with m and far.
    size = (1.0 - 2.0 * eps) / (1.0 - eps) * sigmoid(far) * sigmoid(-m)
    side = np.where(m + far < 0.0, -1.0, 1.0)
    rest = -np.expm1(-side * (m + far)) * sigmoid(side * m) * sigmoid(side * far)
    return np.asarray(side * size * rest)


def _log_odds(eps: _Array) -> _Array:
    """Return beta; infinite without noise."""
    # Near a half the two logarithms agree: their difference is taken inside one.
    return np.where(
        eps < 0.25, np.log1p(-eps) - np.log(eps), np.log1p((1.0 - 2.0 * eps) / eps)
    )


def _product(*factors: _Array | float) -> _Array:
    """Return the product of the factors, of which no part overflows or underflows."""
    mantissas, exponents = zip(*map(np.frexp, factors), strict=True)
    return np.asarray(np.ldexp(math.prod(mantissas), sum(exponents)))


def _sum_of_products(left: _Array, right: _Array) -> _Array:
    """Return `left @ right`, whose partial sums may overflow though it does not."""
    total = np.asarray(left @ right)
    return total if is_finite(total) else _exact_sum(left[..., None], right, axis=-2)


def _exact_sum(left: _Array, right: _Array, axis: int) -> _Array:
    """Return the sum of `left * right`, infinite only if the sum itself is so large."""
    # Factors of at most 1: multiplying by powers of two is exact.
    i, j = (int(np.frexp(np.abs(x).max())[1]) for x in (left, right))
    terms = np.ldexp(left, -i) * np.ldexp(right, -j)
    total = np.apply_along_axis(math.fsum, axis, terms)
    return np.asarray(np.ldexp(total, i + j))


def _as_flip_probability(value: ArrayLike) -> _Array:
    return as_numbers("flip_probability", value, at_least=0.0, below=0.5)


def _as_soft_labels(name: str, value: ArrayLike, *shape: int | str) -> _Array:
    return as_numbers(name, value, *shape, at_least=0.0, at_most=1.0)


def _as_data(
    logits: ArrayLike,
    labels: ArrayLike,
    flip_probability: ArrayLike,
    *,
    soft: bool = True,
    checked: bool = True,
) -> tuple[_Array, _Array, _Array]:
    """Return the arguments, whose values somebody else checks if not `checked`."""
    a = as_array("logits", logits, finite=checked)
    if not checked:
        eps = as_array("flip_probability", flip_probability, finite=False)
        y = as_array("labels", labels, finite=False)
    else:
        eps = _as_flip_probability(flip_probability)
        y = (
            _as_soft_labels("labels", labels)
            if soft
            else as_labels("labels", labels, (0, 1))
        )
    check_broadcast(logits=a, labels=y, flip_probability=eps)
    _check_columns("labels", y.shape, a.shape)
    return a, y, eps


def _check_columns(name: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """Refuse a column with a flat vector, which would broadcast to a square."""
    if math.prod(shape) > 1 and (shape == (*wanted, 1) or wanted == (*shape, 1)):
        raise ValueError(f"`{name}` has shape {shape}, expected {wanted}")


def _as_examples(activations: ArrayLike, labels: ArrayLike) -> tuple[_Array, _Array]:
    z = as_array("activations", activations, "n", "p")
    return z, _as_soft_labels("labels", labels, len(z))


def _as_logits(name: str, a: _Array) -> _Array:
    if not is_finite(a):
        raise ValueError(f"`{name}` give an infinite logit, expected finite ones")
    return a
