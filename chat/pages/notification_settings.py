"""The notification settings: by kind, by room, and quiet hours."""

from datetime import time
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from chat import payloads, services
from chat.models import Involvement
from chat.pages import page_data
from chat.pages.rendering import render
from chat.pages.views import page
from chat.queries import room_lists
from chat.queries.room_lists import ListedRoom
from notifications.kinds import listed_kinds
from notifications.queries import preferences
from notifications.services import set_preferences
from realtime.protocol.errors import BadRequest, HoldfastError

MAX_ROOMS: Final = 100  # on one page; the search finds the others
ROOM_FIELD: Final = "room-"  # prefix of the fields of the form: "room-42"
INVOLVEMENTS: Final = [
    (Involvement.EVERYTHING, _("All messages")),
    (Involvement.MENTIONS, _("Mentions, replies and reactions")),
    (Involvement.NOTHING, _("Nothing")),
]
NIGHT: Final = (time(22), time(7))  # the default of quiet hours


@page
@require_http_methods(["GET", "POST"])
def notification_settings(request: HttpRequest) -> HttpResponse:
    """Show the settings, or save one of the two forms."""
    assert request.user.pk is not None  # ensured by `page`
    user_id = request.user.pk
    error = ""
    if request.method == "POST":
        try:
            save = _save_rooms if request.POST.get("form") == "rooms" else _save_kinds
            save(user_id, request.POST)
        except HoldfastError as problem:
            error = problem.message
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
        if query.casefold() in page_data.title(item.room, item.companions).casefold()
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
        "rooms": [_room(item) for item in listed[:MAX_ROOMS]],
        "more": len(listed) > MAX_ROOMS,
        "query": query,
        "involvements": INVOLVEMENTS,
    }


def _room(item: ListedRoom) -> dict[str, Any]:
    return {
        "id": item.room.pk,
        "title": page_data.title(item.room, item.companions),
        "kind": item.room.kind,
        "is_group": item.room.is_group,
        "person": payloads.company(item.room, item.companions)["partner"],
        "involvement": item.membership.involvement if item.membership else Involvement.NOTHING,
    }


def _save_kinds(user_id: int, posted: QueryDict) -> None:
    """Save the first form. Browsers don't send unticked boxes: a missing kind is turned off."""
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
        raise BadRequest("Enter a start and an end time for quiet hours.")
    if quiet[0] is not None and quiet[0] == quiet[1]:
        raise BadRequest("Quiet hours can't start and end at the same time.")
    set_preferences(user_id=user_id, inbox_off=inbox_off, desktop_off=desktop_off, quiet=quiet)


def _save_rooms(user_id: int, posted: QueryDict) -> None:
    """Save the second form: the rooms whose notification level has changed."""
    chosen = {
        int(name.removeprefix(ROOM_FIELD)): str(value)
        for name, value in posted.items()
        if name.startswith(ROOM_FIELD) and _is_id(name)
    }
    if len(chosen) > MAX_ROOMS:
        raise BadRequest(
            "rooms: expected at most {limit}, got {count}", limit=MAX_ROOMS, count=len(chosen)
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
    digits = name.removeprefix(ROOM_FIELD)
    return digits.isascii() and digits.isdecimal() and len(digits) < 19


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0)
    except ValueError:
        return None
