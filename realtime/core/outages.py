"""The meaning of the database's errors: their cause in the log and the metrics, and its health.

A cause is logged when it occurs first, then at most once a minute with its count.
"""

import logging
import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

from django.db import DatabaseError, InterfaceError, InternalError, OperationalError

from realtime.core import metrics

if TYPE_CHECKING:
    from psycopg import Error as DriverError
    from psycopg import OperationalError as DriverOperationalError
    from psycopg_pool import PoolTimeout
else:
    try:
        from psycopg import Error as DriverError
        from psycopg import OperationalError as DriverOperationalError
        from psycopg_pool import PoolTimeout
    except ImportError:  # the extra `postgres` is not installed, so no such error occurs

        class DriverError(Exception): ...

        class DriverOperationalError(DriverError): ...

        class PoolTimeout(DriverOperationalError): ...


log = logging.getLogger("holdfast.database")

LOG_SECONDS: Final = 60.0  # between two lines about one cause
MAX_CAUSES: Final = 100  # SQLSTATEs that are remembered; PostgreSQL has about 250
# Three reports of a node: until then, a write that is late may still come.
WRITABLE_SECONDS: Final = 15.0

# SQLSTATEs. The lock was not free in time, the statement was cancelled, a deadlock, a conflict:
# the transaction changed nothing and may be repeated.
BLOCKED: Final = frozenset({"55P03", "57014", "40P01", "40001"})
# The tables of another version, or no right to use them.
UNUSABLE: Final = frozenset({"42501", "42P01", "42703", "3F000"})
# Writing is refused: a full disk or memory, limits of the configuration, a standby.
REFUSED: Final = frozenset(
    {"53000", "53100", "53200", "53400", "54000", "58030", "25006", "XX001", "XX002"}
)
REFUSED_BY_SQLITE: Final = frozenset(
    {"SQLITE_FULL", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CORRUPT", "SQLITE_NOTADB"}
    | {"SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH"}
)
# SQLSTATE 25006: a standby, or a server that has become one. Another connection may lead elsewhere.
READ_ONLY: Final = "25006"
# libpq gives no SQLSTATE for a failed connection. These are read from its text.
NO_CONNECTION: Final = "08001"
CONNECTION_REFUSALS: Final = {
    "too many clients": "53300",
    "too many connections": "53300",
    "remaining connection slots": "53300",
    "password authentication failed": "28P01",
    "no pg_hba.conf entry": "28000",
    "does not exist": "3D000",
    "the database system is": "57P03",  # starting up, shutting down
}
LOST_CONNECTION: Final = "08006"
POOL_TIMEOUT: Final = "pool_timeout"


class NoAnswer(DriverOperationalError):
    """The server did not answer in time, and its connection was cut."""


@dataclass(slots=True)
class Cause:
    """How often a cause occurred since the last line about it."""

    logged_at: float
    count: int = 0


class Health:
    """The state of the database as the last calls of this process found it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._causes: dict[str, Cause] = {}
        self.up = True
        # Of the last error that makes the database down or not writable.
        self.cause: str | None = None
        self._wrote_at: float | None = None
        self._refused_at: float | None = None
        self._since = time.monotonic()

    @property
    def writable(self) -> bool:
        """Whether this node could write recently, and no write was refused since.

        A node that has just started has time for its first write.
        """
        now = time.monotonic()
        if self._refused_at is not None and now - self._refused_at < WRITABLE_SECONDS:
            return False
        return now - (self._wrote_at or self._since) < WRITABLE_SECONDS

    @property
    def proven(self) -> bool:
        """Whether a write has succeeded recently; False until the first one."""
        return self._wrote_at is not None and self.writable

    def answered(self) -> None:
        """Note that the database answered."""
        self.up = True

    def wrote(self) -> None:
        """Note that a change was committed."""
        self._wrote_at = time.monotonic()

    def write_failed(self, error: BaseException) -> None:
        """Note that a change had no right to its tables, or did not find them.

        In a read, that is one page that does not work.
        """
        found = sqlstate(error)
        if found in UNUSABLE:
            self._refused_at, self.cause = time.monotonic(), found

    def note(self, error: BaseException, *, place: str = "") -> None:
        """Count an error by its cause, and log it unless that was done within the minute."""
        found = sqlstate(error)
        metrics.database_errors.labels(found).inc()
        if is_lost(error):
            self.up, self.cause = False, found
        if found in REFUSED or _is_refused_by_sqlite(found):
            self._refused_at, self.cause = time.monotonic(), found
        with self._lock:
            cause = self._causes.get(found)
            now = time.monotonic()
            if cause is None and len(self._causes) < MAX_CAUSES:
                cause = self._causes[found] = Cause(now - LOG_SECONDS)
            if cause is None:
                return
            cause.count += 1
            if now - cause.logged_at < LOG_SECONDS:
                return
            count, cause.count, cause.logged_at = cause.count, 0, now
        log.log(
            logging.WARNING if found in BLOCKED else logging.ERROR,
            "the database refused or did not answer",
            extra={
                "sqlstate": found,
                "error": str(error).strip()[:500],
                "count": count,
                **({"place": place} if place else {}),
            },
        )

    def forget(self) -> None:
        """Begin anew. For tests, which break the database on purpose."""
        self.__init__()  # type: ignore[misc]


health: Final = Health()
note = health.note
metrics.database_up.set_function(lambda: health.up)
metrics.writable.set_function(lambda: health.writable)


def sqlstate(error: BaseException) -> str:
    """Return the SQLSTATE of an error, or SQLite's name for it."""
    # Django wraps the driver's error.
    cause = error if isinstance(error, DriverError) else error.__cause__ or error
    if isinstance(cause, PoolTimeout):
        return POOL_TIMEOUT
    if isinstance(cause, NoAnswer):
        return LOST_CONNECTION
    if isinstance(cause, DriverError):
        return cause.sqlstate or _of_connection(cause)
    return getattr(cause, "sqlite_errorname", "") or type(cause).__name__


def is_outage(error: BaseException) -> bool:
    """Whether the database, not the statement, is the cause: it may work later.

    Integrity errors and mistakes in SQL are not.
    """
    if isinstance(error, (OperationalError, InterfaceError, InternalError)):
        return True
    if not isinstance(error, DatabaseError):
        return False
    found = sqlstate(error)
    return found in UNUSABLE or (type(error) is DatabaseError and _is_refused_by_sqlite(found))


def is_blocked(error: BaseException) -> bool:
    """Whether the transaction was refused for what others do, on a healthy connection."""
    return sqlstate(error) in BLOCKED


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, or leads to a server that cannot serve."""
    found = sqlstate(error)
    return (
        found.startswith(("08", "57P"))
        or found in {*CONNECTION_REFUSALS.values(), POOL_TIMEOUT}
        or found in {"SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_CANTOPEN"}
    )


def is_stale(error: BaseException) -> bool:
    """Whether a new connection may help."""
    found = sqlstate(error)
    return (
        found == READ_ONLY
        or (is_lost(error) and found != POOL_TIMEOUT)
        or isinstance(error, InterfaceError)
        or (found.startswith("SQLITE") and found not in {"SQLITE_BUSY", "SQLITE_FULL"})
    )


def _is_refused_by_sqlite(name: str) -> bool:
    # Extended names begin with the plain ones: SQLITE_IOERR_WRITE, SQLITE_READONLY_DIRECTORY.
    return any(name == each or name.startswith(f"{each}_") for each in REFUSED_BY_SQLITE)


def _of_connection(error: DriverError) -> str:
    text = str(error)
    for phrase, code in CONNECTION_REFUSALS.items():
        if "FATAL" in text and phrase in text:
            return code
    return NO_CONNECTION if "connection to server" in text else LOST_CONNECTION
