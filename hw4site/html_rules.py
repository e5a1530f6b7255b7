"""What the gate asks of a built page, a function a rule.

A rule yields the line and the message, *what it is, what it should be*, of each fault.
"""

import re
from collections.abc import Callable, Iterator

from bs4 import Tag
from bs4.element import NavigableString

from hw4site.pages import Page

Found = Iterator[tuple[int, str]]


def blocks_ran(page: Page, soup: Tag) -> Found:
    """Every block of the page stands on the built page, with its output."""
    codes = iter(soup.select(".highlight code"))
    for fence in page.executed:
        if not fence.visible:
            continue
        source = fence.code.strip()
        code = next((code for code in codes if code.get_text().strip() == source), None)
        if code is None:
            yield fence.line, "the block is not on the built page, expected it to run"
            # The page has less than it should: look for the next block from the top.
            codes = iter(soup.select(".highlight code"))
        elif "result" in fence.options:
            result = _result(code)
            if result is None:
                yield fence.line, "the block has no output, expected it to run"
            elif not result.get_text().strip():
                yield (
                    fence.line,
                    "the block prints nothing, expected output or no `result`",
                )
    expected = sum(fence.figure for fence in page.executed)
    shown = len(soup.select(SHOWN))
    if shown < expected:
        yield 1, f"the built page has {shown} figures and boxes, expected {expected}"


SHOWN = ".hw4-figure, .hw4-try, .hw4-scheme, .hw4-write, .hw4-read"
"""The root elements of what blocks with `html="1"` print."""


def _result(code: Tag) -> Tag | None:
    """Return the output that follows a block's code."""
    source = code.find_parent(class_="highlight")
    following = source.find_next_sibling() if source else None
    if following and {"highlight", "language-text"} <= set(_classes(following)):
        return following
    return None


def _classes(tag: Tag) -> list[str]:
    return tag.get_attribute_list("class")


LEFT_OVER = {
    "raw TeX, expected typeset mathematics": re.compile(
        r"\\[A-Za-z]{2,}|\\[()\[\]]|\$\$|\$[^$\s]+\$|\$[^$\s][^$\n]*[^$\s]\$"
    ),
    "an unfilled value, expected its text": re.compile(r"\{\{|\}\}"),
    "no number, expected one": re.compile(r"(?<![\w.-])[-−+]?(?:nan|inf)(?![\w-])"),
    "a block's mark, expected a block": re.compile(r"^\s*/{3,}", re.MULTILINE),
}
"""What prose must not have."""

FAILED = {
    "a traceback, expected output": re.compile(r"Traceback \(most recent call last\)"),
    "the options of a block, expected that it runs": re.compile(r"\bexec="),
    "an error, expected a value or a formula": re.compile("hw4-error"),
}
"""What nothing on a page must have, code included."""


def left_overs(soup: Tag) -> Found:
    """Prose is finished: no raw TeX, no unfilled value, no open block, no `nan`."""
    for line, text in _prose(soup):
        for what, pattern in LEFT_OVER.items():
            if match := pattern.search(text):
                yield line, f"`{_around(match)}` is {what}"
                break


def failures(soup: Tag) -> Found:
    """Nothing failed: no traceback, no block that did not run, no error's text.

    Code in Markdown is how a page is written, and runs nowhere.
    """
    code = (
        (line_of(tag), tag.get_text())
        for tag in soup.find_all(["pre", "code"])
        if not tag.find_parent(class_="language-markdown")
    )
    for line, text in (*_prose(soup), *code):
        for what, pattern in FAILED.items():
            if match := pattern.search(text):
                yield line, f"`{_around(match)}` is {what}"
    for tag in soup.select(".hw4-error, merror, [data-mml-node=merror]"):
        yield line_of(tag), f"`{tag.get_text()}`, expected a value or a formula"


def _prose(tag: Tag) -> Iterator[tuple[int, str]]:
    """Yield what is read or read out, outside code and formulas."""
    for name in ("alt", "aria-label", "title", "content"):
        if name in tag.attrs:
            yield line_of(tag), str(tag[name])
    for child in tag.children:
        if isinstance(child, Tag):
            if child.name not in {"code", "pre", "math"}:
                yield from _prose(child)
        # Scripts, styles, templates and comments are strings of other classes.
        elif type(child) is NavigableString:
            yield line_of(tag), child


def _around(match: re.Match[str]) -> str:
    start, end = max(match.start() - 20, 0), match.end() + 20
    return " ".join(match.string[start:end].split())


def unique_ids(soup: Tag) -> Found:
    """No two elements of a page share an id."""
    seen = set()
    for tag in soup.find_all(id=True):
        if tag["id"] in seen:
            yield (
                line_of(tag),
                f"the id `{tag['id']}` is there twice, expected once",
            )
        seen.add(tag["id"])


def alternatives(soup: Tag) -> Found:
    """Whoever can not see a picture has its text."""
    for tag in soup.select("img, [role=img], figure svg, .math:not(:has(.hw4-error))"):
        text = tag.get("alt" if tag.name == "img" else "aria-label", "")
        if not str(text).strip() or (tag.name != "img" and tag.get("role") != "img"):
            yield line_of(tag), f"`<{tag.name}>` has no text, expected one in words"


RULES: list[Callable[[Tag], Found]] = [
    left_overs,
    failures,
    unique_ids,
    alternatives,
]


def line_of(tag: Tag) -> int:
    """Return the line of an element in its file."""
    return tag.sourceline or 1
