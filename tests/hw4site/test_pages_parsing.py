import traceback
from pathlib import Path
from textwrap import dedent

import pytest

from hw4site.pages import Block, Fence, Heading, Page, Value, read_page, read_pages


def page(text: str) -> Page:
    return Page(Path("docs/page.md"), dedent(text))


def fence(text: str) -> Fence:
    (only,) = page(text).fences
    return only


def test_a_fence_has_language_options_code_and_lines():
    """What an editor shows is what the fence says, from line one on."""
    found = fence(
        """\
        Text

        ```python exec="1" session="page"
        x = 1

        y = 2
        ```
        Text
        """
    )
    assert found == Fence(
        language="python",
        options={"exec": "1", "session": "page"},
        code="x = 1\n\ny = 2",
        line=3,
        end=7,
        closed=True,
        indent="",
    )


def test_indentation_of_a_list_is_no_part_of_the_code():
    """A fence in a list item has code that Python can compile."""
    found = fence("- item\n\n    ```python\n    if x:\n        y = 1\n    ```\n")
    assert (found.indent, found.code) == ("    ", "if x:\n    y = 1")


def test_a_longer_fence_holds_a_shorter_one():
    """The example of a page in the rules for contributors is one fence, not two."""
    found = fence("````markdown\n```python\nx = 1\n```\n````\n")
    assert (found.language, found.code) == ("markdown", "```python\nx = 1\n```")


def test_a_tilde_fence_is_a_fence():
    assert fence("~~~text\nx\n~~~\n").language == "text"


def test_an_empty_fence_has_no_code():
    found = fence("```text\n```\n")
    assert (found.code, found.line, found.end) == ("", 1, 2)


def test_a_fence_without_end_reaches_to_the_end():
    found = fence("text\n\n```text\nx\ny")
    assert (found.closed, found.code, found.line, found.end) == (False, "x\ny", 3, 5)


@pytest.mark.parametrize(
    "header",
    ["python exec=1", "{.python exec='1'}", "python exec='1'", "python exec"],
)
def test_a_header_of_another_form_is_all_language(header):
    """The gate then refuses it, as no language has such a name."""
    found = fence(f"```{header}\nx\n```\n")
    assert (found.language, found.options) == (header, {})


def test_code_in_the_line_is_no_fence():
    assert page("``` x ``` and `y`\n").fences == []


@pytest.mark.parametrize(
    ("options", "executed", "visible", "figure"),
    [
        ("", False, True, False),
        ('exec="no"', False, True, False),
        ('exec="1"', True, False, False),
        ('exec="yes" source="above"', True, True, False),
        ('exec="1" html="1"', True, False, True),
        ('html="1"', False, True, False),
    ],
)
def test_options_say_what_happens_to_a_block(options, executed, visible, figure):
    found = fence(f"```python {options}\nx = 1\n```\n")
    assert (found.executed, found.visible, found.figure) == (executed, visible, figure)


def test_headings_have_level_text_anchor_and_line():
    """Also with a value at the end, without an anchor, with other attributes."""
    found = page(
        """\
        ---
        title: A page
        ---

        # Loss {{ E }}

        ## 1.1 (a) The output { #1-1-a .wide data-toc-label="Output" }

        ### Closed ###

        ```python
        # no heading
        ```
        """
    ).headings
    assert found == [
        Heading(1, "Loss {{ E }}", "", 5),
        Heading(2, "1.1 (a) The output", "1-1-a", 7),
        Heading(3, "Closed", "", 9),
    ]


def test_blocks_have_their_lines():
    """A block inside another has more slashes outside."""
    found = page(
        """\
        //// check | Title
            open: true

        /// hint
        ///

        ////
        """
    ).blocks
    assert found == [Block("hint", 4, 5), Block("check", 1, 7)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/// hint\ntext\n", [Block("hint", 1, 0)]),
        ("text\n\n///\n", [Block("", 3, 0)]),
        ("//// hint\n///\n", [Block("", 2, 0), Block("hint", 1, 0)]),
        ("/// hint\n/// |\n", [Block("", 2, 0), Block("hint", 1, 0)]),
    ],
)
def test_blocks_that_do_not_fit_together(text, expected):
    assert page(text).blocks == expected


def test_values_have_expression_format_and_line():
    found = page("A {{ x | .3f }} and\n{{ y[0] }}, not `{{ z }}`.\n").values
    assert found == [Value("x", ".3f", 1), Value("y[0]", "", 2)]


def test_prose_is_what_a_reader_reads():
    """On its own line, without code, values, tags, comments and targets."""
    lines = page(
        """\
        ---
        title: 0.111
        ---
        One <!-- 0.111
        0.111 --> two `0.111` three
        <p title="0.111">four</p> [five](https://example.org/0.111)
        {{ x | .3f }} $six$

        ```text
        0.111
        ```

        [seven]: https://example.org/0.111
        ``a `0.111` b`` eight ` nine

        ten ` eleven
        """
    ).prose.split("\n")
    words = [line.replace(" ", "") for line in lines]
    assert words == [
        *("", "", "", "One", "twothree", "four[five", "$six$", "", "", "", "", ""),
        *("", "eight`nine", "", "ten`eleven", ""),
    ]


BLOCKS = """\
```python exec="1" source="above" result="text" session="page"
x = 1
print(x, end="!")
```

```python
x = 5
```

```python exec="1" session="page"
x += 1
```

```python exec="1" source="above" result="text" session="page"
print(x, __name__)
```
"""


def test_blocks_run_in_one_namespace_and_their_output_is_captured(capsys):
    """A static fence does not run; nothing is printed to the terminal."""
    source = page(BLOCKS)
    assert [output for _, output in source.run()] == ["1!", "", "2 __main__\n"]
    assert [block for block, _ in source.run()] == source.executed
    assert capsys.readouterr().out == ""


def test_a_traceback_shows_the_line_of_the_page(tmp_path):
    """File, line and text, as if the page were a program."""
    path = tmp_path / "page.md"
    path.write_text(BLOCKS.replace("x += 1", "\nx /= 0"), encoding="utf-8")
    with pytest.raises(ZeroDivisionError) as caught:
        list(read_page(path).run())
    frame = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (frame.filename, frame.lineno, frame.line) == (str(path), 12, "x /= 0")


def test_pages_are_read_in_the_order_of_their_paths(tmp_path):
    """Folders below count, other files do not."""
    (tmp_path / "b").mkdir()
    for name in ("c.md", "b/a.md", "a.md", "a.txt"):
        (tmp_path / name).write_text("", encoding="utf-8")
    found = [p.path.relative_to(tmp_path).as_posix() for p in read_pages(tmp_path)]
    assert found == ["a.md", "b/a.md", "c.md"]
    assert [p.session for p in read_pages(tmp_path)] == ["a", "b/a", "c"]
