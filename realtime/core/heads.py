"""The only way to change a stream's head: a transaction, locks in name order, publication.

Only the services of the apps use ``changing``, or ``changing_in_two_trips`` where one statement
reads everything and one writes everything.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from django.db import connection, transaction

from realtime.core import limits, publishing
from realtime.core.monitoring import statements
from realtime.core.sealing.stamping import hint_after_commit, in_transaction
from realtime.core.streams import StreamName, parse
from realtime.models import Stream
from realtime.protocol.page import Event


@dataclass(slots=True)
class Heads:
    """The locked heads of one transaction."""

    _heads: dict[str, int]
    _events: dict[str, list[Event]] = field(default_factory=dict)
    _floors: dict[str, int] = field(default_factory=dict)

    def next(self, stream: str) -> int:
        """Take the next number of ``stream``, which the caller writes as ``seq`` of the row."""
        if stream not in self._heads:
            raise LookupError(
                f"{stream} was not passed to changing(): all locks are taken at once, in name "
                "order, so that transactions cannot deadlock"
            )
        self._heads[stream] += 1
        self._events.setdefault(stream, [])
        return self._heads[stream]

    def created(self, stream: str) -> None:
        """Add the stream of an object that this transaction creates.

        It needs no lock: no other transaction can know its name yet.
        """
        self._heads.setdefault(stream, 0)

    def record(self, stream: str, event: Event) -> None:
        """Record the changed row, which is published after the commit."""
        self._events[stream].append(event)

    def raise_floor(self, stream: str, floor: int) -> None:
        """Declare that rows of ``stream`` up to ``floor`` are removed in this transaction.

        A client at a lower position cannot be sent what changed since, so it has to load a
        snapshot (``Reset``). This takes a number like any change, so that every node learns of it
        in order, with or without the broker, and drops what it has in memory up to there.
        """
        if floor > self._heads.get(stream, 0):
            raise ValueError(f"expected a floor of at most the head of {stream}, got {floor}")
        self._floors[stream] = max(floor, self._floors.get(stream, 0))
        self.record(stream, Event.raised_floor(self.next(stream), floor))

    @property
    def names(self) -> Collection[str]:
        """The streams that are locked."""
        return self._heads.keys()

    @property
    def advanced(self) -> dict[str, int]:
        """The new heads of the streams that took a number."""
        return {name: self._heads[name] for name in sorted(self._events)}

    @property
    def floors(self) -> dict[str, int]:
        """The floors that rise, by stream."""
        return self._floors

    @property
    def events(self) -> dict[str, list[Event]]:
        """The events to publish after the commit, by stream."""
        return self._events


class SealedHeads(Heads):
    """The heads of streams that change in a transaction of other code. None is locked.

    The rows are numbered at COMMIT, all streams of the transaction at once and in name order. Locks
    taken now would be held while the caller's code runs, and those of a second block would be out
    of order.
    """

    def next(self, stream: str) -> int:
        """Return 0, which the row's trigger replaces at COMMIT."""
        super().next(stream)
        return 0

    def raise_floor(self, stream: str, floor: int) -> None:
        """Refuse: a floor is a position, and no position is known before the COMMIT."""
        raise OpenTransaction(
            f"rows of {stream} cannot be removed for good inside an open transaction: "
            "call it from transaction.on_commit()"
        )


class OpenTransaction(RuntimeError):
    """A stream whose rows do not stamp themselves was to change in an open transaction."""


@contextmanager
def changing(*streams: str) -> Iterator[Heads]:
    """Open the transaction in which ``streams`` change.

    The heads are locked until the commit, so numbers become visible in order and a reader that has
    seen N has seen everything below N. Inside, take ``heads.next(stream)``, write the row with it,
    and call ``heads.record(stream, event)``.

    Inside a transaction of other code, the rows are numbered at its COMMIT (``SealedHeads``), and
    ``next`` returns 0. Raises ``OpenTransaction`` there for a stream whose rows do not stamp
    themselves (``StreamRow``).
    """
    if in_transaction():
        with _sealing(streams) as sealed:
            yield sealed
        return
    with transaction.atomic(durable=True):
        heads = Heads(_lock(sorted(set(streams))))
        yield heads
        advanced = heads.advanced
        if advanced:
            _write(advanced, heads.floors)
            events = {StreamName(name): found for name, found in heads.events.items()}
            transaction.on_commit(lambda: publishing.publish(events))


@contextmanager
def _sealing(streams: Sequence[str]) -> Iterator[Heads]:
    for name in streams:
        if not parse(name)[0].sealed:
            raise _open_transaction(name)
    with transaction.atomic():
        heads = SealedHeads(dict.fromkeys(streams, 0))
        yield heads
        hint_after_commit([StreamName(name) for name in heads.events])


def _open_transaction(name: str) -> OpenTransaction:
    return OpenTransaction(
        f"{name} cannot change inside an open transaction (atomic(), ATOMIC_REQUESTS, the admin): "
        "its rows take their numbers at once. Call this from transaction.on_commit(), or make them "
        "StreamRow models"
    )


class Statement(NamedTuple):
    """A statement with ``%s`` for each value on PostgreSQL, ``?`` on SQLite."""

    sql: str
    values: Sequence[object] = ()


Rows = list[tuple[Any, ...]]


class TwoTrips(ABC):
    """A transaction in two round trips: one locks and reads, the other writes and commits."""

    def __init__(self) -> None:
        self.heads = Heads({})  # those of the streams that exist
        self.rows: Rows = []  # of the statement that reads

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Open the transaction, which ends with the block."""

    @abstractmethod
    def begin(self, streams: Sequence[str], read: Statement) -> None:
        """Lock the heads in name order, then read."""

    @abstractmethod
    def commit(self, *writes: Statement) -> Rows:
        """Write, store the new heads, commit, and return the rows that the writes return.

        The writes see the rows as they were before, not those of each other.
        """


@contextmanager
def changing_in_two_trips(streams: Sequence[str], read: Statement) -> Iterator[TwoTrips]:
    """Do as ``changing``, where one statement reads everything that the change depends on.

    On PostgreSQL a transaction costs two waits for the server, not one for each statement. A
    block that does not call ``commit`` must not have taken a number. Raises ``OpenTransaction``
    inside a transaction of other code.
    """
    if in_transaction():
        raise _open_transaction(", ".join(sorted(set(streams))))
    trips: TwoTrips = _PostgresTrips() if connection.vendor == "postgresql" else _SqliteTrips()
    with trips.transaction():
        trips.begin(sorted(set(streams)), read)
        yield trips
    if trips.heads.advanced:
        events = {StreamName(name): found for name, found in trips.heads.events.items()}
        transaction.on_commit(lambda: publishing.publish(events))


class _PostgresTrips(TwoTrips):
    def __init__(self) -> None:
        super().__init__()
        connection.ensure_connection()
        self._raw = connection.connection
        # Tests run in a transaction of their own, which stays open.
        self._is_outermost = not connection.in_atomic_block
        self._is_open = False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if not self._is_outermost:
            with transaction.atomic(durable=True), connection.wrap_database_errors:
                yield
            return
        try:
            with connection.wrap_database_errors:
                yield
                if self._is_open:  # a rollback would make psycopg forget what is prepared
                    self._raw.together([Statement("COMMIT")])
        except BaseException:
            self._raw.abandon()
            raise

    def begin(self, streams: Sequence[str], read: Statement) -> None:
        # Two statements: each has one view of all rows, and that of the lock is from before its
        # wait. Read with it, a number could be taken twice.
        opening = [Statement("BEGIN")] if self._is_outermost else []
        self._is_open = self._is_outermost
        lock = Statement(_LOCK, [*limits.local_values(), list(streams)])
        with statements.watched(lock.sql):
            *_, heads, self.rows = self._raw.together([*opening, lock, read])
        self.heads = Heads(dict(heads))

    def commit(self, *writes: Statement) -> Rows:
        write = _folded([_moving(self.heads.advanced), *writes])
        closing = [Statement("COMMIT")] if self._is_outermost else []
        with statements.watched(write.sql):
            rows, *_ = self._raw.together([write, *closing], commits=self._is_outermost)
        self._is_open = False
        found: Rows = rows
        return found


class _SqliteTrips(TwoTrips):
    """SQLite has no round trips, and its statements are quick."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with transaction.atomic(durable=True), connection.wrap_database_errors:
            yield

    def begin(self, streams: Sequence[str], read: Statement) -> None:
        marks = ", ".join("?" * len(streams))
        lock = f"SELECT name, head FROM realtime_stream WHERE name IN ({marks})"  # noqa: S608
        self.heads = Heads(dict(self._rows(Statement(lock, streams))))
        self.rows = self._rows(read)

    def commit(self, *writes: Statement) -> Rows:
        found = [row for write in writes for row in self._rows(write)]
        for name, head in self.heads.advanced.items():
            self._rows(Statement(_MOVE_SQLITE, [head, name]))
        return found

    def _rows(self, statement: Statement) -> Rows:
        rows: Rows = connection.connection.execute(*statement).fetchall()
        return rows


# The limits are set before the first row is locked; the values are those of `limits`.
_LOCK: Final = f"""
    SELECT name, head FROM realtime_stream
    WHERE ({limits.LOCAL}) IS NOT NULL AND name = ANY(%s) ORDER BY name FOR UPDATE
"""  # noqa: S608  placeholders only
_MOVE: Final = (
    "UPDATE realtime_stream SET head = moved.head, changed_at = STATEMENT_TIMESTAMP() "
    "FROM unnest(%s::text[], %s::bigint[]) AS moved (name, head) "
    "WHERE realtime_stream.name = moved.name"
)
_NOW_SQLITE: Final = "STRFTIME('%Y-%m-%d %H:%M:%f000', 'NOW')"
_MOVE_SQLITE: Final = (
    f"UPDATE realtime_stream SET head = ?, changed_at = {_NOW_SQLITE} WHERE name = ?"  # noqa: S608
)


def _moving(heads: dict[str, int]) -> Statement:
    numbers = "{" + ",".join(map(str, heads.values())) + "}"
    return Statement(_MOVE, [list(heads), numbers])


def _folded(writes: Sequence[Statement]) -> Statement:
    """Make one statement of several; it returns the rows of the last."""
    *others, last = writes
    parts = ", ".join(f"part{number} AS ({sql})" for number, (sql, _) in enumerate(others))
    values = [value for write in writes for value in write.values]
    return Statement(f"WITH {parts} {last.sql}", values)


def take_turns(subject: str) -> None:
    """Let no other transaction pass here with the same ``subject`` until this one ends.

    For a rule over rows that another transaction may be inserting. Call it inside ``changing``,
    after whose locks it comes. On SQLite all transactions that write take turns anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [subject])


def _lock(names: Sequence[str]) -> dict[str, int]:
    """Lock the rows in name order, after creating those that are missing.

    On PostgreSQL they are created before any is locked, as the trigger that seals does: two
    transactions could wait for each other otherwise, one for a row and one for a new name.
    """
    if connection.vendor == "postgresql":
        return _lock_limited(names)
    found = _select(names)
    missing = [name for name in names if name not in found]
    if missing:
        Stream.objects.bulk_create([Stream(name=name) for name in missing], ignore_conflicts=True)
        found = _select(names)
    return found


def _select(names: Sequence[str]) -> dict[str, int]:
    rows = Stream.objects.select_for_update().filter(name__in=names).order_by("name")
    return dict(rows.values_list("name", "head"))


def _lock_limited(names: Sequence[str]) -> dict[str, int]:
    """Apply the limits to the transaction, create and lock the rows, in one round trip."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{limits.local_settings()}"  # noqa: S608  numbers and placeholders only
            "INSERT INTO realtime_stream (name, head, floor) "
            "SELECT n, 0, 0 FROM unnest(%s::text[]) AS n "
            "WHERE NOT EXISTS (SELECT FROM realtime_stream WHERE name = n) "
            "ORDER BY n ON CONFLICT DO NOTHING; "
            "SELECT name, head FROM realtime_stream WHERE name = ANY(%s) ORDER BY name FOR UPDATE",
            [list(names), list(names)],
        )
        while cursor.description is None and cursor.nextset():
            pass
        return dict(cursor.fetchall())


def _write(heads: dict[str, int], floors: dict[str, int]) -> None:
    """Store the new heads and floors in one statement, with the time of the database's clock."""
    now, greatest = (
        ("STATEMENT_TIMESTAMP()", "GREATEST")
        if connection.vendor == "postgresql"
        else ("STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f000', 'NOW')", "MAX")
    )
    rows = ", ".join([f"(%s, %s, %s, {now})"] * len(heads))
    with connection.cursor() as cursor:
        cursor.execute(
            # Only placeholders are formatted in.
            f"INSERT INTO realtime_stream (name, head, floor, changed_at) VALUES {rows} "  # noqa: S608
            "ON CONFLICT (name) DO UPDATE "
            "SET head = excluded.head, changed_at = excluded.changed_at, "
            f"floor = {greatest}(realtime_stream.floor, excluded.floor)",
            [value for name, head in heads.items() for value in (name, head, floors.get(name, 0))],
        )
