"""What must hold on every page, whoever builds the site.

`python -m hw4site.gate docs SITE` reads the Markdown and the built HTML and prints
one fault a line, *where, what it is, what it should be*. The rules for one page are
lists in `markdown_rules` and `html_rules`; those that need the whole site are here.
"""

import argparse
import io
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, cast
from urllib.parse import unquote, urldefrag, urljoin

from bs4 import BeautifulSoup, Tag

from hw4site import html_rules, markdown_rules
from hw4site.pages import Page, read_pages


class Fault(NamedTuple):
    """A fault, where it is and what it is."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        """Return `path:line: message`."""
        return f"{self.path}:{self.line}: {self.message}"


def every_part_once(docs: Path, pages: list[Page]) -> Iterator[Fault]:
    """Every lettered part of the homework has one heading over all pages."""
    places: dict[str, list[Fault]] = {part: [] for part in sorted(markdown_rules.PARTS)}
    for page in pages:
        for line, part, _ in markdown_rules.parts(page):
            if part in places:
                message = f"part {part} has more than one heading, expected one"
                places[part].append(Fault(page.path, line, message))
    for part, found in places.items():
        if not found:
            yield Fault(docs, 1, f"part {part} has no heading, expected one")
        yield from found[1:]


def links(site: Path, soups: dict[Path, BeautifulSoup]) -> Iterator[Fault]:
    """Every link inside the site leads to a file and an anchor that are there.

    What a page loads, as opposed to what it links to, is on the site itself.
    """
    base = _base(site, soups)
    ids = {path: _ids(soup) for path, soup in soups.items()}
    for path, soup in soups.items():
        address = urljoin(base, path.relative_to(site).as_posix())
        for tag, url in _urls(soup):
            target, fragment = urldefrag(urljoin(address, url))
            fault = None
            if target.startswith(base) or not re.match(r"\w+:|//", url):
                file = _file(site, unquote(target.removeprefix(base).split("?")[0]))
                if not file.is_file():
                    fault = f"`{url}` leads to no file, expected one of the site"
                elif fragment and unquote(fragment) not in ids.get(file, {fragment}):
                    fault = f"`{url}` leads to no anchor, expected one of that page"
            elif _loads(tag) and not target.startswith("data:"):
                fault = f"`{url}` is loaded from elsewhere, expected a file of the site"
            if fault:
                yield Fault(path, html_rules.line_of(tag), fault)


def _base(site: Path, soups: dict[Path, BeautifulSoup]) -> str:
    """Return the site's own address, which its home page names."""
    home = soups.get(site / "index.html")
    canonical = home.select_one("link[rel=canonical]") if home else None
    # Without an address of its own any will do: links are resolved against it.
    address = str(canonical["href"]) if canonical else "http://site.invalid/"
    return urljoin(address, ".")


def _ids(soup: Tag) -> set[str]:
    return {str(tag["id"]) for tag in soup.find_all(id=True)}


def _file(site: Path, path: str) -> Path:
    file = site / path
    return file / "index.html" if file.is_dir() else file


def _urls(soup: Tag) -> Iterator[tuple[Tag, str]]:
    """Yield what elements link to or load."""
    for tag in soup.find_all(True):
        for name in ("href", "xlink:href", "src", "poster", "data"):
            if name in tag.attrs:
                yield tag, str(tag[name])
        for source in str(tag.get("srcset", "")).split(","):
            if source.strip():
                yield tag, source.split()[0]
        for url in _css_urls(str(tag.get("style", ""))):
            yield tag, url
        if tag.name == "style":
            for url in _css_urls(tag.get_text()):
                yield tag, url


def _loads(tag: Tag) -> bool:
    """Whether a browser follows the element's address without a click."""
    if tag.name == "link":
        followed = {"alternate", "author", "canonical", "license", "next", "prev"}
        return not followed & set(tag.get_attribute_list("rel"))
    return tag.name not in {"a", "area"}


def _css_urls(css: str) -> list[str]:
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    found = re.findall(
        r"""url\(\s*["']?([^"')]+?)["']?\s*\)|@import\s+["']([^"']+)""", css
    )
    return [url or imported for url, imported in found]


def style_sheets(site: Path) -> Iterator[Fault]:
    """What a style sheet loads is a file of the site."""
    for path in sorted(site.rglob("*.css")):
        for url in _css_urls(path.read_text(encoding="utf-8")):
            if url.startswith(("data:", "#")):
                continue
            if re.match(r"\w+:|//", url):
                fault = "is loaded from elsewhere, expected a file of the site"
            elif not (path.parent / re.split("[?#]", url)[0]).is_file():
                fault = "leads to no file, expected one of the site"
            else:
                continue
            yield Fault(path, 1, f"`{url}` {fault}")


def check(docs: Path, site: Path) -> list[Fault]:
    """Return every fault of the pages in `docs` and of the site built from them."""
    pages = read_pages(docs)
    soups = {path: _soup(path) for path in sorted(site.rglob("*.html"))}
    faults = list(every_part_once(docs, pages))
    for page in pages:
        faults += _faults(page.path, (rule(page) for rule in markdown_rules.RULES))
        built = _built(page.path.relative_to(docs), site)
        if built in soups:
            faults += _faults(page.path, [html_rules.blocks_ran(page, soups[built])])
        else:
            message = f"the page is not built, expected {built}"
            faults.append(Fault(page.path, 1, message))
    for path, soup in soups.items():
        faults += _faults(path, (rule(soup) for rule in html_rules.RULES))
    return [*faults, *links(site, soups), *style_sheets(site)]


def _faults(path: Path, found: Iterable[Iterator[tuple[int, str]]]) -> Iterator[Fault]:
    for rule in found:
        for line, message in rule:
            yield Fault(path, line, message)


def _soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def _built(page: Path, site: Path) -> Path:
    """Return the file that a page is built to, in either form of addresses."""
    file = site / page.with_suffix(".html")
    folder = site / page.with_suffix("") / "index.html"
    return folder if folder.is_file() else file


def main(arguments: list[str] | None = None) -> int:
    """Print every fault and return 1 if there is one."""
    parser = argparse.ArgumentParser(prog="hw4site.gate")
    parser.add_argument("docs", type=Path, help="the folder of the pages' Markdown")
    parser.add_argument("site", type=Path, help="the folder of the built site")
    folders = parser.parse_args(arguments)
    faults = check(folders.docs, folders.site)
    # A terminal may not have every letter.
    cast("io.TextIOWrapper", sys.stdout).reconfigure(errors="backslashreplace")
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
