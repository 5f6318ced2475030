"""Texts as they are drawn: texts that show nothing, and texts inside a sentence.

static/realtime/lib/language.js isolates by the same rule.
"""

import re
import unicodedata
from typing import Final

from django.utils.translation import get_language_bidi

# Drawn as nothing, although the category is neither Z nor C: Unicode's Default_Ignorable_Code_Point
# (fillers, inherent vowels, selectors) and blank patterns.
_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U00016fe4\U0001d159\U000e0000-\U000e0fff]"
)
# Letters that are written from the right, and characters that set a direction.
_FROM_THE_RIGHT: Final = re.compile(
    "[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc"
    "\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_DIRECTIONS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"


def is_blank(character: str) -> bool:
    """Return whether a character is drawn as nothing: separators, controls, fillers, selectors."""
    category = unicodedata.category(character)
    return (category[0] in "ZC" and category != "Cs") or _BLANK.match(character) is not None


def has_ink(text: str) -> bool:
    """Return whether a text shows anything."""
    return not all(map(is_blank, text))


def isolated(text: str) -> str:
    """Return a text that turns nothing around it, for a sentence or a title.

    It is for plain text; in HTML, ``<bdi>`` does the same.
    """
    if not text or not (get_language_bidi() or _FROM_THE_RIGHT.search(text)):
        return text
    return f"{_ISOLATE}{_DIRECTIONS.sub('', text)}{_END_ISOLATE}"
