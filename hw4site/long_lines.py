"""The Python-Markdown extension that lets long lines of code break in narrow boxes.

A phone shows 44 characters. A longer line of Python is marked with its indentation, so
that `docs/assets/site.css` can break it between words and set what follows further in,
as somebody would who breaks it by hand. So is a longer sentence that code prints; the
rows of a matrix stay whole, because its columns belong under each other.
"""

import html
import re

from markdown import Extension, Markdown
from markdown.postprocessors import Postprocessor

FITS = 44
"""How many characters a phone shows in a line of code."""

_BLOCK = re.compile(
    r'(?<=<div class="language-)((\w+) highlight".*?<code>)(.*?)(?=</code>)', re.DOTALL
)
# What a line that may break begins with.
_BREAKS = {
    "python": re.compile(r" *"),
    "pycon": re.compile(r"(?:>>>|\.\.\.) *"),
    "text": re.compile(r"(?=\w)"),
}
_TAG = re.compile("<.*?>")


class _LongLines(Postprocessor):
    """Marks each line that is too long for a phone."""

    def run(self, text: str) -> str:
        return _BLOCK.sub(_marked, text)


def _marked(block: re.Match[str]) -> str:
    head, language, code = block.groups()
    if language not in _BREAKS or "hw4-long" in code:
        return block[0]  # what a block of a fold prints comes by here twice
    lines = ""
    for line in code.splitlines(keepends=True):
        plain = html.unescape(_TAG.sub("", line)).rstrip()
        lead = _BREAKS[language].match(plain)
        lines += (
            f'<span class="hw4-long" style="--in:{lead.end()}">{line}</span>'
            if lead and len(plain) > FITS
            else line
        )
    return head + lines


class LongLinesExtension(Extension):
    """Registers the step when code is in its colors."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register the step behind the one that brings stashed HTML back (30)."""
        md.postprocessors.register(_LongLines(md), "hw4-long-lines", 3)


def makeExtension(**options: object) -> LongLinesExtension:  # noqa: N802
    """Return the extension, under the name that Python-Markdown looks for."""
    return LongLinesExtension(**options)
