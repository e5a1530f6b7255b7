"""The font of the formulas: MathJax's outlines of what the site's formulas use.

It is written at build and loaded once for all pages. A glyph outside it is drawn as an
outline in the page, so that a rare symbol needs no place here.
"""

import functools
import io
import unicodedata
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.roundingPen import RoundingPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.svgLib.path import parse_path

from hw4site.mathematics.drawing import Glyph, parse
from hw4site.mathematics.mathjax import outlines, typeset, typeset_ahead

FAMILY = "hw4lib-mathematics"

SPACES = {167: "\u2009", 222: "\u205f", 278: "\u2005"}
"""TeX's thin, medium and thick space, in thousandths of the size, as characters."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# What the font holds is what these formulas use: what stands on several pages.
_SPECIMEN = (
    rf"{_LETTERS}\ell\mathrm{{acdefghilmnoprstxELRUV}}\mathbf{{1}}0123456789",
    r"\alpha\beta\gamma\delta\epsilon\varepsilon\eta\theta\kappa\lambda\mu\rho\sigma",
    r"\tau\pi\varphi\omega\Psi\Delta\mathbb{R}",
    r"+-\pm\times\cdot\ast\otimes=\ne<>\le\ge\sim\in\to\gets\top\partial\nabla\infty",
    r"\ldots.,:;/()[]\{\}|\lVert f'\bar x\tilde x\sum\prod\textstyle\sum\prod\approx",
    r"\sqrt{x}\sqrt{x^2}\big(\big)\big[\big]\Big(\Big)\bigg(\bigg)",
)


def characters_ahead() -> None:
    """Have laid out what `characters` looks at, before anything else."""
    typeset_ahead("\n".join(f"$${tex}$$" for tex in _SPECIMEN))


@functools.cache
def characters() -> dict[str, str]:
    """Return the outlines that the font holds, each with its character.

    It is the character that a reader would expect where there is one, so that
    selected text makes sense: an italic letter is the letter.
    """
    found = {}
    taken = set()
    for position, (outline, known) in enumerate(outlines().items()):
        character = _expected(known.code)
        if not character or character in taken:
            character = chr(0xE000 + position)  # for private use
        taken.add(character)
        found[outline] = character
    drawings = (parse(typeset(tex, display=True).svg) for tex in _SPECIMEN)
    parts = (part for drawing in drawings for part in drawing.parts)
    items = (item for part in parts for item in part.items)
    return {
        item.outline: found[item.outline] for item in items if isinstance(item, Glyph)
    }


@functools.cache
def woff2() -> bytes:
    """Return the font, the same bytes each time."""
    widths = {".notdef": 500} | {_name(c): width for width, c in SPACES.items()}
    pens = {name: TTGlyphPen(None) for name in widths}
    for outline, character in characters().items():
        widths[_name(character)] = outlines()[outline].width
        pen = pens[_name(character)] = TTGlyphPen(None)
        parse_path(outline, RoundingPen(pen))
    glyphs = {name: pen.glyph() for name, pen in pens.items()}
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(list(glyphs))
    font.setupCharacterMap({int(name[1:], 16): name for name in list(glyphs)[1:]})
    font.setupGlyf(glyphs)
    font.setupHorizontalMetrics(
        {name: (widths[name], getattr(g, "xMin", 0)) for name, g in glyphs.items()}
    )
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupOS2()
    font.setupNameTable({"familyName": FAMILY, "styleName": "Regular"})
    font.setupPost(keepGlyphNames=False)
    # A moment in 2018, so that two builds give the same bytes.
    font.font["head"].created = font.font["head"].modified = 3_600_000_000
    font.font.recalcTimestamp = False
    font.font.flavor = "woff2"
    file = io.BytesIO()
    font.save(file)
    return file.getvalue()


def write(path: Path) -> None:
    """Write the font, unless it has been since this module was changed."""
    if path.exists() and path.stat().st_mtime >= Path(__file__).stat().st_mtime:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(woff2())


def _name(character: str) -> str:
    return f"u{ord(character):04X}"


def _expected(code: int) -> str:
    character = chr(code)
    if unicodedata.name(character, "").startswith(("MATHEMATICAL ITALIC", "PLANCK")):
        return unicodedata.normalize("NFKC", character)
    # A character beyond U+FFFF counts twice where places are listed.
    known = code <= 0xFFFF and unicodedata.category(character)[0] in "NPS"
    return character if known else ""
