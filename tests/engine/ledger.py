"""A kind of stream for the engine's tests, and an outlet that keeps what is written.

The rows of the stream are in two tables in memory.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from realtime.core import publishing, streams
from realtime.core.heads import changing
from realtime.core.streams import Claim, StreamKind
from realtime.engine.outbound import Prepared
from realtime.protocol.errors import HoldfastError, NotFound
from realtime.protocol.page import AccessEnd, Event


class Ledger:
    """Streams ``ledger.<n>``. Everyone may read them but those who are ``shut_out``."""

    def __init__(self) -> None:
        self.tables: tuple[dict[str, dict[str, Event]], dict[str, dict[str, Event]]] = ({}, {})
        self.shut_out: set[int] = set()
        self.reads = 0  # pages that were read from the "database"
        # Runs once, between the reads of the two tables.
        self.between: Callable[[], None] = lambda: None
        sources = [self._source(0), self._source(1)]
        self.kind = streams.register(StreamKind("ledger", self._authorise, sources, presence=True))

    def commit(
        self, ident: int, key: str, value: Any, *, table: int = 0, end: AccessEnd | None = None
    ) -> int:
        """Change one row and return its seq."""
        name = self.kind.name(ident)
        with changing(name) as heads:
            seq = heads.next(name)
            kind, _, number = key.partition(":")
            event = Event.of(kind, int(number), seq, {"value": value}, end=end)
            self.tables[table].setdefault(str(ident), {})[key] = event
            heads.record(name, event)
        return seq

    def commit_unheard(
        self, ident: int, key: str, value: Any, *, end: AccessEnd | None = None
    ) -> int:
        """Change one row as another process does whose publication is lost."""
        local = publishing.local_hub
        hub, local._hub = local._hub, None
        try:
            return self.commit(ident, key, value, end=end)
        finally:
            local._hub = hub

    def state(self, ident: int) -> dict[str, Any]:
        """Return the rows of a stream as a client should hold them."""
        rows = {
            key: event for table in self.tables for key, event in table.get(str(ident), {}).items()
        }
        return {
            key: msgspec.json.decode(event.body or b"null")["data"]["value"]
            for key, event in rows.items()
        }

    def _source(self, table: int) -> Callable[[str, int, int], Iterable[Event]]:
        def rows(ident: str, after: int, limit: int) -> Iterable[Event]:
            if table == 0:
                self.reads += 1
            else:
                self.between()
                self.between = lambda: None
            found = sorted(self.tables[table].get(ident, {}).values(), key=lambda event: event.seq)
            return [event for event in found if event.seq > after][:limit]

        return rows

    def _authorise(self, claims: Sequence[Claim]) -> dict[Claim, HoldfastError]:
        return {
            claim: NotFound("There is no such stream.")
            for claim in claims
            if claim.reader.user_id in self.shut_out
        }


class Wire:
    """An outlet whose client is a list. ``unsent`` is set by the test."""

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []
        self.frames = 0
        self.closed: tuple[int, str] | None = None
        self.unsent = 0
        self.on_drained: Callable[[], None] | None = None
        self.on_leave: Callable[[float], None] | None = None

    def write(self, message: Prepared) -> None:
        decoded = msgspec.json.decode(message.payload)
        self.objects += decoded if isinstance(decoded, list) else [decoded]
        self.frames += 1

    def close(self, code: int, reason: str) -> None:
        self.closed = code, reason

    def taken(self, kind: str = "") -> list[dict[str, Any]]:
        """Return what was written, or only objects of one type, and forget it all."""
        objects, self.objects = self.objects, []
        return [each for each in objects if kind in ("", each["type"])]

    def drain(self) -> None:
        """Let the client read everything."""
        self.unsent = 0
        if self.on_drained is not None:
            self.on_drained()
