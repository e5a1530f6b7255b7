"""The words that a student types and that a part of the homework answers to.

By the address of the part. They are searched and shown with what is found; words that
the part itself says need not be here, unless another page says them more often.
"""

SYNONYMS: dict[str, tuple[str, ...]] = {
    "backpropagation.html#1-1-a": ("hidden unit", "pre-activation"),
    "backpropagation.html#1-1-b": ("forward pass", "sigmoid output"),
    "backpropagation.html#1-1-c": ("squared error", "mse"),
    "backpropagation.html#1-1-d": ("chain rule", "backprop"),
    "backpropagation.html#1-1-e": ("sigmoid derivative", "relu derivative"),
    "backpropagation.html#1-1-g": ("learning rate", "gradient descent", "sgd"),
    "backpropagation.html#1-1-i": ("dying relu", "dead unit", "dead relu"),
    "backpropagation.html#1-1-j": ("relu output",),
    "backpropagation.html#1-1-k": ("leaky relu", "leak"),
    "backpropagation.html#1-2-a": ("two outputs", "multivariable chain rule"),
    "backpropagation.html#1-2-b": ("softmax", "multiclass", "one-hot"),
    "noisy_targets.html#2-a": ("negative log-likelihood", "nll", "mislabeled"),
    "noisy_targets.html#2-b": ("label noise", "flipped labels", "cross entropy"),
    "noisy_targets.html#2-c": ("sgd", "logistic regression"),
    "architecture.html#3-1-a": (
        *("he init", "kaiming", "xavier", "glorot"),
        *("weight initialization", "variance", "fan-in"),
    ),
    "architecture.html#3-2-a": (
        *("toeplitz", "conv", "cnn", "cross-correlation"),
        *("weight sharing", "equivariance", "circulant"),
    ),
    "architecture.html#3-3-a": (
        *("self-attention", "transformer", "kronecker", "qkv"),
        *("W_q", "W_k", "W_v"),
    ),
    "architecture.html#3-3-b": (
        "permutation equivariance",
        "equivariant",
        "permutation matrix",
    ),
    "architecture.html#3-3-c": (
        *("positional encoding", "sinusoidal", "rotation matrix", "rope"),
    ),
    "architecture.html#3-4-a": ("GAT", "graph attention", "GNN", "complete graph"),
    "online_learning.html#4-a": ("ogd", "online gradient descent", "l2 penalty"),
    "online_learning.html#4-b": ("convex", "first-order condition", "tangent"),
    "online_learning.html#4-c": ("law of cosines", "potential"),
    "online_learning.html#4-d": ("regret", "telescoping"),
    "online_learning.html#4-e": ("79", "77", "bounded gradient", "step size"),
    "adversarial_example.html#5-a": ("problem 5", "hinge", "cross entropy"),
    "adversarial_example.html#5-b": ("sigmoid gradient",),
    "adversarial_example.html#5-c": ("chain rule", "gradient of J"),
    "adversarial_example.html#5-d": ("beta to 0", "decision boundary", "projection"),
    "adversarial_example.html#5-e": ("beta to infinity", "large beta"),
}
"""The words of each part, by its place in the site."""
