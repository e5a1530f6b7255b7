"""What an engineer relies on: NumPy alone, nothing shown, everything documented."""

import datetime
import importlib
import inspect
import pkgutil
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

import hw4lib

ROOT = Path(__file__).parent.parent
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(hw4lib.__path__, "hw4lib.")
    if "._" not in module.name
)


def public(module_name):
    """The functions and classes that a module defines for its users."""
    module = importlib.import_module(module_name)
    return {
        name: item
        for name, item in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(item) or inspect.isclass(item))
        and item.__module__ == module_name
    }


def test_every_module_and_problem_says_what_is_public():
    """`__all__` holds what a module defines for its users; a problem has all of it."""
    for name in MODULES:
        module = importlib.import_module(name)
        assert set(public(name)) <= set(module.__all__), name
    for problem in (
        "noisy_targets",
        "architecture",
        "online_learning",
        "adversarial_example",
    ):
        package = importlib.import_module(f"hw4lib.{problem}")
        below = [m for m in MODULES if m.startswith(f"hw4lib.{problem}.")]
        assert set(package.__all__) >= {n for m in below for n in public(m)}
        stems = {m.rpartition(".")[2] for m in below}
        assert not stems & set(package.__all__), "a module and a function of one name"


def test_every_public_function_keeps_the_contract():
    """Two that return views on purpose and one that returns an int have their own."""
    without = {
        name
        for module in MODULES
        for name, item in public(module).items()
        if inspect.isfunction(item) and not hasattr(item, "__wrapped__")
    } & {name for module in MODULES for name in importlib.import_module(module).__all__}
    assert without == {"convolution_matrix", "weight_pattern", "smallest_horizon"}


def test_problems_are_attributes_of_the_library():
    """`import hw4lib` is enough to name them, and an unknown name is an error."""
    assert hw4lib.activations is importlib.import_module("hw4lib.activations")
    assert {"activations", "noisy_targets"} <= set(dir(hw4lib))
    with pytest.raises(AttributeError, match="no attribute `typo`"):
        hw4lib.typo  # noqa: B018


FUNCTIONS = [
    pytest.param(item, id=f"{module}.{name}")
    for module in MODULES
    for name, item in public(module).items()
    if inspect.isfunction(item)
]


def test_the_numbers_import_numpy_alone():
    """Importing every module brings the standard library and NumPy."""
    code = f"import sys, {', '.join(MODULES)}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    imported = {name.split(".")[0] for name in result.stdout.split()}
    plain = subprocess.run(
        [sys.executable, "-I", "-c", "import sys, numpy.random; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    numpy_alone = {name.split(".")[0] for name in plain.stdout.split()}
    assert imported - numpy_alone - sys.stdlib_module_names == {"hw4lib"}


def test_the_wheel_holds_the_library_and_asks_for_numpy_alone(tmp_path):
    """`pip install .` gives the library, its types and its license, with NumPy."""
    options = ["-q", "--no-deps", "--no-build-isolation", "--no-index"]
    pip = [sys.executable, "-m", "pip", "wheel", *options, "-w", tmp_path, ROOT]
    subprocess.run(pip, check=True)
    (wheel,) = tmp_path.glob("hw4lib-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = [n for n in names if n.endswith("dist-info/METADATA")]
        text = archive.read(metadata).decode()
    assert {name.split("/")[0] for name in names} == {"hw4lib", metadata.split("/")[0]}
    assert "hw4lib/py.typed" in names
    sources = (ROOT / "hw4lib").rglob("*.py")
    assert {path.relative_to(ROOT).as_posix() for path in sources} <= set(names)
    required = re.findall(r"^Requires-Dist: ([\w-]+)(?!.*extra ==).*$", text, re.M)
    assert required == ["numpy"]
    # Read from the wheel itself: nothing looks for a checkout, or for a file beside it.
    code = f"import sys; sys.path.insert(0, {str(wheel)!r}); import hw4lib\n"
    code += f"import {', '.join(MODULES)}; print(hw4lib.__file__, hw4lib.__version__)"
    imported = subprocess.run(
        [sys.executable, "-I", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    expected = f"{wheel / 'hw4lib' / '__init__.py'} {hw4lib.__version__}"
    assert imported.stdout.strip() == expected


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_is_documented(function):
    """Arguments, result, errors, source on the sheet and an example, all there."""
    text = inspect.getdoc(function) or ""
    sections = set(re.findall(r"^(\w+):$", text, re.M))
    parameters = inspect.signature(function).parameters
    expected = {"Returns", "References", "Examples"} | (
        {"Args"} if parameters else set()
    )
    assert expected - {"Returns"} <= sections
    assert sections & {"Returns", "Yields"}
    arguments = text.partition("\nArgs:\n")[2].partition("\n\n")[0]
    named = re.findall(r"^    \*{0,2}(\w+):", arguments, re.M)
    assert named == list(parameters)


def test_the_reference_has_every_module():
    """No public module is missing from the reference."""
    pages = (ROOT / "docs" / "reference").rglob("*.md")
    shown = re.findall(r"^::: (\S+)", "\n".join(p.read_text() for p in pages), re.M)
    assert sorted(shown) == [m for m in MODULES if public(m)]


def test_the_citation_file_is_valid():
    """What the format asks for, and the version and license of the package."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    allowed = {"cff-version", "message", "title", "type", "version", "date-released"}
    allowed |= {"license", "authors", "abstract", "keywords", "repository-code", "url"}
    assert {"cff-version", "message", "title", "authors"} <= set(citation) <= allowed
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert citation["license"] == "MIT"
    assert isinstance(citation["date-released"], datetime.date)
    assert citation["version"] == hw4lib.__version__
    assert all("name" in a or "family-names" in a for a in citation["authors"])


STEPS = (
    "-m venv --clear .venv",
    "-m pip install -q --disable-pip-version-check --require-hashes",
    "-m uv pip install -q --no-deps --require-hashes",
    "-m uv pip install -q --no-deps --no-build-isolation -e .",
)
"""What `make .venv/site` runs, in order, after a look at Python's version."""

RECORDER = """#!/bin/sh
[ -e broken ] && case "$*" in "$(cat broken)"*) exit 1;; esac
[ "$2" = venv ] && mkdir -p .venv/bin && cp "$0" .venv/bin/python
echo "$*" >> record
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the recorder is a shell script")
@pytest.mark.parametrize("step", range(len(STEPS)))
def test_an_interrupted_set_up_goes_on_where_it_stopped(step, tmp_path):
    """With the step that broke: an environment that lacks it is not called ready."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    python, record = tmp_path / "python", tmp_path / "record"
    python.write_text(RECORDER)
    python.chmod(0o755)

    def make():
        command = ["make", "-s", ".venv/site", "PYTHON=./python"]
        record.write_text("")
        code = subprocess.run(
            command, cwd=tmp_path, capture_output=True, check=False
        ).returncode
        ran = record.read_text()
        return code, [number for number, text in enumerate(STEPS) if text in ran]

    (tmp_path / "broken").write_text(STEPS[step])
    assert make() == (2, list(range(step)))
    (tmp_path / "broken").unlink()
    rest = range(0 if step < 2 else 2, len(STEPS))  # the first two are one target
    assert make() == (0, list(rest))
    assert make() == (0, [])
