"""Figures as inline SVG that follow the page: its colors, its font, light and dark.

Draw with Matplotlib in the colors named here, then print `to_html(...)` from a
block with `html="1"`. The colors are placeholders for CSS variables, so that one
picture serves both palettes.
"""

import html
import io
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK = "#000100"
"""The color of text."""
MUTED = "#000200"
"""Axes, grid lines and what stays in the background."""
PAPER = "#000300"
"""The color of the page behind the figure."""
SERIES = ("#000401", "#000402", "#000403", "#000404", "#000405")
"""Five colors for curves and fills, told apart by color-blind readers too."""

_VARIABLES = {
    INK: "--hw4-ink",
    MUTED: "--hw4-muted",
    PAPER: "--hw4-paper",
    **{color: f"--hw4-series-{i}" for i, color in enumerate(SERIES, 1)},
}
STYLE: dict[Any, Any] = {
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.prop_cycle": cycler(color=SERIES),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10.5,
    "axes.unicode_minus": True,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "font.size": 10.5,
    "grid.alpha": 0.25,
    "grid.color": MUTED,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
}
"""What Matplotlib is told while a block of a page draws, and by nobody else."""
# The largest text of a figure on a desk, in px.
_LARGEST = 14.0
# Points from the middle of a label to that of the next.
_APART = 12.0
_UNSEEN = {"metadata", "style"}
# A letter that is no word and no name of a part, as in (e), with its index if any.
_LETTER = re.compile(
    r"(?<![A-Za-zα-ωµ'-])(?![Aa] [A-Za-z]{2}|E\[)(?<!(?<![A-Za-zℓ])\((?=.\)))"
    r"([A-Za-zα-ω])(?:_([A-Za-z]+))?(?![A-Za-zα-ω'-])|([∂∇‖⊗])"
)
# Of a letter's height: how much smaller a script is, and how far from the line.
_SCRIPT, _SHIFT = "75%", {"<sub>": 0.2, "<super>": -0.35}
_TAGS = {"<sub>": "sub", "<super>": "sup"}
_UPRIGHT = "0123456789T"
_XLINK = "http://www.w3.org/1999/xlink"
_HREF = f"{{{_XLINK}}}href"
# Axes, ticks and grid lines, which lie below everything.
_FRAME = re.compile(
    r"stroke:var\(--hw4-muted\);(stroke-opacity:0.25;)?stroke-width:0.8"
)
# Decimals that nobody sees.
_FAR = re.compile(r"(\.\d\d)\d+")
# Of Matplotlib's circle.
_ARCS = 8
ElementTree.register_namespace("xlink", _XLINK)


def subplots(
    rows: int = 1,
    columns: int = 1,
    *,
    width: float = 4.7,
    height: float = 3.0,
    **options: Any,
) -> tuple[Figure, Any]:
    """Return a figure and its axes, as `matplotlib.pyplot.subplots` does.

    Args:
        rows: Rows of axes.
        columns: Columns of axes.
        width: Width in inches; at the default, text stays readable on a phone.
        height: Height in inches.
        **options: Passed to `Figure.subplots`.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height))
        return figure, figure.subplots(rows, columns, **options)


def name_curves(axes: Axes) -> None:
    """Write the label of each curve at its end, in its color, in place of a legend.

    Labels that would lie on each other are pushed apart.

    Args:
        axes: The axes, with their limits; a curve ends where it leaves them.
    """
    ends = []
    low, high = sorted(axes.get_ylim())
    for line in axes.lines:
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        seen = np.flatnonzero(np.isfinite(x) & (low <= y) & (y <= high))
        if not str(line.get_label()).startswith("_"):
            end = x[seen[-1]], y[seen[-1]]
            ends.append((line.get_transform().transform(end)[1], end, line))
    points = 1 / axes.figure.dpi_scale_trans.transform((1 / 72, 0))[0]
    floor = -np.inf
    for height, end, line in sorted(ends, key=lambda e: e[0]):
        at = max(height * points, floor)
        axes.annotate(
            str(line.get_label()),
            end,
            (5, at - height * points),
            xycoords=line.get_transform(),
            textcoords="offset points",
            color=line.get_color(),
            va="center",
            annotation_clip=False,
        )
        floor = at + _APART


def to_html(
    figure: Figure,
    name: str,
    *,
    alt: str,
    caption: str = "",
    parts: Collection[str] = (),
    controls: str = "",
) -> str:
    """Return a figure element with the drawing as inline SVG.

    Args:
        figure: What to show.
        name: Unique among the figures of the site; `#figure-name` links to it.
        alt: What the figure shows, with the values, for whoever cannot see it.
        caption: Text below the figure.
        parts: Artists' gids that the page refers to, kept as `name-gid`.
        controls: HTML between the drawing and its caption.

    Raises:
        ValueError: If `alt` is empty.
    """
    if not alt.strip():
        raise ValueError("`alt` is empty, expected what the figure shows, in words")
    buffer = io.StringIO()
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        # `Figure.savefig` would draw it twice, once for the layout alone.
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(buffer, metadata={"Date": None, "Creator": None})
    drawing = ElementTree.fromstring(_page_style(buffer.getvalue()))
    _own_ids(drawing, name, parts)
    _slim(drawing)
    _join(drawing)
    moving = {f"{name}-{part}" for part in parts}
    for group in drawing.iter():
        for label in () if group.get("id") in moving else group.findall("text"):
            _typeset(label)
    box = drawing.attrib["viewBox"]
    _, _, width, height = box.split()
    shapes = "".join(ElementTree.tostring(shape, "unicode") for shape in drawing)
    shapes = re.sub(r' xmlns:xlink="[^"]*"', "", shapes)
    largest = max(map(float, re.findall(r"font-size:([\d.]+)px", shapes)), default=10.5)
    below = f"<figcaption>{in_words(caption)}</figcaption>" if caption else ""
    return (
        f'<figure class="hw4-figure" id="figure-{name}" '
        f'style="--hw4-width:{_LARGEST / largest * float(width):.1f}px">'
        f'<svg viewBox="{box}" style="aspect-ratio:{width}/{height}" role="img" '
        f'data-search-exclude="" aria-label="{html.escape(alt)}">'
        f'<g aria-hidden="true">{shapes}</g></svg>{controls}{below}</figure>'
    )


def in_words(text: str) -> str:
    """Return a sentence as HTML, with its letters and scripts as in formulas.

    Args:
        text: Words, letters such as `W_v` or `w₁`, and powers such as `10⁻³`.
    """
    marked = ""
    for piece, kind in _pieces(text):
        tag = _TAGS.get(kind, "")
        words = html.escape(piece)
        if _slanted(piece, kind):
            words = f'<i class="hw4-letter">{words}</i>'
        marked += f"<{tag}>{words}</{tag}>" if tag else words
    return marked


def _typeset(label: Element) -> None:
    """Set letters in the font of the formulas, and scripts below and above the line."""
    text, label.text = label.text or "", None
    shift = 0.0
    for piece, kind in _pieces(text):
        to = _SHIFT.get(kind, 0.0)
        if kind or to != shift:
            span = SubElement(label, "tspan")
            span.text = piece
            if to != shift:
                span.set("dy", f"{STYLE['font.size'] * (to - shift):.1f}")
            if to:
                span.set("font-size", _SCRIPT)
            if _slanted(piece, kind):
                span.set("class", "hw4-letter")
        elif len(label):
            label[-1].tail = piece
        else:
            label.text = piece
        shift = to


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a text, each with its kind: a letter, a script, or neither."""
    done = 0
    for found in _LETTER.finditer(text):
        yield from _scripts(text[done : found.start()])
        yield found[1] or found[3], "letter"
        if found[2]:
            yield found[2], "<sub>"
        done = found.end()
    yield from _scripts(text[done:])


def _scripts(text: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a text in which Unicode's scripts are plain characters."""
    for kind, run in groupby(text, _script):
        piece = "".join(run)
        yield (unicodedata.normalize("NFKC", piece) if kind else piece), kind


def _slanted(piece: str, kind: str) -> bool:
    """Return whether a piece is a letter of a formula, or an index of two."""
    pair = len(piece) == 2 and piece.isalpha() and piece.islower()
    return bool(kind) and (pair or (len(piece) == 1 and piece not in _UPRIGHT))


def _script(character: str) -> str:
    """Return `<sub>` or `<super>` for a character of that kind, else nothing."""
    kind = unicodedata.decomposition(character).partition(" ")[0]
    return kind if kind in _SHIFT else ""


def _page_style(svg: str) -> str:
    """Take colors and font from the page, and its namespace."""
    svg = svg.replace(' xmlns="http://www.w3.org/2000/svg"', "")
    for color, variable in _VARIABLES.items():
        svg = svg.replace(color, f"var({variable})")
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", svg)
    return re.sub(r" font-family: [^;\"]*;?", "", svg)


def _own_ids(drawing: Element, name: str, parts: Collection[str]) -> None:
    """Keep the ids that are referred to, under the figure's name."""
    reference = re.compile(r"(?<=url\(#)[^)]+|(?<=^#).+")
    values = [value for element in drawing.iter() for value in element.attrib.values()]
    used = sorted(set().union(*map(reference.findall, values)) - set(parts))
    names = {own: f"{name}-{i}" for i, own in enumerate(used)}
    names |= {own: f"{name}-{own}" for own in parts}
    for element in drawing.iter():
        for key, value in element.items():
            element.set(key, reference.sub(lambda own: names[own[0]], value))
        if (own := element.attrib.pop("id", "")) in names:
            element.set("id", names[own])


def _slim(element: Element) -> None:
    """Drop what is not seen: groups that only nest, empty shapes, far decimals.

    A browser pays for each element at every change of the page's style.
    """
    for key, value in element.items():
        short = " ".join(value.split())
        short = short if key == "d" else _FAR.sub(r"\1", short)
        element.set(key, re.sub(r"([:;]) ", r"\1", short) if key == "style" else short)
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    kept: list[Element] = []
    for child in element:
        _slim(child)
        child.tail = None
        unseen = child.get("style") == "fill:none" or child.tag in _UNSEEN
        if child.tag == "g" and not child.attrib and "id" not in element.attrib:
            kept += child
        elif not unseen and (len(child) or child.tag != "defs"):
            kept.append(child)
    element[:] = kept
    styles = {child.get("style") for child in kept if child.tag == "use"}
    if len(kept) > 1 == len(styles) and all(child.tag == "use" for child in kept):
        element.set("style", styles.pop() or "")  # markers have it from their group
        for mark in kept:
            del mark.attrib["style"]
    if element.text and element.text.isspace():
        element.text = None


def _join(drawing: Element) -> None:
    """Draw the dots of a curve as one path, and so the ticks and the grid lines.

    A reference for each dot and a style for each line were two fifths of the bytes.
    """
    marks = {path.get("id", ""): path for path in drawing.iter("path")}
    frame: dict[tuple[str, str], Element] = {}
    kept: list[Element] = []
    for child in drawing:
        shape = _stroke(child, marks) if child.tag in {"g", "use"} else child
        style, clip = shape.get("style", ""), shape.get("clip-path", "")
        if shape.tag == "path" and _FRAME.search(style):
            first = frame.setdefault((style, clip), shape)
            if first is not shape:
                first.set("d", f"{first.get('d')} {shape.get('d')}")
                continue
        kept.append(shape)
    drawing[:] = kept
    used = {use.get(_HREF, "")[1:] for use in drawing.iter("use")}
    for defs in drawing.findall("defs"):
        defs[:] = [d for d in defs if d.tag != "path" or d.get("id") in used]
        if not len(defs):
            drawing.remove(defs)
    for path in drawing.iter("path"):
        path.set("d", _steps(path.get("d", "")))


def _stroke(group: Element, marks: Mapping[str, Element]) -> Element:
    """Return the marks of a group as one stroked path, if they can be drawn so.

    A dot is a line of no length with round ends.
    """
    uses = [group] if group.tag == "use" else list(group)
    kinds = {(use.tag, use.get(_HREF), use.get("style")) for use in uses}
    if "id" in group.attrib or len(kinds) != 1 or uses[0].tag != "use":
        return group
    mark = marks[uses[0].get(_HREF, "")[1:]]
    points = mark.get("d", "").split()
    css = ";".join(e.get("style", "") for e in (uses[0], group, mark))
    style = dict(re.findall(r"([\w-]+):([^;]+)", css))
    dot = points.count("C") == _ARCS and set(style) == {"fill", "stroke"}
    if dot and style["fill"] == style["stroke"]:
        wide = 2 * float(points[2]) + 1  # and half of the edge's 1 on each side
        style |= {"stroke-width": f"{wide:g}", "stroke-linecap": "round"}
        points = ["M", "0", "0", "L", "0", "0"]
    elif not {"C", "Q", "z"}.isdisjoint(points):
        return group
    lines = []
    for use in uses:
        x, y = float(use.get("x", 0)), float(use.get("y", 0))
        for kind, dx, dy in zip(*(points[i::3] for i in range(3)), strict=True):
            lines.append(f"{kind} {x + float(dx):.2f} {y + float(dy):.2f}")
    style["fill"] = "none"
    drawn = {"style": ";".join(map(":".join, style.items())), "d": " ".join(lines)}
    return Element("path", drawn | {k: v for k, v in group.items() if k == "clip-path"})


def _steps(path: str) -> str:
    """Write a path of straight lines as steps from point to point, in tenths."""
    if not re.fullmatch(r"[ML\d. -]+", path):
        return _FAR.sub(r"\1", path)
    text, here = "", (0, 0)
    for kind, x, y in re.findall(r"([ML]) (\S+) (\S+)", path):
        there = round(10 * float(x)), round(10 * float(y))
        text += "m" if kind == "M" else " "  # further points of a move are lines
        text += " ".join(f"{(b - a) / 10:g}" for a, b in zip(here, there, strict=True))
        here = there
    return re.sub(r" (?=-)", "", re.sub(r"\b0\.", ".", text))
