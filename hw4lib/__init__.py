"""MIT 6.790 Homework 4 as functions: one module or package a problem, NumPy alone.

| Problem | Module |
|---|---|
| 1 ReLU backpropagation | `hw4lib.backpropagation`, with `hw4lib.activations` |
| 2 Noisy targets | `hw4lib.noisy_targets`: loss, training, identification |
| 3 Architecture details | `hw4lib.architecture`, five modules |
| 4 Online logistic regression | `hw4lib.online_learning`, five modules |
| 5 Adversarial example | `hw4lib.adversarial_example`: line, space, descent |

Public names can be imported from the problem's name, as in
`from hw4lib.noisy_targets import noisy_cross_entropy`.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hw4lib import (
        activations,
        adversarial_example,
        architecture,
        backpropagation,
        noisy_targets,
        online_learning,
    )

__version__ = "2.0.0"

__all__ = [
    "__version__",
    "activations",
    "adversarial_example",
    "architecture",
    "backpropagation",
    "noisy_targets",
    "online_learning",
]


def __getattr__(name: str) -> ModuleType:
    """Import a problem when it is asked for, so that `import hw4lib` costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module `hw4lib` has no attribute `{name}`")
    return importlib.import_module(f"hw4lib.{name}")


def __dir__() -> list[str]:
    """Return the problems too."""
    return sorted({*globals(), *__all__})
