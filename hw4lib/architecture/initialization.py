r"""How large random weights should be: moments of pre-activations through depth.

The network throughout is a stack of layers of one width $M$ without biases,

$$
a^{(\ell)}_i = \sum_{j=1}^M w^{(\ell)}_{ij} f\bigl(a^{(\ell-1)}_j\bigr), \qquad
w^{(\ell)}_{ij} \sim N(0, \epsilon^2), \qquad a^{(0)}_j \sim N(0, \lambda^2),
$$

all draws independent, $f(a) = \max(0, a)$ or, with a slope $\alpha$ on the negative
side, the leaky ReLU. Scales may be up to $10^{50}$ in size. Probability is over the
weights *and* the inputs, except in
[`fixed_layer_moments`][hw4lib.architecture.initialization.fixed_layer_moments].

Everything rests on one fact. Given the layer before, $a^{(\ell)}$ is a Gaussian
vector with independent entries of variance $v_\ell$, and $v_\ell = v_{\ell-1} X_\ell$
with factors $X_\ell$ that are independent and equally distributed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_generator,
    as_integer,
    as_number,
    as_numbers,
    check_broadcast,
    check_memory,
    contract,
)
from hw4lib._typing import RNG, Real

__all__ = [
    "LayerMoments",
    "atom_probability",
    "characteristic_function",
    "fixed_layer_moments",
    "fixed_network_share",
    "he_standard_deviation",
    "preactivation_kurtosis",
    "preactivation_variance",
    "random_stack",
    "random_stack_variances",
    "squares_correlation",
]

# Squares of larger scales, and their products, leave the range of float64.
_LARGEST = 1e50
# Layers of the recursion of `fixed_network_share`: a second of work.
_DEEPEST = 10**5


@dataclass(frozen=True, eq=False)
class LayerMoments:
    """Mean and variance, over random inputs, of the units of a layer."""

    mean: NDArray[np.float64]
    """Mean of each unit."""

    variance: NDArray[np.float64]
    """Variance of each unit."""


@contract
def he_standard_deviation(
    fan_in: ArrayLike, *, slope: ArrayLike = 0.0
) -> NDArray[np.float64]:
    r"""Return $\epsilon = \sqrt{2 / ((1 + \alpha^2) M)}$, the scale of He et al.

    Weights of this standard deviation give every layer the second moment of the
    layer before. The slope $\alpha = 0$ is the ReLU, $\alpha = 1$ a linear layer.

    Args:
        fan_in: Number $M \ge 1$ of inputs of a unit, any shape.
        slope: Slope $\alpha$ on the negative side, any shape that broadcasts.

    Returns:
        The standard deviations, in the common shape.

    References:
        Homework 4, [Problem 3.1(a)][3-1-a]. He, Zhang, Ren and Sun, "Delving deep into
        rectifiers", 2015.

    Examples:
        >>> he_standard_deviation([2, 8, 200])
        array([1. , 0.5, 0.1])
    """
    M, alpha = _as_counts("fan_in", fan_in, at_least=1), _as_scale("slope", slope)
    check_broadcast(fan_in=M, slope=alpha)
    return np.asarray(np.sqrt(2.0 / M) / np.hypot(1.0, alpha))


@contract(infinite=True)
def preactivation_variance(
    depth: ArrayLike,
    width: ArrayLike,
    *,
    weight_std: ArrayLike | None = None,
    slope: ArrayLike = 0.0,
    variance: ArrayLike = 1.0,
) -> NDArray[np.float64]:
    r"""Return the variance of a pre-activation after layers of random weights.

    $$\operatorname{Var} a^{(L)}_i
    = \left(\tfrac{1 + \alpha^2}{2} M \epsilon^2\right)^L \lambda^2,$$

    exactly, at every width, if layer 0 is symmetric and the weights are independent of
    each other and of the layer before, with mean 0 and standard deviation $\epsilon$.
    They need not be Gaussian; but from depth 2 on they must be symmetric too, so that
    half of the second moment of a pre-activation is on either side of 0.

    Args:
        depth: Number $L \ge 0$ of layers of weights, any shape.
        width: Width $M \ge 1$ of the layers, any shape that broadcasts.
        weight_std: Standard deviation $\epsilon \ge 0$ of the weights; if left out, the
            [one of He et al.][hw4lib.architecture.initialization.he_standard_deviation]
        slope: Slope $\alpha$ on the negative side.
        variance: Variance $\lambda^2 > 0$ of layer 0.

    Returns:
        The variances, in the common shape; infinite beyond the range of float64.

    References:
        Homework 4, [Problem 3.1(a)][3-1-a].

    Examples:
        >>> preactivation_variance([0, 1, 50], 100)
        array([1., 1., 1.])
        >>> preactivation_variance([0, 1, 2], 100, weight_std=0.1)
        array([1.  , 0.5 , 0.25])
    """
    L, M, alpha, shape = _as_stack(depth, width, slope)
    start = _as_scale("variance", variance, above=0.0)
    check_broadcast(depth=L, width=M, slope=alpha, variance=start)
    gain = np.ones(shape)
    if weight_std is not None:
        epsilon = _as_scale("weight_std", weight_std, at_least=0.0)
        check_broadcast(
            depth=L, width=M, slope=alpha, variance=start, weight_std=epsilon
        )
        gain = epsilon * np.hypot(1.0, alpha) * np.sqrt(M / 2.0)
    growth = gain**L
    # In this order only a result that is too large itself overflows.
    return np.asarray(start * growth * growth)


@contract(infinite=True)
def preactivation_kurtosis(
    depth: ArrayLike, width: ArrayLike, *, slope: ArrayLike = 0.0
) -> NDArray[np.float64]:
    r"""Return the kurtosis of a pre-activation after layers of Gaussian weights.

    $$\frac{\operatorname E a^4}{(\operatorname E a^2)^2}
    = 3 \left(1 + \frac{c}{M}\right)^L, \qquad
    c = 5 - 12 \left(\frac{\alpha}{1 + \alpha^2}\right)^2,$$

    for independent Gaussian weights and an independent Gaussian layer 0, where a
    Gaussian has 3. For the ReLU $c = 5$, for a linear layer $c = 2$: no finite
    width keeps the distribution. The scale of the weights does not matter.

    Args:
        depth: Number $L \ge 0$ of layers of weights, any shape.
        width: Width $M \ge 1$ of the layers, any shape that broadcasts.
        slope: Slope $\alpha$ on the negative side.

    Returns:
        The kurtoses, in the common shape; infinite beyond the range of float64.

    References:
        Homework 4, [Problem 3.1(a)][3-1-a] and
        [the growth with depth][3-beyond-kurtosis].

    Examples:
        >>> preactivation_kurtosis([0, 1, 50], 100).round(2)
        array([ 3.  ,  3.15, 34.4 ])
    """
    return np.asarray(3.0 * np.exp(_log_spread(depth, width, slope)))


@contract
def squares_correlation(
    depth: ArrayLike, width: ArrayLike, *, slope: ArrayLike = 0.0
) -> NDArray[np.float64]:
    r"""Return the correlation of the squares of two units of one layer.

    $$\operatorname{corr}\bigl(a_i^2, a_k^2\bigr) = \frac{q - 1}{3q - 1}, \qquad
    q = \left(1 + \frac{c}{M}\right)^L,$$

    with the $c$ of
    [`preactivation_kurtosis`][hw4lib.architecture.initialization.preactivation_kurtosis].
    It is for independent Gaussian weights and an independent Gaussian layer 0, and
    widths of at least two. Two units are uncorrelated; that their squares are not shows
    that they depend on each other. After one ReLU layer it is $5 / (2M + 15)$; it tends
    to 1/3 with depth.

    Args:
        depth: Number $L \ge 0$ of layers of weights, any shape.
        width: Width $M \ge 1$ of the layers, any shape that broadcasts.
        slope: Slope $\alpha$ on the negative side.

    Returns:
        The correlations, in $[0, \tfrac13]$ and in the common shape.

    References:
        Homework 4, [the shared scale of a layer][3-beyond-kurtosis].

    Examples:
        >>> squares_correlation([0, 1], 10).round(4)
        array([0.    , 0.1429])
    """
    # In 1/q, which cannot overflow.
    spread = _log_spread(depth, width, slope)
    return np.asarray(-np.expm1(-spread) / (3.0 - np.exp(-spread)))


@contract
def characteristic_function(
    t: ArrayLike,
    width: ArrayLike,
    *,
    weight_std: ArrayLike | None = None,
    slope: ArrayLike = 0.0,
    variance: ArrayLike = 1.0,
) -> NDArray[np.float64]:
    r"""Return $\operatorname E e^{i t a}$ of a pre-activation after one layer.

    $$\varphi(t) = \left[\tfrac12 (1 + t^2 \epsilon^2 \lambda^2)^{-1/2}
    + \tfrac12 (1 + \alpha^2 t^2 \epsilon^2 \lambda^2)^{-1/2}\right]^M,$$

    for independent Gaussian weights and inputs $N(0, \lambda^2)$, and real since $a$ is
    symmetric. A Gaussian of the same variance has $e^{-t^2 V / 2}$,
    which this approaches as $M \to \infty$ but never is. For the ReLU it tends to
    $2^{-M} > 0$ for large $t$: the
    [atom][hw4lib.architecture.initialization.atom_probability] at 0.

    Args:
        t: Frequencies $t$, any shape.
        width: Number $M \ge 1$ of inputs of the unit, any shape that broadcasts.
        weight_std: Standard deviation $\epsilon \ge 0$ of the weights; if left out, the
            [one of He et al.][hw4lib.architecture.initialization.he_standard_deviation]
        slope: Slope $\alpha$ on the negative side.
        variance: Variance $\lambda^2 > 0$ of the layer before.

    Returns:
        Values in $[0, 1]$, in the common shape.

    References:
        Homework 4, [no finite width is Gaussian][3-beyond-gaussian].

    Examples:
        >>> characteristic_function([0.0, 1.0, 1e9], 2).round(4)
        array([1.    , 0.7286, 0.25  ])
    """
    t, M = as_array("t", t), _as_counts("width", width, at_least=1)
    alpha, start = _as_scale("slope", slope), _as_scale("variance", variance, above=0.0)
    check_broadcast(t=t, width=M, slope=alpha, variance=start)
    if weight_std is None:
        weight_std = he_standard_deviation(M, slope=alpha)
    epsilon = _as_scale("weight_std", weight_std, at_least=0.0)
    check_broadcast(t=t, width=M, slope=alpha, variance=start, weight_std=epsilon)
    active = _log1p_squared_product(t, epsilon, np.sqrt(start))
    leaking = _log1p_squared_product(t, epsilon, np.sqrt(start), alpha)
    # Through logarithms of 1 + small: for large M the base is next to 1.
    surplus = 0.5 * (np.expm1(-0.5 * active) + np.expm1(-0.5 * leaking))
    return np.asarray(np.exp(M * np.log1p(surplus)))


@contract
def atom_probability(
    depth: ArrayLike, width: ArrayLike, *, slope: ArrayLike = 0.0
) -> NDArray[np.float64]:
    r"""Return the probability that a pre-activation is exactly 0.

    For independent weights and a first layer, all symmetric and never exactly 0, a unit
    is 0 if and only if all $M$ units of some layer before were off, so that nothing
    passed. For the ReLU that is $1 - (1 - 2^{-M})^L$. A leaky unit is
    never off.

    Args:
        depth: Number $L \ge 0$ of layers of weights, any shape.
        width: Width $M \ge 1$ of the layers, any shape that broadcasts.
        slope: Slope $\alpha$ on the negative side.

    Returns:
        The probabilities, in the common shape.

    References:
        Homework 4, [no finite width is Gaussian][3-beyond-gaussian].

    Examples:
        >>> atom_probability([0, 1, 2], 2)
        array([0.    , 0.25  , 0.4375])
    """
    L, M, alpha, _ = _as_stack(depth, width, slope)
    dead = np.where(alpha == 0.0, np.exp2(-M), 0.0)
    return np.asarray(-np.expm1(L * np.log1p(-dead)))


@contract
def fixed_network_share(
    *, depth: ArrayLike = 1, slope: ArrayLike = 0.0
) -> NDArray[np.float64]:
    r"""Return the share of the variance that one fixed network shows across inputs.

    The variance over weights and inputs is the mean over weights of the variance across
    inputs, plus the variance over weights of the mean across inputs. The share of the
    first is $s_L = 1 - \rho_L$ with the correlation $\rho_L$ of one unit at two
    independent inputs. As $M \to \infty$ the two pre-activations are Gaussian, and with
    $\cos\theta = \rho$ and the arc-cosine kernel of degree 1

    $$
    s_0 = 1, \qquad
    s_{\ell+1} = s_\ell - \frac{(1 - \alpha)^2}{\pi (1 + \alpha^2)}
    (\sin \theta_\ell - \theta_\ell \cos \theta_\ell), \qquad
    \cos \theta_\ell = 1 - s_\ell.
    $$

    After one layer this is exact at every width: $1 - 1/\pi$ for the ReLU.

    Args:
        depth: Number $L$ of layers of weights, from 0 to $10^5$, any shape; one step of
            the recursion a layer.
        slope: Slope $\alpha$ on the negative side, any shape that broadcasts.

    Returns:
        The shares, in the common shape.

    References:
        Homework 4, [what one network keeps][3-beyond-fixed].

    Examples:
        >>> fixed_network_share(depth=[1, 2, 3, 5]).round(3)
        array([0.682, 0.506, 0.395, 0.264])
    """
    L, alpha = _as_counts("depth", depth, at_least=0), _as_scale("slope", slope)
    shape = check_broadcast(depth=L, slope=alpha)
    as_numbers("depth", L, at_most=_DEEPEST)
    bend = ((1.0 - alpha) / np.hypot(1.0, alpha)) ** 2 / np.pi
    s, shares = np.ones(alpha.shape), np.ones(shape)
    for layer in range(1, int(L.max(initial=0)) + 1):
        theta = 2.0 * np.arcsin(np.sqrt(0.5 * s))  # cos(theta) = 1 - s
        s = s - bend * (np.sin(theta) - theta * np.cos(theta))
        shares = np.where(layer <= L, s, shares)
    return np.asarray(shares)


@contract
def fixed_layer_moments(
    weights: ArrayLike, *, slope: Real = 0.0, variance: Real = 1.0
) -> LayerMoments:
    r"""Return mean and variance across inputs of the units of one fixed layer.

    The weights are given; probability is over the pre-activations $N(0, \lambda^2)$ of
    the layer before alone. Then

    $$
    \begin{aligned}
    \operatorname E_x a_i &= \frac{(1 - \alpha) \lambda}{\sqrt{2\pi}} \sum_j w_{ij}, \\
    \operatorname{Var}_x a_i &= \lambda^2 \Bigl(\frac{1 + \alpha^2}{2}
    - \frac{(1 - \alpha)^2}{2\pi}\Bigr) \sum_j w_{ij}^2.
    \end{aligned}
    $$

    Args:
        weights: Weights $w$, shape `(..., M)`, the last axis over the inputs of a unit.
        slope: Slope $\alpha$ on the negative side.
        variance: Variance $\lambda^2 > 0$ of the layer before.

    Returns:
        The moments, each of shape `(...)`.

    References:
        Homework 4, [what one network keeps][3-beyond-fixed].

    Examples:
        >>> moments = fixed_layer_moments([[1.0, 1.0], [1.0, -1.0]])
        >>> moments.mean, moments.variance
        (array([0.79788456, 0.        ]), array([0.68169011, 0.68169011]))
    """
    w = _as_scale("weights", as_array("weights", weights, "...", "M"))
    alpha = as_number("slope", slope, at_least=-_LARGEST, at_most=_LARGEST)
    start = as_number("variance", variance, above=0.0, at_most=_LARGEST)
    mean = (1.0 - alpha) * np.sqrt(start / (2.0 * np.pi))
    second = 0.5 * (1.0 + alpha * alpha) * start
    return LayerMoments(
        mean=np.asarray(mean * w.sum(axis=-1)),
        variance=np.asarray((second - mean * mean) * (w * w).sum(axis=-1)),
    )


@contract
def random_stack(
    depth: int,
    width: int,
    *,
    rng: RNG,
    networks: int = 1,
    weight_std: Real | None = None,
    slope: Real = 0.0,
    variance: Real = 1.0,
) -> Iterator[NDArray[np.float64]]:
    r"""Yield the pre-activations of random networks, one layer after the other.

    No weight is drawn. Given the layer before, the $M$ units are independent
    $N(0, v)$ with $v = \epsilon^2 \lVert f(a^{(\ell-1)}) \rVert^2$, so a layer costs
    $M$ Gaussians in place of $M^2$, and the joint distribution of all layers is exactly
    that of a stack whose weights are drawn. Memory is that of one layer at any depth.

    Args:
        depth: Number $L \ge 0$ of layers of weights.
        width: Width $M \ge 1$ of the layers.
        rng: A seed or a generator, as `numpy.random.default_rng` takes it.
        networks: Number of independent networks, each with an input of its own.
        weight_std: Standard deviation $\epsilon \ge 0$ of the weights; if left out, the
            [one of He et al.][hw4lib.architecture.initialization.he_standard_deviation]
        slope: Slope $\alpha$ on the negative side.
        variance: Variance $\lambda^2 > 0$ of layer 0.

    Returns:
        An iterator over layers 0 to `depth`, each of shape `(networks, width)`. A
        standard deviation $\sqrt v$ that grows beyond $10^{150}$ is cut to it.

    Raises:
        MemoryError: If a layer does not fit into memory.

    References:
        Homework 4, [Problem 3.1(a)][3-1-a].

    Examples:
        >>> layers = random_stack(50, 512, rng=0, networks=20)
        >>> [layer.shape for layer in layers][::25]
        [(20, 512), (20, 512), (20, 512)]
    """
    generator = as_generator(rng)
    L, M, n, (epsilon, alpha, start) = _as_simulation(
        depth, width, networks, scales=(weight_std, slope, variance)
    )
    check_memory(*(("networks", n) if n > M else ("width", M)), n, M)
    # Arguments are checked at the call; a generator would wait for the first layer.
    return _layers(generator, L, (n, M), epsilon=epsilon, alpha=alpha, start=start)


@contract(infinite=True)
def random_stack_variances(
    depth: int,
    width: int,
    *,
    rng: RNG,
    networks: int = 1,
    weight_std: Real | None = None,
    slope: Real = 0.0,
    variance: Real = 1.0,
) -> NDArray[np.float64]:
    r"""Return draws of the variance of each layer given the layers before it.

    The factors of $v_\ell = v_{\ell-1} X_\ell$ are
    $X = \epsilon^2 (\chi^2_K + \alpha^2 \chi^2_{M-K})$ where the number $K$ of units
    that are on is binomial. Three draws make a layer at any width, so this reaches
    depths and numbers of networks that
    [`random_stack`][hw4lib.architecture.initialization.random_stack] cannot, with the
    same distribution.

    Args:
        depth: Number $L \ge 0$ of layers of weights.
        width: Width $M \ge 1$ of the layers.
        rng: A seed or a generator, as `numpy.random.default_rng` takes it.
        networks: Number of independent networks.
        weight_std: Standard deviation $\epsilon \ge 0$ of the weights; if left out, the
            [one of He et al.][hw4lib.architecture.initialization.he_standard_deviation]
        slope: Slope $\alpha$ on the negative side.
        variance: Variance $\lambda^2 > 0$ of layer 0.

    Returns:
        The variances $v_0, \dots, v_L$, shape `(depth + 1, networks)`; infinite beyond
        the range of float64. Their mean estimates the variance of a pre-activation;
        thrice the mean of their squares, its fourth moment.

    Raises:
        MemoryError: If the result does not fit into memory.

    References:
        Homework 4, [the growth with depth][3-beyond-kurtosis].

    Examples:
        >>> v = random_stack_variances(6, 20, rng=0, networks=10_000)
        >>> v.mean(axis=1).round(1)
        array([1., 1., 1., 1., 1., 1., 1.])
    """
    generator = as_generator(rng)
    L, M, n, (epsilon, alpha, start) = _as_simulation(
        depth, width, networks, scales=(weight_std, slope, variance)
    )
    check_memory(*(("networks", n) if n > L else ("depth", L)), L + 1, n)
    on = generator.binomial(M, 0.5, size=(L, n))
    # A gamma of shape K/2 is half a chi-squared of K; K = 0 is allowed and gives 0.
    squares = 2.0 * generator.standard_gamma(on / 2.0)
    if alpha:
        squares += 2.0 * alpha**2 * generator.standard_gamma((M - on) / 2.0)
    # Summed as logarithms: no product of an overflow and a dead layer is NaN.
    steps = np.log(squares) + 2.0 * np.log(epsilon)
    half = np.vstack([np.zeros(n), 0.5 * np.cumsum(steps, axis=0)])
    growth = np.exp(half)
    # In this order only a result that is too large itself overflows.
    return np.asarray(start * growth * growth)


def _layers(
    rng: np.random.Generator,
    depth: int,
    size: tuple[int, int],
    *,
    epsilon: float,
    alpha: float,
    start: float,
) -> Iterator[NDArray[np.float64]]:
    scale = np.full((size[0], 1), np.sqrt(start))
    for _ in range(depth + 1):
        g = rng.standard_normal(size)
        with np.errstate(all="ignore"):  # of the program that draws the layers
            layer = scale * g
            # As f(scale * g) = scale * f(g), only the scale can overflow.
            z = np.where(g > 0.0, g, alpha * g)
            norm = np.sqrt(np.vecdot(z, z))[:, None]
            scale = np.minimum(epsilon * scale * norm, _LARGEST**3)
        yield layer


def _log_spread(
    depth: ArrayLike, width: ArrayLike, slope: ArrayLike
) -> NDArray[np.float64]:
    r"""Return $\log \operatorname E v_L^2 / (\operatorname E v_L)^2$."""
    L, M, alpha, _ = _as_stack(depth, width, slope)
    h = np.hypot(1.0, alpha)
    return np.asarray(L * np.log1p((5.0 - 12.0 * (alpha / h / h) ** 2) / M))


def _log1p_squared_product(*factors: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Return $\log(1 + \prod_i f_i^2)$ where the product may overflow."""
    return np.asarray(np.logaddexp(0.0, 2.0 * sum(np.log(np.abs(f)) for f in factors)))


def _as_counts(name: str, value: ArrayLike, *, at_least: int) -> NDArray[np.float64]:
    counts = as_numbers(name, value, at_least=at_least)
    broken = counts != np.floor(counts)
    if broken.any():
        raise ValueError(f"`{name}` holds {counts[broken][0]}, expected integers")
    return counts


def _as_scale(
    name: str,
    value: ArrayLike,
    *,
    above: float = -np.inf,
    at_least: float = -_LARGEST,
) -> NDArray[np.float64]:
    return as_numbers(name, value, above=above, at_least=at_least, at_most=_LARGEST)


def _as_stack(
    depth: ArrayLike, width: ArrayLike, slope: ArrayLike
) -> tuple[
    NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], tuple[int, ...]
]:
    L = _as_counts("depth", depth, at_least=0)
    M = _as_counts("width", width, at_least=1)
    alpha = _as_scale("slope", slope)
    return L, M, alpha, check_broadcast(depth=L, width=M, slope=alpha)


def _as_simulation(
    depth: int,
    width: int,
    networks: int,
    *,
    scales: tuple[Real | None, Real, Real],
) -> tuple[int, int, int, tuple[float, float, float]]:
    L = as_integer("depth", depth, at_least=0)
    M = as_integer("width", width, at_least=1, at_most=2**53)
    n = as_integer("networks", networks, at_least=1)
    weight_std, slope, variance = scales
    alpha = as_number("slope", slope, at_least=-_LARGEST, at_most=_LARGEST)
    start = as_number("variance", variance, above=0.0, at_most=_LARGEST)
    if weight_std is None:
        weight_std = float(he_standard_deviation(M, slope=alpha))
    epsilon = as_number("weight_std", weight_std, at_least=0.0, at_most=_LARGEST)
    return L, M, n, (epsilon, alpha, start)
