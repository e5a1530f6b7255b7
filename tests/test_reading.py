"""What a reader tries and moves: a box for each part, figures that move."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from hw4site.markdown_rules import PARTS, parts
from hw4site.pages import Page, read_pages

DOCS = Path(__file__).parents[1] / "docs"
EVERY = {page.session: page for page in read_pages(DOCS)}
PAGES = [page for page in EVERY.values() if list(parts(page))]
BOX = re.compile(
    r"(?:answers\.)?\b(number_box|variants_box|formula_box|grid_box|choice_box|marks)"
    r'\(\s*"(\d-[\w-]+)"'
)
SLIDERS = {
    "backpropagation": {"input x", "leak α", "step size η"},
    "noisy_targets": {"flip probability ε"},
    "architecture": {"width", "stride", "padding", "position n", "shift k"},
    "online_learning": {"stream", "step size η"},
    "beyond/architecture": {"width M", "ε² times M"},
    "beyond/online_learning": {
        *("penalty λ", "norm of features R", "norm of comparator D"),
    },
    "beyond/adversarial_example": {
        *("margin m₀", "weight α, in units of ‖W‖²/(8m₀)"),
    },
}


def boxes(page: Page) -> list[tuple[int, str, str]]:
    """Return the line, the kind and the name of each box."""
    return [
        (fence.line, match[1], match[2])
        for fence in page.executed
        for match in BOX.finditer(fence.code)
    ]


def part_of(name: str) -> str:
    """Return the part to which a box belongs: `1-1-k` of `1-1-k--after`."""
    return name.partition("--")[0]


def test_every_part_has_a_box() -> None:
    """A number, a formula, a grid, a choice or marks; no name is there twice."""
    named = [(kind == "marks", name) for p in PAGES for _, kind, name in boxes(p)]
    assert len(named) == len(set(named))
    assert PARTS - {part_of(name) for _, name in named} == set()


def test_every_part_is_marked_by_the_page_or_by_its_reader() -> None:
    """The exam counts what boxes say, or what readers tick."""
    kinds = {kind for p in PAGES for _, kind, _ in boxes(p)}
    assert kinds >= {"variants_box", "formula_box", "grid_box", "choice_box", "marks"}


def schemes(page: Page) -> dict[str, dict[str, Any]]:
    """Return the marking scheme of each part of a page."""
    calls = [
        node
        for fence in page.executed
        for node in ast.walk(ast.parse(fence.code))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "answers.marks"
    ]
    return {
        ast.literal_eval(name): ast.literal_eval(scheme)
        for name, scheme in (call.args for call in calls)
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.session)
def test_every_part_says_what_earns_its_points(page: Page) -> None:
    """By a scheme; a part of one point or less may leave it to its boxes.

    Where a reader picks an option and says why, each line shows an answer that earns it
    and one that does not.
    """
    marked = schemes(page)
    chosen = {part_of(name) for _, kind, name in boxes(page) if kind == "choice_box"}
    for heading in page.headings:
        scheme = marked.get(heading.anchor)
        if scheme is None:
            assert heading.points <= 1, heading
            continue
        worth = [w if isinstance(w, tuple) else (w,) for w in scheme.values()]
        assert sum(points for points, *_ in worth) == heading.points, heading
        assert 2 <= len(scheme) <= 5, heading
        if heading.anchor in chosen:
            assert {len(w) for w in worth} == {3}, heading


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.session)
def test_a_box_stands_in_its_part_before_the_answer(page: Page) -> None:
    """A reader tries before the answer is there to be opened; marks come anywhere."""
    answers = [block.line for block in page.blocks if block.name == "answer"]
    for line, kind, name in boxes(page):
        start, part = [(at, part) for at, part, _ in parts(page) if at < line][-1]
        assert part_of(name) == part
        if kind != "marks":
            assert not [at for at in answers if start < at < line], name


@pytest.mark.parametrize("session", SLIDERS)
def test_figures_that_move(session: str) -> None:
    """What each slider sets is what the question is about."""
    code = "\n".join(fence.code for fence in EVERY[session].executed)
    labels = set(re.findall(r'explorers\.Slider\(\s*"([^"]+)"', code))
    assert labels == SLIDERS[session]


def test_no_figure_moves_that_is_not_listed() -> None:
    """Whoever adds one adds it here, and it is tried in a browser."""
    moving = {s for s, page in EVERY.items() if "explorers.to_html(" in page.text}
    assert {s for s in moving if not s.startswith("contributing/")} == SLIDERS.keys()
