"""Changing a user's name (docs/decisions/0007-names-move-their-rows.md).

The payloads of many rows show the name, and a payload changes only together with its ``seq``. So
these rows take new numbers: first the account changes, then its memberships, messages,
notifications and blocks, in batches with a transaction each. If the process dies, a ``Renaming``
row stays, and ``manage.py finish_renames`` continues there.

Memberships come first because they lock every room of the user: posts with the old name have
committed before, and later posts read the new name. So no later step misses a row.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from django.core.exceptions import ValidationError
from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils import timezone

from chat import payloads
from chat.models import Block, Membership, Message, ModerationLog, Renaming
from chat.queries import filter_cache, people
from chat.services.people.names import check_names
from chat.services.persistence import log, save_membership, streams_of, system_user
from notifications.models import Notification
from notifications.payloads import inbox
from notifications.services import move
from realtime.core.heads import changing
from realtime.core.users import User
from realtime.protocol.errors import BadRequest

BATCH: Final = 200  # rows of one transaction, which locks their rooms for about 50 ms
MEMBERSHIPS: Final = 50  # of one transaction, which locks as many rooms


def rename(
    *,
    user_id: int,
    username: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
    actor_id: int | None = None,
) -> User:
    """Change the given names of a user. Returns when all followers of their rooms are notified."""
    people.user(user_id)
    wanted = {"username": username, "first_name": first_name, "last_name": last_name}
    with changing():
        user = User.objects.select_for_update().get(pk=user_id)
        changes = {
            field: value
            for field, value in wanted.items()
            if value is not None and value != getattr(user, field)
        }
        if not changes:
            return user
        changes = check_names(user, changes)
        details = {field: [getattr(user, field), value] for field, value in changes.items()}
        for field, value in changes.items():
            setattr(user, field, value)
        _check(user, changes)
        for field, value in changes.items():
            filter_cache.check_name(value, field=field)
        user.save(update_fields=[*changes])  # which indexes the username (services.people.names)
        row = begin(user)
        by = actor_id or system_user().pk
        log(
            ModerationLog.Action.RENAME, actor_id=by, reason="", subject_id=user_id, details=details
        )
    finish(row)
    return user


def begin(user: User) -> Renaming:
    """Note that rows have to move, in the transaction that changes the names."""
    return Renaming.objects.create(user=user)


def finish_renames() -> int:
    """Continue unfinished renamings. Returns how many there were."""
    rows = list(Renaming.objects.filter(finished_at=None).order_by("pk"))
    for row in rows:
        finish(row)
    return len(rows)


def _check(user: User, changes: Iterable[str]) -> None:
    """Raise ``BadRequest`` for a name that is invalid or already taken."""
    others = {field.name for field in User._meta.fields} - set(changes)
    try:
        user.clean_fields(exclude=others)
        user.validate_unique(exclude=others)
    except ValidationError as error:
        field, problems = next(iter(error.message_dict.items()))
        raise BadRequest("{field}: {problems}", field=field, problems=" ".join(problems)) from error


def finish(row: Renaming, *, but: "Collection[Step]" = ()) -> None:
    """Move the remaining rows, starting from the stored step and position.

    Moving a row twice does no harm. ``but`` names steps that the caller carries out itself.
    """
    for step in range(row.step, len(_STEPS)):
        row.step = step
        while (
            _STEPS[step] not in but and (after := _STEPS[step](row.user_id, row.after)) is not None
        ):
            row.after = after
            row.save()
        row.after = 0
    row.step, row.finished_at = len(_STEPS), timezone.now()
    row.save()


def _move_memberships(user_id: int, after: int) -> int | None:
    rows = Membership.objects.filter(user_id=user_id, pk__gt=after).order_by("pk")
    found = list(rows.values_list("pk", "room_id")[:MEMBERSHIPS])
    if not found:
        return None
    names = {name for _, room_id in found for name in streams_of(room_id, user_id)}
    with changing(*names) as heads:
        for row in (
            Membership.objects.filter(pk__in=[pk for pk, _ in found])
            .select_related("user")
            .order_by("pk")
        ):
            save_membership(heads, row)
    return found[-1][0]


def move_messages(user_id: int, after: int) -> int | None:
    found = list(
        Message.objects.filter(author_id=user_id, pk__gt=after)
        .order_by("pk")
        .values_list("pk", "room_id")[:BATCH]
    )
    if not found:
        return None
    with changing(*{payloads.stream(room_id) for _, room_id in found}) as heads:
        rows = list(
            Message.objects.filter(pk__in=[pk for pk, _ in found])
            .select_related("author")
            .order_by("pk")
        )
        for row in rows:
            row.seq = heads.next(payloads.stream(row.room_id))
        Message.objects.bulk_update(rows, ["seq"])
        for row in rows:
            heads.record(payloads.stream(row.room_id), payloads.message_event(row))
    return found[-1][0]


def _move_notifications(user_id: int, after: int) -> int | None:
    rows = Notification.objects.filter(actor_id=user_id, pk__gt=after)
    found = list(rows.order_by("pk").values_list("pk", "user_id")[:BATCH])
    if not found:
        return None
    _move(found)
    return found[-1][0]


def _move_gathered(user_id: int, after: int) -> int | None:
    """Move the notifications that name the user beside others.

    No index finds them. Those in which the user has a part are found by its text, and few of these
    do not show the name.
    """
    rows = Notification.objects.filter(parts__isnull=False, pk__gt=after)
    rows = rows.exclude(actor_id=user_id)  # the step before has moved these
    rows = rows.alias(text=Cast("parts", TextField())).filter(text__contains=f"[{user_id}, ")
    found = list(rows.order_by("pk").values_list("pk", "user_id", "params")[:BATCH])
    if not found:
        return None
    named = [(pk, reader_id) for pk, reader_id, params in found if user_id in params["people"]]
    _move(named)
    return found[-1][0]


def _move(found: Sequence[tuple[int, int]]) -> None:
    with changing(*{inbox(reader_id) for _, reader_id in found}) as heads:
        move(heads, [pk for pk, _ in found])


def _move_blocks(user_id: int, after: int) -> int | None:
    found = list(
        Block.objects.filter(blocked_id=user_id, pk__gt=after)
        .order_by("pk")
        .values_list("pk", "user_id")[:BATCH]
    )
    if not found:
        return None
    with changing(*{inbox(owner_id) for _, owner_id in found}) as heads:
        for row in (
            Block.objects.filter(pk__in=[pk for pk, _ in found])
            .select_related("blocked")
            .order_by("pk")
        ):
            row.seq = heads.next(inbox(row.user_id))
            row.save(update_fields=["seq"])
            heads.record(inbox(row.user_id), payloads.block_event(row))
    return found[-1][0]


# (user id, id after which to continue) → id of the last row that moved, or None if none is left.
Step = Callable[[int, int], int | None]

_STEPS: Final[tuple[Step, ...]] = (
    _move_memberships,
    move_messages,
    _move_notifications,
    _move_gathered,
    _move_blocks,
)
