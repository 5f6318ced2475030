"""The grammar of mentions: where a name begins and ends in a text, and which names are the same.

Everything that reads, writes, suggests or looks up a name uses these rules; the page has the same
ones (``composer/mention_grammar.js``), and one table of examples tests both.

- A mention begins with ``@``, also in its wide form. It does not begin inside a word or an address
  of mail. A word of a script that writes words together, such as Chinese, may precede it,
  and so may one of Arabic and Hebrew, which write "and" onto the next word.
- A name ends where its word ends. Marks such as ``.`` at its end may belong to the sentence. It
  also ends where the script changes, and anywhere in a script that writes words together or adds
  particles to names, such as Korean. The longest name that someone has is meant.
- Case, composition and width make no difference.
"""

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from chat.text.confusables import COMMON, scripts

AT: Final = "@＠﹫"
# @room, and what it is called elsewhere.
EVERYBODY: Final = frozenset({"room", "here", "channel", "everyone", "all"})
MAX_LOOKED_AT: Final = 200  # signs in one text
MAX_NAMES: Final = 600  # possible names in one text; one query looks them up
LONGEST: Final = 150  # characters of a username (Django's column)
LONGEST_READ: Final = 60  # of one that is not of ASCII: each of its beginnings is looked up
NEAR: Final = 64  # characters around a mention that decide whether it is one

_SIGNS: Final = frozenset(".+-_@．＋－＿＠﹢﹣﹫")  # of names, beside letters and digits
_SIGNS_BEFORE: Final = frozenset("_+-＿＋－﹢﹣")  # at the end of the first half of a mail address
# Words are written without blanks between them, or with particles at their ends.
_JOINED: Final = frozenset(
    {
        *("HAN", "HIRAGANA", "KATAKANA", "BOPOMOFO", "HANGUL", "YI", "THAI", "LAO", "KHMER"),
        *("MYANMAR", "TIBETAN", "TAI_LE", "NEW_TAI_LUE", "TAI_THAM", "TAI_VIET", "JAVANESE"),
        *("BALINESE",),
    }
)
_JOINED_BEFORE: Final = _JOINED | {"ARABIC", "HEBREW"}


T = TypeVar("T")


class Reading(NamedTuple):
    """A possible name, and where it ends in the text."""

    name: str
    end: int


def same(name: str) -> str:
    """Return what is equal for names that are the same."""
    return _composed(_composed(name).casefold())


def find(written: str, people: Mapping[str, T]) -> T | None:
    """Return the person that a name means, of ``people`` as ``by_name`` returns them."""
    exact = people.get(_composed(written))
    return exact if exact is not None else people.get(same(written))


def by_name(people: Iterable[tuple[str, T]]) -> dict[str, T]:
    """Return people by name, for ``find``.

    Of old accounts whose names are the same, the spelling decides, and otherwise small letters do.
    """
    pairs = sorted(people, key=lambda pair: (pair[0] != same(pair[0]), pair[0]))
    found: dict[str, T] = {}
    for name, person in pairs:
        found.setdefault(same(name), person)
    return found | {_composed(name): person for name, person in pairs}


def replaced(text: str, known: Collection[str], new: str) -> str:
    """Return a text with ``new`` instead of each ``@name`` of the ``known`` names."""
    wanted = {same(name) for name in known}
    parts: list[str] = []
    done = 0
    for at, character in enumerate(text):
        if character not in AT or at < done or not may_begin(text[max(0, at - NEAR) : at]):
            continue
        for name, end in readings(text, at):
            if same(name) in wanted:
                parts += [text[done:at], new]
                done = end
                break
    return "".join([*parts, text[done:]])


def names(body: str) -> set[str]:
    """Return the names that may be mentioned in a text, as ``same``."""
    found: set[str] = set()
    if not any(sign in body for sign in AT):
        return found
    looked_at = 0
    for at, character in enumerate(body):
        if character not in AT or not may_begin(body[max(0, at - 1) : at]):
            continue
        looked_at += 1
        if looked_at > MAX_LOOKED_AT or len(found) >= MAX_NAMES:
            break
        found.update(same(name) for name, _end in readings(body, at))
    return found


def readings(text: str, at: int) -> Iterator[Reading]:
    """Yield the possible names behind the sign at ``at``, the longest first.

    A backslash before a sign is not part of the name.
    """
    name, ends = _run(text, at + 1)
    rest = text[ends[-1] : ends[-1] + NEAR] if ends else ""
    if name.isascii():
        lengths = range(len(name), len(name.rstrip(".+-_@")) - 1, -1)
    else:
        lengths = range(min(len(name), LONGEST_READ), 0, -1)
    for length in lengths:
        if length and may_end(name[:length], name[length : length + NEAR] + rest):
            yield Reading(name[:length], ends[length - 1])


def may_begin(before: str) -> bool:
    """Return whether a mention may follow this text, as it is drawn."""
    if not before or before[-1] in ".．":
        return True
    if before[-1] in AT:
        return False
    near = before[-NEAR:]
    at = len(near) - 1
    while at >= 0 and (near[at] in _SIGNS_BEFORE or _is_mark(near[at])):
        at -= 1
    return at < 0 or not near[at].isalnum() or not _JOINED_BEFORE.isdisjoint(_scripts(near[at]))


def may_end(name: str, after: str) -> bool:
    """Return whether a name may end before this text, as it is drawn."""
    at = 0
    while at < len(after) and after[at] in _SIGNS:
        at += 1
    following = after[at : at + 1]
    if not following or not (following.isalnum() or (at == 0 and _is_mark(following))):
        return True
    last = next((each for each in reversed(name) if not _is_mark(each)), "")
    if _is_mark(following):
        return False
    if _is_joined(last) or _is_joined(following):
        return True
    one, other = _scripts(last) - COMMON, _scripts(following) - COMMON
    return at == 0 and bool(one and other and one.isdisjoint(other))


def _run(text: str, start: int) -> tuple[str, list[int]]:
    """Return the characters of a name from ``start`` on, and where each of them ends."""
    characters: list[str] = []
    ends: list[int] = []
    at = start
    while at < len(text) and len(characters) < LONGEST:
        step = 2 if text[at] == "\\" and text[at + 1 : at + 2] in tuple(".+-_@") else 1
        character = text[at + step - 1]
        if not (character.isalnum() or character in _SIGNS or _is_mark(character)):
            break
        at += step
        characters.append(character)
        ends.append(at)
    return "".join(characters), ends


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _is_mark(character: str) -> bool:
    return not character.isascii() and unicodedata.category(character)[0] == "M"


def _is_joined(character: str) -> bool:
    return not character.isascii() and not _JOINED.isdisjoint(_scripts(character))


@lru_cache(4096)
def _scripts(character: str) -> frozenset[str]:
    """Return the script of a letter in its usual form: ``ｂ`` is Latin."""
    return frozenset(scripts(unicodedata.normalize("NFKC", character)))
