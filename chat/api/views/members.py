"""The JSON API: members of a room and invitation links."""

from typing import Any

import msgspec
from django.http import JsonResponse
from django.urls import reverse

from chat import payloads, policies, services
from chat.api.bodies import (
    Invitation,
    MemberChange,
    MyChange,
    NewLink,
    NewOwner,
)
from chat.api.parameters import ids, number
from chat.models import Membership, State
from chat.queries import invite_links, people
from chat.queries import members as member_queries
from chat.queries import rooms as room_queries
from chat.queries.invitations import open_invitations
from chat.queries.receipts import receipts as receipts_of
from notifications.payloads import inbox, person
from realtime.auth import ApiRequest, api, body
from realtime.core.reads import head_and_floor
from realtime.protocol.errors import BadRequest


@api("GET", "POST")
def members(request: ApiRequest, room_id: int) -> JsonResponse:
    """Return the members of a room, ordered by id, or invite someone."""
    if request.method == "POST":
        row = services.invite(
            actor_id=request.user.pk, room_id=room_id, username=body(request, Invitation).username
        )
        return JsonResponse({"membership": payloads.membership(row)}, status=201)
    limit = min(number(request, "limit") or 100, member_queries.MAX_MEMBERS)
    after = number(request, "after") or 0
    beginning = policies.clean(request.GET.get("q", ""), name="q", limit=150)
    room = room_queries.readable_room(room_id, request.user.pk).room
    staff = request.GET.get("staff") == "true"
    found, more = member_queries.members(
        room, beginning=beginning, staff=staff, ids=ids(request), after_user=after, limit=limit
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
    """Transfer the user's room to another member, or take over a room that has no owner."""
    actor_id, user_id = request.user.pk, body(request, NewOwner).user
    row = (
        services.take_over(actor_id=actor_id, room_id=room_id)
        if user_id == actor_id
        else services.transfer(actor_id=actor_id, room_id=room_id, user_id=user_id)
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


@api("GET")
def my_invitations(request: ApiRequest) -> JsonResponse:
    """Return the rooms that the user is invited to, newest first."""
    seq, _ = head_and_floor(inbox(request.user.pk))
    found = open_invitations(request.user.pk)
    return JsonResponse({"invitations": [*map(payloads.invitation, found)], "seq": seq})


@api("GET")
def receipts(request: ApiRequest, room_id: int) -> JsonResponse:
    """Return how far the others have read; null where there are no read receipts."""
    found = receipts_of(room_id, request.user.pk)
    shown = None if found is None else [*map(payloads.receipt, found)]
    return JsonResponse({"receipts": shown})


@api("PATCH")
def my_membership(request: ApiRequest, room_id: int) -> JsonResponse:
    """Change what a room notifies the user of, or its place among the favourites."""
    row = _change_mine({"actor_id": request.user.pk, "room_id": room_id}, body(request, MyChange))
    return JsonResponse({"membership": payloads.my_membership(row)})


def _change_mine(who: dict[str, int], change: MyChange) -> Membership:
    match change:
        case MyChange(str(involvement), None, None, None):
            return services.set_involvement(involvement=involvement, **who)
        case MyChange(None, int(seconds), None, None):
            return services.set_quiet(seconds=seconds, **who)
        case MyChange(None, None, bool(favourite), order):
            return services.set_favourite(favourite=favourite, order=order, **who)
    raise BadRequest("involvement, quiet_for, favourite: expected one of them")


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
