"""Loops are compiled when they are worth it, and only where Numba is installed."""

import sys

import numpy as np
import pytest

from hw4lib._compiled import Compiled, compile_loop


def write(numbers):
    numbers[0] = 1.0


@pytest.fixture
def compiled():
    return Compiled(lambda numba: [numba], patience=10)


@pytest.mark.parametrize("numba", ["python"], indirect=True)
def test_loops_wait_until_they_are_worth_the_import(compiled, numba):
    """Work adds up; once the loops are there, they are always there, and the same."""
    compiled.work += 6
    assert compiled() is None
    compiled.work += 4
    assert compiled() is None
    compiled.work += 1

    loops = compiled()

    assert loops == [numba]
    assert compiled() is loops


@pytest.mark.parametrize("numba", ["python"], indirect=True)
def test_loops_that_were_asked_for_are_used_from_then_on(compiled, numba):
    assert compiled.loops == [numba]
    assert compiled() is compiled.loops


def test_without_numba_there_are_no_loops(compiled, monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)

    compiled.work = 11

    assert compiled() is None
    assert compiled.loops is None


def test_loops_are_compiled_where_there_is_no_folder_to_keep_them_in(monkeypatch):
    """As in a container whose files can only be read: Numba raises, and we do not."""
    numba = pytest.importorskip("numba")
    monkeypatch.setattr("numba.core.caching.CacheImpl._locator_classes", [])
    with pytest.raises(RuntimeError, match="cannot cache"):
        numba.njit(numba.void(numba.float64[:]), cache=True)(write)

    loop = compile_loop(numba, write, numba.void(numba.float64[:]))

    numbers = np.zeros(2)
    loop(numbers)
    assert numbers.tolist() == [1.0, 0.0]
