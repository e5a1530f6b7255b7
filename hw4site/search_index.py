"""What the search of the built site finds, in which order, and by which words.

Material writes the index; this puts the homework first, adds the words that a student
would type and that no page says, and takes out of the pages the lines of plain text
that stand for formulas in the index alone.
"""

import json
import re
from pathlib import Path
from typing import Any

from hw4site.synonyms import SYNONYMS

BOOSTS = {
    "index": 1.0,
    "backpropagation": 8.0,
    "noisy_targets": 8.0,
    "architecture": 8.0,
    "online_learning": 8.0,
    "adversarial_example": 8.0,
    "beyond": 3.0,
    "reference": 0.5,
    "contributing": 0.2,
    "answer_tests": 0.2,
    "benchmarks": 0.1,
}
"""How much a word counts, by the first folder of a page or its name; else 2."""

_PART = re.compile(r"(\d(?:\.\d)?) \(([a-k])\)")
# What every part says of itself.
_LABELS = re.compile(
    r"<p>Question</p>"
    r"|(?:Hint \d+|Answer|Why|Mistakes|Code|Remark) (?:to|for|in) \d(?:\.\d)? \([a-z]\)"
    r"|<p>This is enough for full marks: [^<]*</p>"
)
# What pages say to the search alone.
_WORDS = re.compile(
    r'<span class="hw4-words">[^<]*</span>'
    r"|(?<=[\w\"']) data-search-exclude(?:=\"\")?(?=[ >])"
)


def write(site: Path) -> list[str]:
    """Finish the index of a built site, and its pages.

    Args:
        site: The folder of the built site.

    Returns:
        The places that have words of their own and are not in the index.
    """
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if (seen := _WORDS.sub("", text)) != text:
            page.write_text(seen, encoding="utf-8")
    path = site / "search" / "search_index.json"
    if not path.exists():
        return []
    index = json.loads(path.read_text(encoding="utf-8"))
    places = {entry["location"] for entry in index["docs"]}
    index["docs"] = [_finish(entry) for entry in index["docs"]]
    written = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
    path.write_text(written, encoding="utf-8")
    beside = path.with_suffix(".js")
    if beside.exists():  # for a copy that is opened from a folder
        beside.write_text(f"var __index = {written}", encoding="utf-8")
    return [
        f"search: there is no {place}" for place in sorted(SYNONYMS.keys() - places)
    ]


def _finish(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a section of the index with its weight and its words."""
    place: str = entry["location"]
    name = re.split(r"[./]", place, maxsplit=1)[0]
    finished = {**entry, "boost": BOOSTS.get(name, 2.0)}
    for field in ("title", "text"):
        text = _LABELS.sub("", entry[field].replace("\u2060", ""))
        finished[field] = " ".join(text.split())
    words = list(SYNONYMS.get(place, ()))
    if part := _PART.match(entry["title"]):
        words += ["{}{}".format(*part.groups()), "{}({})".format(*part.groups())]
    if words:
        finished["tags"] = words
    return finished
