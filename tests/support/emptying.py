"""Empties the database after a test with transactions, some hundred times as fast as Django.

Django truncates every table, which takes PostgreSQL 200 to 600 ms, and makes content types,
permissions and groups again, which takes 70 to 180 ms: together that was most of the time of the
tests on PostgreSQL. Here the rows are deleted in one transaction (2 ms), and what Django would make
again is copied from a table that holds it.
"""

from collections.abc import Sequence

from django.core.management import call_command
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test import TransactionTestCase

COPY = "copy_of_"
_statements: dict[str, list[str]] = {}  # by database
# A trigger refuses to delete from the log, and triggers of stream rows leave tombstones; replicas
# have no triggers.
LOG_FIRST = (
    "SET LOCAL session_replication_role = replica",
    "DELETE FROM chat_moderationlog",
    "DELETE FROM orders_order",
    "SET LOCAL session_replication_role = origin",
)


def install() -> None:
    """Let all tests with transactions use ``empty_database``."""
    TransactionTestCase._fixture_teardown = _fixture_teardown  # type: ignore[attr-defined]


def _fixture_teardown(self: TransactionTestCase) -> None:
    empty_database()


def empty_database() -> None:
    """Leave what a new database has after its migrations."""
    if connection.settings_dict["NAME"] not in _statements:
        call_command(
            "flush",
            verbosity=0,
            interactive=False,
            reset_sequences=False,
            inhibit_post_migrate=False,
        )
        _statements[connection.settings_dict["NAME"]] = _prepare()
        return
    with connection.cursor() as cursor:
        _run(cursor, _statements[connection.settings_dict["NAME"]])


def _prepare() -> list[str]:
    """Copy the tables that are not empty now, and return the statements that make it so again."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    # On SQLite too, tombstones come from deleted rows: theirs is the last table.
    tables.sort(key=lambda table: table in {"realtime_stream", "realtime_tombstone"})
    statements = [f'DELETE FROM "{table}"' for table in tables]
    with connection.cursor() as cursor:
        for statement in statements[-2:]:
            cursor.execute(statement)
        for table in tables:
            cursor.execute(f'SELECT 1 FROM "{table}" LIMIT 1')
            if cursor.fetchone():
                cursor.execute(f'CREATE TABLE "{COPY}{table}" AS SELECT * FROM "{table}"')
                # Some tests keep rows of their own through the emptying.
                statements.append(
                    f'INSERT INTO "{table}" SELECT * FROM "{COPY}{table}" WHERE true '
                    "ON CONFLICT DO NOTHING"
                )
    return statements


def _run(cursor: CursorWrapper, statements: Sequence[str]) -> None:
    """Run statements in one transaction, at whose end foreign keys are checked."""
    if connection.vendor == "postgresql":
        cursor.execute(";".join(["BEGIN", *LOG_FIRST, *statements, "COMMIT"]))
        return
    cursor.execute("BEGIN IMMEDIATE")
    try:
        cursor.execute("PRAGMA defer_foreign_keys = ON")
        for statement in statements:
            cursor.execute(statement)
    except BaseException:
        cursor.execute("ROLLBACK")
        raise
    cursor.execute("COMMIT")
