"""The pages to take along: each as an executed notebook and as a plain script.

`python -m hw4site.export docs SITE` writes `SITE/notebooks/*.ipynb` and `*.py`.
They hold the page's text with its values filled in, its visible code, its printed
results and its figures, and run from top to bottom where `hw4lib` is installed.
`SITE/llms.txt` lists them and all pages for readers that are programs.
"""

import argparse
import base64
import html
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import nbformat
from nbformat import v4

from hw4site import blocks
from hw4site.pages import FRONT_MATTER, Page, read_pages
from hw4site.values import evaluate, fill

_HEADING = re.compile(r"^(#+ .*?)[ \t]*\{[^{}\n]*\}[ \t]*$", re.MULTILINE)
_OPENING = re.compile(r"^/{3,} *(\w+)(?: *\| *(.*))?$", re.MULTILINE)
_CLOSING = re.compile(r"^/{3,} *$", re.MULTILINE)
_LINK = re.compile(r"\[([^\[\]]+)\](?:\[[^\[\]]*\]|\((?!https?:)[^()]*\))")
_HTML = re.compile(r"<(\w+)[^>]*\bclass=\"hw4-(?:take|playground)\".*?</\1>", re.DOTALL)
_DRAWING = re.compile(r'(<svg )(.*?aria-label="(.*?)".*?</svg>)', re.DOTALL)


@dataclass(frozen=True)
class Piece:
    """A stretch of a page after its run.

    Attributes:
        kind: `text`, `code` or `figure`.
        text: Markdown, or Python.
        output: What the code printed.
    """

    kind: str
    text: str
    output: str = ""


def notebook(name: str, pieces: Sequence[Piece]) -> nbformat.NotebookNode:
    """Return a page as an executed notebook."""
    cells, runs = [], count(1)
    for number, piece in enumerate(pieces):
        if piece.kind == "code":
            shown = [v4.new_output("stream", name="stdout", text=piece.output)]
            options = {"outputs": shown if piece.output else []}
            cell = v4.new_code_cell(piece.text, execution_count=next(runs), **options)
        else:
            cell = v4.new_markdown_cell(piece.text)
        # A random id would differ each time, and a slash is not allowed in one.
        cell["id"] = f"{name.replace('/', '-')}-{number}"
        cells.append(cell)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book: nbformat.NotebookNode = v4.new_notebook(
        cells=cells, metadata={"kernelspec": kernel}
    )
    nbformat.validate(book)
    return book


def script(pieces: Sequence[Piece]) -> str:
    """Return a page as a Python script, its text as comments, its figures left out."""
    parts = []
    for piece in pieces:
        if piece.kind == "code":
            parts.append(f"# %%\n{piece.text}\n")
        elif piece.kind == "text":
            lines = "\n".join(f"# {line}".rstrip() for line in piece.text.split("\n"))
            parts.append(f"# %% [markdown]\n{lines}\n")
    return "\n".join(parts)


def rendered(page: Page, colors: Mapping[str, str]) -> dict[str, str]:
    """Return the files of a page by their names, none if it shows no code.

    Args:
        page: The page; it is run if this process has not built it.
        colors: What the CSS variables of figures stand for.
    """
    if not any(fence.visible for fence in page.executed):
        return {}
    name, pieces = page.session, list(_pieces(page, colors))
    book = nbformat.writes(notebook(name, pieces)) + "\n"
    return {f"{name}.ipynb": book, f"{name}.py": script(pieces)}


def export(docs: Path, site: Path) -> list[str]:
    """Write every page that shows code.

    Args:
        docs: The folder of the pages.
        site: The folder of the built site.

    Returns:
        What went wrong, a line a page; such a page is left out.
    """
    sheet = docs / "assets" / "site.css"
    css = sheet.read_text(encoding="utf-8") if sheet.exists() else ""
    # The first rule of the style sheet has the colors of light pages.
    colors = dict(re.findall(r"(--[\w-]+): (#\w+);", css.partition("}")[0]))
    folder = site / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    faults = []
    for page in read_pages(docs):
        try:
            files = rendered(page, colors)
        except Exception as error:  # whatever a page's own code may raise
            faults.append(f"{page.path}: {type(error).__name__}: {error}")
            continue
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    (site / "llms.txt").write_text(contents(docs), encoding="utf-8")
    return faults


def contents(docs: Path) -> str:
    """Return what the site has, page by page, as `llms.txt` asks for it."""
    facts = {page: _facts(page) for page in read_pages(docs)}
    lines = {True: ["## Reference", ""], False: ["## Pages", ""]}
    head = ["# hw4lib", ""]
    for page, fact in facts.items():
        path = page.path.relative_to(docs)
        said = fact.get("description", "")
        if path == Path("index.md"):
            head += [f"> {said}", ""]
            continue
        address = path.with_suffix(".html").as_posix()
        link = f"[{fact.get('title', path.stem)}]({address})"
        words = [said] if said else []
        if any(fence.visible for fence in page.executed):
            words.append(
                f"As plain Python: [{path.stem}.py](notebooks/{page.session}.py)."
            )
        text = f"- {link}: {' '.join(words)}" if words else f"- {link}"
        lines[path.parts[0].startswith("reference")].append(text)
    return "\n".join([*head, *lines[False], "", *lines[True], ""])


def _facts(page: Page) -> dict[str, str]:
    """Return the title and the description of a page."""
    front = FRONT_MATTER.match(page.text)
    lines = re.findall(r"^(\w+): (.+)$", front[1] if front else "", re.MULTILINE)
    return {name: value.strip("\"'") for name, value in lines}


def _pieces(page: Page, colors: Mapping[str, str]) -> Iterator[Piece]:
    """Yield a page's text, code and figures, with what code printed."""
    outputs, value_of = _outputs(page)
    lines = page.text.split("\n")
    at = 0
    for fence, output in zip(page.executed, outputs, strict=True):
        yield from _text("\n".join(lines[at : fence.line - 1]), value_of)
        if fence.visible:
            yield Piece("code", fence.code, output)
        else:
            yield from _figures(output, colors)
        at = fence.end
    yield from _text("\n".join(lines[at:]), value_of)


def _outputs(page: Page) -> tuple[list[str], Callable[[str], object]]:
    """Return what a page's blocks printed and their values, built or run anew."""
    built = blocks.finished(page.session, [fence.code for fence in page.executed])
    if built is not None:
        return built, partial(blocks.value, page.session)
    names: dict[str, object] = {}
    outputs = [output for _, output in page.run(names)]
    return outputs, partial(evaluate, names=names)


def _text(text: str, value_of: Callable[[str], object]) -> Iterator[Piece]:
    text = fill(FRONT_MATTER.sub("", text), value_of, _refuse)
    text = _HEADING.sub(r"\1", _LINK.sub(r"\1", _HTML.sub("", text)))
    text = _CLOSING.sub("", _OPENING.sub(_opening, text))
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    if text:
        yield Piece("text", text)


def _opening(match: re.Match[str]) -> str:
    name, title = match.groups()
    return f"**{title or name.capitalize()}.**"


def _figures(output: str, colors: Mapping[str, str]) -> Iterator[Piece]:
    """Yield the drawings of a figure block as images of their own."""
    for start, rest, alt in _DRAWING.findall(output):
        drawing = re.sub(
            r"var\((--[\w-]+)\)",
            lambda m: colors.get(m[1], "currentColor"),
            start + rest,
        )
        names = 'xmlns="http://www.w3.org/2000/svg" '
        names += 'xmlns:xlink="http://www.w3.org/1999/xlink" '
        drawing = drawing.replace("<svg ", f'<svg {names}font-family="sans-serif" ', 1)
        data = base64.b64encode(drawing.encode()).decode()
        words = html.unescape(alt).replace("[", "(").replace("]", ")")
        yield Piece("figure", f"![{words}](data:image/svg+xml;base64,{data})")


def _refuse(message: str) -> str:
    raise ValueError(message)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Write the pages to take along.")
    parser.add_argument("docs", type=Path, help="folder of the pages")
    parser.add_argument("site", type=Path, help="folder of the built site")
    options = parser.parse_args(arguments)
    sys.exit("\n".join(export(options.docs, options.site)) or 0)


if __name__ == "__main__":
    main()
