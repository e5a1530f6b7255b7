"""Every hole that a builder leaves open, broken in a small copy and found.

Most rules are shown the Markdown or the HTML that they are about; where the hole is
in the builder, MkDocs builds a small site for real.
"""

import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
from bs4 import BeautifulSoup

from hw4site import gate, html_rules, markdown_rules
from hw4site.pages import Page, read_page

ROOT = Path(gate.__file__).parents[1]

CONFIG = """\
site_name: small
site_url: https://example.org/small/
use_directory_urls: false
theme: { name: null, custom_dir: theme }
plugins:
  - markdown-exec: { languages: [] }
markdown_extensions:
  - attr_list
  - pymdownx.arithmatex: { generic: true }
  - pymdownx.blocks.details:
      types: [question, hint, answer, why, mistakes, code, remark]
  - pymdownx.highlight: { pygments_lang_class: true }
  - pymdownx.superfences:
      custom_fences:
        - name: python
          class: python
          validator: !!python/name:markdown_exec.validator
          format: !!python/name:hw4site.blocks.formatter
  - hw4site.extension
validation: { anchors: warn }
"""

THEME = """\
<!doctype html>
<title>{{ page.title }}</title>
<link rel="canonical" href="{{ page.canonical_url }}">
<link rel="stylesheet" href="{{ 'assets/site.css' | url }}">
{{ page.content }}
"""

VISIBLE = 'python exec="1" source="above" result="text" session="{}"'


def fence(header: str, code: str) -> str:
    return f"```{header}\n{code}\n```\n\n"


CHECK = """\
def refuses(check, wrong):
    try:
        check(wrong)
    except AssertionError:
        return True
    return False

def check(value):
    assert value == 1

check(1)
assert refuses(check, 2)
print(1)"""


def part_of(anchor: str, points: str = "10") -> str:
    """Return a whole part, as the rules for contributors describe it."""
    *numbers, letter = anchor.split("-")
    place = f"{{ #{anchor} data-points={points} }}"
    text = f"## {'.'.join(numbers)} ({letter}) A part {place}\n\n"
    for name in markdown_rules.ONCE:
        text += f"/// {name}\nText.\n\n"
        if name == "code":
            text += fence(VISIBLE.format("parts"), CHECK)
        text += "///\n\n"
    return text


def parts_page() -> str:
    """Return a page of all parts, whose points add up to ten."""
    anchors = sorted(markdown_rules.PARTS)
    first, *rest = (part_of(anchor, "0.25") for anchor in anchors)
    last = f"data-points={10 - 0.25 * len(rest):g}"
    return "# Parts\n\n" + first.replace("data-points=0.25", last) + "".join(rest)


PARTS = parts_page()

FIGURE = """\
from hw4site import figures
figure, axes = figures.subplots()
print(figures.to_html(figure, 'small', alt=f'{x}'))"""

HOME = (
    "---\ntitle: Home\n---\n\n# Home\n\n"
    + fence(VISIBLE.format("index"), "x = 0.125\nprint(x)")
    + fence('python exec="1" html="1" session="index"', FIGURE)
    + "The value {{ x }} and $y = {{ x }}$, [a part](parts.md#1-1-a).\n"
)


@dataclass(frozen=True)
class Site:
    """A small project: its pages, its configuration, what MkDocs makes of them."""

    root: Path

    @property
    def docs(self) -> Path:
        """The Markdown."""
        return self.root / "docs"

    @property
    def built(self) -> Path:
        """The HTML."""
        return self.root / "site"

    def write(self, **pages: str) -> None:
        """Write the project's files."""
        for name, text in (
            ("mkdocs.yml", CONFIG),
            ("theme/main.html", THEME),
            ("docs/assets/site.css", "p { color: black }"),
            *((f"docs/{name}.md", text) for name, text in pages.items()),
        ):
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text, encoding="utf-8")

    def build(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run MkDocs, and leave empty what a hook would write for pages to link to."""
        done = subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", *options],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        for page in self.docs.glob("*.md"):
            for end in (".ipynb", ".py"):
                beside = self.built / "notebooks" / f"{page.stem}{end}"
                beside.parent.mkdir(parents=True, exist_ok=True)
                beside.touch()
        return done

    def faults(self) -> list[str]:
        """Return what the gate says, with paths from the project's folder."""
        found = gate.check(self.docs, self.built)
        return [str(fault).replace(f"{self.root}/", "") for fault in found]

    def faults_of(self, path: str) -> list[str]:
        """Return what the gate says of one file."""
        return [
            fault.removeprefix(f"{path}:")
            for fault in self.faults()
            if fault.startswith(f"{path}:")
        ]


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Return a small site without a fault, built once."""
    site = Site(tmp_path_factory.mktemp("clean"))
    site.write(index=HOME, parts=PARTS)
    built = site.build("--strict")
    assert built.returncode == 0, built.stderr
    return site


@pytest.fixture
def site(clean, tmp_path):
    """Return a copy to break."""
    shutil.copytree(clean.root, tmp_path / "copy")
    return Site(tmp_path / "copy")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_clean_site_passes(clean, capsys):
    """No rule cries wolf; the exit status is 0 and nothing is printed."""
    assert gate.main([str(clean.docs), str(clean.built)]) == 0
    assert capsys.readouterr().out == ""


def test_a_fault_is_a_line_and_an_exit_status(site, monkeypatch, capsys):
    """`python -m hw4site.gate` fails and says where."""
    edit(site.docs / "index.md", "# Home", "# $x$")
    monkeypatch.setattr(sys, "argv", ["gate", str(site.docs), str(site.built)])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(gate.__file__, run_name="__main__")
    assert caught.value.code == 1
    assert capsys.readouterr().out == (
        f"{site.docs}/index.md:5: heading `$x$` has a formula, expected words\n"
    )


def test_a_fault_is_printed_whatever_letters_a_terminal_has(site):
    """One that knows English alone gets the others by number."""
    edit(site.docs / "index.md", "# Home", "# α $x$")
    done = subprocess.run(
        [sys.executable, "-m", "hw4site.gate", site.docs, site.built],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert r"heading `\u03b1 $x$` has a formula" in done.stdout


# --- what the Markdown says -----------------------------------------------------

Rule = Callable[[Page], markdown_rules.Found]


def found(rule: Rule, text: str) -> list[tuple[int, str]]:
    return list(rule(Page(Path("docs/page.md"), text)))


FORMS = (
    '`exec="1" source="above" result="text" session="page"` or '
    '`exec="1" html="1" session="page"` or '
    '`exec="1" source="above" session="page"` or '
    '`exec="1" session="page"`'
)


@pytest.mark.parametrize(
    "options",
    [
        'exc="1" source="above" result="text" session="page"',
        'exec="2" source="above" result="text" session="page"',
        'exec="1" source="blok" result="text" session="page"',
        'exec="1" sorce="above" result="text" session="page"',
        'exec="1" source="above" result="txt" session="page"',
        'exec="1" source="above" result="text" sesion="page"',
        'exec="1" source="above" result="text" session="other"',
        'exec="1" source="above" result="text"',
        'exec="1" html="1" session="page" id="x"',
        'linenums="1"',
    ],
)
def test_options_that_no_block_has(options):
    """Misspelt, unknown, or of another page: markdown-exec would not say a word."""
    text = f"\n\n```python {options}\nx = 1\n```\n"
    assert found(markdown_rules.fence_headers, text) == [
        (3, f"the fence's options are `{options}`, expected none or {FORMS}")
    ]


@pytest.mark.parametrize(
    "header",
    ["Python", "pyhton", "python exec=1", '{.python exec="1"}', "pyodide", ""],
)
def test_languages_that_no_fence_has(header):
    """Also a header that cannot be read at all, and none."""
    assert found(markdown_rules.fence_headers, f"```{header}\nx\n```\n") == [
        (
            1,
            f"the fence's language is `{header}`, expected one of "
            "python, pycon, bash, console, text, toml, yaml, markdown",
        )
    ]


def test_options_of_python_on_another_language():
    text = '```bash exec="1" session="page"\nls\n```\n'
    assert found(markdown_rules.fence_headers, text) == [
        (1, f'the fence\'s options are `exec="1" session="page"`, '
            f"expected none or {FORMS}")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "header",
    [
        "python",
        'python title="A file" hl_lines="2 3"',
        "text",
        'python exec="1" source="above" result="text" session="page"',
        'python session="page" html="1" exec="1"',
        'python exec="1" source="above" session="page"',
        'python exec="1" session="page"',
    ],
)
def test_fences_that_pass(header):
    assert found(markdown_rules.fence_headers, f"```{header}\nx = 1\n```\n") == []


def test_a_fence_without_end():
    assert found(markdown_rules.fence_headers, "text\n\n```text\nx\n") == [
        (3, "the fence is never closed, expected closing backticks")
    ]


def test_blocks_without_end_or_beginning():
    text = "/// hint\ntext\n///\n\n///\n\n/// answer\ntext\n"
    assert found(markdown_rules.closed_blocks, text) == [
        (5, "`///` closes no open block, expected `/// name` before"),
        (7, "`/// answer` is never closed, expected `///`"),
    ]


@pytest.mark.parametrize("value", ["{{x}}", "{{ x|.3f }}", "{{ x | | }}", "$y={{x}}$"])
def test_values_that_would_not_be_filled(value):
    """In a formula TeX would take the braces for groups and set the name."""
    assert found(markdown_rules.values, f"{{{{ x }}}}\n{value}\n") == [
        (2, f"`{value}` has `{{{{`, expected `{{{{ name | .3f }}}}`")
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The loss is 0.125.", "0.125"),
        ("| 0.1250 |", "0.1250"),
        ("## Loss .1254", ".1254"),
        ("$E = 1.234$", "1.234"),
        ("-0.125", "0.125"),
        ("1,234.567 parameters", "234.567"),
        ("[the loss 0.125](page.md)", "0.125"),
    ],
)
def test_numbers_typed_by_hand(text, number):
    """In prose, tables, headings, formulas, text of links."""
    assert found(markdown_rules.typed_decimals, text) == [
        (1, f"{number} is typed by hand, expected `{{{{ name | .3f }}}}`")
    ]


def test_numbers_typed_by_hand_into_what_a_block_prints():
    """A caption or an alt text is prose too; a number in the code itself is code."""
    text = blocks("x = 0.125", "y = x\nto_html(alt=f'is {x:.3f}, not 0.125')")
    assert found(markdown_rules.typed_decimals, text) == [
        (7, "0.125 is typed by hand, expected `{{ name | .3f }}`")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "0.12 and 1000 and 3.1",
        "{{ x | .3f }} and {{ 0.125 * x }}",
        "`0.125`",
        "```text\n0.125\n```",
        "NumPy 2.4.603 and v1.234",
        "MIT 6.790",
        '<span title="0.125">x</span>',
        "[paper](https://example.org/0.125), arXiv:1710.10903, 10.1145/3292500.3330",
        "---\ndescription: 0.125\n---\n",
    ],
)
def test_numbers_that_may_be_typed(text):
    assert found(markdown_rules.typed_decimals, text) == []


@pytest.mark.parametrize("formula", ["$x$", r"\(x\)"])
def test_formulas_in_headings(formula):
    assert found(markdown_rules.heading_formulas, f"## The {formula}\n") == [
        (1, f"heading `The {formula}` has a formula, expected words")
    ]


@pytest.mark.parametrize(
    ("heading", "message"),
    [
        ("## 1.1 (a) x", "the anchor is ``, expected `{ #1-1-a }`"),
        ("## 1.1 (a) x { #1-1-b }", "the anchor is `1-1-b`, expected `{ #1-1-a }`"),
        ("## 2(b) x { #2b }", "the anchor is `2b`, expected `{ #2-b }`"),
        (
            "## 2 (d) x { #2-d }",
            "the heading is of part 2-d, expected one of the homework",
        ),
    ],
)
def test_anchors_of_parts(heading, message):
    """A permanent link to a part works for ever."""
    assert found(markdown_rules.part_anchors, f"# Title\n\n{heading}\n") == [
        (3, message)
    ]


@pytest.mark.parametrize("name", markdown_rules.ONCE)
def test_parts_without_a_fold_or_with_two(name):
    """The next part has one, but it is the next part's."""
    text = part_of("2-a", "4") + part_of("2-b", "6")
    without = text.replace(f"/// {name}\n", "/// note\n", 1)
    assert (1, f"part 2-a has 0 `/// {name}`, expected one") in found(
        markdown_rules.part_folds, without
    )
    twice = text.replace(f"/// {name}\n", f"/// {name}\n///\n\n/// {name}\n", 1)
    assert found(markdown_rules.part_folds, twice) == [
        (1, f"part 2-a has 2 `/// {name}`, expected one")
    ]


def test_folds_in_another_order():
    """Whoever opens them one after the other reads the answer before its reason."""
    text = (
        part_of("2-a")
        .replace("/// answer", "/// x", 1)
        .replace("/// why", "/// answer")
    )
    (fault,) = found(markdown_rules.part_folds, text.replace("/// x", "/// why"))
    assert fault[1].startswith("part 2-a has question, why, answer, mistakes, code")


def test_hints_and_remarks_are_free():
    """As many as the part needs, at their places."""
    text = part_of("2-a").replace("/// answer", "/// hint\n///\n\n/// answer")
    assert found(markdown_rules.part_folds, text + "/// remark\n///\n") == []


def test_points_that_are_missing_or_do_not_add_up():
    """A scheme of ten points a problem."""
    bare = part_of("2-a").replace(" data-points=10", "")
    assert found(markdown_rules.part_folds, bare) == [
        (1, "part 2-a has no points, expected `data-points=…`")
    ]
    assert found(markdown_rules.part_folds, part_of("2-a", "9.5")) == [
        (1, "the parts have 9.5 points, expected 10")
    ]


@pytest.mark.parametrize("header", ["python", 'python exec="1" session="page"', "text"])
def test_code_that_refuses_nothing(header):
    """It runs without being seen, is seen without being run, or refuses nothing."""
    message = "the code under `2 (a) A part` refuses no wrong answer, expected"
    for text in (
        part_of("2-a").replace(VISIBLE.format("parts"), header),
        part_of("2-a").replace("assert refuses(check, 2)", ""),
    ):
        ((line, said),) = found(markdown_rules.rivals, text)
        assert line == 1
        assert said.startswith(message)
    assert found(markdown_rules.rivals, part_of("2-a")) == []


def test_theorems_refuse_something_too():
    """A theorem beyond the homework is checked as an answer is."""
    theorem = "## A theorem { #2-beyond-x }\n\n/// theorem | 2.1\nIt is so.\n///\n"
    ((line, _),) = found(markdown_rules.rivals, theorem)
    assert line == 1
    code = "\n/// code\n" + fence(VISIBLE.format("page"), CHECK) + "///\n"
    assert found(markdown_rules.rivals, theorem + code) == []
    assert found(markdown_rules.rivals, "## Words { #x }\n\nNo theorem.\n") == []


def test_parts_may_have_headings_of_their_own():
    """What stands below a lower heading belongs to the part."""
    text = part_of("2-a").replace("/// code", "### The code\n\n/// code")
    assert found(markdown_rules.part_folds, text) == []


def test_parts_missing_or_there_twice(site):
    """Over all pages together."""
    edit(site.docs / "parts.md", "## 3.3 (b) A part", "## 3.3 (d) A part")
    edit(site.docs / "index.md", "# Home", f"# Home\n\n{part_of('4-e')}")
    faults = site.faults()
    assert "docs:1: part 3-3-b has no heading, expected one" in faults
    assert re.fullmatch(
        r"docs/parts.md:\d+: part 4-e has more than one heading, expected one",
        next(fault for fault in faults if "more than one" in fault),
    )


def blocks(*codes: str, headers: str = "v") -> str:
    """Return a page of visible and figure blocks: `headers` has `v` or `f` for each."""
    options = {
        "v": VISIBLE.format("page"),
        "f": 'python exec="1" html="1" session="page"',
    }
    kinds = headers * len(codes) if len(headers) == 1 else headers
    return "".join(fence(options[k], c) for k, c in zip(kinds, codes, strict=True))


def test_blocks_that_are_no_python():
    """The line is the page's own; the other rules wait until it is Python."""
    text = blocks("x = 1", "y = 1\nx = = 2\n")
    (fault,) = found(markdown_rules.syntax, text)
    assert fault == (7, "invalid syntax, expected Python")
    assert found(markdown_rules.names, text) == []


@pytest.mark.parametrize(
    ("code", "headers", "name"),
    [
        ("import scipy.stats as stats", "v", "scipy.stats"),
        ("import matplotlib.colors", "v", "matplotlib.colors"),
        ("import math\nfrom pandas import Series", "f", "pandas.Series"),
        ("from hw4site import figures", "v", "hw4site.figures"),
        ("import numpy, hw4site.values", "v", "hw4site.values"),
    ],
)
def test_imports_that_a_reader_does_not_have(code, headers, name):
    assert found(markdown_rules.imports, blocks(code, headers=headers)) == [
        (
            1 + len(code.split("\n")),
            f"the block imports `{name}`, expected NumPy and hw4lib alone",
        )
    ]


def test_imports_that_a_reader_has():
    text = blocks(
        "import math\nimport numpy as np\nfrom hw4lib.activations import relu",
        "from hw4site import figures\nfrom matplotlib.patches import Arc",
        headers="vf",
    )
    assert found(markdown_rules.imports, text) == []


def again(name: str, line: int, before: int) -> tuple[int, str]:
    return (
        line,
        f"`{name}` has a value from line {before} already, expected another name",
    )


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ("E = 1", "E = 2", "E"),
        ("E = 1", "E += 1", "E"),
        ("a, (b, *c) = f()", "c = 1", "c"),
        ("E: float = 1", "for E in range(2):\n    pass", "E"),
        ("for E in range(2):\n    pass", "E = 1", "E"),
        ("if True:\n    E = 1", "with open('x') as E:\n    pass", "E"),
        ("from numpy import exp", "exp = 1", "exp"),
        ("import numpy.linalg", "numpy = 1", "numpy"),
        ("def f():\n    return 1", "def f():\n    return 2", "f"),
        ("class A:\n    pass", "A = 1", "A"),
        ("while (E := 1) > 2:\n    pass", "E = 1", "E"),
    ],
)
def test_names_that_mean_two_things(first, second, name):
    """Prose beside the first block would show the value of the second."""
    line = 2 + len(first.split("\n")) + 3
    text = blocks(first, second)
    (fault,) = found(markdown_rules.names, f"{text}{{{{ {name} }}}}")
    assert fault in {again(name, line, 2), again(name, line, 3)}
    assert found(markdown_rules.names, text) == []  # where no prose reads it


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("import numpy as np", "import numpy as np"),
        (
            "for i in range(2):\n    pass",
            "for i, j in []:\n    x = 1\nelse:\n    y = 1",
        ),
        ("_, x = 1, 2", "_, y = 1, 2"),
        ("x = [i for i in []]\ny = {i for i in []}", "i = {k: k for k in []}"),
        ("f = lambda t: (u := t)", "u = sum(t for t in [])"),
        ("def f():\n    x = 1", "x = 1"),
        ("x = 1\nx = 2", "y = x"),
        ("x = [0]", "x[0] = 1"),
        ("for i in []:\n    i = 1", "pass"),
    ],
)
def test_names_that_mean_one_thing(first, second):
    """Imports, loop variables, names of inner scopes, the name for what is not read."""
    read = "{{ f(x, y, u, np) }}"
    assert found(markdown_rules.names, blocks(first, second) + read) == []


def test_names_that_only_figures_use():
    """Each figure has a `figure`; prose that reads it must have a name of its own."""
    text = blocks("figure = 1", "figure = 2", headers="f")
    assert found(markdown_rules.names, text) == []
    read = "{{ figure * 2 | .3f }} {{ no python }}"
    assert found(markdown_rules.names, text + read) == [again("figure", 6, 2)]
    mixed = blocks("figure = 1", "figure = 2", headers="fv")
    assert found(markdown_rules.names, mixed) == []
    assert found(markdown_rules.names, mixed + read) == [again("figure", 6, 2)]


# --- what the HTML says ---------------------------------------------------------


def html(text: str) -> BeautifulSoup:
    return BeautifulSoup(text, "html.parser")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (r"<p>so \(x\)</p>", r"`so \(x\)` is raw TeX, expected typeset mathematics"),
        ("<p>$$</p>", "`$$` is raw TeX, expected typeset mathematics"),
        ("<p>of $x_1$</p>", "`of $x_1$` is raw TeX, expected typeset mathematics"),
        (
            "<p>$x = y$ is</p>",
            "`$x = y$ is` is raw TeX, expected typeset mathematics",
        ),
        (
            r"<h2>The \frac12</h2>",
            r"`The \frac12` is raw TeX, expected typeset mathematics",
        ),
        (
            r'<img alt="\sigma is">',
            r"`\sigma is` is raw TeX, expected typeset mathematics",
        ),
        ("<p>is {{ x</p>", "`is {{ x` is an unfilled value, expected its text"),
        (
            '<svg aria-label="{{ x }}">',
            "`{{ x }}` is an unfilled value, expected its text",
        ),
        ("<p>is nan.</p>", "`is nan.` is no number, expected one"),
        ("<svg><text>−inf</text></svg>", "`−inf` is no number, expected one"),
        ("<p>/// hint</p>", "`/// hint` is a block's mark, expected a block"),
        ("<p>x\n///</p>", "`x ///` is a block's mark, expected a block"),
    ],
)
def test_what_prose_must_not_have(text, message):
    """In text, headings, figures and in what is read out."""
    assert list(html_rules.left_overs(html(f"<br>\n{text}"))) == [(2, message)]


@pytest.mark.parametrize(
    "text",
    [
        r"<code>\frac {{ x }} nan</code>",
        "<pre>///</pre>",
        r"<math><mo>inf</mo><annotation>\frac</annotation></math>",
        r"<script>x = '\frac'</script><style>p{{}}</style><!-- \frac -->",
        "<p>It costs $5. The info and the nano-scale, NaN, https://x///y</p>",
    ],
)
def test_what_prose_may_have(text):
    assert list(html_rules.left_overs(html(text))) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "<pre><span>Traceback</span> (most recent call last):</pre>",
            "`Traceback (most recent call last):` is a traceback, expected output",
        ),
        (
            '<code>exec="1"</code>',
            '`exec="1"` is the options of a block, expected that it runs',
        ),
        (
            "<img alt='<b class=hw4-error>'>",
            "`<b class=hw4-error>` is an error, expected a value or a formula",
        ),
        (
            '<p><strong class="hw4-error">no x</strong></p>',
            "`no x`, expected a value or a formula",
        ),
        ("<math><merror>x</merror></math>", "`x`, expected a value or a formula"),
        (
            '<svg><g data-mml-node="merror">x</g></svg>',
            "`x`, expected a value or a formula",
        ),
    ],
)
def test_what_nothing_must_have(text, message):
    """Not even code and attributes."""
    assert list(html_rules.failures(html(text))) == [(1, message)]


def test_markdown_that_a_page_shows_is_not_run():
    """A page about writing pages shows the options of a block."""
    text = '<div class="language-{}"><code>exec="1"</code></div>'
    assert list(html_rules.failures(html(text.format("markdown")))) == []
    assert len(list(html_rules.failures(html(text.format("python"))))) == 1


def test_ids_that_are_there_twice():
    text = '<p id="a"></p>\n<p id="b"></p>\n<p id="a"></p>'
    assert list(html_rules.unique_ids(html(text))) == [
        (3, "the id `a` is there twice, expected once")
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('<img src="x">', "img"),
        ('<img alt=" ">', "img"),
        ('<svg role="img"></svg>', "svg"),
        ('<figure><svg aria-label="x"></svg></figure>', "svg"),
        ('<span class="math" aria-label="x"></span>', "span"),
        ('<div class="math" role="img"></div>', "div"),
    ],
)
def test_pictures_without_text(text, name):
    assert list(html_rules.alternatives(html(text))) == [
        (1, f"`<{name}>` has no text, expected one in words")
    ]


def test_pictures_with_text():
    """An icon that is no picture needs none."""
    text = '<img alt="x"><figure><svg role="img" aria-label="x"></svg></figure><svg/>'
    assert list(html_rules.alternatives(html(text))) == []


SOURCE = '<div class="language-python highlight"><pre><code>x = 1</code></pre></div>'
OUTPUT = '<div class="language-text highlight"><pre><code>{}</code></pre></div>'
NOT_RUN = "the block has no output, expected it to run"


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (SOURCE + OUTPUT.format("1"), []),
        (SOURCE, [(1, NOT_RUN)]),
        (SOURCE + SOURCE, [(1, NOT_RUN)]),
        (f"{SOURCE}<p></p>{OUTPUT.format('1')}", [(1, NOT_RUN)]),
        ('<p class="highlight"><code>x = 1</code></p>', [(1, NOT_RUN)]),
        (
            SOURCE + OUTPUT.format("\n"),
            [(1, "the block prints nothing, expected output or no `result`")],
        ),
        (
            OUTPUT.format("1"),
            [(1, "the block is not on the built page, expected it to run")],
        ),
    ],
)
def test_blocks_that_did_not_run(text, faults):
    """Its code stands on the page, its output directly behind."""
    page = Page(Path("page.md"), blocks("x = 1"))
    assert list(html_rules.blocks_ran(page, html(text))) == faults


def test_one_block_missing_does_not_hide_the_others():
    """Neither does the same code twice stand for two blocks."""
    page = Page(Path("page.md"), blocks("y = 2", "x = 1", "x = 1"))
    built = html(SOURCE + OUTPUT.format("1"))
    missing = "the block is not on the built page, expected it to run"
    assert list(html_rules.blocks_ran(page, built)) == [(1, missing), (9, missing)]


def test_a_set_up_block_has_no_output():
    header = 'python exec="1" source="above" session="page"'
    page = Page(Path("page.md"), fence(header, "x = 1"))
    assert list(html_rules.blocks_ran(page, html(SOURCE))) == []


def test_figures_that_are_missing():
    """A hidden block leaves a figure, an answer box or a marking scheme."""
    page = Page(Path("page.md"), blocks("x", "y", headers="f"))
    both = '<figure class="hw4-figure"></figure><div class="hw4-try"></div>'
    assert list(html_rules.blocks_ran(page, html(both))) == []
    marked = '<div class="hw4-try"></div><div class="hw4-scheme"></div>'
    assert list(html_rules.blocks_ran(page, html(marked))) == []
    one = '<div class="hw4-try"></div>'
    assert list(html_rules.blocks_ran(page, html(one))) == [
        (1, "the built page has 1 figures and boxes, expected 2")
    ]


# --- what the whole site says ---------------------------------------------------

NO_FILE = "`{}` leads to no file, expected one of the site"
NO_ANCHOR = "`{}` leads to no anchor, expected one of that page"
ELSEWHERE = "`{}` is loaded from elsewhere, expected a file of the site"


@pytest.mark.parametrize(
    ("element", "url", "message"),
    [
        ('<a href="{}">', "missing.html", NO_FILE),
        ('<a href="{}">', "folder/", NO_FILE),
        ('<a href="{}">', "/small/missing.html", NO_FILE),
        ('<a href="{}">', "https://example.org/small/missing.html", NO_FILE),
        ('<a href="{}">', "/elsewhere/index.html", NO_FILE),
        ('<a href="{}">', "parts.html#9-z", NO_ANCHOR),
        ('<a href="{}">', "#9-z", NO_ANCHOR),
        ('<area href="{}">', "#9-z", NO_ANCHOR),
        ('<use href="{}">', "#9-z", NO_ANCHOR),
        ('<use xlink:href="{}">', "#9-z", NO_ANCHOR),
        ('<i style="fill: url({})">', "#9-z", NO_ANCHOR),
        ('<img alt="x" src="{}">', "missing.png", NO_FILE),
        ('<img alt="x" src="{}">', "https://cdn.example/x.png", ELSEWHERE),
        (
            '<img alt="x" srcset="assets/site.css 1x, {} 2x">',
            "//cdn.example/x",
            ELSEWHERE,
        ),
        ('<script src="{}"></script>', "//cdn.example/x.js", ELSEWHERE),
        ('<link rel="stylesheet" href="{}">', "https://cdn.example/x", ELSEWHERE),
        ('<link rel="preload" href="{}">', "https://cdn.example/x", ELSEWHERE),
        ('<link rel="canonical" href="{}">', "missing.html", NO_FILE),
        ("<style>@import '{}';</style>", "https://cdn.example/x", ELSEWHERE),
        ('<video poster="{}"></video>', "missing.png", NO_FILE),
        ('<object data="{}"></object>', "missing.svg", NO_FILE),
    ],
)
def test_links_that_lead_nowhere(site, element, url, message):
    """Pages, anchors, pictures, and whatever another host would have to serve."""
    edit(site.built / "index.html", "<title>", f"{element.format(url)}\n<title>")
    assert site.faults_of("site/index.html") == [f"2: {message.format(url)}"]


@pytest.mark.parametrize(
    "element",
    [
        '<a href="https://example.com/any#where">',
        '<a href="mailto:x@example.com">',
        '<a href="parts.html?q=1#1-1-a">',
        '<a href="/small/">',
        '<a href=".">',
        '<a href="#">',
        '<a href="assets/site.css#any">',
        '<link rel="canonical" href="https://example.com/">',
        '<img alt="x" src="data:image/png;base64,AAAA">',
        "<style>/* url(https://cdn.example) */</style>",
    ],
)
def test_links_that_lead_somewhere(site, element):
    edit(site.built / "index.html", "<title>", f"{element}\n<title>")
    assert site.faults() == []


@pytest.mark.parametrize(
    ("css", "url", "message"),
    [
        ('@import "{}";', "https://cdn.example/x.css", ELSEWHERE),
        ("@import url({});", "//cdn.example/x.css", ELSEWHERE),
        ("@font-face {{ src: url('{}') }}", "https://cdn.example/x", ELSEWHERE),
        ("p {{ background: url({}) }}", "missing.png", NO_FILE),
    ],
)
def test_style_sheets_that_load_what_is_not_there(site, css, url, message):
    (site.built / "assets/site.css").write_text(css.format(url), encoding="utf-8")
    assert site.faults() == [f"site/assets/site.css:1: {message.format(url)}"]


def test_style_sheets_that_load_what_is_there(site):
    css = "p { a: url('site.css?1#x'); b: url(data:x); c: url(#x) }"
    (site.built / "assets/site.css").write_text(css, encoding="utf-8")
    assert site.faults() == []


def test_pages_that_were_not_built(site):
    (site.built / "parts.html").unlink()
    assert site.faults() == [
        "docs/parts.md:1: the page is not built, expected site/parts.html",
        "site/index.html:" + site.faults()[1].split(":", 1)[1],
    ]
    assert site.faults()[1].endswith(NO_FILE.format("parts.html#1-1-a"))


def test_no_site_at_all(site):
    """`SystemExit` in a block ends MkDocs with status 0 and an empty folder."""
    shutil.rmtree(site.built)
    assert site.faults() == [
        "docs/index.md:1: the page is not built, expected site/index.html",
        "docs/parts.md:1: the page is not built, expected site/parts.html",
    ]


def test_a_site_with_a_folder_a_page_and_no_address(site):
    """The other form of addresses, and a builder that names no canonical one."""
    (site.built / "parts").mkdir()
    (site.built / "parts.html").rename(site.built / "parts/index.html")
    home, parts = site.built / "index.html", site.built / "parts/index.html"
    edit(home, "parts.html#1-1-a", "parts/#1-1-a")
    edit(parts, 'href="assets/', 'href="../assets/')
    for end in ("ipynb", "py"):
        edit(parts, f'href="notebooks/parts.{end}', f'href="../notebooks/parts.{end}')
    for path in (home, parts):
        text = re.sub('<link rel="canonical".*>', "", path.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8")
    assert site.faults() == []


# --- what only a real build shows -----------------------------------------------

BROKEN = {
    "capital": fence("Python" + VISIBLE.format("capital")[6:], "print(1)"),
    "exc": fence(VISIBLE.format("exc").replace("exec", "exc"), "print(1)"),
    "unquoted": fence("python exec=1 source=above session=unquoted", "print(1)"),
    "blok": fence(VISIBLE.format("blok").replace("above", "blok"), "print(1)"),
    "sesion": fence(VISIBLE.format("sesion").replace("session", "sesion"), "print(1)"),
    "failing": fence(VISIBLE.format("failing"), "print(1 / 0)"),
    "silent": fence(VISIBLE.format("silent"), "x = 1"),
    "swallowed": "- item\n" + fence(VISIBLE.format("swallowed"), "print(1)") + "x",
    "unknown": fence(VISIBLE.format("unknown"), "print(1)") + "The loss {{ E }}.\n",
    "formula": "The loss $\\nonsense$.\n",
    "unfilled": fence(VISIBLE.format("unfilled"), "E = 1\nprint(E)") + "{{E}}\n",
    "opened": "/// hint\nText.\n",
    "unheard": "/// lemma\nText.\n///\n",
    "linked": "[nowhere](parts.md#9-z)\n",
    "picture": "![](assets/site.css)\n",
    "numpy": fence(
        VISIBLE.format("numpy"), "import numpy as np\nprint(np.log(np.zeros(1)))"
    ),
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """Return a site that MkDocs builds although every page has a fault."""
    site = Site(tmp_path_factory.mktemp("broken"))
    site.write(index=HOME, parts=PARTS, **BROKEN)
    built = site.build()
    assert built.returncode == 0, built.stderr
    return site


@pytest.fixture(scope="module")
def broken_faults(broken):
    return broken.faults()


@pytest.mark.parametrize(
    ("name", "in_markdown", "in_html"),
    [
        ("capital", "1: the fence's language is `Python`", None),
        ("exc", '1: the fence\'s options are `exc="1"', None),
        ("unquoted", "1: the fence's language is `python exec=1", "`python exec=1"),
        ("blok", '1: the fence\'s options are `exec="1" source="blok"', None),
        ("sesion", '1: the fence\'s options are `exec="1" source="above"', None),
        (
            "failing",
            "1: the block is not on the built page, expected it to run",
            "is a traceback, expected output",
        ),
        ("silent", "1: the block prints nothing, expected output or no `result`", None),
        ("unknown", None, "`value E: NameError"),
        ("formula", None, "`formula `\\nonsense`"),
        ("unfilled", "6: `{{E}}` has `{{`", "is an unfilled value, expected its text"),
        ("opened", "1: `/// hint` is never closed", None),
        ("unheard", None, "is a block's mark"),
        ("linked", None, "`parts.html#9-z` leads to no anchor"),
        ("picture", None, "`<img>` has no text, expected one in words"),
    ],
)
def test_what_the_builder_lets_through(broken_faults, name, in_markdown, in_html):
    """The gate finds it in the Markdown, in what was built, or in both."""
    for path, expected in (
        (f"docs/{name}.md:", in_markdown),
        (f"site/{name}.html:", in_html),
    ):
        if expected:
            assert [f for f in broken_faults if f.startswith(path) and expected in f]


def test_a_numpy_warning(broken):
    """The builder prints `-inf`; running the page's blocks, as pytest does, fails."""
    page = read_page(broken.docs / "numpy.md")
    with pytest.raises(RuntimeWarning, match="divide by zero encountered in log"):
        list(page.run())


def test_an_early_exit(tmp_path):
    """Our formatter makes it an error; the gate sees it without one.

    MkDocs with markdown-exec alone ends without a word, with status 0 and no site.
    """
    text = fence(VISIBLE.format("index"), "raise SystemExit(0)")
    site = Site(tmp_path)
    site.write(index=text)
    strict = site.build("--strict")
    assert strict.returncode == 1
    assert "SystemExit: 0" in strict.stderr

    edit(tmp_path / "mkdocs.yml", "  - hw4site.extension\n", "")
    edit(tmp_path / "mkdocs.yml", "hw4site.blocks.formatter", "markdown_exec.formatter")
    assert site.build("--strict").returncode == 0
    assert "docs/index.md:1: the page is not built, expected site/index.html" in (
        site.faults()
    )
    with pytest.raises(SystemExit):
        list(read_page(site.docs / "index.md").run())


# --- what only a server shows ---------------------------------------------------


@pytest.fixture
def served(tmp_path):
    """Return a small site that `mkdocs serve` serves, and the address of its page.

    It has its own copy of the library, so that an edit of that one is seen.
    """
    for name in ("hw4lib", "hw4site"):
        unbuilt = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=unbuilt)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    site = Site(tmp_path)
    site.write(index=fence(VISIBLE.format("index"), SERVED) + "Is {{ y }} here.\n")
    with (tmp_path / "mkdocs.yml").open("a", encoding="utf-8") as config:
        config.write("watch: [hw4lib]\nhooks: [hooks.py]\n")
    # What is written after a build needs all pages of the site.
    hooks = "from hw4site.hooks import on_files, on_page_markdown, on_startup\n"
    (tmp_path / "hooks.py").write_text(hooks, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "mkdocs", "serve", "-a", address],
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        )
    yield site, f"http://{address}/small/"
    server.terminate()
    server.wait(10)


SERVED = """\
from hw4lib.activations import relu
y = float(relu(3))
print("relu", y)"""


def wait_for(served: tuple[Site, str], text: str) -> None:
    """Return when the page shows a text, fail when it does not."""
    site, address = served
    for _ in range(600):  # a busy machine is no fault
        try:
            with urlopen(address, timeout=5) as response:
                if text in response.read().decode():
                    return
        except OSError:
            pass  # not up yet
        time.sleep(0.1)
    raise AssertionError(f"no {text!r}:\n{(site.root / 'log').read_text()}")


def test_serving_shows_what_was_just_edited(served):
    """A page, the library, a mistake, and its mending, without a restart."""
    site, _ = served
    page, library = site.docs / "index.md", site.root / "hw4lib/activations.py"
    wait_for(served, "Is 3 here")

    edit(page, "relu(3)", "relu(4)")
    wait_for(served, "Is 4 here")

    edit(library, "def relu(", "def relu(z): return 7.5\n\n\ndef other(")
    wait_for(served, "Is 7.5 here")

    edit(page, "y = float", "y = 1 / 0 + float")
    wait_for(served, "ZeroDivisionError")

    edit(page, "1 / 0 + ", "1 + ")
    wait_for(served, "Is 8.5 here")

    edit(library, "def other(", "def other(]")
    wait_for(served, "hw4lib/activations.py:")

    edit(library, "def other(]", "def other(")
    wait_for(served, "Is 8.5 here")
