"""The TeX of each page's formulas, in a list beside the page.

While pages are built each formula carries its TeX. A reader who copies it has the list
loaded (`docs/assets/site.js`), and nobody else pays for it.
"""

import html
import json
import re
from pathlib import Path

_TEX = re.compile(r'(<(?:span|div)[^<>]* class="math"[^<>]*?) data-tex="([^"]*)"')


def write(site: Path) -> None:
    """Move the TeX from the pages of a built site into lists, in order of reading.

    Args:
        site: The folder of the built site.
    """
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        found = [html.unescape(tex) for _, tex in _TEX.findall(text)]
        if found:
            page.write_text(_TEX.sub(r"\1", text), encoding="utf-8")
            script = f"hw4Tex = {json.dumps(found, ensure_ascii=False)};\n"
            page.with_suffix(".tex.js").write_text(script, encoding="utf-8")
