"""Turns raw text into what is stored: filtered text, HTML, and the ids of mentioned members.

All of this happens before any lock is taken, because rendering is slow. Mentions are therefore
resolved against the members of that moment: someone who joins before the lock is not mentioned.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q

from chat import policies
from chat.errors import BlockedWord
from chat.models import Membership, Role, Room, State
from chat.text import markdown
from chat.text.filters import FilterSet
from realtime.protocol.errors import BadRequest, Forbidden, HoldfastError


class RawText(NamedTuple):
    author_id: int
    room: Room
    body: str
    flags: tuple[str, ...] = ()  # reasons of hooks for a review


@dataclass(frozen=True, slots=True)
class Text:
    """A text that can be stored."""

    body: str
    html: str
    mentions: tuple[int, ...]
    everybody: bool  # it mentions @room
    flags: tuple[str, ...] = ()  # reasons for a review


def render_texts(texts: Sequence[RawText], filters: FilterSet) -> list[Text | HoldfastError]:
    """Check, filter and render texts. The result has the error of a text that is refused.

    Two queries at most, however many texts there are.
    """
    filtered = [_filter(text, filters) for text in texts]
    kept = [text for text in filtered if not isinstance(text, HoldfastError)]
    names = [markdown.names(text.body) if "@" in text.body else set() for text in kept]
    members = _members_named(zip(kept, names, strict=True))
    privileged = _who_may_mention_all(
        [text for text, found in zip(kept, names, strict=True) if markdown.EVERYBODY in found]
    )
    return [
        text
        if isinstance(text, HoldfastError)
        else _render(
            text, members.get(text.room.pk, {}), (text.author_id, text.room.pk) in privileged
        )
        for text in filtered
    ]


def render_text(
    author_id: int,
    room: Room,
    body: str,
    filters: FilterSet | None = None,
    flags: tuple[str, ...] = (),
) -> Text:
    """Check, filter and render one text. Raises why it is refused."""
    text = render_texts([RawText(author_id, room, body, flags)], filters or FilterSet())[0]
    if isinstance(text, HoldfastError):
        raise text
    return text


def _filter(text: RawText, filters: FilterSet) -> RawText | HoldfastError:
    """Return a text with masked words, and with the reasons of filters among its flags.

    Nothing in a direct conversation is flagged: moderators do not read it.
    """
    try:
        policies.check_text(text.body)
    except HoldfastError as error:
        return error
    found = filters.check(text.body, text.room.pk)
    if found.blocked:
        return BlockedWord(
            "Your message contains a word that isn't allowed here. Remove it and try again."
        )
    flags = () if text.room.is_direct else text.flags + found.flags
    return text._replace(body=found.body, flags=flags)


def _render(
    text: RawText, members: Mapping[str, int], may_mention_all: bool
) -> Text | HoldfastError:
    rendered = markdown.render(text.body, members, room=may_mention_all)
    limit: int = settings.HOLDFAST_MAX_MENTIONS
    if len(rendered.mentions) > limit:
        return BadRequest(
            "body: expected at most {limit} people mentioned, got {count}",
            limit=limit,
            count=len(rendered.mentions),
        )
    if rendered.everybody and text.room.member_count > policies.ROOM_MENTION_MAX_MEMBERS:
        return Forbidden(
            "You can't use @room in a room with more than {limit} members."
            " Mention people by name instead.",
            limit=policies.ROOM_MENTION_MAX_MEMBERS,
        )
    return Text(text.body, rendered.html, rendered.mentions, rendered.everybody, text.flags)


def _members_named(texts: Iterable[tuple[RawText, set[str]]]) -> dict[int, dict[str, int]]:
    """Return the ids of active members by room and username."""
    wanted: dict[int, set[str]] = {}
    for text, names in texts:
        if names:
            wanted.setdefault(text.room.pk, set()).update(names)
    if not wanted:
        return {}
    pairs = Q()
    for room_id, names in wanted.items():
        pairs |= Q(room_id=room_id, user__username__in=names)
    found: dict[int, dict[str, int]] = {}
    members = Membership.objects.filter(pairs, state=State.ACTIVE, user__is_active=True)
    for room_id, username, user_id in members.values_list("room_id", "user__username", "user_id"):
        found.setdefault(room_id, {})[username] = user_id
    return found


def _who_may_mention_all(texts: Sequence[RawText]) -> set[tuple[int, int]]:
    """Return the authors who may use @room, as pairs of author and room."""
    if not texts:
        return set()
    pairs = Q()
    for text in texts:
        pairs |= Q(room_id=text.room.pk, user_id=text.author_id)
    rows = Membership.objects.filter(
        pairs, state=State.ACTIVE, role__in=[Role.OWNER, Role.MODERATOR]
    )
    return set(rows.values_list("user_id", "room_id"))
