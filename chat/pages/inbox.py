"""The values for the template of the inbox page. Reads only."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from django.utils.translation import gettext_lazy, ngettext

from chat.pages.page_data import Values
from notifications import kinds, queries, subjects
from notifications.grouping import first_unread, grouped, key, total
from notifications.queries import Shelf
from realtime.core.streams import StreamName

Rooms = Mapping[StreamName, str]  # the present names of the rooms that someone is in, by stream
Excerpts = Mapping[str, str]  # the present texts of messages, by subject

SHELVES: Final = {"unread": Shelf.UNREAD, "all": Shelf.INBOX, "archived": Shelf.ARCHIVED}
NAMES: Final = {
    "unread": gettext_lazy("Unread"),
    "all": gettext_lazy("All"),
    "archived": gettext_lazy("Archived"),
}
FIRST: Final = "unread"


def inbox_view(user_id: int, *, tab: str, before: int | None, rooms: Rooms) -> Values:
    """Return one page of a tab."""
    tab = tab if tab in SHELVES else FIRST
    unread = queries.unread(user_id)
    page = queries.inbox_page(user_id, before=before, shelf=SHELVES[tab])
    excerpts = subjects.excerpts_of(user_id, page.notices)
    older = f"?{urlencode({'tab': tab, 'before': page.notices[-1]['id']})}" if page.more else ""
    named = [_with_present_name(notice, rooms) for notice in page.notices]
    return {
        "tab": tab,
        "tabs": [
            {"name": name, "label": label, "count": unread if name == "unread" else 0}
            for name, label in NAMES.items()
        ],
        "entries": [_entry(group, excerpts) for group in grouped(named)],
        "older_url": older,
        "data": {
            "tab": tab,
            "notifications": page.notices,
            "excerpts": excerpts,
            "more": page.more,
        },
    }


def _with_present_name(notice: Values, rooms: Rooms) -> Values:
    """Return a notification with the name that its room has now, if the reader is in the room."""
    room = notice["params"].get("room")
    if not room or not room["name"]:
        return notice
    name = rooms.get(StreamName(f"room.{room['id']}"), room["name"])
    return notice | {"params": notice["params"] | {"room": room | {"name": name}}}


def _entry(group: list[Values], excerpts: Excerpts) -> Values:
    """Return a notification, or the head of a group with its members as ``folded``."""
    newest = group[0]
    if len(group) == 1:
        return _single(newest, excerpts) | {"key": key(newest)}
    unread = any(notice["read_at"] is None for notice in group)
    return newest | {
        "key": key(newest),
        "icon": kinds.kind_of(newest).icon,
        "sentence": kinds.summary(newest, total(group)),
        "excerpt": excerpts.get(newest["subject"], ""),
        "url": first_unread(group)["url"],
        "read_at": None if unread else newest["read_at"],
        "folded": [_single(notice, excerpts) | {"key": str(notice["id"])} for notice in group],
    }


def _single(notice: Values, excerpts: Excerpts) -> Values:
    return notice | {
        "icon": kinds.kind_of(notice).icon,
        "sentence": kinds.sentence(notice),
        "detail": kinds.detail(notice),
        "excerpt": excerpts.get(notice["subject"], ""),
        "emoji": " ".join(notice["params"].get("emoji", ())),
        "chip": _chip(notice),
    }


def _chip(notice: Values) -> str:
    """Return the number of reactions of one row, if it is more than one."""
    if notice["kind"] != "reaction" or notice["count"] < 2:
        return ""
    return ngettext("%(count)s reaction", "%(count)s reactions", notice["count"]) % {
        "count": notice["count"]
    }
