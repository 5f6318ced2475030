"""What becomes of texts before anything is locked: HTML, and the people whom they mention.

Rendering takes time, and a lock is held for as little of it as can be. So names are resolved by what was known just before the lock: who
joins in between was not yet there to be mentioned.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q

from chat import policies
from chat.errors import BlockedWord
from chat.models import Membership, Role, Room, State
from chat.text import markdown
from chat.text.filters import FilterSet
from realtime.protocol.errors import BadRequest, Forbidden, HoldfastError


class Draft(NamedTuple):
    """A text of somebody for a room."""

    author_id: int
    room: Room
    body: str
    flags: tuple[str, ...] = ()  # what hooks found


@dataclass(frozen=True, slots=True)
class Text:
    """A text that can be stored."""

    body: str
    html: str
    mentions: tuple[int, ...]
    everybody: bool  # it mentions @room
    flags: tuple[str, ...] = ()  # why a moderator should look at it


def compose(drafts: Sequence[Draft], filters: FilterSet) -> list[Text | HoldfastError]:
    """Filter, check and render texts; each is answered with the text or with what is wrong with it. Two queries at most."""
    kept = [_filtered(draft, filters) for draft in drafts]
    composed = iter(_compose([each[0] for each in kept if not isinstance(each, HoldfastError)]))
    return [
        each if isinstance(each, HoldfastError) else _flagged(next(composed), each[1])
        for each in kept
    ]


def _filtered(draft: Draft, filters: FilterSet) -> tuple[Draft, tuple[str, ...]] | HoldfastError:
    """Return a draft with what is masked, and the filters that flag it. What two say to each other is flagged to nobody."""
    problem = _problem(draft.body)
    if problem is not None:
        return problem
    outcome = filters.check(draft.body, draft.room.pk)
    if outcome.blocked:
        return BlockedWord("This message has a word that is not allowed here.")
    return draft._replace(
        body=outcome.body
    ), () if draft.room.is_direct else draft.flags + outcome.flags


def _flagged(text: Text | HoldfastError, flags: tuple[str, ...]) -> Text | HoldfastError:
    return replace(text, flags=flags) if flags and isinstance(text, Text) else text


def _compose(drafts: Sequence[Draft]) -> list[Text | HoldfastError]:
    names = [markdown.names(draft.body) if "@" in draft.body else set() for draft in drafts]
    people = _people(zip(drafts, names, strict=True))
    summoners = _summoners(
        [draft for draft, found in zip(drafts, names, strict=True) if markdown.EVERYBODY in found]
    )
    return [
        _text(draft, people.get(draft.room.pk, {}), (draft.author_id, draft.room.pk) in summoners)
        for draft in drafts
    ]


def compose_one(
    author_id: int,
    room: Room,
    body: str,
    filters: FilterSet | None = None,
    flags: tuple[str, ...] = (),
) -> Text:
    """Filter, check and render one text. Raises what is wrong with it."""
    text = compose([Draft(author_id, room, body, flags)], filters or FilterSet())[0]
    if isinstance(text, HoldfastError):
        raise text
    return text


def _text(draft: Draft, people: Mapping[str, int], may_summon: bool) -> Text | HoldfastError:
    rendered = markdown.render(draft.body, people, room=may_summon)
    limit: int = settings.HOLDFAST_MAX_MENTIONS
    if len(rendered.mentions) > limit:
        return BadRequest(
            "body: expected at most {limit} people mentioned, got {count}",
            limit=limit,
            count=len(rendered.mentions),
        )
    if rendered.everybody and draft.room.member_count > policies.ROOM_MENTION_MAX_MEMBERS:
        return Forbidden(
            "@room works in rooms of at most {limit} members.",
            limit=policies.ROOM_MENTION_MAX_MEMBERS,
        )
    return Text(draft.body, rendered.html, rendered.mentions, rendered.everybody)


def _problem(body: str) -> HoldfastError | None:
    try:
        policies.check_text(body)
    except HoldfastError as error:
        return error
    return None


def _people(drafts: Iterable[tuple[Draft, set[str]]]) -> dict[int, dict[str, int]]:
    """Return the members who may be meant, by room and name."""
    wanted: dict[int, set[str]] = {}
    for draft, names in drafts:
        if names:
            wanted.setdefault(draft.room.pk, set()).update(names)
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


def _summoners(drafts: Sequence[Draft]) -> set[tuple[int, int]]:
    """Return those authors of drafts, each with the room, who may mention everybody."""
    if not drafts:
        return set()
    pairs = Q()
    for draft in drafts:
        pairs |= Q(room_id=draft.room.pk, user_id=draft.author_id)
    rows = Membership.objects.filter(
        pairs, state=State.ACTIVE, role__in=[Role.OWNER, Role.MODERATOR]
    )
    return set(rows.values_list("user_id", "room_id"))
