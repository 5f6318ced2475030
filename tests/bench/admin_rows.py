"""The rows of a large site for ``make bench-admin``: each table of the admin has many.

Import it after ``django.setup()``.
"""

import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from chat.models import (
    Appeal,
    Bulk,
    Case,
    Filter,
    HeldPost,
    Membership,
    Message,
    ModerationLog,
    PersonNote,
    ReasonTemplate,
    RemovedText,
    Report,
    Room,
    SignUpRequest,
    SiteBan,
    Trace,
)
from chat.queries.queue import urgency
from notifications.models import Announcement, AnnouncementReading, Broadcast, Notification
from realtime.models import AccessToken, Node

PEOPLE, ROOMS, CASES = 50_000, 200, 10_000
OF_ONE_PERSON, REPORTS_EACH = 123, 24
PER_STATEMENT = 20_000
# Of the tables beside messages, people and cases.
HELD, APPEALS, BANS, REMOVED, FILTERS, SIGN_UPS, BULKS = 2000, 1000, 5000, 20_000, 3000, 5000, 2000
BROADCASTS, ANNOUNCEMENTS, TOKENS, NODES = 300, 300, 20_000, 100
TRACES_EACH: Final = 4


def fill(count: int) -> None:
    """Fill the database with so many messages, and everything else in proportion."""
    now = timezone.now()
    people = User.objects.bulk_create(
        [User(username=f"person{number}", password="!") for number in range(PEOPLE)],
        batch_size=PER_STATEMENT,
    )
    rooms = Room.objects.bulk_create(
        [
            Room(slug=f"room-{number}", name=f"Room {number}", last_number=count // ROOMS)
            for number in range(ROOMS)
        ]
    )
    Membership.objects.bulk_create(
        [
            Membership(
                room=rooms[number % ROOMS], user=user, seq=number, inbox_seq=1, joined_at=now
            )
            for number, user in enumerate(people)
        ],
        batch_size=PER_STATEMENT,
    )
    _fill_messages(count, first_person=people[0].pk, first_room=rooms[0].pk)
    chosen = list(Message.objects.order_by("pk").values_list("pk", "author_id", "room_id")[:CASES])
    accused = people[0].pk
    cases = Case.objects.bulk_create(
        [
            Case(
                message_id=pk,
                author_id=accused if index < OF_ONE_PERSON else author_id,
                room_id=room_id,
                opened_at=now,
                written_at=now,
                body=f"text {index}",
                category=("spam", "abuse", "other", "illegal")[index % 4],
                severity=index % 4 + 1,
                times=1,
                weight=1,
            )
            for index, (pk, author_id, room_id) in enumerate(chosen)
        ],
        batch_size=PER_STATEMENT,
    )
    for case in cases:
        case.urgency = urgency(case)
    Case.objects.bulk_update(cases, ["urgency"], batch_size=1000)
    Report.objects.bulk_create(
        [
            Report(
                message_id=case.message_id,
                case=case,
                author_id=case.author_id,
                reporter=people[1 + index],
                category="spam",
                created_at=now,
            )
            for number, case in enumerate(cases)
            for index in range(REPORTS_EACH if number < OF_ONE_PERSON else 1)
        ],
        batch_size=PER_STATEMENT,
    )
    ModerationLog.objects.bulk_create(
        [
            ModerationLog(
                action="delete",
                actor=people[1],
                subject=people[number % 1000],
                room=rooms[number % ROOMS],
                reason="spam",
            )
            for number in range(20 * ROOMS * 10)
        ],
        batch_size=PER_STATEMENT,
    )
    _fill_desk(people, rooms, chosen)
    _fill_notifications(people)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _make(rows: Iterator[Any]) -> list[Any]:
    found = list(rows)
    model: type[Model] = type(found[0])
    return list(model._default_manager.bulk_create(found, batch_size=PER_STATEMENT))


def _fill_desk(
    people: Sequence[User], rooms: Sequence[Room], messages: Sequence[tuple[int, int, int]]
) -> None:
    """Fill the tables of moderators."""
    now, moderator = timezone.now(), people[1]

    def cases(kind: str, number: int) -> list[Case]:
        found = _make(
            Case(
                kind=kind,
                author=people[index % (PEOPLE // 10)],
                room=rooms[index % ROOMS],
                opened_at=now,
                written_at=now,
                body=f"{kind} {index}",
                severity=2,
                status="open" if index % 2 else "resolved",
                closed_at=None if index % 2 else now,
                closed_by=None if index % 2 else moderator,
            )
            for index in range(number)
        )
        for case in found:
            case.urgency = urgency(case)
        Case.objects.bulk_update(found, ["urgency"], batch_size=1000)
        return found

    _make(
        HeldPost(
            case=case,
            author=case.author,
            room=case.room,
            key=uuid.uuid4(),
            after_number=10,
            seq=number,
            note="coin",
            state="waiting" if case.is_open else "refused",
            created_at=now,
        )
        for number, case in enumerate(cases("held", HELD))
    )
    _make(
        Appeal(
            case=case,
            muted=case.author,
            decided_by=moderator,
            decided_at=now - timedelta(seconds=number),
            text="Please",
        )
        for number, case in enumerate(cases("appeal", APPEALS))
    )
    _make(
        SiteBan(
            user=people[number % (PEOPLE // 20)],
            reason="spam",
            created_by=moderator,
            lifted_at=now if number >= PEOPLE // 20 else None,
            lifted_by=moderator if number >= PEOPLE // 20 else None,
        )
        for number in range(BANS)
    )
    _make(
        RemovedText(message_id=pk, body=f"removed text {pk}", removed_by=moderator, removed_at=now)
        for pk in Message.objects.order_by("-pk").values_list("pk", flat=True)[:REMOVED]
    )
    _make(
        Filter(
            text=f"word{number}",
            action=("block", "hold", "flag")[number % 3],
            is_on=number % 2 == 0,
            created_by=moderator,
        )
        for number in range(FILTERS)
    )
    _make(
        SignUpRequest(user=person, decided_at=None if number % 2 else now)
        for number, person in enumerate(people[-SIGN_UPS:])
    )
    _make(
        Bulk(act="remove", actor=moderator, author=people[number], finished_at=now)
        for number in range(BULKS)
    )
    _make(PersonNote(subject=people[0], author=moderator, text="a note") for _ in range(2000))
    _make(
        ReasonTemplate(language="en", name=f"Reason {number}", text="spam", changed_by=moderator)
        for number in range(100)
    )
    _make(
        Trace(
            user=person,
            kind="address",
            digest=f"{(number * TRACES_EACH + each) % 5000:032x}",
            first_at=now,
            seen_at=now,
        )
        for number, person in enumerate(people)
        for each in range(TRACES_EACH)
    )


def _fill_notifications(people: Sequence[User]) -> None:
    """Fill inboxes: one broadcast to everyone, many small ones, and announcements that were read."""
    now = timezone.now()
    sent = _make(
        Broadcast(
            title=f"News {number}",
            body="Something happened",
            targets={"all": True},
            recipients=PEOPLE,
            done=PEOPLE,
            finished_at=now,
            created_by=people[1],
        )
        for number in range(BROADCASTS)
    )
    announced = _make(
        Announcement(seq=number, body="Hello", created_at=now, broadcast=row)
        for number, row in enumerate(sent[:ANNOUNCEMENTS])
    )
    _make(
        AnnouncementReading(
            user=person, seq=10 + number, announcement=announced[-1 - number], read_at=now
        )
        for person in people
        for number in range(2)
    )
    _make(
        Notification(
            user=person,
            seq=number,
            kind="broadcast" if number == 0 else "mention",
            params={},
            body="Hello",
            unread=number,
            created_at=now,
            broadcast=sent[0] if number == 0 else None,
        )
        for person in people
        for number in range(6)
    )
    _make(
        AccessToken(
            user=people[number % PEOPLE],
            digest=f"{number:064x}",
            auth_hash="",
            expires_at=now + timedelta(days=1),
        )
        for number in range(TOKENS)
    )
    numbers = ("connections", "waiting", "subscriptions", "behind", "streams")
    rates = ("delivered_rate", "command_rate", "handshake_rate", "degraded", "draining")
    zeros: dict[str, Any] = dict.fromkeys((*numbers, *rates), 0)
    _make(Node(key=f"node-{number}", name=f"node-{number}", **zeros) for number in range(NODES))


# Both databases number the rows; PER_STATEMENT of them are one statement.
_MESSAGES = """
INSERT INTO chat_message (room_id, number, seq, author_id, key, body, html, created_at,
    reactions, mentions, notified, is_public)
SELECT {room} + i %% {rooms}, i / {rooms} + 1, i / {rooms} + 1, {person} + i %% {people},
    {key}, 'message ' || i || ' of many', '', {now}, '{{}}', '[]', '[]', {yes}
FROM {numbers}
"""


def _fill_messages(count: int, *, first_person: int, first_room: int) -> None:
    is_postgresql = connection.vendor == "postgresql"
    index = _without_search_index() if is_postgresql else ""
    for start in range(0, count, PER_STATEMENT):
        last = min(count, start + PER_STATEMENT) - 1
        recursive = (
            f"(WITH RECURSIVE n(i) AS (SELECT {start} UNION ALL SELECT i + 1 FROM n "
            f"WHERE i < {last}) SELECT i FROM n)"
        )
        sql = _MESSAGES.format(
            room=first_room,
            rooms=ROOMS,
            person=first_person,
            people=PEOPLE,
            key="gen_random_uuid()" if is_postgresql else "lower(hex(randomblob(16)))",
            now="now()" if is_postgresql else "datetime('now')",
            yes="true" if is_postgresql else "1",
            numbers=f"generate_series({start}, {last}) AS n(i)" if is_postgresql else recursive,
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [])
    if index:
        with connection.cursor() as cursor:
            cursor.execute(index)


def _without_search_index() -> str:
    """Drop the index, which is built faster at once, and return the statement that builds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'chat_search'")
        definition: str = cursor.fetchone()[0]
        cursor.execute("DROP INDEX chat_search")
    return definition
