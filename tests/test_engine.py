"""Who computes is said by the caller; a missing engine says how to get it."""

import subprocess
import sys

import numpy as np
import pytest

from hw4lib._engine import check_engine, compiled


def write(numbers):
    numbers[0] = 1.0


def half(x):
    return x / 2.0


def halve(numbers):
    for i in range(len(numbers)):
        numbers[i] = half(numbers[i])


@pytest.fixture(autouse=True)
def fresh():
    """No loop that was compiled in a test is there in the next."""
    compiled.cache_clear()
    yield
    compiled.cache_clear()


def test_numpy_needs_nothing(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    check_engine("numpy")


@pytest.mark.usefixtures("numba")
def test_numba_is_there():
    check_engine("numba")


def test_a_missing_numba_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)

    with pytest.raises(ImportError, match=r"pip install 'hw4lib\[fast\]'$"):
        check_engine("numba")


def test_a_browser_is_told_to_use_numpy(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.setattr(sys, "platform", "emscripten")

    with pytest.raises(ImportError, match="expected 'numpy', because Numba cannot run"):
        check_engine("numba")


@pytest.mark.parametrize(
    ("engine", "error"),
    [
        ("torch", ValueError),
        ("", ValueError),
        (None, TypeError),
        (["numpy"], TypeError),
    ],
)
def test_no_other_engine(engine, error):
    with pytest.raises(error, match=r"`engine` is .*, expected 'numpy' or"):
        check_engine(engine)


@pytest.mark.usefixtures("numba")
def test_a_loop_is_compiled_once():
    loop = compiled(write, "void(float64[::1])")

    numbers = np.zeros(2)
    loop(numbers)

    assert numbers.tolist() == [1.0, 0.0]
    assert compiled(write, "void(float64[::1])") is loop


@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize("reorder", [False, True])
def test_a_loop_calls_the_formulas_of_its_module(reorder):
    loop = compiled(halve, "void(float64[::1])", half, reorder=reorder)

    numbers = np.array([1.0, 3.0])
    loop(numbers)

    assert numbers.tolist() == [0.5, 1.5]


def test_a_loop_is_compiled_where_there_is_no_folder_to_keep_it_in(monkeypatch):
    """As in a container whose files can only be read: Numba raises, and we do not."""
    numba = pytest.importorskip("numba")
    monkeypatch.setattr("numba.core.caching.CacheImpl._locator_classes", [])
    with pytest.raises(RuntimeError, match="cannot cache"):
        numba.njit(numba.void(numba.float64[:]), cache=True)(write)

    numbers = np.zeros(2)
    compiled(write, "void(float64[::1])")(numbers)

    assert numbers.tolist() == [1.0, 0.0]


def test_numba_is_imported_only_where_it_is_asked_for():
    """In a process of its own: a run, and the whole package, do without."""
    code = """
import sys
from hw4lib.online_learning import online_gradient_descent
for _ in range(3):
    online_gradient_descent([[1.0]] * 5000, [1] * 5000, 0.1)
assert "numba" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_loop_is_kept_for_the_next_process(tmp_path):
    """The second process finds it in the cache, whose folder a variable may name."""
    pytest.importorskip("numba")
    code = """
import os, sys
os.environ["NUMBA_CACHE_DIR"] = sys.argv[1]
from hw4lib._engine import compiled
from hw4lib.online_learning import _update, online_gradient_descent
online_gradient_descent([[1.0]], [1], 0.1, engine="numba")
formulas = _update.share, _update.gradient, _update.step, _update.root
loop = compiled(_update.play_in_loops, _update._SIGNATURE, *formulas, reorder=True)
print(sum(loop.stats.cache_hits.values()))
"""
    hits = [
        subprocess.run(
            [sys.executable, "-c", code, tmp_path],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for _ in range(2)
    ]

    assert hits == ["0", "1"]
