"""Takes a name out of what others have been told: the titles of notifications hold it in words.

Who is only renamed stays in them as they were called (docs/decisions/0007-names-move-their-rows.md); who is erased does not.
"""

from collections.abc import Iterator
from typing import Final

from django.contrib.auth.models import User
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from chat.services import recipients
from notifications.models import Notification
from notifications.payloads import inbox, person
from notifications.services import move
from notifications.titles import renamed
from realtime.core.heads import changing

BATCH: Final = 200  # notifications read at a time, or changed in one transaction


def unname(user: User) -> None:
    """Call somebody in all titles what their account is called now. What says so already does not change."""
    name = str(person(user)["name"])
    for rows in _batches(Notification.objects.filter(actor=user, parts__isnull=True)):
        found = [row for row in rows if renamed(row.kind, row.title, name) != row.title]
        if not found:
            continue
        with changing(*{inbox(row.user_id) for row in found}) as heads:
            move(heads, [row.pk for row in found], name=name)
    for rows in _batches(_with_parts_of(user.pk)):
        for row in rows:
            _reword(row)


def _reword(row: Notification) -> None:
    message = recipients.about(row.subject)
    if message is not None:
        with changing(inbox(row.user_id)) as heads:
            recipients.reword_reactions(heads, message, message.room, notification_id=row.pk)


def _with_parts_of(user_id: int) -> "QuerySet[Notification]":
    """Return the rows that somebody has a part in, with the names of others or without: no index knows it, and it is asked once."""
    rows = Notification.objects.filter(parts__isnull=False).alias(said=Cast("parts", TextField()))
    return rows.filter(said__contains=f"[{user_id}, ")


def _batches(rows: "QuerySet[Notification]") -> Iterator[list[Notification]]:
    after = 0
    while found := list(rows.filter(pk__gt=after).order_by("pk")[:BATCH]):
        yield found
        after = found[-1].pk
