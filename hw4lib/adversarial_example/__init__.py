"""Problem 5: the closest input that a sigmoid unit classifies otherwise.

- `space`: the objective, its minimizer
- `line`: the same along $W$
- `descent`: the path of gradient descent
"""

from hw4lib.adversarial_example import descent, line, space
from hw4lib.adversarial_example.descent import *
from hw4lib.adversarial_example.line import *
from hw4lib.adversarial_example.space import *

__all__: list[str] = []
__all__ += space.__all__
__all__ += line.__all__
__all__ += descent.__all__
