import hashlib
import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import hw4lib
from hw4site import pyodide
from hw4site.browser_session import Session
from hw4site.pages import read_page, read_pages

ROOT = Path(__file__).parents[2]
PAGES = [p for p in read_pages(ROOT / "docs") if any(f.visible for f in p.executed)]
PAGE = """
```python exec="1" session="sums"
x = 1
```

```bash
make
```

```python
shown_not_run()
```

```python exec="1" source="above" result="text" session="sums"
print(x)
```

```python exec="1" html="1" session="sums"
print("<p>A figure.</p>")
```

```python exec="1" source="above" session="sums"
y = 2
```

```python exec="1" session="sums"
last = 3
```
"""


@pytest.fixture
def docs(tmp_path):
    """A folder with a page that runs and one that does not."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "sums.md").write_text(PAGE)
    (folder / "words.md").write_text("# Words\n\n```python\nx\n```\n")
    return folder


@pytest.fixture
def site(tmp_path):
    """A folder with the script that a build has copied."""
    folder = tmp_path / "site"
    (folder / "assets").mkdir(parents=True)
    shutil.copy(ROOT / "docs" / "assets" / "editor.js", folder / "assets" / "editor.js")
    return folder


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A runtime of two small files, and the folder of its public distribution."""
    public = tmp_path / "public"
    public.mkdir()
    files = {}
    for name in ("a.js", "b.wasm"):
        (public / name).write_text(name)
        pin = hashlib.sha256(name.encode()).hexdigest()
        files[name] = pyodide.File(f"{public.as_uri()}/", len(name), pin)
    monkeypatch.setattr(pyodide, "FILES", files)
    monkeypatch.setattr(pyodide, "RUNTIME", tmp_path / "runtime")
    return public


def facts(site):
    """What the script is told."""
    text = (site / "assets" / "editor.js").read_text()
    line = next(x for x in text.split("\n") if x.startswith("const RUNTIME = "))
    return json.JSONDecoder().raw_decode(line.removeprefix("const RUNTIME = "))[0]


def test_a_plan_counts_what_the_page_shows_in_python(docs):
    """Hidden code is in it where a later block may need it, figures are not."""
    assert pyodide.plan(read_page(docs / "sums.md")) == ["x = 1", 1, 2]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.session)
def test_no_block_needs_one_that_draws(page):
    """What a reader's browser runs, run here, has every name that it uses."""
    python = [f for f in page.fences if f.language == "python" and f.visible]
    code = [x if isinstance(x, str) else python[x].code for x in pyodide.plan(page)]
    session = Session()
    outcome = session.run([(f"block {i}", text) for i, text in enumerate(code)])
    assert not outcome.error, f"{page.path}\n{outcome.error}"


def test_the_wheel_is_the_library_that_computed_the_pages(docs, site):
    """Every module byte by byte; and the same wheel again is the same bytes."""
    pyodide.write(docs, site)
    (wheel,) = (site / "run").glob("*.whl")
    first = wheel.read_bytes()
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        for path in Path(hw4lib.__path__[0]).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            assert archive.read(name) == path.read_bytes()
    assert pyodide.wheel(site / "run").read_bytes() == first
    entry = facts(site)["files"]["hw4lib"]
    assert entry == {
        "url": f"run/{wheel.name}",
        "size": len(first),
        "sha256": hashlib.sha256(first).hexdigest(),
    }


def test_what_runs_the_blocks_there_is_a_file_of_its_own(docs, site):
    """No wheel holds it; the worker writes it where Python finds it."""
    pyodide.write(docs, site)
    served = site / "run" / "browser_session.py"
    assert served.read_bytes() == pyodide.SESSION.read_bytes()
    assert facts(site)["files"]["session"]["url"] == "run/browser_session.py"


def test_what_a_browser_imports_needs_numpy_alone():
    """The module that runs blocks needs nothing that the wheel does not."""
    code = "import sys, hw4site.browser_session; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    imported = {name.split(".")[0] for name in result.stdout.split()}
    assert not imported & {"bs4", "hatchling", "markdown", "matplotlib", "mkdocs"}


def test_python_comes_from_its_public_distribution(docs, site, tmp_path):
    """Each file has its address and its pin, and the page says whose they are."""
    pyodide.write(docs, site, runtime=tmp_path / "none")
    told = facts(site)
    assert told["from"] == "cdn.jsdelivr.net"
    for name, file in pyodide.FILES.items():
        assert told["files"][name]["url"] == file.folder + name
        assert told["files"][name]["sha256"] == file.sha256
    assert told["pages"] == {"sums": ["x = 1", 1, 2]}
    assert told["lock"]["packages"]["numpy"]["version"] == "2.2.5"


@pytest.mark.usefixtures("small")
def test_python_comes_from_the_site_where_it_is_placed(docs, site):
    """Fetched, held to the pins, copied beside the pages."""
    pyodide.fetch(pyodide.RUNTIME)
    pyodide.write(docs, site, runtime=pyodide.RUNTIME)
    told = facts(site)
    assert told["from"] == "this site"
    assert told["files"]["a.js"]["url"] == "run/a.js"
    assert (site / "run" / "b.wasm").read_text() == "b.wasm"


@pytest.mark.parametrize(
    "address", ["https://example.org/py", "https://example.org/py/"]
)
def test_python_comes_from_the_address_of_the_setting(docs, site, address):
    """One setting moves all files."""
    pyodide.write(docs, site, address)
    told = facts(site)
    assert told["from"] == "example.org"
    assert told["files"]["pyodide.mjs"]["url"] == "https://example.org/py/pyodide.mjs"


def test_a_file_that_is_not_the_pinned_one_is_refused(docs, site, small):
    """Neither is it kept, nor does a site serve it."""
    (small / "b.wasm").write_text("another")
    with pytest.raises(ValueError, match=r"`b\.wasm` has hash .*, expected"):
        pyodide.fetch(pyodide.RUNTIME)
    assert not (pyodide.RUNTIME / "b.wasm").exists()
    (pyodide.RUNTIME / "b.wasm").write_text("another")
    assert not pyodide.placed(pyodide.RUNTIME)
    pyodide.write(docs, site, runtime=pyodide.RUNTIME)
    assert not (site / "run" / "b.wasm").exists()


def test_what_is_there_is_not_fetched_again(small):
    """A second call works without the network."""
    pyodide.fetch(pyodide.RUNTIME)
    shutil.rmtree(small)
    pyodide.fetch(pyodide.RUNTIME)


def test_a_site_without_the_script_is_left_as_it_is(docs, tmp_path):
    """There is no button that could run anything."""
    pyodide.write(docs, tmp_path)
    assert not (tmp_path / "run").exists()


def test_a_script_without_a_place_is_an_error(docs, site):
    """It would say nothing and show no button."""
    (site / "assets" / "editor.js").write_text("const RUNTIME = 1;")
    with pytest.raises(ValueError, match="has no line `const RUNTIME = null;`"):
        pyodide.write(docs, site)


@pytest.mark.usefixtures("small")
def test_the_command_line(docs, site):
    """For the deploy, and for builders without hooks."""
    pyodide.main(["fetch"])
    pyodide.main(["write", str(docs), str(site), "--address", "https://example.org"])
    assert facts(site)["from"] == "example.org"
