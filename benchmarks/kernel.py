"""A kernel: its inputs, our function and its peers."""

import fnmatch
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

import benchmarks
from benchmarks import peers

Size: TypeAlias = Mapping[str, int]
Call: TypeAlias = Callable[[], Any]
Prepare: TypeAlias = Callable[..., Call]


@dataclass(frozen=True)
class Side:
    """One way to compute the result.

    Attributes:
        name: What the page calls it; ours is called by its engine.
        prepare: Takes the inputs, returns the call that is timed.
        ours: Whether it is ours.
        jit: Whether the first call compiles, which is shown and not counted.
        at_most: Sizes of the first letter beyond this are not run: too slow.
        work: What it does less or more than ours, if the work is not equal.
    """

    name: str
    prepare: Prepare
    ours: bool = False
    jit: bool = False
    at_most: float = np.inf
    work: str = ""


@dataclass
class Kernel:
    """A kernel at two sizes.

    Attributes:
        name: What the page calls it.
        inputs: Takes a random generator and a size, returns the arguments of all sides.
        sizes: What is measured, ascending in the first letter.
        small: The size at which the tests compare the results.
        tolerance: Relative and absolute tolerance of the comparison.
        sides: Ours first, by one engine or two, then peers.
    """

    name: str
    inputs: Callable[..., tuple[Any, ...]]
    sizes: list[Size]
    small: Size
    tolerance: tuple[float, float] = (1e-9, 1e-12)
    sides: list[Side] = field(default_factory=list)

    def ours(self, prepare: Prepare) -> Prepare:
        """Register our function."""
        self.sides.insert(0, Side("numpy", prepare, ours=True))
        return prepare

    def engines(self, prepare: Prepare) -> Prepare:
        """Register our function, whose preparation takes the engine first."""
        for k, engine in enumerate(("numpy", "numba")):
            side = Side(
                engine,
                lambda *arguments, engine=engine: prepare(engine, *arguments),
                ours=True,
                jit=engine == "numba",
            )
            self.sides.insert(k, side)
        return prepare

    def peer(self, name: str, **options: Any) -> Callable[[Prepare], Prepare]:
        """Register a peer, with the options of `Side`."""

        def register(prepare: Prepare) -> Prepare:
            self.sides.append(Side(name, prepare, **options))
            return prepare

        return register

    def limit(self, *, exponentials: int = 0) -> None:
        """Register what no method can leave out, as one loop in C.

        It reads the largest arguments and writes the largest results into new memory,
        those of at least half the size of the largest of all.

        Args:
            exponentials: How many exponentials, or logarithms, each entry needs.
        """
        exps = f", {exponentials} exp" if exponentials else ""

        @self.peer(f"limit: memory{exps}", work="limit")
        def _(*arguments: Any) -> Call:
            loop = peers.c("limit")
            results = [*map(np.asarray, _leaves(self.sides[0].prepare(*arguments)()))]
            given = [a for a in arguments if isinstance(a, np.ndarray)]
            least = max(a.size for a in given + results) / 2.0
            reads = [a for a in given if a.size > least]
            writes = sum(a.size > least for a in results)
            n = min(a.size for a in given + results if a.size > least)

            def call() -> tuple[()]:
                new = [np.empty(n) for _ in range(writes)]
                loop(n, len(reads), reads, exponentials, writes, new)
                return ()

            return call

    def arguments(self, size: Size) -> tuple[Any, ...]:
        """Return the inputs of a size, the same in every process."""
        return self.inputs(np.random.default_rng(790), **size)

    def sides_at(self, size: Size) -> list[Side]:
        """Return the sides that are fast enough for a size."""
        first = next(iter(size.values()))
        return [side for side in self.sides if first <= side.at_most]


def compare(kernel: Kernel, ours: Any, theirs: Any) -> None:
    """Raise AssertionError where two results differ by more than the tolerance.

    A peer may compute less than we do: then as many results are compared as it has.
    """
    rtol, atol = kernel.tolerance
    for a, b in zip(_leaves(ours), _leaves(theirs), strict=False):
        np.testing.assert_allclose(np.asarray(b), np.asarray(a), rtol=rtol, atol=atol)


def _leaves(result: Any) -> Iterator[Any]:
    if isinstance(result, tuple):
        for item in result:
            yield from _leaves(item)
    else:
        yield result


def kernels(pattern: str = "*") -> dict[str, list[Kernel]]:
    """Return the kernels whose module or name matches a pattern, by problem."""
    found: dict[str, dict[int, Kernel]] = {}
    for module in pkgutil.walk_packages(benchmarks.__path__, "benchmarks."):
        if module.name.endswith("__main__"):
            continue
        name = module.name.removeprefix("benchmarks.")
        # Kernels, and lists of them, have names in capitals.
        contents = vars(importlib.import_module(module.name)).items()
        values = [value for word, value in contents if word.isupper()]
        for item in (k for v in values for k in (v if isinstance(v, list) else [v])):
            if isinstance(item, Kernel) and (
                fnmatch.fnmatch(item.name, pattern) or fnmatch.fnmatch(name, pattern)
            ):
                found.setdefault(name.split(".")[0], {})[id(item)] = item
    return {problem: list(each.values()) for problem, each in found.items()}
