"""Problem 2: cross entropy when labels are flipped with a known probability.

- `loss`: the loss, its gradient and curvature, label flips
- `training`: steps, training, fits
- `identification`: what labels tell
"""

from hw4lib.noisy_targets import identification, loss, training
from hw4lib.noisy_targets.identification import *
from hw4lib.noisy_targets.loss import *
from hw4lib.noisy_targets.training import *

__all__: list[str] = []
__all__ += loss.__all__
__all__ += training.__all__
__all__ += identification.__all__
