"""The JSON API: rooms."""

import msgspec
from django.conf import settings
from django.http import JsonResponse

from chat import payloads, policies, services
from chat.api.bodies import Companions, NewRoom, RoomChanges
from chat.api.parameters import number
from chat.models import Membership, Room
from chat.pages.page_data import listed_values
from chat.queries import members, people, room_lists, snapshots
from chat.queries import messages as message_queries
from chat.queries import rooms as room_queries
from chat.queries.room_lists import MAX_DIRECTORY_ROOMS, MAX_QUERY
from chat.queries.room_lists import directory as rooms_of_directory
from notifications.payloads import inbox
from realtime.auth import ApiRequest, api, body
from realtime.core.bounds import quotas
from realtime.core.reads import head_and_floor
from realtime.protocol.errors import BadRequest


@api("GET", "POST")
def rooms(request: ApiRequest) -> JsonResponse:
    """List the user's rooms and the public ones, or create a room."""
    if request.method == "POST":
        fields = body(request, NewRoom)
        if fields.slug and fields.kind == Room.Kind.PRIVATE:
            raise BadRequest("slug: a private room gets one of its own; leave it out")
        return _made(
            services.create_room(actor_id=request.user.pk, **msgspec.structs.asdict(fields)),
            status=201,
        )
    after = number(request, "after")
    inbox_seq, _ = head_and_floor(inbox(request.user.pk))
    mine = room_lists.my_rooms(request.user.pk) if after is None else []
    last = room_queries.readable_room(after, request.user.pk).room if after is not None else None
    others, more = room_lists.public_rooms(request.user.pk, after=last)
    return JsonResponse(
        {
            "rooms": [*map(listed_values, mine), *map(listed_values, others)],
            "more": more,
            "inbox_seq": inbox_seq,
        }
    )


@api("GET")
def my_rooms(request: ApiRequest) -> JsonResponse:
    """List the user's rooms by id, some at a time."""
    inbox_seq, _ = head_and_floor(inbox(request.user.pk))
    found, more = room_lists.page_of_my_rooms(request.user.pk, after=number(request, "after") or 0)
    return JsonResponse(
        {"rooms": [*map(listed_values, found)], "more": more, "inbox_seq": inbox_seq}
    )


@api("GET")
def directory(request: ApiRequest) -> JsonResponse:
    """List public rooms by name, those that have all words of ``q``."""
    query = request.GET.get("q", "")
    policies.clean(query, name="q", limit=MAX_QUERY)
    after = number(request, "after")
    quotas.take("directory", request.user.pk, most=settings.HOLDFAST_DIRECTORY_READS)
    last = room_queries.readable_room(after, request.user.pk).room if after is not None else None
    limit = min(number(request, "limit") or MAX_DIRECTORY_ROOMS, MAX_DIRECTORY_ROOMS)
    found, more = rooms_of_directory(request.user.pk, query=query, after=last, limit=limit)
    listed = [
        {
            "room": payloads.room(item.room),
            "joined": item.joined,
            "member_count": item.room.member_count,
        }
        for item in found
    ]
    return JsonResponse({"rooms": listed, "more": more})


@api("POST")
def direct(request: ApiRequest) -> JsonResponse:
    """Return the direct room with one or more other users; the first call creates it."""
    fields = body(request, Companions)
    me = request.user.pk
    given = [fields.user, fields.username, fields.users, fields.usernames]
    if sum(value is not None for value in given) != 1:
        raise BadRequest("user: expected one of user, username, users and usernames")
    if fields.users is not None or fields.usernames is not None:
        names = fields.usernames or ()
        ids = fields.users or [people.active_user(name).pk for name in names]
        return _made(services.group_room(actor_id=me, user_ids=ids))
    user_id = fields.user or people.active_user(fields.username or "").pk
    return _made(services.direct_room(actor_id=me, user_id=user_id))


@api("GET", "PATCH")
def room(request: ApiRequest, room_id: int) -> JsonResponse:
    """Return a snapshot of a room, or change the room."""
    if request.method == "PATCH":
        fields = body(request, RoomChanges)
        changed = services.change_room(
            actor_id=request.user.pk, room_id=room_id, **msgspec.structs.asdict(fields)
        )
        return JsonResponse({"room": payloads.room(changed)})
    return _snapshot(snapshots.snapshot(room_id, request.user.pk))


def _made(row: Membership, *, status: int = 200) -> JsonResponse:
    return _snapshot(snapshots.snapshot(row.room_id, row.user_id), status=status)


def _snapshot(found: snapshots.Snapshot, *, status: int = 200) -> JsonResponse:
    quoted = message_queries.quoted(found.room.pk, found.messages)
    data = {
        "room": payloads.room(found.room),
        "membership": payloads.my_membership(found.membership) if found.membership else None,
        **payloads.company(found.room, found.companions),
        "member_count": found.room.member_count,
        "staff": members.staff(found.room),
        "seq": found.seq,
        **payloads.unread(*found.unread),
        "may_take_over": found.may_take_over,
        "messages": [*map(payloads.message, found.messages)],
        "quoted": [*map(payloads.message, quoted)],
    }
    return JsonResponse(data, status=status)
