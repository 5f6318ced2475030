"""The database of the small world: rows with their head, and pages of several queries."""

from collections.abc import Callable
from typing import Any

import msgspec

from realtime.protocol.errors import Reset
from realtime.protocol.page import Event, Page, cut

TABLES = ("message", "membership", "revocation")
HIDDEN = "revocation"
PAGE = 3  # events of a page

Row = dict[str, Any]


class Database:
    """Rows that carry the head as of their last change."""

    def __init__(self) -> None:
        self.head = 0
        self.floor = 0
        # The last state of every row that a retention run removed, by key.
        self.removed: dict[str, int] = {}
        self.tables: dict[str, dict[int, Event]] = {table: {} for table in TABLES}

    def change(self, table: str, ident: int, *, delete: bool = False) -> Event | None:
        """Commit one change; a row that was deleted stays as it is."""
        if self.is_deleted(table, ident):
            return None
        self.head += 1
        if table == HIDDEN:
            event = Event.hidden(table, ident, self.head)
        else:
            event = Event.of(
                table,
                ident,
                self.head,
                {"id": ident, "text": "" if delete else f"text {self.head}", "deleted": delete},
            )
        self.tables[table][ident] = event
        self.removed.pop(event.key, None)
        return event

    def remove(self, ident: int) -> Event | None:
        """Remove the messages up to ``ident`` for good, as a retention run does."""
        rows = self.tables["message"]
        old = [rows.pop(key) for key in range(ident + 1) if key in rows]
        if not old:
            return None
        self.removed |= {event.key: event.seq for event in old}
        self.floor = max(self.floor, *(event.seq for event in old))
        self.head += 1
        return Event.raised_floor(self.head, self.floor)

    def is_deleted(self, table: str, ident: int) -> bool:
        event = self.tables[table].get(ident)
        return event is not None and event.body is not None and b'"deleted":true' in event.body

    def rows(self, table: str, after: int) -> list[Event]:
        return [event for event in self.tables[table].values() if event.seq > after]

    def state(self) -> dict[str, Row]:
        """The rows that a client should have in the end."""
        events = [
            event for table in TABLES for event in self.rows(table, 0) if event.body is not None
        ]
        return {event.key: msgspec.json.decode(event.body or b"") for event in events}


class Read:
    """A page being read, one query at a time: the head, the tables one by one, the floor."""

    order: tuple[str, ...] = ("head", *TABLES, "floor")
    cut = staticmethod(cut)

    def __init__(self, database: Database, after: int, done: Callable[["Read"], None]) -> None:
        self.database = database
        self.after = after
        self.done = done
        self.head = self.floor = 0
        self.rows: list[Event] = []
        self.missing = list(self.order)

    def step(self) -> bool:
        """Make the next query; True when that was the last one."""
        query = self.missing.pop(0)
        if query == "head":
            self.head = self.database.head
        elif query == "floor":
            self.floor = self.database.floor
        else:
            self.rows += self.database.rows(query, self.after)
        if self.missing:
            return False
        self.done(self)
        return True

    def page(self) -> Page:
        """Raises ``Reset`` below the floor."""
        if self.after < self.floor:
            raise Reset("no longer kept", head=self.head)
        page = self.cut(self.rows, after=self.after, head=self.head, limit=PAGE)
        return page._replace(floor=self.floor)
