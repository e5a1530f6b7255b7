import inspect
import logging
from xml.etree import ElementTree

import markdown
import markdown_exec
import pytest
from bs4 import BeautifulSoup

from hw4lib import backpropagation
from hw4site import blocks, mathematics


def convert(text: str) -> str:
    """Convert a page as the site does, with an executed block's session at hand."""
    return markdown.markdown(
        text,
        extensions=[
            "attr_list",
            "tables",
            "pymdownx.arithmatex",
            "pymdownx.superfences",
            "hw4site.extension",
        ],
        extension_configs={
            "pymdownx.arithmatex": {"generic": True},
            "pymdownx.superfences": {
                "custom_fences": [
                    {
                        "name": "python",
                        "class": "python",
                        "validator": markdown_exec.validator,
                        "format": blocks.formatter,
                    }
                ]
            },
        },
    )


PAGE = """
```python exec="1" session="page"
E, n = -0.125, 3
```

"""


@pytest.fixture(autouse=True)
def sessions():
    """Each test starts without sessions and leaves none behind."""
    yield
    blocks._runs.clear()


def test_fills_prose_tables_and_attributes():
    """The value shows wherever text may stand."""
    text = convert(
        PAGE
        + "# Loss {{ E | .2f }}\n\n| a | b |\n|---|---|\n| {{ n }} | {{ E | frac }} |\n"
        + '\n<p title="{{ n + 1 }}">{{ E * 8 | .0f }}</p>\n'
    )
    assert "Loss −0.12" in text
    assert "<td>3</td>" in text
    assert "<td>−1/8</td>" in text
    assert '<p title="4">−1</p>' in text


def test_fills_formulas_in_their_own_notation():
    """Between dollars a fraction is a fraction and a minus is TeX's."""
    text = convert(PAGE + "$E = {{ E | frac }}$\n\n$$\nE < {{ n }}\n$$\n")
    assert 'aria-label="cap E equals minus 1 over 8"' in text
    assert "E\u2005&lt;\u20053" in text
    assert 'tabindex="0"' in text
    assert "hw4-error" not in text


def test_a_formula_is_one_thing_with_a_name():
    """Its words are the name, in which a quotation mark ends nothing."""
    page = BeautifulSoup(convert('A $\\text{say "x"}$.'), "html.parser")
    formula = page.select_one("span.math")

    assert (formula["role"], formula["aria-label"]) == ("img", 'say "x"')
    assert [svg["aria-hidden"] for svg in formula.select("svg")] == ["true"]


def test_what_touches_a_formula_stays_with_it():
    """By word joiners, which are beside it: in it, they would be read."""
    text = BeautifulSoup(convert("($x$ and $y$)th $z$\n\n$w$"), "html.parser")
    for formula in text.select("span.math"):
        assert "\u2060" not in formula.get_text()
        formula.replace_with("x")

    assert text.get_text() == (
        "(\u2060x\u2060 and \u2060x\u2060)th \u2060x\u2060\n\u2060x\u2060"
    )


def test_leaves_code_alone():
    """Documentation can show the notation itself: in a span, in a fence."""
    text = convert(PAGE + "`{{ E }}` and ``{{ `E` }}``\n\n```text\n{{ n }}\n```\n")
    assert "<code>{{ E }}</code>" in text
    assert "{{ n }}" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ missing }}", "value `missing`: NameError"),
        ("{{ 1 / 0 }}", "value `1 / 0`: ZeroDivisionError"),
        ("{{ E | frac: }}", "value `E`: ValueError: Invalid format specifier"),
        (r"$\nosuchcommand$", "nosuchcommand"),
        ('```python exec="1" session="other"\npass\n```\n', "expected one"),
    ],
    ids=["name", "expression", "format", "command", "two sessions"],
)
def test_a_fault_is_logged_and_shown(caplog, text, message):
    """A strict build counts the log record, the gate finds the mark on the page."""
    with caplog.at_level(logging.ERROR, logger="mkdocs"):
        page = convert(PAGE + text)
    assert 'class="hw4-error"' in page
    assert message in caplog.text


def test_a_page_without_blocks_has_no_values(caplog):
    """A value where no session runs is a fault, not the text itself."""
    with caplog.at_level(logging.ERROR, logger="mkdocs"):
        page = convert("{{ n }}")
    assert 'class="hw4-error"' in page
    assert "NameError" in caplog.text


def test_code_and_names_of_tests_are_not_searched():
    """A search finds what is said; its index is fetched on the first visit."""
    source = '<details class="mkdocstrings-source"><summary>Source</summary></details>'
    text = convert(f"{source}\n\n<details>\nSaid.\n</details>\n")
    assert '<details class="mkdocstrings-source" data-search-exclude>' in text
    assert convert(text).count("data-search-exclude") == 1


def test_code_has_an_element_only_where_there_is_a_color():
    """A number has one, a name and a sign have the color of the code around them."""
    text = convert("```python\nw = 2 * x  # note\n```\n")
    colored = '<code>w = <span class="mi">2</span> * x  <span class="c1"># note</span>'
    assert colored in text


def test_formulas_are_laid_out_ahead(monkeypatch):
    """Those of the page, of the modules it documents, and then with their values."""
    seen = []
    monkeypatch.setattr(mathematics, "typeset_ahead", seen.append)

    convert(
        PAGE + "$n = {{ n }}$\n\n::: hw4lib.backpropagation\n\n::: hw4lib.nothing\n"
    )

    page, module, nothing, filled = seen
    assert "$n = {{ n }}$" in page
    assert module == inspect.getsource(backpropagation)
    assert not nothing
    assert "$n = 3$" in filled


def test_a_table_has_an_element_of_its_own():
    """What Material does to it is then no change of the page around it."""
    page = BeautifulSoup(convert("A\n\n| a |\n|---|\n| 1 |\n\nB"), "html.parser")

    assert [tag.name for tag in page.find_all(recursive=False)] == ["p", "div", "p"]
    assert page.div.find_all(recursive=False) == page.select("table")


def test_a_row_of_four_cells_can_be_a_card():
    """The last two say what they are; in a narrower or wider table none does."""

    def labels(columns):
        row = "|".join("abcde"[:columns])
        table = f"{row}\n{'|'.join(['---'] * columns)}\n{row}"
        cells = BeautifulSoup(convert(table), "html.parser").select("tbody td")
        return [cell.get("data-label") for cell in cells]

    assert labels(4) == [None, None, "c", "d"]
    assert labels(3) == [None] * 3
    assert labels(5) == [None] * 5


def test_only_a_page_that_runs_code_can_be_taken_along():
    """A block that a page shows as Markdown starts no session."""
    block = '```python exec="1" source="above" session="page"\nE = 1\n```\n'
    assert "notebooks/page.ipynb" in convert(f"# A\n\n{block}")
    assert "notebooks/" not in convert(f"# A\n\n````markdown\n{block}````\n")


# --- what parts have in common --------------------------------------------------------

PART = """
## 2 (a) The error { #2-a data-points=%s }

/// question
Which?
///

/// hint
First.
///

/// hint | Titled
Second.
///

/// answer
This one.
///

/// why
So.
///

/// code
```python exec="1" source="above" session="page"
x = 1
```
///

## 2 (b) The rest { #2-b data-points=1 }

/// hint
Again the first.
///

/// answer | The **answer**
That one.
///

## Beyond { #2-beyond data-points=3 }

/// answer
Of no part.
///
"""


def page_of(text: str) -> BeautifulSoup:
    """Convert a page with the site's blocks."""
    kinds = ("hint", "answer", "why", "code")
    html = markdown.markdown(
        text,
        extensions=[
            "attr_list",
            "pymdownx.blocks.admonition",
            "pymdownx.blocks.details",
            "pymdownx.superfences",
            "hw4site.extension",
        ],
        extension_configs={
            "pymdownx.blocks.details": {
                "types": [{"name": k, "title": k.capitalize()} for k in kinds]
            },
            "pymdownx.blocks.admonition": {"types": ["question"]},
            "pymdownx.superfences": {
                "custom_fences": [
                    {
                        "name": "python",
                        "class": "python",
                        "validator": markdown_exec.validator,
                        "format": blocks.formatter,
                    }
                ]
            },
        },
    )
    return BeautifulSoup(html, "html.parser")


def test_folds_are_named_after_their_part_and_hints_are_numbered():
    """From one again in each part; what a fold is called by its page stays."""
    names = [s.get_text() for s in page_of(PART % 4).select("summary")]
    assert names == [
        *("Hint 1 for 2 (a)", "Titled 2 for 2 (a)", "Answer to 2 (a)"),
        *("Why for 2 (a)", "Code for 2 (a)"),
        *("Hint 1 for 2 (b)", "The answer", "Answer"),
    ]


def test_the_part_is_said_and_not_shown():
    """Whoever sees where a fold stands need not read it again."""
    hint = page_of(PART % 4).select_one("details.hint summary")
    assert hint.contents[0] == "Hint 1"
    assert hint.select_one(".hw4-said").get_text() == " for 2 (a)"


def test_an_answer_ends_with_the_points_that_it_earns():
    """One point, several, or none where the heading is of no part."""
    ends = [end.get_text() for end in page_of(PART % 4).select(".hw4-enough")]
    enough = "This is enough for full marks: {}."
    assert ends == [enough.format("4 points"), enough.format("1 point")]
    bare = page_of(PART.replace(" data-points=%s", ""))
    assert len(bare.select(".hw4-enough")) == 1


def test_a_page_with_code_ends_with_links_to_take_it_along():
    """From a page in a folder they lead up; a page without visible blocks has none."""
    (line,) = page_of(PART % 4).select(".hw4-take")
    links = [link["href"] for link in line.select("a[download]")]
    assert links == ["notebooks/page.ipynb", "notebooks/page.py"]
    below = page_of((PART % 4).replace('"page"', '"beyond/page"'))
    link = below.select_one(".hw4-take a")
    assert link["href"] == "../notebooks/beyond/page.ipynb"
    assert page_of(PAGE + "Text.").select(".hw4-take") == []


@pytest.mark.parametrize(("folds", "marked"), [(4, False), (5, True)])
def test_the_title_of_a_page_with_many_folds_is_marked(folds, marked):
    """Below it come buttons; where there are few folds, none do."""
    parts = '<details class="hint" markdown="1">\n\nSo.\n\n</details>\n\n' * folds
    text = markdown.markdown(
        f"# Title\n\n{parts}", extensions=["md_in_html", "hw4site.extension"]
    )
    assert ("<h1 data-folds" in text) == marked


@pytest.mark.parametrize(
    ("inside", "pairs"),
    [
        ("answer why mistakes code remark", ["why mistakes code"]),
        ("proof p p code", ["proof p p code"]),
        ("proof theorem proof p code code", ["proof p code"]),
        ("why code h3 proof code", ["why code", "proof code"]),
        ("why h3 code", []),
        ("why mistakes", []),
        ("p code", []),
    ],
)
def test_a_derivation_has_one_element_around_it_with_its_code(inside, pairs):
    """Not across a heading or another theorem; the order and the rest stay."""
    tags = {"p": "<p/>", "h3": "<h3/>", "theorem": '<div class="theorem"/>'}
    folds = [tags.get(kind, f'<details class="{kind}"/>') for kind in inside.split()]
    root = ElementTree.fromstring(f"<div>{''.join(folds)}</div>")

    markdown.Markdown(extensions=["hw4site.extension"]).treeprocessors["hw4-parts"].run(
        root
    )

    def kinds(element):
        return " ".join(child.get("class", child.tag) for child in element)

    assert [kinds(e) for e in root if e.get("class") == "hw4-beside"] == pairs
    flat = ElementTree.Element("div")
    for child in root:
        flat.extend(child if child.get("class") == "hw4-beside" else [child])
    assert kinds(flat) == inside


def test_a_fold_without_a_title_is_left_alone():
    """HTML that somebody wrote by hand."""
    md = markdown.Markdown(extensions=["hw4site.extension"])
    parts = md.treeprocessors["hw4-parts"]
    root = ElementTree.fromstring("<div><h2>2 (a) X</h2><details/></div>")
    parts.run(root)
    assert ElementTree.tostring(root[1], "unicode") == "<details />"


def test_a_block_of_no_page_keeps_its_names_to_itself():
    """Without a session nothing is shared."""
    text = convert('```python exec="1" source="above"\nq = 1\nprint(q)\n```\n')
    assert "1" in text
    assert blocks._runs == {}
