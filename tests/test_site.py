"""The site as `make build` makes it, with the network cut, and what the gate says.

It is built once for all tests (`conftest.py`), and once more to compare the bytes.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from hw4site import gate
from hw4site.mathematics import font
from hw4site.pages import Page, read_pages
from hw4site.redirects import MOVED

ROOT = Path(__file__).parents[1]
PAGES = [page for page in read_pages(ROOT / "docs") if page.executed]
Build = Callable[..., None]

ASKS = 'import urllib.request as r; r.urlopen("https://example.org")'


@pytest.fixture
def soup(site: Path, page: Page) -> BeautifulSoup:
    """Return the built page."""
    built = site / page.path.relative_to(ROOT / "docs").with_suffix(".html")
    return BeautifulSoup(built.read_text(encoding="utf-8"), "html.parser")


def test_the_network_is_cut(offline: dict[str, str]) -> None:
    """What follows would prove nothing otherwise."""
    asked = subprocess.run(
        [sys.executable, "-c", ASKS],
        env=offline,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "the network is cut" in asked.stderr


def test_the_gate_finds_nothing(site: Path) -> None:
    """Pages and site keep every rule."""
    faults = gate.check(ROOT / "docs", site)
    assert not faults, "\n".join(map(str, faults))


def test_what_a_function_returns_is_said_in_one_piece(site: Path) -> None:
    """Lines of a docstring are no items of a list."""
    found = 0
    for page in (site / "reference").rglob("*.html"):
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        for title in soup.find_all("span", string=re.compile("^Returns")):
            items = title.find_next("ul").find_all("li", recursive=False)
            assert len(items) == 1, items
            found += 1
    assert found > 100


def test_two_builds_have_the_same_bytes(
    site: Path, tmp_path: Path, build: Build, offline: dict[str, str]
) -> None:
    """Neither time, folder, locale, threads, nor the order of a set shows on the site.

    The second is built from a copy whose path has a blank and an accent, without git,
    from files that may not be written, pages whose lines end as on Windows, where the
    locale knows English alone.
    """
    copy = tmp_path / "a copy, déjà vu"
    for name in ("benchmarks", "docs", "hw4lib", "hw4site", "tests"):
        unbuilt = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, copy / name, ignore=unbuilt)
    for name in ("mkdocs.yml", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for path in copy.rglob("*"):
        if path.suffix in {".md", ".yml"}:
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        path.chmod(0o555 if path.is_dir() else 0o444)
    other = {"PYTHONHASHSEED": "1", "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C"}
    folder = tmp_path / "site"
    build(folder, {**offline, **other, "PYTHONUTF8": "0"}, copy)
    assert files(folder).keys() == files(site).keys()
    different = [n for n, b in files(folder).items() if b != files(site)[n]]
    assert different == []


def test_without_an_address_no_page_claims_one(site: Path) -> None:
    """Nor the local one, which is everybody's."""
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert 'rel="canonical"' not in text, path
        assert "127.0.0.1" not in text, path


def files(folder: Path) -> dict[str, bytes]:
    """Return the content of every file by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.session)
def test_the_site_shows_what_blocks_print(page: Page, soup: BeautifulSoup) -> None:
    """Running the page's blocks gives what stands on the built page."""
    shown = [
        code.get_text().strip()
        for code in soup.select(".language-python + .language-text code")
    ]
    ids = {tag["id"] for tag in soup.select("[id]")}
    printed = []
    for fence, output in page.run():
        if "result" in fence.options:
            printed.append(output.strip())
        assert set(re.findall(r' id="([^"]+)"', output)) <= ids
    assert shown == printed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.session)
def test_figures_that_move_are_light(page: Page, soup: BeautifulSoup) -> None:
    """What a figure with sliders brings along is at most 40 kB."""
    templates = soup.select("hw4-explorer template")
    assert len(templates) == page.text.count("explorers.to_html(")
    for template in templates:
        assert 1_000 < len(template.decode_contents()) <= 40_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.session)
def test_the_font_holds_what_formulas_use(soup: BeautifulSoup) -> None:
    """At most 1 glyph in 40 is an outline, which is a hundred times longer."""
    outlines = len(soup.select(".math path[transform]"))
    letters = sum(len(text.get_text()) for text in soup.select(".math text"))
    assert outlines <= (outlines + letters) / 40


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.session)
def test_the_font_holds_the_letters_of_figures(soup: BeautifulSoup) -> None:
    """Another font would draw a letter that is missing, as something else."""
    letters = {c for tag in soup.select(".hw4-letter") for c in tag.get_text()}
    assert letters - set(font.characters().values()) == set()


# --- what readers find, and take along ------------------------------------------------


@pytest.fixture
def sections(site: Path) -> list[dict[str, str]]:
    """Return the sections that the search knows."""
    index = (site / "search" / "search_index.json").read_text(encoding="utf-8")
    found: list[dict[str, str]] = json.loads(index)["docs"]
    return found


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("Kaiming", "architecture.html#3-1-a"),
        ("dying ReLU", "backpropagation.html#1-1-i"),
        ("label noise", "noisy_targets.html#2-b"),
        ("Toeplitz", "architecture.html#3-2-a"),
        ("cross-correlation", "architecture.html#3-2-a"),
    ],
)
def test_search_finds_the_words_of_the_field(
    sections: list[dict[str, str]], words: str, place: str
) -> None:
    """Whoever does not know the sheet's words comes to the part."""
    found = [s["location"] for s in sections if words.lower() in s["text"].lower()]
    assert place in found


def test_search_and_contents_have_no_formula(
    sections: list[dict[str, str]], site: Path
) -> None:
    """Neither TeX, nor a drawing's letters, nor the library's source.

    TeX that a page shows as code, as something to type, is none of its formulas.
    """
    tex = re.compile(r"\\(?:frac|sigma|mathbf|lVert|begin|max|epsilon)|[\ue000-\uf8ff]")
    for section in sections:
        prose = re.sub("<code>.*?</code>", "", section["text"])
        assert not tex.search(prose), section["location"]
        assert not re.search(r"[\\$]", section["title"]), section["location"]
        assert "from numpy.typing" not in section["text"], section["location"]
    for path in site.rglob("*.html"):
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for entry in soup.select("h1, h2, h3, .md-nav--secondary"):
            assert not entry.select(".math"), path
            assert not re.search(r"[\\$]", entry.get_text()), path


# A finder that knows no package but two, and of one of them not what draws the site.
ALONE = """\
import sys

class Refuse:
    def find_spec(name, path=None, target=None):
        package = name.partition(".")[0]
        known = package in {"numpy", "hw4lib"} or package in sys.stdlib_module_names
        if not known or name.startswith("hw4site"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Refuse)
with open(sys.argv[1]) as script:
    exec(compile(script.read(), sys.argv[1], "exec"), {"__name__": "__main__"})
"""


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(fence.visible for fence in page.executed)],
    ids=lambda page: page.session,
)
def test_what_readers_take_along_runs_with_numpy_and_the_library_alone(
    page: Page, site: Path
) -> None:
    """The script runs as it is, and prints what the notebook shows."""
    script = site / "notebooks" / f"{page.session}.py"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", ALONE, script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    book = json.loads(script.with_suffix(".ipynb").read_text(encoding="utf-8"))
    outputs = [out for cell in book["cells"] for out in cell.get("outputs", [])]
    assert run.stdout == "".join("".join(out["text"]) for out in outputs)
    assert str(ROOT) not in json.dumps(book)


def test_programs_find_every_page(site: Path) -> None:
    """`llms.txt` links to each page of the site, and to nothing else."""
    text = (site / "llms.txt").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([^)]+)\)", text))
    assert all((site / link).is_file() for link in linked)
    built = {p.relative_to(site).as_posix() for p in site.rglob("*.html")}
    assert built - linked - MOVED.keys() == {"index.html", "404.html"}
