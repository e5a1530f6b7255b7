"""Every page of the site: it asks nobody else, says no error, and fits its window."""

import re
import tempfile
from pathlib import Path

import pytest
from browser.reader import DRAWN, PAGES, PROBLEMS, unfold

AXE = "4.11.0"
# One page of each kind, where the color of each thing is looked at in the dark too.
DIFFERENT = [*PROBLEMS, "index.html", "exam.html", "beyond/architecture.html"]

# Boxes that stick out of the window, but for those inside a box that scrolls.
TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth;
  const scrolls = (e) => e && e !== document.body && (
    getComputedStyle(e).overflowX !== 'visible' || scrolls(e.parentElement));
  return [...document.querySelectorAll('.md-content *')]
    .filter((e) => e.getBoundingClientRect().right > room + 1 && !scrolls(e))
    .map((e) => `${e.outerHTML.slice(0, 60)}: ${e.textContent.slice(0, 60)}`);
}"""


@pytest.mark.parametrize("name", PAGES)
def test_no_other_host_no_error_no_scroll(context, address, name):
    """From a phone to a wide desk, with every disclosure open."""
    page = context.new_page()
    page.emulate_media(reduced_motion="reduce")  # the header glides otherwise
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: (
            message.type in {"error", "warning"} and errors.append(message.text)
        ),
    )
    page.on("response", lambda r: r.status >= 400 and errors.append(r.url))

    page.goto(address + name, wait_until="networkidle")
    unfold(page)

    for width in (390, 768, 1280, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert (wide, page.evaluate(TOO_WIDE)) == (width, [])
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert errors == []


@pytest.fixture(scope="session")
def axe(from_npm):
    """The script of axe-core."""
    kept = Path(tempfile.gettempdir()) / f"hw4-browser-axe-{AXE}"
    folder = from_npm(kept, f"axe-core@{AXE}")
    return (folder / "package" / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "scheme"),
    [*((name, "light") for name in PAGES), *((name, "dark") for name in DIFFERENT)],
)
def test_axe_finds_nothing_serious(context, address, axe, name, scheme):
    """Nor anything critical, on a phone, with every disclosure open."""
    page = context.new_page()
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(address + name)
    unfold(page)
    page.evaluate(axe)

    found = page.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations)"
    )

    serious = [
        f"{rule['id']}: {rule['help']}\n    {node['target']}\n    {node['html'][:200]}"
        f"\n    {node['failureSummary']}"
        for rule in found
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"][:4]
    ]
    assert not serious, "\n".join(serious)


@pytest.mark.parametrize("name", DRAWN)
def test_text_in_figures_is_as_large_as_text_should_be(context, address, name):
    """11 to 14 pixels high, on a phone, on a desk, and where the window is wide."""
    page = context.new_page()
    page.goto(address + name)
    unfold(page)
    for width in (390, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        sizes = page.locator(".hw4-figure svg").evaluate_all(
            """(all) => all.flatMap((svg) => {
              const width = svg.getBoundingClientRect().width;
              const scale = width / svg.viewBox.baseVal.width;
              return [...svg.querySelectorAll('text')].map((text) => [
                scale * parseFloat(getComputedStyle(text).fontSize),
                svg.closest('figure').id]);
            })"""
        )
        assert sizes
        assert [size for size in sizes if not 11 <= size[0] < 14.05] == []


@pytest.mark.parametrize("name", [*DRAWN, "write.html", "answer_tests.html"])
def test_a_phone_shows_whole_lines(context, address, name):
    """Of code and of formulas; rows of a matrix, with their columns, may scroll."""
    page = context.new_page()
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(address + name, wait_until="networkidle")
    page.locator(".md-content.hw4-started").wait_for()
    unfold(page)
    boxes = "pre > code, div.math, textarea, .hw4-read > .md-typeset__scrollwrap"
    wide = page.locator(f"article :is({boxes})").evaluate_all(
        """(all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1)
          .map((e) => e.getAttribute('aria-label') ?? e.textContent)"""
    )
    assert [text for text in wide if not text.startswith("[[")] == []


@pytest.mark.parametrize("name", PROBLEMS)
def test_without_javascript_all_is_there(chromium, address, name):
    """Answers open by a click; formulas and figures are seen; no dead control is."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + name)

    answer = page.locator("details.answer").first
    assert answer.get_attribute("open") is None
    answer.locator("summary").click()
    assert answer.get_attribute("open") is not None

    unfold(page)
    for what in (".math svg", ".hw4-figure svg"):
        sizes = page.locator(what).evaluate_all(
            "(all) => all.map((e) => e.getBoundingClientRect())"
            ".map(({width, height}) => [width, height])"
        )
        assert sizes
        assert all(width > 2 and height > 0.5 for width, height in sizes)
    for what in (".question", "details.answer > p", ".hw4-scheme li"):
        found = page.locator(what)
        assert found.count() == page.locator(f"{what} >> visible=true").count() > 0
    for what in ("hw4-answer", ".hw4-controls", ".hw4-run", ".hw4-unfold"):
        assert page.locator(f"{what} >> visible=true").count() == 0
    context.close()


# --- what a screen reader is told -----------------------------------------------------


def tree(page):
    """Return the accessibility tree: each node that is told, by its id."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    return {node["nodeId"]: node for node in nodes}


def told(node, key):
    return str(node.get(key, {}).get("value", ""))


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_formula_and_a_figure_are_one_thing(context, address, name):
    """Named, and nothing inside of them is read."""
    page = context.new_page()
    page.goto(address + name)
    unfold(page)
    nodes = tree(page)
    pictures = [
        node
        for node in nodes.values()
        if told(node, "role") == "image" and told(node, "name")
    ]
    assert len(pictures) > 50
    for picture in pictures:
        inside = [nodes[i] for i in picture.get("childIds", []) if i in nodes]
        assert all(node["ignored"] for node in inside), told(picture, "name")


@pytest.mark.parametrize("name", PROBLEMS)
def test_summaries_are_named_after_their_part(context, address, name):
    """A list of them says which part each belongs to, and no two are the same."""
    page = context.new_page()
    page.goto(address + name)
    names = page.locator(".md-content details.answer > summary").all_text_contents()
    assert names
    assert all(re.fullmatch(r"Answer to \d(\.\d)? \([a-z]\)", name) for name in names)
    hints = page.locator(".md-content details.hint > summary").all_text_contents()
    assert all(re.match(r"Hint \d for \d(\.\d)? \([a-z]\)", name) for name in hints)
    assert len(set(hints)) == len(hints)


@pytest.mark.parametrize("name", [*PROBLEMS, "index.html"])
def test_no_landmark_is_without_a_name(context, address, name):
    """A block of code is none; navigation and search say which they are."""
    page = context.new_page()
    page.goto(address + name, wait_until="networkidle")
    page.locator(".md-content.hw4-started").wait_for()
    unfold(page)
    nodes = tree(page).values()
    several = ("navigation", "region", "search", "complementary")
    found = [n for n in nodes if not n["ignored"] and told(n, "role") in several]
    assert found
    assert [told(n, "role") for n in found if not told(n, "name")] == []
    assert page.locator("nav.md-code__nav:not([role=presentation])").count() == 0


def test_what_scrolls_can_be_reached_by_keyboard(context, address):
    """A table that is wider than a phone, and a formula on a line of its own."""
    page = context.new_page()
    page.set_viewport_size({"width": 320, "height": 700})
    for name in (*PROBLEMS, "notation.html", "benchmarks.html"):
        page.goto(address + name)
        page.locator(".md-content.hw4-started").wait_for()
        unfold(page)
        wide = """() => [...document.querySelectorAll(
          '.md-content :is(.md-typeset__scrollwrap, div.math)')].filter((e) =>
          e.checkVisibility() && e.scrollWidth > e.clientWidth && e.tabIndex !== 0
          ).map((e) => e.textContent.slice(0, 80))"""
        page.wait_for_function(f"({wide})().length === 0")
