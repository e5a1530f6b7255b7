"""The exam: nothing is told before it is handed in, and then it is marked."""

import json

import pytest


@pytest.fixture
def exam(context, address):
    """The exam in a tab that fails when one of its scripts does."""
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}exam.html")
    page.locator("hw4-exam.hw4-taking").wait_for()
    yield page
    assert errors == []


def part(exam, name):
    return exam.locator(f".hw4-exam-part[data-part='{name}']")


def number_box(exam):
    """Return the first part that is judged by one number alone."""
    found = exam.evaluate(
        """() => [...document.querySelectorAll('.hw4-exam-part')].find((part) =>
          !part.querySelector('hw4-marks')
          && part.querySelectorAll('hw4-answer').length === 1
          && JSON.parse(part.querySelector('hw4-answer').dataset.box).kind === 'number'
        ).dataset.part"""
    )
    box = part(exam, found).locator("hw4-answer")
    data = json.loads(box.get_attribute("data-box"))
    return found, box, (data.get("variants") or [data])[0]["answer"]


def test_all_questions_and_no_answer(exam):
    """All 32 parts with fifty points; no answer, no scheme, no verdict to be seen."""
    assert exam.locator(".hw4-exam-part").count() == 32
    points = exam.locator(".hw4-exam-part").evaluate_all(
        "(all) => all.reduce((sum, part) => sum + Number(part.dataset.points), 0)"
    )
    assert points == 50
    assert exam.locator(".hw4-after >> visible=true").count() == 0
    assert exam.get_by_text("Check", exact=True).locator("visible=true").count() == 0
    assert exam.locator("hw4-marks >> visible=true").count() == 0


def test_enter_tells_nothing_and_loses_nothing(exam):
    """No verdict, for the eye or a screen reader, and no reload of the page."""
    _, box, _ = number_box(exam)
    address = exam.url
    box.locator("input").fill("1e300")
    box.locator("input").press("Enter")
    assert box.locator("output").text_content() == ""
    assert box.locator("output").get_attribute("data-verdict") is None
    assert box.locator("input").input_value() == "1e300"
    assert exam.url == address
    assert exam.evaluate("hw4Memory.all('boxes')") == {}


def hand_in(exam):
    """Press the button and wait for the marks."""
    exam.get_by_role("button", name="Hand in").press("Enter")
    exam.locator("hw4-exam.hw4-marked").wait_for()


def test_handing_in_marks_it(exam):
    """The boxes by themselves, the rest by ticks; what was handed in stays."""
    name, box, answer = number_box(exam)
    box.locator("input").fill(repr(answer))
    hand_in(exam)

    points = float(part(exam, name).get_attribute("data-points"))
    total = exam.locator(".hw4-total")
    assert total.inner_text().startswith(f"{points:g} of 50 points so far.")
    mine = part(exam, name).locator("h3 .hw4-points").inner_text()
    assert mine.strip() == f"{points:g} of {points:g}"
    assert box.locator("output").get_attribute("data-verdict") == "right"
    assert box.locator("input").is_disabled()
    assert not part(exam, name).evaluate("(p) => p.classList.contains('hw4-lost')")
    assert exam.locator(".hw4-lost").count() == 31
    shown = exam.locator(".hw4-after").evaluate_all(
        "(all) => all.filter((after) => !after.checkVisibility()).length"
    )
    assert shown == 0

    scheme = exam.locator(".hw4-after hw4-marks").first
    first = scheme.locator("input").first
    worth = float(first.get_attribute("value"))
    first.press("Space")
    assert total.inner_text().startswith(f"{points + worth:g} of 50 points so far.")
    first.press("Space")
    assert total.inner_text().startswith(f"{points:g} of 50 points so far.")


def test_an_empty_exam_has_no_points(exam):
    """Nothing typed is nothing earned; another exam starts from nothing."""
    hand_in(exam)
    total = exam.locator(".hw4-total")
    assert total.inner_text().startswith("0 of 50 points so far.")
    exam.locator(".hw4-after hw4-marks input").first.check()
    exam.get_by_role("button", name="Start again").click()
    exam.locator("hw4-exam.hw4-taking").wait_for()
    assert exam.locator("hw4-marks input:checked").count() == 0
    assert exam.evaluate("hw4Memory.all('marks')") == {}


def test_what_was_practiced_is_not_filled_in(exam):
    """The exam begins empty, whatever the problem pages remember."""
    name, _, answer = number_box(exam)
    exam.evaluate(
        """([name, typed]) => hw4Memory.set('boxes', name, {
          typed, variant: 0, verdict: 'right', solved: true, tries: 1 })""",
        [name, repr(answer)],
    )
    exam.reload()
    _, box, _ = number_box(exam)
    assert box.locator("input").input_value() == ""
    assert box.locator("output").text_content() == ""


def test_the_clock(exam):
    """It counts down, says when time is up, and can be left out."""
    exam.clock.install()
    exam.reload()
    clock = exam.get_by_role("timer")
    exam.get_by_label("Clock").select_option("60")
    assert clock.inner_text() == "60:00 left"
    exam.clock.run_for(61_000)
    assert clock.inner_text() == "58:59 left"
    exam.clock.run_for(3_600_000)
    assert clock.inner_text() == "Time is up."
    exam.get_by_label("Clock").select_option("")
    assert clock.inner_text() == ""


def test_on_paper_questions_have_space_and_answers_sheets_of_their_own(exam):
    """All answers come after the last question; the screen has none of it."""
    exam.emulate_media(media="print")
    exam.evaluate("dispatchEvent(new Event('beforeprint'))")
    answers = exam.locator(".hw4-exam-answers")
    assert answers.locator("h3:visible").count() == 32
    assert (
        answers.locator("hw4-marks:visible").count()
        == exam.locator(".hw4-exam-part hw4-marks").count()
    )
    assert exam.locator(".hw4-exam-part .hw4-after:visible").count() == 0
    assert (
        answers.evaluate("(sheets) => getComputedStyle(sheets).breakBefore") == "page"
    )
    last = exam.locator(".hw4-exam-part").last.bounding_box()
    assert answers.bounding_box()["y"] >= last["y"] + last["height"]
    space = exam.locator(".hw4-exam-part").evaluate_all(
        """(all) => all.map((part) => part.querySelector('textarea')?.offsetHeight
          ?? parseFloat(getComputedStyle(part).paddingBottom))"""
    )
    assert min(space) > 50  # pixels: more than a line of handwriting
    exam.evaluate("dispatchEvent(new Event('afterprint'))")
    assert answers.count() == 0


def test_what_is_marked_is_printed_with_its_answers(exam):
    """Each below its question, once."""
    hand_in(exam)
    exam.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert exam.locator(".hw4-exam-answers").count() == 0


def test_each_box_of_a_part_has_its_share(exam):
    """One of five factors is a fifth of the point."""
    exam.locator("#try-1-1-e--1 input").fill("y - t")
    hand_in(exam)
    mine = part(exam, "1-1-e").locator("h3 .hw4-points").inner_text()
    assert mine.strip() == "0.2 of 1"
    assert exam.locator(".hw4-total").inner_text().startswith("0.2 of 50 points")


def test_without_a_script_no_answer_is_told(chromium, address):
    """The questions are there to be read and printed."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}exam.html")
    assert page.locator(".hw4-exam-part").count() == 32
    assert page.locator(".hw4-after >> visible=true").count() == 0
    context.close()


def test_progress_has_its_place_on_the_page(exam):
    """Below the exam, where readers look for what is kept of them."""
    assert exam.locator("#progress").is_visible()
    exam.get_by_role("button", name="Save to a file").wait_for()
    kept = exam.locator("[data-kept]").inner_text()
    assert kept == "This browser keeps 0 answers and 0 marked parts."
