"""Problem 3: initialization, convolution, attention, positional encoding, graphs.

- `initialization`: the scale of random weights, and what it keeps
- `convolution`: a convolution as a matrix
- `attention`: self-attention as a matrix
- `encoding`: the encoding of positions, and its shifts
- `graph`: attention over the edges of a graph
"""

from hw4lib.architecture import attention, convolution, encoding, graph, initialization
from hw4lib.architecture.attention import *
from hw4lib.architecture.convolution import *
from hw4lib.architecture.encoding import *
from hw4lib.architecture.graph import *
from hw4lib.architecture.initialization import *

__all__: list[str] = []
__all__ += initialization.__all__
__all__ += convolution.__all__
__all__ += attention.__all__
__all__ += encoding.__all__
__all__ += graph.__all__
