"""What the tests of the site in a browser share."""

from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(
    path.relative_to(DOCS).with_suffix(".html").as_posix()
    for path in DOCS.rglob("*.md")
)
PROBLEMS = [
    f"{name}.html"
    for name in (
        "backpropagation",
        "noisy_targets",
        "architecture",
        "online_learning",
        "adversarial_example",
    )
]
MOVING = [
    path.relative_to(DOCS).with_suffix(".html").as_posix()
    for path in sorted(DOCS.rglob("*.md"))
    if "explorers.to_html(" in path.read_text(encoding="utf-8")
]
"""The pages with figures that move."""
DRAWN = [*PROBLEMS, *(f"beyond/{name}" for name in PROBLEMS), "index.html"]
"""The pages with figures of their own."""


def unfold(page):
    """Open every disclosure of a page."""
    page.evaluate(
        "document.querySelectorAll('details').forEach((d) => (d.open = true))"
    )
