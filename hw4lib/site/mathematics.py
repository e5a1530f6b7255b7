"""Mathematics typeset at build time, so that a page needs no JavaScript for it."""

import re

from math_core import LatexError, LatexToMathML

# What math-core accepts without a word and then draws wrongly or not at all.
_UNFAITHFUL = re.compile(r"\\(?:boxed|b?cancel|xcancel|tag|substack)\b|\\\\\s*\[")
_CONVERTER = LatexToMathML(fancy_error=False)


def render(tex: str, *, display: bool) -> str:
    r"""Return a formula as MathML.

    Args:
        tex: The formula in LaTeX, without its delimiters.
        display: Whether it stands on lines of its own.

    Raises:
        ValueError: If the formula can not be typeset faithfully.

    Examples:
        >>> render("x_1", display=False)
        '<math><msub><mi>x</mi><mn>1</mn></msub></math>'
    """
    if found := _UNFAITHFUL.search(tex):
        raise ValueError(f"formula `{tex}`: `{found[0]}` can not be typeset")
    try:
        return _CONVERTER.convert_with_local_state(tex, displaystyle=display)
    except LatexError as error:
        raise ValueError(f"formula `{tex}`: {error}") from None
