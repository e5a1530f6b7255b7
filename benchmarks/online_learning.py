"""Problem 4: one stream, many step sizes in one pass, and the batch optimum.

A run returns the last weights, the sum of the losses and the sum of the squared
gradients. Step sizes keep the squared length of a sample times a quarter of the step
below 2: beyond, the recursion is chaotic and no two programs agree.
"""

import math

import numpy as np

from benchmarks import peers
from benchmarks.kernel import Kernel
from hw4lib.online_learning import batch_optimum, online_gradient_descent

UPDATES = "updates only, no losses or gradients"
EARLIER = "stops at a gradient of 1e-8, ours at rounding"


def _samples(rng, n, p):
    X = rng.normal(size=(n, p)) * math.sqrt(4.0 / p)
    y = np.where(X[:, 0] + rng.logistic(size=n) > 0.0, 1.0, -1.0)
    return X, y


def _stream(rng, n, p):
    return *_samples(rng, n, p), 0.01


def _sweep(rng, S, p, n):
    return *_samples(rng, n, p), np.geomspace(1e-3, 0.2, S)


STREAMS = [
    Kernel(
        "online gradient descent, one stream, p = 2",
        inputs=_stream,
        sizes=[{"n": 10**3, "p": 2}, {"n": 10**4, "p": 2}],
        small={"n": 60, "p": 3},
        tolerance=(1e-8, 1e-10),
    ),
    Kernel(
        "online gradient descent, one stream, p = 1000",
        inputs=_stream,
        sizes=[{"n": 10**3, "p": 1000}, {"n": 10**4, "p": 1000}],
        small={"n": 60, "p": 3},
        tolerance=(1e-8, 1e-10),
    ),
]

SWEEPS = [
    Kernel(
        "many step sizes in one pass, n = 1000, p = 2",
        inputs=_sweep,
        sizes=[{"S": s, "p": 2, "n": 1000} for s in (10, 1000)],
        small={"S": 4, "p": 3, "n": 30},
        tolerance=(1e-8, 1e-10),
    ),
    Kernel(
        "many step sizes in one pass, n = 100, p = 1000",
        inputs=_sweep,
        sizes=[{"S": s, "p": 1000, "n": 100} for s in (10, 1000)],
        small={"S": 4, "p": 3, "n": 30},
        tolerance=(1e-8, 1e-10),
    ),
]


def everywhere(name, *, of, **options):
    """Register one peer with several kernels."""

    def register(prepare):
        for kernel in of:
            kernel.peer(name, **options)(prepare)
        return prepare

    return register


def ours(engine, X, y, eta):
    def call():
        run = online_gradient_descent(X, y, eta, keep="totals", engine=engine)
        return run.weights, run.total_loss, run.total_squared_gradient

    return call


for each in STREAMS + SWEEPS:
    each.engines(ours)


@everywhere("naive NumPy", of=STREAMS)
def naive(X, y, eta):
    def call():
        w, loss, squares = np.zeros(X.shape[1]), 0.0, 0.0
        for x, label in zip(X, y, strict=True):
            margin = label * np.dot(w, x)
            gradient = -label * x / (1.0 + np.exp(margin)) + 2.0 * w
            loss += np.log1p(np.exp(-margin)) + np.sum(w**2)
            squares += np.sum(gradient**2)
            w = w - eta * gradient
        return w, loss, squares

    return call


def _classifier(eta):
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(
        loss="log_loss",
        alpha=2.0,
        fit_intercept=False,
        shuffle=False,
        learning_rate="constant",
        eta0=eta,
    )


@everywhere("scikit-learn", of=STREAMS, work=UPDATES)
def sklearn_whole(X, y, eta):
    fresh = _classifier  # a fitted one would go on from its weights

    def call():
        return fresh(eta).partial_fit(X, y, classes=[-1.0, 1.0]).coef_[0]

    return call


@everywhere(
    "scikit-learn, row by row",
    of=STREAMS,
    work=UPDATES,
    at_most=10**3,
)
def sklearn_rows(X, y, eta):
    def call():
        model = _classifier(eta)
        for i in range(len(X)):
            model.partial_fit(X[i : i + 1], y[i : i + 1], classes=[-1.0, 1.0])
        return model.coef_[0]

    return call


@everywhere("river", of=STREAMS, work=UPDATES, at_most=10**3)
def river(X, y, eta):
    from river import linear_model, optim

    rows = [dict(enumerate(row)) for row in X.tolist()]
    labels = [label > 0.0 for label in y.tolist()]

    def call():
        model = linear_model.LogisticRegression(
            optim.SGD(eta), l2=2.0, intercept_lr=0.0
        )
        for row, label in zip(rows, labels, strict=True):
            model.learn_one(row, label)
        return [model.weights[j] for j in range(X.shape[1])]

    return call


@everywhere("torch", of=STREAMS, work=UPDATES)
def torch_loop(X, y, eta):
    torch = peers.torch()
    X, y = torch.tensor(X), torch.tensor(y)

    def call():
        w = torch.zeros(X.shape[1], requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=eta)
        for x, label in zip(X, y, strict=True):
            optimizer.zero_grad()
            (torch.nn.functional.softplus(-label * (w @ x)) + w @ w).backward()
            optimizer.step()
        return w.detach()

    return call


def _jax_run(jax):
    """Return a run as a scan, with the same totals as ours."""
    jnp = jax.numpy

    def run(X, y, eta):
        def step(state, sample):
            w, total, squares = state
            x, label = sample
            margin = label * (w @ x)
            gradient = 2.0 * w - label * jax.nn.sigmoid(-margin) * x
            total += jax.nn.softplus(-margin) + w @ w
            return (w - eta * gradient, total, squares + gradient @ gradient), None

        first = jnp.zeros(X.shape[1]), 0.0, 0.0
        return jax.lax.scan(step, first, (X, y))[0]

    return run


@everywhere("JAX scan", of=STREAMS, jit=True)
def jax_scan(X, y, eta):
    jax = peers.jax()
    X, y = jax.numpy.asarray(X), jax.numpy.asarray(y)
    function = jax.jit(_jax_run(jax))
    return lambda: jax.block_until_ready(function(X, y, eta))


@everywhere("JAX, vmap of scan", of=SWEEPS, jit=True)
def jax_sweep(X, y, eta):
    jax = peers.jax()
    X, y, eta = map(jax.numpy.asarray, (X, y, eta))
    function = jax.jit(jax.vmap(_jax_run(jax), in_axes=(None, None, 0)))
    return lambda: jax.block_until_ready(function(X, y, eta))


def _numba_run():
    """Return a loop as a user would write it for Numba, with the same totals."""
    import numba

    @numba.njit
    def run(X, y, eta):
        w, total, squares = np.zeros(X.shape[1]), 0.0, 0.0
        for i in range(len(y)):
            product, norm = 0.0, 0.0
            for j in range(len(w)):
                product += w[j] * X[i, j]
                norm += w[j] * w[j]
            margin = y[i] * product
            total += math.log1p(math.exp(-abs(margin))) + max(-margin, 0.0) + norm
            pull = y[i] / (1.0 + math.exp(margin))
            for j in range(len(w)):
                gradient = 2.0 * w[j] - pull * X[i, j]
                squares += gradient * gradient
                w[j] -= eta * gradient
        return w, total, squares

    return run


@everywhere("Numba loop", of=STREAMS, jit=True)
def numba_loop(X, y, eta):
    run = _numba_run()
    return lambda: run(X, y, eta)


@everywhere("C loop", of=STREAMS)
def c_loop(X, y, eta):
    loop = peers.c("stream")

    def call():
        w, totals = np.zeros(X.shape[1]), np.zeros(2)
        loop(*X.shape, X, y, eta, w, totals)
        return w, *totals

    return call


STREAMS[-1].limit()


@everywhere("Numba loop for each step", of=SWEEPS, jit=True)
def numba_each(X, y, eta):
    run = _numba_run()
    return lambda: tuple(
        np.array(each) for each in zip(*(run(X, y, e) for e in eta), strict=True)
    )


@everywhere("scikit-learn for each step", of=SWEEPS, work=UPDATES, at_most=100)
def sklearn_each(X, y, eta):
    calls = [sklearn_whole(X, y, float(e)) for e in eta]
    return lambda: [call() for call in calls]


OPTIMA = [
    Kernel(
        "batch optimum, p = 2",
        inputs=_samples,
        sizes=[{"n": 10**4, "p": 2}, {"n": 10**6, "p": 2}],
        small={"n": 60, "p": 3},
        tolerance=(0.0, 1e-5),
    ),
    Kernel(
        "batch optimum, p = 500",
        inputs=_samples,
        sizes=[{"n": 5 * 10**3, "p": 500}, {"n": 5 * 10**4, "p": 500}],
        small={"n": 60, "p": 3},
        tolerance=(0.0, 1e-5),
    ),
]


def optimum(X, y):
    return lambda: batch_optimum(X, y)


for each in OPTIMA:
    each.ours(optimum)


def _scikit_learn(solver, X, y):
    from sklearn.linear_model import LogisticRegression

    # The sum of the losses times C plus half the squared norm.
    model = LogisticRegression(
        C=0.5 / len(X), fit_intercept=False, solver=solver, tol=1e-10, max_iter=1000
    )
    return lambda: model.fit(X, y).coef_[0]


@everywhere("scikit-learn, newton-cholesky", of=OPTIMA)
def newton_cholesky(X, y):
    return _scikit_learn("newton-cholesky", X, y)


@everywhere("scikit-learn, lbfgs", of=OPTIMA)
def lbfgs(X, y):
    return _scikit_learn("lbfgs", X, y)


@everywhere("SciPy, L-BFGS-B", of=OPTIMA, work=EARLIER)
def scipy_lbfgs(X, y):
    from scipy.optimize import minimize
    from scipy.special import expit

    def objective(w):
        margins = y * (X @ w)
        gradient = 2.0 * w - X.T @ (y * expit(-margins)) / len(X)
        return np.logaddexp(0.0, -margins).mean() + w @ w, gradient

    start = np.zeros(X.shape[1])
    options = {"ftol": 1e-14, "gtol": 1e-8}
    return lambda: (
        minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x
    )
