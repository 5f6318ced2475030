"""The texts that a case keeps of its message: as it was reported, and after each change since.

All functions run under the lock of the room, in the transaction that changes the message.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from chat.models import (
    AUTHOR_NAME_MAX_LENGTH,
    Case,
    HeldText,
    Message,
    RemovedText,
    Report,
    Revision,
)
from chat.queries.moderation.reports import held_cases
from realtime.core.users import User


def open_case(message: Message, *, now: datetime) -> Case:
    """Return the open case of a message, opened now if it has none."""
    found = Case.objects.filter(message_id=message.pk, status=Report.Status.OPEN).first()
    return found or Case.objects.create(
        message_id=message.pk,
        author_id=message.author_id,
        room_id=message.room_id,
        opened_at=now,
        body=current_text(message),
        author_name=author_name(message.author),
        written_at=message.edited_at or message.created_at,
    )


def record(
    messages: Sequence[Message], act: Revision.Act, *, actor_id: int, now: datetime | None = None
) -> None:
    """Add a change of these messages to the cases that hold them."""
    by_message = {message.pk: message for message in messages}
    cases = held_cases(by_message)
    for case in cases:
        _make_room(case)
    Revision.objects.bulk_create(
        Revision(
            case=case,
            act=act,
            # Empty after a removal, and the new text after an edit or a restoration.
            body=by_message[case.message_id].body,
            by_id=actor_id,
            at=now or timezone.now(),
        )
        for case in cases
        if case.message_id is not None
    )


def author_name(user: User) -> str:
    """Return the name of an author as evidence shows it."""
    name = user.get_full_name()
    return (f"{name} (@{user.username})" if name else f"@{user.username}")[:AUTHOR_NAME_MAX_LENGTH]


def current_text(message: Message) -> str:
    """Return the text of a message, also while moderators withhold it."""
    if not (message.is_deleted or message.is_hidden):
        return message.body
    table = RemovedText if message.is_deleted else HeldText
    kept: str | None = (
        table._default_manager.filter(pk=message.pk).values_list("body", flat=True).first()
    )
    return kept or ""


def held_messages(message_ids: Collection[int]) -> set[int]:
    """Return those of these messages that a case holds."""
    return {case.message_id for case in held_cases(message_ids) if case.message_id is not None}


def _make_room(case: Case) -> None:
    """Drop the oldest revision of a case that has the most allowed, and count it."""
    revisions = Revision.objects.filter(case=case).order_by("pk")
    if revisions.count() >= settings.HOLDFAST_CASE_REVISIONS:
        revisions.filter(pk__in=list(revisions.values_list("pk", flat=True)[:1])).delete()
        Case.objects.filter(pk=case.pk).update(dropped=F("dropped") + 1)
