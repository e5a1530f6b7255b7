"""Answer boxes: the reader tries an answer and is told which one it was.

A box carries the right answer and the answers of known slips, all computed at build;
`docs/assets/site.js` compares. Print it from a block with `html="1"`.
"""

import html
import json
import math
from collections.abc import Mapping

CLOSE = 10
"""How many tolerances from the right answer still count as close."""


def number_box(
    name: str,
    prompt: str,
    answer: float,
    *,
    slips: Mapping[str, float],
    tolerance: float = 0.005,
) -> str:
    """Return a box for a number.

    Args:
        name: Unique among the boxes of the site, such as `1-1-f`.
        prompt: What to type, in words and Unicode: `∂E/∂w₁ =`.
        answer: The right answer.
        slips: What went wrong, in a sentence, to the number that comes of it.
        tolerance: Largest accepted error relative to the answer (absolute for 0).

    Raises:
        ValueError: If a slip can not be told from the answer or from another slip,
            if there is none, or if a number is not finite.
    """
    values = {"the answer": float(answer), **{k: float(v) for k, v in slips.items()}}
    if not slips:
        raise ValueError("`slips` is empty, expected at least one")
    for text, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"`{text}` is {value}, expected a finite number")
        for other, same in values.items():
            scale = max(abs(value), abs(same)) or 1.0
            if text < other and abs(value - same) <= 2 * tolerance * scale:
                raise ValueError(f"`{text}` and `{other}` are both about {value:g}")
    data = {
        "answer": float(answer),
        "tolerance": tolerance,
        "close": CLOSE,
        "slips": [[value, text] for text, value in slips.items()],
        "words": f"{_percent(tolerance)} of the value"
        if answer
        else f"{tolerance:g} of zero",
    }
    field = f"try-{name}-value"
    return _element(
        name,
        data,
        f'<label for="{field}">{html.escape(prompt)}</label> '
        f'<input id="{field}" autocomplete="off" autocapitalize="off" '
        'spellcheck="false" placeholder="1/8, sqrt(2), 1e-3">',
    )


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
        "options": [[int(o in right), {**wrong, **right}[o]] for o in options],
    }
    choices = "".join(
        f'<label><input type="radio" name="try-{name}-value" value="{i}"> '
        f"{html.escape(option)}</label>"
        for i, option in enumerate(options)
    )
    legend = f"<legend>{html.escape(prompt)}</legend>"
    return _element(name, data, f"<fieldset>{legend}{choices}</fieldset>")


def _element(name: str, data: Mapping[str, object], controls: str) -> str:
    packed = html.escape(json.dumps(data, ensure_ascii=False))
    return (
        '<div class="hw4-try" data-search-exclude>'
        f'<hw4-answer id="try-{name}" data-box="{packed}"><form>'
        f"{controls} <button>Check</button>"
        '<output role="status"></output></form></hw4-answer></div>'
    )


def _percent(tolerance: float) -> str:
    return f"{100 * tolerance:g} %"
