"""The recipients of notifications about messages.

The inboxes of these people are locked together with the rooms. So the people are found before the
lock, and their choices are read again under it.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from django.db.models import Q
from django.utils import timezone

from chat import policies
from chat.models import Involvement, Membership, Message, Room, State
from chat.notification_kinds import (
    DIRECT,
    MENTION,
    MESSAGE,
    REACTION,
    REPLY,
)
from chat.queries.blocks import Pair, blocked_pairs
from chat.services import notices
from chat.services.messages.rendering import Text
from notifications.services import Notice, gather, ungather
from realtime.core.heads import Heads

Candidates = Mapping[int, Collection[int]]  # room → people


class NotificationPreference(NamedTuple):
    """A member's notification level."""

    involvement: str  # in the room
    off: Collection[str]  # kinds, in all rooms


# By room and person, of those who are in the room.
PreferencesByPerson = Mapping[tuple[int, int], NotificationPreference]
NOTHING = NotificationPreference(Involvement.NOTHING, ())


class Planned(NamedTuple):
    """A text that is about to be posted in a room."""

    room: Room
    text: Text
    answers: int | None = None  # the author of the message that it replies to


def candidates(planned: Collection[Planned]) -> dict[int, set[int]]:
    """Return the people that these new texts may notify, by room; two queries at most."""
    found = mentioned(planned)
    for room, _, answers in planned:
        if answers is not None:
            found.setdefault(room.pk, set()).add(answers)
    involved = Q()
    direct = {plan.room.pk for plan in planned if plan.room.is_direct}
    if direct:
        involved |= Q(room_id__in=direct)
    rooms = [plan.room for plan in planned]
    small = {
        room.pk
        for room in rooms
        if not room.is_direct and room.member_count <= policies.EVERYTHING_MAX_MEMBERS
    }
    if small:
        involved |= Q(room_id__in=small, involvement=Involvement.EVERYTHING)
    if involved:
        _add(found, involved)
    return found


def mentioned(planned: Collection[Planned]) -> dict[int, set[int]]:
    """Return the people that these texts mention, by name or as @room; one query at most."""
    found: dict[int, set[int]] = {}
    for room, text, _ in planned:
        if text.mentions:
            found.setdefault(room.pk, set()).update(text.mentions)
    summoned = {plan.room.pk for plan in planned if plan.text.everybody}
    if summoned:
        _add(found, Q(room_id__in=summoned))
    return found


def _add(found: dict[int, set[int]], involved: Q) -> None:
    for room_id, user_id in Membership.objects.filter(involved, state=State.ACTIVE).values_list(
        "room_id", "user_id"
    ):
        found.setdefault(room_id, set()).add(user_id)


def preferences(people: Candidates) -> dict[tuple[int, int], NotificationPreference]:
    """Return the candidates' preferences, read under the lock, without those who left."""
    pairs = Q()
    for room_id, user_ids in people.items():
        pairs |= Q(room_id=room_id, user_id__in=user_ids)
    if not pairs:
        return {}
    rows = Membership.objects.filter(pairs, state=State.ACTIVE).values_list(
        "room_id",
        "user_id",
        "involvement",
        "quiet_until",
        "user__notification_preferences__inbox_off",
    )
    now = timezone.now()
    return {
        (room_id, user_id): NOTHING
        if policies.is_quiet(involvement, quiet_until, now=now)
        else NotificationPreference(involvement, off or ())
        for room_id, user_id, involvement, quiet_until, off in rows
    }


def without_blocked(
    wanted: PreferencesByPerson, author_id: int, blocks: Collection[Pair]
) -> PreferencesByPerson:
    """Return the preferences without the people who have blocked the author."""
    if not blocks:
        return wanted
    return {
        (room_id, user_id): preference
        for (room_id, user_id), preference in wanted.items()
        if (user_id, author_id) not in blocks
    }


def new_message_notices(
    message: Message,
    room: Room,
    text: Text,
    people: Candidates,
    wanted: PreferencesByPerson,
    answers: int | None = None,
) -> list[Notice]:
    """Return the notifications of a new message, at most one for each person.

    It notes on the message who is notified of being mentioned.
    """
    found = mention_notices(message, room, text, people, wanted)
    notified = {message.author_id, *message.notified}
    if (
        answers is not None
        and answers not in notified
        and _wants(wanted.get((room.pk, answers), NOTHING), REPLY)
    ):
        found.append(notices.message_notice(message, room, answers, REPLY))
        notified.add(answers)
    if not room.is_direct and room.member_count > policies.EVERYTHING_MAX_MEMBERS:
        return found
    kind = DIRECT if room.is_direct else MESSAGE
    involved = (
        {Involvement.MENTIONS, Involvement.EVERYTHING}
        if room.is_direct
        else {Involvement.EVERYTHING}
    )
    for user_id in sorted(people.get(room.pk, ())):
        preference = wanted.get((room.pk, user_id), NOTHING)
        if (
            user_id not in notified
            and preference.involvement in involved
            and kind not in preference.off
        ):
            found.append(notices.message_notice(message, room, user_id, kind))
    return found


def mention_notices(
    message: Message,
    room: Room,
    text: Text,
    people: Candidates,
    wanted: PreferencesByPerson,
    already: Collection[int] = (),
) -> list[Notice]:
    """Return the notifications of people that a message mentions for the first time.

    Without those of ``already``, who have one about it for another reason. It notes on the message
    who is notified.
    """
    known = {message.author_id, *message.notified, *already}
    found = []
    for user_id in sorted(people.get(room.pk, ())):
        wants = _wants(wanted.get((room.pk, user_id), NOTHING), MENTION)
        is_mentioned = text.everybody or user_id in text.mentions
        if is_mentioned and wants and user_id not in known:
            message.notified.append(user_id)
            found.append(notices.message_notice(message, room, user_id, MENTION))
    return found


def _wants(preference: NotificationPreference, kind: str) -> bool:
    """Tell whether someone is to be notified of what concerns them by name."""
    return preference.involvement != Involvement.NOTHING and kind not in preference.off


def notify_of_reaction(
    heads: Heads, message: Message, room: Room, *, actor_id: int, emoji: str, on: bool
) -> None:
    """Notify the author of a reaction, or take that back; the caller has locked their inbox."""
    if actor_id == message.author_id:
        return
    if not on:
        ungather(heads, notices.reactions(message, room), actor_id=actor_id, what=emoji)
        return
    blocks = blocked_pairs([message.author_id], [actor_id])
    wanted = without_blocked(preferences({room.pk: {message.author_id}}), actor_id, blocks)
    if _wants(wanted.get((room.pk, message.author_id), NOTHING), REACTION):
        gather(heads, notices.reactions(message, room), actor_id=actor_id, what=emoji)
