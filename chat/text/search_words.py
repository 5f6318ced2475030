"""The words of a text as the search has them: of messages when they are written, and of queries.

- **Folding**: compatibility forms (ligatures, width), case, accents, Arabic letters and digits make
  no difference; characters that nobody sees are left out.
- **Scripts that write words together**, or add particles to them, are cut into pairs of signs, so
  that any part of a text is found: 東京都 is 東京, 京都 and 都.
- **Words within words** of Arabic and Hebrew are words too (``chat.text.clitics``). They come after
  the others, so that phrases are those of the text.
- **Symbols** are words too: emoji, and what makes another word of one: ``C++``, ``#1234``,
  ``$HOME``, ``50%``. They are written in letters that both databases keep whole.

The databases split what is of ASCII as ``tokens`` does. So only other texts are stored in this form
(``stored_words``), and both databases index it instead of the text.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple
from zlib import crc32

from chat.text.clitics import inner_words
from chat.text.plain_text import BREAK, plain_for_search

_JOINED: Final = re.compile(
    "[\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf\u0f40-\u0fbc\u1000-\u103f\u1050-\u109d"
    "\u1780-\u17d3\u17d7\u19b0-\u19c9\u1a00-\u1a1b\u1a20-\u1a7c\ua980-\ua9c0\uaa60-\uaa7a"
    "\u3005-\u3007\u3031-\u3035\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f"
    "\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua48c\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U0003ffff]+"
)
# Accents of Latin, Greek and Cyrillic; points of Hebrew; vowel signs of Arabic, and its stretching.
_DROPPED: Final = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed"
    "\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]"
)
_LETTERS: Final = str.maketrans("ىیةکەۀھہıſ", "ييهكههههis")
# Vowels of Indic and other scripts are marks, and parts of words.
_WORD: Final = re.compile(
    "(?P<word>(?:[^\\W_]|[\u0900-\u0963\u0970-\u0df3\u0e31-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebc\u0ec8-\u0ece"
    "\u0f71-\u0fbc\u102b-\u103f\u1056-\u109d\u17b4-\u17d3\u19b0-\u19c9\u1a17-\u1a1b\u1a55-\u1a7c"
    "\ua980-\ua983\ua9b3-\ua9c0\uaa7b])+)"
    r"|(?P<operator>(?<!\S)[^\w\s]{2,}(?!\S))"
    r"|(?P<symbol>[^\w\s\x00-\x7f])"
)
_SIGIL: Final = re.compile(r"(?<![\w/.:?=&#$-])[#$]\Z")
_SUFFIX: Final = re.compile(r"(?:[+#]+|[%€£¥₹°])(?!\w)")
# Texts of ASCII that have no symbol of these rules.
_PLAIN: Final = re.compile(r"[^#$+%]*")
_OPERATOR: Final = re.compile(r"(?<!\S)[^\w\s]{2,}(?!\S)")
_CLUSTER: Final = re.compile(r"(?s).[\u0300-\u036f\u064b-\u065f\u3099\u309a\u1161-\u11ff]*")
_CHECKSUM_SIGNS: Final = "!#$%()*,:;=?[]^|"
MAX_REMEMBERED: Final = 128  # texts with their words; some 20 KB each at most
_ENCODED: Final = "zq"  # begins a word that is written in other letters


class SearchToken(NamedTuple):
    """A word, and the part of the text that it comes from."""

    text: str
    start: int
    end: int
    is_rest: bool = False  # the last sign of a text that is cut into pairs
    is_inner: bool = False  # within another word


@lru_cache(MAX_REMEMBERED)
def stored_words(body: str, html: str) -> str | None:
    """Return the words of a message for the index; None if they are those of its text.

    Remembered, because a row that has none asks at each save, also under the lock of the room.
    """
    if not body:
        return None
    is_plain = has_plain_words(body)
    if is_plain and not html:
        return None
    # Once is enough for words within words, which no phrase needs.
    found = indexed(plain_for_search(body, html))
    words = [token.text for token in found if not token.is_inner]
    known = frozenset(words)
    words += dict.fromkeys(each.text for each in found if each.is_inner and each.text not in known)
    if is_plain and words == [token.text for token in tokens(body)]:
        return None
    # Two texts never have the same form, so that the database sees that it belongs to an older one.
    return " ".join([*words, _checksum(body)])


def has_plain_words(body: str) -> bool:
    """Return whether the databases themselves find the words of a text without markup."""
    return bool(body.isascii() and _PLAIN.fullmatch(body) and not _OPERATOR.search(body))


def is_of(words: str, body: str) -> bool:
    """Return whether stored words are those of this text."""
    return bool(body) and words.endswith(_checksum(body))


def _checksum(body: str) -> str:
    """Return a checksum in signs that no database indexes."""
    value = crc32(body.encode())
    return "".join(_CHECKSUM_SIGNS[value >> shift & 15] for shift in range(0, 32, 4))


def tokens(text: str) -> list[SearchToken]:
    """Return the words of a text, in order."""
    folded, starts, ends = _folded(text)
    return [
        SearchToken(word, *_typed(start, end, starts, ends), is_rest)
        for match in _WORD.finditer(folded)
        for word, start, end, is_rest in _split(folded, match)
    ]


def indexed(text: str) -> list[SearchToken]:
    """Return the words of a text, in order, and then the words within them."""
    found = tokens(text)
    if text.isascii():
        return found
    folded, starts, ends = _folded(text)
    inner = [
        SearchToken(
            folded[match.start() + start : match.start() + end],
            *_typed(match.start() + start, match.start() + end, starts, ends),
            is_inner=True,
        )
        for match in _WORD.finditer(folded)
        for start, end in inner_words(match[0])
    ]
    return [*found, *inner]


def _typed(
    start: int, end: int, starts: list[int] | None, ends: list[int] | None
) -> tuple[int, int]:
    """Return the part of the text that became this part of the folded text."""
    return (start, end) if starts is None or ends is None else (starts[start], ends[end - 1])


def _split(text: str, match: re.Match[str]) -> Iterator[tuple[str, int, int, bool]]:
    start, end = match.span()
    if match["word"]:
        for joined in _JOINED.finditer(text, start, end):
            yield from _word(text, start, joined.start())
            yield from _pairs(text, joined.start(), joined.end())
            start = joined.end()
        yield from _word(text, start, end)
    elif match["operator"] or unicodedata.category(match[0]).startswith("S"):
        yield _encoded(match[0]), start, end, False


def _pairs(text: str, start: int, end: int) -> Iterator[tuple[str, int, int, bool]]:
    for at in range(start, end):
        until = min(at + 2, end)
        yield _written(text[at:until]), at, until, at + 1 == end


def _word(text: str, start: int, end: int) -> Iterator[tuple[str, int, int, bool]]:
    """Yield a word, and with the symbols around it as another one."""
    if start == end:
        return
    yield _written(text[start:end]), start, end, False
    first = start - 1 if start and _SIGIL.search(text, max(0, start - 2), start) else start
    suffix = _SUFFIX.match(text, end)
    last = suffix.end() if suffix else end
    if (first, last) != (start, end):
        yield _encoded(text[first:last]), first, last, False


def _written(word: str) -> str:
    """Return a word in letters and digits that both databases know; they would split it at marks.

    SQLite's tables are of Unicode 6.1, which has few of the signs beyond the basic plane.
    """
    return word if word.isalnum() and max(word) <= "\uffff" else _encoded(word)


def _encoded(word: str) -> str:
    return _ENCODED + "".join(f"{ord(character):02x}" for character in word)


def _folded(text: str) -> tuple[str, list[int] | None, list[int] | None]:
    """Return a text folded, and where each of its characters begins and ends in the text."""
    if text.isascii() and BREAK not in text:
        return text.lower(), None, None
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for cluster in _CLUSTER.finditer(text):
        folded = _fold(cluster[0])
        characters.append(folded)
        starts += [cluster.start()] * len(folded)
        ends += [cluster.end()] * len(folded)
    return "".join(characters), starts, ends


@lru_cache(20_000)
def _fold(cluster: str) -> str:
    if cluster.isascii():
        return "" if cluster == BREAK else cluster.lower()
    seen = "".join(each for each in cluster if unicodedata.category(each) != "Cf")
    folded = unicodedata.normalize("NFKC", seen).casefold()
    folded = _DROPPED.sub("", unicodedata.normalize("NFD", folded)).translate(_LETTERS)
    folded = unicodedata.normalize("NFC", folded)
    return "".join(str(unicodedata.decimal(each)) if each.isdecimal() else each for each in folded)
