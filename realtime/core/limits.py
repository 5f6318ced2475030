"""How long a statement may run and wait for a lock, for the code that runs now.

The settings are the defaults. The writer's lanes are stricter, and management commands that read or
write a whole table ask for more.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for one statement, and for one wait for a lock. None: no limit."""

    statement: float | None
    lock: float
    # In the side lane (decision 14), where an operator looks for who waits: statements carry the
    # ids of their requests there, so none is prepared.
    aside: bool = False


_current: ContextVar[Limits | None] = ContextVar("limits", default=None)


def current() -> Limits:
    """Return the limits of the running code."""
    return _current.get() or Limits(
        settings.HOLDFAST_STATEMENT_SECONDS, settings.HOLDFAST_LOCK_SECONDS
    )


@contextmanager
def limited(limits: Limits) -> Iterator[None]:
    """Apply ``limits`` to all statements of the block."""
    token = _current.set(limits)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def long_statements() -> Iterator[None]:
    """Let statements of the block take as long as they need. Waits for locks stay limited.

    For management commands. A migration that waits for a lock without a limit stops the site: all
    later statements on its table queue behind it.
    """
    with limited(Limits(None, settings.HOLDFAST_LOCK_SECONDS)):
        _set_session(None, None)
        try:
            yield
        finally:
            with suppress(DatabaseError, InterfaceError):  # the connection may be gone
                _set_session(
                    settings.HOLDFAST_STATEMENT_SECONDS, settings.HOLDFAST_IDLE_TRANSACTION_SECONDS
                )


def milliseconds(seconds: float | None) -> int:
    """Return a limit as PostgreSQL takes it, in which 0 means none."""
    return 0 if seconds is None else max(1, round(seconds * 1000))


# The same as an expression of SQL, with the two values of ``local_values``.
LOCAL = "SELECT set_config('lock_timeout', %s, true) || set_config('statement_timeout', %s, true)"


def local_values() -> list[str]:
    """Return the values for ``LOCAL``."""
    limits = current()
    return [str(milliseconds(limits.lock)), str(milliseconds(limits.statement))]


def local_settings() -> str:
    """Return the SQL that applies the current limits to the running transaction.

    ``SET LOCAL`` works through PgBouncer too, where settings of a session do not.
    """
    limits = current()
    return (
        f"SET LOCAL lock_timeout = {milliseconds(limits.lock)}; "
        f"SET LOCAL statement_timeout = {milliseconds(limits.statement)}; "
    )


def _set_session(statement: float | None, idle: float | None) -> None:
    """Set PostgreSQL's own limits of this thread's connection, if the session is its own."""
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        if not getattr(connection.connection, "shared", False):
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SET statement_timeout = {milliseconds(statement)}; "
                    f"SET idle_in_transaction_session_timeout = {milliseconds(idle)}"
                )
