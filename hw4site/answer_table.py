"""What can be typed into an answer box, and what is made of it: the table of the tests.

`tests/hw4site/test_formula.py` holds the reader to every row, and the page of answer
tests shows them.
"""

from typing import NamedTuple

LETTERS = {
    "x": 2.0,
    "x_star": 3.0,
    "y": 0.5,
    "y_prime": 1.0,
    "w1": 0.7,
    "w2": -1.5,
    "eta": 0.1,
    "alpha": 0.4,
    "n": 100.0,
}
"""The letters of the table, with the values at which it shows formulas."""


class Row(NamedTuple):
    """One row of the table."""

    typed: str
    """What a reader types."""
    value: float | None
    """The value, or nothing if it cannot be read."""
    why: str
    """What the row shows; of what cannot be read, a part of the message."""


NUMBERS = [
    Row("0.125", 0.125, "a decimal"),
    Row(".125", 0.125, "no digit before the point"),
    Row("5.", 5.0, "no digit behind the point"),
    Row("1/8", 0.125, "a fraction"),
    Row("⅛", 0.125, "a fraction in one sign"),
    Row("2½", 2.5, "a mixed number"),
    Row("12.5%", 0.125, "percent"),
    Row("1.25e-1", 0.125, "a power of ten, as computers write it"),
    Row("1.25×10⁻¹", 0.125, "a power of ten, as on paper"),
    Row("1.25*10^-1", 0.125, "a power of ten, typed"),
    Row("0,125", 0.125, "a decimal comma, where it can mean nothing else"),
    Row("−0.5", -0.5, "a typographic minus"),
    Row("= 0.2", 0.2, "what follows an equals sign"),
    Row("a1 = 0.2", 0.2, "what follows an equals sign, whatever is left of it"),
    Row("y ≈ 0.55", 0.55, "what follows an approximate sign"),
    Row("2(0.1)", 0.2, "a product without a sign"),
    Row("(2)(3)", 6.0, "a product of parentheses"),
    Row("2 3", 6.0, "a product of numbers"),
    Row("2·3", 6.0, "a raised dot"),
    Row("2^-3", 0.125, "a negative power"),
    Row("2**3", 8.0, "a power, as Python writes it"),
    Row("2^3^2", 512.0, "powers of powers, from the right"),
    Row("-2^2", -4.0, "a power binds closer than a sign"),
    Row("sqrt(2/64)", 2**0.5 / 8, "a root"),
    Row("√(2/64)", 2**0.5 / 8, "a root, as on paper"),
    Row("√2", 2**0.5, "a root of one number"),
    Row("sqrt 2/200", 2**0.5 / 200, "ambiguous: read as (√2)/200, and said so"),
    Row("1/2 3", 1.5, "ambiguous: read from left to right, and said so"),
    Row("e^2", 7.38905609893065, "Euler's number"),
    Row("exp(-1)", 0.36787944117144233, "an exponential"),
    Row("ln 2", 0.6931471805599453, "a logarithm without parentheses"),
    Row("log(2)", 0.6931471805599453, "every logarithm is natural"),
    Row("σ(0)", 0.5, "the logistic sigmoid"),
    Row("sigma(0)", 0.5, "the same, spelled out"),
    Row("tanh(0)", 0.0, "the hyperbolic tangent"),
    Row("sin(π/2)", 1.0, "a sine, in radians"),
    Row("cos^2(0)", 1.0, "a power between a function and its argument"),
    Row("cos²(0)", 1.0, "the same, in one sign"),
    Row("max(0, -2)", 0.0, "a maximum: here the comma separates"),
    Row("relu(-2)", 0.0, "the ReLU"),
    Row("|−3|", 3.0, "an absolute value"),
    Row("1[2 > 1]", 1.0, "an indicator"),
    Row("1_{2 > 1}", 1.0, "the same with its condition below"),
    Row("2 x 3", 6.0, "an x between numbers multiplies, where it is no letter"),
    Row("≤ 3", 3.0, "a bound, from the side after the sign"),
    Row("~ 3", 3.0, "about"),
    Row("a1 <- 0.2", 0.2, "what follows an arrow"),
    Row("0.2.", 0.2, "the end of a sentence"),
    Row("$0.2$", 0.2, "the dollars of TeX"),
    Row(r"\frac{1}{8}", 0.125, "a fraction, as TeX writes it"),
    Row(r"\tfrac18", 0.125, "the same, shorter"),
    Row(r"\frac1{2^3}", 0.125, "half of it in braces"),
    Row(r"3 \cdot 2", 6.0, "a product in TeX"),
    Row(r"\sqrt{2}", 2**0.5, "a root in TeX"),
    Row(r"\left(1+2\right)\,\sigma(0)", 1.5, "parentheses, spaces and letters in TeX"),
    Row(r"\max(0, -2)", 0.0, "functions in TeX"),
    Row(r"\mathrm{ReLU}(-2)", 0.0, "a function in upright letters"),
    Row(r"\mathbf{1}[2 > 1]", 1.0, "an indicator in TeX"),
    Row(r"e^{-\frac{0}{1}}", 1.0, "braces within braces"),
    Row("", None, "Type an answer first"),
    Row("=", None, "Nothing follows the ="),
    Row("1,000", None, "can be read in two ways"),
    Row("(1", None, "“)” is missing"),
    Row("1)", None, "without a “(”"),
    Row("1 +", None, "missing at the end"),
    Row("sin", None, "sin of what?"),
    Row("2 $ 3", None, "I cannot read “$”"),
    Row("half", None, "“half” is not a letter of this part"),
    Row("1 if 2 > 1", None, "Write a case as a factor"),
    Row("a -= 0.2", None, "“-=” leaves the old one out"),
    Row("max(0, 0,2)", None, "write decimals with a point"),
    Row("log2(3)", None, "Every logarithm here is natural"),
    Row(r"\sqrt[3]{2}", None, "Write such a root as a power"),
    Row(r"\frac{1}23", None, "into braces"),
]
"""Numbers."""

FORMULAS = [
    Row("2x", 4.0, "a number times a letter"),
    Row("x y", 1.0, "a product of letters"),
    Row("xy", 1.0, "the same without a space"),
    Row("x(x+1)", 6.0, "a letter in front of a parenthesis multiplies"),
    Row("w1", 0.7, "a letter with an index"),
    Row("w_1", 0.7, "the same, as TeX writes it"),
    Row("w₁", 0.7, "the same, as on paper"),
    Row("w_1 w_2", -1.05, "two of them"),
    Row("w_{1}", 0.7, "an index in braces"),
    Row("y^{(i)}", 0.5, "the index of an example, where there is one example"),
    Row("x^T y", 1.0, "a transpose, where there is one feature"),
    Row(r"x^{*} - x^\star", 0.0, "stars in TeX"),
    Row(r"y^\prime", 1.0, "a prime in TeX"),
    Row(r"\eta x", 0.2, "a Greek letter in TeX"),
    Row(r"\frac{x\eta}{2}", 0.1, "a fraction of letters"),
    Row("x <- x - 1", 1.0, "what follows an arrow"),
    Row("1[x<-1]", 0.0, "but not within parentheses"),
    Row("η", 0.1, "a Greek letter"),
    Row("eta", 0.1, "the same, spelled out"),
    Row("ηx", 0.2, "a Greek letter in front of another"),
    Row("alphax", 0.8, "a spelled-out letter in front of another"),
    Row("x*", 3.0, "x* is a letter where nothing to multiply follows"),
    Row("x - x*", -1.0, "the same"),
    Row("|x-x*|", 1.0, "the same in front of a bar"),
    Row("x_star", 3.0, "the same, spelled out"),
    Row("x*x", 4.0, "here the star multiplies"),
    Row("x**2", 4.0, "and here it is a power"),
    Row("2α(x−x*)", -0.8, "a product with a Greek letter"),
    Row("y'", 1.0, "a prime"),
    Row("y′(1−y)", 0.5, "the same, as on paper"),
    Row("w1 - eta*(y-1)*y*(1-y)*w2*x", 0.6625, "an update"),
    Row("x/(1+e^(-x))", 1.7615941559557649, "a quotient"),
    Row("1/(79√n)", 1 / 790, "a root without parentheses in a denominator"),
    Row("1[x>0] x", 2.0, "an indicator in a product"),
    Row("(x > 3) x", 0.0, "the same in parentheses"),
    Row("w12", None, "“w12” is not a letter of this part"),
    Row("h", None, "“h” is not a letter of this part"),
    Row("∂y/∂x", None, "Write out each derivative"),
    Row("dy/dx", None, "Write out each derivative"),
    Row("σ'(x)", None, "Write out each derivative"),
    Row("x_{4}", None, "“x_4” is not a letter of this part"),
    Row("x^", None, "missing at the end"),
    Row("(x+1", None, "“)” is missing"),
]
"""Formulas in the letters of the table."""
