"""Texts as a reader sees them, for filters.

Case, width, invisible characters and the amount of white space make no difference, and a letter of
another script is the Latin one that it looks like.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from django.conf import settings

from chat.text.confusables import skeletons
from realtime.site.visible_text import is_blank

# Most texts in English: nothing to do but the case.
_PLAIN: Final = re.compile(r"[!-~]+(?: [!-~]+)*")
_JAMO: Final = re.compile("[\u1161-\u11ff]")  # joins the syllable before it
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
MAX_REMEMBERED: Final = 20_000  # characters with their marks
MAX_LENGTH: Final = 4  # of one that is remembered


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text. ``starts`` and ``ends`` say where each character comes from."""

    text: str
    starts: Sequence[int] | None = None  # None: from the same place
    ends: Sequence[int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the part of the original text that became this part."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def folded(text: str) -> Folded:
    """Return a text as filters compare it."""
    if _PLAIN.fullmatch(text):
        return Folded(text.casefold())
    confusables: bool = settings.HOLDFAST_FILTER_CONFUSABLES
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    while at < len(text):
        end = _end(text, at)
        if text[at].isspace():
            found = "" if characters and characters[-1] == " " else " "
        else:
            found = _fold(text[at:end], confusables)
        characters += found
        starts += [at] * len(found)
        ends += [end] * len(found)
        at = end
    return Folded("".join(characters), starts, ends)


def _end(text: str, at: int) -> int:
    """Return where the character at ``at`` ends, with the marks that belong to it."""
    end = at + 1
    if text[at].isspace():
        return end
    while end < len(text) and (
        unicodedata.combining(text[end]) or _is_invisible(text[end]) or _JAMO.match(text[end])
    ):
        end += 1
    return end


def _fold(character: str, confusables: bool) -> str:
    fold = _remembered if len(character) <= MAX_LENGTH else _computed
    return fold(character, confusables)


def _computed(character: str, confusables: bool) -> str:
    seen = "".join(each for each in character if not _is_invisible(each))
    seen = unicodedata.normalize("NFKC", seen)
    if confusables:
        seen = "".join(_lookalike(each) for each in seen)
    return seen.casefold()


_remembered = lru_cache(MAX_REMEMBERED)(_computed)


def _is_invisible(character: str) -> bool:
    category = unicodedata.category(character)
    return category == "Cf" or (category[0] not in "ZC" and is_blank(character))


def _lookalike(character: str) -> str:
    """Return the Latin letter or digit that a character of another script looks like."""
    if character.isascii():
        return character
    return _latin().get(skeletons(character)[0], character)


@cache
def _latin() -> dict[str, str]:
    found: dict[str, str] = {}
    for letter in _LETTERS:
        found.setdefault(skeletons(letter)[0], letter)
    return found
