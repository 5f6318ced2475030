"""Editing a broadcast: everyone who has it sees the new content, live.

The new content is stored first, together with the announcement. Then it goes to the posts in places
and, in batches, to the notifications. The row knows the last person who got it, so that any process
can go on. A broadcast that is not being sent yet can be edited whole, with its addressees and time.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from notifications import payloads, policies, queries
from notifications.kinds import RECALLED
from notifications.models import Announcement, Broadcast, BroadcastEdit, Notification
from notifications.policies import BadBroadcast, Words
from notifications.queries import Audience
from notifications.services import inbox
from notifications.services.broadcasts import TimeSlice, Watch, edit_post, find, locked
from realtime.core.heads import Heads, changing
from realtime.protocol.user_ids import UserId

log = logging.getLogger("holdfast.notifications")

_CONTENT: Final = ("title", "body", "url", "level", "translations", "expires_at")
_ADDRESS: Final = ("targets", "scheduled_at")


def words_of(row: Broadcast) -> Words:
    """Return the content of a broadcast, to edit it."""
    return Words(
        title=row.title,
        body=row.body,
        url=row.url,
        level=row.level,
        translations=row.translations or {},
        expires_at=row.expires_at,
        at=row.scheduled_at,
    )


def is_begun(row: Broadcast) -> bool:
    """Return whether someone may have it already."""
    return bool(row.started_at or row.finished_at or row.done or row.places)


def check_edit(row: Broadcast, words: Words, audience: Audience) -> None:
    """Raise ``BadBroadcast`` with everything that is wrong with new content."""
    problems = []
    begun = is_begun(row)
    if row.recalled_at:
        problems.append(f"Broadcast {row.pk} was taken back.")
    if begun and (audience.as_json() != row.targets or words.at != row.scheduled_at):
        problems.append(
            f"Broadcast {row.pk} is sent already. Its addressees and its time no longer change."
        )
    if begun:
        # A text can be corrected that is shown no more, or was scheduled for a time that is over.
        kept = words.expires_at == row.expires_at
        words = replace(words, at=None, expires_at=None if kept else words.expires_at)
    problems += policies.problems_of_words(words, now=timezone.now(), announced=audience.everybody)
    if not begun:
        problems += queries.reach(audience).problems
    if problems:
        raise BadBroadcast(problems)


def edit(
    *,
    broadcast_id: int,
    words: Words,
    audience: Audience | None = None,
    actor_id: UserId | None = None,
    seconds: float | None = None,
    watch: Watch = lambda _row: None,
) -> Broadcast:
    """Give a broadcast other content, and bring it to those who have it, for about ``seconds``.

    The same content again changes nothing. Raises ``BadBroadcast`` before anything is changed.
    """
    row = find(broadcast_id)
    audience = audience or Audience.from_json(row.targets)
    check_edit(row, words, audience)
    people = queries.reach(audience).people
    with changing(payloads.ANNOUNCEMENTS) as heads:
        row = locked(broadcast_id)
        check_edit(row, words, audience)  # its sender may have begun meanwhile
        before = {name: getattr(row, name) for name in (*_CONTENT, *_ADDRESS)}
        after = _columns(words, audience)
        if before != after:
            now = timezone.now()
            BroadcastEdit.objects.create(
                broadcast=row, edited_by_id=actor_id, edited_at=now, **before
            )
            _store(heads, row, after, people, now)
            log.info("broadcast edited", extra={"broadcast": row.pk, "user": actor_id})
    return carry_on(broadcast_id=broadcast_id, seconds=seconds, watch=watch)


def carry_on(
    *, broadcast_id: int, seconds: float | None = None, watch: Watch = lambda _row: None
) -> Broadcast:
    """Bring edited content to those who still have the old one, for about ``seconds``.

    ``edit_after`` of the broadcast is null when everyone has it.
    """
    time_slice = TimeSlice(seconds)
    posted: datetime | None = None
    time_slice.start()
    while True:
        row = find(broadcast_id)
        if row.edit_after is None or row.recalled_at:
            return row
        if posted != row.edited_at:  # the first time, or edited again meanwhile
            for name, _, ident in row.places:
                edit_post(row, name, ident)
            posted = row.edited_at
        else:
            time_slice.rest()
            if time_slice.is_over:
                return row
        left = Notification.objects.filter(broadcast=row)
        if row.edit_after:
            left = left.filter(user_id__gt=row.edit_after)
        ids = left.exclude(kind=RECALLED).order_by("user_id").values_list("user_id", flat=True)
        _rewrite(row, list(ids[: time_slice.inboxes]))
        watch(row)


def _columns(words: Words, audience: Audience) -> dict[str, Any]:
    return {
        "title": words.title,
        "body": words.body,
        "url": words.url,
        "level": words.level,
        "translations": words.translations or None,
        "expires_at": words.expires_at,
        "targets": audience.as_json(),
        "scheduled_at": words.at,
    }


def _store(heads: Heads, row: Broadcast, after: dict[str, Any], people: int, now: datetime) -> None:
    """Store new content, also of the announcement."""
    for name, value in after.items():
        setattr(row, name, value)
    row.edited_at = now
    if is_begun(row):
        row.edit_after = ""
    else:
        row.recipients = people
    row.save()
    announcement = Announcement.objects.filter(broadcast=row, recalled_at=None).first()
    if announcement is None:
        return
    for name in _CONTENT:
        setattr(announcement, name, after[name])
    announcement.seq = heads.next(payloads.ANNOUNCEMENTS)
    announcement.save()
    heads.record(payloads.ANNOUNCEMENTS, payloads.announcement_event(announcement))


def _rewrite(row: Broadcast, user_ids: Sequence[UserId]) -> None:
    """Give one batch of notifications the content of now; none are left if it is empty."""
    with changing(*map(payloads.inbox, user_ids)) as heads:
        sent = locked(row.pk)
        if sent.edit_after != row.edit_after or sent.recalled_at:
            return  # another process is ahead, or it was edited again
        rows = Notification.objects.filter(broadcast=sent, user_id__in=user_ids)
        rows = rows.exclude(kind=RECALLED)
        rows.update(
            title=sent.title,
            body=sent.body,
            url=sent.url,
            level=sent.level,
            params={"texts": sent.translations} if sent.translations else {},
        )
        inbox.move(heads, list(rows.values_list("pk", flat=True)))
        sent.edit_after = str(user_ids[-1]) if user_ids else None
        sent.save(update_fields=["edit_after"])
