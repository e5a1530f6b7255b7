"""The library's own tests, in the Python that a reader's browser runs.

It has 32 bits where other machines have 64, another NumPy and another compiler. Heavy
oracles stay at home: SciPy needs a build of its own, hypothesis has compiled parts.
"""

import importlib.util
import io
import json
import zipfile
from pathlib import Path

from hw4site import pyodide

ROOT = Path(__file__).parents[2]
TOOLS = ("pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments")
DIFFERENT = {
    "test_bad_arguments_are_named[<lambda>-MemoryError-": (
        "has more entries than an address can count",
        "32 bits can not count the entries of the largest matrix",
    ),
    "test_results_can_be_kept_and_sent": (
        "can't start new thread",
        "there is one thread",
    ),
    "test_the_compiled_loop_is_numpy_in_any_threads": (
        "can't start new thread",
        "there is one thread",
    ),
    "test_runs_side_by_side_are_runs_alone_in_any_threads": (
        "can't start new thread",
        "there is one thread",
    ),
    "test_numba_is_imported_only_where_it_is_asked_for": (
        "does not support processes",
        "there is one process",
    ),
    "test_memory_size": (
        "SC_PHYS_PAGES",
        "the system names more pages than it gives",
    ),
    "test_a_missing_numba_says_how_to_install_it": (
        "Numba cannot run in a browser",
        "the message is another one here",
    ),
    "attention.block_pattern": ("dtype=int64", "NumPy shows a type that is unusual"),
    "convolution.weight_pattern": ("dtype=int64", "NumPy shows a type that is unusual"),
    "graph.add_self_loops": ("dtype=int64", "NumPy shows a type that is unusual"),
    "graph.neighbor_rankings": ("dtype=int64", "NumPy shows a type that is unusual"),
}
"""The tests that fail here and nowhere else: what each says, and why."""

RUN = """
async ([base, lock, archive]) => {
  const { loadPyodide } = await import(`${base}pyodide.mjs`);
  const options = { indexURL: base, packageBaseUrl: base, lockFileContents: lock };
  const python = await loadPyodide(options);
  await python.loadPackage("numpy");
  const content = await (await fetch(archive)).arrayBuffer();
  python.unpackArchive(content, "zip", { extractDir: "/tests-of-hw4lib" });
  return python.runPython(`
import json, os, sys
os.chdir("/tests-of-hw4lib")
sys.path[:0] = ["/tests-of-hw4lib", "/tests-of-hw4lib/tests"]
import absent, pytest

class Report:
    passed, failed, skipped = 0, {}, 0
    def pytest_runtest_logreport(self, report):
        self.skipped += report.skipped
        self.passed += report.passed and report.when == "call"
        if report.failed:
            self.failed[report.nodeid] = report.longreprtext
    def pytest_collectreport(self, report):
        if report.failed:
            self.failed[report.nodeid] = report.longreprtext

report = Report()
options = ["-q", "--import-mode=importlib", "--doctest-modules", "-W", "error",
           "--capture=sys", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
pytest.main([*options, "tests", "hw4lib"], plugins=[report])
json.dumps([report.passed, report.skipped, report.failed])
  `);
}
"""


def archive():
    """The library, its tests and what runs them, in a file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as out:

        def add(folder, path):
            if "__pycache__" not in path.parts:
                out.write(path, path.relative_to(folder))

        for name in (*TOOLS, "mpmath"):
            origin = Path(importlib.util.find_spec(name).origin)
            if origin.name == "__init__.py":
                for path in origin.parent.rglob("*.py"):
                    add(origin.parents[1], path)
            else:
                add(origin.parent, origin)
        modules = set(ROOT.glob("hw4lib/**/*.py"))
        names = {"conftest", "oracles", "contract"} | {
            m.stem.lstrip("_") for m in modules
        }
        for path in ROOT.glob("tests/**/*.py"):
            folders = set(path.relative_to(ROOT).parts)
            elsewhere = folders & {"hw4site", "browser", "builders"}
            if path.stem.removeprefix("test_") in names and not elsewhere:
                add(ROOT, path)
        for path in modules:
            add(ROOT, path)
        out.write(Path(__file__).with_name("absent.py"), "absent.py")
        out.write(ROOT / "pyproject.toml", "pyproject.toml")
    return content.getvalue()


def test_the_library_passes_its_own_tests(
    page, context, address, stand_in, record_property
):
    """All pass or are skipped, but for those that can not hold in 32 bits."""
    zipped = archive()
    headers = {"Access-Control-Allow-Origin": "*"}
    context.route(
        "**/tests.zip", lambda route: route.fulfill(body=zipped, headers=headers)
    )
    page.goto(f"{address}404.html")
    base = "https://cdn.jsdelivr.net/"
    lock = json.loads(stand_in(json.dumps(pyodide.LOCK)))
    told = page.evaluate(RUN, [base, lock, f"{base}tests.zip"])
    passed, skipped, failed = json.loads(told)
    record_property("counts", [passed, skipped, len(failed)])
    explained = {
        name: [n for n, (text, _) in DIFFERENT.items() if n in name and text in said]
        for name, said in failed.items()
    }
    unexplained = [failed[name] for name, known in explained.items() if not known]
    assert not unexplained, "\n".join(unexplained)
    gone = set(DIFFERENT).difference(*explained.values())
    assert not gone, "these pass now: remove them from DIFFERENT"
    assert passed > 3000
