"""The same `mkdocs.yml` gives the same pages under ProperDocs and Zensical.

`make builders` installs them; where one is missing, its test is skipped.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from hw4site import gate

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
BESIDE = [sys.executable, "-m", "hw4site.after_build", "docs", "site"]
BUILDERS = {
    "properdocs": [[str(BIN / "properdocs"), "build", "--strict", "-f", "mkdocs.yml"]],
    "zensical": [
        [str(BIN / "zensical"), "build", "--clean"],
        BESIDE,
    ],  # it runs no hooks
}


@pytest.fixture(params=BUILDERS)
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a copy of the project with the site that the builder made of it."""
    if not (BIN / request.param).is_file():
        pytest.skip(f"{request.param} is not installed")
    for folder in ("benchmarks", "docs", "hw4lib", "hw4site", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for file in ("mkdocs.yml", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, tmp_path)
    # The copy, and not what is installed beside the builder.
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for command in BUILDERS[request.param]:
        run = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr
    return tmp_path


def articles(site: Path) -> dict[str, Tag]:
    """Return the article of every page, and all of a page that only leads on."""
    found = {}
    for path in sorted(site.rglob("*.html")):
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        (article,) = soup.select("article") or soup.select("body")
        for tag in article.select("[data-search-exclude]"):
            del tag["data-search-exclude"]  # Zensical takes it out when it indexes
        found[path.relative_to(site).as_posix()] = article
    return found


def anchors(article: Tag) -> list[str]:
    """Return what can be linked to, without the place that a skipping link leads to."""
    return [str(tag["id"]) for tag in article.select("[id]:not(#__skip)")]


def text(article: Tag) -> list[str]:
    """Return the words and numbers, those of figures and formulas included."""
    return article.get_text().split()


def numbers(article: Tag) -> list[str]:
    """Return every number, and those that boxes and figures with sliders hold."""
    held = [tag["data-box"] for tag in article.select("[data-box]")]
    return re.findall(r"\d[\d.,]*", " ".join([*text(article), *map(str, held)]))


def formulas(article: Tag) -> list[str]:
    """Return the drawings of the formulas."""
    return [tag.decode_contents() for tag in article.select(".math")]


def test_the_pages_are_the_same(project: Path, site: Path) -> None:
    """Pages, anchors, words, numbers and formulas; and the gate finds nothing."""
    ours, theirs = articles(site), articles(project / "site")
    assert theirs.keys() == ours.keys()
    for path, article in ours.items():
        for part in (anchors, numbers, formulas, text):
            assert part(theirs[path]) == part(article), f"{part.__name__} of {path}"
    faults = gate.check(project / "docs", project / "site")
    assert not faults, "\n".join(map(str, faults))
