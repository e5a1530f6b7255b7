"""Changes of the library that its tests should notice: `make mutants`.

cosmic-ray proposes the changes, in a copy of the checkout; mutmut, which is better
known, leaves decorated functions alone, and every public function here is one. Places
are drawn by a seed and then a change at each, so that a plus sign, which can become
eleven other operators, counts no more than a number. Each change is run against the
tests of its module. What is only a type error at the first call is not proposed.
"""

import argparse
import ast
import collections
import difflib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parents[1]
COPIED = ("hw4lib", "tests", "pyproject.toml")
LEFT_OUT = {"__init__.py", "_typing.py"}  # names and types: nothing to compute
SHARED = {
    "_elementary": ["test_activations", "noisy_targets/test_loss"],
    "online_learning/_recursion": [
        "online_learning/test_radius",
        "online_learning/test_adversary",
    ],
    "online_learning/descent": [
        "online_learning/test_descent",
        "online_learning/test_update",
    ],
}
"""The tests of modules that have none of their own name, or more than those."""
TYPE_ERRORS = ("Shift", "_Bit", "_Is", "_In", "_NotIn", "Invert", "_Mod", "_FloorDiv")
"""Parts of the names of operators that numbers and arrays hardly ever accept."""
TYPES = {"annassign", "tfpdef", "decorator"}
"""Nodes within which a change is one of types, which no test sees."""


class Mutant(NamedTuple):
    """A change of one place of one module."""

    module: Path
    line: int
    column: int
    operator: str
    occurrence: int

    def code(self, source: str) -> str:
        """Return the changed source."""
        changed: str = mutate_code(
            source, get_operator(self.operator)(), self.occurrence
        )
        return changed


def proposed(root: Path) -> dict[tuple[Path, int, int], list[Mutant]]:
    """Return the changes of every place of the library, in the order of the source."""
    names = [n for n in operator_names() if not get_operator(n).arguments()]
    names = [n for n in names if not any(end in n for end in TYPE_ERRORS)]
    places = collections.defaultdict(list)
    for path in sorted((root / "hw4lib").rglob("*.py")):
        if path.name in LEFT_OUT:
            continue
        module = path.relative_to(root)
        nodes = list(ast_nodes(get_ast(path.read_text(encoding="utf-8"))))
        for name in names:
            operator, occurrence = get_operator(name)(), 0
            for node in nodes:
                for (line, column), _ in operator.mutation_positions(node):
                    if not _is_type(node):
                        mutant = Mutant(module, line, column, name, occurrence)
                        places[module, line, column].append(mutant)
                    occurrence += 1
    return dict(sorted(places.items()))


def _is_type(node: object) -> bool:
    if getattr(node, "type", "") == "decorator":
        return "overload" in node.get_code()  # type: ignore[attr-defined]
    while (node := getattr(node, "parent", None)) is not None:
        if node.type in TYPES:
            return True
    return False


def drawn(root: Path, seed: int) -> Iterator[Mutant]:
    """Yield one change of each place, in an order that the seed decides."""
    draw = random.Random(seed)
    mutants = [draw.choice(changes) for changes in proposed(root).values()]
    draw.shuffle(mutants)
    return (mutant for mutant in mutants if _is_change(root, mutant))


def _is_change(root: Path, mutant: Mutant) -> bool:
    """Whether it is another program; 1e100 + 1 is not, nor is a star in a signature."""
    source = (root / mutant.module).read_text(encoding="utf-8")
    if source.split("\n")[mutant.line - 1][mutant.column :].startswith("*,"):
        return False
    return ast.dump(ast.parse(source)) != ast.dump(ast.parse(mutant.code(source)))


def tests_of(module: Path) -> list[str]:
    """Return the tests of a module: those of the same stem."""
    stem = module.relative_to("hw4lib").with_suffix("")
    own = stem.with_name(f"test_{stem.name.removeprefix('_')}").as_posix()
    return [f"tests/{name}.py" for name in SHARED.get(stem.as_posix(), [own])]


def outcome(root: Path, tests: list[str], limit: float) -> str:
    """Return what tests say of the copy: killed, survived or timed out."""
    options = ("-x", "-q", "-n", "0", "-p", "no:cacheprovider")
    settings = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(root),
        "NUMBA_CACHE_DIR": str(root / "numba"),
    }
    try:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=root,
            env={**os.environ, **settings},
            capture_output=True,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "timed out"
    return "killed" if run.returncode else "survived"


def shown(before: str, after: str) -> str:
    """Return the lines that differ, the old before the new."""
    lines = difflib.unified_diff(
        before.split("\n"), after.split("\n"), n=0, lineterm=""
    )
    changed = [
        line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    return "  ".join(f"{line[0]} {line[1:].strip()}" for line in changed)


def run(root: Path, mutants: Iterable[Mutant]) -> dict[Path, collections.Counter[str]]:
    """Try each change in the copy, print what becomes of it, and count."""
    limits: dict[Path, float] = {}
    counts: dict[Path, collections.Counter[str]] = {}
    for k, mutant in enumerate(mutants, 1):
        path, tests = root / mutant.module, tests_of(mutant.module)
        if mutant.module not in limits:
            start = time.perf_counter()
            if outcome(root, tests, 600.0) != "survived":
                raise SystemExit(f"{tests} fail without any change")
            limits[mutant.module] = 20.0 + 4.0 * (time.perf_counter() - start)
        source = path.read_text(encoding="utf-8")
        changed = mutant.code(source)
        try:
            path.write_text(changed, encoding="utf-8")
            result = outcome(root, tests, limits[mutant.module])
        finally:
            path.write_text(source, encoding="utf-8")
        counts.setdefault(mutant.module, collections.Counter())[result] += 1
        place = f"{mutant.module}:{mutant.line}"
        print(f"{k:4} {result:<9} {place}  {shown(source, changed)}", flush=True)
    return counts


def table(counts: dict[Path, collections.Counter[str]]) -> str:
    """Return how many changes of each module were noticed."""
    kinds = ("killed", "survived", "timed out")
    together = sum(counts.values(), collections.Counter())
    named = [(module.as_posix(), counts[module]) for module in sorted(counts)]
    rows = [("", kinds)] + [
        (name, [count[kind] for kind in kinds])
        for name, count in [*named, ("together", together)]
    ]
    return "\n".join(
        f"{name:<44}" + "".join(f"{cell:>11}" for cell in cells) for name, cells in rows
    )


def main() -> None:
    """Draw the changes, try them in a copy, and print a table."""
    parser = argparse.ArgumentParser(prog="mutants")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="of the order drawn")
    parser.add_argument("--seed", type=int, default=790)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        root = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, root / name, ignore=ignored)
            else:
                shutil.copy(source, root)
        last = options.first + options.count
        mutants = islice(drawn(root, options.seed), options.first, last)
        print(table(run(root, mutants)))


if __name__ == "__main__":
    main()
