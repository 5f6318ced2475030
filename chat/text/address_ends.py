"""Where an address of the web ends in a text, in any script.

It is read once from its beginning. Blanks, quotes and characters that nobody sees end it. So does
punctuation that is not of ASCII, such as ``。`` and ``”``, except where people write it inside of
names: ``L’Équipe``. Brackets belong to the address if they are balanced, to any depth. Marks at the
end, such as the full stop, belong to the sentence.
"""

import unicodedata
from typing import Final

_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}
_CLOSERS: Final = frozenset(_CLOSING.values())
_ENDS: Final = frozenset('<>"`\\｜＜＞')
_TRAILING: Final = frozenset(".,:;!?'*_~")
# Inside of a name, between letters or digits: hyphens, apostrophes, dots in the middle, and what
# separates syllables or marks abbreviations.
_INSIDE: Final = frozenset("．‐‑‒–’·‧・٪׳״་\u200c\u200d")


def end_of_address(text: str, start: int) -> int:
    """Return the end of the address whose host begins at ``start``."""
    brackets: list[tuple[str, int]] = []  # that are open: the closing one, and where it was opened
    at = start
    while at < len(text) and not _ends(text, at):
        if text[at] in _CLOSING:
            brackets.append((_CLOSING[text[at]], at))
        elif text[at] in _CLOSERS:
            if not brackets or brackets[-1][0] != text[at]:
                break
            brackets.pop()
        at += 1
    return without_trailing(text, start, brackets[0][1] if brackets else at)


def without_trailing(text: str, start: int, end: int) -> int:
    """Return the end without the marks of the sentence."""
    while end > start and text[end - 1] in _TRAILING:
        end -= 1
    return end


def _ends(text: str, at: int) -> bool:
    character = text[at]
    if character.isascii():
        return character in _ENDS or not character.isprintable() or character == " "
    if character in _INSIDE:
        return not (text[at - 1].isalnum() and text[at + 1 : at + 2].isalnum())
    return unicodedata.category(character)[0] in "ZCP" or character in _ENDS
