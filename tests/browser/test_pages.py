"""Every page of the site: it asks nobody else, says no error, and fits its window."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from browser.reader import PAGES, PROBLEMS, unfold

AXE = "4.11.0"

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
    """At 390, 768 and 1280 pixels, with every disclosure open."""
    page = context.new_page()
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

    for width in (390, 768, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(400)  # the header glides to its new width
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert (wide, page.evaluate(TOO_WIDE)) == (width, [])
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert errors == []


@pytest.fixture(scope="session")
def axe():
    """The script of axe-core, kept from one time to the next."""
    folder = Path(tempfile.gettempdir()) / f"hw4lib-browser-axe-{AXE}"
    script = folder / "package" / "axe.min.js"
    if not script.is_file():
        if shutil.which("npm") is None:
            pytest.skip("there is no npm, which has axe-core")
        folder.mkdir(exist_ok=True)
        pack = ["npm", "pack", "--silent", f"axe-core@{AXE}"]
        done = subprocess.run(
            pack, cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"npm has no axe-core: {done.stderr.strip()}")
        archive = folder / done.stdout.split()[-1]
        shutil.unpack_archive(archive, folder, filter="data")
    return script.read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
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


@pytest.mark.parametrize("name", PROBLEMS)
def test_figures_of_one_shape_are_of_one_size(context, address, name):
    """A short caption does not make the figure above it small."""
    page = context.new_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(address + name)
    unfold(page)
    widths = page.locator(".hw4-figure svg").evaluate_all(
        "(all) => all.filter((e) => !e.closest('details, .hw4-explorer'))"
        ".map((e) => Math.min(e.getBoundingClientRect().width, 600))"
    )
    assert set(widths) <= {600}


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
    for what in ("hw4-answer", ".hw4-controls", ".hw4-run", ".hw4-unfold"):
        assert page.locator(f"{what} >> visible=true").count() == 0
    context.close()
