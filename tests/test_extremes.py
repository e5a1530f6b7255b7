"""Functions against their definitions with 450 digits, at the ends of the floats."""

import itertools

import mpmath
import numpy as np
import pytest
from mpmath import mp

from hw4lib.activations import (
    leaky_relu,
    relu,
    sigmoid,
    sigmoid_derivative,
    softplus,
)
from hw4lib.adversarial_example import (
    escape_time,
    hinge_minimizing_logit,
    reduced_objective,
)
from hw4lib.architecture import he_standard_deviation
from hw4lib.backpropagation import relu_output_loss, relu_output_loss_derivative
from hw4lib.noisy_targets import (
    backward_corrected_gradient,
    backward_corrected_loss,
    convexity_threshold,
    label_posterior,
    logit_information,
    noisy_cross_entropy,
    noisy_cross_entropy_gradient,
    noisy_probability,
    sample_weight,
)
from hw4lib.online_learning import (
    decaying_step_bound,
    decaying_step_size,
    gradient_norm_bound,
    gradient_step,
    logistic_loss,
    logistic_loss_gradient,
    offset_step_bound,
    offset_step_size,
    regret_bound,
    tuned_bound,
    tuned_step_size,
)

LARGEST = float(np.finfo(float).max)
SMALLEST = float(np.finfo(float).tiny)  # below it floats have fewer digits
POSITIVE = [5e-324, 1e-300, 1e-150, 0.3, 1.0, 2.5, 30.0, 1e150, 1e300, LARGEST]
REAL = [0.0, *POSITIVE, *(-x for x in POSITIVE), 700.0, -700.0]
LOGITS = [x for x in REAL if abs(x) <= 1e150]
ROUNDS = [1.0, 2.0, 1e6, 1e150, 1e300, LARGEST]
NORMAL = [x for x in REAL if not 0.0 < abs(x) < 1e-300]  # halves keep their digits
FLIPS = [0.0, 5e-324, 1e-150, 1e-17, 0.1, 0.3, 0.4999999999, 0.49999999999999994]
CLEAN, SIGN = [0.0, 1.0], [-1.0, 1.0]
HALF = mpmath.mpf("0.5")


def h(z):
    return 1 / (1 + mp.exp(-z))


def loss(m):
    return mp.log(1 + mp.exp(-m)) if m > -10000 else -m


def q(a, eps):
    return eps * h(-a) + (1 - eps) * h(a)


def likelihood(a, y, eps):
    a = a if y else -a
    if a < -10000 and not eps:
        return -a
    return -mp.log(q(a, eps))


def gradient(a, y, eps):
    a, sign = (a, -1) if y else (-a, 1)
    if a < -10000 and not eps:
        return mpmath.mpf(sign)
    return sign * (1 - 2 * eps) * h(a) * h(-a) / q(a, eps)


def posterior(a, y, eps):
    if y:
        return (1 - eps) * h(a) / q(a, eps) if eps else mpmath.mpf(1)
    return eps * h(a) / q(-a, eps) if eps else mpmath.mpf(0)


def corrected(a, y, eps):
    m = a if y else -a
    return [loss(m), -eps / (1 - 2 * eps) * m]


def corrected_gradient(a, y, eps):
    m, sign = (a, 1) if y else (-a, -1)
    return [-sign * h(-m), -sign * eps / (1 - 2 * eps)]


def boundary(margin, time):
    return 2 * margin + 2 * mp.sinh(margin) if time and margin > 0 else 0 * margin


def offset(t, R, D):
    return 1 / (2 * t + R**2 / 4 + R**2 / (8 * D**2))


def offset_bound(n, R, D):
    grown = mp.log1p(16 * D**2 * (n - 1) / R**2)
    return (R**2 * D**2 / 8 + R**2 / 16 + D**2 + R**2 / 16 * grown) / n


NOISY = (LOGITS, CLEAN, FLIPS)
CASES = {
    "relu": (relu, lambda z: max(z, 0), REAL),
    "leaky_relu": (
        lambda z, a: leaky_relu(z, slope=a),
        lambda z, a: z if z > 0 else a * z,
        REAL,
        REAL,
    ),
    "sigmoid": (sigmoid, h, REAL),
    "sigmoid_derivative": (sigmoid_derivative, lambda z: h(z) * h(-z), REAL),
    "softplus": (softplus, lambda z: loss(-z), REAL),
    "noisy_probability": (
        lambda a, e: noisy_probability(a, flip_probability=e),
        q,
        REAL,
        FLIPS,
    ),
    "noisy_cross_entropy": (
        lambda a, y, e: noisy_cross_entropy(a, y, flip_probability=e),
        likelihood,
        *NOISY,
    ),
    "noisy_cross_entropy_gradient": (
        lambda a, y, e: noisy_cross_entropy_gradient(a, y, flip_probability=e),
        gradient,
        *NOISY,
    ),
    "label_posterior": (
        lambda a, y, e: label_posterior(a, y, flip_probability=e),
        posterior,
        *NOISY,
    ),
    "sample_weight": (
        lambda a, y, e: sample_weight(a, y, flip_probability=e),
        lambda a, y, e: (
            (1 - 2 * e) * (h(a if y else -a) / q(a if y else -a, e))
            if e
            else mpmath.mpf(1)
        ),
        *NOISY,
    ),
    "backward_corrected_loss": (
        lambda a, y, e: backward_corrected_loss(a, y, flip_probability=e),
        corrected,
        *NOISY,
    ),
    "backward_corrected_gradient": (
        lambda a, y, e: backward_corrected_gradient(a, y, flip_probability=e),
        corrected_gradient,
        *NOISY,
    ),
    "convexity_threshold": (
        convexity_threshold,
        lambda e: -mp.log((1 - e) / e) / 2,
        FLIPS[1:],
    ),
    "logit_information": (
        lambda a, e: logit_information(a, flip_probability=e),
        lambda a, e: (1 - 2 * e) ** 2 * (h(a) * h(-a)) ** 2 / (q(a, e) * q(-a, e)),
        LOGITS,
        FLIPS,
    ),
    "relu_output_loss": (
        relu_output_loss,
        lambda z, t: (max(z, 0) - t) ** 2 / 2,
        REAL,
        REAL,
    ),
    "relu_output_loss_derivative": (
        relu_output_loss_derivative,
        lambda z, t: (z - t) * (z > 0),
        REAL,
        REAL,
    ),
    "logistic_loss": (
        lambda x, y, w: logistic_loss([x], y, [w]),
        lambda x, y, w: loss(y * x * w) + w**2,
        REAL,
        SIGN,
        REAL,
    ),
    "logistic_loss_gradient": (
        lambda x, y, w: logistic_loss_gradient([x], y, [w])[0],
        lambda x, y, w: [2 * w, -y * x * h(-y * x * w)],
        REAL,
        SIGN,
        REAL,
    ),
    "gradient_step": (
        lambda x, w, eta: gradient_step([x], 1, [w], eta)[0],
        lambda x, w, eta: [(1 - 2 * eta) * w, eta * x * h(-x * w)],
        NORMAL,
        REAL,
        POSITIVE[:-1],
    ),
    "regret_bound": (
        lambda d, g, eta: regret_bound(d, g, eta, 3),
        lambda d, g, eta: (d**2 / eta + eta * g) / 6,
        [0.0, *POSITIVE],
        [0.0, *POSITIVE],
        POSITIVE,
    ),
    "tuned_bound": (
        tuned_bound,
        lambda n, R, D: D * (R + 2 * D) / mp.sqrt(n),
        ROUNDS,
        POSITIVE,
        POSITIVE,
    ),
    "tuned_step_size": (
        tuned_step_size,
        lambda n, R, D: D / ((R + 2 * D) * mp.sqrt(n)),
        ROUNDS,
        POSITIVE,
        POSITIVE,
    ),
    "gradient_norm_bound": (
        gradient_norm_bound,
        lambda r, R: 2 * r + R * h(r * R),
        POSITIVE,
        POSITIVE,
    ),
    "decaying_step_size": (
        lambda t, lam: decaying_step_size(t, regularization=lam),
        lambda t, lam: 1 / (2 * lam * t),
        ROUNDS,
        POSITIVE,
    ),
    "decaying_step_bound": (
        lambda n, R, lam: decaying_step_bound(n, R, regularization=lam),
        lambda n, R, lam: R**2 * (1 + mp.log(n)) / (lam * n),
        ROUNDS,
        POSITIVE,
        POSITIVE,
    ),
    "offset_step_size": (offset_step_size, offset, ROUNDS, POSITIVE, POSITIVE),
    "offset_step_bound": (offset_step_bound, offset_bound, ROUNDS, POSITIVE, POSITIVE),
    "he_standard_deviation": (
        lambda m, a: he_standard_deviation(m, slope=a),
        lambda m, a: mp.sqrt(2 / ((1 + a**2) * m)),
        [1, 3, 10**6, 2**53],
        REAL,
    ),
    "reduced_objective": (
        reduced_objective,
        lambda m, m0, beta: beta * (m0 - m) ** 2 + max(0, h(m) - HALF),
        LOGITS,
        LOGITS,
        [0.0, *POSITIVE],
    ),
    "hinge_minimizing_logit": (
        hinge_minimizing_logit,
        lambda m0, beta: min(m0, max(0, m0 - 1 / (2 * beta))),
        LOGITS,
        POSITIVE,
    ),
    "escape_time": (escape_time, lambda m0: boundary(m0, 1), LOGITS),
}
COMPILED = {
    "noisy_cross_entropy": noisy_cross_entropy,
    "noisy_cross_entropy_gradient": noisy_cross_entropy_gradient,
}
CASES |= {
    f"{name}, compiled": (
        lambda a, y, e, function=function: function(
            a, y, flip_probability=e, engine="numba"
        ),
        *CASES[name][1:],
    )
    for name, function in COMPILED.items()
}
"""The function, its definition, and what is drawn for each argument.

Where a definition is a sum in which digits cancel, it is a list of the terms: their
sizes say how many digits a float has.
"""


@pytest.mark.parametrize("name", CASES)
def test_definition(name):
    """Right to 12 digits, or past the largest float and refused."""
    if name.endswith("compiled"):
        pytest.importorskip("numba")
    function, definition, *drawn = CASES[name]
    rng = np.random.default_rng(5)
    points = list(itertools.product(*drawn))
    if len(points) > 400:
        points = [points[i] for i in rng.choice(len(points), 400, replace=False)]
    for point in points:
        with mp.workprec(1500):
            terms = definition(*(mpmath.mpf(x) for x in point))
            terms = terms if isinstance(terms, list) else [terms]
            exact, size = mp.fsum(terms), max(abs(term) for term in terms)
            past = abs(exact) > LARGEST
            near = bool(past) or size > LARGEST / 16
        try:
            value = float(function(*point))
        except ValueError as error:
            if "too large for a float" in str(error) and not near:
                pytest.fail(f"{point}: {error}")
            continue
        if np.isinf(value):
            assert past, (point, value, exact)
            continue
        with mp.workprec(1500):
            allowed = 1e-12 * size + 2 * SMALLEST
            assert abs(value - exact) <= allowed, (point, value, mp.nstr(exact, 17))
