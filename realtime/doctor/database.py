"""The database: reach, encoding, role, connections, durability, migrations, clock."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import DatabaseError

from realtime.core.monitoring.node_reports import MAX_COUNTED
from realtime.doctor.probe_results import Area, ProbeResult, first_line
from realtime.models import DeadLetter
from realtime.site.checks.cluster import SPARE_CONNECTIONS, declared_processes

OLDEST_POSTGRESQL: Final = 140000  # as Django 5.2
CLOCK_WARN_SECONDS: Final = 1.0  # sessions, tokens and mutes end by clocks
CLOCK_FAIL_SECONDS: Final = 30.0
SLOW_SECONDS: Final = 0.02  # for a round trip; each post takes several
TABLE: Final = "realtime_stream"

area = Area("database")


def probe() -> Iterator[ProbeResult]:
    """Yield findings about the database."""
    try:
        began = time.monotonic()
        connection.ensure_connection()
    except DatabaseError as error:
        yield area.fail(
            f"cannot connect: {first_line(error)}",
            "Check DATABASE_URL, that the server runs, and its pg_hba.conf.",
        )
        return
    yield area.ok(f"connected in {1000 * (time.monotonic() - began):.0f} ms")
    yield from _postgresql() if connection.vendor == "postgresql" else _sqlite()
    yield from _migrations()
    yield from _dead_letters()


def _value(query: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
    return row[0] if row else None


def _postgresql() -> Iterator[ProbeResult]:
    version = connection.cursor().connection.info.server_version
    shown = f"PostgreSQL {version // 10000}.{version % 10000}"
    if version < OLDEST_POSTGRESQL:
        yield area.fail(f"{shown} is too old", "Upgrade to PostgreSQL 14 or later.")
    else:
        yield area.ok(shown)
    began = time.monotonic()
    _value("SELECT 1")
    if (took := time.monotonic() - began) > SLOW_SECONDS:
        yield area.warn(
            f"a round trip takes {1000 * took:.0f} ms",
            "Bring the nodes and the database into one data centre.",
        )
    yield from _encoding()
    yield from _role()
    yield from _connections()
    yield from _durability()
    yield from _limits()
    yield from _clock()


def _encoding() -> Iterator[ProbeResult]:
    encoding = _value("SHOW server_encoding")
    collation = _value("SELECT datcollate FROM pg_database WHERE datname = current_database()")
    if encoding != "UTF8":
        yield area.fail(
            f"the encoding is {encoding}: texts in other scripts cannot be stored or searched",
            "Make a new database and restore into it: "
            "createdb --encoding UTF8 --locale C.UTF-8 --template template0 NAME",
        )
    elif collation in {"C", "POSIX"}:
        yield area.warn(
            f"the encoding is UTF8, but the collation {collation} folds the case of ASCII only",
            "Search then finds other letters in the same case only; C.UTF-8 folds all of them.",
        )
    else:
        yield area.ok(f"encoding UTF8, collation {collation}")


def _role() -> Iterator[ProbeResult]:
    if _value("SELECT pg_is_in_recovery()"):
        yield area.fail(
            "this server is a replica: it refuses to write",
            "Set DATABASE_URL to the primary, or promote this server.",
        )
        return
    if _value("SHOW transaction_read_only") == "on":
        yield area.fail(
            "transactions are read-only",
            "Look at default_transaction_read_only of the server, the database and the role.",
        )
    if not _value(f"SELECT to_regclass('{TABLE}') IS NOT NULL"):
        return  # the migrations are reported
    if not _value(f"SELECT has_table_privilege('{TABLE}', 'INSERT, UPDATE, DELETE')"):
        yield area.fail(
            "the role of DATABASE_URL may not write to the tables",
            "Give it the tables: REASSIGN OWNED BY … TO …, or GRANT.",
        )
    else:
        yield area.ok("primary, writable")


def _connections() -> Iterator[ProbeResult]:
    reserved = int(_value("SHOW superuser_reserved_connections"))
    limits = {
        "max_connections": int(_value("SHOW max_connections")) - reserved,
        "the limit of the database": int(
            _value("SELECT datconnlimit FROM pg_database WHERE datname = current_database()")
        ),
        "the limit of the role": int(
            _value("SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user")
        ),
    }
    name, limit = min(
        ((name, limit) for name, limit in limits.items() if limit >= 0), key=lambda each: each[1]
    )
    used = int(
        _value("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
    )
    needed = declared_processes() * settings.HOLDFAST_DATABASE_POOL
    shown = (
        f"{declared_processes()} processes × HOLDFAST_DATABASE_POOL "
        f"{settings.HOLDFAST_DATABASE_POOL} = {needed} connections"
    )
    todo = (
        "Raise max_connections (or the limits of role and database), use PgBouncer, "
        "or lower HOLDFAST_DATABASE_POOL."
    )
    if needed > limit:
        yield area.fail(f"{shown}, but {name} allows {limit}", todo)
    elif needed + SPARE_CONNECTIONS > limit:
        yield area.warn(f"{shown}, and {name} leaves fewer than {SPARE_CONNECTIONS} beside", todo)
    else:
        yield area.ok(f"{shown} of {limit}")
    if limit - used < SPARE_CONNECTIONS:
        yield area.warn(
            f"{used} of {limit} connections are in use now",
            "See which programs use them: SELECT usename, application_name, count(*) "
            "FROM pg_stat_activity GROUP BY 1, 2.",
        )


def _durability() -> Iterator[ProbeResult]:
    wrong = [
        name
        for name in ("fsync", "synchronous_commit", "full_page_writes")
        if _value(f"SHOW {name}") == "off"
    ]
    if wrong:
        yield area.warn(
            f"{', '.join(wrong)} off: a crash of its machine loses acknowledged messages",
            "Turn on in postgresql.conf.",
        )


def _limits() -> Iterator[ProbeResult]:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    values = {name: _value(f"SHOW {name}") for name in names}
    if missing := [name for name, value in values.items() if value == "0"]:
        yield area.warn(
            f"{', '.join(missing)} not set: a forgotten lock can hold up posts without an end",
            "Set for the role: ALTER ROLE … SET lock_timeout = '5s'.",
        )
    else:
        yield area.ok(", ".join(f"{name} {value}" for name, value in values.items()))


def _clock() -> Iterator[ProbeResult]:
    began = time.time()
    theirs = float(_value("SELECT extract(epoch FROM clock_timestamp())"))
    ended = time.time()
    difference = max(began - theirs, theirs - ended, 0.0)
    if difference > CLOCK_WARN_SECONDS:
        make = area.fail if difference > CLOCK_FAIL_SECONDS else area.warn
        yield make(
            f"the clock of the database differs by {difference:.1f} s",
            "Run NTP on both machines: sessions, tokens and mutes end by clocks.",
        )
    else:
        yield area.ok("its clock agrees with ours")


def _sqlite() -> Iterator[ProbeResult]:
    path = Path(settings.DATABASES["default"]["NAME"])
    mode = _value("PRAGMA journal_mode")
    if str(mode).lower() != "wal":
        yield area.fail(
            f"journal_mode is {mode}: readers and the writer wait for each other",
            "Put the file on a local disk: WAL does not work on network file systems.",
        )
    if (damage := _value("PRAGMA quick_check(1)")) != "ok":
        yield area.fail(f"{path} is damaged: {damage}", "Restore a backup (docs/operations.md).")
    else:
        yield area.ok(f"SQLite {_value('SELECT sqlite_version()')}, {path}, undamaged")


def _migrations() -> Iterator[ProbeResult]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        yield area.fail(
            f"{len(plan)} migrations are not applied, the first is {plan[0][0]}",
            "Run manage.py migrate.",
        )
    else:
        yield area.ok("all migrations are applied")


def _dead_letters() -> Iterator[ProbeResult]:
    if DeadLetter._meta.db_table not in connection.introspection.table_names():
        return  # the migrations are reported
    found = DeadLetter.objects.all()[:MAX_COUNTED].count()
    last = DeadLetter.objects.order_by("-pk").first()
    if last:
        yield area.warn(
            f"{found} changed rows could not be numbered (at most {MAX_COUNTED} are counted), the "
            f"last in {last.relation}: {last.reason}",
            "Repair the table, stamp each row of realtime_deadletter again, and delete it there "
            "(docs/extending.md).",
        )
