"""The typeface of the text: Source Serif, cut down to the characters that pages use.

It comes from the pinned package `font-source-serif-pro` and suits the formulas, whose
letters are Computer Modern. Written at build, loaded from the site itself.
"""

import functools
import re
from importlib.resources import files
from io import BytesIO
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

FACES = {"regular": "Regular", "italic": "It", "semibold": "Semibold"}
"""The name of each file that is written, to the name of the face."""

_CHARACTERS = (
    "".join(map(chr, range(0x20, 0x7F))) + "\u00a0±·×½áèéòôćčŁ" + "–—’“”…′₀₁₂₃←→−≈≠≤≥"
)
_STYLE = re.compile(r'href="([^"]*assets/)site\.css')
# In a page that is opened from a folder, a browser refuses a link like that.
_PRELOAD = (
    '((path) => { for (const face of ["regular", "semibold"]) '
    'if (location.protocol !== "file:") document.head.append(Object.assign('
    'document.createElement("link"), { rel: "preload", as: "font", crossOrigin: "", '
    'type: "font/woff2", href: `${path}text-${face}.woff2` })) })'
)
_FEATURES = ["kern", "liga", "lnum", "tnum"]


def write(folder: Path) -> None:
    """Write the faces into a folder, unless they have been since this module changed.

    Args:
        folder: The folder of the assets of the built site.
    """
    folder.mkdir(parents=True, exist_ok=True)
    changed = Path(__file__).stat().st_mtime
    for name, face in FACES.items():
        path = folder / f"text-{name}.woff2"
        if not path.exists() or path.stat().st_mtime < changed:
            path.write_bytes(woff2(face))


def preload(site: Path) -> None:
    """Have pages ask for the upright faces at once, before their style sheets do.

    A face that comes after the first picture of a page moves its lines.

    Args:
        site: The folder of the built site.
    """
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        style = _STYLE.search(text)
        if style and _PRELOAD not in text:
            script = f"<script>{_PRELOAD}('{style[1]}')</script>"
            text = text.replace("<title>", f"{script}<title>", 1)
            path.write_text(text, encoding="utf-8")


@functools.cache
def woff2(face: str) -> bytes:
    """Return a face of Source Serif with the characters that pages use.

    Args:
        face: The name of the face in the package, such as `It`.
    """
    source = files("font_source_serif_pro") / "files" / f"SourceSerifPro-{face}.ttf"
    options = Options(layout_features=_FEATURES, hinting=False, flavor="woff2")
    with source.open("rb") as file, TTFont(file, recalcTimestamp=False) as font:
        subsetter = Subsetter(options)
        subsetter.populate(text=_CHARACTERS)
        subsetter.subset(font)
        font.flavor = "woff2"
        written = BytesIO()
        font.save(written)
    return written.getvalue()
