"""A formula in words, for those who listen to a page.

The words follow ClearSpeak, short where the meaning is plain: "w sub 1", "x squared",
"the fraction with numerator a plus b, and denominator c".
"""

import re
import unicodedata
from collections.abc import Callable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

_SYMBOLS = {
    "\u2061": "of",  # function application
    "\u2062": "",  # invisible times
    "\u2063": "",  # invisible comma
    "\xa0": "",
    "+": "plus",
    "−": "minus",
    "±": "plus or minus",
    "=": "equals",
    "≠": "is not equal to",
    "<": "is less than",
    ">": "is greater than",
    "≤": "is at most",
    "≥": "is at least",
    "≪": "is much less than",
    "≫": "is much greater than",
    "≈": "is approximately",
    "≡": "is identical to",
    "∼": "is distributed as",
    "∝": "is proportional to",
    "∈": "in",
    "∉": "not in",
    "⋅": "times",
    "×": "times",
    "∗": "star",
    "⋆": "star",
    "∘": "composed with",
    "⊙": "elementwise times",
    "/": "over",
    "→": "to",
    "↦": "maps to",
    "⟹": "implies",
    "⇒": "implies",
    "⟺": "if and only if",
    "∂": "partial",
    "∇": "gradient",
    "∞": "infinity",
    "∅": "the empty set",
    "∀": "for all",
    "∃": "there is",
    "∑": "the sum",
    "∏": "the product",
    "∫": "the integral",
    "∪": "union",
    "∩": "intersection",
    "⊤": "transpose",
    "∣": "given",
    "|": "bar",
    "‖": "norm bar",
    "(": "open paren",
    ")": "close paren",
    "[": "open bracket",
    "]": "close bracket",
    "{": "open brace",
    "}": "close brace",
    "⟨": "open angle",
    "⟩": "close angle",
    "⌊": "open floor",
    "⌋": "close floor",
    "⌈": "open ceiling",
    "⌉": "close ceiling",
    "…": "and so on",
    "⋯": "and so on",
    "⋮": "and so on down",
    "⋱": "and so on diagonally",
    "′": "prime",
    "″": "double prime",
    "‴": "triple prime",
    "ℓ": "ell",
    "!": "factorial",
    "◼": "end of proof",
    ",": ",",
    ";": ";",
    ":": ":",
    ".": ".",
}
_ACCENTS = {
    "¯": "bar",
    "―": "bar",
    "^": "hat",
    "~": "tilde",
    "→": "vector",
    "˙": "dot",
    "¨": "double dot",
    "ˇ": "check",
    "⏞": ", braced",
    "⏟": ", braced",
}
_VARIANTS = {
    "bold": "bold",
    "bold-italic": "bold",
    "double-struck": "blackboard",
    "fraktur": "fraktur",
    "script": "script",
    "-tex-calligraphic": "script",
}
_NAMES = {"inf": "infimum", "sup": "supremum"}
_POWERS = {"2": "squared", "3": "cubed"}
# What is said right after its base, without "to the power".
_MARKS = {"prime", "double prime", "triple prime", "star", "transpose", "plus", "minus"}
_LARGE = {"the sum", "the product", "the integral", "union", "intersection"}


def speak(mathml: str) -> str:
    """Return what a formula says."""
    said = " ".join(_say(ElementTree.fromstring(mathml)).split())
    return re.sub(r"[ ,]+([,;.:])", r"\1", said).strip(",")


def _say(node: Element) -> str:
    """Say a node, with spare blanks."""
    kind = node.tag.rpartition("}")[2]
    if kind in _LEAVES:
        return _say_leaf(kind, node)
    if kind == "mtable":
        return _say_table(node)
    parts = [_say(child).strip() for child in node]
    if kind in {"mover", "munder"} and (mark := _ACCENTS.get(node[1].text or "")):
        underlined = kind == "munder" and mark == "bar"
        return f"{parts[0]} {'underlined' if underlined else mark}"
    if kind == "mfrac" and node.get("linethickness") == "0":
        return f"{parts[0]} choose {parts[1]}"
    return _SAYINGS.get(kind, _say_row)(*parts)


def _say_leaf(kind: str, node: Element) -> str:
    text = node.text or ""
    if kind in {"mspace", "mphantom"}:
        return ""
    if kind == "mtext" or len(text) != 1:
        return _NAMES.get(text, text.replace("\xa0", " "))
    variant = node.get("data-mjx-variant", node.get("mathvariant", ""))
    return f"{_VARIANTS.get(variant, '')} {_say_character(text)}"


def _say_character(character: str) -> str:
    if character in _SYMBOLS:
        return _SYMBOLS[character]
    if character.isascii():
        return f"cap {character}" if character.isupper() else character
    words = unicodedata.name(character).lower().replace("lamda", "lambda").split()
    if words[0] == "greek":
        words = ["cap" if word == "capital" else word for word in words]
        words = [word for word in words if word not in _NOT_SAID]
    return " ".join(words)


def _say_row(*parts: str) -> str:
    return " ".join(parts)


def _say_fraction(above: str, below: str) -> str:
    if " " in above or " " in below:
        return f"the fraction {above}, over {below}, end fraction,"
    return f"{above} over {below}"


def _say_root(*parts: str) -> str:
    inside = " ".join(parts)
    return f"the square root of {inside}" + (", end root," if " " in inside else "")


def _say_root_of_order(inside: str, order: str) -> str:
    return f"the root of order {order} of {inside}, end root,"


def _say_below(base: str, index: str) -> str:
    if base in _LARGE:
        return f"{base} over {index} of"
    return f"{base} sub {index}" + (" end sub" if " " in index else "")


def _say_above(base: str, power: str) -> str:
    if power in _POWERS:
        return f"{base} {_POWERS[power]}"
    if power in _MARKS:
        return f"{base} {power}"
    if power.startswith("open"):  # w^{(t)}: a place in a sequence
        return f"{base} superscript {power}"
    return f"{base} to the power {power}" + (" end power" if " " in power else "")


def _say_both(base: str, index: str, power: str) -> str:
    if base in _LARGE:
        return f"{base} from {index} to {power} of"
    return _say_above(_say_below(base, index), power)


def _say_label(base: str, label: str) -> str:
    """Say what stands above or below: a condition, a limit, a name."""
    if base.endswith("braced"):
        return f"{base} as {label},"
    return _say_below(base, label) if base in _LARGE else f"{base} over {label}"


def _say_table(table: Element) -> str:
    rows = [[_say(cell).strip() for cell in row] for row in table]
    if "right left" in table.get("columnalign", ""):  # aligned: lines, not rows
        return "; ".join(" ".join(row) for row in rows)
    said = (f"row {n}: {', '.join(row)}" for n, row in enumerate(rows, 1))
    return f"a table of {len(rows)} rows, {'; '.join(said)}, end table,"


_LEAVES = {"mi", "mn", "mo", "mtext", "mspace", "mphantom"}
_NOT_SAID = {"greek", "small", "letter", "symbol", "lunate"}
_SAYINGS: dict[str, Callable[..., str]] = {
    "mfrac": _say_fraction,
    "msqrt": _say_root,
    "mroot": _say_root_of_order,
    "msub": _say_below,
    "msup": _say_above,
    "msubsup": _say_both,
    "munder": _say_label,
    "mover": _say_label,
    "munderover": _say_both,
}
