"""Answer boxes, marks and what the browser remembers, in Chromium.

Each kind of box is tried on a page of this file's own, with the scripts of the site;
then every box of the problem pages is given its right answer.
"""

import json

import pytest
from browser.reader import PROBLEMS

from hw4site import answers

HALF = {"Doubled.": 0.5}


def rule(x):
    """Ask for half of a number."""
    return answers.Number(f"half of {x} =", x / 2, {"Doubled.": 2 * x}, solution="÷ 2")


BOXES = {
    "number": answers.number_box("1-1-a", "x =", 0.25, slips=HALF, says="A quarter."),
    "variants": answers.variants_box(
        "1-1-f", rule, sheet={"x": 4}, draw=lambda rng: {"x": int(rng.integers(5, 99))}
    ),
    "formula": answers.formula_box(
        "1-1-g",
        "w₁ ←",
        points={"w1": [0.5, 0.7, 1.1, 2.0], "eta": [0.1, 0.2, 0.3, 0.5]},
        answers={"A step down.": [0.4, 0.5, 0.8, 1.5]},
        slips={"A step up.": [0.6, 0.9, 1.4, 2.5]},
    ),
    "grid": answers.grid_box(
        "3-2-a", "W =", [["a", "0"], ["0", "b"]], letters=["a", "b"], says="So it is."
    ),
    "chosen": answers.grid_box(
        "3-4-a", "Which?", [["yes", "no"]], choices=["no", "yes"]
    ),
    "choice": answers.choice_box(
        "4-b", "Which?", right={"convex": "It curves up."}, wrong={"bent": "No."}
    ),
    "marks": answers.marks("2-c", {"The factor.": 2, "What it does.": 1}),
}
PAGE = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Boxes</title>
<link rel="stylesheet" href="assets/site.css"><body class="md-typeset">
<a href="#2-c" class="hw4-part">2 (c)</a> <a href="#1-1-a" class="hw4-part">1.1 (a)</a>
<p data-progress="1-1-a 2-c 4-b"></p>
{"".join(BOXES.values())}
<hw4-progress></hw4-progress>
<script src="assets/formula.js"></script><script src="assets/practice.js"></script>
"""
BLOCKED = """Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("denied", "SecurityError"); } })"""
FULL = """Storage.prototype.setItem = () => {
  throw new DOMException("full", "QuotaExceededError"); }"""


@pytest.fixture
def tab(context, address):
    """A tab with the page of boxes, which fails when one of its scripts does."""
    context.route(
        f"{address}boxes.html",
        lambda route: route.fulfill(body=PAGE, content_type="text/html"),
    )
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}boxes.html")
    yield page
    assert errors == []


def box_of(page, name):
    return page.locator(f"#try-{name}")


def said(box):
    """Return the verdict and the words of a box."""
    status = box.get_by_role("status")
    return status.get_attribute("data-verdict"), status.inner_text()


def answer(box, *texts):
    """Type into the fields one after the other and press Enter; return the verdict."""
    fields = box.locator("input[type=text]")
    for i, text in enumerate(texts):
        fields.nth(i).fill(text)
    fields.first.press("Enter")
    box.locator("output[data-verdict]").wait_for(state="attached")
    return said(box)


# --- each kind ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "verdict", "words"),
    [
        ("1/4", "right", "Right. A quarter."),
        ("0.2505", "right", "Right, rounded."),
        ("0.5", "slip", "Doubled."),
        ("0.26", "close", "0.5 % of the value"),
        ("7", "wrong", "Not this one"),
        ("a lot", "unread", "not a letter"),
        ("", "unread", "Type an answer first"),
    ],
)
def test_a_number(tab, typed, verdict, words):
    """Judged with Enter; what cannot be read is said to be so."""
    found, text = answer(box_of(tab, "1-1-a"), typed)
    assert found == verdict
    assert words in text


def test_what_was_read_is_shown_while_typing(tab):
    """As a formula, before any verdict; an edit takes the verdict back."""
    box = box_of(tab, "1-1-a")
    field = box.locator("input")
    field.press_sequentially("1/4")
    assert box.locator(".hw4-read math mfrac").count() == 1
    assert said(box) == (None, "")
    field.press("Enter")
    assert said(box)[0] == "right"
    field.press("Backspace")
    assert said(box) == (None, "")
    field.press("Enter")
    assert said(box)[0] == "unread"
    assert field.get_attribute("aria-invalid") is not None
    assert field.evaluate("(f) => [f.selectionStart, f.selectionEnd]") == [2, 2]


def test_a_long_formula_does_not_widen_a_phone(tab):
    """Its reading scrolls in its own line, which the keyboard reaches."""
    tab.set_viewport_size({"width": 390, "height": 800})
    box = box_of(tab, "1-1-g")
    reading = box.locator(".hw4-read")
    answer(box, "w1 - eta")
    assert reading.get_attribute("tabindex") is None
    answer(box, "w1 - eta" + " + w1 w1 w1 - w1^3" * 5)
    assert said(box)[0] == "right"
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    assert box.locator("input").bounding_box()["width"] > 250
    box.locator("input").focus()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")
    assert reading.evaluate("(r) => r === document.activeElement")


def test_new_numbers(tab):
    """Another question with its own answer and solution, and round to the sheet's."""
    box = box_of(tab, "1-1-f")
    prompt = box.locator("[data-prompt]")
    sheet = prompt.inner_text()
    assert sheet == "half of 4 ="
    assert answer(box, "2")[0] == "right"
    box.get_by_text("Solution in one line").click()
    assert box.get_by_text("÷ 2").is_visible()
    seen = {sheet}
    for count in range(2, answers.VARIANTS + 1):
        box.get_by_role("button", name="New numbers").click()
        assert box.locator("[data-count]").inner_text() == f"numbers {count} of 20"
        assert box.locator("input").input_value() == ""
        assert said(box) == (None, "")
        seen.add(prompt.inner_text())
        number = int(prompt.inner_text().split()[2])
        assert answer(box, str(2 * number)) == (
            "slip",
            "Doubled.\nSolution in one line",
        )
        assert answer(box, f"{number}/2")[0] == "right"
    assert len(seen) == answers.VARIANTS
    box.get_by_role("button", name="New numbers").click()
    assert prompt.inner_text() == sheet
    assert box.locator("[data-count]").inner_text() == "the sheet’s numbers"


@pytest.mark.parametrize(
    ("typed", "verdict", "words"),
    [
        ("w1 - eta", "right", "A step down."),
        ("w₁ − η", "right", "A step down."),
        ("w1 + eta", "slip", "A step up."),
        ("eta - w1", "slip", "sign"),
        ("w1*eta", "wrong", "Not this one"),
        ("w2", "unread", "not a letter"),
    ],
)
def test_a_formula(tab, typed, verdict, words):
    """Judged by its values, with the letters that the box names."""
    found, text = answer(box_of(tab, "1-1-g"), typed)
    assert (found, words in text) == (verdict, True)


def test_a_grid(tab):
    """Entry by entry; an empty one is 0, and a wrong one is marked."""
    box = box_of(tab, "3-2-a")
    assert answer(box, "", "", "", "") == ("unread", "Fill in the grid first.")
    assert answer(box, "a", "1", "", "b") == ("wrong", "3 of 4 entries are right.")
    marked = box.locator("input").evaluate_all("(a) => a.map((f) => f.dataset.verdict)")
    assert marked == ["right", "wrong", "right", "right"]
    assert answer(box, "a", "0", "", "b") == ("right", "Right. So it is.")
    assert answer(box, "a", "(", "", "b")[0] == "unread"


def test_a_grid_to_choose_in(tab):
    """By keyboard: letters choose, Tab goes on."""
    box = box_of(tab, "3-4-a")
    box.get_by_label("row 1, column 1").select_option("yes")
    box.get_by_label("row 1, column 2").select_option("yes")
    box.get_by_role("button").press("Enter")
    assert said(box) == ("wrong", "1 of 2 entries are right.")
    box.get_by_label("row 1, column 2").select_option("no")
    box.get_by_role("button").press("Space")
    assert said(box)[0] == "right"


def test_a_choice(tab):
    """Each option has its verdict and its reason."""
    box = box_of(tab, "4-b")
    box.get_by_role("button").press("Enter")
    assert said(box) == ("unread", "Pick an option first.")
    box.get_by_label("bent").press("Space")
    box.get_by_label("bent").press("Enter")
    assert said(box) == ("slip", "No.")
    box.get_by_label("bent").press("ArrowDown")
    assert said(box) == (None, "")
    box.get_by_label("convex").press("Enter")
    assert said(box) == ("right", "Right. It curves up.")


def test_all_of_it_by_keyboard(tab):
    """Tab goes through fields and buttons in their order, and leaves."""
    box_of(tab, "1-1-a").locator("input").focus()
    tab.keyboard.type("0.25")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Space")
    assert said(box_of(tab, "1-1-a"))[0] == "right"
    tab.keyboard.press("Tab")
    tab.keyboard.type("2")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")  # new numbers, with the field in focus
    focused = "document.activeElement.id"
    assert tab.evaluate(focused) == "try-1-1-f-value"
    tab.keyboard.type("0")
    tab.keyboard.press("Enter")
    assert said(box_of(tab, "1-1-f"))[0] == "wrong"
    for _ in range(4):  # Check, New numbers, Solution in one line, the next field
        tab.keyboard.press("Tab")
    assert tab.evaluate(focused) == "try-1-1-g-value"


# --- what is remembered ---------------------------------------------------------------


def use(tab):
    """Answer three boxes and tick a mark."""
    answer(box_of(tab, "1-1-a"), "0.25")
    box_of(tab, "1-1-f").get_by_role("button", name="New numbers").click()
    answer(box_of(tab, "1-1-f"), "1000000")
    answer(box_of(tab, "3-2-a"), "a", "0", "0", "b")
    box_of(tab, "4-b").get_by_label("bent").check()
    box_of(tab, "4-b").get_by_role("button").click()
    tab.locator("hw4-marks").get_by_label("The factor.").check()


def state(tab):
    """Return what is typed, chosen, ticked and said."""
    return {
        "fields": tab.locator("hw4-answer input[type=text]").evaluate_all(
            "(all) => all.map((f) => f.value)"
        ),
        "ticked": tab.locator("input:checked").evaluate_all(
            "(all) => all.map((f) => f.labels[0].innerText)"
        ),
        "said": tab.locator("output").evaluate_all(
            "(all) => all.map((o) => [o.dataset.verdict ?? null, o.textContent])"
        ),
        "prompt": box_of(tab, "1-1-f").locator("[data-prompt]").inner_text(),
        "done": tab.locator(".hw4-done").all_text_contents(),
        "progress": tab.locator("[data-progress]").inner_text(),
        "kept": tab.locator("[data-kept]").inner_text(),
    }


def test_a_reload_keeps_everything_and_takes_no_focus(tab):
    """What was typed, its verdict, on the same numbers; the marks; what is done."""
    fresh = state(tab)
    use(tab)
    before = state(tab)
    assert before["done"] == ["2 (c) (done)", "1.1 (a) (done)"]
    assert before["progress"] == "2 of 3 parts done"
    assert before["kept"] == "This browser keeps 4 answers and 1 marked part."
    tab.reload()
    assert state(tab) == before
    assert tab.evaluate("document.activeElement === document.body")

    tab.get_by_role("button", name="Forget all").click()
    tab.get_by_role("button", name="Yes, forget all").click()
    assert tab.locator("[data-kept]").inner_text() == fresh["kept"]
    assert tab.locator(".hw4-done").count() == 0
    tab.reload()
    assert state(tab) == fresh


def test_solved_once_stays_done(tab):
    """Whoever plays on afterwards loses nothing; tries are counted."""
    for text in ("0.25", "7", ""):
        answer(box_of(tab, "1-1-a"), text)
    kept = tab.evaluate("hw4Memory.get('boxes', '1-1-a')")
    assert (kept["solved"], kept["verdict"], kept["tries"]) == (True, "unread", 2)


def test_forgetting_asks_first(tab):
    """One click forgets nothing, and whoever goes elsewhere has not agreed."""
    use(tab)
    tab.get_by_role("button", name="Forget all").click()
    tab.get_by_role("button", name="Save to a file").focus()
    assert tab.get_by_role("button", name="Yes, forget all").count() == 0
    assert "4 answers" in tab.locator("[data-kept]").inner_text()


def test_progress_goes_along_in_a_file(tab, tmp_path):
    """Saved in one browser, loaded in another: the same answers."""
    use(tab)
    before = state(tab)
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save to a file").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert json.loads(file.read_text(encoding="utf-8"))["version"] == 1

    tab.evaluate("hw4Memory.forget()")
    with tab.expect_file_chooser() as chooser:
        tab.get_by_role("button", name="Load a file").click()
    chooser.value.set_files(file)
    tab.get_by_text("Loaded hw4-progress.json.").wait_for()
    tab.reload()
    assert state(tab) == before


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "null",
        '{"version": 2}',
        '{"version": 1, "boxes": [], "marks": {}, "open": {}}',
        '{"version": 1, "boxes": {"x": null}, "marks": {}, "open": {}}',
    ],
)
def test_a_file_of_something_else_changes_nothing(tab, text):
    """It is said to be none; what is in the browser stays."""
    use(tab)
    before = tab.evaluate("hw4Memory.export()")
    file = {"name": "x.json", "mimeType": "application/json", "buffer": text.encode()}
    tab.locator("hw4-progress input").set_input_files(file)
    tab.get_by_text("x.json is no file of progress; nothing has changed.").wait_for()
    assert tab.evaluate("hw4Memory.export()") == before


def test_a_damaged_entry_is_as_good_as_none(tab):
    """Of an older version, or of somebody else; the next answer replaces it."""
    for text in ("{", "[]", '{"version": 1, "boxes": {"1-1-a": 5}}'):
        tab.evaluate("(text) => localStorage.setItem('hw4-practice', text)", text)
        tab.reload()
        assert answer(box_of(tab, "1-1-a"), "0.25")[0] == "right"
        assert tab.locator(".hw4-done").count() == 1


@pytest.mark.parametrize("script", [BLOCKED, FULL], ids=["private", "full"])
def test_without_storage_the_page_works_until_it_is_left(tab, script):
    """A private window that refuses, and one whose storage is full."""
    fresh = state(tab)
    tab.add_init_script(script)
    tab.reload()
    use(tab)
    before = state(tab)
    assert before["progress"] == "2 of 3 parts done"
    assert before["kept"] == "This browser keeps 4 answers and 1 marked part."
    answer(box_of(tab, "1-1-g"), "w1 - eta")
    assert "5 answers" in tab.locator("[data-kept]").inner_text()
    tab.get_by_role("button", name="Forget all").click()
    tab.get_by_role("button", name="Yes, forget all").click()
    assert "0 answers" in tab.locator("[data-kept]").inner_text()
    tab.reload()
    assert state(tab) == fresh


def test_marks_add_up(tab):
    """By keyboard; no more than the part's."""
    scheme = tab.locator("hw4-marks")
    assert scheme.locator("output").inner_text() == "0 of 3"
    scheme.get_by_label("The factor.").press("Space")
    assert scheme.locator("output").inner_text() == "2 of 3"
    scheme.get_by_label("What it does.").press("Space")
    assert scheme.locator("output").inner_text() == "3 of 3"


# --- the boxes of the pages -----------------------------------------------------------

GIVE = """async (box) => {
  const data = JSON.parse(box.dataset.box);
  const fields = [...box.querySelectorAll('input[type=text], select')];
  const found = [];
  const send = async (expected) => {
    box.querySelector('output').removeAttribute('data-verdict');
    await box.check();
    found.push([expected, box.querySelector('output').dataset.verdict]);
  };
  const type = async (expected, texts) => {
    texts.forEach((text, i) => (fields[i].value = text));
    await send(expected);
  };
  if (data.kind === 'number') {
    for (let i = 0; i < (data.variants ?? [data]).length; i++) {
      if (i) box.querySelector('[data-new]').click();
      const one = box.question;
      for (const [slip, says] of one.slips) {
        await type('slip', [String(slip)]);
        const said = box.querySelector('output').textContent;
        found.push([true, says.length > 10 && said.startsWith(says)]);
      }
      for (const [value] of one.accept) await type('right', [String(value)]);
      await type('right', [String(one.answer)]);
    }
  } else if (data.kind === 'choice') {
    for (const [i, [right]] of data.options.entries()) {
      box.querySelector(`[type=radio][value="${i}"]`).checked = true;
      await send(right ? 'right' : 'slip');
    }
  } else if (data.kind === 'grid') {
    for (const [cells] of data.slips) await type('slip', cells);
    await type('right', data.cells);
  } else {
    for (const text of ['(', '']) await type('unread', [text]);
  }
  return found;
}"""


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_box_knows_its_answers_and_slips(context, address, name):
    """Of each of its questions; of a formula, what is none."""
    page = context.new_page()
    page.goto(address + name)
    boxes = page.locator("hw4-answer")
    assert boxes.count() >= 1
    for i in range(boxes.count()):
        for expected, verdict in boxes.nth(i).evaluate(GIVE):
            assert verdict == expected, boxes.nth(i).get_attribute("id")


@pytest.mark.parametrize("name", [*PROBLEMS, "exam.html"])
def test_every_field_has_a_name_and_every_box_a_status(context, address, name):
    """A reader who does not see the page knows what is asked and what was said."""
    page = context.new_page()
    page.goto(address + name)
    named = page.locator("hw4-answer :is(input, select)").evaluate_all(
        "(all) => all.map((f) => f.ariaLabel || f.labels[0]?.innerText)"
    )
    assert all(named)
    assert named
    statuses = page.locator("hw4-answer output[role=status]")
    assert statuses.count() == page.locator("hw4-answer").count()


def test_what_judges_comes_with_the_first_touch(context, address):
    """Where it does not come a check says so, and the next one tries again."""
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    context.route("**/formula.js", lambda route: route.abort())
    page.goto(f"{address}backpropagation.html", wait_until="networkidle")
    late = ("formula.js", "exam.js", "editor.js")
    assert not [url for url in asked if url.endswith(late)]

    box = box_of(page, "1-1-a")
    verdict, words = answer(box, "0.2")
    assert verdict == "unread"
    assert words.startswith("What judges answers did not load.")
    context.unroute("**/formula.js")
    box.get_by_role("button", name="Check").click()
    box.locator("output[data-verdict=right]").wait_for()
