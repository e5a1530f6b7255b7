"""Mathematics typeset at build: no JavaScript, few nodes, the same in every browser.

MathJax lays a formula out; what is left of it is a drawing of a few elements that a
screen reader reads as a sentence. docs/contributing/mathematics.md tells why this way.
"""

import functools
import html
import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from hw4site.mathematics import line
from hw4site.mathematics.drawing import Box, Drawing, Glyph, Part, parse
from hw4site.mathematics.font import SPACES, characters
from hw4site.mathematics.mathjax import outlines, typeset, typeset_ahead
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


# A drawing in a line is as high as a line, or higher in steps: few boxes differ, and
# what is said again and again weighs little.
_LINE = Box(0, -750, 0, 250)
_STEP = 50
# Between two letters of a run.
_GAPS = {0: "", **SPACES}


class _Run(NamedTuple):
    """Letters that stand side by side, the first one at `x`, `y`."""

    x: int
    y: int
    text: str


class Rendered(NamedTuple):
    """A formula as one sees it and as a screen reader says it.

    Attributes:
        markup: One `<svg>`; for a wide formula in a line a `<span>` of several,
            between which the line may break. Nothing in it is read aloud.
        words: The formula as a sentence.
    """

    markup: str
    words: str


@functools.cache
def render(tex: str, *, display: bool) -> Rendered:
    r"""Return a formula as a drawing in SVG, with its words for screen readers.

    Args:
        tex: The formula in LaTeX, without its delimiters.
        display: Whether it stands on lines of its own.

    Raises:
        ValueError: If the formula cannot be typeset faithfully: an unknown command
            or environment, a slip of syntax, or what MathJax would leave out.

    Examples:
        >>> render("w_1", display=True).words
        'w sub 1'
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
    words, box = speak(mathml), drawing.box
    if display:
        return Rendered(_svg(box, drawing.parts), words)
    box = box._replace(
        top=min(_LINE.top, _STEP * math.floor(box.top / _STEP)),
        bottom=max(_LINE.bottom, _STEP * math.ceil(box.bottom / _STEP)),
    )
    segments = list(_segments(drawing._replace(box=box)))
    markup = "".join(_svg(*segment) for segment in segments)
    if len(segments) > 1:
        markup = f"<span>{markup}</span>"
    return Rendered(markup, words)


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


def _svg(box: Box, parts: list[Part]) -> str:
    """Return the drawing of some parts: texts, and a path for the bars."""
    items = [item for part in parts for item in part.items]
    glyphs = [item for item in items if isinstance(item, Glyph)]
    bars = [item for item in items if isinstance(item, Box)]
    known = [glyph for glyph in glyphs if glyph.outline in characters()]
    sizes = sorted({glyph.size for glyph in known}, reverse=True)
    width, height = round(box.right - box.left), round(box.bottom - box.top)
    # The width follows from the height and the shape of the view.
    attributes = f'height="{height / 1000:g}em"'
    if box.bottom != _LINE.bottom:  # which the style sheet says
        attributes += f' style="vertical-align:{-round(box.bottom) / 1000:g}em"'
    drawn = [
        *(text for size in sizes for text in _texts(size, known)),
        *(_outline(g) for g in glyphs if g.outline not in characters()),
        *([f'<path d="{"".join(_bar(bar) for bar in bars)}"/>'] if bars else []),
    ]
    view = f"{box.left:.0f} {box.top:.0f} {width} {height}"
    inner = "".join(drawn)
    return f'<svg aria-hidden="true" viewBox="{view}" {attributes}>{inner}</svg>'


def _texts(size: float, glyphs: list[Glyph]) -> Iterator[str]:
    """Yield the glyphs of one size: a text for each run, one for all single glyphs.

    Browsers lay a run out at once, and a glyph with a place of its own by itself.
    """
    runs = _runs([glyph for glyph in glyphs if glyph.size == size])
    shared = [run for run in runs if len(run.text) == 1]
    longer = [run for run in runs if len(run.text) > 1]
    shared += longer[-1:]  # what has no place follows the last that has one
    for together in (*([run] for run in longer[:-1]), shared):
        yield _text(size, together)


def _runs(glyphs: list[Glyph]) -> list[_Run]:
    """Return what stands side by side, as the font's widths and spaces have it."""
    runs: list[_Run] = []
    end = 0.0  # of the run so far, as a browser will set it
    for glyph in sorted(glyphs, key=lambda glyph: (round(glyph.y), glyph.x)):
        character, x, y = characters()[glyph.outline], round(glyph.x), round(glyph.y)
        gaps = (g for g in _GAPS if abs(glyph.x - end - glyph.size * g) <= 1)
        gap = next(gaps, None) if runs and runs[-1].y == y else None
        if gap is None:
            runs.append(_Run(x, y, character))
            end = x
        else:
            runs[-1] = runs[-1]._replace(text=runs[-1].text + _GAPS[gap] + character)
            end += glyph.size * gap
        end += glyph.size * outlines()[glyph.outline].width
    return runs


def _text(size: float, runs: list[_Run]) -> str:
    """Return runs in one text, each at its place."""
    xs = " ".join(str(run.x) for run in runs)
    ys = " ".join(str(run.y) for run in runs)
    while (shorter := re.sub(r"(?<!\S)(\S+) \1$", r"\1", ys)) != ys:
        ys = shorter  # the last one holds for the rest
    text = html.escape("".join(run.text for run in runs), quote=False)
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
