"""Everything that a build writes beside its pages.

MkDocs and ProperDocs come here through their hooks; after another builder it is
`python -m hw4site.after_build docs SITE`.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from hw4site import (
    exam,
    export,
    not_found,
    policy,
    pyodide,
    redirects,
    search_index,
    sharing,
    tex,
    typeface,
)
from hw4site.mathematics import font

# The look of documented functions, which mkdocstrings gives to every page.
_REFERENCE_STYLE = re.compile(r'\s*<link [^>]*_mkdocstrings\.css">')
# Material says that colors were switched when a page has been styled: by this rule all
# of it is styled again, twice.
_SWITCHING = re.compile(r"\[data-md-color-switching\] \*,[^{}]*\{[^{}]*\}")


def write(docs: Path, site: Path, python: str = "") -> list[str]:
    """Write what pages load and link to: fonts, notebooks, the exam, redirects.

    Args:
        docs: The folder of the pages.
        site: The folder of the built site.
        python: Where browsers load Python from, see `pyodide.write`.

    Returns:
        What went wrong, a line a page.
    """
    faults = search_index.write(site)
    font.write(site / "assets" / "mathematics.woff2")
    typeface.write(site / "assets")
    typeface.preload(site)
    pyodide.write(docs, site, python)
    redirects.write(site)
    exam.write(site)
    tex.write(site)
    not_found.write(site)
    sharing.write(site)
    _start_sooner(site)
    policy.write(site, pyodide.origins(python))
    return faults + export.export(docs, site)


def _start_sooner(site: Path) -> None:
    """Have browsers style a page fewer times, without the look of what it has not."""
    for style in site.glob("assets/stylesheets/palette.*.css"):
        text = style.read_text(encoding="utf-8")
        style.write_text(_SWITCHING.sub("", text), encoding="utf-8")
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if 'class="doc ' not in text:
            text = _REFERENCE_STYLE.sub("", text)
            page.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="hw4site.after_build")
    parser.add_argument("docs", type=Path, help="folder of the pages")
    parser.add_argument("site", type=Path, help="folder of the built site")
    options = parser.parse_args(arguments)
    sys.exit("\n".join(write(options.docs, options.site)) or 0)


if __name__ == "__main__":
    main()
