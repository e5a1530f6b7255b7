"""Reading: links, search, paper, navigation, a folder for a host, less motion."""

import re
import shutil
import subprocess

import pytest
from browser.reader import PROBLEMS, unfold


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_link_opens_what_it_points_into(context, address, name):
    """By its address, and by a click on the page."""

    def with_links(route):
        body = route.fetch().text()
        body = body.replace("</details>", '<p id="inside">Inside.</p></details>', 1)
        body = body.replace("</h1>", '</h1><a id="there" href="#inside">There</a>', 1)
        route.fulfill(body=body, content_type="text/html")

    context.route(f"{address}{name}", with_links)
    page = context.new_page()
    page.goto(f"{address}{name}")
    assert not page.locator("#inside").is_visible()
    page.locator("#there").click()
    page.locator("#inside").wait_for(state="visible")

    page.goto(f"{address}404.html")
    page.goto(f"{address}{name}#inside")
    page.locator("#inside").wait_for(state="visible")
    assert page.locator("#inside").evaluate(
        "(e) => e.getBoundingClientRect().top < innerHeight"
    )


@pytest.mark.parametrize("words", ["Kaiming", "dying ReLU", "label noise"])
def test_search_finds_and_opens(context, address, words):
    """A result leads to the words, marked and seen, folded away or not."""
    page = context.new_page()
    page.goto(f"{address}index.html")
    page.locator("input.md-search__input").fill(words)
    result = page.locator(".md-search-result__link:has(mark)").first
    result.wait_for()
    result.click()
    page.wait_for_url(re.compile(r"\?h="))
    mark = page.locator(".md-content mark").first
    mark.wait_for(state="attached")
    page.wait_for_function(
        "[...document.querySelectorAll('.md-content mark')]"
        ".every((mark) => mark.checkVisibility())"
    )


@pytest.mark.parametrize("name", PROBLEMS)
def test_print_opens_all(context, address, name):
    """On paper all is open, and there is nothing to click."""
    page = context.new_page()
    page.goto(address + name)
    page.emulate_media(media="print")
    hidden = page.locator(".md-content details.answer > :not(summary)").evaluate_all(
        "(all) => all.filter((e) => !e.checkVisibility()).length"
    )
    assert hidden == 0
    for what in (
        "hw4-answer",
        ".hw4-controls",
        ".hw4-run",
        ".hw4-unfold",
        ".md-header",
        ".md-sidebar",
        ".md-footer",
        ".headerlink",
        ".md-clipboard",
        ".md-top",
    ):
        assert page.locator(f"{what} >> visible=true").count() == 0, what


def test_the_pdf_holds_the_answers(context, address, tmp_path):
    """What Chromium prints has the text of a folded answer, and of its code."""
    if shutil.which("pdftotext") is None:
        pytest.skip("there is no pdftotext")
    page = context.new_page()
    page.goto(f"{address}backpropagation.html")
    wanted = page.locator("details.code code").first.text_content().split("\n")[0]
    assert not page.get_by_text(wanted).first.is_visible()
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    text = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "page.pdf", "-"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert wanted.split("(")[0].strip() in text


def test_the_browsers_own_search_finds_closed_code(context, address):
    """It is put aside while a page starts, and no longer, on the next page too."""
    page = context.new_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{address}index.html", wait_until="networkidle")
    for name in PROBLEMS[:2]:
        page.locator(f".md-nav--primary a[href$='{name}']").first.click()
        page.wait_for_url(re.compile(f"/{name}(#.*)?$"))
        page.locator(".md-content.hw4-started").wait_for()
        displays = page.locator("details:not([open]) > .highlight").evaluate_all(
            "(all) => all.map((e) => getComputedStyle(e).display)"
        )
        assert set(displays) == {"block"}


@pytest.mark.parametrize("width", [390, 1280])
def test_links_within_a_page_keep_what_a_reader_has_done(context, address, width):
    """From the first click on, and so do Back and the way to a page and back."""
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}{PROBLEMS[0]}", wait_until="networkidle")
    unfold(page)
    box = page.locator("hw4-answer:has(input:not([type=radio]))").first
    box.locator("input").fill("1e300")
    box.locator("input").press("Enter")
    status = box.get_by_role("status")
    box.locator("output[data-verdict=wrong]").wait_for(state="attached")

    for part in ("1-1-d", "1-1-f"):
        link = page.locator(f"article a.headerlink[href$='#{part}']")
        left = link.evaluate("(link) => { const y = scrollY; link.click(); return y }")
        page.wait_for_url(f"**#{part}")
        top = "(link) => link.parentElement.getBoundingClientRect().y"
        assert 0 <= link.evaluate(top) < 300
    assert status.get_attribute("data-verdict") == "wrong"
    page.go_back()
    page.wait_for_url("**#1-1-d")
    page.wait_for_function(f"() => Math.abs(scrollY - {left}) < 2")
    assert status.get_attribute("data-verdict") == "wrong"
    assert page.locator("article details:not([open], .hw4-solution)").count() == 0

    box.locator("input").fill("2")
    assert status.inner_text() == ""  # it was on another answer


def test_a_place_that_is_not_encoded_stops_nothing(context, address):
    """`#100%` is no escape sequence; the page starts all the same."""
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(error))  # noqa: PLW0108
    page.goto(f"{address}{PROBLEMS[0]}#100%")
    page.locator(".md-content.hw4-started").wait_for(state="attached")
    assert not errors


def test_the_home_page_leads_to_every_problem(context, address):
    """One click away; where it names a part, its heading is then on the screen."""
    page = context.new_page()
    page.goto(f"{address}index.html")
    links = page.locator(".md-content a[href*='.html']").evaluate_all(
        "(all) => all.map((a) => a.href)"
    )
    linked = {link.removeprefix(address).split("#")[0] for link in links}
    assert linked >= set(PROBLEMS)
    parts = {link for link in links if re.search(r"#\d", link)}
    assert len(parts) >= 5
    for link in sorted(parts):
        page.goto(link)
        target = link.split("#")[1]
        assert page.locator(f"[id='{target}']").is_visible(), link


def test_from_a_folder(context, built):
    """Opened as a file: links lead on, boxes judge, figures move, search finds."""
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: message.type == "error" and errors.append(message.text),
    )
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto((built / "index.html").as_uri())
    for name in PROBLEMS:
        page.locator(f".md-nav--primary a[href$='{name}']").first.click()
        page.wait_for_url(re.compile(f"^file://.*/{name}(#.*)?$"))
        box = page.locator("hw4-answer:has(input:not([type=radio]))").first
        box.locator("input").fill("1e300")
        box.locator("input").press("Enter")
        box.locator("output[data-verdict=wrong]").wait_for(state="attached")
        unfold(page)
        for explorer in page.locator("hw4-explorer").all():
            slider = explorer.locator("input[type=range]").first
            slider.press("End")
            last = explorer.locator("svg").get_attribute("aria-label")
            slider.press("Home")
            assert explorer.locator("svg").get_attribute("aria-label") != last
        page.get_by_role("button", name="Close all").click()
        assert page.locator("details[open]").count() == 0
        assert page.evaluate(
            "document.fonts.ready.then(() => [...document.fonts].some("
            "(f) => f.family.includes('hw4lib') && f.status === 'loaded'))"
        )
    assert errors == []

    page.locator("input.md-search__input").press_sequentially("Kaiming", delay=100)
    result = page.locator(".md-search-result__link:has(mark)").first
    result.wait_for()
    result.click()
    page.wait_for_url(re.compile("^file://.*html"))
    assert errors == []


def test_less_motion(context, address):
    """Who asks for less motion gets no animation and no transition of ours."""
    page = context.new_page()
    page.emulate_media(reduced_motion="reduce")
    page.goto(address + PROBLEMS[0])
    moving = page.evaluate(
        """() => [...document.querySelectorAll('*')].filter((e) => {
          const s = getComputedStyle(e);
          const long = (t) => t.split(',').some((x) => parseFloat(x) > 0.01);
          return s.scrollBehavior === 'smooth' || long(s.transitionDuration) ||
            (s.animationName !== 'none' && long(s.animationDuration));
        }).map((e) => `${e.tagName}.${e.getAttribute('class')}`)"""
    )
    assert moving == []


# --- code beside the derivation -------------------------------------------------------

PLACES = """() => [...document.querySelectorAll(".hw4-beside")].map((pair) => {
  const place = (e) => {
    const { left, right, top, bottom } = e.getBoundingClientRect();
    return { left, right, top, bottom };
  };
  const pills = [...pair.querySelectorAll(":scope > details > summary")];
  let next = pair.nextElementSibling;
  while (next && !next.checkVisibility()) next = next.nextElementSibling;
  return { why: place(pair.firstElementChild), code: place(pair.lastElementChild),
    next: next && place(next), pills: pills.map((e) => place(e)) };
})"""


@pytest.mark.parametrize("width", [1440, 1920])
@pytest.mark.parametrize("name", [*PROBLEMS, "beyond/online_learning.html"])
def test_code_stands_beside_its_derivation(context, address, name, width):
    """At one height, over nothing else, with lines that need no scrolling."""
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address + name)
    unfold(page)
    pairs = page.evaluate(PLACES)
    assert len(pairs) >= 3
    for pair in pairs:
        why, code = pair["why"], pair["code"]
        assert why["right"] < code["left"] < code["right"] <= width
        assert abs(why["top"] - code["top"]) < 2
        if pair["next"]:
            assert pair["next"]["top"] >= max(why["bottom"], code["bottom"])
    wide = page.locator(".hw4-beside > .code pre > code").evaluate_all(
        "(all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1)"
        ".map((e) => e.textContent).filter((text) => !text.startsWith('[['))"
    )
    assert wide == []
    contents = page.locator(".md-sidebar--secondary").bounding_box()
    covers = any(pair["code"]["right"] > contents["x"] for pair in pairs)
    assert covers == (width == 1440)


@pytest.mark.parametrize(
    ("width", "kinds"), [(1280, "why code"), (1920, "why"), (1920, "code"), (1920, "")]
)
def test_one_alone_and_a_narrow_window_stay_as_they_were(
    context, address, width, kinds
):
    """The element around derivation and code has no box then: without it, the same."""
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}architecture.html", wait_until="networkidle")
    page.locator(".md-content.hw4-started").wait_for()
    for kind in kinds.split():
        page.locator(f"details.{kind}").evaluate_all(
            "(all) => all.forEach((details) => { details.open = true })"
        )
    places = """() => [...document.querySelectorAll("article details")].map(
      (e) => JSON.stringify(e.getBoundingClientRect()))"""
    if "code" in kinds:
        page.locator(".hw4-run").first.wait_for()
    before = page.evaluate(places)
    page.locator(".hw4-beside").evaluate_all(
        "(all) => all.forEach((pair) => pair.replaceWith(...pair.childNodes))"
    )
    assert page.evaluate(places) == before


def test_code_that_opens_beside_stays_in_sight(context, address):
    """It goes up from below its long derivation, and the click was down there."""
    page = context.new_page()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{address}online_learning.html")
    part = page.locator(".hw4-beside").last
    part.locator(".why > summary").click()
    summary = part.locator(".code > summary")
    summary.press("Enter")
    assert part.locator(".why").bounding_box()["height"] > 1500
    part.locator(".hw4-run").first.wait_for()
    page.wait_for_function(
        "(e) => { const { top, bottom } = e.getBoundingClientRect();"
        " return 48 <= top && bottom <= innerHeight }",
        arg=summary.element_handle(),
    )
    assert summary.evaluate("(e) => e === document.activeElement")


def test_the_contents_come_up_when_the_keyboard_reaches_them(context, address):
    """Code covers them in a window of 1440 pixels, and never a link in focus."""
    page = context.new_page()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{address}online_learning.html")
    unfold(page)
    page.locator(".hw4-beside").last.evaluate("(e) => e.scrollIntoView()")
    link = page.locator(".md-sidebar--secondary a[href='#4-a']")
    on_top = """(e) => { const { x, y, width, height } = e.getBoundingClientRect();
      return e.contains(document.elementFromPoint(x + width / 2, y + height / 2)) }"""
    assert not link.evaluate(on_top)
    link.focus()
    assert link.evaluate(on_top)


@pytest.mark.parametrize("name", PROBLEMS)
def test_all_at_once(context, address, name):
    """One button opens every fold of the page, one its answers alone; and back."""
    page = context.new_page()
    page.goto(address + name)
    closed = "document.querySelectorAll('.md-content details:not([open])').length"
    answers = page.locator(".md-content details.answer")
    every = page.evaluate(closed)
    page.get_by_role("button", name="Show answers").press("Enter")
    assert page.evaluate(closed) == every - answers.count()
    assert page.locator("details.answer:not([open])").count() == 0
    page.get_by_role("button", name="Open all").click()
    assert page.evaluate(closed) == 0
    page.get_by_role("button", name="Hide answers").click()
    assert page.locator("details[open]").count() == every - answers.count()
    page.get_by_role("button", name="Open all").click()
    page.get_by_role("button", name="Close all").click()
    assert page.evaluate(closed) == every
    page.get_by_role("button", name="Show answers").wait_for()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("mathematics.html#sheet", "contributing/mathematics.html#sheet"),
        (
            "reference/noisy_targets.html#hw4lib.noisy_targets.train_sgd",
            "reference/noisy_targets/training.html#hw4lib.noisy_targets.training.train_sgd",
        ),
        (
            "reference/adversarial_example.html#hw4lib.adversarial_example.logit",
            "reference/adversarial_example/space.html"
            "#hw4lib.adversarial_example.space.preactivation",
        ),
        (
            "reference/backpropagation.html#hw4lib.backpropagation.loss",
            "reference/backpropagation.html#hw4lib.backpropagation.network_loss",
        ),
        (
            "noisy_targets.html#2-beyond-two-minima",
            "beyond/noisy_targets.html#2-beyond-two-minima",
        ),
    ],
)
def test_an_old_address_leads_on(context, address, old, new):
    """With the place that it named, which is there."""
    page = context.new_page()
    page.goto(address + old)
    page.wait_for_url(address + new)
    place = new.split("#")[1]
    page.locator(f"[id='{place}']").wait_for(state="attached")


@pytest.mark.parametrize("name", PROBLEMS)
def test_touch(chromium, address, name):
    """What a finger should hit is at least 24 pixels high (WCAG 2.2, 2.5.8)."""
    context = chromium.new_context(
        has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844}
    )
    page = context.new_page()
    page.goto(address + name)
    unfold(page)
    small = page.locator(
        ".md-content :is(button, input:not([type=radio], [type=checkbox]), summary,"
        " fieldset label, hw4-marks label)"
    ).evaluate_all(
        """(all) => all.filter((e) => e.checkVisibility()).map((e) => [
          e.getBoundingClientRect().height, e.outerHTML.slice(0, 120)])
          .filter(([height]) => height < 24)"""
    )
    assert small == []
    context.close()


# --- TeX of the formulas --------------------------------------------------------------


def test_a_formula_offers_its_tex(context, address):
    """A click shows the button, the button copies, and a click elsewhere ends it."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}noisy_targets.html", wait_until="networkidle")
    assert not [url for url in asked if url.endswith(".tex.js")]
    formula = page.locator("span.math").nth(1)
    formula.click()
    button = page.get_by_role("button", name="Copy TeX")
    gap = button.bounding_box()["y"] - formula.bounding_box()["y"]
    assert 5 < gap < 60  # pixels: below it, and beside nothing else
    button.click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == r"$h = \sigma(a)$"
    page.locator("h1").click()
    assert page.locator(".hw4-tex").count() == 0


def test_a_selection_is_copied_with_tex(context, address):
    """Glyphs of a drawing say nothing in another program."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{address}noisy_targets.html")
    with page.expect_response("**/noisy_targets.tex.js"):
        page.get_by_text("Some training labels are wrong").select_text()
    page.wait_for_function("globalThis.hw4Tex")
    page.keyboard.press("Control+c")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Some training labels are wrong")
    assert "each was flipped with probability $\\epsilon$. What" in copied
    assert page.locator(".hw4-copy").count() == 0


def test_without_its_list_a_formula_says_so(context, address):
    """The page was open when the network went away."""
    context.route("**/*.tex.js", lambda route: route.abort())
    page = context.new_page()
    page.goto(f"{address}noisy_targets.html")
    page.locator("span.math").nth(1).click()
    page.get_by_role("button", name="Copy TeX").click()
    page.get_by_role("button", name="Not loaded: are you offline?").wait_for()
