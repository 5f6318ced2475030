"""Many rows of every kind in the admin, made without services: only the lists read them."""

from datetime import timedelta
from uuid import uuid4

from django.contrib.auth.models import User
from django.utils import timezone

from chat.models import (
    Case,
    Filter,
    Membership,
    Message,
    ModerationLog,
    RemovedText,
    Report,
    Room,
    SiteBan,
)
from chat.queries.queue import urgency
from chat.services.people.names import index_names


def make_rows(start: int, end: int) -> None:
    """Make a person and one row of every kind for each number."""
    now = timezone.now() - timedelta(days=1)
    numbers = range(start, end)
    people = User.objects.bulk_create(
        User(username=f"person{number}", password="!") for number in numbers
    )
    index_names(people)
    rooms = Room.objects.bulk_create(
        Room(slug=f"room{number}", name=f"Room {number}", last_number=1) for number in numbers
    )
    placed = list(zip(people, rooms, strict=True))
    Membership.objects.bulk_create(
        Membership(room=room, user=user, seq=1, inbox_seq=1, joined_at=now) for user, room in placed
    )
    messages = Message.objects.bulk_create(
        Message(room=room, author=user, number=1, seq=2, key=uuid4(), body="Hello", created_at=now)
        for user, room in placed
    )
    cases = Case.objects.bulk_create(
        Case(
            message=row,
            author=row.author,
            room=row.room,
            opened_at=now,
            written_at=now,
            body="Hello",
            severity=1,
            times=1,
            weight=1,
        )
        for row in messages
    )
    for case in cases:
        case.urgency = urgency(case)
    Case.objects.bulk_update(cases, ["urgency"], batch_size=500)
    Report.objects.bulk_create(
        Report(
            message_id=case.message_id,
            case=case,
            author_id=case.author_id,
            reporter_id=case.author_id,
            category="spam",
            created_at=now,
        )
        for case in cases
    )
    RemovedText.objects.bulk_create(
        RemovedText(message=row, body="Bye", removed_by=row.author, removed_at=now)
        for row in messages
    )
    ModerationLog.objects.bulk_create(
        ModerationLog(
            action="delete",
            actor=row.author,
            subject=row.author,
            room=row.room,
            message=row,
            reason="spam",
        )
        for row in messages
    )
    SiteBan.objects.bulk_create(
        SiteBan(user=user, reason="spam", created_by=user) for user in people
    )
    Filter.objects.bulk_create(
        Filter(text=f"word{number:05}", created_by=people[0]) for number in numbers
    )
