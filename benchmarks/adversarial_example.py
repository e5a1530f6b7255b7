"""Problem 5: the exact minimizer, one adversarial example, and a path of descent."""

import math

import numpy as np

from benchmarks import peers
from benchmarks.kernel import Kernel
from hw4lib.adversarial_example import (
    boundary_projection,
    gradient_descent,
    minimizing_logit,
)

MARGIN = 2.0

# Penalties at which the minimizer is above the boundary, so that peers can find it too.
MINIMIZER = Kernel(
    "exact minimizer for each penalty",
    inputs=lambda rng, n: (rng.uniform(0.07, 2.0, n),),
    sizes=[{"n": 10**4}, {"n": 10**6}],
    small={"n": 50},
)


@MINIMIZER.ours
def _(beta):
    return lambda: minimizing_logit(MARGIN, beta)


@MINIMIZER.peer("SciPy find_root")
def find_root(beta):
    from scipy.optimize.elementwise import find_root

    def slope(m, beta):
        decay = np.exp(-np.abs(m))
        return 2.0 * beta * (m - MARGIN) + decay / (1.0 + decay) ** 2

    ends = np.zeros_like(beta), np.full_like(beta, MARGIN)
    return lambda: find_root(slope, ends, args=(beta,)).x


def _example(rng, d):
    w = rng.normal(size=d) / math.sqrt(d)
    x = rng.uniform(size=d)
    return x, w, MARGIN - float(w @ x)


ONE = Kernel(
    "closest point of the boundary, one input",
    inputs=_example,
    sizes=[{"d": 10}, {"d": 10**5}],
    small={"d": 20},
    tolerance=(0.0, 0.2),
)


@ONE.ours
def _(x, w, bias):
    return lambda: boundary_projection(x, w, bias)


@ONE.peer("foolbox DeepFool", work="goes 2 % past the boundary")
def deep_fool(x, w, bias):
    torch = peers.torch()
    import eagerpy
    import foolbox

    class Sigmoid(torch.nn.Module):
        def forward(self, inputs):
            m = inputs @ weights + bias
            return torch.stack([torch.zeros_like(m), m], dim=-1)

    weights = torch.tensor(w)
    bounds = float(x.min()) - 10.0, float(x.max()) + 10.0
    model = foolbox.PyTorchModel(Sigmoid().eval(), bounds=bounds, device="cpu")
    attack = foolbox.attacks.L2DeepFoolAttack(steps=50, candidates=2, overshoot=0.02)
    inputs, labels = torch.tensor(x)[None], torch.tensor([1])
    assert eagerpy
    return lambda: attack.run(
        model, inputs, foolbox.criteria.Misclassification(labels)
    )[0]


def _descent(rng, T, d):
    return *_example(rng, d), T


ALPHA, RATE = 0.02, 0.01

PATH = Kernel(
    "path of gradient descent",
    inputs=_descent,
    sizes=[{"T": t, "d": 10**4} for t in (1000, 10_000)],
    small={"T": 40, "d": 5},
)


@PATH.engines
def our_path(engine, x, w, bias, T):
    def call():
        run = gradient_descent(
            x, w, bias, ALPHA, step_size=RATE, steps=T, engine=engine
        )
        return run.x, run.logits

    return call


@PATH.peer("plain NumPy")
def numpy_path(original, w, bias, T):
    def call():
        x, logits = original.copy(), np.empty(T + 1)
        for t in range(T + 1):
            m = logits[t] = w @ x + bias
            if t < T:
                h = 1.0 / (1.0 + np.exp(-m))
                slope = h * (1.0 - h) if m > 0.0 else 0.0
                x = x - RATE * (2.0 * ALPHA * (x - original) + slope * w)
        return x, logits

    return call


@PATH.peer("torch autograd", at_most=1000)
def torch_path(original, w, bias, T):
    torch = peers.torch()
    original, w = torch.tensor(original), torch.tensor(w)

    def call():
        x, logits = original.clone().requires_grad_(), torch.empty(T + 1)
        optimizer = torch.optim.SGD([x], lr=RATE)
        for t in range(T + 1):
            optimizer.zero_grad()
            m = w @ x + bias
            logits[t] = m.detach()
            if t < T:
                above = torch.relu(torch.sigmoid(m) - 0.5)
                (ALPHA * ((x - original) ** 2).sum() + above).backward()
                optimizer.step()
        return x.detach(), logits

    return call


@PATH.peer("JAX scan", jit=True)
def jax_path(original, w, bias, T):
    jax = peers.jax()
    original, w = jax.numpy.asarray(original), jax.numpy.asarray(w)

    def objective(x):
        m = w @ x + bias
        above = jax.nn.relu(jax.nn.sigmoid(m) - 0.5)
        return ALPHA * ((x - original) ** 2).sum() + above, m

    def step(x, _):
        gradient, m = jax.grad(objective, has_aux=True)(x)
        return x - RATE * gradient, m

    @jax.jit
    def run():
        x, logits = jax.lax.scan(step, original, length=T)
        return x, jax.numpy.append(logits, w @ x + bias)

    return lambda: jax.block_until_ready(run())
