"""What MathJax is asked for."""

import pytest

from hw4site.mathematics import mathjax


@pytest.fixture
def asked(monkeypatch):
    """What the engine was asked for, from a start at which it knows nothing."""
    calls = []
    typeset_all = mathjax._typeset_all
    monkeypatch.setattr(mathjax, "_ahead", {})
    monkeypatch.setattr(
        mathjax, "_typeset_all", lambda some: calls.append(some) or typeset_all(some)
    )
    return calls
