"""Every page's blocks, run as a reader runs them, with warnings as errors.

A traceback shows the page's own file and line.
"""

import ast
import copy
import dataclasses
import functools
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hw4lib
from hw4site.pages import Fence, Page, read_pages
from hw4site.values import evaluate, fill

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [page for page in read_pages(DOCS) if page.executed]
# The pages that check something, without drawing, which takes most of the time.
CHECKED = [
    dataclasses.replace(
        page, text=page.text.replace('exec="1" html="1"', 'exec="0" html="1"')
    )
    for page in PAGES
    if "assert refuses(" in page.text
]


@pytest.fixture(autouse=True)
def numpy_settings() -> Iterator[None]:
    """A page that sets how NumPy prints or warns sets it for itself."""
    with np.errstate(), np.printoptions():
        yield


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.session)
def test_blocks_and_values(page: Page) -> None:
    """Every assertion is true, every check prints, every value is one."""
    names: dict[str, object] = {}
    for fence, output in page.run(names):
        speaks = "result" in fence.options or fence.figure
        assert bool(output.strip()) == speaks, f"{page.path}:{fence.line}"

    value_of = functools.partial(evaluate, names=names)
    fill(page.markdown, value_of, lambda fault: pytest.fail(f"{page.path}: {fault}"))


# --- a wrong answer in the place of the right one ------------------------------------


def rivals(fence: Fence) -> list[ast.Assert]:
    """Return the lines of a block that refuse a wrong answer."""
    return [
        node
        for node in ast.walk(ast.parse(fence.code))
        if isinstance(node, ast.Assert)
        and isinstance(node.test, ast.Call)
        and ast.unparse(node.test.func) == "refuses"
    ]


class InItsPlace(ast.NodeTransformer):
    """Gives a check the wrong answer, as if it were the right one."""

    def __init__(self, rival: ast.Assert) -> None:
        """Name the line that refuses the wrong answer."""
        self.line = rival.lineno

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        """Turn `assert refuses(check, wrong)` into `check(wrong)`."""
        if node.lineno != self.line or not isinstance(node.test, ast.Call):
            return node
        check, *wrong = node.test.args
        call = ast.Call(check, wrong, node.test.keywords)
        return ast.copy_location(ast.Expr(call), node)


def copied(names: dict[str, object]) -> dict[str, object]:
    """Return the names of a page, with generators that draw the same again."""
    return {
        name: copy.deepcopy(value) if isinstance(value, np.random.Generator) else value
        for name, value in names.items()
    }


@pytest.mark.parametrize("page", CHECKED, ids=lambda page: page.session)
def test_no_check_accepts_the_usual_wrong_answer(page: Page) -> None:
    """With a rival in the place of the truth, the check itself fails, by assertion.

    The check has accepted the right answer before, in the same block.
    """
    names: dict[str, object] = {}
    executed = iter(page.executed)
    runs = page.run(names)
    for fence in executed:
        found = rivals(fence)
        for rival in found:
            assert isinstance(rival.test, ast.Call)
            check = ast.unparse(rival.test.args[0])
            where = f"{page.path}:{fence.line + rival.lineno}"
            right = re.search(rf"(?<!def ){re.escape(check)}\(", fence.code)
            assert right, f"{where}: `{check}` is never given the right answer"
            tree = InItsPlace(rival).visit(ast.parse(fence.code))
            code = compile(ast.fix_missing_locations(tree), where, "exec")
            mine = copied(names)
            mine["print"] = lambda *_, **__: None
            with pytest.raises(AssertionError) as caught:
                exec(code, mine)
            assert caught.traceback[-1].name.startswith("check"), where
        next(runs)


# --- a library that is wrong ----------------------------------------------------------


def is_numeric_function(value: object) -> bool:
    """Tell the library's functions from everything else that a page names."""
    return inspect.isfunction(value) and value.__module__.startswith("hw4lib.")


def spoiled(result: Any) -> Any:
    """Return a function's result with every number in it off by 1 %."""
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        wrong = copy.copy(result)
        for field in dataclasses.fields(result):
            value = spoiled(getattr(result, field.name))
            object.__setattr__(wrong, field.name, value)
        return wrong
    if inspect.isgenerator(result):
        return (spoiled(item) for item in result)
    if isinstance(result, tuple):
        items = [spoiled(item) for item in result]
        return type(result)._make(items) if hasattr(result, "_make") else tuple(items)
    wrong_by_kind = {"b": np.logical_not, "i": lambda x: x + 1, "f": lambda x: 1.01 * x}
    return wrong_by_kind.get(np.asarray(result).dtype.kind, lambda x: x)(result)


def spoil_everywhere(function: Callable[..., Any], patch: pytest.MonkeyPatch) -> None:
    """Put a spoiled function wherever the library names it."""

    @functools.wraps(function)
    def wrong(*arguments: Any, **options: Any) -> Any:
        return spoiled(function(*arguments, **options))

    for module in [m for name, m in sys.modules.items() if name.startswith("hw4lib")]:
        for name, value in list(vars(module).items()):
            if value is function:
                patch.setattr(module, name, wrong)


@pytest.mark.parametrize("page", CHECKED, ids=lambda page: page.session)
def test_no_function_of_a_page_can_be_off_by_one_percent(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An assertion fails: a text that differs would not be noticed."""
    names: dict[str, object] = {}
    list(page.run(names))
    functions = [value for value in names.values() if is_numeric_function(value)]
    unseen = []
    for function in dict.fromkeys(functions):
        with monkeypatch.context() as patch:
            spoil_everywhere(function, patch)
            try:
                list(page.run({}))
                unseen.append(function.__name__)
            except AssertionError:
                continue
            except ValueError as error:  # a label of 1.01, which the library refuses
                assert "holds 1.01, expected" in str(error)  # noqa: PT017
    assert functions
    assert unseen == []


def test_the_pages_run_the_library_of_this_checkout() -> None:
    """Another one would make every number of a page the number of somebody else."""
    assert Path(str(hw4lib.__file__)).parent == ROOT / "hw4lib"
