"""Turns raw text into what is stored: filtered text, HTML, and the ids of mentioned members.

All of this happens before any lock is taken, because rendering is slow, and in two steps, so that
no connection to the database is held meanwhile: ``render_jobs`` reads, ``rendered`` computes.
Mentions are therefore resolved against the members of that moment: someone who joins before the
lock is not mentioned.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext_noop

from chat import policies
from chat.errors import BlockedWord, MutingWord, RaidModeOn
from chat.models import SYSTEM_USERNAME, Membership, Message, Role, Room, State
from chat.moderation import raid_mode
from chat.queries import people
from chat.queries.names import users_named
from chat.text import markdown, mentions
from chat.text.filters import FilterSet
from chat.text.search_words import has_plain_words, stored_words
from notifications.payloads import person
from realtime.protocol.errors import BadRequest, Forbidden, HoldfastError

# Characters of a text whose words are made at once: below a millisecond in any script.
SHORT: Final = 200
_BLOCKED: Final = gettext_noop(
    "Your message contains a word that is not allowed here. Remove it and try again."
)


class RawText(NamedTuple):
    author_id: int
    room: Room
    body: str
    flags: tuple[str, ...] = ()  # reasons of hooks for a review
    # For ``site_limits``. Defaults: of a text that counts against no limit.
    is_new: bool = False  # the author's account
    is_limited: bool = False  # the author neither owns nor moderates the room
    before: Message | None = None  # which the text replaces
    is_accepted: bool = False  # a moderator has read it: no filter looks at it again


@dataclass(frozen=True, slots=True)
class Text:
    """A text that can be stored."""

    body: str
    html: str
    mentions: tuple[int, ...]
    everybody: bool  # it mentions @room
    # Named, but not mentioned: people outside of the room (payloads), and the room itself by
    # someone who may not mention it.
    unreached: tuple[Mapping[str, Any], ...] = field(default=(), compare=False)
    refused_everybody: bool = field(default=False, compare=False)
    flags: tuple[str, ...] = ()  # reasons for a review
    held: tuple[str, ...] = ()  # the filters that hold it
    # Against which it was checked; None: against none.
    filters: FilterSet | None = field(default=None, repr=False, compare=False)
    words: str | None = field(default=None, repr=False, compare=False)  # for the search


class RenderJob(NamedTuple):
    """A text with everything that rendering it needs."""

    raw: RawText
    people: Mapping[str, int]  # ids of people by name
    outside: Mapping[int, Mapping[str, Any]]  # those of them who are not in the room, as payloads
    may_mention_all: bool
    filters: FilterSet
    is_raid: bool = False  # in which they may not after all


def render_texts(texts: Sequence[RawText], filters: FilterSet) -> list[Text | HoldfastError]:
    """Check, filter and render texts. The result has the error of a text that is refused.

    Two queries at most, however many texts there are.
    """
    return [rendered(job) for job in render_jobs(texts, filters)]


def render_jobs(texts: Sequence[RawText], filters: FilterSet) -> list[RenderJob]:
    """Look up the people that the texts name, in three queries at most (in a raid, some more)."""
    names = [mentions.names(text.body) for text in texts]
    named = {
        name: user
        for name, user in users_named(set().union(*names)).items()
        if user.is_active and user.username != SYSTEM_USERNAME
    }
    named_ids = {name: user.pk for name, user in named.items()}
    members = _members({text.room.pk for text in texts}, set(named_ids.values()))
    privileged = _who_may_mention_all(
        [
            text
            for text, found in zip(texts, names, strict=True)
            if not mentions.EVERYBODY.isdisjoint(found)
        ]
    )
    refused = _refused_in_a_raid(privileged)
    return [
        RenderJob(
            text,
            named_ids,
            {
                user.pk: person(user)
                for user in named.values()
                if (text.room.pk, user.pk) not in members
            },
            (text.author_id, text.room.pk) in privileged,
            filters,
            is_raid=text.author_id in refused,
        )
        for text in texts
    ]


def rendered(job: RenderJob) -> Text | HoldfastError:
    """Check, filter and render one text, without a query."""
    filtered = _filter(job.raw, job.filters)
    if isinstance(filtered, HoldfastError):
        return filtered
    return _render(*filtered, job)


def plain_text(body: str, flags: Collection[str], filters: FilterSet) -> Text | None:
    """Return a text that needs neither filters nor rendering; None for all others.

    The words of a long text in another script take milliseconds, so it is not one of them.
    """
    if flags or filters or markdown.has_markup(body):
        return None
    if len(body) > SHORT and not has_plain_words(body):
        return None
    try:
        policies.check_text(body)
    except HoldfastError:
        return None
    return Text(body, "", (), False, filters=filters, words=stored_words(body, ""))


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


def _filter(text: RawText, filters: FilterSet) -> tuple[RawText, tuple[str, ...]] | HoldfastError:
    """Return a text with masked words and flags, and the filters that hold it.

    Nothing in a direct conversation is flagged or held: moderators do not read it.
    """
    try:
        policies.check_text(text.body)
    except HoldfastError as error:
        return error
    if text.is_accepted:
        return text, ()
    found = filters.check(text.body, text.room.pk)
    if found.muting is not None:
        refusal = MutingWord(_BLOCKED)
        refusal.filter = found.muting
        return refusal
    if found.blocked or (found.held and text.room.is_direct):
        return BlockedWord(_BLOCKED)
    flags = () if text.room.is_direct else text.flags + found.flags
    return text._replace(body=found.body, flags=flags), found.held


def _render(text: RawText, held: tuple[str, ...], job: RenderJob) -> Text | HoldfastError:
    found = markdown.render(text.body, job.people, outside=job.outside, room=job.may_mention_all)
    limit: int = settings.HOLDFAST_MAX_MENTIONS
    if len(found.mentions) > limit:
        return BadRequest(
            "body: expected at most {limit} people mentioned, got {count}",
            limit=limit,
            count=len(found.mentions),
        )
    if found.everybody and job.is_raid:
        return RaidModeOn(
            "Many new accounts are sending spam, so @room is off for now."
            " Mention people by name instead."
        )
    if found.everybody and text.room.member_count > policies.ROOM_MENTION_MAX_MEMBERS:
        return Forbidden(
            "You can't use @room in a room with more than {limit} members."
            " Mention people by name instead.",
            limit=policies.ROOM_MENTION_MAX_MEMBERS,
        )
    return Text(
        text.body,
        found.html,
        found.mentions,
        found.everybody,
        unreached=tuple(job.outside[user_id] for user_id in found.unreached),
        refused_everybody=found.refused_everybody and not text.room.is_direct,
        flags=text.flags,
        held=held,
        filters=job.filters,
        words=stored_words(text.body, found.html),
    )


def _refused_in_a_raid(privileged: Collection[tuple[int, int]]) -> set[int]:
    """Return the authors who may not use @room during a raid: all but moderators of the site."""
    if not (privileged and raid_mode.current().refuse_room_mentions):
        return set()
    return {author for author, _room in privileged if not people.is_site_moderator(author)}


def _members(room_ids: Collection[int], user_ids: Collection[int]) -> set[tuple[int, int]]:
    """Return who of these people is in which of the rooms, as pairs of room and person."""
    if not user_ids:
        return set()
    rows = Membership.objects.filter(room_id__in=room_ids, user_id__in=user_ids, state=State.ACTIVE)
    return set(rows.values_list("room_id", "user_id"))


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
