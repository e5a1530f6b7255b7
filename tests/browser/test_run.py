"""The blocks of the pages, run in a reader's browser."""

import ast
import base64
import re
from pathlib import Path

import pytest
from browser.reader import unfold

from hw4site import pyodide
from hw4site.pages import read_pages

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [p for p in read_pages(DOCS) if any(f.visible for f in p.executed)]


def visit(page, url):
    """Open a page with every disclosure open, and read on to its first block."""
    page.goto(url)
    unfold(page)
    page.locator("article .language-python").first.scroll_into_view_if_needed()
    page.wait_for_selector(".hw4-run", state="attached")


def click(bar, name):
    """Click one of a bar's buttons."""
    bar.get_by_role("button", name=name, exact=True).click()


def verdict(bar):
    """Wait for the end of a run, and return its kind and its words."""
    bar.get_by_role("button", name="Stop").wait_for(state="hidden")
    status = bar.get_by_role("status").last
    return status.get_attribute("data-kind"), status.inner_text()


def open_block(page, number):
    """Click the button of a block, and return its bar and its editor."""
    bar = page.locator(f'[data-block="block {number}"]')
    click(bar, "Edit and run")
    return bar, page.get_by_label(f"Python code of block {number}", exact=True)


@pytest.mark.parametrize("source", PAGES, ids=lambda page: page.session)
def test_every_block_prints_what_is_published(source, page, address, record_property):
    """Each block, run by a click as a reader runs it, but for rounding."""
    visit(page, f"{address}{source.session}.html")
    shown = [fence for fence in source.executed if fence.visible]
    assert page.locator("[data-block]").count() == len(shown)
    different = {}
    for number, fence in enumerate(shown, 1):
        bar, _ = open_block(page, number)
        kind, words = verdict(bar)
        record_property(f"{source.path.name}:{fence.line}", kind)
        if kind not in {"same", "rounding"}:
            different[fence.line] = bar.locator("pre").inner_text() or words
    assert not different


def test_nothing_is_loaded_before_the_click(page, address, elsewhere):
    """The page says from where and how much; then each file is asked for once."""
    own = []
    page.on("request", lambda request: own.append(request.url))
    visit(page, f"{address}reference.html")
    page.wait_for_load_state("networkidle")
    assert not elsewhere
    assert not [url for url in own if "/run/" in url or "python-worker" in url]
    bar = page.locator("[data-block]").first
    assert "from cdn.jsdelivr.net, once: up to 15 MB" in bar.inner_text()
    bar, _ = open_block(page, 1)
    assert verdict(bar)[0] == "same"
    assert "MB" not in bar.inner_text()
    assert sorted(url.split("/")[-1] for url in elsewhere) == sorted(pyodide.FILES)
    assert len([url for url in own if url.endswith(".whl") and address in url]) == 1


def test_a_file_that_is_not_the_pinned_one_does_not_run(page, address, context):
    """The run ends with both hashes; another click tries again."""
    spoiled = lambda route: route.fulfill(  # noqa: E731
        body="x", headers={"Access-Control-Allow-Origin": "*"}
    )
    context.route("**/python_stdlib.zip", spoiled)
    visit(page, f"{address}reference.html")
    bar, _ = open_block(page, 1)
    kind, words = verdict(bar)
    assert kind == "error"
    assert re.search(r"python_stdlib\.zip has hash \w{64}, expected 71fee17f", words)
    context.unroute("**/python_stdlib.zip", spoiled)
    click(bar, "Run")
    assert verdict(bar)[0] == "same"


def test_edits_errors_and_endless_loops(page, address):
    """A difference has its place, an error its traceback, a loop its end."""
    visit(page, f"{address}backpropagation.html")
    bar, first = open_block(page, 1)
    assert verdict(bar) == ("same", "Prints nothing, as published.")
    published = first.input_value()
    assert "x, t = 2, 1" in published
    later, _ = open_block(page, 2)
    assert verdict(later)[0] == "same"

    first.fill(published + "\nprint(x, t)")
    click(bar, "Run")
    assert verdict(bar)[0] == "different"
    assert bar.locator("pre").inner_text().strip() == "2 1"

    first.fill(published.replace("x, t = 2, 1", "x, t = 3, 1"))
    click(later, "Run")
    kind, words = verdict(later)
    assert kind in {"different", "error"}
    assert "earlier block" in words or "error" in words

    first.fill("def f():\n    return 1 / 0\nf()")
    click(bar, "Run")
    assert verdict(bar)[0] == "error"
    lines = bar.locator("pre").inner_text().splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1:3] == ['  File "<block 1>", line 3, in <module>', "    f()"]
    assert lines[-1] == "ZeroDivisionError: division by zero"

    first.fill("while True:\n    pass")
    click(bar, "Run")
    click(later, "Run")
    bar.get_by_text("Running block 1.").wait_for()
    first.press("End")
    first.press_sequentially("  # the page stays responsive")
    click(bar, "Stop")
    assert "Stopped" in verdict(bar)[1]
    # What an earlier run has printed is not beside the words of this one.
    assert not bar.locator("pre").is_visible()
    click(bar, "Reset")
    assert verdict(bar) == ("", "")
    click(later, "Stop")
    click(later, "Run")
    assert verdict(later)[0] == "same"
    first.fill("1 + 1")
    click(bar, "Close")
    assert first.count() == 0
    assert page.locator(".hw4-edited").count() == 1
    click(bar, "Edit and run")
    assert first.input_value() == "1 + 1"  # closed, and not thrown away


def test_what_python_costs_is_said_once(page, address):
    """At the first block of a page, and nowhere else; not after it is paid."""
    visit(page, f"{address}backpropagation.html")
    notes = page.locator(".hw4-run small:not(:empty)")
    assert notes.count() == 1
    assert notes.evaluate("(n) => n.closest('[data-block]').dataset.block") == "block 1"
    bar, _ = open_block(page, 2)
    assert verdict(bar)[0] == "same"
    click(bar, "Close")
    page.locator('[data-block="block 1"]').hover()
    assert notes.count() == 0


def test_the_editor_by_keyboard(page, address):
    """Tab indents and Escape leads out; undo is the browser's; Ctrl+Enter runs."""
    visit(page, f"{address}reference.html")
    bar, area = open_block(page, 1)
    verdict(bar)
    assert area.evaluate("(area) => area === document.activeElement")
    original = area.input_value()
    area.press("Control+a")
    page.keyboard.insert_text("if True:")
    for key in ("Enter", "1", "Enter", "Shift+Tab", "2", "Home", "Shift+End", "Tab"):
        page.keyboard.press(key)
    assert area.input_value() == "if True:\n    1\n    2"
    area.press("Control+a")
    for key in ("Shift+Tab", "Tab", "Tab", "Shift+Tab"):
        page.keyboard.press(key)
    assert area.input_value() == "    if True:\n    1\n    2"
    for _ in range(40):
        page.keyboard.press("Control+z")
    assert area.input_value() == original
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("print('by keyboard')")
    page.keyboard.press("Control+Enter")
    assert verdict(bar)[0] == "different"
    assert bar.locator("pre").inner_text().strip() == "by keyboard"
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert area.evaluate("(area) => area !== document.activeElement")
    click(bar, "Reset")
    assert area.input_value() == original
    click(bar, "Close")
    assert page.get_by_label("Python code").count() == 0
    assert bar.get_by_role("button").all_inner_texts() == ["Edit and run"]


def test_the_playground_shares_by_its_address(page, address):
    """Code goes into the fragment and comes out of it, and waits for a click."""
    visit(page, f"{address}playground.html")
    area = page.get_by_label("Python code")
    place = page.locator(".hw4-playground")
    assert "forward_pass" in area.input_value()
    code = "print('é', 1 < 2, '<b>')"
    area.fill(code)
    click(place, "Copy a link to this code")
    page.wait_for_function("location.hash.startsWith('#code=')")
    shared = page.url
    page.goto("about:blank")
    visit(page, shared)
    assert area.input_value() == code
    assert "came with the link" in place.inner_text()
    page.wait_for_load_state("networkidle")
    assert place.locator("pre[tabindex]").is_hidden()
    click(place, "Run")
    verdict(place)
    assert place.locator("pre[tabindex]").inner_text().strip() == "é True <b>"
    page.get_by_role("button", name="Take it up into the editor").last.click()
    assert "critical_alpha" in area.input_value()
    area.press("Control+z")
    assert area.input_value() == code


TRIES = """
from pyodide.code import run_js

run_js('''
const ask = (address) => {
  const request = new XMLHttpRequest();
  request.open("GET", address, false);
  request.send();
};
const inner = (code) => new Promise((yes, no) => {
  const worker = new Worker(URL.createObjectURL(new Blob([code])));
  worker.onmessage = ({ data }) => (data ? no(new Error(data)) : yes());
});
const tries = {
  "another host": () => ask("https://other.example/request"),
  "a module of it": () => import("https://other.example/module.js"),
  "a socket": () => new Promise((yes, no) => {
    const socket = new WebSocket("wss://other.example/");
    socket.onopen = yes;
    socket.onerror = () => no(new Error("error"));
  }),
  "from a worker of its own": () => inner(
    'fetch("https://other.example/inner")' +
    '.then(() => postMessage(""), () => postMessage("error"))'),
  "this site": () => ask("SITE"),
  "where Python comes from": () => ask("https://cdn.jsdelivr.net/python.json"),
  "a database": () => new Promise((yes, no) => {
    const request = indexedDB.open("x");
    request.onsuccess = yes;
    request.onerror = no;
  }),
  "a cache": () => caches.keys(),
  "what the page keeps": () => localStorage.length,
};
self.told = {};
for (const [name, attempt] of Object.entries(tries))
  Promise.resolve().then(attempt)
    .then(() => (told[name] = "reached"), () => (told[name] = "refused"));
new BroadcastChannel("x").postMessage("reached");
''')
"""


def test_shared_code_reaches_neither_a_host_nor_what_is_kept(page, address, elsewhere):
    """Code from a link is told so; whatever it tries, it is refused."""
    packed = base64.urlsafe_b64encode(TRIES.replace("SITE", address).encode()).decode()
    visit(page, f"{address}playground.html#code={packed.rstrip('=')}")
    page.evaluate(
        "() => new BroadcastChannel('x').onmessage = () => (window.heard = 1)"
    )
    place = page.locator(".hw4-playground")
    assert "came with the link" in place.inner_text()
    click(place, "Run")
    assert verdict(place)[0] == "same"
    loaded = [*elsewhere]

    page.get_by_label("Python code").fill("from js import told\nprint(told.to_py())")
    told = {}
    while len(told) < 9:  # until all have an answer
        click(place, "Run")
        assert verdict(place)[0] == "same"
        told = ast.literal_eval(place.locator("pre[tabindex]").inner_text())
    assert set(told.values()) == {"refused"}
    assert elsewhere == loaded
    assert page.evaluate("window.heard") is None


@pytest.mark.parametrize(
    "fragment", ["#code=%22%5D", "#code=_w", "#code=", "#code=!!", "#code=A"]
)
def test_a_crafted_address_does_nothing(page, address, elsewhere, fragment):
    """Whatever it holds, nothing runs, nothing loads, no script fails."""
    visit(page, f"{address}playground.html{fragment}")
    page.wait_for_load_state("networkidle")
    assert page.get_by_label("Python code").count() == 1
    assert not elsewhere
    assert page.locator(".hw4-playground pre[tabindex]").is_hidden()
    readable = fragment == "#code="
    words = page.get_by_text("The link holds no code that can be read.")
    assert words.count() == (0 if readable else 1)


def test_without_a_script_the_page_is_as_it_was(chromium, address):
    """No button, no editor; the playground says what to do instead."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}playground.html")
    assert page.locator(".hw4-run, textarea").count() == 0
    assert page.get_by_text("The editor needs JavaScript").is_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(page, address, scheme):
    """Nothing is wider than the screen; buttons are as high as a finger."""
    page.set_viewport_size({"width": 390, "height": 800})
    page.emulate_media(color_scheme=scheme)
    visit(page, f"{address}backpropagation.html")
    for number in (1, 2):
        bar, area = open_block(page, number)
        verdict(bar)
    area.fill("print('x' * 300)")
    click(bar, "Run")
    verdict(bar)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for button in bar.get_by_role("button").all():
        assert button.bounding_box()["height"] >= 24
