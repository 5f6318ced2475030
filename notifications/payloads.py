"""The wire format of inboxes and announcements (docs/protocol.md), and their stream names."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from notifications.models import Announcement, AnnouncementReading, Notification, Preferences
from notifications.policies import is_safe_url
from realtime.auth.accounts import shown_name
from realtime.core import streams
from realtime.core.streams import StreamName
from realtime.core.users import User, handle
from realtime.protocol.page import Event
from realtime.protocol.user_ids import UserId, WireId, wire_id

INBOX = "inbox"
ANNOUNCEMENTS = StreamName("announcements")

People = Mapping[WireId, User]  # by id


def inbox(user_id: UserId) -> StreamName:
    """Return the name of a person's inbox stream."""
    return streams.kind(INBOX).name(user_id)


def person(user: User) -> dict[str, Any]:
    """Return the public fields of a user."""
    return {
        "id": wire_id(user.pk),
        "username": handle(user),
        "name": shown_name(user),
    }


def moment(when: datetime | None) -> str | None:
    """Return a time in ISO 8601 and UTC."""
    return when.isoformat().replace("+00:00", "Z") if when else None


def notification(row: Notification, people: People) -> dict[str, Any]:
    """Return a notification. ``people`` has everyone in it (``queries.people_in``)."""
    actor = people.get(wire_id(row.actor_id))
    return {
        "id": row.pk,
        "seq": row.seq,
        "kind": row.kind,
        "params": _params(row, people),
        "title": row.title,
        "body": row.body,
        "url": row.url if is_safe_url(row.url) else "",
        "actor": person(actor) if actor else None,
        "level": str(row.level),
        "created_at": moment(row.created_at),
        "read_at": moment(row.read_at),
        "archived_at": moment(row.archived_at),
        "unread": row.unread,
        "place": row.place or None,
        "subject": row.subject or None,
        "count": row.count,
        "updated_at": moment(row.updated_at),
    }


def _params(row: Notification, people: People) -> dict[str, Any]:
    params: dict[str, Any] = row.params
    if "people" not in params:
        return params
    named = [people[user_id] for user_id in params["people"] if user_id in people]
    return {**params, "people": [person(user) for user in named]}


def announcement(row: Announcement) -> dict[str, Any]:
    """Return an announcement; a recalled one has no words any more."""
    texts = {"texts": row.translations} if row.translations else {}
    return {
        **texts,
        "id": row.pk,
        "seq": row.seq,
        "title": row.title,
        "body": row.body,
        "url": row.url if is_safe_url(row.url) else "",
        "level": str(row.level),
        "created_at": moment(row.created_at),
        "expires_at": moment(row.expires_at),
        "recalled_at": moment(row.recalled_at),
    }


def reading(row: AnnouncementReading) -> dict[str, Any]:
    """Return the fact that an announcement was read, for the reader's other tabs."""
    return {
        "id": row.pk,
        "seq": row.seq,
        "announcement": row.announcement_id,
        "read_at": moment(row.read_at),
    }


def preferences(row: Preferences) -> dict[str, Any]:
    """Return a user's preferences."""
    return {
        "id": row.pk,
        "seq": row.seq,
        "inbox_off": row.inbox_off,
        "desktop_off": row.desktop_off,
        "quiet_from": f"{row.quiet_from:%H:%M}" if row.quiet_from else None,
        "quiet_to": f"{row.quiet_to:%H:%M}" if row.quiet_to else None,
    }


def notification_event(row: Notification, people: People) -> Event:
    """Return the row as an event of its user's inbox."""
    return Event.of("notification", row.pk, row.seq, notification(row, people))


def announcement_event(row: Announcement) -> Event:
    """Return the row as an event of ``announcements``."""
    return Event.of("announcement", row.pk, row.seq, announcement(row))


def reading_event(row: AnnouncementReading) -> Event:
    """Return the row as an event of its reader's inbox."""
    return Event.of("reading", row.pk, row.seq, reading(row))


def preferences_event(row: Preferences) -> Event:
    """Return the row as an event of its owner's inbox."""
    return Event.of("preferences", row.pk, row.seq, preferences(row))
