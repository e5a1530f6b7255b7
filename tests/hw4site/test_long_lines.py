import re
from html import unescape

import markdown
import pytest

from hw4site.long_lines import FITS

LONG = "x = 1  # " + "long " * 10


def convert(language, *lines):
    """Return a fenced block as HTML."""
    return markdown.markdown(
        "\n".join([f"```{language}", *lines, "```"]),
        extensions=["pymdownx.highlight", "pymdownx.superfences", "hw4site.long_lines"],
        extension_configs={"pymdownx.highlight": {"pygments_lang_class": True}},
    )


@pytest.mark.parametrize(
    ("language", "line", "indent"),
    [
        ("python", "x" * FITS, None),
        ("python", "x" * (FITS + 1), 0),
        ("python", "    " + LONG, 4),
        ("python", "if a < b and a < c and a < d and a < e: a = 1", 0),
        ("pycon", ">>> " + LONG, 4),
        ("pycon", "...     " + LONG, 8),
        ("pycon", "array([" + "1, " * 20, None),
        ("text", "mean " + "1.234 " * 10, 0),
        ("text", "[[" + "1.234 " * 10, None),
        ("text", " [" + "1.234 " * 10, None),
        ("toml", LONG, None),
    ],
    ids=[
        *("44", "45", "indented", "escaped", "prompt", "more", "array"),
        *("sentence", "first row", "next row", "no Python"),
    ],
)
def test_a_line_that_is_too_long_may_break(language, line, indent):
    """It is marked with where it begins; what is copied is what was written."""
    page = convert(language, "y = 1", line, "z = 2")
    assert re.findall(r'<span class="hw4-long" style="--in:(\d+)">', page) == (
        [] if indent is None else [str(indent)]
    )
    code = re.search("<code>(.*)</code>", page, re.DOTALL)[1]
    assert unescape(re.sub("<.*?>", "", code)).split("\n") == [
        *("y = 1", line, "z = 2", "")
    ]


def test_what_comes_by_twice_is_marked_once():
    """As the blocks in the folds of a page do."""
    once = convert("python", LONG)
    assert markdown.markdown(once, extensions=["hw4site.long_lines"]) == once
