"""Every page's blocks, run as a reader runs them, with warnings as errors.

A traceback shows the page's own file and line.
"""

import dataclasses
import functools
import inspect
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hw4lib
from hw4site.pages import Page, read_page, read_pages
from hw4site.values import evaluate, fill

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [page for page in read_pages(DOCS) if page.executed]
PROBLEMS = [
    "backpropagation",
    "noisy_targets",
    "architecture",
    "online_learning",
    "adversarial_example",
]


@pytest.fixture(autouse=True)
def numpy_settings() -> Iterator[None]:
    """A page that sets how NumPy prints or warns sets it for itself."""
    with np.errstate(), np.printoptions():
        yield


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.session)
def test_blocks_and_values(page: Page) -> None:
    """Every assertion holds, every check prints, every value is one."""
    names: dict[str, object] = {}
    for fence, output in page.run(names):
        speaks = "result" in fence.options or fence.figure
        assert bool(output.strip()) == speaks, f"{page.path}:{fence.line}"

    value_of = functools.partial(evaluate, names=names)
    fill(page.markdown, value_of, lambda fault: pytest.fail(f"{page.path}: {fault}"))


# --- no number is typed by hand: a library that is wrong shows ---------------------


def shown(page: Page, names: dict[str, object]) -> Iterator[str]:
    """Yield what blocks print, then the page's text with its values."""
    for _, output in page.run(names):
        yield output
    yield fill(page.markdown, functools.partial(evaluate, names=names), str)


def without_figures(page: Page) -> Page:
    """Return the page with its drawing, which takes most of its time, left out."""
    return Page(page.path, page.text.replace('exec="1" html="1"', 'exec="0"'))


def is_numeric_function(value: object) -> bool:
    """Tell the library's functions from everything else that a page names."""
    return (
        inspect.isfunction(value)
        and value.__module__.startswith("hw4lib.")
        and not value.__module__.startswith("hw4site")
    )


def spoiled(result: Any, spoil: Callable[[Any], Any]) -> Any:
    """Return a function's result with every number in it spoiled."""
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        fields = [field.name for field in dataclasses.fields(result)]
        changes = {name: spoiled(getattr(result, name), spoil) for name in fields}
        return dataclasses.replace(result, **changes)
    if inspect.isgenerator(result):
        return (spoiled(item, spoil) for item in result)
    if isinstance(result, tuple):
        items = [spoiled(item, spoil) for item in result]
        return type(result)._make(items) if hasattr(result, "_make") else tuple(items)
    kind = np.asarray(result).dtype.kind
    if kind == "b":
        return np.logical_not(result)
    if kind == "i":
        return result + 1
    return spoil(result) if kind == "f" else result


# The sign not alone: two factors that are both negated have the right product.
@pytest.mark.parametrize(
    "spoil", [lambda x: -1.001 * x, lambda x: 1.01 * x], ids=["sign", "factor"]
)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_no_function_of_a_page_can_be_wrong_unseen(
    problem: str, spoil: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its result times -1.001 or 1.01 makes a block fail or a text differ."""
    page = without_figures(read_page(DOCS / f"{problem}.md"))
    names: dict[str, object] = {}
    right = list(shown(page, names))
    unseen = []
    for function in filter(is_numeric_function, names.values()):
        with monkeypatch.context() as patch:
            spoil_everywhere(function, spoil, patch)
            try:
                wrong = shown(page, {})
                if all(a == b for a, b in zip(wrong, right, strict=True)):
                    unseen.append(function.__name__)
            except Exception:
                continue
    assert names
    assert unseen == []


def spoil_everywhere(
    function: Callable[..., Any],
    spoil: Callable[[Any], Any],
    patch: pytest.MonkeyPatch,
) -> None:
    """Put a spoiled function wherever the library names it."""

    @functools.wraps(function)
    def wrong(*arguments: Any, **options: Any) -> Any:
        return spoiled(function(*arguments, **options), spoil)

    library = [module for name, module in sys.modules.items() if "hw4lib." in name]
    for module in library:
        if vars(module).get(function.__name__) is function:
            patch.setattr(module, function.__name__, wrong)


MISTAKES = [
    ("backpropagation", "backpropagation.py", "w1 - eta * g.w1", "w1 + eta * g.w1"),
    ("noisy_targets", "noisy_targets.py", "(1.0 - 2.0 * eps) * _s", "(1.0 - eps) * _s"),
    ("architecture", "architecture/initialization.py", "2.0 / M", "1.0 / M"),
    ("architecture", "architecture/convolution.py", "2 * self.p", "self.p"),
    ("architecture", "architecture/attention.py", "q / math.sqrt(", "q / ("),
    (
        "architecture",
        "architecture/encoding.py",
        "-1j * pairs",
        "1j * pairs",
    ),
    ("online_learning", "online_learning/regret.py", "(2.0 * n)", "n"),
    ("online_learning", "online_learning/regret.py", "R + 2.0 * lam", "R + lam"),
    (
        "online_learning",
        "online_learning/descent.py",
        "lam * w - pull",
        "lam * w + pull",
    ),
    (
        "adversarial_example",
        "adversarial_example.py",
        "np.subtract(x, step",
        "np.add(x, step",
    ),
]

SHOW = """\
import sys
from functools import partial
from pathlib import Path
import hw4lib
from hw4site.pages import read_page
from hw4site.values import evaluate, fill
page, names = read_page(Path(sys.argv[1])), {}
assert Path(hw4lib.__file__).parent == Path.cwd() / "hw4lib", "the wrong library"
for _, output in page.run(names):
    print(output, end="")
print(fill(page.markdown, partial(evaluate, names=names), str), end="")
"""


@pytest.mark.parametrize(("page", "module", "right", "wrong"), MISTAKES)
def test_a_mistake_in_the_library_shows(
    page: str, module: str, right: str, wrong: str, tmp_path: Path
) -> None:
    """Written into a copy, a wrong sign or constant fails a block or changes a text."""
    copy = tmp_path / "hw4lib"
    shutil.copytree(Path(hw4lib.__file__).parent, copy)
    text = (copy / module).read_text(encoding="utf-8")
    assert right in text, f"{module} has changed, expected `{right}` to spoil"
    (copy / module).write_text(text.replace(right, wrong), encoding="utf-8")

    path = DOCS / f"{page}.md"
    run = subprocess.run(
        [sys.executable, "-c", SHOW, path],
        cwd=tmp_path,  # where Python looks for `hw4lib` first
        capture_output=True,
        text=True,
        check=False,
    )

    assert "the wrong library" not in run.stderr
    assert run.returncode or run.stdout != "".join(shown(read_page(path), {}))
