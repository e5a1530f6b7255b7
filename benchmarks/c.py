"""The loops of `limits.c`, compiled for this machine when first used."""

import ctypes
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

FLAGS = ("-O3", "-march=native", "-shared", "-fPIC")


class MissingCompilerError(ImportError):
    """There is no C compiler, so the limit is shown as missing."""


@functools.cache
def library():
    """Compile and load the loops."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise MissingCompilerError("no C compiler")
    source = Path(__file__).with_name("limits.c")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "limits.so"
        subprocess.run([compiler, *FLAGS, source, "-o", target, "-lm"], check=True)
        return ctypes.CDLL(str(target))


def network_gradient(x, t, w1, w2, b):
    """Return the gradient in w1, w2 and b of every example, shape (3, n)."""
    results = np.empty((3, x.size))
    weights = (float(w.item()) for w in (w1, w2, b))
    _call("network_gradient", x.size, x, t, *weights, *results)
    return results


def network_loss(x, t, w1, w2, b):
    """Return the loss over a grid of weights."""
    losses = np.empty((w1.size, w2.size))
    _call("network_loss", w1.size, w2.size, x, t, w1, w2, b, losses)
    return losses


def noisy_cross_entropy(a, y, eps):
    """Return loss and gradient, shape (2, n)."""
    results = np.empty((2, a.size))
    _call("noisy_cross_entropy", a.size, a, y, eps, *results)
    return results


def online_descent(X, y, eta, regularization):
    """Return last weights, total losses and total squared gradients of S runs."""
    W, totals = np.zeros((eta.size, X.shape[1])), np.empty((2, eta.size))
    _call("online_descent", *X.shape, eta.size, X, y, eta, regularization, W, *totals)
    return W, *totals


def descent_path(steps, m, margin, pull, push):
    """Return the logits of a path of gradient descent."""
    logits = np.empty(steps + 1)
    _call("descent_path", steps, m, margin, pull, push, logits)
    return logits


def _call(name, *arguments):
    getattr(library(), name)(*map(_argument, arguments))


def _argument(value):
    if isinstance(value, np.ndarray):
        # `value.ctypes` takes several times as long, which would count as the loop.
        return ctypes.byref(ctypes.c_char.from_buffer(value))
    return (
        ctypes.c_double(value) if isinstance(value, float) else ctypes.c_size_t(value)
    )
