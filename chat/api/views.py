"""The JSON API of rooms.

In every answer ``seq`` was read before the rows, so a client that continues from it misses
nothing.
"""

from typing import Any

import msgspec
from django.http import HttpRequest, JsonResponse
from django.urls import reverse

from chat import payloads, policies, services
from chat.models import Membership, State
from chat.pages import search_results
from chat.pages.page_data import listed_values
from chat.queries import blocks as block_queries
from chat.queries import invite_links, people, room_lists, snapshots
from chat.queries import members as member_queries
from chat.queries import messages as message_queries
from chat.queries import rooms as room_queries
from chat.queries.messages import History
from chat.queries.room_lists import MAX_DIRECTORY_ROOMS, MAX_QUERY
from chat.queries.room_lists import directory as rooms_of_directory
from chat.queries.search import index
from chat.queries.search.query import parse
from notifications.payloads import inbox, person
from realtime.auth import ApiRequest, api, body
from realtime.core.reads import head_and_floor
from realtime.protocol.errors import BadRequest


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request. Unknown fields are refused, because they may be misspelt ones."""


class NewRoom(Body):
    name: str
    kind: str
    topic: str = ""
    slug: str = ""


class Partner(Body):
    """The other user of a direct room, by id or by username."""

    user: policies.RowId | None = None
    username: str | None = None


class RoomChanges(Body):
    name: str | None = None
    topic: str | None = None
    slow_mode: int | None = None
    read_only: bool | None = None
    archived: bool | None = None
    reason: str = ""


class Invitation(Body):
    username: str


class NewOwner(Body):
    user: policies.RowId


class NewLink(Body):
    """An invitation link: its lifetime in seconds, and how many people may use it."""

    seconds: int
    max_uses: int


class MemberChange(Body):
    """A change of a member: one of the first three fields. ``banned_for`` goes with a ban."""

    role: str | None = None
    state: str | None = None
    muted_for: int | None = None
    banned_for: int | None = None
    reason: str = ""


class PersonChange(Body):
    """A change by a site moderator: a mute (0 unmutes) or a ban.

    A ban without ``banned_for`` lasts until it is lifted.
    """

    muted_for: int | None = None
    banned: bool | None = None
    banned_for: int | None = None
    reason: str = ""


class MyChange(Body):
    """A change of the user's own membership: notification level or place among favourites."""

    involvement: str | None = None
    favourite: bool | None = None
    favourite_order: float | None = None


# -- rooms -----------------------------------------------------------------------------------------


@api("GET", "POST")
def rooms(request: ApiRequest) -> JsonResponse:
    """List the user's rooms and the public ones, or create a room."""
    if request.method == "POST":
        fields = body(request, NewRoom)
        return _made(
            services.create_room(actor_id=request.user.pk, **msgspec.structs.asdict(fields)),
            status=201,
        )
    after = _number(request, "after")
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
def directory(request: ApiRequest) -> JsonResponse:
    """List public rooms by name, those that have all words of ``q``."""
    query = request.GET.get("q", "")
    policies.clean(query, name="q", limit=MAX_QUERY)
    after = _number(request, "after")
    last = room_queries.readable_room(after, request.user.pk).room if after is not None else None
    limit = min(_number(request, "limit") or MAX_DIRECTORY_ROOMS, MAX_DIRECTORY_ROOMS)
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
    """Return the direct room with another user; the first call creates it."""
    fields = body(request, Partner)
    if (fields.user is None) == (fields.username is None):
        raise BadRequest("user: expected either an id or a username")
    user_id = fields.user or people.active_user(fields.username or "").pk
    return _made(services.direct_room(actor_id=request.user.pk, user_id=user_id))


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


# -- messages --------------------------------------------------------------------------------------


@api("GET")
def messages(request: ApiRequest, room_id: int) -> JsonResponse:
    """Return messages before a number (newest first), after or around one (oldest first).

    Without a number: the newest.
    """
    limit = min(_number(request, "limit") or message_queries.LATEST, message_queries.MAX_MESSAGES)
    before, after, around = (_number(request, name) for name in ("before", "after", "around"))
    if sum(number is not None for number in (before, after, around)) > 1:
        raise BadRequest("before, after, around: expected one of them")
    room_queries.readable_room(room_id, request.user.pk)
    if after is not None:
        found = message_queries.after(room_id, after, limit=limit)
    elif around is not None:
        found = message_queries.around(room_id, around, limit=limit)
    else:
        found = message_queries.before(
            room_id, policies.MAX_ID if before is None else before, limit=limit
        )
    return _history(room_id, found)


@api("GET")
def message(request: ApiRequest, message_id: int) -> JsonResponse:
    """Return one message, such as one that is replied to."""
    return JsonResponse(
        {"message": payloads.message(message_queries.readable_message(message_id, request.user.pk))}
    )


@api("GET")
def search(request: ApiRequest) -> JsonResponse:
    """Return messages that match ``q``, newest first. ``before_id`` continues a page."""
    limit = min(_number(request, "limit") or index.LIMIT, index.MAX_LIMIT)
    query = parse(request.GET.get("q", ""))
    return JsonResponse(
        search_results.answer(
            request.user, query, before_id=_number(request, "before_id"), limit=limit
        )
    )


# -- people ----------------------------------------------------------------------------------------


@api("GET", "POST")
def members(request: ApiRequest, room_id: int) -> JsonResponse:
    """Return the members of a room, ordered by id, or add one."""
    if request.method == "POST":
        row = services.invite(
            actor_id=request.user.pk, room_id=room_id, username=body(request, Invitation).username
        )
        return JsonResponse({"membership": payloads.membership(row)}, status=201)
    limit = min(_number(request, "limit") or 100, member_queries.MAX_MEMBERS)
    after = _number(request, "after") or 0
    beginning = policies.clean(request.GET.get("q", ""), name="q", limit=150)
    room = room_queries.readable_room(room_id, request.user.pk).room
    staff, ids = request.GET.get("staff") == "true", _ids(request)
    found, more = member_queries.members(
        room, beginning=beginning, staff=staff, ids=ids, after_user=after, limit=limit
    )
    return JsonResponse(
        {
            "members": [*map(payloads.membership, found)],
            "more": more,
            "member_count": room.member_count,
        }
    )


@api("GET", "PATCH")
def member(request: ApiRequest, room_id: int, user_id: int) -> JsonResponse:
    """Return one member of a room, or change their role, mute, removal or ban."""
    if request.method == "GET":
        return _profile(request, room_id, user_id)
    row = _change_member(request.user.pk, room_id, user_id, body(request, MemberChange))
    return JsonResponse({"membership": payloads.membership(row)})


@api("POST")
def owner(request: ApiRequest, room_id: int) -> JsonResponse:
    """Transfer the user's room to another member."""
    row = services.transfer(
        actor_id=request.user.pk, room_id=room_id, user_id=body(request, NewOwner).user
    )
    return JsonResponse({"membership": payloads.membership(row)})


@api("GET", "POST")
def invitations(request: ApiRequest, room_id: int) -> JsonResponse:
    """Return a room's valid invitation links, or create one; only then its address is known."""
    if request.method == "POST":
        fields = body(request, NewLink)
        made = services.make_invite_link(
            actor_id=request.user.pk, room_id=room_id, **msgspec.structs.asdict(fields)
        )
        url = request.build_absolute_uri(reverse("invite", args=[made.token]))
        return JsonResponse({"invitation": payloads.invite_link(made.row), "url": url}, status=201)
    services.check_may_see_links(actor_id=request.user.pk, room_id=room_id)
    return JsonResponse({"invitations": [*map(payloads.invite_link, invite_links.usable(room_id))]})


@api("DELETE")
def invitation(request: ApiRequest, room_id: int, link_id: int) -> JsonResponse:
    """Revoke an invitation link."""
    row = services.revoke_invite_link(actor_id=request.user.pk, room_id=room_id, link_id=link_id)
    return JsonResponse({"invitation": payloads.invite_link(row)})


@api("PATCH")
def my_membership(request: ApiRequest, room_id: int) -> JsonResponse:
    """Change the notification level of a room, or its place among the favourites."""
    row = _change_mine({"actor_id": request.user.pk, "room_id": room_id}, body(request, MyChange))
    return JsonResponse({"membership": payloads.my_membership(row)})


@api("GET")
def users(request: ApiRequest) -> JsonResponse:
    """Suggest users whose username begins with ``q``."""
    beginning = request.GET.get("q", "").strip()
    policies.clean(beginning, name="q", limit=150)  # refuses what a database cannot search
    return JsonResponse({"users": [*map(person, people.users_starting_with(beginning))]})


@api("GET")
def blocks(request: ApiRequest) -> JsonResponse:
    """Return the users that the user has blocked."""
    seq, _ = head_and_floor(inbox(request.user.pk))
    return JsonResponse(
        {"blocks": [*map(payloads.block, block_queries.blocks(request.user.pk))], "seq": seq}
    )


@api("GET")
def my_site_mute(request: ApiRequest) -> JsonResponse:
    """Return until when the user is muted on the whole site, or null."""
    seq, _ = head_and_floor(inbox(request.user.pk))
    row = people.site_mute(request.user.pk)
    return JsonResponse({"site_mute": payloads.site_mute(row) if row else None, "seq": seq})


@api("PATCH")
def moderation(request: ApiRequest, user_id: int) -> JsonResponse:
    """Mute or ban a user on the whole site, or undo it."""
    fields = body(request, PersonChange)
    who: dict[str, Any] = {"actor_id": request.user.pk, "user_id": user_id, "reason": fields.reason}
    if (fields.muted_for is None) == (fields.banned is None) or (
        fields.banned_for is not None and not fields.banned
    ):
        raise BadRequest(
            "muted_for, banned: expected one of them; banned_for is allowed only with banned"
        )
    if fields.muted_for is not None:
        return JsonResponse(
            {"muted_until": payloads.moment(services.site_mute(seconds=fields.muted_for, **who))}
        )
    row = (
        services.site_ban(seconds=fields.banned_for, **who)
        if fields.banned
        else services.site_unban(**who)
    )
    return JsonResponse(
        {
            "banned": bool(fields.banned),
            "banned_until": payloads.moment(row.until) if fields.banned else None,
        }
    )


# -- helpers ---------------------------------------------------------------------------------------


def _change_mine(who: dict[str, int], change: MyChange) -> Membership:
    match change:
        case MyChange(involvement=str(involvement), favourite=None, favourite_order=None):
            return services.set_involvement(involvement=involvement, **who)
        case MyChange(involvement=None, favourite=bool(favourite), favourite_order=order):
            return services.set_favourite(favourite=favourite, order=order, **who)
    raise BadRequest("involvement, favourite: expected one of them")


def _profile(request: ApiRequest, room_id: int, user_id: int) -> JsonResponse:
    room = room_queries.readable_room(room_id, request.user.pk).room
    user = people.user(user_id)
    row = member_queries.membership(room.pk, user_id)
    shown = row if row is not None and policies.is_active(row) else None
    data = {
        "user": person(user),
        "active": user.is_active,
        "membership": payloads.membership(shown) if shown else None,
        "joined_at": payloads.moment(shown.joined_at) if shown else None,
    }
    return JsonResponse(data)


def _ids(request: HttpRequest) -> list[int]:
    """Return the ids of ``?ids=7,9``."""
    raw = [part for part in request.GET.get("ids", "").split(",") if part]
    longest = len(str(policies.MAX_ID)) - 1
    if len(raw) > member_queries.MAX_MEMBERS or not all(
        part.isascii() and part.isdecimal() and len(part) <= longest for part in raw
    ):
        raise BadRequest(
            "ids: expected at most {limit} ids, separated by commas",
            limit=member_queries.MAX_MEMBERS,
        )
    return [*map(int, raw)]


def _change_member(actor_id: int, room_id: int, user_id: int, change: MemberChange) -> Membership:
    who: dict[str, Any] = {
        "actor_id": actor_id,
        "room_id": room_id,
        "user_id": user_id,
        "reason": change.reason,
    }
    if change.banned_for is not None and change.state != State.BANNED:
        raise BadRequest("banned_for: allowed only with the state banned")
    match change:
        case MemberChange(role=str(role), state=None, muted_for=None):
            return services.set_role(role=role, **who)
        case MemberChange(role=None, state=None, muted_for=int(seconds)):
            return services.mute(seconds=seconds, **who)
        case MemberChange(role=None, state=str(state), muted_for=None):
            return _change_state(state, who, change.banned_for)
    raise BadRequest("role, state, muted_for: expected one of them")


def _change_state(state: str, who: dict[str, Any], banned_for: int | None) -> Membership:
    match state:
        case State.REMOVED:
            return services.remove(**who)
        case State.BANNED:
            return services.ban(seconds=banned_for, **who)
        case State.ACTIVE:  # lifts the ban, but does not make them a member
            return services.unban(**who)
    raise BadRequest("state: expected removed, banned or active")


def _made(row: Membership, *, status: int = 200) -> JsonResponse:
    return _snapshot(snapshots.snapshot(row.room_id, row.user_id), status=status)


def _snapshot(found: snapshots.Snapshot, *, status: int = 200) -> JsonResponse:
    quoted = message_queries.quoted(found.room.pk, found.messages)
    data = {
        "room": payloads.room(found.room),
        "membership": payloads.my_membership(found.membership) if found.membership else None,
        "partner": person(found.partner) if found.partner else None,
        "member_count": found.room.member_count,
        "seq": found.seq,
        "mentions": list(found.mentions),
        "messages": [*map(payloads.message, found.messages)],
        "quoted": [*map(payloads.message, quoted)],
    }
    return JsonResponse(data, status=status)


def _history(room_id: int, found: History) -> JsonResponse:
    quoted = message_queries.quoted(room_id, found.messages)
    data = {
        "messages": [*map(payloads.message, found.messages)],
        "quoted": [*map(payloads.message, quoted)],
        "more": found.more,
    }
    return JsonResponse(data)


def _number(request: HttpRequest, name: str) -> int | None:
    """Return a numeric query parameter, or None if it is missing."""
    raw = request.GET.get(name)
    if raw is None:
        return None
    # int() also accepts signs, spaces, underscores and digits of every script, and raises
    # ValueError for more than 4300 digits.
    if not (
        raw.isascii()
        and raw.isdecimal()
        and len(raw) <= len(str(policies.MAX_ID))
        and int(raw) <= policies.MAX_ID
    ):
        raise BadRequest(
            "{name}: expected a whole number from 0 to {limit}", name=name, limit=policies.MAX_ID
        )
    return int(raw)
