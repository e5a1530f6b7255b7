"""A formula in one line of plain text, for the snippets of the search.

Short, and as one would type it: `w_1`, `1/(1 + e^(-z))`, `sqrt(2/M)`.
"""

import re
from collections.abc import Callable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

_TYPED = dict.fromkeys(map(ord, "\u2061\u2062\u2063\u2064\u200b")) | {
    ord("∗"): "*",
    ord("⋆"): "*",
    ord("ϵ"): "ε",
}
_SPACED = frozenset("=≠<>≤≥≪≫≈≡∼∝∈∉+−±→↦⟹⇒⟺")
_ATOM = re.compile(r"[^\s()+−=/]+|\([^()]*\)|[^\s()]*\([^()]*\)")


def write(mathml: str) -> str:
    """Return what a formula says, in a line."""
    line = " ".join(_write(ElementTree.fromstring(mathml)).replace("⏟", "").split())
    line = re.sub(r"\s+([,.;)])|(?<=\w\w) (?=\()", r"\1", line.replace("( ", "("))
    return re.sub(r"(^|[(=,] ?)([−+]) ", r"\1\2", line)  # signs, not operations


def _write(node: Element) -> str:
    kind = node.tag.rpartition("}")[2]
    if kind in {"mspace", "mphantom"}:
        return " "
    if not len(node):
        text = (node.text or "").translate(_TYPED).replace("\xa0", " ")
        spaced = text in _SPACED or (kind == "mi" and len(text) > 1)
        return f" {text} " if spaced or text == "," else text
    parts = [_write(child) for child in node]
    if kind == "mtable":
        return "; ".join(parts)
    if kind == "mtr":
        return " ".join(part.strip() for part in parts)
    if kind in _WRITTEN:
        return _WRITTEN[kind](*(part.strip() for part in parts))
    return "".join(parts)


def _one(text: str) -> str:
    """Return what stays together as it is, and anything else in parentheses."""
    return text if _ATOM.fullmatch(text) or not text else f"({text})"


def _sub(base: str, below: str) -> str:
    if below == "⏟":
        return base + below
    if base.endswith("⏟"):  # a brace, and what is said below it
        return f"{base[:-1]} [{below}] "
    return f"{base}_{_one(below)}"


def _sup(base: str, above: str) -> str:
    return f"{base}{above}" if above in {"′", "″"} else f"{base}^{_one(above)}"


def _over(base: str, mark: str) -> str:
    return base if mark in {"¯", "―", "^", "~", "→", "⏞"} else _sup(base, mark)


_WRITTEN: dict[str, Callable[..., str]] = {
    "msub": _sub,
    "munder": _sub,
    "msup": _sup,
    "mover": _over,
    "msubsup": lambda base, below, above: _sup(_sub(base, below), above),
    "munderover": lambda base, below, above: f"{_sup(_sub(base, below), above)} ",
    "mfrac": lambda above, below: f"{_one(above)}/{_one(below)}",
    "msqrt": lambda *inside: f"√{_one(''.join(inside))}",
    "mroot": lambda inside, degree: f"{_one(inside)}^(1/{degree})",
}
