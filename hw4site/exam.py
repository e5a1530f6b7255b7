"""The exam: every question of the built pages on one page, answers out of sight.

It is put together from the pages as they were built, so that setting, question, box,
answer and marks are those of the problem pages. `docs/assets/exam.js` hides and marks.
"""

import functools
import math
from copy import copy
from pathlib import Path

from bs4 import BeautifulSoup, Tag

PROBLEMS = (
    "backpropagation",
    "noisy_targets",
    "architecture",
    "online_learning",
    "adversarial_example",
)
"""The problem pages, in the order of the sheet."""

PLACE = "hw4-exam"
"""The id of the element that `write` fills."""


def write(site: Path) -> None:
    """Fill the exam page of a built site, if it has one.

    Args:
        site: The folder of the built site.

    Raises:
        ValueError: If a page has no parts, or a part lacks its question or answer.
    """
    page = site / "exam.html"
    if not page.exists():
        return
    text = page.read_text(encoding="utf-8")
    head, opening, rest = text.partition(f'<hw4-exam id="{PLACE}">')
    _, closing, tail = rest.partition("</hw4-exam>")
    if not (opening and closing):
        raise ValueError(f"{page.name} has no element `{PLACE}`, expected one")
    problems = ""
    for stem in PROBLEMS:
        problems += _section(stem, (site / f"{stem}.html").read_text(encoding="utf-8"))
    page.write_text(f"{head}{opening}{problems}{closing}{tail}", encoding="utf-8")


@functools.lru_cache(maxsize=len(PROBLEMS))  # a server builds again and again
def _section(stem: str, source: str) -> str:
    return str(problem(stem, BeautifulSoup(source, "html.parser")))


def problem(stem: str, page: BeautifulSoup) -> Tag:
    """Return a problem as a section of the exam.

    Args:
        stem: The name of its page.
        page: The built page.
    """
    section = page.new_tag("section", attrs={"class": "hw4-exam-problem"})
    title = page.new_tag("h2", id=f"exam-{stem}")
    title.string = _words(page.h1)
    section.append(title)
    if not page.select("[data-points]:is(h2, h3)"):
        raise ValueError(f"{stem} has no parts, expected headings with points")
    for heading in page.select("h1, h2, h3[data-points]"):
        if heading.has_attr("data-points"):
            section.append(_part(stem, heading, page))
        else:
            section.extend(_setting(heading, page))
    for link in section.select("a[href^='#']"):
        link["href"] = f"{stem}.html{link['href']}"
    return section


def _setting(heading: Tag, page: BeautifulSoup) -> list[Tag]:
    """Return what the parts below a heading have in common: its text and figures."""
    found = [copy(tag) for tag in _until_next(heading) if tag.name != "details"]
    if heading.name == "h1" or not found:
        return found
    title = page.new_tag("h3", id=f"exam-{heading['id']}")
    title.string = _words(heading)
    return [title, *found]


def _part(stem: str, heading: Tag, page: BeautifulSoup) -> Tag:
    anchor, points = str(heading["id"]), str(heading["data-points"])
    found = list(_until_next(heading))
    question = _first(found, "question", anchor)
    answer = _first(found, "answer", anchor)

    part = page.new_tag(
        "section",
        attrs={"class": "hw4-exam-part", "data-part": anchor, "data-points": points},
    )
    title = page.new_tag("h3", id=f"exam-{anchor}")
    title.string = _words(heading)
    note = page.new_tag("span", attrs={"class": "hw4-points"})
    note.string = f" {points} point{'' if points == '1' else 's'}"
    title.append(note)
    part.append(title)
    for child in _body(question):
        part.append(copy(child))
    boxes = [tag for tag in found if "hw4-try" in tag.get_attribute_list("class")]
    schemes = [
        scheme
        for tag in found
        for scheme in [tag, *tag.find_all(recursive=True)]
        if "hw4-scheme" in scheme.get_attribute_list("class")
    ]
    for box in boxes:
        part.append(copy(box))
    if schemes or not boxes:
        rows = str(4 + 2 * math.ceil(float(points)))
        label = f"Your answer to {anchor}"
        part.append(page.new_tag("textarea", rows=rows, attrs={"aria-label": label}))

    after = page.new_tag("div", attrs={"class": "hw4-after"})
    for child in _body(answer):
        after.append(copy(child))
    after.extend(copy(scheme) for scheme in schemes)
    again = page.new_tag("a", href=f"{stem}.html#{anchor}", attrs={"class": "hw4-part"})
    again.string = "Read it again"
    after.append(again)
    part.append(after)
    return part


def _until_next(heading: Tag) -> list[Tag]:
    """Return what follows a heading, up to the next one."""
    found = []
    for sibling in heading.find_next_siblings():
        if sibling.name in {"h1", "h2", "h3", "h4"}:
            break
        found.append(sibling)
    return found


def _first(tags: list[Tag], kind: str, anchor: str) -> Tag:
    for tag in tags:
        if kind in tag.get_attribute_list("class"):
            return tag
    raise ValueError(f"{anchor} has no {kind}, expected one")


def _body(block: Tag) -> list[Tag]:
    """Return a block's children but its title."""
    title = {"summary"}
    return [
        child
        for child in block.find_all(recursive=False)
        if child.name not in title
        and "admonition-title" not in child.get_attribute_list("class")
    ]


def _words(heading: Tag | None) -> str:
    """Return a heading's text without its permanent link."""
    if heading is None:
        return ""
    clean = copy(heading)
    for link in clean.select(".headerlink"):
        link.decompose()
    return clean.get_text().strip()
