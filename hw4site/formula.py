"""The reader of answers, run in the V8 that the build has for its mathematics.

`docs/assets/formula.js` reads and judges in the reader's browser. Here the same file
does so at build, for the table of answer tests and for the tests.
"""

import json
from pathlib import Path
from typing import Any

from py_mini_racer import MiniRacer

SOURCE = Path(__file__).parents[1] / "docs" / "assets" / "formula.js"


class Reader:
    """One V8 with the reader in it; use it as a context, so that V8 is closed."""

    def __init__(self) -> None:
        """Start V8."""
        self._v8 = MiniRacer()
        self._v8.eval(SOURCE.read_text(encoding="utf-8"))

    def __enter__(self) -> "Reader":
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close V8, which would keep a failed build from ending."""
        self._v8.close()

    def read(
        self, text: str, letters: dict[str, float] | None = None
    ) -> dict[str, Any]:
        """Return what is read: `value` and `mathml` and `notes`, or `error` and `at`.

        Args:
            text: What was typed.
            letters: The letters that may be used, with values.
        """
        return self._call(
            """(text, letters) => {
              const read = hw4Formula.read(text, Object.keys(letters));
              if (read.error) return read;
              const value = hw4Formula.evaluate(read.tree, letters);
              const mathml = hw4Formula.mathml(read.tree);
              return { value, mathml, notes: read.notes };
            }""",
            text,
            letters or {},
        )

    def judge(self, box: dict[str, Any], typed: str | list[str]) -> dict[str, Any]:
        """Return the verdict of a box on what was typed, and what is said of it.

        Args:
            box: The data of a box; of a box with new numbers, one of its questions.
            typed: What was typed, of a grid every entry.
        """
        judge = f"judge{box['kind'].capitalize()}"
        return self._call(f"(box, typed) => hw4Formula.{judge}(box, typed)", box, typed)

    def _call(self, function: str, *arguments: object) -> dict[str, Any]:
        listed = ", ".join(json.dumps(argument) for argument in arguments)
        result = self._v8.eval(f"JSON.stringify(({function})({listed}))")
        found: dict[str, Any] = json.loads(str(result))
        return found
