"""Changes of inboxes, announcements and broadcasts: the only place of this app that opens a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.utils import timezone

from notifications import payloads, selectors
from notifications.models import TITLE_MAX_LENGTH, Broadcast, Level, Notification
from realtime.services import Heads

ROWS_PER_STATEMENT = 500  # of a bulk insert: with 13 columns far below the 65,535 parameters of PostgreSQL and the 32,766 of SQLite


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What somebody is to be notified of."""

    user_id: int
    kind: str
    title: str
    body: str = ""
    url: str = ""
    actor_id: int | None = None
    level: str = Level.INFO


def notify(
    heads: Heads,
    *,
    user_id: int,
    kind: str,
    title: str,
    body: str = "",
    url: str = "",
    actor_id: int | None = None,
    level: str = Level.INFO,
) -> Notification:
    """Put a notification into an inbox, in the transaction of the caller, who named ``payloads.inbox(user_id)`` to ``changing``."""
    notice = Notice(user_id=user_id, kind=kind, title=title, body=body, url=url, actor_id=actor_id, level=level)
    return notify_many(heads, [notice])[0]


def notify_many(heads: Heads, notices: Sequence[Notice], *, broadcast: Broadcast | None = None) -> list[Notification]:
    """Put many notifications into inboxes, in the transaction of the caller; three queries, and one more for every 500 rows."""
    unread = selectors.unread_counts({notice.user_id for notice in notices})
    actors: dict[int | None, User] = User.objects.in_bulk({notice.actor_id for notice in notices if notice.actor_id is not None})
    now = timezone.now()
    rows = []
    for notice in notices:
        unread[notice.user_id] += 1
        rows.append(
            Notification(
                user_id=notice.user_id,
                seq=heads.next(payloads.inbox(notice.user_id)),
                kind=notice.kind,
                title=notice.title[:TITLE_MAX_LENGTH],
                body=notice.body,
                url=notice.url,
                actor=actors.get(notice.actor_id),
                level=notice.level,
                unread=unread[notice.user_id],
                created_at=now,
                broadcast=broadcast,
            )
        )
    Notification.objects.bulk_create(rows, batch_size=ROWS_PER_STATEMENT)
    for row in rows:
        heads.record(payloads.inbox(row.user_id), payloads.notification_event(row))
    return rows
