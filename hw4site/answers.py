"""Answer boxes: the reader tries an answer and is told which one it was.

A box carries the right answers and the answers of known slips, all computed at build;
`docs/assets/formula.js` reads what is typed and judges it. Print a box from a block
with `html="1"`.
"""

import html
import json
import math
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hw4site.figures import in_words

CLOSE = 10
"""How many tolerances from the right answer still count as close."""

VARIANTS = 20
"""How many questions a box with new numbers has, the sheet's own among them."""

_NUMBER = re.compile(r"[-−]?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Number:
    """A question whose answer is a number."""

    prompt: str
    """What to type, in words and Unicode: `∂E/∂w₁ =`."""
    answer: float
    """The right answer."""
    slips: Mapping[str, float]
    """What went wrong, in a sentence, to the number that comes of it."""
    accept: Mapping[str, float] = field(default_factory=dict)
    """What else is right: a sentence on what proves it, to the number."""
    says: str = ""
    """What to say of the right answer."""
    solution: str = ""
    """The derivation in one line, in Unicode."""


def number_box(
    name: str,
    prompt: str,
    answer: float,
    *,
    slips: Mapping[str, float],
    accept: Mapping[str, float] | None = None,
    says: str = "",
    tolerance: float = 0.005,
) -> str:
    """Return a box for a number.

    Args:
        name: Unique among the boxes of the site, such as `1-1-f`.
        prompt: What to type, in words and Unicode: `∂E/∂w₁ =`.
        answer: The right answer.
        slips: What went wrong, in a sentence, to the number that comes of it.
        accept: What else is right: a sentence on what proves it, to the number.
        says: What to say of the right answer.
        tolerance: Largest accepted error relative to the answer (absolute for 0).

    Raises:
        ValueError: If a slip cannot be told from an answer or from another slip, if
            there is none, or if a number is not finite.
    """
    number = Number(prompt, answer, slips, accept or {}, says)
    data = {"kind": "number", **_judged(number, tolerance), **_limits(tolerance)}
    return _element(name, data, _field(name, in_words(prompt)))


def variants_box(
    name: str,
    rule: Callable[..., Number],
    *,
    sheet: Mapping[str, Any],
    draw: Callable[[np.random.Generator], Mapping[str, Any]],
    tolerance: float = 0.005,
) -> str:
    """Return a box for a number that can be asked again with new numbers.

    Args:
        name: Unique among the boxes of the site, such as `1-1-f`.
        rule: Makes a question of given numbers, which it takes by their names. Its
            prompts differ in numbers alone.
        sheet: The given numbers of the homework: the first question.
        draw: Draws given numbers for one more question. It is called with a generator
            whose seed is the box's name, until there are `VARIANTS` questions; numbers
            whose slips cannot be told from the answer are drawn again.
        tolerance: Largest accepted error relative to the answer (absolute for 0).

    Raises:
        ValueError: If the sheet's question has a fault, as for `number_box`, the
            draws give too few different questions, or the questions differ in more
            than their numbers.
    """
    first = rule(**sheet)
    found = {first.prompt: _variant(first, tolerance)}
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    for _ in range(100 * VARIANTS):
        if len(found) == VARIANTS:
            break
        number = rule(**draw(rng))
        try:
            found.setdefault(number.prompt, _variant(number, tolerance))
        except ValueError:
            continue
    else:
        raise ValueError(f"`draw` gives {len(found)} questions, expected {VARIANTS}")
    words = {tuple(_NUMBER.split(prompt)) for prompt in found}
    if len(words) != 1:
        raise ValueError(f"`rule` asks in the words {sorted(words)}, expected the same")
    shared, variants = _shared(list(found.values()))
    data = {"kind": "number", **shared, "variants": variants, **_limits(tolerance)}
    asked = _NUMBER.sub(r"\0\g<0>\0", first.prompt).split("\0")
    label = "".join(
        f"<span data-given>{piece}</span>" if i % 2 else in_words(piece)
        for i, piece in enumerate(asked)
    )
    return _element(name, data, _field(name, label), new=True)


def formula_box(
    name: str,
    prompt: str,
    *,
    points: Mapping[str, ArrayLike],
    answers: Mapping[str, ArrayLike],
    slips: Mapping[str, ArrayLike],
    factors: Mapping[str, ArrayLike] | None = None,
    spare: Sequence[str] = (),
    edges: int = 0,
    edge: str = "",
    tolerance: float = 1e-6,
) -> str:
    """Return a box for a formula, judged by its values at points.

    Args:
        name: Unique among the boxes of the site, such as `1-1-g`.
        prompt: What to type, in words and Unicode: `w₁ ←`.
        points: The letters that may be used, each to its value at every point: letters
            for related quantities have values that agree with each other.
        answers: What to say of a right answer, to its values at the points.
        slips: What went wrong, in a sentence, to the values that come of it.
        factors: Factors of the answer by name, to their values: a formula that lacks
            one, or has it twice, is told so.
        spare: Letters that have no place in the answer.
        edges: How many points, the last ones, lie where the domain ends or bends.
        edge: What to say to whoever is right except there.
        tolerance: Largest accepted error relative to an answer: larger where
            readers type rounded constants.

    Raises:
        ValueError: If a shape does not fit, a value is not finite, or a slip cannot be
            told from an answer.
    """
    letters = {k: np.asarray(v, dtype=float).tolist() for k, v in points.items()}
    count = {len(values) for values in letters.values()}
    if len(count) != 1:
        raise ValueError(f"`points` have lengths {sorted(count)}, expected one length")
    (size,) = count
    kinds = {"answers": answers, "slips": slips, "factors": factors or {}}
    values = {
        kind: [(_values(text, v, size), text) for text, v in pairs.items()]
        for kind, pairs in kinds.items()
    }
    inside = size - edges
    for slip, text in values["slips"]:
        for right, _ in values["answers"]:
            closest = max(1e-3, 2 * tolerance)
            if np.allclose(slip[:inside], right[:inside], rtol=closest, atol=0):
                raise ValueError(f"`{text}` has the values of an answer")
    data = {
        "kind": "formula",
        "names": list(letters),
        "points": [
            {k: float(f"{v[i]:.12g}") for k, v in letters.items()} for i in range(size)
        ],
        **values,
        "spare": list(spare),
        "edges": edges,
        "edge": edge,
        "tolerance": tolerance,
    }
    return _element(name, data, _field(name, in_words(prompt)), letters=letters)


def grid_box(
    name: str,
    prompt: str,
    cells: Sequence[Sequence[str]],
    *,
    letters: Sequence[str] = (),
    choices: Sequence[str] = (),
    says: str = "",
    slips: Mapping[str, Sequence[Sequence[str]]] | None = None,
) -> str:
    """Return a box for the entries of a matrix, typed or chosen.

    Args:
        name: Unique among the boxes of the site, such as `3-2-a`.
        prompt: What to fill in.
        cells: The right entries, row by row.
        letters: The letters of entries that are typed; an empty entry is 0.
        choices: What each entry is chosen from, in place of typing.
        says: What to say of the right grid.
        slips: What went wrong, in a sentence, to the grid that comes of it.

    Raises:
        ValueError: If rows differ in length or a right entry is not a choice.
    """
    width = {len(row) for row in cells}
    flat = [cell for row in cells for cell in row]
    if len(width) != 1:
        raise ValueError(f"`cells` has rows of lengths {sorted(width)}, expected one")
    if choices and not set(flat) <= set(choices):
        raise ValueError(f"`cells` holds {set(flat) - set(choices)}, expected choices")
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    data = {
        "kind": "grid",
        "cells": flat,
        "names": list(letters),
        "choices": list(choices),
        "points": [
            {letter: float(f"{v:.6g}") for letter, v in zip(letters, row, strict=True)}
            for row in rng.uniform(1, 2, (3, len(letters)))
        ],
        "says": says,
        "slips": [
            [[c for row in grid for c in row], text]
            for text, grid in (slips or {}).items()
        ],
    }
    rows = []
    for i, row in enumerate(cells, 1):
        entries = []
        for j in range(1, len(row) + 1):
            label = f'aria-label="row {i}, column {j}"'
            options = '<option label=" "></option>' + "".join(
                f"<option>{html.escape(c)}</option>" for c in choices
            )
            entries.append(
                f"<td><select {label}>{options}</select></td>"
                if choices
                else f'<td><input type="text" {label} autocomplete="off" '
                'autocapitalize="off" spellcheck="false"></td>'
            )
        rows.append(f"<tr>{''.join(entries)}</tr>")
    grid = f'<table class="hw4-grid" role="presentation">{"".join(rows)}</table>'
    legend = f"<legend>{in_words(prompt)}</legend>"
    fields = f"<fieldset>{legend}{grid}</fieldset>"
    return _element(name, data, fields, letters=letters)


def choice_box(
    name: str, prompt: str, *, right: Mapping[str, str], wrong: Mapping[str, str]
) -> str:
    """Return a box for one of several options, shown in alphabetical order.

    Args:
        name: Unique among the boxes of the site.
        prompt: The question.
        right: The right option, to why it is right.
        wrong: Each other option, to the slip behind it.

    Raises:
        ValueError: If there is not one right and at least one wrong option.
    """
    if len(right) != 1 or not wrong:
        raise ValueError(
            f"{len(right)} right and {len(wrong)} wrong options, "
            "expected one and at least one"
        )
    options = sorted([*right, *wrong])
    data = {
        "kind": "choice",
        "options": [[int(o in right), {**wrong, **right}[o]] for o in options],
    }
    choices = "".join(
        f'<label><input type="radio" name="try-{name}-value" value="{i}"> '
        f"{in_words(option)}</label>"
        for i, option in enumerate(options)
    )
    legend = f"<legend>{in_words(prompt)}</legend>"
    return _element(name, data, f"<fieldset>{legend}{choices}</fieldset>")


def marks(name: str, scheme: Mapping[str, float | tuple[float, str, str]]) -> str:
    """Return a marking scheme that readers tick for what they wrote.

    Args:
        name: The part, such as `2-a`.
        scheme: What earns points, to how many; in words that could be meant otherwise,
            with an answer that earns them and one that does not.

    Raises:
        ValueError: If it is empty.
    """
    if not scheme:
        raise ValueError("`scheme` is empty, expected what earns points")
    total, lines = 0.0, ""
    for text, worth in scheme.items():
        points, *examples = worth if isinstance(worth, tuple) else (worth,)
        total += points
        lines += (
            f'<li><label><input type="checkbox" value="{points:g}"> '
            f'{in_words(text)} <span class="hw4-points">{points:g}</span></label>'
        )
        if examples:
            earns, fails = map(in_words, examples)
            lines += f"<small>“{earns}” earns it. “{fails}” does not.</small>"
        lines += "</li>"
    return (
        f'<div class="hw4-scheme"><hw4-marks data-part="{name}" '
        f'data-points="{total:g}"><ul>{lines}</ul><p>Your marks: '
        f"<output>0 of {total:g}</output></p></hw4-marks></div>"
    )


def shown_letter(name: str) -> str:
    """Return a letter as the page writes it: `w₁` for `w1`, `η` for `eta`."""
    word = name.rstrip("0123456789")
    digits = name[len(word) :].translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
    word = word.removesuffix("_") if digits else word
    base, _, mark = word.partition("_")
    base = _GREEK.get(base, base)
    return (
        base
        + {"star": "*", "prime": "′"}.get(mark, f"_{mark}" if mark else "")
        + digits
    )


_GREEK = dict(
    alpha="α", beta="β", gamma="γ", delta="δ", epsilon="ε", eta="η", kappa="κ",
    omega="ω", sigma="σ", theta="θ", **{"lambda": "λ"},
)  # fmt: skip


def _variant(number: Number, tolerance: float) -> dict[str, Any]:
    return {
        "given": _NUMBER.findall(number.prompt),
        **_judged(number, tolerance),
        "solution": number.solution,
    }


def _shared(
    variants: list[dict[str, Any]],
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what questions have in common, and what is left of each.

    A sentence on a slip is in `texts`, once, and a slip has its place there.
    """
    places: dict[str, int] = {}
    for variant in variants:
        for kind in ("accept", "slips"):
            variant[kind] = [
                [value, places.setdefault(text, len(places))]
                for value, text in variant[kind]
            ]
    first = variants[0]
    shared = {k: v for k, v in first.items() if all(o[k] == v for o in variants)}
    left = [{k: v for k, v in o.items() if k not in shared} for o in variants]
    return {**shared, "texts": list(places)}, left


def _judged(number: Number, tolerance: float) -> dict[str, object]:
    """Return what a number is judged by, once its parts can be told apart."""
    if not number.slips:
        raise ValueError("`slips` is empty, expected at least one")
    right = {"the answer": float(number.answer)}
    right |= {text: float(value) for text, value in number.accept.items()}
    slips = {text: float(value) for text, value in number.slips.items()}
    everything = {**right, **slips}
    for text, value in everything.items():
        if not math.isfinite(value):
            raise ValueError(f"`{text}` is {value}, expected a finite number")
        for other, same in everything.items():
            scale = max(abs(value), abs(same)) or 1.0
            both_right = text in right and other in right
            if (
                text < other
                and not both_right
                and abs(value - same) <= 2 * tolerance * scale
            ):
                raise ValueError(f"`{text}` and `{other}` are both about {value:g}")
    return {
        "answer": _short(number.answer),
        "accept": [[_short(v), text] for text, v in number.accept.items()],
        "says": number.says,
        "slips": [[_short(value), text] for text, value in slips.items()],
        "words": f"{_percent(tolerance)} of the value"
        if number.answer
        else f"{tolerance:g} of zero",
    }


def _limits(tolerance: float) -> dict[str, object]:
    return {"tolerance": tolerance, "close": CLOSE}


def _values(text: str, values: ArrayLike, size: int) -> list[float]:
    array = np.broadcast_to(np.asarray(values, dtype=float), (size,))
    if not np.isfinite(array).all():
        raise ValueError(f"`{text}` has values that are not finite")
    return [_short(value) for value in array.tolist()]


def _short(value: float) -> float:
    """Return a number with the digits that a judgment needs."""
    return float(f"{value:.12g}")


def _field(name: str, prompt: str) -> str:
    field = f"try-{name}-value"
    return (
        f'<label for="{field}" data-prompt>{prompt}</label> '
        f'<input id="{field}" type="text" autocomplete="off" autocapitalize="off" '
        'spellcheck="false" placeholder="your answer">'
    )


def _element(
    name: str,
    data: Mapping[str, object],
    controls: str,
    *,
    letters: Iterable[str] = (),
    new: bool = False,
) -> str:
    # Between single quotes, since there are many double ones in it.
    packed = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    packed = html.escape(packed, quote=False).replace("'", "&#39;")
    more = (
        ' <button type="button" data-new>New numbers</button> <span data-count></span>'
        if new
        else ""
    )
    shown = ", ".join(map(shown_letter, letters))
    note = f'<span class="hw4-letters">Letters: {shown}</span>' if shown else ""
    read = (
        '<p class="hw4-read" aria-live="polite" hidden></p>'
        if data["kind"] in {"number", "formula"}
        else ""
    )
    return (
        '<div class="hw4-try" data-search-exclude>'
        f"<hw4-answer id=\"try-{name}\" data-box='{packed}'><form>"
        f"{controls} <button>Check</button>{more}{note}{read}"
        '<output role="status"></output></form></hw4-answer></div>'
    )


def _percent(tolerance: float) -> str:
    return f"{100 * tolerance:g} %"
