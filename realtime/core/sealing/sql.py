"""The statements behind stamps: triggers of a table, and on SQLite numbers that are taken at once.

The functions that PostgreSQL's triggers call are made by the migration ``0006_sealing``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection, models

NOW: Final = "STRFTIME('%Y-%m-%d %H:%M:%f000', 'NOW')"  # as Django writes a time on SQLite
EVENTS: Final = ("insert", "update", "delete")
MAX_IDENTIFIER: Final = 63  # bytes, of PostgreSQL


@dataclass(frozen=True, slots=True)
class TriggeredTable:
    """A table whose rows stamp themselves. The names are of the database, not quoted."""

    name: str
    primary_key: str
    prefix: str  # of the stream: "orders" in "orders.7"
    column: str | None  # whose value is the stream's ident; None for a singleton
    kind: str  # of the rows on the wire
    has_uuids: bool = False  # in the column: SQLite keeps them without hyphens

    def trigger(self, event: str) -> str:
        """Return the name of a trigger; on PostgreSQL that of the function too."""
        return f"{self.name[: MAX_IDENTIFIER - 20]}_holdfast_{event}"

    def create(self) -> Sequence[str]:
        """Return the statements that make the triggers."""
        return _postgresql(self) if connection.vendor == "postgresql" else _sqlite(self)

    def drop(self) -> Sequence[str]:
        """Return the statements that remove them."""
        if connection.vendor == "postgresql":
            table, function = _quoted(self.name), _quoted(self.trigger("stamp"))
            return [
                *(f"DROP TRIGGER {_quoted(self.trigger(each))} ON {table}" for each in EVENTS),
                f"DROP FUNCTION {function}()",
            ]
        return [
            f"DROP TRIGGER IF EXISTS {_quoted(self.trigger(each))}" for each in (*EVENTS, "move")
        ]

    def stream(self, row: str) -> str:
        """Return the expression of the stream's name, for the row OLD or NEW."""
        if self.column is None:
            return _literal(self.prefix)
        ident = f"{row}.{_quoted(self.column)}"
        if self.has_uuids and connection.vendor == "sqlite":
            parts = ("1, 8", "9, 4", "13, 4", "17, 4", "21, 12")
            ident = " || '-' || ".join(f"substr({ident}, {part})" for part in parts)
        return f"{_literal(self.prefix + '.')} || {ident}"

    def moves(self) -> str:
        """Return the condition under which an update would move a row to another stream or key."""
        different = "IS DISTINCT FROM" if connection.vendor == "postgresql" else "IS NOT"
        columns = [self.primary_key, *([self.column] if self.column else [])]
        return " OR ".join(
            f"(OLD.{_quoted(each)} IS NOT NULL AND OLD.{_quoted(each)} {different} "
            f"NEW.{_quoted(each)})"
            for each in columns
        )

    @property
    def refusal(self) -> str:
        """The error of such an update, as a literal."""
        return _literal(
            f"holdfast: a row of {self.name} keeps its stream ({self.prefix}) and its primary key; "
            "delete it and insert it again"
        )


def _postgresql(table: TriggeredTable) -> Sequence[str]:
    function = _quoted(table.trigger("stamp"))
    key = _quoted(table.primary_key)

    def stamped(row: str) -> str:
        return f"""
            IF {table.stream(row)} IS NOT NULL THEN
                PERFORM {_schema()}.holdfast_stamp(
                    {table.stream(row)}, TG_RELID::regclass, {row}.{key}::text,
                    {_literal(table.kind)}
                );
            END IF;"""

    body = f"""
        BEGIN
            IF TG_OP = 'DELETE' THEN {stamped("OLD")}
                RETURN NULL;
            END IF;
            IF TG_OP = 'UPDATE' AND ({table.moves()}) THEN
                RAISE EXCEPTION USING MESSAGE = {table.refusal},
                    ERRCODE = 'integrity_constraint_violation';
            END IF; {stamped("NEW")}
            RETURN NULL;
        END"""
    # A program that saves an old copy of a row writes a lower seq: the row gets a new one too.
    conditions = {
        "insert": "WHEN (NEW.seq = 0)",
        "update": "WHEN (NEW.seq <= OLD.seq AND OLD.* *<> NEW.*)",
        "delete": "",
    }
    return [
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql "
        f"AS $function${body}$function$",
        *(
            f"CREATE TRIGGER {_quoted(table.trigger(event))} AFTER {event.upper()} "
            f"ON {_quoted(table.name)} FOR EACH ROW {conditions[event]} "
            f"EXECUTE FUNCTION {function}()"
            for event in EVENTS
        ),
    ]


def _sqlite(table: TriggeredTable) -> Sequence[str]:
    key = _quoted(table.primary_key)
    present = {row: f"({table.stream(row)}) IS NOT NULL" for row in ("OLD", "NEW")}
    numbered = [
        *_moved(table.stream("NEW")),
        _numbered(table.name, key, table.stream("NEW"), f"NEW.{key}"),
    ]
    buried = _buried(table.stream("OLD"), _literal(table.kind), f"OLD.{key}")
    bodies = {
        "insert": (f"NEW.seq = 0 AND {present['NEW']}", numbered),
        "update": (f"NEW.seq <= OLD.seq AND {present['NEW']}", numbered),
        "delete": (present["OLD"], [*_moved(table.stream("OLD")), *buried]),
    }
    name = _quoted(table.name)
    return [
        *(
            f"CREATE TRIGGER IF NOT EXISTS {_quoted(table.trigger(event))} AFTER {event.upper()} "
            f"ON {name} FOR EACH ROW WHEN {condition} BEGIN {'; '.join(body)}; END"
            for event, (condition, body) in bodies.items()
        ),
        f"CREATE TRIGGER IF NOT EXISTS {_quoted(table.trigger('move'))} BEFORE UPDATE "
        f"ON {name} FOR EACH ROW WHEN {table.moves()} "
        f"BEGIN SELECT RAISE(ABORT, {table.refusal}); END",
    ]


def numbered_at_once(stream: str, row: models.Model, kind: str) -> Sequence[str]:
    """Return the statements that number a row on SQLite, or leave its tombstone."""
    name, key = _literal(stream), _quoted(str(row._meta.pk.column))
    value = _literal(str(row._meta.pk.get_db_prep_value(row.pk, connection)))
    table = row._meta.db_table
    return [
        *_moved(name),
        _numbered(table, key, name, value),
        *_buried(name, _literal(kind), value),
        f"DELETE FROM realtime_tombstone WHERE stream = {name} AND kind = {_literal(kind)} "
        f"AND key = {value} AND EXISTS (SELECT 1 FROM {_quoted(table)} WHERE {key} = {value})",
    ]


def _moved(stream: str) -> Sequence[str]:
    """Return the statements that take the next number of a stream.

    Without ON CONFLICT: in a trigger, the clause of the statement that fires it would win.
    """
    return [
        "INSERT INTO realtime_stream (name, head, floor, changed_at) "
        f"SELECT {stream}, 0, 0, {NOW} "
        f"WHERE NOT EXISTS (SELECT 1 FROM realtime_stream WHERE name = {stream})",
        f"UPDATE realtime_stream SET head = head + 1, changed_at = {NOW} WHERE name = {stream}",
    ]


def _numbered(table: str, key: str, stream: str, value: str) -> str:
    return f"UPDATE {_quoted(table)} SET seq = ({_head(stream)}) WHERE {key} = {value}"


def _buried(stream: str, kind: str, key: str) -> Sequence[str]:
    return [
        f"DELETE FROM realtime_tombstone WHERE stream = {stream} AND kind = {kind} AND key = {key}",
        "INSERT INTO realtime_tombstone (stream, kind, key, seq) "
        f"VALUES ({stream}, {kind}, {key}, ({_head(stream)}))",
    ]


def _head(stream: str) -> str:
    return f"SELECT head FROM realtime_stream WHERE name = {stream}"


def _schema() -> str:
    """Return the schema of our functions, which a table's own functions name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(n.nspname) FROM pg_proc p "
            "JOIN pg_namespace n ON n.oid = p.pronamespace "
            "WHERE p.oid = to_regproc('holdfast_stamp')"
        )
        found = cursor.fetchone()
    if found is None:
        raise LookupError(
            "expected the migration realtime.0006_sealing before this one: name it in dependencies"
        )
    return str(found[0])


def _quoted(name: str) -> str:
    return str(connection.ops.quote_name(name))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
