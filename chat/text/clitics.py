"""The words within a word of Arabic and Hebrew, which write "and", "the" or "his" onto other words.

They are words of the index too, so that والكتاب is found by الكتاب and كتاب, and והבית by הבית and
בית. Only what is long enough to be a word is one: ولد is not لد. The texts are folded
(``chat.text.search_words``): without points, and with one form of Alef.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple


class _Script(NamedTuple):
    """``before``: the particles before a word, in this order, and how short the rest may be."""

    letters: re.Pattern[str]
    before: Sequence[tuple[re.Pattern[str], int]]
    after: re.Pattern[str] | None
    least: int  # letters of a word without the particle after it


_ARABIC: Final = _Script(
    letters=re.compile("[\u0620-\u064a\u0671-\u06d3]+"),
    before=(
        (re.compile("[وف]"), 3),  # and
        (re.compile("[بكلس]"), 3),  # in, as, to, will
        (re.compile("ال|ل(?!ل)"), 2),  # the; "to the" is لل
    ),
    after=re.compile("(?:هما|كما|ها|هم|هن|كم|كن|نا|ه)\\Z"),  # his, her, their, your, our
    least=3,
)
_HEBREW: Final = _Script(
    letters=re.compile("[\u05d0-\u05ea]+"),
    before=(
        (re.compile("ו"), 2),  # and
        (re.compile("כש|ש"), 2),  # when, that
        (re.compile("[בכלמ]"), 2),  # in, as, to, from
        (re.compile("ה"), 2),  # the
    ),
    after=None,
    least=2,
)


def inner_words(word: str) -> Iterator[tuple[int, int]]:
    """Yield where each word within a folded word begins and ends, without the word itself."""
    if word.isascii():
        return
    for script in (_ARABIC, _HEBREW):
        if script.letters.fullmatch(word):
            yield from _within(word, script)


def _within(word: str, script: _Script) -> Iterator[tuple[int, int]]:
    whole = len(word)
    starts = [0]
    for pattern, least in script.before:
        if (found := pattern.match(word, starts[-1])) and whole - found.end() >= least:
            starts.append(found.end())
    after = script.after.search(word) if script.after else None
    for start in starts:
        if start:
            yield start, whole
        if after and after.start() - start >= script.least:
            yield start, after.start()
