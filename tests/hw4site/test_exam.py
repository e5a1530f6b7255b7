import pytest
from bs4 import BeautifulSoup

from hw4site import exam

PART = """<h3 id="2-a" data-points="4">2 (a) The error<a class="headerlink">¶</a></h3>
<div class="admonition question"><p class="admonition-title">Question</p>
<p>Which?</p></div>
<div class="hw4-try"><hw4-answer id="try-2-a"></hw4-answer></div>
<details class="answer"><summary>Answer</summary><p>This one.</p></details>
<div class="hw4-scheme"><hw4-marks data-part="2-a"></hw4-marks></div>
<h3 id="2-b" data-points="1">2 (b) The rest</h3>
<div class="question"><p>And?</p></div><details class="answer"><p>That.</p></details>
<h2 id="2-2">2.2 More</h2><p>Given <a href="#2-a">this</a>.</p>
<h3 id="2-c" data-points="1">2 (c) A number</h3>
<div class="question"><p>And?</p></div><div class="hw4-try"></div>
<details class="answer"><p>7</p></details>
<h3 id="2-beyond">Not a part</h3><p>No.</p>"""

CODE = '<details class="code"><summary>Given</summary><p>x = 1</p></details>'


@pytest.fixture
def site(tmp_path):
    """Five built pages of two parts, and an exam page."""
    for stem in exam.PROBLEMS:
        text = f"<h1>Problem: {stem}</h1><p>All have this.</p>{CODE}{PART}"
        (tmp_path / f"{stem}.html").write_text(text, encoding="utf-8")
    page = '<h1>Exam</h1><hw4-exam id="hw4-exam">old</hw4-exam>'
    (tmp_path / "exam.html").write_text(page, encoding="utf-8")
    return tmp_path


def test_every_part_is_asked_with_its_box_and_answered_after(site):
    """Question and box stand open; answer, scheme and the way back come after."""
    exam.write(site)
    page = BeautifulSoup(
        (site / "exam.html").read_text(encoding="utf-8"), "html.parser"
    )
    parts = page.select(".hw4-exam-part")
    assert len(parts) == 3 * len(exam.PROBLEMS)
    first, second, third = parts[:3]
    assert first.h3.get_text() == "2 (a) The error 4 points"
    assert second.h3.get_text() == "2 (b) The rest 1 point"
    after = first.select_one(".hw4-after")
    assert "This one." in after.get_text()
    assert after.select_one("hw4-marks")["data-part"] == "2-a"
    assert after.select_one("a")["href"] == "backpropagation.html#2-a"
    assert "Which?" in first.get_text()
    assert first.select_one("hw4-answer")["id"] == "try-2-a"
    assert first.select_one("textarea")["rows"] == "12"
    assert third.select_one("textarea") is None
    assert second.select_one("textarea")["aria-label"] == "Your answer to 2-b"
    assert "Question" not in first.get_text()
    assert "old" not in page.get_text()
    assert "No." not in page.get_text()


def test_what_the_parts_share_is_asked_with_them(site):
    """The text above the parts says what "this input" is; code would tell answers."""
    exam.write(site)
    page = BeautifulSoup(
        (site / "exam.html").read_text(encoding="utf-8"), "html.parser"
    )
    shared = page.find("p", string="All have this.")
    assert shared.find_previous_sibling().get_text() == "Problem: backpropagation"
    assert shared.find_next_sibling()["data-part"] == "2-a"
    assert page.select_one("h3#exam-2-2").get_text() == "2.2 More"
    assert page.find("a", string="this")["href"] == "backpropagation.html#2-a"
    assert "x = 1" not in page.get_text()


def test_writing_twice_gives_the_same_page(site):
    """What was there before is replaced."""
    exam.write(site)
    once = (site / "exam.html").read_text(encoding="utf-8")
    exam.write(site)
    assert (site / "exam.html").read_text(encoding="utf-8") == once


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("data-points", "data-other", "has no parts"),
        ("admonition question", "admonition", "2-a has no question"),
        ('details class="answer"', "details", "2-a has no answer"),
    ],
)
def test_a_page_without_its_parts_is_refused(site, old, new, message):
    """An exam that lacks a question would look like one that is complete."""
    path = site / "architecture.html"
    path.write_text(
        path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8"
    )
    with pytest.raises(ValueError, match=message):
        exam.write(site)


def test_a_site_without_an_exam_stays_as_it_is(site):
    """Nothing to fill; but a page without the place is a fault."""
    (site / "exam.html").write_text("<h1>Exam</h1>", encoding="utf-8")
    with pytest.raises(ValueError, match="no element `hw4-exam`"):
        exam.write(site)
    (site / "exam.html").unlink()
    exam.write(site)
    assert not (site / "exam.html").exists()


def test_a_page_without_a_title_has_an_empty_one():
    """The gate finds such a page; this does not fail on it."""
    parts, _, _ = PART.rpartition("<h3")
    section = exam.problem("x", BeautifulSoup(parts, "html.parser"))
    assert section.h2.get_text() == ""
