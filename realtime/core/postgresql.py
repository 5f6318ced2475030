"""Connections to PostgreSQL on which nothing waits without a limit.

PostgreSQL's own limits end what runs too long on a healthy server. They do not end a wait for a
server that is frozen or out of reach, and PgBouncer refuses them in transaction mode. So each wait
has a limit on our side as well.
"""

import os
import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any, Final, Self
from weakref import WeakSet

import psycopg
from django.conf import settings
from psycopg import errors

from realtime.core import limits, outages

# After PostgreSQL's own limit: it names the cause, and its connection stays usable.
GRACE_SECONDS: Final = 0.1
# For a request to cancel a statement, and again for the statement to end. Then the connection is
# cut.
CANCEL_SECONDS: Final = 1.0
WAKE_SECONDS: Final = 0.1  # psycopg's own interval, in which it notices Ctrl-C
# Uses of a statement before it is prepared. Only `together` prepares; Django's cursors do not.
PREPARE_AFTER: Final = 1

_open: Final[WeakSet["BoundedConnection"]] = WeakSet()
_open_lock: Final = Lock()

# One statement for a new connection. Settings of a session are wrong behind PgBouncer: they would
# stay with a connection that others use. There the number of the process differs from the one that
# the client was given.
_CONFIGURE: Final = """
    SELECT CASE WHEN pg_backend_pid() = %s THEN
        set_config('statement_timeout', %s, false) || set_config('lock_timeout', %s, false)
        || set_config('idle_in_transaction_session_timeout', %s, false)
    END
"""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection whose every wait is limited by ``limits.current()``."""

    shared = False  # by other clients, in PgBouncer's transaction mode
    _committing = False

    @classmethod
    def connect(cls, conninfo: str = "", **options: Any) -> Self:
        """Connect, and apply the limits to the session."""
        try:
            made = super().connect(conninfo, **options)
            made._configure()
        except psycopg.OperationalError as error:
            # Django sees only that the pool gave it no connection in time.
            outages.note(error)
            raise
        with _open_lock:
            _open.add(made)
        return made

    def commit(self) -> None:
        """Commit. A commit that gets no answer is never cancelled.

        With synchronous replication, a cancelled commit succeeds before the standby has it.
        """
        self._committing = True
        try:
            super().commit()
        finally:
            self._committing = False

    def together(
        self, statements: Iterable[tuple[str, Sequence[object]]], *, commits: bool = False
    ) -> list[list[tuple[Any, ...]]]:
        """Carry out statements in one round trip, and return the rows of each.

        A statement that comes again is prepared, unless the connection is shared. ``commits``: one
        of them is the commit, so the wait is never cancelled. Raises the first error; the
        statements after it are not carried out.
        """
        cursors = []
        self._committing = commits
        try:
            with self.pipeline():
                for sql, values in statements:
                    cursor = psycopg.Cursor(self)
                    cursors.append(cursor.execute(sql, values or None))
        except errors.PipelineAborted as error:
            # Of a statement behind the one that failed, whose own error came before.
            if isinstance(error.__context__, psycopg.Error):
                raise error.__context__ from None
            raise
        finally:
            self._committing = False
        return [[] if each.rownumber is None else each.fetchall() for each in cursors]

    def abandon(self) -> None:
        """Roll back, or end the connection if that fails."""
        try:
            self.rollback()
        except psycopg.Error:
            self.close()

    def wait(self, gen: Any, interval: float = WAKE_SECONDS, timeout: float | None = None) -> Any:
        """Wait for an answer; all operations of psycopg on a connection wait here."""
        seconds = self._seconds()
        if timeout is not None or seconds is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, seconds + GRACE_SECONDS)
        except errors._WaitTimeout:
            return self._give_up(gen, interval, seconds)

    def _seconds(self) -> float | None:
        if self._committing:
            default: float = settings.HOLDFAST_STATEMENT_SECONDS
            return default
        return limits.current().statement

    def _give_up(self, gen: Any, interval: float, seconds: float) -> Any:
        """Cancel the statement, or cut the connection if that does not help."""
        if not self._committing:
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=CANCEL_SECONDS)
            with suppress(errors._WaitTimeout):
                return super().wait(gen, interval, CANCEL_SECONDS)
        self.pgconn.finish()
        raise outages.NoAnswer(f"PostgreSQL did not answer within {seconds:g} s")

    def _configure(self) -> None:
        milliseconds = limits.milliseconds
        values = (
            settings.HOLDFAST_STATEMENT_SECONDS,
            settings.HOLDFAST_LOCK_SECONDS,
            settings.HOLDFAST_IDLE_TRANSACTION_SECONDS,
        )
        row = self.execute(
            _CONFIGURE, [self.info.backend_pid, *(str(milliseconds(value)) for value in values)]
        ).fetchone()
        self.shared = row is None or row[0] is None
        if not self.shared and self.prepare_threshold is None:
            self.prepare_threshold = PREPARE_AFTER
        if not self.autocommit:
            self.commit()


def cut_all() -> None:
    """End all connections of this process, and every wait on them, from any thread."""
    with _open_lock:
        found = list(_open)
    for each in found:
        # Through another descriptor: closing the one of libpq would take it from its thread.
        with suppress(OSError, psycopg.Error), _duplicate(each) as handle:
            handle.shutdown(socket.SHUT_RDWR)


def _duplicate(each: BoundedConnection) -> socket.socket:
    return socket.socket(fileno=os.dup(each.fileno()))
