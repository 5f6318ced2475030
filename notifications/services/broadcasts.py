"""Sending broadcasts and recalling them.

Everyone gets one announcement row, however many users there are. Some people get one notification
each, in transactions of bounded size. A place gets a post of its app. A broadcast is sent in
several transactions, so each part can be repeated: a second call with the same key, or ``send``,
continues where the first one ended, and no one gets it twice. Each transaction counts the people
that it reaches, so the state is true whenever the process dies.

Between two transactions the sender rests for at least as long as the last one took. On SQLite,
commands that wait for the write lock look for it only every 50 ms or so, and a sender that takes it
again at once would keep them out.
"""

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from notifications import payloads, policies, queries
from notifications.kinds import BROADCAST, RECALLED
from notifications.models import Announcement, Broadcast, BroadcastEdit, Notification
from notifications.policies import BadBroadcast, Words
from notifications.queries import Audience, Reach
from notifications.services import inbox
from notifications.services.inbox import Notice
from notifications.targets import Place, target
from realtime.core.heads import changing
from realtime.protocol.errors import NotFound
from realtime.protocol.user_ids import UserId

log = logging.getLogger("holdfast.notifications")

INBOXES_PER_TRANSACTION = 100  # locked together, at most: some 20 ms on a quiet machine
# For as long, everyone's posts wait on SQLite. Where a transaction takes longer, the next one has
# fewer inboxes.
TRANSACTION_SECONDS: Final = 0.03
FEWEST_INBOXES: Final = 10
MIN_REST_SECONDS: Final = 0.05

Watch = Callable[[Broadcast], None]  # called after each transaction, with the state as of then


@dataclass(frozen=True, slots=True)
class Recalled:
    """The result of a recall: what this call took back, and whether all of it is."""

    broadcast: Broadcast
    announcements: int
    notifications: int
    posts: int
    finished: bool = True


class TimeSlice:
    """The time that one call may take, the size of its transactions, and the rests between them."""

    def __init__(self, seconds: float | None) -> None:
        self._last = time.monotonic()
        self._ends = None if seconds is None else self._last + seconds
        self.inboxes = INBOXES_PER_TRANSACTION

    @property
    def is_over(self) -> bool:
        return self._ends is not None and time.monotonic() >= self._ends

    def start(self) -> None:
        """Begin the first transaction, which every call makes, however short its time is."""
        self._last = time.monotonic()

    def rest(self) -> None:
        """Let others write for as long as the transaction before took, and choose the next size."""
        took = time.monotonic() - self._last
        fitting = int(self.inboxes * TRANSACTION_SECONDS / max(took, 0.001))
        least = min(FEWEST_INBOXES, INBOXES_PER_TRANSACTION)
        self.inboxes = max(least, min(INBOXES_PER_TRANSACTION, fitting))
        time.sleep(max(MIN_REST_SECONDS, took))
        self._last = time.monotonic()


def broadcast(
    *,
    words: Words,
    audience: Audience,
    created_by_id: int | None = None,
    key: uuid.UUID | None = None,
) -> Broadcast:
    """Send ``words`` to ``audience``, or go on with the broadcast of this ``key``.

    With ``words.at`` it is stored, and sent by ``manage.py send_broadcasts`` when it is due.
    Raises ``BadBroadcast`` with everything that is wrong, before anything is sent, or what a place
    answers that does not take it.
    """
    row = begin(words=words, audience=audience, created_by_id=created_by_id, key=key)
    return row if words.at else send(broadcast_id=row.pk)


def begin(
    *,
    words: Words,
    audience: Audience,
    created_by_id: int | None = None,
    key: uuid.UUID | None = None,
) -> Broadcast:
    """Store a broadcast for ``send``; one of the same ``key`` is returned as it is."""
    reach = queries.reach(audience)
    problems = [
        *policies.problems_of_words(words, now=timezone.now(), announced=audience.everybody),
        *reach.problems,
    ]
    if problems:
        raise BadBroadcast(problems)
    return _row(words, audience, reach, created_by_id=created_by_id, key=key or uuid.uuid4())


def send(
    *, broadcast_id: int, seconds: float | None = None, watch: Watch = lambda _row: None
) -> Broadcast:
    """Send a broadcast, or what is left of it, for about ``seconds``.

    It goes to the people that its audience means now. Those who have it already are left out.
    """
    row = _start(broadcast_id)
    if row.finished_at or row.recalled_at:
        return row
    time_slice = TimeSlice(seconds)
    audience = Audience.from_json(row.targets)
    reach = queries.reach(audience)
    for name, place in reach.places:  # first: their app may refuse, and then nobody else has got it
        if not any(known[:2] == [name, place.ident] for known in row.places):
            _post(row, name, place)
    if audience.everybody:
        _announce(row.pk, reach.everybody)
    if _send_to_users(row, reach, time_slice, watch):
        _finish(row.pk)
    row.refresh_from_db()
    return row


def recall(
    *,
    broadcast_id: int,
    seconds: float | None = None,
    watch: Callable[[int], None] = lambda _count: None,
) -> Recalled:
    """Take a broadcast back: nobody is shown its words any more, in no replay.

    A second call finishes what the first one did not. ``watch`` is called with the notifications
    taken back so far.
    """
    time_slice = TimeSlice(seconds)
    with changing(payloads.ANNOUNCEMENTS) as heads:
        taken = locked(broadcast_id)
        taken.recalled_at = taken.recalled_at or timezone.now()
        taken.save(update_fields=["recalled_at"])
        announcements = Announcement.objects.filter(broadcast=taken, recalled_at=None)
        for row in announcements:
            row.seq = heads.next(payloads.ANNOUNCEMENTS)
            row.title = row.body = row.url = ""
            row.translations = None
            row.recalled_at = taken.recalled_at
            row.save()
            heads.record(payloads.ANNOUNCEMENTS, payloads.announcement_event(row))
    posts = sum(_unpost(name, posted) for name, _, posted in taken.places)
    notifications, finished = _recall_notifications(taken, time_slice, watch)
    log.info("broadcast recalled", extra={"broadcast": taken.pk, "notifications": notifications})
    return Recalled(taken, len(announcements), notifications, posts, finished)


def _start(broadcast_id: int) -> Broadcast:
    """Return a broadcast that goes to the people it names now, whatever an edit says later."""
    row = find(broadcast_id)
    if row.started_at or row.finished_at or row.recalled_at:
        return row
    with changing():
        row = locked(broadcast_id)
        row.started_at = row.started_at or timezone.now()
        row.save(update_fields=["started_at"])
    return row


def _announce(broadcast_id: int, people: int) -> None:
    """Make the announcement of a broadcast, once."""
    with changing(payloads.ANNOUNCEMENTS) as heads:
        sent = locked(broadcast_id)
        if sent.recalled_at or Announcement.objects.filter(broadcast=sent).exists():
            return
        row = Announcement.objects.create(
            seq=heads.next(payloads.ANNOUNCEMENTS),
            title=sent.title,
            body=sent.body,
            url=sent.url,
            level=sent.level,
            translations=sent.translations,
            created_at=timezone.now(),
            expires_at=sent.expires_at,
            broadcast=sent,
        )
        heads.record(payloads.ANNOUNCEMENTS, payloads.announcement_event(row))
        _count(sent, people)


def _send_to_users(row: Broadcast, reach: Reach, time_slice: TimeSlice, watch: Watch) -> bool:
    """Notify the users who have no notification yet. Returns whether nobody is left."""
    known = queries.reached(row)
    missing = [user_id for user_id in reach.user_ids if user_id not in known]
    start = 0
    time_slice.start()
    while start < len(missing):
        if start:
            time_slice.rest()
            if time_slice.is_over:
                return False
        sent = _notify(row.pk, missing[start : start + time_slice.inboxes])
        if sent is None:
            return False
        start += time_slice.inboxes
        watch(sent)
    return True


def _finish(broadcast_id: int) -> None:
    with changing():
        sent = locked(broadcast_id)
        if sent.finished_at is None and sent.recalled_at is None:
            sent.finished_at = timezone.now()
            sent.save(update_fields=["finished_at"])
            log.info("broadcast sent", extra={"broadcast": sent.pk, "recipients": sent.done})


def _count(sent: Broadcast, people: int) -> None:
    """Count people that this transaction reaches. The row is locked."""
    sent.done += people
    sent.save(update_fields=["done"])


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
        "translations": words.translations or None,
    }
    others = {
        "recipients": reach.people,
        "expires_at": words.expires_at,
        "scheduled_at": words.at,
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


def find(broadcast_id: int) -> Broadcast:
    """Raises ``NotFound``."""
    return _found(Broadcast.objects.all(), broadcast_id)


def locked(broadcast_id: int) -> Broadcast:
    """Return the row, locked after the heads, so that recalls, edits and sending see each other."""
    return _found(Broadcast.objects.select_for_update(), broadcast_id)


def _found(rows: QuerySet[Broadcast], broadcast_id: int) -> Broadcast:
    row = rows.filter(pk=broadcast_id).first()
    if row is None:
        raise NotFound("There is no broadcast {broadcast_id}.", broadcast_id=broadcast_id)
    return row


def _notify(broadcast_id: int, user_ids: Sequence[UserId]) -> Broadcast | None:
    """Notify one batch. Returns the broadcast, or None where it was taken back."""
    with changing(*map(payloads.inbox, user_ids)) as heads:
        sent = locked(broadcast_id)
        if sent.recalled_at:
            return None
        reached = Notification.objects.filter(broadcast=sent, user_id__in=user_ids)
        able = queries.reachable().filter(pk__in=user_ids)
        missing = able.exclude(pk__in=reached.values("user_id")).values_list("pk", flat=True)
        notices = [
            Notice(
                user_id=user_id,
                kind=BROADCAST,
                params={"texts": sent.translations} if sent.translations else {},
                title=sent.title,
                body=sent.body,
                url=sent.url,
                level=sent.level,
            )
            for user_id in missing
        ]
        _count(sent, len(inbox.notify_many(heads, notices, broadcast=sent)))
    return sent


def _post(row: Broadcast, name: str, place: Place) -> None:
    """Post to one place and record the post.

    Sending records the post and then checks for a recall or an edit; these are stored first and
    then read the records. The second of the two sees the first, so no post is left behind.
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
        sent = locked(row.pk)
        if [name, place.ident, posted] not in sent.places:
            sent.places.append([name, place.ident, posted])
            sent.save(update_fields=["places"])
            _count(sent, place.people)
    if sent.recalled_at:
        _unpost(name, posted)
    elif sent.edited_at != row.edited_at:
        edit_post(sent, name, posted)


def edit_post(row: Broadcast, name: str, posted: int) -> bool:
    """Give a post the text that the broadcast has now. Returns whether that changed it."""
    found = target(name)
    if found is None or found.edit is None:
        log.warning(
            "post keeps its text: its app cannot edit it",
            extra={"target": name, "posted": posted},
        )
        return False
    try:
        return found.edit(posted, title=row.title, body=row.body, url=row.url, level=row.level)
    except NotFound:
        log.info("what was posted is gone already", extra={"target": name, "posted": posted})
        return False


def _unpost(name: str, posted: int) -> bool:
    """Take back what was posted. Returns whether there was something left of it."""
    found = target(name)
    if found is None:
        log.warning(
            "recall needs an app that is not installed", extra={"target": name, "posted": posted}
        )
        return False
    try:
        return found.recall(posted)
    except NotFound:
        log.info("what was posted is gone already", extra={"target": name, "posted": posted})
        return False


def _recall_notifications(
    taken: Broadcast, time_slice: TimeSlice, watch: Callable[[int], None]
) -> tuple[int, bool]:
    """Take the words out of the notifications of a broadcast, in batches by user.

    Returns how many it took back, and whether none are left.
    """
    rows = Notification.objects.filter(broadcast=taken).exclude(kind=RECALLED).order_by("user_id")
    last, count = 0, 0
    time_slice.start()
    while True:
        if last:
            time_slice.rest()
        after = rows.filter(user_id__gt=last).values_list("user_id", flat=True)
        user_ids = list(after[: time_slice.inboxes])
        if not user_ids or (last and time_slice.is_over):
            return count, not user_ids
        count += _recall_batch(rows.filter(user_id__in=user_ids), user_ids)
        watch(count)
        last = user_ids[-1]


def _recall_batch(rows: QuerySet[Notification], user_ids: Sequence[UserId]) -> int:
    with changing(*map(payloads.inbox, user_ids)) as heads:
        remaining = list(rows)
        for row in remaining:
            row.kind, row.title, row.body, row.url, row.params = RECALLED, "", "", "", {}
        changed = Notification.objects.filter(pk__in=[row.pk for row in remaining])
        changed.update(kind=RECALLED, title="", body="", url="", params={})
        inbox.change(heads, user_ids, remaining, now=timezone.now(), archive=True)
        return len(remaining)


def rename_target(kind: str, names: Sequence[str], new: str) -> None:
    """Replace names of people or places in the targets of all broadcasts, also before an edit."""
    named_in: tuple[type[Broadcast] | type[BroadcastEdit], ...] = (Broadcast, BroadcastEdit)
    for row in [
        row
        for model in named_in
        for row in model.objects.filter(**{f"targets__{kind}__isnull": False}).order_by("pk")
    ]:
        named = row.targets[kind]
        if set(named).isdisjoint(names):
            continue
        row.targets = {**row.targets, kind: [new if name in names else name for name in named]}
        with changing():
            row.save(update_fields=["targets"])
