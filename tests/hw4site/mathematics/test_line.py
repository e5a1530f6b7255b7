"""A formula in one line of plain text, as one would type it."""

import pytest

from hw4site import mathematics


@pytest.mark.parametrize(
    ("tex", "line"),
    [
        ("w_1", "w_1"),
        (r"\frac{\partial E}{\partial w_1}", "∂E/∂w_1"),
        (r"\sigma(z) = \frac{1}{1 + e^{-z}}", "σ(z) = 1/(1 + e^(−z))"),
        (r"\epsilon = \sqrt{2/M}", "ε = √(2/M)"),
        (r"\sqrt[3]{x}", "x^(1/3)"),
        (r"\lVert w^*\rVert \le 1", "‖w^*‖ ≤ 1"),
        (r"A \otimes W_v^\top", "A⊗W_v^⊤"),
        (r"\sum_{i=1}^n \ell_i", "∑_(i = 1)^n ℓ_i"),
        (r"\exp(-x), -1", "exp(−x), −1"),
        (r"\begin{pmatrix}a & b\\ c & d\end{pmatrix}", "(a b; c d)"),
        (r"\hat y, \bar x, y'", "y, x, y′"),
        (r"\underbrace{AB}_{\text{mixing}}", "AB [mixing]"),
        (r"\underbrace{AB}", "AB"),
    ],
)
def test_reads_as_typed(tex, line):
    """Fractions in a line, signs without blanks, operations with them."""
    assert mathematics.plain(tex, display=True) == line
