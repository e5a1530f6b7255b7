"""What uses a function: the parts of the pages, and the tests.

Found in the sources, so that nobody has to keep a list: a part uses what its visible
blocks name or its text links to, a test what it names, itself or through a helper of
its file. `Uses` writes both into the reference.
"""

import ast
import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from griffe import Extension, Function

from hw4site.pages import Page, read_pages

ROOT = Path(__file__).parents[1]

_LINK = re.compile(r"\]\[(hw4lib\.[\w.]+)\]")
_PART = re.compile(r"[1-5]-")  # the anchors of the problems' pages
_LETTER = re.compile(r"\d(?:\.\d)? \([a-z]\)")


@functools.cache
def used_in(docs: Path = ROOT / "docs") -> dict[str, dict[str, str]]:
    """Return, for the full name of each function, the parts that use it.

    A part is its anchor, with the words that link to it: its letter, or its heading.
    """
    found: dict[str, dict[str, str]] = {}
    for page in read_pages(docs):
        headings = [h for h in page.headings if _PART.match(h.anchor)]
        for line, name in sorted([*_links(page), *_code(page)]):
            above = [h for h in headings if h.line <= line]
            if above:
                letter = _LETTER.match(above[-1].text)
                words = letter[0] if letter else above[-1].text
                found.setdefault(name, {})[above[-1].anchor] = words
    return found


@functools.cache
def checked_in(tests: Path = ROOT / "tests") -> dict[str, list[tuple[str, str]]]:
    """Return, for the full name of each function, its tests as file and name."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(tests.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        file = path.relative_to(tests.parent).as_posix()
        aliases = _imports(tree)
        reach = _reach(tree.body, aliases)
        for name, nodes in _tests(tree.body):
            for function in sorted(_reached(nodes, aliases, reach)):
                found.setdefault(function, []).append((file, name))
    return found


class Uses(Extension):
    """Adds to the reference of each function what uses it."""

    def on_function(self, *, func: Function, **_: Any) -> None:
        """Write the parts and the tests under the function's docstring."""
        parts = used_in().get(func.path, {})
        tests = checked_in().get(func.path, [])
        text = ""
        if parts:
            links = (f"[{words}][{anchor}]" for anchor, words in parts.items())
            text += f"\n\nUsed in:\n    {', '.join(links)}"
        if tests:
            listed = "\n    ".join(_listed(tests))
            text += f"\n\nTests:\n    {listed}"
        if func.docstring:
            func.docstring.value += text


@functools.cache
def _homes(library: Path = ROOT / "hw4lib") -> dict[str, str]:
    """Return where each name that a problem re-exports is defined.

    Pages import from the problem, `hw4lib.noisy_targets`; the reference knows a
    function by its module, `hw4lib.noisy_targets.loss`.
    """
    found = {}
    for path in sorted(library.glob("*/*.py")):
        problem = f"hw4lib.{path.parent.name}"
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[f"{problem}.{node.name}"] = f"{problem}.{path.stem}.{node.name}"
    return found


def _full(name: str) -> str:
    """Return the name under which the reference knows a function."""
    return _homes().get(name, name)


def _links(page: Page) -> Iterator[tuple[int, str]]:
    """Yield the line and the full name of each link to a function."""
    for match in _LINK.finditer(page.markdown):
        yield page.markdown.count("\n", 0, match.start()) + 1, match[1]


def _code(page: Page) -> Iterator[tuple[int, str]]:
    """Yield the line of a visible block and the full name of what it names."""
    aliases: dict[str, str] = {}
    for fence in page.executed:
        tree = ast.parse(fence.code)
        aliases |= _imports(tree)
        if fence.visible:
            yield from ((fence.line, name) for name in _words(tree, aliases)[0])


def _listed(tests: Sequence[tuple[str, str]]) -> list[str]:
    """Return a paragraph a file."""
    files: dict[str, list[str]] = {}
    for file, name in tests:
        files.setdefault(file, []).append(name)
    lines: list[str] = []
    for file, names in files.items():
        lines += [f"`{file}`:", *(f"`{n}`," for n in names[:-1]), f"`{names[-1]}`", ""]
    return lines


def _imports(tree: ast.AST) -> dict[str, str]:
    """Return what each imported name of the library stands for."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "hw4lib"
        ):
            for alias in node.names:
                found[alias.asname or alias.name] = _full(f"{node.module}.{alias.name}")
    return found


def _words(tree: ast.AST, aliases: Mapping[str, str]) -> tuple[list[str], set[str]]:
    """Return what code names from the library, in full, and all names in it.

    The names of arguments are among them: those of a test are its fixtures.
    """
    named, words = [], set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            words.add(node.id)
            if node.id in aliases:
                named.append(aliases[node.id])
        elif isinstance(node, ast.arg):
            words.add(node.arg)
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in aliases
        ):
            named.append(_full(f"{aliases[node.value.id]}.{node.attr}"))
    return named, words


def _tests(
    body: Iterable[ast.stmt], prefix: str = ""
) -> Iterator[tuple[str, list[ast.AST]]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            for name, nodes in _tests(node.body, f"{node.name}::"):
                yield name, [*nodes, *node.decorator_list]
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield prefix + node.name, [node]


def _reach(
    body: Iterable[ast.stmt], aliases: Mapping[str, str]
) -> dict[str, tuple[list[str], set[str]]]:
    """Return what each name of a file leads to: functions, and further names."""
    found = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [t.id for t in node.targets if isinstance(t, ast.Name)]
        else:
            continue
        words = _words(node, aliases)
        found.update(dict.fromkeys(names, words))
    return found


def _reached(
    nodes: Iterable[ast.AST],
    aliases: Mapping[str, str],
    reach: Mapping[str, tuple[list[str], set[str]]],
) -> set[str]:
    found: set[str] = set()
    ahead: set[str] = set()
    seen: set[str] = set()
    for node in nodes:
        functions, words = _words(node, aliases)
        found.update(functions)
        ahead |= words
    while ahead:
        name = ahead.pop()
        if name in reach and name not in seen:
            seen.add(name)
            functions, further = reach[name]
            found.update(functions)
            ahead |= further
    return found
