"""The pages as their authors wrote them: fences, headings, blocks, values, prose.

One reading of the Markdown that the gate, the tests and whoever exports the pages
share. Line numbers count from one, as editors do.
"""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from io import StringIO
from pathlib import Path

import matplotlib as mpl

from hw4site.figures import STYLE
from hw4site.values import VALUE

_OPENING = re.compile(r"(?P<indent>[ \t>]*)(?P<ticks>`{3,}|~{3,})(?P<header>[^`]*)")
_HEADER = re.compile(r'\s*(?P<language>[\w#.+-]*)(?P<options>(?:\s+\w+="[^"]*")*)\s*')
_OPTION = re.compile(r'(\w+)="([^"]*)"')
_HEADING = re.compile(
    r"^(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*(?:\{:?([^{}\n]*)\}[ \t]*)?$", re.MULTILINE
)
_BLOCK_LINE = re.compile(r"^ {0,3}(/{3,})[ \t]*([\w-]*)(.*)$", re.MULTILINE)
FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
"""What stands before the text of a page, its group what is between the lines."""
_CODE = re.compile(r"(?<!`)(`+)(?!`)(?:(?!\n\n).)+?(?<!`)\1(?!`)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_TARGET = re.compile(r"\]\([^()\n]*\)|^\[[^\]\n]+\]:.*$", re.MULTILINE)


@dataclass(frozen=True)
class Fence:
    """A fenced code block.

    Attributes:
        language: The word after the backticks, or all that follows them if it is
            not of the form `language option="value" ...`.
        options: The options, by name.
        code: The code without its indentation and without a last line break.
        line: Line of the opening backticks; the code starts on the next one.
        end: Line of the closing backticks, or the last one if they are missing.
        closed: Whether there are closing backticks.
        indent: What stands before the opening backticks.
    """

    language: str
    options: dict[str, str]
    code: str
    line: int
    end: int
    closed: bool
    indent: str

    @property
    def executed(self) -> bool:
        """Whether markdown-exec runs the block."""
        value = self.options.get("exec", "").lower()
        return value not in {"", "no", "off", "false", "0"}

    @property
    def visible(self) -> bool:
        """Whether the page shows the code."""
        return not self.executed or "source" in self.options

    @property
    def figure(self) -> bool:
        """Whether the page shows what the block prints as it is, in HTML."""
        return self.executed and "html" in self.options


@dataclass(frozen=True)
class Heading:
    """A heading, with the anchor and the points that its attribute list gives it."""

    level: int
    text: str
    anchor: str
    line: int
    points: float = 0.0


@dataclass(frozen=True)
class Block:
    """What stands between `/// name` and `///`.

    `end` is 0 if nothing closes it; `name` is empty if nothing opens it.
    """

    name: str
    line: int
    end: int


@dataclass(frozen=True)
class Value:
    """A value in prose: the Python expression and the format."""

    expression: str
    spec: str
    line: int


@dataclass(frozen=True)
class Page:
    """A page of the site."""

    path: Path
    text: str = field(repr=False)
    docs: Path | None = None

    @property
    def session(self) -> str:
        """The name of the page's session: its path below the folder of the pages."""
        if self.docs is None:
            return self.path.stem
        return self.path.relative_to(self.docs).with_suffix("").as_posix()

    @cached_property
    def fences(self) -> list[Fence]:
        """Every fence, in order."""
        return list(_fences(self.text))

    @property
    def executed(self) -> list[Fence]:
        """The fences that markdown-exec runs, in order."""
        return [fence for fence in self.fences if fence.executed]

    @cached_property
    def markdown(self) -> str:
        """The text with fences, comments and front matter blanked."""
        lines = self.text.split("\n")
        for fence in self.fences:
            length = fence.end - fence.line + 1
            lines[fence.line - 1 : fence.end] = [""] * length
        return _blank(_COMMENT, _blank(FRONT_MATTER, "\n".join(lines)))

    @cached_property
    def readable(self) -> str:
        """The text with code in the line blanked too."""
        return _blank(_CODE, self.markdown)

    @cached_property
    def prose(self) -> str:
        """The text with values, HTML tags and the targets of links blanked too."""
        text = _blank(VALUE, self.readable)
        return _blank(_TARGET, _blank(_TAG, text))

    @cached_property
    def headings(self) -> list[Heading]:
        """Every heading, in order."""
        found = []
        for match in _HEADING.finditer(self.markdown):
            anchor = re.search(r"(?<!\S)#(\S+)", match[3] or "")
            points = re.search(r"\bdata-points=([\d.]+)", match[3] or "")
            found.append(
                Heading(
                    level=len(match[1]),
                    text=match[2],
                    anchor=anchor[1] if anchor else "",
                    line=_line(match),
                    points=float(points[1]) if points else 0.0,
                )
            )
        return found

    @cached_property
    def blocks(self) -> list[Block]:
        """Every block, in the order of their ends, those without one last."""
        found: list[Block] = []
        opened: list[tuple[str, str, int]] = []
        for match in _BLOCK_LINE.finditer(self.markdown):
            slashes, name, rest = match.groups()
            line = _line(match)
            if name:
                opened.append((slashes, name, line))
            elif opened and opened[-1][0] == slashes and not rest.strip():
                _, name, start = opened.pop()
                found.append(Block(name, start, line))
            else:
                found.append(Block("", line, 0))
        return found + [Block(name, line, 0) for _, name, line in opened]

    @cached_property
    def values(self) -> list[Value]:
        """Every value in prose, in order."""
        return [
            Value(match[1].strip(), (match[2] or "").strip(), _line(match))
            for match in VALUE.finditer(self.readable)
        ]

    def run(
        self, names: dict[str, object] | None = None
    ) -> Iterator[tuple[Fence, str]]:
        """Run the executed fences in one namespace.

        A traceback shows the page's own file and line.

        Args:
            names: The namespace, for whoever wants to see it afterwards.

        Yields:
            Each fence with what it printed.
        """
        namespace = {} if names is None else names
        namespace["__name__"] = "__main__"
        for fence in self.executed:
            output = StringIO()
            namespace["print"] = partial(print, file=output)
            # Blank lines in front give each line of code the number it has on the page.
            code = "\n" * fence.line + fence.code
            with mpl.rc_context(STYLE):
                exec(compile(code, str(self.path), "exec"), namespace)
            yield fence, output.getvalue()


def read_page(path: Path, docs: Path | None = None) -> Page:
    """Return the page in a file below a folder of pages."""
    return Page(path, path.read_text(encoding="utf-8"), docs)


def read_pages(docs: Path) -> list[Page]:
    """Return every page below a folder, in the order of their paths."""
    return [read_page(path, docs) for path in sorted(docs.rglob("*.md"))]


def _fences(text: str) -> Iterator[Fence]:
    lines = iter(enumerate(text.split("\n"), 1))
    for number, line in lines:
        opening = _OPENING.fullmatch(line)
        if opening is None:
            continue
        indent, ticks = opening["indent"], opening["ticks"]
        code: list[str] = []
        closed = False
        for _, inner in lines:
            closed = inner.removeprefix(indent).rstrip() == ticks
            if closed:
                break
            code.append(inner.removeprefix(indent))
        header = _HEADER.fullmatch(opening["header"])
        yield Fence(
            language=header["language"] if header else opening["header"].strip(),
            options=dict(_OPTION.findall(header["options"])) if header else {},
            code=textwrap.dedent("\n".join(code)),
            line=number,
            end=number + len(code) + closed,
            closed=closed,
            indent=indent,
        )


def _blank(pattern: re.Pattern[str], text: str) -> str:
    """Remove what a pattern matches but keep its line breaks, so that lines count."""
    return pattern.sub(lambda match: " " + "\n" * match[0].count("\n"), text)


def _line(match: re.Match[str]) -> int:
    return match.string.count("\n", 0, match.start()) + 1
