"""Removing notifications for good: old ones, and those whose subject is gone."""

from collections.abc import Collection

from django.utils import timezone

from notifications import payloads, queries
from notifications.models import Notification
from notifications.services.inbox import record
from realtime.core.heads import changing


def remove_notifications(ids: Collection[int]) -> int:
    """Remove notifications in one transaction, which locks their inboxes. Returns how many.

    An unread one is taken back first, because its event carries the new unread count to open pages.
    It is deleted by a later run. The newest row of each inbox is taken back, and stays: it has the
    unread count (``notifications.queries``). The floor of an inbox rises above what was deleted
    from it.
    """
    owners = set(Notification.objects.filter(pk__in=ids).values_list("user_id", flat=True))
    if not owners:
        return 0
    with changing(*map(payloads.inbox, owners)) as heads:
        rows = list(Notification.objects.filter(pk__in=ids).order_by("pk"))
        newest = queries.newest_seqs(owners)
        shown = [
            row
            for row in rows
            if row.count and (row.read_at is None or row.seq == newest[row.user_id])
        ]
        counts = queries.unread_counts({row.user_id for row in shown}) if shown else {}
        for row in shown:
            counts[row.user_id] -= row.read_at is None
            row.read_at = row.archived_at = timezone.now()
            row.count, row.parts, row.unread = 0, None, counts[row.user_id]
            row.seq = heads.next(payloads.inbox(row.user_id))
        Notification.objects.bulk_update(
            shown, ["read_at", "archived_at", "count", "parts", "unread", "seq"]
        )
        record(heads, shown)
        newest = queries.newest_seqs(owners)
        old = [row for row in rows if row not in shown and row.seq < newest[row.user_id]]
        Notification.objects.filter(pk__in=[row.pk for row in old]).delete()
        floors: dict[int, int] = {}
        for row in old:
            floors[row.user_id] = max(row.seq, floors.get(row.user_id, 0))
        for user_id, floor in floors.items():
            heads.raise_floor(payloads.inbox(user_id), floor)
    return len(shown) + len(old)
