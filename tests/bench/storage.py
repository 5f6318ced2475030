"""``make bench-size``: bytes of a stored message, with its indexes, and what removing it costs.

Messages of 15 words are inserted as posting does, 50 in a transaction. Words are frequent by their
rank, as those of languages are, and frequent words are short. The report is
docs/benchmarks/storage.md.
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from tests.support.postgres import Postgres
from tests.support.server import ROOT

REPORT = ROOT / "docs" / "benchmarks" / "storage.md"
MESSAGES = 300_000
WORDS, VOCABULARY = 15, 60_000
ROOMS, PEOPLE = 200, 1000
PER_TRANSACTION = 50
TIMES = 40  # searches of a kind
MONTHS = 60

Sample = dict[str, Any]


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
            found["SQLite"] = _child(f"sqlite:///{directory}/size.sqlite3", options.messages)
    text = _report(found, options.messages)
    sys.stdout.write(text)
    if options.only is None and options.messages >= MESSAGES:
        REPORT.write_text(text)
    return 0


def _child(url: str, messages: int) -> Sample:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.storage", "--measure", "--messages", str(messages)],
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

    from realtime.core.limits import long_statements

    call_command("migrate", verbosity=0)
    found: Sample = {"insert_per_second": _fill(count)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT avg(length(body)) FROM chat_message")
        found["text_bytes"] = float(cursor.fetchone()[0])
        with long_statements():
            cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    found["bytes"] = {name: size / count for name, size in _sizes().items()}
    found["search_ms"] = _searches()
    if connection.vendor == "postgresql":
        with long_statements():
            found["partitions"] = _partitions(count)
    found["retention"] = _retention(count)
    return found


def _word(rank: int) -> str:
    chance = random.Random(rank)
    length = max(2, min(11, int(2 + math.log(rank + 1) * 0.62 + chance.random() * 2)))
    letters = ("bcdfghklmnprstvw", "aeiou")
    return "".join(chance.choice(letters[place % 2]) for place in range(length))


def _texts() -> Iterator[str]:
    words = [_word(rank) for rank in range(1, VOCABULARY)]
    top = math.log(len(words))
    while True:
        found = (words[int(math.exp(random.random() * top)) - 1] for _ in range(WORDS))
        yield " ".join(found).capitalize() + "."


def _fill(count: int) -> float:
    """Insert messages of 60 months, room by room at random; return how many in a second."""
    from django.contrib.auth.models import User
    from django.db import transaction
    from django.utils import timezone

    from chat.models import Membership, Message, Room, State
    from realtime.models import Stream

    random.seed(7)
    users = User.objects.bulk_create(User(username=f"person{n}") for n in range(PEOPLE))
    rooms = Room.objects.bulk_create(
        Room(slug=f"room{n}", kind="private" if n % 4 == 0 else "public") for n in range(ROOMS)
    )
    now = timezone.now()
    Membership.objects.bulk_create(
        Membership(
            room=room, user=users[0], seq=1, inbox_seq=place, state=State.ACTIVE, joined_at=now
        )
        for place, room in enumerate(rooms[:100], 1)
    )
    texts, started = _texts(), time.perf_counter()
    first = now - timedelta(days=30.4 * MONTHS)
    apart = timedelta(days=30.4 * MONTHS) / count
    numbers = [0] * ROOMS
    for start in range(0, count, PER_TRANSACTION):
        rows = []
        for place in range(start, start + PER_TRANSACTION):
            room = int(random.random() ** 2 * ROOMS)
            numbers[room] += 1
            rows.append(
                Message(
                    room=rooms[room],
                    number=numbers[room],
                    seq=numbers[room],
                    author=users[int(random.random() ** 2 * PEOPLE)],
                    key=uuid.UUID(int=random.getrandbits(128)),
                    body=next(texts),
                    created_at=first + apart * place,
                    is_public=rooms[room].kind == "public",
                )
            )
        with transaction.atomic():
            Message.objects.bulk_create(rows)
    for row, last in zip(rooms, numbers, strict=True):
        row.last_number = last
    Room.objects.bulk_update(rooms, ["last_number"])
    Stream.objects.bulk_create(
        Stream(name=f"room.{room.pk}", head=room.last_number) for room in rooms
    )
    return count / (time.perf_counter() - started)


def _sizes() -> Mapping[str, int]:
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT relname, pg_relation_size(oid) FROM pg_class "
                "WHERE relname IN ('chat_message', 'chat_search') OR oid IN ("
                "SELECT indexrelid FROM pg_index WHERE indrelid = 'chat_message'::regclass)"
            )
        else:
            cursor.execute(
                "SELECT name, sum(pgsize) FROM dbstat WHERE name LIKE 'chat_search%' "
                "OR name IN (SELECT name FROM sqlite_master WHERE tbl_name = 'chat_message') "
                "GROUP BY name"
            )
        return dict(cursor.fetchall())


def _searches() -> Sample:
    from django.contrib.auth.models import User

    from chat.queries.search import index
    from chat.queries.search.query import parse

    reader = User.objects.get(username="person0")
    chance = random.Random(11)

    def common() -> str:
        return _word(chance.randint(1, 30))

    def rare() -> str:
        return _word(chance.randint(20_000, 49_000))

    kinds: dict[str, Callable[[], str]] = {
        "rare": lambda: f"{rare()} ",
        "common": lambda: f"{common()} ",
        "two common": lambda: f"{common()} {common()} ",
        "phrase": lambda: f'"{common()} {common()}"',
        "rare phrase": lambda: f'"{common()} {rare()}"',
        "beginning": lambda: rare()[:4],
        "author and room": lambda: f"{common()} from:person{chance.randint(0, 99)} in:room1",
        "nothing": lambda: f"{rare()} {rare()} ",
    }

    def search(ask: Callable[[], str]) -> Callable[[], object]:
        return lambda: index.find(reader.pk, parse(ask()))

    return {name: _timed(search(ask)) for name, ask in kinds.items()}


def _timed(work: Callable[[], object], times: int = TIMES) -> list[float]:
    """Return the median and the slowest time of a call, in milliseconds."""
    took = []
    work()
    for _ in range(times):
        started = time.perf_counter()
        work()
        took.append(1e3 * (time.perf_counter() - started))
    took.sort()
    return [took[len(took) // 2], took[-1]]


def _retention(count: int) -> Sample:
    """Remove the older two thirds by the real run, without its rests."""
    from django.conf import settings

    from chat.services.retention import messages, run

    took: list[float] = []
    remove = messages.remove_batch

    def timed(*arguments: Any) -> Any:
        started = time.perf_counter()
        found = remove(*arguments)
        took.append(1e3 * (time.perf_counter() - started))
        return found

    setattr(messages, "remove_batch", timed)  # noqa: B010  measured from outside
    setattr(run, "PAUSE_SHARE", 0.0)  # noqa: B010
    settings.HOLDFAST_RETENTION_DAYS = int(30.4 * MONTHS / 3)
    started = time.perf_counter()
    removed = run.run().messages
    seconds = time.perf_counter() - started
    took.sort()
    return {
        "removed": removed,
        "per_second": removed / seconds,
        "batch_ms": [took[len(took) // 2], took[int(len(took) * 0.99)]],
        "share": removed / count,
    }


def _partitions(count: int) -> Sample:
    """Compare with a copy of the table in monthly partitions."""
    from django.db import connection

    with connection.cursor() as cursor:

        def run(sql: str) -> float:
            started = time.perf_counter()
            cursor.execute(sql)
            return 1e3 * (time.perf_counter() - started)

        run("CREATE TABLE parted (LIKE chat_message) PARTITION BY RANGE (created_at)")
        for month in range(-1, MONTHS + 2):
            run(
                f"CREATE TABLE parted_{month + 1} PARTITION OF parted FOR VALUES FROM "
                f"(now() - interval '{(MONTHS - month) * 30.4 + 31} days') "
                f"TO (now() - interval '{(MONTHS - month - 1) * 30.4 + 31} days')"
            )
        run("INSERT INTO parted SELECT * FROM chat_message")
        # A unique index must contain the partition key: without it, none of these can be unique.
        for columns in ("room_id, number", "room_id, seq", "author_id, key", "author_id, id", "id"):
            run(f"CREATE INDEX ON parted ({columns})")
        run("ANALYZE parted")
        cursor.execute(
            "SELECT sum(pg_indexes_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'parted'::regclass"
        )
        indexes = float(cursor.fetchone()[0]) / count

        def page(table: str) -> Callable[[], float]:
            return lambda: run(
                f"SELECT * FROM {table} WHERE room_id = 1 AND number < 1000000 "
                "ORDER BY number DESC LIMIT 50"
            )

        def known(table: str) -> Callable[[], float]:
            return lambda: run(
                f"SELECT id FROM {table} WHERE (author_id, key) IN "
                "(VALUES (1, gen_random_uuid()), (2, gen_random_uuid()))"
            )

        found = {
            "page_ms": [_timed(page("chat_message")), _timed(page("parted"))],
            "known_ms": [_timed(known("chat_message")), _timed(known("parted"))],
            "index_bytes": indexes,
            "drop_ms": run("DROP TABLE parted_30"),
        }
        run("DROP TABLE parted")
    return found


# -- the report ------------------------------------------------------------------------------------


def _report(found: Mapping[str, Sample], count: int) -> str:
    lines = [
        "# Storage",
        "",
        f"Written by `make bench-size`: {count:,} messages of {WORDS} words in {ROOMS} rooms, "
        f"{PER_TRANSACTION} in a transaction, the words as frequent as those of languages.",
        "",
    ]
    for database, sample in found.items():
        index = sum(size for name, size in sample["bytes"].items() if "search" in name)
        others = sum(sample["bytes"].values()) - index
        lines += [
            f"## {database}",
            "",
            f"A text has {sample['text_bytes']:.0f} bytes. Its entry in the search index takes "
            f"**{index:.0f} bytes**, the message with its other indexes {others:.0f}.",
            "",
            "| table or index | bytes a message |",
            "|---|--:|",
            *(
                f"| `{name}` | {size:.1f} |"
                for name, size in sorted(sample["bytes"].items(), key=lambda each: -each[1])
                if size >= 0.05
            ),
            "",
            "| search | median ms | slowest ms |",
            "|---|--:|--:|",
            *(
                f"| {name} | {median:.1f} | {slowest:.1f} |"
                for name, (median, slowest) in sample["search_ms"].items()
            ),
            "",
            f"Inserted {sample['insert_per_second']:,.0f} messages a second. Retention removed "
            f"{sample['retention']['removed']:,} at {sample['retention']['per_second']:,.0f} a "
            "second; a batch of 500, which is as long as a room is locked, took "
            f"{sample['retention']['batch_ms'][0]:.0f} ms (p99 "
            f"{sample['retention']['batch_ms'][1]:.0f} ms).",
            "",
            *_on_partitions(sample.get("partitions")),
        ]
    return "\n".join(lines).rstrip() + "\n"


def _on_partitions(found: Sample | None) -> list[str]:
    if found is None:
        return []
    rows = (("a page of history", "page_ms"), ("two keys of posts", "known_ms"))
    return [
        f"The same rows in {MONTHS} monthly partitions: indexes without uniqueness take "
        f"{found['index_bytes']:.0f} bytes a message, and dropping a partition takes "
        f"{found['drop_ms']:.0f} ms.",
        "",
        "| query | one table, median ms | partitions, median ms |",
        "|---|--:|--:|",
        *(f"| {name} | {found[key][0][0]:.2f} | {found[key][1][0]:.2f} |" for name, key in rows),
        "",
    ]


if __name__ == "__main__":
    sys.exit(main())
