"""Which characters look alike, and the script of a character: Unicode's tables for UTS 39.

The package confusable-homoglyphs ships both tables. They are read once, when the first name is
checked, and kept in a form of some 400 KB.
"""

import json
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

COMMON: Final = frozenset({"COMMON", "INHERITED"})  # digits, punctuation, accents
# Scripts that are written together (UTS 39, "highly restrictive").
_TOGETHER: Final = (
    frozenset({"LATIN", "HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "HAN", "BOPOMOFO"}),
    frozenset({"LATIN", "HAN", "HANGUL"}),
)
# The table encloses right-to-left characters in marks, which are not part of them.
_MARKS: Final = "\u200e\u200f"


def skeletons(name: str) -> tuple[str, str]:
    """Return what a name looks like: in small letters, and as it is written.

    Names that look alike have one of them in common: "alice" and "аlice" both, "alice" and "ALICE"
    the first, "alice" and "aIice" the second.
    """
    name = unicodedata.normalize("NFKC", name)
    return _skeleton(name.casefold()).casefold(), _skeleton(name).casefold()


def _skeleton(text: str) -> str:
    shown = unicodedata.normalize("NFD", text)
    for _ in range(2):  # some prototypes contain characters that have one themselves
        shown = unicodedata.normalize("NFD", shown.translate(_prototypes()))
    return shown


def scripts(text: str) -> set[str]:
    """Return the scripts of a text, without those of digits, punctuation and accents."""
    return {_script(character) for character in text} - COMMON


def is_single_script(text: str) -> bool:
    """Return whether the letters belong to one script, or to several that are written together.

    Decimal digits must be of one kind as well.
    """
    found = scripts(text)
    zeros = {
        ord(character) - unicodedata.decimal(character)
        for character in text
        if unicodedata.category(character) == "Nd"
    }
    return len(zeros) <= 1 and (len(found) <= 1 or any(found <= each for each in _TOGETHER))


def _script(character: str) -> str:
    starts, rows = _ranges()
    index = bisect_right(starts, ord(character)) - 1
    if index >= 0 and ord(character) <= rows[index][0]:
        return rows[index][1]
    return "UNKNOWN"


@cache
def _ranges() -> tuple[list[int], list[tuple[int, str]]]:
    data = _load("categories.json")
    names: list[str] = data["iso_15924_aliases"]
    rows = sorted(data["code_points_ranges"])
    return [row[0] for row in rows], [(row[1], names[row[2]]) for row in rows]


@cache
def _prototypes() -> Mapping[int, str]:
    """Return the text that each character is replaced with.

    The package lists both directions of each pair. The prototype of a pair is the side that has
    several partners or several characters; a pair of two loners is decided by code point.
    """
    pairs = {
        key.strip(_MARKS): {row["c"].strip(_MARKS) for row in rows}
        for key, rows in _load("confusables.json").items()
    }
    found: dict[int, str] = {}
    for source, targets in pairs.items():
        if len(source) != 1 or len(targets) != 1:
            continue
        (target,) = targets
        several = len(target) > 1 or len(pairs.get(target, ())) > 1
        if target and (several or target < source):
            found[ord(source)] = target
    return found


def _load(name: str) -> Any:
    return json.loads((files("confusable_homoglyphs") / name).read_text("utf-8"))
