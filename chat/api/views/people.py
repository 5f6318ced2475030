"""The JSON API: people, blocks, and moderation on the whole site."""

from typing import Any

import msgspec
from django.conf import settings
from django.http import JsonResponse

from chat import payloads, policies, services
from chat.api.bodies import DisplayChange, PersonChange, ReceiptChoice
from chat.moderation import raid_mode
from chat.queries import blocks as block_queries
from chat.queries import messages, people
from chat.queries.receipts import gives_receipts
from chat.services.rights import check_site_moderator
from notifications.payloads import inbox, person
from realtime.auth import ApiRequest, api, body
from realtime.core.bounds import quotas
from realtime.core.reads import head_and_floor
from realtime.protocol.errors import BadRequest


@api("GET")
def users(request: ApiRequest) -> JsonResponse:
    """Suggest users whose username begins with ``q``."""
    beginning = request.GET.get("q", "").strip()
    policies.clean(beginning, name="q", limit=150)  # refuses what a database cannot search
    quotas.take("directory", request.user.pk, most=settings.HOLDFAST_DIRECTORY_READS)
    return JsonResponse({"users": [*map(person, people.users_starting_with(beginning))]})


@api("GET")
def blocks(request: ApiRequest) -> JsonResponse:
    """Return the users that the user has blocked."""
    seq, _ = head_and_floor(inbox(request.user.pk))
    return JsonResponse(
        {"blocks": [*map(payloads.block, block_queries.blocks(request.user.pk))], "seq": seq}
    )


@api("GET", "PATCH")
def my_receipts(request: ApiRequest) -> JsonResponse:
    """Return whether the user gives and gets read receipts, after a change if one is requested."""
    if request.method == "PATCH":
        services.set_receipts(user_id=request.user.pk, on=body(request, ReceiptChoice).on)
    return JsonResponse({"on": gives_receipts(request.user.pk)})


@api("GET")
def my_site_mute(request: ApiRequest) -> JsonResponse:
    """Return until when the user is muted on the whole site, or null."""
    seq, _ = head_and_floor(inbox(request.user.pk))
    row = people.site_mute(request.user.pk)
    return JsonResponse({"site_mute": payloads.site_mute(row) if row else None, "seq": seq})


@api("GET", "PATCH")
def my_display(request: ApiRequest) -> JsonResponse:
    """Return how the user wants to see the site, or change some of it."""
    if request.method == "PATCH":
        change = msgspec.structs.asdict(body(request, DisplayChange))
        row = services.set_display(user_id=request.user.pk, **change)
    else:
        row = people.display(request.user.pk)
    return JsonResponse({"display": payloads.display(request.user.pk, row)})


@api("GET")
def raid(request: ApiRequest) -> JsonResponse:
    """Return raid mode to a moderator of the site, or null while it is off."""
    check_site_moderator(request.user.pk)
    return JsonResponse({"raid": raid_mode.payload()})


@api("GET")
def held_posts(request: ApiRequest) -> JsonResponse:
    """Return the posts of the user that a filter holds until a moderator has decided."""
    seq, _ = head_and_floor(inbox(request.user.pk))
    rows = messages.held_posts(request.user.pk)
    return JsonResponse({"held_posts": [*map(payloads.held_post, rows)], "seq": seq})


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
