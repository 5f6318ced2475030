"""The page on which a person chooses what they are notified of: by kind, by room, and when not to be disturbed."""

from datetime import time
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from chat import payloads, services
from chat.models import Involvement
from chat.pages import page_data
from chat.pages.views import page
from chat.queries import room_lists
from chat.queries.room_lists import ListedRoom
from notifications.kinds import listed_kinds
from notifications.queries import preferences
from notifications.services import set_preferences
from realtime.protocol.errors import BadRequest, HoldfastError

MOST_ROOMS: Final = 100  # on one page; the search finds the others
ROOM: Final = "room-"  # fields of the form: "room-42"
INVOLVEMENTS: Final = [
    (Involvement.EVERYTHING, _("Everything")),
    (Involvement.MENTIONS, _("Mentions, replies and reactions")),
    (Involvement.NOTHING, _("Nothing")),
]
NIGHT: Final = (time(22), time(7))  # offered as quiet hours


@page
@require_http_methods(["GET", "POST"])
def notification_settings(request: HttpRequest) -> HttpResponse:
    """Show the choices, or save those of one of the two forms."""
    assert request.user.pk is not None  # `page` lets in nobody else
    user_id = request.user.pk
    error = ""
    if request.method == "POST":
        try:
            save = _save_rooms if request.POST.get("form") == "rooms" else _save_kinds
            save(user_id, request.POST)
        except HoldfastError as refused:
            error = refused.message
        else:
            messages.success(request, gettext("Saved"))
            return redirect(request.get_full_path())
    values = _values(user_id, request.GET.get("q", "").strip()) | {"error": error}
    return render(request, "chat/account/notifications.html", values, status=400 if error else 200)


def _values(user_id: int, query: str) -> dict[str, Any]:
    chosen = preferences(user_id)
    listed = [
        item
        for item in room_lists.my_rooms(user_id)
        if query.casefold() in page_data.title(item.room, item.partner).casefold()
    ]
    return {
        "kinds": [
            {
                "name": kind.name,
                "label": kind.label,
                "help": kind.help,
                "optional": kind.optional,
                "inbox": kind.name not in chosen.inbox_off,
                "desktop": kind.name not in chosen.desktop_off,
            }
            for kind in sorted(listed_kinds(), key=lambda kind: not kind.optional)
        ],
        "quiet": chosen.quiet_from is not None,
        "quiet_from": chosen.quiet_from or NIGHT[0],
        "quiet_to": chosen.quiet_to or NIGHT[1],
        "rooms": [_room(item) for item in listed[:MOST_ROOMS]],
        "more": len(listed) > MOST_ROOMS,
        "query": query,
        "involvements": INVOLVEMENTS,
    }


def _room(item: ListedRoom) -> dict[str, Any]:
    return {
        "id": item.room.pk,
        "title": page_data.title(item.room, item.partner),
        "kind": item.room.kind,
        "person": payloads.person(item.partner) if item.partner else None,
        "involvement": item.membership.involvement if item.membership else Involvement.NOTHING,
    }


def _save_kinds(user_id: int, posted: QueryDict) -> None:
    """Save the first form. A box that is not ticked is not sent, so what is off is what is missing."""
    inbox_off = [
        kind.name
        for kind in listed_kinds()
        if kind.optional and kind.name not in posted.getlist("inbox")
    ]
    desktop_off = [
        kind.name for kind in listed_kinds() if kind.name not in posted.getlist("desktop")
    ]
    quiet = (
        (_time(posted.get("quiet_from", "")), _time(posted.get("quiet_to", "")))
        if posted.get("quiet")
        else (None, None)
    )
    if posted.get("quiet") and None in quiet:
        raise BadRequest("Quiet hours need a time at which they begin and one at which they end.")
    if quiet[0] is not None and quiet[0] == quiet[1]:
        raise BadRequest("Quiet hours that end when they begin would never end.")
    set_preferences(user_id=user_id, inbox_off=inbox_off, desktop_off=desktop_off, quiet=quiet)


def _save_rooms(user_id: int, posted: QueryDict) -> None:
    """Save the second form: those rooms whose choice is another one than it was."""
    chosen = {
        int(name.removeprefix(ROOM)): str(value)
        for name, value in posted.items()
        if name.startswith(ROOM) and _is_id(name)
    }
    if len(chosen) > MOST_ROOMS:
        raise BadRequest(
            "rooms: expected at most {limit}, got {count}", limit=MOST_ROOMS, count=len(chosen)
        )
    before = {
        item.room.pk: item.membership.involvement
        for item in room_lists.my_rooms(user_id)
        if item.membership
    }
    for room_id, involvement in chosen.items():
        if room_id in before and before[room_id] != involvement:
            services.set_involvement(actor_id=user_id, room_id=room_id, involvement=involvement)


def _is_id(name: str) -> bool:
    digits = name.removeprefix(ROOM)
    return digits.isascii() and digits.isdecimal() and len(digits) < 19


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0)
    except ValueError:
        return None
