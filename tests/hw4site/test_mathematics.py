"""Formulas are typeset faithfully, or the build stops."""

import functools
import html
import io
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from hw4site import mathematics
from hw4site.mathematics import font, render
from hw4site.mathematics.drawing import Glyph, parse
from hw4site.mathematics.font import SPACES, characters
from hw4site.mathematics.mathjax import typeset

ROOT = Path(__file__).parents[2]
SHEET = ROOT / "docs" / "contributing" / "mathematics.md"
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$]+)\$", re.DOTALL)
WIDE = (
    r"p(y' = 1 \mid x) = (1 - \epsilon) \sigma(a) + \epsilon (1 - \sigma(a)), \quad c"
)


def formulas(path: Path) -> list[tuple[str, bool]]:
    """Return the formulas of a page or of a module's docstrings."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        text = "\n".join(re.findall(r'r"""(.*?)"""', text, re.DOTALL))
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    text = re.sub(r"\{\{.*?\}\}", "1", text)
    return [(a or b, bool(a)) for a, b in FORMULA.findall(text)]


def commands(path: Path) -> set[str]:
    """Return the commands and environments in the formulas of a file."""
    command = re.compile(r"\\(?:begin\{\w+\*?\}|[A-Za-z]+\*?|[^A-Za-z\s])")
    return {name for tex, _ in formulas(path) for name in command.findall(tex)}


@functools.cache
def widths() -> dict[str, int]:
    """Return how far each character of the built font moves what follows."""
    built = TTFont(io.BytesIO(font.woff2()))
    return {chr(c): built["hmtx"][name][0] for c, name in built.getBestCmap().items()}


def places(markup: str) -> list[tuple[str, float, float, float]]:
    """Return each letter of a drawing with its size and place, as a browser would."""
    found = []
    for said, text in re.findall(r"<text([^>]*)>([^<]*)</text>", markup):
        usual = {"font-size": "1000", "x": "0", "y": "0"}
        given = usual | dict(re.findall(r' (\S+)="([^"]*)"', said))
        size = float(given["font-size"])
        xs, ys = ([float(n) for n in given[k].split()] for k in ("x", "y"))
        end = 0.0
        for i, letter in enumerate(html.unescape(text)):
            x = xs[i] if i < len(xs) else end
            if letter not in SPACES.values():
                found.append((letter, size, x, ys[min(i, len(ys) - 1)]))
            end = x + widths()[letter] * size / 1000
    return found


def bars(markup: str) -> list[tuple[float, float, float, float]]:
    """Return the bars of a drawing: left, top, width, height."""
    bar = re.compile(r"M(\S+) (\S+)h(\S+)v(\S+)h-\S+z")
    return [tuple(map(float, found)) for found in bar.findall(markup)]


@pytest.mark.parametrize(
    ("tex", "cause"),
    [
        (r"\foo", r"Undefined control sequence \foo"),
        (r"\begin{foo}a\end{foo}", "Unknown environment 'foo'"),
        (r"\frac{a}", r"Missing argument for \frac"),
        ("x_", "Missing superscript or subscript"),
        ("{", "missing close brace"),
        ("x^2^3", "Double exponent"),
        (r"\left( x", r"missing \right"),
        ("a & b", "Misplaced &"),
        (r"\color{red} x", "Undefined control sequence"),
        (r"\def\a{b}", "Undefined control sequence"),
        (r"\cancel{x}", "Undefined control sequence"),
        (r"\boxed{x}", "boxes"),
        (r"\rule{1em}{1em}", "boxes"),
        (r"\begin{array}{c|c} a & b \end{array}", "lines in tables"),
        (r"x \tag{1}", r"`\tag` would be left out"),
        (r"\label{a} x", r"`\label` would be left out"),
        (r"\ref{a}", r"`\ref` would be left out"),
        ("50% x", "`%` would be left out"),
        (r"a \\ b", "outside an environment"),
        (r"a \\[1ex] b", "outside an environment"),
        (r"\text{日本}", "no glyph for `日`"),
        ("é", "no glyph for `é`"),
        (" ", "empty"),
    ],
)
@pytest.mark.parametrize("display", [True, False])
def test_what_cannot_be_typeset_is_refused(tex, cause, display):
    """The message names the cause, and the formula where there is one."""
    with pytest.raises(ValueError, match=re.escape(cause)) as error:
        render(tex, display=display)

    assert tex in str(error.value)


@pytest.mark.parametrize("tex", [r"50\,\%", r"\begin{matrix} a \\ b \end{matrix}"])
def test_what_only_looks_like_it_is_not(tex):
    """An escaped percent sign is a sign, and a row in an environment ends."""
    assert render(tex, display=True)


def test_a_script_is_smaller_and_above():
    """TeX sets it at 7/10, which MathJax takes as the root of a half."""
    (x, size, *_, baseline), (two, smaller, *_, raised) = places(
        render("x^2", display=True).markup
    )

    assert (x, two) == ("x", "2")
    assert smaller / size == pytest.approx(0.707)
    assert raised < baseline == 0


def test_a_bar_lies_between_what_it_divides():
    """And is as wide as the wider of both, at least."""
    markup = render(r"\frac{a}{b}", display=True).markup
    (_, _, _, above), (_, _, _, below) = places(markup)
    ((_, top, width, height),) = bars(markup)

    assert above < top < top + height < below
    assert width > 429  # of the letters, in thousandths


@pytest.mark.parametrize("brace", [r"\underbrace", r"\overbrace"])
def test_a_wide_brace_has_no_gap(brace):
    """Its bars reach from one piece of the brace to the next."""
    ((left, top, width, height), (right, *_)) = bars(
        render(rf"{brace}{{a + b + c + d + e + f}}", display=True).markup
    )

    assert width > 1000
    # The middle piece is two glyphs, each 450 wide, with its bars' height.
    assert right - (left + width) <= 900
    assert height == 120
    assert top != 0


def test_a_tall_root_reaches_its_bar():
    """The sign's own bar and the long one meet."""
    tex = r"\sqrt{\begin{matrix} a \\ b \\ c \\ d \\ e \\ f \\ g \end{matrix}}"
    upright, across = sorted(
        bars(render(tex, display=True).markup), key=lambda bar: bar[2]
    )

    assert upright[2] < 60 < across[2]
    assert upright[1] + upright[3] > across[1] + across[3]


@pytest.mark.parametrize(("tex", "display"), formulas(SHEET))
def test_every_glyph_of_mathjax_is_drawn_and_said(tex, display):
    """As many letters as MathJax drew, where it put them; bars stand for stretched."""
    svg = typeset(tex.strip(), display=display).svg
    svg = re.sub(r"(?<=.)<svg.*?</svg>", "", svg)
    expected = len(re.findall(r'<path[^>]* d="[^"]', svg))

    markup, words = render(tex.strip(), display=display)

    outlined = markup.count(' transform="')
    assert len(places(markup)) + outlined == expected
    drawn = [item for part in parse(svg).parts for item in part.items]
    known = [g for g in drawn if isinstance(g, Glyph) and g.outline in characters()]
    where = [(characters()[g.outline], 1000 * g.size, g.x, g.y) for g in known]
    for found, wanted in zip(sorted(places(markup)), sorted(where), strict=True):
        assert found[0] == wanted[0]
        assert found[1:] == pytest.approx(wanted[1:], abs=1.5)  # each is rounded
    assert words.strip()
    assert "\\" not in markup


def test_a_run_of_letters_is_one_text():
    """Few elements, and few places, are what makes a page quick."""
    markup = render(r"f(x) = a + b \, c", display=True).markup

    assert re.findall(r"<text[^>]*>(.*?)</text>", markup) == [
        "f(x)\u2005=\u2005a\u205f+\u205fb\u2009c"
    ]
    assert " x=" not in markup
    assert len(places(markup)) == 9


def test_single_letters_of_a_size_share_a_text_and_bars_a_path():
    """The last run is with them: it follows the last that has a place."""
    markup = render(
        r"\frac{x_1 + x_2 + x_3}{\sqrt{y}} = a + b + c", display=True
    ).markup
    texts = re.findall(r"<text[^>]*>(.*?)</text>", markup)

    assert re.findall(r"<(\w+)", markup) == ["svg", *["text"] * len(texts), "path"]
    assert texts[-1] == "123"
    drawn = re.findall("<text.*?</text>", markup)
    assert [len(places(text)) for text in drawn] == [2, 2, 9, 3]


@pytest.mark.parametrize(("tex", "deep"), [("x_1", False), (r"\frac{a}{b}", True)])
def test_a_drawing_no_higher_than_a_line_has_the_box_of_a_line(tex, deep):
    """So that only a higher one says where its baseline is."""
    markup = render(tex, display=False).markup

    assert (' 1000" height="1em">' in markup) is not deep
    assert ("vertical-align" in markup) is deep


def test_a_glyph_outside_the_font_is_an_outline():
    """No symbol is refused for being rare."""
    markup = render(r"x + \mathfrak{g}", display=True).markup

    assert [letter for letter, *_ in places(markup)] == ["x", "+"]
    assert re.search(
        r'<path transform="matrix\(1.0 0 0 -1.0 \d+ 0\)" d="M',
        markup,
    )


def test_a_wide_formula_in_a_line_may_break(monkeypatch):
    """Behind relations, outside of fences; nothing is lost or moved."""
    broken = render(WIDE, display=False).markup
    monkeypatch.setattr(mathematics, "_UNBROKEN", 100)
    whole = render.__wrapped__(WIDE, display=False).markup
    boxes = [
        [float(n) for n in view.split()]
        for view in re.findall(r'viewBox="([^"]*)"', broken)
    ]

    assert broken.startswith("<span><svg ")
    assert broken.count('<svg aria-hidden="true"') == len(boxes) == 4
    for one, other in zip(sorted(places(broken)), sorted(places(whole)), strict=True):
        assert one[0] == other[0]
        assert one[1:] == pytest.approx(other[1:], abs=1)  # rounded, one by one
    for (left, _, width, _), (following, *_) in pairwise(boxes):
        assert left + width == pytest.approx(following, abs=1)  # both rounded


@pytest.mark.parametrize("tex", ["x", r"f(a + b + c + d + e + g + h + i + j + k)"])
def test_another_stays_whole(tex):
    """A short one, and one whose operators are all inside fences."""
    markup = render(tex, display=False).markup

    assert re.fullmatch("<svg [^>]*>.*</svg>", markup)


def test_a_failed_build_ends():
    """An engine that is still alive does not keep Python from ending."""
    code = "from hw4site.mathematics import render; render(r'\\foo', display=True)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.returncode == 1
    assert r"Undefined control sequence \foo" in result.stderr


@pytest.mark.parametrize(
    "path",
    [*ROOT.glob("docs/**/*.md"), *ROOT.glob("hw4lib/**/*.py")],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_the_sheet_shows_every_command(path):
    """A command that is missing there: add it, and look at it in each browser."""
    if path.is_relative_to(ROOT / "hw4lib" / "site"):
        pytest.skip("shows no formula of the homework")

    assert commands(path) - commands(SHEET) == set()


def test_an_operator_with_limits_of_ones_own_is_refused():
    """MathJax would forget the space after it."""
    with pytest.raises(ValueError, match=r"write `\\arg\\min` for `\\operatorname\*`"):
        render(r"\operatorname*{argmin}_w J", display=True)


def test_a_space_is_a_blank_in_plain_text():
    """As on the page, between two conditions."""
    assert mathematics.plain(r"a \quad b", display=True).split() == ["a", "b"]
