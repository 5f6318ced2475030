"""Counts what a connection to PostgreSQL sends, as libpq writes it down."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from django.db import connection

# Messages of the client that carry out a statement, and those after which it waits for an answer.
# psycopg sends another `Flush` after the `Sync` that ends a pipeline, for answers that come anyway.
_STATEMENTS: Final = frozenset({"Query", "Execute"})
_WAITS: Final = frozenset({"Query", "Sync"})


@dataclass(slots=True)
class Sent:
    """The messages of the client, in their order."""

    messages: list[str] = field(default_factory=list)

    @property
    def statements(self) -> int:
        """The statements, those that begin and commit a transaction among them."""
        return sum(message in _STATEMENTS for message in self.messages)

    @property
    def round_trips(self) -> int:
        """How often the client waits for the server."""
        return sum(message in _WAITS for message in self.messages)


@contextmanager
def traced() -> Iterator[Sent]:
    """Write down what the connection of this thread sends within the block."""
    connection.ensure_connection()
    wire = connection.connection.pgconn
    sent = Sent()
    with tempfile.TemporaryFile() as file:
        wire.trace(file.fileno())
        try:
            yield sent
        finally:
            wire.untrace()
        file.seek(0)
        lines = [line.split("\t") for line in file.read().decode(errors="replace").splitlines()]
        sent.messages = [line[3] for line in lines if len(line) > 3 and line[1] == "F"]
