"""The rules for names that people choose: usernames, first and last names, rooms, topics.

They apply to new names only: accounts and rooms with older names keep working, and
``manage.py check_names`` lists them. Whether a name is free is decided by ``chat.queries.names``.
"""

import re
import unicodedata
from functools import cache
from typing import Final

from django.conf import settings
from django.utils.translation import gettext, gettext_noop, override

from chat.text.confusables import is_single_script, scripts, skeletons
from realtime.protocol.errors import BadRequest
from realtime.site.visible_text import is_blank

MAX_USERNAME: Final = 60  # characters; Django's column has room for 150
MAX_PERSONAL: Final = 60  # characters of a first or last name
MAX_MARKS: Final = 3  # accents on one letter; more of them cover the lines above and below

# The username of an erased account begins with it.
ERASED_PREFIX: Final = "deleted-"

# Words that the program gives a meaning to, such as @room and from:me. Reserved in every language
# of the program, like the words below (`_reserved`).
_MEANINGS: Final = (
    gettext_noop("room"),
    gettext_noop("channel"),
    gettext_noop("everyone"),
    gettext_noop("here"),
    gettext_noop("all"),
    gettext_noop("me"),
    gettext_noop("deleted"),
    gettext_noop("system"),
    gettext_noop("inbox"),
)
# Words that read as the people who run the site. A name may not even contain them.
_AUTHORITY: Final = (
    gettext_noop("admin"),
    gettext_noop("admins"),
    gettext_noop("administrator"),
    gettext_noop("administrators"),
    gettext_noop("moderator"),
    gettext_noop("moderators"),
    gettext_noop("moderation"),
    gettext_noop("support"),
    gettext_noop("staff"),
    gettext_noop("official"),
)
# Words that no person is called. Rooms may be.
_PERSONAL: Final = (
    gettext_noop("you"),
    gettext_noop("someone"),
    gettext_noop("nobody"),
    gettext_noop("anonymous"),
    gettext_noop("owner"),
    gettext_noop("team"),
    gettext_noop("help"),
    gettext_noop("security"),
    gettext_noop("announcements"),
)
# Of computers, the same in every language.
_TECHNICAL: Final = (
    *("root", "superuser", "sysadmin", "webmaster", "postmaster", "hostmaster", "abuse", "noreply"),
    *("mod", "mods", "sysop", "null", "undefined", "none", "api", "www", "new"),
)
# A reserved word is also refused with digits or dashes around it: "everyone2", "_here_".
_AROUND: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_SEPARATORS: Final = re.compile(r"[\W_]+")

_EMOJI_SELECTOR: Final = "\ufe0f"  # draws the symbol before it in colour
_JOINERS: Final = "\u200c\u200d"
# Scripts in which joiners are a part of the spelling.
_JOINING: Final = frozenset(
    {
        *("ARABIC", "SYRIAC", "MONGOLIAN", "NKO", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI"),
        *("ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "KHMER", "MYANMAR"),
    }
)
_WORD: Final = re.compile(r"[^\W\d_]+")


def clean_username(name: str) -> str:
    """Return a new username in its normal form. Raises ``BadRequest`` with what is wrong.

    Django's validator has the rest: letters, digits and @ . + - _
    """
    name = unicodedata.normalize("NFKC", name.strip())
    if not name:
        raise BadRequest("{field}: expected some text", field="username")
    _check_length(name, field="username", limit=MAX_USERNAME)
    _check_characters(name, field="username")
    if not is_single_script(name):
        raise BadRequest("{field}: letters of different alphabets can't be mixed", field="username")
    if is_reserved(name):
        raise _reserved_error("username")
    return name


def clean_personal(name: str, *, field: str) -> str:
    """Return a new first or last name. It may be empty."""
    name = _one_line(name, field=field)
    _check_length(name, field=field, limit=MAX_PERSONAL)
    _check_words(name, field=field)
    if name and not any(unicodedata.category(character)[0] in "LN" for character in name):
        raise BadRequest("{field}: expected at least one letter or digit", field=field)
    return name


def check_full_name(first_name: str, last_name: str) -> None:
    """Refuse a displayed name that reads as the people who run the site."""
    name = f"{first_name} {last_name}".strip()
    if name and is_reserved(name):
        raise _reserved_error("name")


def clean_room_name(name: str, *, may_be_reserved: bool = False) -> str:
    """Return a new name of a room, whose length the caller checks."""
    name = _one_line(name, field="name")
    _check_words(name, field="name")
    if not may_be_reserved and is_reserved(name, of_room=True):
        raise _reserved_error("name")
    return name


def clean_topic(topic: str) -> str:
    """Return a new topic. Formulas may mix alphabets, so only the characters are checked."""
    topic = _one_line(topic, field="topic")
    _check_characters(topic, field="topic")
    return topic


def is_reserved(name: str, *, of_room: bool = False) -> bool:
    """Return whether a name has a meaning, or looks like one that has."""
    whole, parts = _reserved(of_room)
    # Digits are removed first: they look like letters. "Room 2" is a good name of a room.
    variants = [name] if of_room else [name, _AROUND.sub("", name)]
    return any(
        (not of_room and shown.startswith(_look(ERASED_PREFIX)))
        or _bare(shown) in whole
        or not parts.isdisjoint(_SEPARATORS.split(_unmarked(shown)))
        for variant in variants
        for shown in skeletons(variant)
    )


def _reserved_error(field: str) -> BadRequest:
    return BadRequest("{field}: this name is reserved. Choose another one.", field=field)


def _look(text: str) -> str:
    return skeletons(text)[0]


def _unmarked(shown: str) -> str:
    """Return a skeleton without combining marks, which separate no words."""
    return "".join(c for c in shown if not unicodedata.category(c).startswith("M"))


def _bare(shown: str) -> str:
    """Return a skeleton without separators."""
    return _SEPARATORS.sub("", shown)


@cache
def _reserved(of_room: bool) -> tuple[frozenset[str], frozenset[str]]:
    """Return the looks of the words that are refused alone, and of those refused in any name."""
    whole = [*_MEANINGS] if of_room else [*_MEANINGS, *_PERSONAL]
    parts = [] if of_room else [*_AUTHORITY]
    whole += _AUTHORITY
    translated = [_translations(words) for words in (whole, parts)]
    translated[0] += [settings.HOLDFAST_APP_NAME, *(() if of_room else _TECHNICAL)]
    one, other = (frozenset(_bare(_look(word)) for word in words) for words in translated)
    return one - {""}, other - {""}


def _translations(words: list[str]) -> list[str]:
    found = list(words)
    for language, _name in settings.LANGUAGES:
        with override(language):
            found += [gettext(word) for word in words]
    return found


def _one_line(text: str, *, field: str) -> str:
    """Compose accents, and make white space one blank."""
    if any(character in "\0\n\r\u2028\u2029" for character in text.strip()):
        raise BadRequest("{field}: expected one line of text", field=field)
    return " ".join(unicodedata.normalize("NFC", text).split())


def _check_length(text: str, *, field: str, limit: int) -> None:
    if len(text) > limit:
        raise BadRequest(
            "{field}: expected at most {limit} characters, got {count}",
            field=field,
            limit=limit,
            count=len(text),
        )


def _check_words(text: str, *, field: str) -> None:
    _check_characters(text, field=field)
    normal = unicodedata.normalize("NFKC", text)
    if not all(is_single_script(word) for word in _WORD.findall(normal)):
        raise BadRequest("{field}: letters of different alphabets can't be mixed", field=field)


def _check_characters(text: str, *, field: str) -> None:
    """Refuse characters that are drawn as nothing or turn the text round, and heaps of accents."""
    if any(_is_hidden(text, index) for index in range(len(text))):
        raise BadRequest("{field}: invisible characters are not allowed", field=field)
    marks = 0
    for character in unicodedata.normalize("NFD", text):
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks > MAX_MARKS:
            raise BadRequest("{field}: too many accents on one letter", field=field)


def _is_hidden(text: str, index: int) -> bool:
    character = text[index]
    if character == " ":
        return False
    if character == _EMOJI_SELECTOR:
        return not (index and unicodedata.category(text[index - 1]) in ("So", "Sm", "Po", "Nd"))
    if character in _JOINERS:
        return not _is_spelling(text, index)
    return is_blank(character)


def _is_spelling(text: str, index: int) -> bool:
    """Return whether the joiner is between two letters of a script that needs it."""
    around = text[index - 1 : index] + text[index + 1 : index + 2]
    return len(around) == 2 and all(scripts(each) & _JOINING for each in around)
