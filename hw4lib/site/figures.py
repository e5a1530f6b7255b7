"""Figures as inline SVG that follow the page: its colours, its font, light and dark.

Draw with Matplotlib in the colours named here, then print `to_html(...)` from a
block with `html="1"`. The colours are placeholders for CSS variables, so that one
picture serves both palettes.
"""

import html
import io
import re
from collections.abc import Collection
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK = "#000100"
"""The colour of text."""
MUTED = "#000200"
"""Axes, grid lines and what stays in the background."""
PAPER = "#000300"
"""The colour of the page behind the figure."""
SERIES = ("#000401", "#000402", "#000403", "#000404", "#000405")
"""Five colours for curves and fills, told apart by colour-blind readers too."""

_VARIABLES = {
    INK: "--hw4-ink",
    MUTED: "--hw4-muted",
    PAPER: "--hw4-paper",
    **{colour: f"--hw4-series-{i}" for i, colour in enumerate(SERIES, 1)},
}
_STYLE: dict[Any, Any] = {
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.prop_cycle": cycler(color=SERIES),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "axes.unicode_minus": True,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "font.size": 10,
    "grid.alpha": 0.25,
    "grid.color": MUTED,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 9,
}


# Set once for the process that builds the site: drawing reads these at every call.
mpl.rcParams.update(_STYLE)


def subplots(
    rows: int = 1,
    columns: int = 1,
    *,
    width: float = 5.2,
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
    figure = Figure(figsize=(width, height))
    FigureCanvasSVG(figure)
    return figure, figure.subplots(rows, columns, **options)


def to_html(
    figure: Figure,
    name: str,
    *,
    alt: str,
    caption: str = "",
    parts: Collection[str] = (),
) -> str:
    """Return a figure element with the drawing as inline SVG.

    Args:
        figure: What to show.
        name: Unique among the figures of the site; `#figure-name` links to it.
        alt: What the figure shows, with the values, for whoever cannot see it.
        caption: Text below the figure.
        parts: Artists' gids that the page refers to, kept as `name-gid`.

    Raises:
        ValueError: If `alt` is empty.
    """
    if not alt.strip():
        raise ValueError("`alt` is empty, expected what the figure shows, in words")
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = _own_ids(_slim(_page_style(buffer.getvalue())), name, parts)
    head, _, drawing = svg[svg.index("<svg") :].partition(">")
    box = head.split('viewBox="')[1].split('"')[0]
    label = html.escape(alt)
    below = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return (
        f'<figure class="hw4-figure" id="figure-{name}">'
        f'<svg viewBox="{box}" role="img" aria-label="{label}">'
        f"{drawing}{below}</figure>"
    )


def _page_style(svg: str) -> str:
    """Take colours and font from the page."""
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", svg)
    return re.sub(r" font-family: [^;\"]*;?", "", svg)


def _slim(svg: str) -> str:
    """Drop what a page does not need, and line breaks, which would end its HTML."""
    svg = re.sub(r"<(metadata|style)\b.*?</\1>|<!--.*?-->", "", svg, flags=re.DOTALL)
    # Coordinates only: the text between tags keeps its digits.
    svg = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\.\d\d)\d+", r"\1", tag[0]), svg)
    return re.sub(r"\s*\n\s*", " ", svg)


def _own_ids(svg: str, name: str, parts: Collection[str]) -> str:
    """Keep the ids that are referred to, under the figure's name."""
    used = set(parts).union(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", svg))
    svg = re.sub(
        r' id="([^"]*)"',
        lambda match: f' id="{name}-{match[1]}"' if match[1] in used else "",
        svg,
    )
    return re.sub(r"(url\(#|href=\"#)", rf"\g<1>{name}-", svg)
