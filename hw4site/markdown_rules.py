"""What the gate asks of a page's Markdown, a function a rule.

A rule yields the line and the message, *what it is, what it should be*, of each fault.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator

from hw4site.pages import Block, Fence, Heading, Page

LANGUAGES = (
    "python",
    "pycon",
    "bash",
    "console",
    "text",
    "toml",
    "yaml",
    "markdown",
)
"""What a fence may be written in."""

PARTS = {
    f"{problem}-{letter}"
    for problem, letters in {
        "1-1": "abcdefghijk",
        "1-2": "ab",
        "2": "abc",
        "3-1": "a",
        "3-2": "a",
        "3-3": "abc",
        "3-4": "a",
        "4": "abcde",
        "5": "abcde",
    }.items()
    for letter in letters
}
"""The anchors of the homework's lettered parts."""

FOLDS = ("question", "hint", "answer", "why", "mistakes", "code", "remark")
"""The blocks of a lettered part, in their order."""

ONCE = ("question", "answer", "why", "mistakes", "code")
"""Those of which a part has exactly one."""

POINTS = 10
"""What the parts of a problem add up to."""

Found = Iterator[tuple[int, str]]


def fence_headers(page: Page) -> Found:
    """A fence has a known language, and either no option or those of a block."""
    for fence in page.fences:
        if not fence.closed:
            yield fence.line, "the fence is never closed, expected closing backticks"
        if fence.language not in LANGUAGES:
            expected = ", ".join(LANGUAGES)
            yield (
                fence.line,
                f"the fence's language is `{fence.language}`, "
                f"expected one of {expected}",
            )
        elif not _options_fit(fence, page.session):
            expected = " or ".join(map(_options_text, _forms(page.session)))
            yield (
                fence.line,
                f"the fence's options are {_options_text(fence.options)}, "
                f"expected none or {expected}",
            )


def _options_fit(fence: Fence, session: str) -> bool:
    if set(fence.options) <= {"title", "hl_lines"}:
        return True
    return fence.language == "python" and fence.options in _forms(session)


def _forms(session: str) -> list[dict[str, str]]:
    """Return the options of a check, a figure, a visible and a hidden set-up."""
    return [
        {"exec": "1", "source": "above", "result": "text", "session": session},
        {"exec": "1", "html": "1", "session": session},
        {"exec": "1", "source": "above", "session": session},
        {"exec": "1", "session": session},
    ]


def _options_text(options: dict[str, str]) -> str:
    return "`" + " ".join(f'{name}="{value}"' for name, value in options.items()) + "`"


def closed_blocks(page: Page) -> Found:
    """Every `/// name` has its `///`."""
    for block in page.blocks:
        if not block.name:
            yield block.line, "`///` closes no open block, expected `/// name` before"
        elif not block.end:
            yield block.line, f"`/// {block.name}` is never closed, expected `///`"


def values(page: Page) -> Found:
    """A value is written as the extension reads it, so that none stays unfilled."""
    for line, text in enumerate(page.prose.split("\n"), 1):
        if "{{" in text:
            yield line, f"`{text.strip()}` has `{{{{`, expected `{{{{ name | .3f }}}}`"


def typed_decimals(page: Page) -> Found:
    """A number with three decimals or more comes from the page's code.

    So does one in the text that a block prints: a caption, an alt text.
    """
    lines = list(enumerate(page.prose.split("\n"), 1))
    for fence in page.executed:
        for node in ast.walk(_tree(fence)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                lines.append((fence.line + node.lineno, node.value))
    for line, text in lines:
        for match in _DECIMAL.finditer(_REFERENCE.sub(" ", text)):
            yield line, f"{match[0]} is typed by hand, expected `{{{{ name | .3f }}}}`"


_DECIMAL = re.compile(r"(?<![\w.])\d*\.\d{3,}(?!\.?\d)")
# A digital object identifier, a preprint, the course: names, not results.
_REFERENCE = re.compile(r"\b10\.\d{4,}/\S+|arXiv:\s*\d{4}\.\d+|\b6\.790\b")


def heading_formulas(page: Page) -> Found:
    """A heading has no formula, which would be raw TeX in the contents."""
    for heading in page.headings:
        if "$" in heading.text or r"\(" in heading.text:
            yield (
                heading.line,
                f"heading `{heading.text}` has a formula, expected words",
            )


def part_anchors(page: Page) -> Found:
    """The heading of a lettered part has the part's permanent anchor."""
    for line, part, anchor in parts(page):
        if part not in PARTS:
            yield line, f"the heading is of part {part}, expected one of the homework"
        elif anchor != part:
            yield line, f"the anchor is `{anchor}`, expected `{{ #{part} }}`"


def part_folds(page: Page) -> Found:
    """A lettered part has its folds, in their order, and points that add up to ten."""
    problem = [h for h in page.headings if h.anchor in PARTS]
    for heading in problem:
        blocks = [b for b in _section(page, heading) if b.name in FOLDS]
        blocks.sort(key=lambda block: block.line)
        kinds = [block.name for block in blocks]
        for name in ONCE:
            if kinds.count(name) != 1:
                yield (
                    heading.line,
                    f"part {heading.anchor} has {kinds.count(name)} `/// {name}`, "
                    f"expected one",
                )
        if kinds != sorted(kinds, key=FOLDS.index):
            yield (
                heading.line,
                f"part {heading.anchor} has {', '.join(kinds)}, "
                f"expected the order {', '.join(FOLDS)}",
            )
        if not heading.points:
            yield (
                heading.line,
                f"part {heading.anchor} has no points, expected `data-points=…`",
            )
    total = sum(heading.points for heading in problem)
    if problem and all(h.points for h in problem) and total != POINTS:
        yield 1, f"the parts have {total:g} points, expected {POINTS}"


def rivals(page: Page) -> Found:
    """The code of a part, and of a theorem, refuses a wrong answer."""
    theorems = [b.line for b in page.blocks if b.name == "theorem"]
    for heading in page.headings:
        blocks = list(_section(page, heading))
        has_theorem = any(block.line in theorems for block in blocks)
        if heading.anchor not in PARTS and not (has_theorem and heading.level == 2):
            continue
        codes = [b for b in blocks if b.name == "code"]
        inside = (
            fence
            for fence in page.executed
            if fence.visible and any(b.line < fence.line < b.end for b in codes)
        )
        if not any("assert refuses(" in fence.code for fence in inside):
            yield (
                heading.line,
                f"the code under `{heading.text}` refuses no wrong answer, "
                f"expected `assert refuses(check, …)`",
            )


def _section(page: Page, heading: Heading) -> Iterator[Block]:
    """Yield the blocks between a heading and the next of its level or above."""
    after = (
        h.line
        for h in page.headings
        if h.line > heading.line and h.level <= heading.level
    )
    end = next(after, page.text.count("\n") + 2)
    yield from (block for block in page.blocks if heading.line < block.line < end)


def parts(page: Page) -> Iterator[tuple[int, str, str]]:
    """Yield line, part and anchor of each heading that begins as `1.1 (f)` does."""
    for heading in page.headings:
        if match := re.match(r"(\d)(?:\.(\d))? ?\(([a-z])\)", heading.text):
            part = "-".join(filter(None, match.groups()))
            yield heading.line, part, heading.anchor


def syntax(page: Page) -> Found:
    """A block is Python."""
    for fence in page.executed:
        try:
            ast.parse(fence.code)
        except SyntaxError as error:
            yield fence.line + (error.lineno or 0), f"{error.msg}, expected Python"


def imports(page: Page) -> Found:
    """A visible block runs for a reader who has NumPy and hw4lib alone."""
    for fence in page.executed:
        known = {"numpy", "hw4lib"} | sys.stdlib_module_names
        if not fence.visible:
            known |= {"hw4site", "matplotlib"}
        for line, name in _imported(_tree(fence)):
            if name.split(".")[0] not in known:
                yield (
                    fence.line + line,
                    f"the block imports `{name}`, expected NumPy and hw4lib alone",
                )


def _imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (
                (node.lineno, f"{node.module}.{alias.name}") for alias in node.names
            )


def names(page: Page) -> Found:
    """A name that prose reads means one thing: prose sees what the last block left."""
    read = {
        node.id
        for value in page.values
        for node in ast.walk(_expression(value.expression))
        if isinstance(node, ast.Name)
    }
    first: dict[str, tuple[str, int]] = {}
    for fence in page.executed:
        stores = _Stores(fence)
        for name, (kind, line) in stores.found.items():
            kind_before, line_before = first.setdefault(name, (kind, line))
            once = line_before == line
            if once or kind == kind_before == "import" or name not in read:
                continue
            yield (
                line,
                f"`{name}` has a value from line {line_before} already, "
                f"expected another name",
            )


class _Stores(ast.NodeVisitor):
    """The names that a block gives a value at its top level, how and where."""

    def __init__(self, fence: Fence) -> None:
        self.found: dict[str, tuple[str, int]] = {}
        self._fence = fence
        self._kind = "scratch" if fence.figure else "value"
        self.visit(_tree(fence))

    def _add(self, name: str, kind: str, node: ast.stmt | ast.expr) -> None:
        if self.found.get(name, ("scratch", 0))[0] == "scratch":
            self.found[name] = (kind, self._fence.line + node.lineno)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self._add(node.id, self._kind, node)

    def visit_For(self, node: ast.For) -> None:
        for target in ast.walk(node.target):
            if isinstance(target, ast.Name):
                self._add(target.id, "scratch", target)
        for child in (*node.body, *node.orelse):
            self.visit(child)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            self._add((alias.asname or alias.name).split(".")[0], "import", node)

    visit_ImportFrom = visit_Import  # noqa: N815

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.ClassDef) -> None:
        self._add(node.name, self._kind, node)

    visit_ClassDef = visit_FunctionDef  # noqa: N815

    def _own_scope(self, node: ast.AST) -> None:
        """Names inside are another scope's."""

    visit_Lambda = visit_ListComp = visit_SetComp = _own_scope  # noqa: N815
    visit_DictComp = visit_GeneratorExp = _own_scope  # noqa: N815


def _tree(fence: Fence) -> ast.Module:
    """Return the block as a tree, empty where `syntax` reports an error."""
    try:
        return ast.parse(fence.code)
    except SyntaxError:
        return ast.Module([], [])


def _expression(text: str) -> ast.AST:
    """Return the expression as a tree, empty where the build reports an error."""
    try:
        return ast.parse(text, mode="eval")
    except SyntaxError:
        return ast.Module([], [])


RULES: list[Callable[[Page], Found]] = [
    fence_headers,
    closed_blocks,
    values,
    typed_decimals,
    heading_formulas,
    part_anchors,
    part_folds,
    rivals,
    syntax,
    imports,
    names,
]
