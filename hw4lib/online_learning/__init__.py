"""Problem 4: online logistic regression, its regret, and what can be known before.

- [`descent`][hw4lib.online_learning.descent]: loss, gradient, one step, a run
- [`regret`][hw4lib.online_learning.regret]: the batch optimum, regret, inequality (10)
- [`radius`][hw4lib.online_learning.radius]: how far optimum and iterates can be from 0
- [`bounds`][hw4lib.online_learning.bounds]: regret bounds for all data, and step sizes
- [`adversary`][hw4lib.online_learning.adversary]: worst-case data, and their regret
"""

from hw4lib.online_learning.adversary import (
    KnownRegret,
    WorstCase,
    alternating_stream,
    costliest_stream,
    farthest_stream,
    known_regret,
)
from hw4lib.online_learning.bounds import (
    constant_step_bound,
    constant_step_size,
    decaying_step_bound,
    decaying_step_bounds,
    decaying_step_size,
    idle_regret,
    offset_step_bound,
    offset_step_size,
    smallest_horizon,
    tuned_bound,
)
from hw4lib.online_learning.descent import (
    Keep,
    OnlineRun,
    RunWithIterates,
    RunWithLosses,
    StepSize,
    gradient_step,
    logistic_loss,
    logistic_loss_gradient,
    online_gradient_descent,
    online_gradient_descent_stream,
)
from hw4lib.online_learning.radius import (
    KAPPA,
    gradient_norm_bound,
    limiting_radius,
    optimum_norm_bound,
    safe_step_size,
    worst_gain,
    worst_margin,
    worst_radii,
)
from hw4lib.online_learning.regret import (
    RegretTerms,
    average_regret,
    batch_optimum,
    regret_bound,
    regret_terms,
    tuned_step_size,
)

__all__ = [
    "KAPPA",
    "Keep",
    "KnownRegret",
    "OnlineRun",
    "RegretTerms",
    "RunWithIterates",
    "RunWithLosses",
    "StepSize",
    "WorstCase",
    "alternating_stream",
    "average_regret",
    "batch_optimum",
    "constant_step_bound",
    "constant_step_size",
    "costliest_stream",
    "decaying_step_bound",
    "decaying_step_bounds",
    "decaying_step_size",
    "farthest_stream",
    "gradient_norm_bound",
    "gradient_step",
    "idle_regret",
    "known_regret",
    "limiting_radius",
    "logistic_loss",
    "logistic_loss_gradient",
    "offset_step_bound",
    "offset_step_size",
    "online_gradient_descent",
    "online_gradient_descent_stream",
    "optimum_norm_bound",
    "regret_bound",
    "regret_terms",
    "safe_step_size",
    "smallest_horizon",
    "tuned_bound",
    "tuned_step_size",
    "worst_gain",
    "worst_margin",
    "worst_radii",
]
