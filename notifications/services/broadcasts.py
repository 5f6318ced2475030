"""Sending broadcasts and recalling them.

Everyone gets one announcement row, however many users there are. Some people get one notification
each, in transactions of bounded size. A place gets a post of its app. A broadcast is sent in
several transactions, so each part can be repeated: a second call with the same key continues where
the first one ended, and no one gets it twice.
"""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from notifications import payloads, policies, queries
from notifications.kinds import BROADCAST, RECALLED
from notifications.models import Announcement, Broadcast, Notification
from notifications.policies import BadBroadcast, Words
from notifications.queries import Audience, Reach
from notifications.services import inbox
from notifications.services.inbox import Notice
from notifications.targets import Place, target
from realtime.core.heads import changing
from realtime.protocol.errors import NotFound

log = logging.getLogger("holdfast.notifications")

# Locked together: some 100 ms, which is what a mention of one of their owners may wait.
INBOXES_PER_TRANSACTION = 500


@dataclass(frozen=True, slots=True)
class Recalled:
    """The result of a recall."""

    broadcast: Broadcast
    announcements: int
    notifications: int
    posts: int


def broadcast(
    *,
    words: Words,
    audience: Audience,
    created_by_id: int | None = None,
    key: uuid.UUID | None = None,
) -> Broadcast:
    """Send ``words`` to ``audience``, or go on with the broadcast of this ``key``.

    Raises ``BadBroadcast`` with everything that is wrong, before anything is sent, or what a place
    answers that does not take it.
    """
    reach = queries.reach(audience)
    problems = [
        *policies.problems_of_words(words, now=timezone.now(), announced=audience.everybody),
        *reach.problems,
    ]
    if problems:
        raise BadBroadcast(problems)
    row = _row(words, audience, reach, created_by_id=created_by_id, key=key or uuid.uuid4())
    for name, place in reach.places:  # first: their app may refuse, and then nobody else has got it
        _post(row, name, place)
    if audience.everybody:
        announce(broadcast_id=row.pk)
    broadcast_to_users(broadcast_id=row.pk, user_ids=reach.user_ids)
    row.refresh_from_db()
    log.info("broadcast sent", extra={"broadcast": row.pk, "recipients": row.recipients})
    return row


def announce(*, broadcast_id: int) -> None:
    """Make the announcement of a broadcast, once."""
    with changing(payloads.ANNOUNCEMENTS) as heads:
        sent = _locked(broadcast_id)
        if sent.recalled_at or Announcement.objects.filter(broadcast=sent).exists():
            return
        row = Announcement.objects.create(
            seq=heads.next(payloads.ANNOUNCEMENTS),
            title=sent.title,
            body=sent.body,
            url=sent.url,
            level=sent.level,
            created_at=timezone.now(),
            expires_at=sent.expires_at,
            broadcast=sent,
        )
        heads.record(payloads.ANNOUNCEMENTS, payloads.announcement_event(row))


def broadcast_to_users(*, broadcast_id: int, user_ids: Sequence[int]) -> None:
    """Notify those of ``user_ids`` that have no notification yet, unless it was recalled."""
    ordered = sorted(set(user_ids))
    for start in range(0, len(ordered), INBOXES_PER_TRANSACTION):
        if not _notify(broadcast_id, ordered[start : start + INBOXES_PER_TRANSACTION]):
            return


def recall(*, broadcast_id: int) -> Recalled:
    """Take a broadcast back: nobody is shown its words any more, in no replay.

    A second call finishes what the first one did not.
    """
    with changing(payloads.ANNOUNCEMENTS) as heads:
        taken = _locked(broadcast_id)
        taken.recalled_at = taken.recalled_at or timezone.now()
        taken.save(update_fields=["recalled_at"])
        announcements = Announcement.objects.filter(broadcast=taken, recalled_at=None)
        for row in announcements:
            row.seq = heads.next(payloads.ANNOUNCEMENTS)
            row.title = row.body = row.url = ""
            row.recalled_at = taken.recalled_at
            row.save()
            heads.record(payloads.ANNOUNCEMENTS, payloads.announcement_event(row))
    for name, _, posted in taken.places:
        _unpost(name, posted)
    result = Recalled(taken, len(announcements), _recall_notifications(taken), len(taken.places))
    log.info(
        "broadcast recalled", extra={"broadcast": taken.pk, "notifications": result.notifications}
    )
    return result


def _row(
    words: Words, audience: Audience, reach: Reach, *, created_by_id: int | None, key: uuid.UUID
) -> Broadcast:
    """Return the broadcast of ``key``, made unless it exists."""
    said = {
        "title": words.title,
        "body": words.body,
        "url": words.url,
        "level": words.level,
        "targets": audience.as_json(),
    }
    others = {
        "recipients": reach.people,
        "expires_at": words.expires_at,
        "created_by_id": created_by_id,
    }
    row, made = Broadcast.objects.get_or_create(key=key, defaults=said | others)
    if not made and row.recalled_at:
        raise BadBroadcast([f"Broadcast {row.pk} of this key was taken back."])
    if not made and any(getattr(row, name) != value for name, value in said.items()):
        raise BadBroadcast(
            [f"The key belongs to broadcast {row.pk}, which says something else or goes to others."]
        )
    return row


def _locked(broadcast_id: int) -> Broadcast:
    """Return the row, locked after the heads, so that recalls and sending see each other."""
    row = Broadcast.objects.select_for_update().filter(pk=broadcast_id).first()
    if row is None:
        raise NotFound("There is no broadcast {broadcast_id}.", broadcast_id=broadcast_id)
    return row


def _notify(broadcast_id: int, user_ids: Sequence[int]) -> bool:
    """Notify one batch; return False where the broadcast was taken back."""
    with changing(*map(payloads.inbox, user_ids)) as heads:
        sent = _locked(broadcast_id)
        if sent.recalled_at:
            return False
        reached = Notification.objects.filter(broadcast=sent, user_id__in=user_ids).values(
            "user_id"
        )
        missing = (
            User.objects.filter(pk__in=user_ids, is_active=True)
            .exclude(pk__in=reached)
            .values_list("pk", flat=True)
        )
        notices = [
            Notice(
                user_id=user_id,
                kind=BROADCAST,
                title=sent.title,
                body=sent.body,
                url=sent.url,
                level=sent.level,
            )
            for user_id in missing
        ]
        inbox.notify_many(heads, notices, broadcast=sent)
        return True


def _post(row: Broadcast, name: str, place: Place) -> None:
    """Post to one place and record the post.

    Sending records the post and then checks for a recall; a recall is stored first and then reads
    the records. The second of the two sees the first, so no post is left behind.
    """
    found = target(name)
    assert found is not None  # the place comes from it
    posted = found.send(
        place.ident,
        key=uuid.uuid5(row.key, f"{name}.{place.ident}"),
        title=row.title,
        body=row.body,
        url=row.url,
        level=row.level,
        author_id=row.created_by_id,
    )
    with changing():
        sent = _locked(row.pk)
        if [name, place.ident, posted] not in sent.places:
            sent.places.append([name, place.ident, posted])
            sent.save(update_fields=["places"])
    if sent.recalled_at:
        _unpost(name, posted)


def _unpost(name: str, posted: int) -> None:
    found = target(name)
    if found is None:
        log.warning(
            "recall needs an app that is not installed", extra={"target": name, "posted": posted}
        )
        return
    try:
        found.recall(posted)
    except NotFound:
        log.info("what was posted is gone already", extra={"target": name, "posted": posted})


def _recall_notifications(taken: Broadcast) -> int:
    """Take the words out of the notifications of a broadcast, in batches by user."""
    rows = Notification.objects.filter(broadcast=taken).order_by("user_id")
    last, count = 0, 0
    while user_ids := list(
        rows.filter(user_id__gt=last).values_list("user_id", flat=True)[:INBOXES_PER_TRANSACTION]
    ):
        count += _recall_batch(rows.filter(user_id__in=user_ids), user_ids)
        last = user_ids[-1]
    return count


def _recall_batch(rows: QuerySet[Notification], user_ids: Sequence[int]) -> int:
    with changing(*map(payloads.inbox, user_ids)) as heads:
        remaining = list(rows.exclude(kind=RECALLED))
        for row in remaining:
            row.kind, row.title, row.body, row.url = RECALLED, "", "", ""
        changed = Notification.objects.filter(pk__in=[row.pk for row in remaining])
        changed.update(kind=RECALLED, title="", body="", url="")
        inbox.change(heads, user_ids, remaining, now=timezone.now(), archive=True)
        return len(remaining)
