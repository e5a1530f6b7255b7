"""Strict type checkers accept the docstrings' examples and what users write."""

import doctest
import importlib
import inspect
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hw4lib

ROOT = Path(__file__).parents[1]

PROGRAM = """
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hw4lib.activations import leaky_relu, sigmoid, softmax
from hw4lib.adversarial_example import critical_beta, gradient_descent, minimizer
from hw4lib.architecture import (
    causal_mask, conv1d, convolution_matrix, graph_attention, he_standard_deviation,
    positional_encoding, random_stack, self_attention,
)
from hw4lib.backpropagation import network_gradient, network_loss, network_step
from hw4lib.noisy_targets import (
    draw_noisy_labels, fit_logistic, noisy_cross_entropy, train_sgd,
)
from hw4lib.online_learning import (
    average_regret, online_gradient_descent, optimum_norm_bound, regret_terms,
    smallest_horizon, tuned_bound,
)

small = np.float32(0.1)
X: NDArray[np.float32] = np.eye(4, 2, dtype=np.float32)
y = [1, -1, 1, 1]
probabilities: NDArray[np.float64] = sigmoid([0, 1.0, 2])
total = float(sigmoid(0))
leaky = leaky_relu(X, slope=small)
chosen = softmax(X, axis=np.int64(0))
run = online_gradient_descent(X, y, 0.1)
losses: NDArray[np.float64] = run.losses
path = online_gradient_descent(X, y, small, keep="iterates")
terms = regret_terms(X, y, path.iterates, 0.1, regularization=small)
regret = float(average_regret(X, y, run))
scheduled = online_gradient_descent(X, y, lambda t: 0.1 / np.sqrt(t), keep="totals")
horizon: int = smallest_horizon(lambda n: tuned_bound(n, 77.0) <= 1)
bound = float(optimum_norm_bound(regularization=np.float32(2.0)))
labels = draw_noisy_labels([0.0, 1.0], flip_probability=small, rng=0)
weights = train_sgd(
    X, [1, 0, 1, 1], flip_probability=small, step_size=small, epochs=2,
    rng=np.random.default_rng(0),
)
fit = fit_logistic(X, [1, 0, 1, 1], flip_probability=0.1)
score = float(fit.score(X, [1, 0, 1, 1]))
loss = float(np.sum(noisy_cross_entropy(X, 1, flip_probability=small)))
closest = minimizer([1.0, 0.5], (2.0, -1.0), small, np.int64(1))
steps = gradient_descent([1.0], [2.0], 0.5, 0.1, step_size=small, steps=10)
betas = critical_beta(np.linspace(1, 2, 3), offset=small)
mask: NDArray[np.bool] = causal_mask(3)
matrix = convolution_matrix([1, 2, 3], 5, padding=(1, 0))
signal = conv1d(X, [1.0, 0.0], stride=1)
one = [[1.0]]
mixed = graph_attention([[1.0], [2.0]], one, one, one, edges=[(0, 1), (1, 0)])
attended = self_attention([[1.0]], one, one, one, mask=[[True]])
encoding = positional_encoding(range(4), 6)
deviation = float(he_standard_deviation(200, slope=small))
layers = [layer.mean() for layer in random_stack(2, 3, rng=None)]
output = float(network_loss(x=2, target=1, w1=small, w2=-1, bias=0.2))
gradient = network_gradient(2, 1, w1=0.1, w2=-1, bias=0.2)
updated = network_step(2, 1, w1=0.1, w2=-1, bias=0.2, step_size=0.8)
"""


def examples():
    """Every docstring's example as a function, with the names of its module."""
    modules = [
        module.name
        for module in pkgutil.walk_packages(hw4lib.__path__, "hw4lib.")
        if "._" not in module.name
    ]
    for name in modules:
        module = importlib.import_module(name)
        texts = [inspect.getdoc(module) or ""]
        texts += [
            inspect.getdoc(value) or ""
            for item, value in vars(module).items()
            if inspect.isfunction(value)
            and value.__module__ == name
            and item in module.__all__
        ]
        code = ["import math", "import numpy as np", f"from {name} import *"]
        if name == "hw4lib.online_learning.adversary":  # what it imports itself
            code.append("from hw4lib.online_learning import online_gradient_descent")
        for number, text in enumerate(texts):
            lines = [
                line
                for example in doctest.DocTestParser().get_examples(text)
                for line in example.source.splitlines()
            ]
            if lines:
                code.append(f"def example_{number}() -> None:")
                code += [f"    {line}" for line in lines]
        yield name.replace(".", "_"), "\n".join(code) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a module for each of the library's, and the program."""
    folder = tmp_path_factory.mktemp("typed")
    for name, code in examples():
        (folder / f"of_{name}.py").write_text(code, encoding="utf-8")
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    return folder


def test_the_program_runs():
    """What the checkers are asked to accept is a program that works."""
    exec(compile(PROGRAM, "program", "exec"), {})


def check(command, folder):
    """Run a checker over the folder."""
    environment = {**os.environ, "MYPYPATH": str(ROOT), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


def test_mypy_accepts_every_example(folder):
    """Strictly; a bare expression, as examples have, is no error."""
    pytest.importorskip("mypy")
    result = check(["mypy", "--strict", "--no-error-summary", "."], folder)
    assert result.returncode == 0, result.stdout + result.stderr


def test_pyright_accepts_every_example(folder):
    """Strictly, but for what an example may do, such as a bare expression."""
    pytest.importorskip("pyright")
    (folder / "pyrightconfig.json").write_text(
        '{"typeCheckingMode": "strict", "reportUnusedExpression": false, '
        '"reportWildcardImportFromLibrary": false, "reportUnusedVariable": false, '
        '"reportUnusedImport": false, '
        f'"extraPaths": ["{ROOT.as_posix()}"]}}'
    )
    try:
        result = check(["pyright", "--pythonpath", sys.executable], folder)
    except subprocess.TimeoutExpired:
        result = None
    if result is None or not re.search(r"^\d+ errors?,", result.stdout, re.M):
        if os.environ.get("CI") and shutil.which("node"):
            pytest.fail(f"pyright did not run: {result and result.stderr}")
        pytest.skip("pyright's program, a package of npm, cannot be had here")
    assert result.returncode == 0, result.stdout + result.stderr
