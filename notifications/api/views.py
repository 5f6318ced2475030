"""The JSON API of inboxes and announcements.

``seq`` is read before the rows, so that a client that continues from it misses nothing.
"""

from datetime import time
from typing import Annotated

import msgspec
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from notifications import payloads, policies, queries, services, subjects
from notifications.queries import Shelf
from realtime.auth import ApiRequest, api, body
from realtime.core.reads import head_and_floor
from realtime.core.users import joined_at
from realtime.protocol.errors import BadRequest


@api("GET")
def inbox(request: ApiRequest) -> JsonResponse:
    """Answer with a page of my notifications, newest first."""
    before, shelf = _before(request), _shelf(request)
    seq, _ = head_and_floor(payloads.inbox(request.user.pk))
    unread = queries.unread(request.user.pk)
    page = queries.inbox_page(request.user.pk, before=before, shelf=shelf)
    return JsonResponse(
        {
            "notifications": page.notices,
            "excerpts": subjects.excerpts_of(request.user.pk, page.notices),
            "seq": seq,
            "unread": unread,
            "more": page.more,
        }
    )


@api("GET")
def excerpts(request: ApiRequest) -> JsonResponse:
    """Answer with the present texts of what some of my notifications are about."""
    asked = request.GET.get("subjects", "").split(",")
    if len(asked) > subjects.MAX_SUBJECTS:
        raise BadRequest(
            "subjects: expected at most {limit}, got {count}",
            limit=subjects.MAX_SUBJECTS,
            count=len(asked),
        )
    return JsonResponse({"excerpts": subjects.excerpts(request.user.pk, asked)})


@api("GET")
def announcements(request: ApiRequest) -> JsonResponse:
    """Answer with what is announced now, newest first, and what of it I have read."""
    seq, _ = head_and_floor(payloads.ANNOUNCEMENTS)
    shown = queries.active_announcements(
        request.user.pk, now=timezone.now(), joined=joined_at(request.user)
    )
    rows = [
        payloads.announcement(row) | {"read_at": payloads.moment(read_at)} for row, read_at in shown
    ]
    return JsonResponse({"announcements": rows, "seq": seq})


@api("POST")
def read_announcement(request: ApiRequest, announcement_id: int) -> JsonResponse:
    """Remember that I have read an announcement."""
    if announcement_id > policies.MAX_ID:
        raise BadRequest(
            "announcement: expected at most {limit}, got {announcement_id}",
            limit=policies.MAX_ID,
            announcement_id=announcement_id,
        )
    services.read_announcement(user_id=request.user.pk, announcement_id=announcement_id)
    return JsonResponse({})


Kinds = Annotated[list[str], msgspec.Meta(max_length=policies.MAX_KINDS)]
WallClock = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Choices(msgspec.Struct, forbid_unknown_fields=True):
    """The preferences to change; a null time means no quiet hours."""

    inbox_off: Kinds | None = None
    desktop_off: Kinds | None = None
    quiet_from: WallClock | msgspec.UnsetType | None = msgspec.UNSET
    quiet_to: WallClock | msgspec.UnsetType | None = msgspec.UNSET


@api("GET", "PATCH")
def preferences(request: ApiRequest) -> JsonResponse:
    """Return the user's preferences, after a change if one is requested."""
    user_id = request.user.pk
    if request.method == "PATCH":
        asked = body(request, Choices)
        services.set_preferences(
            user_id=user_id,
            inbox_off=asked.inbox_off,
            desktop_off=asked.desktop_off,
            quiet=_quiet(asked),
        )
    return JsonResponse({"preferences": payloads.preferences(queries.preferences(user_id))})


def _quiet(asked: Choices) -> tuple[time | None, time | None] | None:
    start, end = asked.quiet_from, asked.quiet_to
    if start is msgspec.UNSET and end is msgspec.UNSET:
        return None
    if isinstance(start, msgspec.UnsetType) or isinstance(end, msgspec.UnsetType):
        raise BadRequest("quiet_from, quiet_to: expected both or none")
    return (time.fromisoformat(start) if start else None, time.fromisoformat(end) if end else None)


def _before(request: HttpRequest) -> int | None:
    raw = request.GET.get("before")
    if raw is None:
        return None
    # int() takes signs, spaces, underscores and the digits of every script, and refuses 4301 of
    # them with an error of its own
    if not (
        raw.isascii()
        and raw.isdecimal()
        and len(raw) <= len(str(policies.MAX_ID))
        and 0 < int(raw) <= policies.MAX_ID
    ):
        raise BadRequest(
            "before: expected the id of a notification, between 1 and {limit}",
            limit=policies.MAX_ID,
        )
    return int(raw)


def _shelf(request: HttpRequest) -> Shelf:
    raw = request.GET.get("filter", Shelf.INBOX)
    if raw not in set(Shelf):
        raise BadRequest("filter: expected one of {values}", values=", ".join(Shelf))
    return Shelf(raw)
