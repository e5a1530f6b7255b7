"""What every function of this problem requires of its samples."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import as_array, as_labels


def as_samples(
    X: ArrayLike, y: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return features, shape `(n, p)`, and labels -1 or 1, shape `(n,)`, as float64."""
    X = as_array("X", X, "n", "p")
    return X, as_labels("y", y, (-1, 1), len(X))
