"""Whom a message notifies. Their inboxes are locked with the rooms, so they are found before the lock and looked at again under it."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from django.db.models import Q

from chat import payloads, policies
from chat.models import Involvement, Membership, Message, Room, State
from chat.queries.blocks import Pair, blocked_pairs
from chat.services.rendering import Text
from notifications.payloads import person
from notifications.services import Gathered, Notice, Parts, gather, reword, ungather, withdraw
from realtime.core.heads import Heads

REACTION = "reaction"

Candidates = Mapping[int, Collection[int]]  # room → people


class Wish(NamedTuple):
    """What a member wants to be told of."""

    involvement: str  # in the room
    off: Collection[str]  # kinds, in all rooms


Reach = Mapping[tuple[int, int], Wish]  # (room, person), of those who are in the room
NOBODY = Wish(Involvement.NOTHING, ())


class Planned(NamedTuple):
    """A text that is about to be posted in a room."""

    room: Room
    text: Text
    answers: int | None = None  # whose message it replies to


def candidates(planned: Collection[Planned]) -> dict[int, set[int]]:
    """Return all whom these new texts may notify, by room; two queries at most."""
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
    """Return those whom these texts mention, by name or as everybody, by room; one query at most."""
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


def reach(people: Candidates) -> dict[tuple[int, int], Wish]:
    """Return what the candidates want, as of now, under the lock. Who has left meanwhile is not in it."""
    pairs = Q()
    for room_id, user_ids in people.items():
        pairs |= Q(room_id=room_id, user_id__in=user_ids)
    if not pairs:
        return {}
    rows = Membership.objects.filter(pairs, state=State.ACTIVE)
    wishes = rows.values_list(
        "room_id", "user_id", "involvement", "user__notification_preferences__inbox_off"
    )
    return {
        (room_id, user_id): Wish(involvement, off or ())
        for room_id, user_id, involvement, off in wishes
    }


def heard(wishes: Reach, author_id: int, apart: Collection[Pair]) -> Reach:
    """Return what the candidates want to be told of an author: nothing, where they have blocked them."""
    if not apart:
        return wishes
    return {
        (room_id, user_id): wish
        for (room_id, user_id), wish in wishes.items()
        if (user_id, author_id) not in apart
    }


def notices(
    message: Message,
    room: Room,
    text: Text,
    people: Candidates,
    wishes: Reach,
    answers: int | None = None,
) -> list[Notice]:
    """Return what a new message tells whom, and note on it who is told of being mentioned. Nobody is told twice of one message."""
    found = mention_notices(message, room, text, people, wishes)
    told = {message.author_id, *message.notified}
    wish = wishes.get((room.pk, answers), NOBODY) if answers is not None else NOBODY
    if answers is not None and answers not in told and _wants(wish, "reply"):
        found.append(_notice(message, room, answers, "reply", f"replied to you{_where(room)}"))
        told.add(answers)
    kind = "direct" if room.is_direct else "message"
    involved = (
        {Involvement.MENTIONS, Involvement.EVERYTHING}
        if room.is_direct
        else {Involvement.EVERYTHING}
    )
    if not room.is_direct and room.member_count > policies.EVERYTHING_MAX_MEMBERS:
        return found
    for user_id in sorted(people.get(room.pk, ())):
        wish = wishes.get((room.pk, user_id), NOBODY)
        if user_id not in told and wish.involvement in involved and kind not in wish.off:
            found.append(
                _notice(
                    message,
                    room,
                    user_id,
                    kind,
                    "wrote to you" if room.is_direct else f"wrote in {room}",
                )
            )
    return found


def mention_notices(
    message: Message, room: Room, text: Text, people: Candidates, wishes: Reach
) -> list[Notice]:
    """Return whom a new or edited message tells that it mentions them, and note on it that they were told."""
    found = []
    for user_id in sorted(people.get(room.pk, ())):
        wanted = _wants(wishes.get((room.pk, user_id), NOBODY), "mention")
        is_mentioned = text.everybody or user_id in text.mentions
        if is_mentioned and wanted and user_id not in (message.author_id, *message.notified):
            message.notified.append(user_id)
            found.append(_notice(message, room, user_id, "mention", f"mentioned you{_where(room)}"))
    return found


def _wants(wish: Wish, kind: str) -> bool:
    """Tell whether somebody is to be told of what concerns them by name."""
    return wish.involvement != Involvement.NOTHING and kind not in wish.off


def _where(room: Room) -> str:
    return "" if room.is_direct else f" in {room}"


def _notice(message: Message, room: Room, user_id: int, kind: str, what: str) -> Notice:
    """Make a notice. It holds no word of the message, which can still be deleted."""
    return Notice(
        user_id=user_id,
        kind=kind,
        title=f"{person(message.author)['name']} {what}",
        url=permalink(room, message),
        actor_id=message.author_id,
        place=payloads.stream(room.pk),
        subject=subject(message),
    )


# -- reactions -------------------------------------------------------------------------------------


def tell_of_reaction(
    heads: Heads, message: Message, room: Room, *, actor_id: int, emoji: str, on: bool
) -> None:
    """Tell the author of a message of a reaction to it, or take that back; their inbox is locked."""
    if actor_id == message.author_id:
        return
    if not on:
        ungather(heads, _reactions(message, room), actor_id=actor_id, what=emoji)
        return
    apart = blocked_pairs([message.author_id], [actor_id])
    wish = heard(reach({room.pk: {message.author_id}}), actor_id, apart).get(
        (room.pk, message.author_id), NOBODY
    )
    if _wants(wish, REACTION):
        gather(heads, _reactions(message, room), actor_id=actor_id, what=emoji)


def forget_reactions(heads: Heads, message: Message, room: Room) -> None:
    """Take back what a message's author has not read of reactions to it: the message is gone, and they with it."""
    withdraw(heads, _reactions(message, room))


def reword_reactions(heads: Heads, message: Message, room: Room, *, notification_id: int) -> None:
    """Tell a message's author again who reacted to it, because one of them is called otherwise now; their inbox is locked."""
    reword(heads, _reactions(message, room), pk=notification_id)


def _reactions(message: Message, room: Room) -> Gathered:
    return Gathered(
        user_id=message.author_id,
        kind=REACTION,
        subject=subject(message),
        place=payloads.stream(room.pk),
        url=permalink(room, message),
        words=lambda parts: _reacted(parts, room),
    )


def _reacted(parts: Parts, room: Room) -> tuple[str, str]:
    """Put reactions into words: who, where, and with what."""
    names = [str(person(user)["name"]) for user in parts.people]
    if parts.others:
        names.append("1 other" if parts.others == 1 else f"{parts.others} others")
    who = (
        f"{', '.join(names[:-1])} and {names[-1]}"
        if len(names) > 1
        else "".join(names) or "Somebody"
    )
    return f"{who} reacted to your message{_where(room)}", " ".join(parts.what)


def subject(message: Message) -> str:
    """Return what notifications about a message are filed under. By its number: a new message gets its id after its notices are made."""
    return f"{payloads.stream(message.room_id)}.{message.number}"


def about(subject: str) -> Message | None:
    """Return the message that notifications with this subject are about."""
    place, _, number = subject.rpartition(".")
    room_id = place.rpartition(".")[2]
    if not (room_id.isdecimal() and number.isdecimal()):
        return None
    return (
        Message.objects.filter(room_id=int(room_id), number=int(number))
        .select_related("room")
        .first()
    )


def permalink(room: Room, message: Message) -> str:
    """Return the address of a message."""
    return f"{room.get_absolute_url()}{message.number}/"
