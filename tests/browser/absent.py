"""Stand-ins, in the browser's Python, for what it does not have there.

Whatever a test asks of them, it is skipped.
"""

import sys
from types import ModuleType

import pytest


class Absent(ModuleType):
    """A module that skips the test which calls anything that it might have."""

    def __getattr__(self, name):
        """Have everything."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_, **__):
        """Skip the test."""
        pytest.skip(f"{self.__name__} is not in the browser")


class Hypothesis(Absent):
    """Strategies of which nothing is drawn."""

    def __call__(self, *_, **__):
        """Be a strategy of strategies."""
        return self

    def __or__(self, other):
        """Be one of two strategies."""
        return self

    def given(self, *_, **__):
        """Skip the test that is decorated."""
        return pytest.mark.skip(reason="hypothesis is not in the browser")


def unchanged(*_, **__):
    """Return a decorator that does nothing."""
    return lambda test: test


unchanged.register_profile = unchanged.load_profile = unchanged
sys.modules["hypothesis"] = Hypothesis("hypothesis")
sys.modules["hypothesis"].settings = sys.modules["hypothesis"].example = unchanged
for _name in ("strategies", "extra", "extra.numpy"):
    sys.modules[f"hypothesis.{_name}"] = Hypothesis("hypothesis")
sys.modules["scipy"] = Absent("scipy")
for _name in ("integrate", "linalg", "optimize", "signal", "special", "stats"):
    sys.modules[f"scipy.{_name}"] = Absent("scipy")
sys.modules["fcntl"] = Absent("fcntl")  # of tests that build the site
