"""How a computed value reads in prose and in a formula."""

import math
import re
from collections.abc import Callable
from fractions import Fraction

import numpy as np

VALUE = re.compile(r"\{\{ ([^{}|]+?)(?: \| ([^{}|]+?))? \}\}")
"""A value in a page's text: the Python expression and the format."""
_TOKEN = re.compile(
    r"(?P<code>(?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<formula>(?<!\\)\$\$.+?\$\$|(?<!\\)\$(?!\s)[^$]+?(?<!\s)\$)"
    rf"|(?P<value>{VALUE.pattern})",
    re.DOTALL,
)
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def evaluate(expression: str, names: dict[str, object]) -> object:
    """Return the value of a Python expression over the variables of a session."""
    # The page's author wrote the expression, as every block of the page.
    return eval(expression, dict(names))


def fill(
    text: str, value_of: Callable[[str], object], report: Callable[[str], str]
) -> str:
    """Put the values of a page's session into its text.

    `{{ expression | format }}` becomes the value of the Python expression, outside
    code, in the notation of a formula where it stands between dollars.

    Args:
        text: Markdown without fences.
        value_of: Returns the value of an expression in the session.
        report: Takes what is wrong with a value, returns what stands in its place.
    """

    def value(match: re.Match[str], formula: bool) -> str:
        expression, spec = match[1].strip(), (match[2] or "").strip()
        try:
            return format_value(value_of(expression), spec, formula=formula)
        except Exception as error:
            return report(f"value `{expression}`: {type(error).__name__}: {error}")

    def token(match: re.Match[str]) -> str:
        if match["code"]:
            return match[0]
        return VALUE.sub(lambda found: value(found, bool(match["formula"])), match[0])

    return _TOKEN.sub(token, text)


def format_value(value: object, spec: str = "", *, formula: bool = False) -> str:
    r"""Return the text of a value.

    Args:
        value: A number, a zero-dimensional array, a string, or, for the format
            `matrix`, an array of one or two dimensions.
        spec: A format specification as in `format`, `frac` for an exact fraction,
            or `matrix` with an optional format specification for the body of a
            LaTeX matrix. Numbers without one show six significant digits.
        formula: Whether the text stands between dollars.

    Raises:
        TypeError: If a value has no such text: an array without `matrix`, an object.
        ValueError: If a number is not finite, `frac` is not exact, or `spec` is no
            format.

    Examples:
        >>> format_value(-0.5, ".2f"), format_value(1 / 8, "frac")
        ('−0.50', '1/8')
        >>> format_value(1.25e-3, ".2e", formula=True)
        '1.25 \\times 10^{-3}'
        >>> format_value([[1, 2], [3, 4]], "matrix", formula=True)
        '1 & 2 \\\\ 3 & 4'
    """
    if spec == "matrix" or spec.startswith("matrix "):
        rows = np.atleast_2d(np.asarray(value))
        entry = spec.removeprefix("matrix").strip()
        return r" \\ ".join(
            " & ".join(format_value(x, entry, formula=formula) for x in row)
            for row in rows
        )
    if isinstance(value, np.ndarray | np.generic) and value.ndim == 0:
        value = value.item()
    if isinstance(value, str):
        return format(value, spec)
    if not isinstance(value, int | float):
        kind = type(value).__name__
        raise TypeError(f"is of type {kind}, expected a number or a string")
    if not math.isfinite(value):
        raise ValueError(f"is {value}, expected a finite number")
    if spec == "frac":
        return _fraction(value, formula=formula)
    text = format(value, spec or (".6g" if isinstance(value, float) else ""))
    if not any(digit in text for digit in "123456789"):
        text = text.removeprefix("-")  # a rounded zero has no sign
    return _typeset(text, formula=formula)


def _fraction(value: float, *, formula: bool) -> str:
    fraction = Fraction(value).limit_denominator(10_000)
    if abs(float(fraction) - value) > 4 * math.ulp(value):
        raise ValueError(f"is {value!r}, expected a fraction of small integers")
    sign, top, bottom = "-" * (value < 0), abs(fraction.numerator), fraction.denominator
    if bottom == 1:
        return _typeset(f"{sign}{top}", formula=formula)
    if formula:
        return rf"{sign}\tfrac{{{top}}}{{{bottom}}}"
    return _typeset(f"{sign}{top}/{bottom}", formula=formula)


def _typeset(text: str, *, formula: bool) -> str:
    """Give minus signs, powers of ten, percent and commas their typographic form."""
    mantissa, exponent = text, None
    if match := re.fullmatch(r"(.*\d)e([+-]\d+)", text):
        mantissa, exponent = match[1], str(int(match[2]))
    if formula:
        mantissa = mantissa.replace(",", "{,}").replace("%", r"\%")
        return mantissa if exponent is None else rf"{mantissa} \times 10^{{{exponent}}}"
    mantissa = mantissa.replace("-", "−")
    if exponent is None:
        return mantissa
    return f"{mantissa} × 10{exponent.translate(_SUPERSCRIPTS)}"
