import numpy as np
import pytest
from hypothesis import settings

# The same examples each time, so that a test fails for its author and not for the next
# reader; no deadline, since a busy machine is no fault of the code.
settings.register_profile("hw4lib", deadline=None, derandomize=True)
settings.load_profile("hw4lib")


@pytest.fixture
def rng():
    return np.random.default_rng(20241105)
