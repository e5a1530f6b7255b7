"""Problem 2: noisy targets.

Every public name can be imported from here; each lives in one of three modules.

| Module | What it has |
|---|---|
| `loss` | the noisy likelihood, its derivatives, label posteriors, draws |
| `training` | the step of the homework, its loop, and the fitted minimum |
| `identification` | Fisher information, attenuation, and fitting the flip probability |
"""

from hw4lib.noisy_targets.identification import (
    attenuation_factor,
    equivalent_logits,
    fisher_information,
    fit_flip_probability,
    logit_information,
)
from hw4lib.noisy_targets.loss import (
    GradientPeak,
    LossAndGradient,
    backward_corrected_gradient,
    backward_corrected_loss,
    convexity_threshold,
    draw_noisy_labels,
    em_bound,
    flip_labels,
    gradient_peak,
    label_posterior,
    noisy_cross_entropy,
    noisy_cross_entropy_curvature,
    noisy_cross_entropy_gradient,
    noisy_cross_entropy_with_gradient,
    noisy_probability,
    output_gradient,
    sample_weight,
    weight_gradient,
)
from hw4lib.noisy_targets.training import (
    LogisticFit,
    fit_logistic,
    sgd_step,
    train_sgd,
)

__all__ = [
    "GradientPeak",
    "LogisticFit",
    "LossAndGradient",
    "attenuation_factor",
    "backward_corrected_gradient",
    "backward_corrected_loss",
    "convexity_threshold",
    "draw_noisy_labels",
    "em_bound",
    "equivalent_logits",
    "fisher_information",
    "fit_flip_probability",
    "fit_logistic",
    "flip_labels",
    "gradient_peak",
    "label_posterior",
    "logit_information",
    "noisy_cross_entropy",
    "noisy_cross_entropy_curvature",
    "noisy_cross_entropy_gradient",
    "noisy_cross_entropy_with_gradient",
    "noisy_probability",
    "output_gradient",
    "sample_weight",
    "sgd_step",
    "train_sgd",
    "weight_gradient",
]
