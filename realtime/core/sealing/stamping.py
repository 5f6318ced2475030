"""Stamps: a row that changed in an open transaction gets its number at COMMIT.

On PostgreSQL a deferred trigger numbers all stamped rows of the transaction, so the heads are
locked only while it commits. On SQLite, which has one writer, the number is taken at once.
"""

from collections.abc import Collection
from typing import Any

from django.db import connection, models, transaction

from realtime.core import publishing
from realtime.core.sealing import sql
from realtime.core.streams import MAX_NAME_LENGTH, StreamName


def stamp(stream: StreamName, row: models.Model, *, kind: str) -> None:
    """Give ``row``, which this transaction has changed or deleted, the next number of ``stream``.

    Its column ``seq`` is written at COMMIT. If the row is gone by then, readers receive a tombstone
    ``kind:pk``. Several stamps of a row are one change. Rows with a ``StreamTrigger`` stamp
    themselves. Raises ``TransactionManagementError`` outside a transaction, where the change and
    its number could be separated, and ``ValueError`` for a name that is too long.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "expected an open transaction for stamp(): call it inside transaction.atomic(), "
            "together with the change"
        )
    if len(stream) > MAX_NAME_LENGTH:
        raise ValueError(
            f"expected a stream name of at most {MAX_NAME_LENGTH} characters, got {stream!r}"
        )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            table = connection.ops.quote_name(row._meta.db_table)
            cursor.execute(
                "SELECT holdfast_stamp(%s, %s::regclass, %s, %s)",
                [stream, table, str(row.pk), kind],
            )
        else:
            for statement in sql.numbered_at_once(stream, row, kind):
                cursor.execute(statement)
    hint_after_commit([stream])


def hint_after_commit(streams: Collection[StreamName]) -> None:
    """Let the readers of ``streams`` be served as soon as this transaction has committed.

    A rolled-back savepoint takes its hints back. Hints that follow each other are sent as one.
    """
    waiting: list[Any] = connection.run_on_commit
    own = set(connection.savepoint_ids)
    if connection.in_atomic_block and waiting:
        savepoints, last = waiting[-1][:2]
        if isinstance(last, _Hint) and savepoints == own:
            last.streams.update(streams)
            return
    transaction.on_commit(_Hint(streams), robust=True)


def in_transaction() -> bool:
    """Return whether this thread is in a transaction that other code began.

    The transaction that Django's ``TestCase`` puts around a test is none.
    """
    blocks: list[Any] = connection.atomic_blocks
    return bool(blocks) and not blocks[-1]._from_testcase


class _Hint:
    """A callback whose streams can grow until it is called."""

    # Django logs it when the callback of a robust on_commit fails.
    __qualname__ = "hint_after_commit"

    def __init__(self, streams: Collection[StreamName]) -> None:
        self.streams = set(streams)

    def __call__(self) -> None:
        publishing.hint(self.streams)
