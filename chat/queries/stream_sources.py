"""The rows of rooms' streams and of chat in inboxes, and who may follow a room."""

from collections.abc import Iterable, Sequence

from chat import payloads, policies
from chat.models import Block, HeldPost, Membership, Message, Room, SiteMute
from chat.queries import people
from realtime.core.streams import Claim, Refusals
from realtime.protocol.errors import HoldfastError
from realtime.protocol.page import Event


def message_events(ident: str, after: int, limit: int) -> Iterable[Event]:
    rows = (
        Message.objects.filter(room_id=int(ident), seq__gt=after)
        .select_related("author")
        .order_by("seq")
    )
    return map(payloads.message_event, rows[:limit])


def membership_events(ident: str, after: int, limit: int) -> Iterable[Event]:
    rows = (
        Membership.objects.filter(room_id=int(ident), seq__gt=after)
        .select_related("user")
        .order_by("seq")
    )
    return map(payloads.membership_event, rows[:limit])


def room_events(ident: str, after: int, _limit: int) -> Iterable[Event]:
    return map(payloads.room_event, Room.objects.filter(pk=int(ident), seq__gt=after))


def inbox_events(ident: str, after: int, limit: int) -> Iterable[Event]:
    """Return the changed memberships of the owner of ``inbox.<ident>``."""
    rows = (
        Membership.objects.filter(user_id=int(ident), inbox_seq__gt=after)
        .select_related("user")
        .order_by("inbox_seq")
    )
    return map(payloads.inbox_event, rows[:limit])


def block_events(ident: str, after: int, limit: int) -> Iterable[Event]:
    """Return the changed blocks of the owner of ``inbox.<ident>``."""
    rows = (
        Block.objects.filter(user_id=int(ident), seq__gt=after)
        .select_related("blocked")
        .order_by("seq")
    )
    return map(payloads.block_event, rows[:limit])


def site_mute_events(ident: str, after: int, limit: int) -> Iterable[Event]:
    """Return the changed site mute of the owner of ``inbox.<ident>``: one row at most."""
    rows = SiteMute.objects.filter(pk=int(ident), seq__gt=after)
    return map(payloads.site_mute_event, rows[:limit])


def display_events(ident: str, after: int, _limit: int) -> Iterable[Event]:
    """Return the changed display settings of the owner of ``inbox.<ident>``: one row at most."""
    row = people.display(int(ident))
    return [payloads.display_event(int(ident), row)] if row.seq > after else []


def held_post_events(ident: str, after: int, limit: int) -> Iterable[Event]:
    """Return the changed held posts of the owner of ``inbox.<ident>``."""
    rows = HeldPost.objects.filter(author_id=int(ident), seq__gt=after).select_related("case")
    return map(payloads.held_post_event, rows.order_by("seq")[:limit])


def authorise(claims: Sequence[Claim]) -> Refusals:
    """Return the claims to rooms that are refused, with the reason; two queries for all."""
    room_ids = {int(claim.ident) for claim in claims}
    kinds = dict(Room.objects.filter(pk__in=room_ids).values_list("pk", "kind"))
    memberships = Membership.objects.filter(
        room_id__in=room_ids, user_id__in={claim.reader.user_id for claim in claims}
    )
    values = memberships.values_list("room_id", "user_id", "state", "banned_until")
    states = {
        (room_id, user_id): policies.effective_state(state, until)
        for room_id, user_id, state, until in values
    }
    problems = {
        claim: _problem(
            kinds.get(int(claim.ident)), states.get((int(claim.ident), claim.reader.user_id))
        )
        for claim in claims
    }
    return {claim: problem for claim, problem in problems.items() if problem is not None}


def _problem(kind: str | None, state: str | None) -> HoldfastError | None:
    return policies.no_such_room() if kind is None else policies.reading_problem(kind, state)
