"""What a link to the site shows where it is shared: a picture, a title, a sentence.

Whoever previews a link wants whole addresses. They come from the pages' canonical
links, so that a site built without an address has none.
"""

import html
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

PICTURE = "assets/share.png"
"""The picture, in the folder of the site."""

_SIZE = (1200, 630)  # what previews show without cutting
_INK, _PAPER, _ACCENT, _MUTED = "#1b1d22", "#fffefb", "#9a3412", "#646a74"
_CANONICAL = re.compile(r'<link rel="canonical" href="([^"]+)"')
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_SAID = re.compile(r'<meta name="description" content="([^"]*)"')


def write(site: Path) -> None:
    """Write the picture into a built site, and what names it into its pages.

    Args:
        site: The folder of the built site.
    """
    target = site / PICTURE
    target.parent.mkdir(parents=True, exist_ok=True)
    changed = Path(__file__).stat().st_mtime
    if not target.exists() or target.stat().st_mtime < changed:
        draw(target)
    for path in sorted(site.rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        address = _CANONICAL.search(text)
        if address is None or 'property="og:image"' in text:
            continue
        depth = len(path.relative_to(site).parts)
        root = address[1].rsplit("/", depth)[0]
        tags = _tags(text, address[1], f"{root}/{PICTURE}")
        path.write_text(text.replace("</head>", f"{tags}</head>", 1), encoding="utf-8")


def _tags(text: str, address: str, picture: str) -> str:
    title, said = _TITLE.search(text), _SAID.search(text)
    named = {
        "og:type": "article",
        "og:url": address,
        "og:title": title[1].strip() if title else "",
        "og:description": said[1] if said else "",
        "og:image": picture,
        "og:image:width": str(_SIZE[0]),
        "og:image:height": str(_SIZE[1]),
        "og:image:alt": html.escape(
            "A ReLU, and a dot that has stepped onto its flat side."
        ),
    }
    tags = [f'<meta property="{name}" content="{named[name]}">' for name in named]
    return "".join([*tags, '<meta name="twitter:card" content="summary_large_image">'])


def draw(target: Path) -> None:
    """Draw the picture: the question of the home page."""
    folder = files("font_source_serif_pro") / "files"

    def face(name: str, size: float) -> FontProperties:
        return FontProperties(
            fname=str(folder / f"SourceSerifPro-{name}.ttf"), size=size
        )

    with mpl.rc_context({"text.parse_math": False}):
        figure = Figure(
            figsize=(_SIZE[0] / 100, _SIZE[1] / 100), dpi=100, facecolor=_PAPER
        )
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, _SIZE[0]), ylim=(0, _SIZE[1]))
        axes.axis("off")
        axes.text(
            80, 505, "The homework that runs", font=face("Semibold", 52), color=_INK
        )
        said = "w₁ has become −0.1. What does the next step do?"
        axes.text(80, 430, said, font=face("Regular", 29), color=_INK)
        axes.plot([80, 1120], [110, 110], color=_MUTED, linewidth=1.2)
        axes.plot([650, 650], [70, 370], color=_MUTED, linewidth=1.2)
        kink = [(80, 110), (650, 110), (1060, 360)]
        axes.plot(*zip(*kink, strict=True), color=_INK, linewidth=6)
        axes.plot([410, 850], [110, 232], "o", color=_ACCENT, markersize=21)
        arrow = {
            "arrowstyle": "-|>,head_width=.5,head_length=.9",
            "color": _ACCENT,
            "linewidth": 3,
            "connectionstyle": "arc3,rad=0.35",
        }
        axes.annotate("", (425, 148), (825, 262), arrowprops=arrow)
        small = face("Regular", 25)
        axes.text(880, 195, "w₁ = 0.1", font=small, color=_INK)
        axes.text(410, 55, "w₁ = −0.1", font=small, color=_INK, ha="center")
        label = "MIT 6.790 · Homework 4 · derived, computed, checked"
        axes.text(80, 585, label, font=face("Regular", 17), color=_MUTED)
        canvas: Any = FigureCanvasAgg(figure)
        canvas.print_png(target, metadata={"Software": None})
