r"""The Python-Markdown extension that ties a page's text to the page's code.

`{{ expression | format }}` becomes the value that the expression has in the page's
own session of markdown-exec, in prose and in formulas; formulas become typeset
mathematics. An unknown name or command is logged as an error, which ends a strict
build, and shows on the page, which the gate finds under every builder.
"""

import html
import logging
import re
from functools import partial
from xml.etree.ElementTree import Element

from markdown import Extension, Markdown
from markdown.postprocessors import Postprocessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from pygments.token import STANDARD_TYPES, Name, Operator, Punctuation, Whitespace

from hw4site import blocks, mathematics
from hw4site.uses import ROOT, with_tests
from hw4site.values import fill

# MkDocs counts what is logged below its own name.
_log = logging.getLogger("mkdocs.hw4lib")

_NOT_FOR_SEARCH = re.compile(
    r'<details class="(?:mkdocstrings-source|tests)"'
    r'|<div class="language-\w+ highlight"'
)
# Names and signs have the color of the code around them: an element each would be two
# thirds of a page's.
STANDARD_TYPES.update(dict.fromkeys((Name, Operator, Punctuation, Whitespace), ""))
_MODULE = re.compile(r"^::: ([\w.]+)", re.MULTILINE)
_SESSION = re.compile(r'^\s*```+\s*python\b.*\bsession="([^"]+)"', re.MULTILINE)


class _Session(Preprocessor):
    """Announces the page's session before its blocks are run and put away."""

    def __init__(self, md: Markdown) -> None:
        super().__init__(md)
        self.name = ""

    def run(self, lines: list[str]) -> list[str]:
        text = "\n".join(lines)
        typeset_ahead(text)
        names = set(_SESSION.findall(text))
        if len(names) > 1:
            lines = [self.report(f"sessions {sorted(names)}, expected one"), *lines]
        self.name = min(names, default="")
        if self.name:
            blocks.start(self.name, text)
        return lines

    def report(self, message: str) -> str:
        """Log a fault of the page, and return what the page shows in its place."""
        where = f"page of session `{self.name}`" if self.name else "page"
        _log.error("%s: %s", where, message)
        return f'<strong class="hw4-error">{html.escape(message)}</strong>'


def typeset_ahead(text: str) -> None:
    """Have the formulas laid out that a page, and what it documents, is known to have.

    Args:
        text: The page's Markdown.
    """
    for source in (text, *map(_source, _MODULE.findall(text))):
        mathematics.typeset_ahead(source)


def _source(module: str) -> str:
    """Return the source of a module that a page documents."""
    path = ROOT / f"{module.replace('.', '/')}.py"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


class _Values(Preprocessor):
    """Fills values in, after the blocks have run."""

    def __init__(self, md: Markdown, session: _Session) -> None:
        super().__init__(md)
        self.session = session

    def run(self, lines: list[str]) -> list[str]:
        value_of = partial(blocks.value, self.session.name)
        text = fill("\n".join(lines), value_of, self.session.report)
        mathematics.typeset_ahead(text)
        return text.split("\n")


class _Tests(Preprocessor):
    """Names the tests of each part's functions behind its check."""

    def run(self, lines: list[str]) -> list[str]:
        return with_tests("\n".join(lines)).split("\n")


class _Formulas(Treeprocessor):
    """Typesets what arithmatex has found."""

    def __init__(self, md: Markdown, session: _Session) -> None:
        super().__init__(md)
        self.session = session

    def run(self, root: Element) -> None:
        for element in root.iter():
            if element.get("class") == "arithmatex":
                self._typeset(element)

    def _typeset(self, element: Element) -> None:
        display = element.tag == "div"
        tex = (element.text or "").strip()[2:-2].strip()
        # arithmatex escapes a formula of its own line, not one in a line
        tex = html.unescape(tex) if display else tex
        try:
            markup = mathematics.render(tex, display=display)
        except ValueError as error:
            markup = self.session.report(str(error))
        element.text = self.md.htmlStash.store(markup)
        element.set("class", "math")
        element.set("data-search-exclude", "")
        if display:
            element.set("tabindex", "0")  # so that the keyboard can scroll it


class _Search(Postprocessor):
    """Keeps code, its output and the names of tests out of the search."""

    def run(self, text: str) -> str:
        return _NOT_FOR_SEARCH.sub(r"\g<0> data-search-exclude", text)


class HomeworkExtension(Extension):
    """Registers the steps at their places among Python-Markdown's own."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register the steps before, after and behind superfences (25)."""
        session = _Session(md)
        md.preprocessors.register(session, "hw4-session", 26)
        md.preprocessors.register(_Tests(md), "hw4-tests", 25.5)
        md.preprocessors.register(_Values(md, session), "hw4-values", 24)
        md.treeprocessors.register(_Formulas(md, session), "hw4-formulas", 15)
        md.postprocessors.register(_Search(md), "hw4-search", 5)


def makeExtension(**options: object) -> HomeworkExtension:  # noqa: N802
    """Return the extension, under the name that Python-Markdown looks for."""
    return HomeworkExtension(**options)
