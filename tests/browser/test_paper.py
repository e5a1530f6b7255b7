"""On paper: what is open, or all of it if nothing is; answers alone as a sheet."""

import pytest
from browser.reader import PROBLEMS


@pytest.fixture
def paper(context, address):
    """A problem page, and what is seen of a selector when it is printed."""
    page = context.new_page()
    page.goto(f"{address}online_learning.html")

    def seen(selector):
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        count = page.locator(f"{selector} >> visible=true").count()
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen")
        return count

    return page, seen


def test_all_is_printed_if_nothing_is_open(paper):
    """And closed again."""
    page, seen = paper
    for kind in ("hint", "answer", "why", "mistakes", "code"):
        assert seen(f"details.{kind} > :not(summary)") > 0, kind
    assert page.locator(".md-content details[open]").count() == 0


def test_what_is_open_is_printed(paper):
    """One derivation, and no hint."""
    page, seen = paper
    page.locator("details.why").first.evaluate("(details) => { details.open = true }")
    assert seen("details.why summary") == 1
    assert seen("details.hint summary") == 0
    assert seen("details.answer summary") == 0


def test_answers_alone_are_an_answer_sheet(paper):
    """Questions and answers, on paper that is used up to its edges."""
    page, seen = paper
    page.locator("details.answer").evaluate_all(
        "(all) => all.forEach((details) => { details.open = true })"
    )
    assert seen(".question") == seen("h2") == 5
    assert seen("details.answer > p") > 0
    assert seen("details.why") == seen("details > summary") == seen(".hw4-try") == 0


@pytest.mark.parametrize("name", PROBLEMS)
def test_an_answer_sheet_is_at_most_two_pages(context, address, tmp_path, name):
    """As Chromium prints it."""
    page = context.new_page()
    page.goto(address + name)
    page.locator("details.answer").evaluate_all(
        "(all) => all.forEach((details) => { details.open = true })"
    )
    page.pdf(path=tmp_path / "sheet.pdf", format="A4")
    assert (tmp_path / "sheet.pdf").read_bytes().count(b"/Type /Page\n") <= 2
