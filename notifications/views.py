"""The JSON API of inboxes and announcements. ``seq`` is read before the rows, so that whoever continues from it misses nothing."""

from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from notifications import payloads, policies, selectors, services
from notifications.selectors import Shelf
from realtime.auth import ApiRequest, api
from realtime.protocol.errors import BadRequest
from realtime.selectors import head_and_floor


@api("GET")
def inbox(request: ApiRequest) -> JsonResponse:
    """Answer with a page of my notifications, newest first."""
    before, shelf = _before(request), _shelf(request)
    seq, _ = head_and_floor(payloads.inbox(request.user.pk))
    unread = selectors.unread(request.user.pk)
    page = selectors.inbox_page(request.user.pk, before=before, shelf=shelf)
    return JsonResponse({"notifications": [*map(payloads.notification, page.rows)], "seq": seq, "unread": unread, "more": page.more})


@api("GET")
def announcements(request: ApiRequest) -> JsonResponse:
    """Answer with what is announced now, newest first, and what of it I have read."""
    seq, _ = head_and_floor(payloads.ANNOUNCEMENTS)
    shown = selectors.active_announcements(request.user.pk, now=timezone.now())
    rows = [payloads.announcement(row) | {"read_at": payloads.moment(read_at)} for row, read_at in shown]
    return JsonResponse({"announcements": rows, "seq": seq})


@api("POST")
def read_announcement(request: ApiRequest, announcement_id: int) -> JsonResponse:
    """Remember that I have read an announcement."""
    if announcement_id > policies.MAX_ID:
        raise BadRequest(f"announcement: expected at most {policies.MAX_ID}, got {announcement_id}")
    services.read_announcement(user_id=request.user.pk, announcement_id=announcement_id)
    return JsonResponse({})


def _before(request: HttpRequest) -> int | None:
    raw = request.GET.get("before")
    if raw is None:
        return None
    # int() takes signs, spaces, underscores and the digits of every script, and refuses 4301 of them with an error of its own
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= len(str(policies.MAX_ID)) and 0 < int(raw) <= policies.MAX_ID):
        raise BadRequest(f"before: expected the id of a notification, between 1 and {policies.MAX_ID}")
    return int(raw)


def _shelf(request: HttpRequest) -> Shelf:
    raw = request.GET.get("filter", Shelf.INBOX)
    if raw not in set(Shelf):
        raise BadRequest(f"filter: expected one of {', '.join(Shelf)}")
    return Shelf(raw)
