"""What a reader tries and moves: a box for each part, a moving figure for each page."""

import re
from pathlib import Path

import pytest

from hw4site.markdown_rules import PARTS, parts
from hw4site.pages import Page, read_pages

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [page for page in read_pages(DOCS) if list(parts(page))]
BOX = re.compile(r'answers\.(number|choice)_box\(\s*"([\w-]+)"')
# Their answers are formulas: a product, and its factors.
WITHOUT = {"1-1-d", "1-1-e"}
SLIDERS = {
    "backpropagation": {"input x", "leak α", "step size η"},
    "noisy_targets": {"flip probability ε"},
    "architecture": {
        *("width M", "ε² times M"),
        *("width", "stride", "padding"),
        *("position n", "shift k"),
    },
    "online_learning": {"stream", "step size η"},
    "adversarial_example": {"margin m₀", "penalty α, in units of ‖W‖²/(8m₀)"},
}


def boxes(page: Page) -> list[tuple[int, str]]:
    """Return the line and the name of each answer box."""
    return [
        (fence.line, match[2])
        for fence in page.executed
        for match in BOX.finditer(fence.code)
    ]


def test_every_part_whose_answer_can_be_tried_has_a_box() -> None:
    """All but those that ask for a formula; no name is there twice."""
    names = [name for page in PAGES for _, name in boxes(page)]
    assert len(names) == len(set(names))
    tried = {part for part in PARTS if any(n.startswith(part) for n in names)}
    assert PARTS - tried == WITHOUT


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.session)
def test_a_box_stands_in_its_part_before_the_answer(page: Page) -> None:
    """A reader tries before the answer is there to be opened."""
    answers = [block.line for block in page.blocks if block.name == "answer"]
    for line, name in boxes(page):
        part = [p for at, p, _ in parts(page) if at < line][-1]
        assert name.startswith(part)
        start = next(at for at, p, _ in parts(page) if p == part)
        assert not [at for at in answers if start < at < line]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.session)
def test_every_problem_has_figures_that_move(page: Page) -> None:
    """What each slider sets is what the question is about."""
    code = "\n".join(fence.code for fence in page.executed)
    labels = set(re.findall(r'explorers\.Slider\(\s*"([^"]+)"', code))
    assert SLIDERS[page.session] <= labels
