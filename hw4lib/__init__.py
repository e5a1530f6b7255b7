"""MIT 6.790 Homework 4 as functions: one module a problem, NumPy alone.

| Problem | Module |
|---|---|
| 1 ReLU backpropagation | `hw4lib.backpropagation`, with `hw4lib.activations` |
| 2 Noisy targets | `hw4lib.noisy_targets` |
| 3 Architecture details | `hw4lib.architecture`, five modules |
| 4 Online logistic regression | `hw4lib.online_learning` |
| 5 Adversarial example | `hw4lib.adversarial_example` |
"""
