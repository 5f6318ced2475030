"""Whom a message notifies. Their inboxes are locked with the rooms, so they are found before the lock and looked at again under it."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from django.db.models import Q

from chat import policies
from chat.models import Involvement, Membership, Message, Room, State
from chat.services.composing import Text
from notifications.payloads import person
from notifications.services import Notice

Candidates = Mapping[int, Collection[int]]  # room → people
Reach = Mapping[tuple[int, int], str]  # (room, person) → involvement, of those who are in the room


class Planned(NamedTuple):
    """A text that is about to be posted in a room."""

    room: Room
    text: Text


def candidates(planned: Collection[Planned]) -> dict[int, set[int]]:
    """Return all whom these new texts may notify, by room; two queries at most."""
    found = mentioned(planned)
    involved = Q()
    direct = {room.pk for room, _ in planned if room.is_direct}
    if direct:
        involved |= Q(room_id__in=direct)
    small = {room.pk for room, _ in planned if not room.is_direct and room.member_count <= policies.EVERYTHING_MAX_MEMBERS}
    if small:
        involved |= Q(room_id__in=small, involvement=Involvement.EVERYTHING)
    if involved:
        _add(found, involved)
    return found


def mentioned(planned: Collection[Planned]) -> dict[int, set[int]]:
    """Return those whom these texts mention, by name or as everybody, by room; one query at most."""
    found: dict[int, set[int]] = {}
    for room, text in planned:
        if text.mentions:
            found.setdefault(room.pk, set()).update(text.mentions)
    summoned = {room.pk for room, text in planned if text.everybody}
    if summoned:
        _add(found, Q(room_id__in=summoned))
    return found


def _add(found: dict[int, set[int]], involved: Q) -> None:
    for room_id, user_id in Membership.objects.filter(involved, state=State.ACTIVE).values_list("room_id", "user_id"):
        found.setdefault(room_id, set()).add(user_id)


def reach(people: Candidates) -> dict[tuple[int, int], str]:
    """Return how involved the candidates are, as of now, under the lock. Who has left meanwhile is not in it."""
    pairs = Q()
    for room_id, user_ids in people.items():
        pairs |= Q(room_id=room_id, user_id__in=user_ids)
    if not pairs:
        return {}
    rows = Membership.objects.filter(pairs, state=State.ACTIVE).values_list("room_id", "user_id", "involvement")
    return {(room_id, user_id): involvement for room_id, user_id, involvement in rows}


def notices(message: Message, room: Room, text: Text, people: Candidates, involvements: Reach) -> list[Notice]:
    """Return what a new message tells whom, and note on it who is told of being mentioned."""
    found = mention_notices(message, room, text, people, involvements)
    told = {message.author_id, *message.notified}
    involved = Involvement.MENTIONS if room.is_direct else Involvement.EVERYTHING
    if not room.is_direct and room.member_count > policies.EVERYTHING_MAX_MEMBERS:
        return found
    for user_id in sorted(people.get(room.pk, ())):
        involvement = involvements.get((room.pk, user_id))
        if user_id not in told and involvement in (involved, Involvement.EVERYTHING):
            found.append(_new_message(message, room, user_id))
    return found


def mention_notices(message: Message, room: Room, text: Text, people: Candidates, involvements: Reach) -> list[Notice]:
    """Return whom a new or edited message tells that it mentions them, and note on it that they were told."""
    found = []
    for user_id in sorted(people.get(room.pk, ())):
        involvement = involvements.get((room.pk, user_id), Involvement.NOTHING)
        is_mentioned = text.everybody or user_id in text.mentions
        if is_mentioned and involvement != Involvement.NOTHING and user_id not in (message.author_id, *message.notified):
            message.notified.append(user_id)
            found.append(_mention(message, room, user_id))
    return found


def _mention(message: Message, room: Room, user_id: int) -> Notice:
    where = "" if room.is_direct else f" in {room}"
    return _notice(message, room, user_id, "mention", f"mentioned you{where}")


def _new_message(message: Message, room: Room, user_id: int) -> Notice:
    if room.is_direct:
        return _notice(message, room, user_id, "direct", "wrote to you")
    return _notice(message, room, user_id, "message", f"wrote in {room}")


def _notice(message: Message, room: Room, user_id: int, kind: str, what: str) -> Notice:
    """Make a notice. It holds no word of the message, which can still be deleted."""
    title = f"{person(message.author)['name']} {what}"
    return Notice(user_id=user_id, kind=kind, title=title, url=permalink(room, message), actor_id=message.author_id)


def permalink(room: Room, message: Message) -> str:
    """Return the address of a message."""
    return f"{room.get_absolute_url()}{message.number}/"
