"""The people and rooms that a query names."""

from collections.abc import Iterator
from typing import Final

from django.db.models import QuerySet

from chat import policies
from chat.models import Membership, Room, State, direct_key
from chat.queries.names import users_named
from chat.queries.search.query import FROM, IN, Query
from chat.text import mentions
from chat.text.mentions import by_name, same
from realtime.core.users import User
from realtime.protocol.errors import BadRequest

ME: Final = "me"  # from:me


def people(user_id: int, query: Query) -> dict[str, User]:
    """Return the users of ``from:`` by the typed name. Raises ``BadRequest`` for unknown names."""
    names = query.values(FROM)
    users = users_named({_username(name) for name in names})
    found = {}
    for name in names:
        user = (
            User.objects.filter(pk=user_id).first()
            if same(name) == ME
            else mentions.find(_username(name), users)
        )
        if user is None:
            raise BadRequest("from: there is no user “{name}”", name=name)
        found[name] = user
    return found


def rooms(user_id: int, query: Query) -> dict[str, Room]:
    """Return the rooms of ``in:`` by the typed name: ``general``, ``#general``, ``@bob``.

    ``@bob`` is the direct room with Bob. Raises the same ``BadRequest`` for rooms that do not exist
    and for those that the user may not read.
    """
    names = query.values(IN)
    slugs = {name.removeprefix("#").lower() for name in names}
    partners = [
        user.pk
        for user in users_named(
            {_username(name) for name in names if name.startswith(tuple(mentions.AT))}
        ).values()
    ]
    rows = list(Room.objects.filter(slug__in=slugs)) if names else []
    mine = (
        Membership.objects.filter(user_id=user_id, room__in=rows).values_list(
            "room_id", "state", "banned_until"
        )
        if rows
        else ()
    )
    states = {room_id: policies.effective_state(state, until) for room_id, state, until in mine}
    known = {
        room.slug: room
        for room in rows
        if policies.reading_problem(room.kind, states.get(room.pk)) is None
    }
    by_partner: dict[str, Room] = {}
    if partners:
        directs = Room.objects.filter(
            direct_key__in=[direct_key(user_id, partner) for partner in partners],
            memberships__user_id=user_id,
            memberships__state=State.ACTIVE,
        )
        by_partner = by_name((name, room) for room, name in _with_partners(directs, user_id))
    found = {}
    for name in names:
        room = (
            mentions.find(_username(name), by_partner)
            if name.startswith(tuple(mentions.AT))
            else known.get(name.removeprefix("#").lower())
        )
        if room is None:
            raise BadRequest("in: there is no room “{name}” that you can read", name=name)
        found[name] = room
    return found


def _username(name: str) -> str:
    return name.lstrip(mentions.AT)


def _with_partners(directs: QuerySet[Room], user_id: int) -> Iterator[tuple[Room, str]]:
    by_id = {room.pk: room for room in directs}
    others = Membership.objects.filter(room__in=by_id).exclude(user_id=user_id)
    for room_id, name in others.values_list("room_id", "user__username"):
        yield by_id[room_id], name
