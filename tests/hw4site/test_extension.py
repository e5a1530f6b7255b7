import inspect
import logging

import markdown
import markdown_exec
import pytest

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
    assert "E&lt;3" in text
    assert 'tabindex="0"' in text
    assert "hw4-error" not in text


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
    assert text.count("data-search-exclude") == 1


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


def test_only_a_page_that_runs_code_can_be_taken_along():
    """A block that a page shows as Markdown starts no session."""
    block = '```python exec="1" source="above" session="page"\nE = 1\n```\n'
    assert "notebooks/page.ipynb" in convert(f"# A\n\n{block}")
    assert "notebooks/" not in convert(f"# A\n\n````markdown\n{block}````\n")
