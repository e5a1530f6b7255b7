"""Problem 4: online logistic regression, its regret, and what can be known before.

- `descent`: loss, gradient, one step, a run
- `regret`: the batch optimum, regret, inequality (10)
- `radius`: how far optimum and iterates can be from 0
- `bounds`: regret bounds for all data, and step sizes
- `adversary`: the data for which bounds are nearly tight
"""

from hw4lib.online_learning import adversary, bounds, descent, radius, regret
from hw4lib.online_learning.adversary import *
from hw4lib.online_learning.bounds import *
from hw4lib.online_learning.descent import *
from hw4lib.online_learning.radius import *
from hw4lib.online_learning.regret import *

__all__: list[str] = []
__all__ += descent.__all__
__all__ += regret.__all__
__all__ += radius.__all__
__all__ += bounds.__all__
__all__ += adversary.__all__
