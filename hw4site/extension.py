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
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from markdown import Extension, Markdown
from markdown.postprocessors import Postprocessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor

from hw4site import blocks, mathematics
from hw4site.backlinks import ROOT
from hw4site.pages import Page
from hw4site.values import fill

# MkDocs counts what is logged below its own name.
_log = logging.getLogger("mkdocs.hw4lib")

# What a block of a fold prints comes by here twice.
_NOT_FOR_SEARCH = re.compile(
    r'(?:<details class="mkdocstrings-source"'
    r'|<div class="language-\w+ highlight")(?! data-search-exclude)'
)
# A long name in a line of text.
_INLINE_CODE = re.compile(r"(?<!<pre>)<code>[^<>\s]{16,}</code>")
# What Pygments calls names, operators, punctuation and white space.
# Beside a formula, not in it, where a screen reader would find it.
_JOINER = "\u2060"
_PLAIN_SPAN = re.compile(r'<span class="[nopw]">([^<]*)</span>|<span></span>')
_HEADINGS = {"h1", "h2", "h3", "h4"}
_PART = re.compile(r"\d(?:\.\d)? \([a-z]\)")
_FOLDS = {"hint", "answer", "why", "mistakes", "code", "remark", "proof"}
_DERIVATIONS = {"why", "proof"}
_MANY = 5
_TO = {"answer": "to", "hint": "for", "why": "for", "mistakes": "in", "code": "for"}
_MODULE = re.compile(r"^::: ([\w.]+)", re.MULTILINE)


class _Session(Preprocessor):
    """Announces the page's session before its blocks are run and put away."""

    def __init__(self, md: Markdown) -> None:
        super().__init__(md)
        self.name = ""
        self.takes_along = False

    def run(self, lines: list[str]) -> list[str]:
        text = "\n".join(lines)
        typeset_ahead(text)
        fences = Page(Path(), text).executed
        names = {f.options["session"] for f in fences if f.options.get("session")}
        if len(names) > 1:
            lines = [self.report(f"sessions {sorted(names)}, expected one"), *lines]
        self.name = min(names, default="")
        self.takes_along = bool(self.name) and any(f.visible for f in fences)
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


class _Formulas(Treeprocessor):
    """Typesets what arithmatex has found."""

    def __init__(self, md: Markdown, session: _Session) -> None:
        super().__init__(md)
        self.session = session

    def run(self, root: Element) -> None:
        for parent in list(root.iter()):
            before: Element | None = None
            for element in parent:
                if element.get("class") == "arithmatex":
                    self._typeset(element)
                    if element.tag == "span":
                        self._join(parent, before, element)
                before = element

    def _join(self, parent: Element, before: Element | None, formula: Element) -> None:
        """Put word joiners around a formula: what touches it stays with it."""
        if before is None:
            parent.text = (parent.text or "") + _JOINER
        else:
            before.tail = (before.tail or "") + _JOINER
        formula.tail = _JOINER + (formula.tail or "")

    def _typeset(self, element: Element) -> None:
        display = element.tag == "div"
        tex = (element.text or "").strip()[2:-2].strip()
        # arithmatex escapes a formula of its own line, not one in a line
        tex = html.unescape(tex) if display else tex
        try:
            markup, words = mathematics.render(tex, display=display)
            plain = html.escape(mathematics.plain(tex, display=display))
            # Until the search has read it: see search_index.py.
            markup = markup.replace("<svg ", '<svg data-search-exclude="" ')
            markup += f'<span class="hw4-words">{plain}</span>'
            element.set("role", "img")
            element.set("aria-label", words)
        except ValueError as error:
            markup = self.session.report(str(error))
        element.text = self.md.htmlStash.store(markup)
        element.set("class", "math")
        element.set("data-tex", tex)  # until `tex.py` puts it beside the page
        if display:
            element.set("tabindex", "0")  # so that the keyboard can scroll it


class _Parts(Treeprocessor):
    """Finishes what a page's parts have in common, so that no page has to write it.

    Hints are numbered; each fold is named after its part for those who cannot see
    where it stands; an answer ends with the points that it earns; a page with code
    ends with links to take it along. The title of a page with many folds is marked: a
    script puts buttons below it, for which a style keeps room. A derivation has one
    element around it with its code, which a wide window shows side by side.
    """

    def __init__(self, md: Markdown, session: _Session) -> None:
        super().__init__(md)
        self.session = session

    def run(self, root: Element) -> None:
        part, points, hints = "", "", 0
        for element in list(root):
            if element.tag in _HEADINGS:
                words = _PART.match("".join(element.itertext()))
                part = words[0] if words else ""
                points, hints = element.get("data-points", ""), 0
            elif element.tag == "details" and part:
                kind = element.get("class", "")
                hints += kind == "hint"
                self._name(element, part, hints if kind == "hint" else 0)
                if kind == "answer" and points:
                    self._end(element, points)
        title = root.find("h1")
        folds = [e for e in root.iter("details") if e.get("class") in _FOLDS]
        if title is not None and len(folds) >= _MANY:
            title.set("data-folds", "")
        _pair(root)
        if self.session.takes_along:
            root.append(self._take())

    def _name(self, details: Element, part: str, hint: int) -> None:
        summary = details.find("summary")
        if summary is None or len(summary):
            return
        title = (summary.text or "") + (f" {hint}" if hint else "")
        summary.text = title
        said = SubElement(summary, "span", {"class": "hw4-said"})
        said.text = f" {_TO.get(details.get('class', ''), 'for')} {part}"

    def _end(self, answer: Element, points: str) -> None:
        end = SubElement(answer, "p", {"class": "hw4-enough"})
        unit = "point" if points == "1" else "points"
        end.text = f"This is enough for full marks: {points} {unit}."

    def _take(self) -> Element:
        name = self.session.name
        up = "../" * name.count("/")
        notebook, script = (f"{up}notebooks/{name}.{end}" for end in ("ipynb", "py"))
        line = Element("p", {"class": "hw4-take", "data-search-exclude": ""})
        line.text = self.md.htmlStash.store(
            f'Download this page as a <a href="{notebook}" download>notebook</a> or as '
            f'<a href="{script}" download>plain Python</a>.'
        )
        return line


def _pair(root: Element) -> None:
    """Put each derivation, its code and what stands between into one element."""
    found: list[Element] = []
    for element in list(root):
        kind = element.get("class", "") if element.tag == "details" else element.tag
        if kind in _DERIVATIONS:
            found = [element]
        elif found and kind in {"p", "mistakes", "code"}:
            found.append(element)
        else:
            found = []
        if found and kind == "code":
            pair = Element("div", {"class": "hw4-beside"})
            root.insert(list(root).index(found[0]), pair)
            for inside in found:
                root.remove(inside)
            pair.extend(found)
            found = []


class _Tables(Treeprocessor):
    """Puts tables into elements of their own, and names the cells of wide rows.

    A script of Material moves each table when a page starts, and a browser then styles
    again what the table stands in: the page, if it stands there. On a phone a row of
    four is a card, in which what the third and fourth cell hold is said before them.
    """

    def run(self, root: Element) -> None:
        for index, table in enumerate(root):
            if table.tag == "table":
                root[index] = Element("div")
                root[index].append(table)
        for table in root.iter("table"):
            heads = ["".join(head.itertext()) for head in table.iter("th")]
            if len(heads) == 4:
                for row in table.iterfind("tbody/tr"):
                    for cell, head in list(zip(row, heads, strict=True))[2:]:
                        cell.set("data-label", head)


class _Spans(Postprocessor):
    """Unwraps names, operators and signs in code, which have its color; and nothing.

    An element each would be two thirds of a page's.
    """

    def run(self, text: str) -> str:
        return _PLAIN_SPAN.sub(r"\1", text)


class _Names(Postprocessor):
    """Lets a long name break where its words end, and nowhere else."""

    def run(self, text: str) -> str:
        return _INLINE_CODE.sub(
            lambda code: re.sub(r"(?<=\w)([._/])(?=\w)", r"\1<wbr>", code[0]), text
        )


class _Search(Postprocessor):
    """Keeps code and its output out of the search."""

    def run(self, text: str) -> str:
        return _NOT_FOR_SEARCH.sub(r"\g<0> data-search-exclude", text)


class HomeworkExtension(Extension):
    """Registers the steps at their places among Python-Markdown's own."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register the steps before, after and behind superfences (25)."""
        session = _Session(md)
        md.preprocessors.register(session, "hw4-session", 26)
        md.preprocessors.register(_Values(md, session), "hw4-values", 24)
        md.treeprocessors.register(_Formulas(md, session), "hw4-formulas", 15)
        md.treeprocessors.register(_Parts(md, session), "hw4-parts", 4)
        md.treeprocessors.register(_Tables(md), "hw4-tables", 3)
        md.postprocessors.register(_Spans(md), "hw4-spans", 6)
        md.postprocessors.register(_Search(md), "hw4-search", 5)
        md.postprocessors.register(_Names(md), "hw4-names", 4)


def makeExtension(**options: object) -> HomeworkExtension:  # noqa: N802
    """Return the extension, under the name that Python-Markdown looks for."""
    return HomeworkExtension(**options)
