"""Problem 5: the adversarial example of a sigmoid unit.

| Module | Its functions |
|---|---|
| `adversarial_example.line` | take the margin of an example and a penalty |
| `adversarial_example.space` | take examples, weights and bias |
| `adversarial_example.descent` | run gradient descent |
"""

from hw4lib.adversarial_example.descent import (
    Descent,
    gradient_descent,
)
from hw4lib.adversarial_example.line import (
    Jump,
    RegimeMargins,
    critical_beta,
    descent_beta,
    escape_time,
    hinge_minimizing_logit,
    minimizer_jump,
    minimizing_logit,
    reduced_objective,
    regime_margins,
)
from hw4lib.adversarial_example.space import (
    Minimizer,
    boundary_projection,
    critical_alpha,
    descent_alpha,
    hinge_objective,
    hinge_objective_gradient,
    minimizer,
    objective,
    objective_gradient,
    preactivation,
    predicted_probability,
)

__all__ = [
    "Descent",
    "Jump",
    "Minimizer",
    "RegimeMargins",
    "boundary_projection",
    "critical_alpha",
    "critical_beta",
    "descent_alpha",
    "descent_beta",
    "escape_time",
    "gradient_descent",
    "hinge_minimizing_logit",
    "hinge_objective",
    "hinge_objective_gradient",
    "minimizer",
    "minimizer_jump",
    "minimizing_logit",
    "objective",
    "objective_gradient",
    "preactivation",
    "predicted_probability",
    "reduced_objective",
    "regime_margins",
]
