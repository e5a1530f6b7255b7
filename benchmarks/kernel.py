"""A kernel: its inputs, our function, its peers and its limit."""

import fnmatch
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

import benchmarks

Size: TypeAlias = Mapping[str, int]
Call: TypeAlias = Callable[[], Any]
Prepare: TypeAlias = Callable[..., Call]


@dataclass(frozen=True)
class Side:
    """One way to compute the result.

    Attributes:
        name: What the table calls it.
        prepare: Takes the inputs, returns the call that is timed.
        kind: `ours`, `peer` or `limit`.
        floor: How many times our time it took a first prototype, at the largest size.
        floors: The same at other sizes, by the size of the kernel's first letter.
        at_most: Sizes of the first letter beyond this are not run: too slow.
        jit: Whether the first call compiles, which is shown and not counted.
        work: What it does less or more than ours, if the work is not equal.
        agrees: Whether its result is compared with ours.
    """

    name: str
    prepare: Prepare
    kind: str = "peer"
    floor: float | None = None
    floors: Mapping[int, float] = field(default_factory=dict)
    at_most: float = np.inf
    jit: bool = False
    work: str = ""
    agrees: bool = True


@dataclass
class Kernel:
    """A kernel at three sizes or more.

    Attributes:
        name: What the table calls it.
        inputs: Takes a random generator and a size, returns the arguments of all sides.
        sizes: What is measured, ascending in the first letter.
        small: The size at which the tests compare the results.
        exponent: Growth of our time in the first letter that theory expects.
        tolerance: Relative and absolute tolerance of the comparison.
        sides: Ours first, then peers and limits.
    """

    name: str
    inputs: Callable[..., tuple[Any, ...]]
    sizes: list[Size]
    small: Size
    exponent: float
    tolerance: tuple[float, float] = (1e-9, 1e-12)
    sides: list[Side] = field(default_factory=list)

    def ours(self, prepare: Prepare) -> Prepare:
        """Register our function."""
        self.sides.insert(0, Side("hw4lib", prepare, "ours"))
        return prepare

    def peer(self, name: str, **options: Any) -> Callable[[Prepare], Prepare]:
        """Register a peer, with the options of `Side`."""

        def register(prepare: Prepare) -> Prepare:
            self.sides.append(Side(name, prepare, **options))
            return prepare

        return register

    def limit(self, name: str, **options: Any) -> Callable[[Prepare], Prepare]:
        """Register what bounds the time from below on this machine."""
        return self.peer(name, kind="limit", **options)

    def arguments(self, size: Size) -> tuple[Any, ...]:
        """Return the inputs of a size, the same in every process."""
        return self.inputs(np.random.default_rng(790), **size)

    def sides_at(self, size: Size) -> list[Side]:
        """Return the sides to run; before the last size, for growth, ours alone."""
        first = next(iter(size.values()))
        if size in self.sizes[1:-1][-1:]:
            return self.sides[:1]
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


def kernels(pattern: str = "*") -> list[Kernel]:
    """Return the kernels whose module or name matches a pattern, in order."""
    found: dict[int, Kernel] = {}
    for module in pkgutil.walk_packages(benchmarks.__path__, "benchmarks."):
        if module.name.endswith("__main__"):
            continue
        values = vars(importlib.import_module(module.name)).values()
        # A module may hold its kernels in lists.
        for item in (k for v in values for k in (v if isinstance(v, list) else [v])):
            if isinstance(item, Kernel) and (
                fnmatch.fnmatch(item.name, pattern)
                or fnmatch.fnmatch(module.name.removeprefix("benchmarks."), pattern)
            ):
                found[id(item)] = item
    return list(found.values())
