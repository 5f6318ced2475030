"""The values for the template of the inbox page. Reads only."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django.utils.translation import gettext, gettext_lazy, ngettext

from notifications import payloads, queries
from notifications.grouping import entrance, grouped, key, total
from notifications.queries import Shelf
from realtime.core.streams import StreamName

Values = dict[str, Any]

SHELVES: Final = {"unread": Shelf.UNREAD, "all": Shelf.INBOX, "archived": Shelf.ARCHIVED}
NAMES: Final = {
    "unread": gettext_lazy("Unread"),
    "all": gettext_lazy("All"),
    "archived": gettext_lazy("Archived"),
}
FIRST: Final = "unread"


def inbox_view(
    user_id: int, *, tab: str, before: int | None, rooms: Mapping[StreamName, str]
) -> Values:
    """Return one page of a tab. ``rooms`` maps streams to the names of the user's rooms."""
    tab = tab if tab in SHELVES else FIRST
    unread = queries.unread(user_id)
    page = queries.inbox_page(user_id, before=before, shelf=SHELVES[tab])
    notices = [payloads.notification(row) for row in page.rows]
    older = f"?{urlencode({'tab': tab, 'before': notices[-1]['id']})}" if page.more else ""
    return {
        "tab": tab,
        "tabs": [
            {"name": name, "label": label, "count": unread if name == "unread" else 0}
            for name, label in NAMES.items()
        ],
        "entries": [_entry(group, rooms) for group in grouped(notices)],
        "older_url": older,
        "data": {"tab": tab, "notifications": notices, "more": page.more},
    }


def _entry(group: list[Values], rooms: Mapping[StreamName, str]) -> Values:
    """Return a notification, or the heading of a group with its notifications as ``folded``."""
    newest = group[0]
    if len(group) == 1:
        return newest | {"key": key(newest), "chip": _chip(newest)}
    unread = any(notice["read_at"] is None for notice in group)
    return newest | {
        "key": key(newest),
        "title": _title(group, rooms.get(StreamName(newest["place"] or ""))),
        "body": "",
        "url": entrance(group)["url"],
        "read_at": None if unread else newest["read_at"],
        "folded": [notice | {"key": str(notice["id"]), "chip": _chip(notice)} for notice in group],
    }


def _title(group: list[Values], room: str | None) -> str:
    count, newest = total(group), group[0]
    if newest["kind"] == "reaction":
        return ngettext(
            "%(count)s reaction to your message", "%(count)s reactions to your message", count
        ) % {"count": count}
    if newest["kind"] == "direct":
        name = newest["actor"]["name"] if newest["actor"] else gettext("someone")
        return ngettext(
            "%(count)s message from %(name)s", "%(count)s messages from %(name)s", count
        ) % {"count": count, "name": name}
    if room is None:
        return ngettext("%(count)s message", "%(count)s messages", count) % {"count": count}
    return ngettext("%(count)s message in %(room)s", "%(count)s messages in %(room)s", count) % {
        "count": count,
        "room": room,
    }


def _chip(notice: Values) -> str:
    """Return the number of reactions of one notification, if there are several."""
    if notice["kind"] != "reaction" or notice["count"] < 2:
        return ""
    return ngettext("%(count)s reaction", "%(count)s reactions", notice["count"]) % {
        "count": notice["count"]
    }
