"""Functions to write: a starter, a judge, and the library's own function behind it.

The judge is Python that runs in the reader's browser after the reader's function: it
compares the two case by case and shows the first difference with both values. At build
it runs here against the solution, which has to pass, and against each slip, which
must not.
"""

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import StringIO


@dataclass(frozen=True)
class Exercise:
    """A function to write."""

    name: str
    """Unique among the exercises, such as `backward`."""
    starter: str
    """The signature and the docstring, with a body to fill in."""
    solution: str
    """A body of the same signature that passes."""
    reference: str
    """Python that defines `reference`, the library's answer for the same arguments."""
    cases: Sequence[Sequence[object]]
    """Arguments, edges among them: numbers, and lists for arrays."""
    slips: Mapping[str, str] = field(default_factory=dict)
    """What a usual mistake is called, to a function that makes it."""


_JUDGE = """\
import json
import numpy as np
{reference}

def shown(value):
    return np.array2string(np.asarray(value), precision=6, separator=", ")

def judge(function):
    cases = json.loads({cases!r})
    for number, case in enumerate(cases, 1):
        arguments = [np.array(a) if isinstance(a, list) else a for a in case]
        wanted = np.asarray(reference(*arguments))
        given = ", ".join(map(shown, arguments))
        found = function(*map(np.copy, arguments))
        where = f"Case {{number}}, {name}({{given}}):"
        if found is None:
            return f"{{where}} nothing is returned yet."
        shape = np.shape(found)
        if shape != wanted.shape:
            return f"{{where}} the shape is {{shape}}, expected {{wanted.shape}}."
        if not np.allclose(found, wanted, rtol=1e-6, atol=1e-9):
            return f"{{where}} yours is {{shown(found)}}, expected {{shown(wanted)}}."
    return f"Right on all {{len(cases)}} cases, edges included."

print(judge({name}))
"""


def judge_of(exercise: Exercise) -> str:
    """Return the judge of an exercise, as Python."""
    name = exercise.starter.partition("def ")[2].partition("(")[0]
    return _JUDGE.format(
        reference=exercise.reference, cases=json.dumps(exercise.cases), name=name
    )


def verdict(exercise: Exercise, function: str) -> str:
    """Return what the judge prints of a function, run here.

    Args:
        exercise: The exercise.
        function: What a reader wrote.
    """
    output = StringIO()
    names: dict[str, object] = {"print": partial(print, file=output)}
    exec(function, names)
    exec(judge_of(exercise), names)
    return output.getvalue().strip()


def to_html(exercise: Exercise) -> str:
    """Return the place of an exercise on a page.

    Raises:
        ValueError: If the judge refuses the solution, or passes the starter or a slip.
    """
    if not verdict(exercise, exercise.solution).startswith("Right"):
        said = verdict(exercise, exercise.solution)
        raise ValueError(f"the solution of `{exercise.name}` is refused: {said}")
    for slip, function in {"the starter": exercise.starter, **exercise.slips}.items():
        if verdict(exercise, function).startswith("Right"):
            raise ValueError(
                f"`{slip}` of `{exercise.name}` passes, expected it not to"
            )
    data = {
        "name": exercise.name,
        "starter": exercise.starter,
        "judge": judge_of(exercise),
    }
    packed = html.escape(json.dumps(data, ensure_ascii=False))
    starter = html.escape(exercise.starter)
    # Without a script the starter stands there, to copy.
    return (
        f'<div class="hw4-write" id="write-{exercise.name}" data-search-exclude '
        f'data-exercise="{packed}"><pre><code>{starter}</code></pre></div>'
    )
