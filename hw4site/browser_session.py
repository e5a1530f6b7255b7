"""A page's blocks as a reader edits and runs them in the browser.

`docs/assets/python-worker.js` imports this module, which the site serves as a file. A
block runs after those before it, and finds the names as they have left them, however
often it runs: what it gives depends on the code on the page alone.
"""

import copy
import linecache
import re
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO

import numpy as np

LIMIT = 100_000
"""How many characters of an output are kept."""

ROUNDING = 1e-9
"""How far a number may be from the published one, relative to it (absolute below 1)."""

_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?(?!\w)")


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Attributes:
        output: What the last block printed, warnings included.
        error: The traceback of the first block that failed, or nothing.
        failed: The name of that block, or nothing.
    """

    output: str
    error: str = ""
    failed: str = ""


class Session:
    """The names of a page, as its blocks define them one after the other."""

    def __init__(self) -> None:
        """Start with no name."""
        self._names: dict[str, object] = {}
        self._state = _State(self._names)
        self._ran: list[tuple[str, _State]] = []

    def run(
        self,
        blocks: Sequence[tuple[str, str]],
        tell: Callable[[str], object] = str,
    ) -> Outcome:
        """Run the last block, after those before it that have not run as they are.

        Args:
            blocks: Name and code of each block from the first of the page on.
            tell: Is told the name of each block before it runs.
        """
        last = len(blocks) - 1
        same = 0
        while (
            same < min(last, len(self._ran)) and self._ran[same][0] == blocks[same][1]
        ):
            same += 1
        del self._ran[same:]
        (self._ran[-1][1] if self._ran else self._state).restore(self._names)
        for name, code in blocks[same:]:
            tell(name)
            output, error = self._execute(name, code)
            if error:
                return Outcome(output, error, name)
            self._ran.append((code, _State(self._names)))
        return Outcome(output)

    def _execute(self, name: str, code: str) -> tuple[str, str]:
        """Return what a block printed, and its traceback if it failed."""
        file = f"<{name}>"
        # So that a traceback shows the block's own lines.
        linecache.cache[file] = (len(code), None, code.splitlines(True), file)
        output = _Output()
        try:
            with redirect_stdout(output), redirect_stderr(output):
                exec(compile(code, file, "exec"), self._names)
        except BaseException as error:
            trace = error.__traceback__
            error.__traceback__ = trace and trace.tb_next  # without this very frame
            return output.getvalue(), "".join(traceback.format_exception(error))
        return output.getvalue(), ""


class _State:
    """A copy of names and of what NumPy is set to, safe from what later code does."""

    def __init__(self, names: dict[str, object]) -> None:
        self._names = _copied(names)
        self._printing = np.get_printoptions()
        self._warning = np.geterr()

    def restore(self, names: dict[str, object]) -> None:
        # The dictionary stays the same: functions look their names up in it.
        names.clear()
        names.update(_copied(self._names), __name__="__main__")
        np.set_printoptions(**self._printing)
        np.seterr(**self._warning)


def _copied(names: dict[str, object]) -> dict[str, object]:
    memo: dict[int, object] = {}  # what two names share stays shared
    copies = {}
    for name, value in names.items():
        try:
            copies[name] = copy.deepcopy(value, memo)
        except Exception:  # a module, an open iterator: shared
            copies[name] = value
    return copies


class _Output(StringIO):
    """Text up to a limit, so that endless prints do not fill the memory."""

    def write(self, text: str) -> int:
        room = LIMIT - self.tell()
        if room > 0:
            cut = f"\n(cut after {LIMIT:,} characters)"
            super().write(text if len(text) < room else text[:room] + cut)
        return len(text)


def compare(published: str, output: str) -> tuple[str, str]:
    """Return `same`, `rounding` or `different`, and where, in words.

    Args:
        published: What the page shows.
        output: What the block printed here.
    """
    then, now = (text.strip().splitlines() for text in (published, output))
    then, now = ([line.rstrip() for line in lines] for lines in (then, now))
    if then == now:
        return "same", "Same as published." if then else "Prints nothing, as published."
    if not then:
        return "different", "Different: the published block prints nothing."
    for number, (old, new) in enumerate(zip(then, now, strict=False), 1):
        if old == new:
            continue
        if not _close(old, new):
            words = f"line {number} is “{_short(new)}”, published is “{_short(old)}”"
            return "different", f"Different from published: {words}."
    if len(then) != len(now):
        words = f"the number of lines is {len(now)}, published is {len(then)}"
        return "different", f"Different from published: {words}."
    return "rounding", f"Same as published up to rounding ({ROUNDING:g})."


def _close(old: str, new: str) -> bool:
    """Whether two lines differ in nothing but the last digits of their numbers."""
    if _NUMBER.sub("#", old).split() != _NUMBER.sub("#", new).split():
        return False
    then, now = (np.array(_NUMBER.findall(line), float) for line in (old, new))
    return bool(np.all(abs(now - then) <= ROUNDING * np.maximum(1, abs(then))))


def _short(line: str) -> str:
    text = line.strip()
    return text if len(text) <= 80 else f"{text[:80]}…"
