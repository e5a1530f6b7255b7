"""Who computes is said by the caller; a missing engine says how to get it."""

import platform
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

from hw4lib import _engine
from hw4lib._engine import check_engine, compiled, elementwise


def write(numbers):
    numbers[0] = 1.0


def half(x):
    return x / 2.0


def halve(numbers):
    for i in range(len(numbers)):
        numbers[i] = half(numbers[i])


@pytest.fixture(autouse=True)
def fresh(forget):
    """No loop that was compiled in a test is there in the next."""
    forget()
    yield
    forget()


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


def decayed(a, b, c):
    """A formula with a helper, a choice and two results."""
    positive = np.where(a > b, a, b)
    return b * c * np.exp(-np.abs(a)), shifted(positive, c)


def shifted(a, c):
    return a + c


SHAPES = [
    ((), (), ()),
    ((5,), (), ()),
    ((1,), (9,), ()),
    ((6, 1), (1, 4), ()),
    ((4,), (6, 4), (6, 1)),
    ((3, 1, 2), (4, 1), (3, 1, 1)),
    ((2, 3, 4), (2, 1, 1), (4,)),
    ((0,), (), ()),
    ((3, 0), (3, 1), ()),
    ((1, 9), (1, 1), (1,)),
    ((4, 1), (4, 1), (1,)),
]


@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize("share", [2**15, 2])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_both_engines_evaluate_a_formula(rng, monkeypatch, shapes, share):
    """On arrays that broadcast, in one thread and in several."""
    monkeypatch.setattr(_engine, "_SHARE", share)
    a, b, c = (np.asarray(rng.normal(size=shape)) for shape in shapes)

    for engine in ("numpy", "numba"):
        results = elementwise(engine, decayed, a, b, c)
        expected = b * c * np.exp(-np.abs(a)), np.maximum(a, b) + c
        for result, values in zip(results, expected, strict=True):
            shape = np.broadcast_shapes(*shapes)
            assert_allclose(result, np.broadcast_to(values, shape), rtol=1e-12)
            assert np.shape(result) == shape


def positive(a, b, c):
    """A domain: the first argument is positive, and the others are any numbers."""
    return (a > 0.0) & ((b == b) & (c == c))  # noqa: PLR0124


@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize("share", [2**15, 2])
@pytest.mark.parametrize("shapes", [((9,), (), ()), ((6, 4), (4,), (6, 1))], ids=str)
@pytest.mark.parametrize(
    "wrong", [(0, 0.0), (0, -1.0), (0, np.nan), (1, np.nan), (2, np.inf)]
)
def test_a_loop_finds_the_one_number_that_is_wrong(
    rng, monkeypatch, shapes, share, wrong
):
    """Wherever it is: outside the domain, or with a result that is not finite."""
    monkeypatch.setattr(_engine, "_SHARE", share)
    arrays = [rng.uniform(1.0, 2.0, size=shape) for shape in shapes]
    argument, number = wrong

    results, right = _engine.in_loops(decayed, positive, *arrays)

    assert right is True
    assert all(np.isfinite(result).all() for result in results)
    for place in np.ndindex(np.shape(arrays[argument])):
        changed = [np.array(array) for array in arrays]
        changed[argument][place] = number
        assert _engine.in_loops(decayed, positive, *changed)[1] is False


@pytest.mark.usefixtures("numba")
def test_a_formula_takes_any_memory():
    """Every second number, read-only, and numbers that begin in the middle of one."""
    memory = np.zeros(8 * 7 + 1, np.uint8)
    unaligned = memory[1:].view(np.float64)
    unaligned[:] = np.arange(7.0)
    unaligned.flags.writeable = False

    result, _ = elementwise(
        "numba", decayed, np.arange(14.0)[::2], unaligned, unaligned
    )

    assert_allclose(result, np.arange(7.0) ** 2 * np.exp(-np.arange(0.0, 14.0, 2.0)))


def test_a_formula_is_compiled_to_vector_instructions(tmp_path):
    """Divisions of several numbers at once; with Numba's own exponential, of one."""
    pytest.importorskip("numba")
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("the names of instructions are those of another processor")
    code = """
import os, re, sys
os.environ["NUMBA_CACHE_DIR"] = sys.argv[1]
from hw4lib import _engine, backpropagation
loop, _ = _engine.fused(
    backpropagation._gradient, "vvssss", backpropagation._are_finite
)
print(len(re.findall("divpd", loop.inspect_asm(loop.signatures[0]))) > 0)
"""
    assert printed(code, tmp_path) == "True"


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (lambda a: (a + 1.0,), "a function that is called"),
        (lambda a: (shifted(a, 2.0),), "a constant"),
    ],
)
def test_a_changed_formula_is_another(other, reason):
    """Else a loop would be taken from the cache that computes what was there before."""
    assert _engine.lines_of(other) != _engine.lines_of(lambda a: (shifted(a, 1.0),)), (
        reason
    )


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


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path):
    """Below a file there is no folder, not even for an administrator."""
    pytest.importorskip("numba")
    (tmp_path / "file").touch()
    code = """
import os, sys
os.environ["NUMBA_CACHE_DIR"] = sys.argv[1]
from hw4lib.backpropagation import network_loss
print(network_loss(2.0, 1.0, 0.1, -1.0, 0.2, engine="numba"))
"""
    assert printed(code, tmp_path / "file" / "cache") == "0.125"


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
from hw4lib.online_learning import _update, online_gradient_descent
online_gradient_descent([[1.0]], [1], 0.1, engine="numba")
print(sum(_update.loop_of(1, 1).stats.cache_hits.values()))
"""
    assert two_processes(code, tmp_path) == ["0", "1"]


def test_a_formula_is_kept_for_the_next_process(tmp_path):
    """Its loop has no file of its own, but the name of what it computes."""
    pytest.importorskip("numba")
    code = """
import os, sys
os.environ["NUMBA_CACHE_DIR"] = sys.argv[1]
from hw4lib import _engine, backpropagation
backpropagation.network_loss([2.0, 3.0], 1.0, 0.1, -1.0, 0.2, engine="numba")
loop, _ = _engine.fused(
    backpropagation._loss, "vsssss", backpropagation._are_finite
)
print(sum(loop.stats.cache_hits.values()))
"""
    assert two_processes(code, tmp_path) == ["0", "1"]


def two_processes(code, folder):
    """What a program prints when it runs, and runs again."""
    return [printed(code, folder) for _ in range(2)]


def printed(code, folder):
    """What a program prints in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code, folder],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
