"""Mathematics typeset at build: no JavaScript, few nodes, the same in every browser.

MathJax lays a formula out; what is left of it is a drawing of a few elements that a
screen reader reads as a sentence. docs/contributing/mathematics.md tells why this way.
"""

import functools
import html
import re
from collections.abc import Iterator

from hw4site.mathematics import line
from hw4site.mathematics.drawing import Box, Drawing, Glyph, Part, parse
from hw4site.mathematics.font import characters
from hw4site.mathematics.mathjax import typeset, typeset_ahead
from hw4site.mathematics.speech import speak

__all__ = ["plain", "render", "typeset_ahead"]

# What MathJax accepts and then leaves out.
_DROPPED = re.compile(
    r"(?<!\\)(?:\\\\)*(%|\\(?:label|tag|notag|nonumber|ref|eqref)(?![A-Za-z]))"
)
# A formula in a line that is wider than this, in em, may break behind an operator.
_UNBROKEN = 9
_BREAKS = frozenset("=≠≈≡<>≤≥≪≫∈∼∝→⟹⟺+−⋅,;")
_OPENING, _CLOSING = frozenset("([{⟨⌊⌈"), frozenset(")]}⟩⌋⌉")


@functools.cache
def render(tex: str, *, display: bool) -> str:
    r"""Return a formula as a drawing in SVG, with its words for screen readers.

    Args:
        tex: The formula in LaTeX, without its delimiters.
        display: Whether it stands on lines of its own.

    Returns:
        One `<svg>`; for a wide formula in a line a `<span>` of several, between which
        the line may break.

    Raises:
        ValueError: If the formula cannot be typeset faithfully: an unknown command
            or environment, a slip of syntax, or what MathJax would leave out.

    Examples:
        >>> render("w_1", display=True).split(" viewBox")[0]
        '<svg role="img" aria-label="w sub 1"'
    """
    if not tex.strip():
        raise ValueError("a formula is empty")
    if r"\operatorname*" in tex:
        # MathJax forgets the space after it; TeX's own operators have theirs.
        raise ValueError(f"formula `{tex}`: write `\\arg\\min` for `\\operatorname*`")
    if found := _DROPPED.search(tex):
        raise ValueError(f"formula `{tex}`: `{found[1]}` would be left out")
    try:
        svg, mathml = typeset(tex, display=display)
        drawing = parse(svg)
    except ValueError as error:
        raise ValueError(f"formula `{tex}`: {error}") from None
    if 'linebreak="newline"' in mathml:
        raise ValueError(f"formula `{tex}`: `\\\\` outside an environment is left out")
    label = f'role="img" aria-label="{html.escape(speak(mathml))}"'
    if display:
        return _svg(drawing.box, drawing.parts, label)
    segments = list(_segments(drawing))
    if len(segments) == 1:
        markup = _svg(drawing.box, drawing.parts, label)
    else:
        pieces = (_svg(*segment, 'aria-hidden="true"') for segment in segments)
        markup = f"<span {label}>{''.join(pieces)}</span>"
    # Word joiners, so that a comma stays with the formula before it.
    return f"\u2060{markup}\u2060"


def plain(tex: str, *, display: bool) -> str:
    r"""Return a formula that `render` takes as one line of plain text.

    Args:
        tex: The formula in LaTeX, without its delimiters.
        display: Whether it stands on lines of its own.

    Examples:
        >>> plain(r"\frac{\partial E}{\partial w_1}", display=False)
        '∂E/∂w_1'
    """
    return line.write(typeset(tex, display=display)[1])


def _segments(drawing: Drawing) -> Iterator[tuple[Box, list[Part]]]:
    """Yield the pieces between which a line may break, each in its own box."""
    box = drawing.box
    wide = box.right - box.left > 1000 * _UNBROKEN
    depth = 0
    start = box.left
    parts: list[Part] = []
    for part in drawing.parts:
        signs = [before.operator for before in parts[-2:]]
        # A minus after a relation is a sign, which stays with what it negates.
        sign = len(signs) == 2 and signs[0] in _BREAKS and signs[1] == "−"
        if parts and wide and signs[-1] in _BREAKS and depth == 0 and not sign:
            yield box._replace(left=start, right=part.x), parts
            start, parts = part.x, []
        depth += (part.operator in _OPENING) - (part.operator in _CLOSING)
        parts.append(part)
    yield box._replace(left=start), parts


def _svg(box: Box, parts: list[Part], attributes: str) -> str:
    """Return the drawing of some parts: a text for each size, a path for the bars."""
    items = [item for part in parts for item in part.items]
    glyphs = [item for item in items if isinstance(item, Glyph)]
    bars = [item for item in items if isinstance(item, Box)]
    known = [glyph for glyph in glyphs if glyph.outline in characters()]
    width, height = box.right - box.left, box.bottom - box.top
    view = f"{box.left:.0f} {box.top:.0f} {width:.0f} {height:.0f}"
    # The height follows from the width and the shape of the view.
    style = f"width:{width / 1000:.3f}em;vertical-align:{-box.bottom / 1000:.3f}em"
    drawn = [
        *(_text(size, known) for size in sorted({g.size for g in known}, reverse=True)),
        *(_outline(g) for g in glyphs if g.outline not in characters()),
        *([f'<path d="{"".join(_bar(bar) for bar in bars)}"/>'] if bars else []),
    ]
    inner = "".join(drawn)
    if "aria-label" in attributes:  # one thing, of which nothing inside is read
        inner = f'<g aria-hidden="true">{inner}</g>'
    return f'<svg {attributes} viewBox="{view}" style="{style}">{inner}</svg>'


def _text(size: float, glyphs: list[Glyph]) -> str:
    """Return the glyphs of one size, each at its own place."""
    glyphs = [glyph for glyph in glyphs if glyph.size == size]
    text = "".join(characters()[glyph.outline] for glyph in glyphs)
    xs = " ".join(f"{glyph.x:.0f}" for glyph in glyphs)
    ys = " ".join(f"{glyph.y:.0f}" for glyph in glyphs)
    while (shorter := re.sub(r"(?<!\S)(\S+) \1$", r"\1", ys)) != ys:
        ys = shorter  # the last one holds for the rest
    text = html.escape(text, quote=False)
    # What most texts have is said by the style sheet, or by no attribute.
    given = {"font-size": f"{1000 * size:.0f}", "x": xs, "y": ys}
    usual = {"font-size": "1000", "x": "0", "y": "0"}
    said = "".join(f' {k}="{v}"' for k, v in given.items() if v != usual[k])
    return f"<text{said}>{text}</text>"


def _outline(glyph: Glyph) -> str:
    """Return a glyph that the font does not hold."""
    place = f"{glyph.size} 0 0 {-glyph.size} {glyph.x:.0f} {glyph.y:.0f}"
    return f'<path transform="matrix({place})" d="{glyph.outline}"/>'


def _bar(bar: Box) -> str:
    width, height = bar.right - bar.left, bar.bottom - bar.top
    return f"M{bar.left:.0f} {bar.top:.0f}h{width:.0f}v{height:.0f}h{-width:.0f}z"
