"""Rights to read streams, and the validity of requests and broadcasts."""

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time

from django.conf import settings

from notifications.kinds import listed_kinds
from notifications.models import TITLE_MAX_LENGTH, URL_MAX_LENGTH, Level
from realtime.core.streams import Claim, Refusals
from realtime.protocol.errors import BadRequest, NotFound
from realtime.protocol.web_address import web_host
from realtime.site.visible_text import has_ink

# Notifications named in one command: ten pages of an inbox, and one transaction of some 20 ms.
MAX_IDS = 500
MAX_KINDS = 50  # named in one choice; there are some ten
MAX_IDS_NAMED = 10  # in the message of an error
MAX_ID = 2**63 - 1  # what a column of the database holds
# Characters: with a title, a link and markup it still fits into one message of a room.
BODY_MAX_LENGTH = 3000


def may_read_inbox(claims: Sequence[Claim]) -> Refusals:
    """Refuse everyone but the owner, as if the inbox did not exist."""
    return {
        claim: NotFound("There is no such stream.")
        for claim in claims
        if claim.ident != str(claim.reader.user_id)
    }


def may_read_announcements(_claims: Sequence[Claim]) -> Refusals:
    """Refuse no signed-in user."""
    return {}


def check_number_of_ids(ids: Collection[int]) -> None:
    """Raise ``BadRequest`` if a command names too many notifications for one transaction."""
    if len(ids) > MAX_IDS:
        raise BadRequest(
            "notifications: expected at most {limit} ids, got {count}",
            limit=MAX_IDS,
            count=len(ids),
        )


def check_all_found(ids: Collection[int], found: Collection[int]) -> None:
    """Raise ``NotFound`` with the ids that are not the caller's, without naming their owners."""
    missing = sorted(set(ids) - set(found))
    if missing:
        ids_named = ", ".join(map(str, missing[:MAX_IDS_NAMED]))
        if len(missing) > MAX_IDS_NAMED:
            ids_named += ", …"
        raise NotFound("There is no notification {ids} in your inbox.", ids=ids_named)


def check_kinds(names: Collection[str], *, name: str, optional: bool) -> None:
    """Raise ``BadRequest`` for kinds that cannot be switched off.

    ``optional``: the inbox would be switched off for them, not the desktop.
    """
    may = [kind.name for kind in listed_kinds() if kind.optional or not optional]
    if set(names) - set(may):
        raise BadRequest("{name}: expected some of {kinds}", name=name, kinds=", ".join(may))


def check_quiet(start: time | None, end: time | None) -> None:
    """Raise ``BadRequest`` for quiet hours with one end, or without duration."""
    if (start is None) != (end is None):
        raise BadRequest("quiet_from, quiet_to: expected both times or none")
    if start is not None and start == end:
        raise BadRequest("quiet_from, quiet_to: expected two different times")


# -- what may be broadcast -------------------------------------------------------------------------


class BadBroadcast(BadRequest):
    """A broadcast that cannot be sent, with everything that is wrong with it."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The content of a broadcast."""

    body: str
    title: str = ""
    url: str = ""
    level: str = Level.INFO
    expires_at: datetime | None = None  # of an announcement: when it stops being shown
    # Language → {"title", "body"}: what readers of that language see instead.
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    at: datetime | None = None  # when to begin; None: at once


def problems_of_words(words: Words, *, now: datetime, announced: bool) -> Iterator[str]:
    """Yield a sentence for everything that is wrong with ``words``."""
    yield from _problems_of_text("text", words.body, BODY_MAX_LENGTH, layout="\n\t")
    yield from _problems_of_text("title", words.title, TITLE_MAX_LENGTH)
    if not has_ink(words.body):
        yield "The text is empty."
    if words.level not in Level.values:
        yield f'There is no level "{words.level}"; expected one of {", ".join(Level.values)}.'
    if words.url and not is_safe_url(words.url):
        yield (
            f'The URL "{words.url}" cannot be linked to; expected http://… or https://… without a '
            f"user name, or a path of this site such as /rooms/general/."
        )
    yield from _problems_of_translations(words.translations)
    if words.at and words.at <= now:
        yield f"It should have been sent at {words.at:%Y-%m-%d %H:%M %Z}, which is over."
    if words.expires_at and words.expires_at <= (words.at or now):
        yield f"It would have expired at {words.expires_at:%Y-%m-%d %H:%M %Z}, before it is sent."
    if words.expires_at and not announced:
        yield "Only an announcement to everyone can expire."


def check_text(name: str, text: str, limit: int) -> None:
    """Raise ``BadRequest`` for a text that is too long or holds what cannot be sent."""
    for problem in _problems_of_text(name, text, limit, layout="\n\t"):
        raise BadRequest("{name}: {problem}", name=name, problem=problem)


def check_url(url: str) -> None:
    """Raise ``BadRequest`` for an address of a notification that may not become a link."""
    if url and not is_safe_url(url):
        raise BadRequest(
            "url: expected http:// or https:// without a user name, or a path of this site"
        )


def _problems_of_translations(translations: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    known = [code for code, _ in settings.LANGUAGES]
    for language, said in translations.items():
        if language not in known:
            yield f'There is no language "{language}"; expected one of {", ".join(known)}.'
        if not has_ink(said["body"]):
            yield f'There is a title in "{language}", but no text.'
        yield from _problems_of_text(
            f'text in "{language}"', said["body"], BODY_MAX_LENGTH, layout="\n\t"
        )
        yield from _problems_of_text(f'title in "{language}"', said["title"], TITLE_MAX_LENGTH)


def is_safe_url(url: str) -> bool:
    """Tell whether ``url`` may become a link: of the web, or an absolute path here.

    Browsers drop white space inside a scheme and read a backslash as a slash, so that what looks
    like a path could lead elsewhere.
    """
    if (
        len(url) > URL_MAX_LENGTH
        or "\\" in url
        or any(character.isspace() or _unsendable(character) for character in url)
    ):
        return False
    if url.startswith("/"):
        return not url.startswith("//")
    return web_host(url) is not None


def _problems_of_text(name: str, text: str, limit: int, *, layout: str = "") -> Iterator[str]:
    if len(text) > limit:
        yield f"The {name} has {len(text)} characters; expected at most {limit}."
    if bad := _unsendable(text, layout):
        yield f"The {name} holds the character U+{ord(bad):04X}, which cannot be sent."


def _unsendable(text: str, layout: str = "") -> str | None:
    """Return the first control character or lone surrogate: databases and terminals refuse them."""
    return next(
        (
            character
            for character in text
            if character not in layout and unicodedata.category(character) in {"Cc", "Cs"}
        ),
        None,
    )
