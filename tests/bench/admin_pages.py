"""``make bench-admin``: how long the pages of moderators take on a large site.

With 10,000 open cases, a million messages and 50,000 people, 123 cases and 3,000 reports of which
are about one person. Each page is requested some times; the report has the median, the slowest
request and the time of its slowest query, again as the median. It is docs/benchmarks/admin.md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping

from tests.support.postgres import Postgres
from tests.support.server import ROOT

REPORT = ROOT / "docs" / "benchmarks" / "admin.md"
MESSAGES, PEOPLE, ROOMS, CASES = 1_000_000, 50_000, 200, 10_000
OF_ONE_PERSON, REPORTS_EACH = 123, 24
PER_STATEMENT = 20_000
TIMES = 11
LIMIT_MS = 100  # of a query

Sample = dict[str, dict[str, float]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--only", choices=["postgresql", "sqlite"])
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        sys.stdout.write(json.dumps(_measure(options.messages)))
        return 0
    found: dict[str, Sample] = {}
    if options.only != "sqlite":
        with Postgres() as server:
            found["PostgreSQL"] = _child(server.url, options.messages)
    if options.only != "postgresql":
        with tempfile.TemporaryDirectory() as directory:
            found["SQLite"] = _child(f"sqlite:///{directory}/admin.sqlite3", options.messages)
    text = _report(found, options.messages)
    sys.stdout.write(text)
    if options.only is None and options.messages >= MESSAGES:
        REPORT.write_text(text)
    slow = [
        f"{page} on {database}"
        for database, sample in found.items()
        for page, row in sample.items()
        if row["query"] > LIMIT_MS
    ]
    if slow:
        sys.stdout.write(f"queries above {LIMIT_MS} ms: {', '.join(slow)}\n")
    return 1 if slow else 0


def _child(url: str, messages: int) -> Sample:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.admin_pages", "--measure", "--messages", str(messages)],
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        check=True,
        cwd=ROOT,
    )
    found: Sample = json.loads(done.stdout.splitlines()[-1])
    return found


# -- in the process with the database --------------------------------------------------------------


def _measure(count: int) -> Sample:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    _fill(count)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {name: _timed(path) for name, path in _pages().items()}


def _fill(count: int) -> None:
    from django.contrib.auth.models import User
    from django.utils import timezone

    from chat.models import Case, Membership, Message, ModerationLog, Report, Room
    from chat.queries.queue import urgency

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


# Both databases number the rows; PER_STATEMENT of them are one statement.
_MESSAGES = """
INSERT INTO chat_message (room_id, number, seq, author_id, key, body, html, created_at,
    reactions, mentions, notified, is_public)
SELECT {room} + i %% {rooms}, i / {rooms} + 1, i / {rooms} + 1, {person} + i %% {people},
    {key}, 'message ' || i || ' of many', '', {now}, '{{}}', '[]', '[]', {yes}
FROM {numbers}
"""


_NO_SEARCH = "DROP TRIGGER chat_search_posted"


def _fill_messages(count: int, *, first_person: int, first_room: int) -> None:
    from django.db import connection

    is_postgresql = connection.vendor == "postgresql"
    # Searches of texts are not measured here: filling the search index takes most of the time.
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX chat_search" if is_postgresql else _NO_SEARCH)
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


def _pages() -> Mapping[str, str]:
    from chat.models import Case, Message

    first = Case.objects.order_by("pk").values_list("pk", flat=True)[0]
    late = Case.objects.order_by("-pk").values_list("pk", flat=True)[0]
    person = Case.objects.get(pk=first).author_id
    message = Message.objects.order_by("pk").values_list("pk", flat=True)[0]
    desk = "/admin/chat"
    return {
        "dashboard": "/admin/",
        "queue": f"{desk}/case/",
        "queue of a category": f"{desk}/case/?category__exact=spam",
        "queue of one type": f"{desk}/case/?kind__exact=message",
        "own cases": f"{desk}/case/?status=mine",
        "all cases": f"{desk}/case/?status=all",
        "cases about a person": f"{desk}/case/?q=@person0",
        "cases by a word": f"{desk}/case/?q=nowhere",
        "the first case": f"{desk}/case/{first}/change/",
        "the last case": f"{desk}/case/{late}/change/",
        "next case": f"{desk}/case/next/",
        "next case of a category": f"{desk}/case/next/?_changelist_filters=category__exact%3Dspam",
        "clean up": f"{desk}/case/{first}/clean-up/",
        "log by a word": f"{desk}/moderationlog/?q=nowhere",
        "person": f"{desk}/person/{person}/change/",
        "message": f"{desk}/message/{message}/change/",
        "log of a person": f"{desk}/moderationlog/?q=to:person0",
    }


def _timed(path: str) -> dict[str, float]:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    root, _made = User.objects.get_or_create(
        username="root", defaults={"is_superuser": True, "is_staff": True, "password": "!"}
    )
    client = Client(SERVER_NAME="localhost")
    client.force_login(root)
    whole, slowest = [], []
    for _ in range(TIMES):
        with CaptureQueriesContext(connection) as queries:
            began = time.perf_counter()
            answer = client.get(path)
            whole.append((time.perf_counter() - began) * 1000)
        assert answer.status_code in (200, 302), (path, answer.status_code)
        slowest.append(max(float(query["time"]) * 1000 for query in queries))
    return {
        "median": statistics.median(whole[1:]),
        "slowest": max(whole[1:]),
        "queries": len(queries),
        "query": statistics.median(slowest[1:]),
    }


# -- the report ------------------------------------------------------------------------------------


def _report(found: Mapping[str, Sample], messages: int) -> str:
    lines = [
        "# Pages of moderators on a large site",
        "",
        f"`make bench-admin` with {messages:,} messages, {PEOPLE:,} people and {CASES:,} open "
        f"cases,",
        f"{OF_ONE_PERSON} of them about one person. Milliseconds of {TIMES - 1} requests in one "
        "process, on 2 cores.",
        f"The command fails if a query takes more than {LIMIT_MS} ms.",
        "",
        "| database | page | median | slowest | queries | slowest query |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {database} | {page} | {row['median']:.0f} | {row['slowest']:.0f} "
        f"| {row['queries']:.0f} | {row['query']:.0f} |"
        for database, sample in found.items()
        for page, row in sample.items()
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    raise SystemExit(main())
