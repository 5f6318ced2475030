"""The engine in one process: a real hub, a real database, sockets without a network."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from realtime.auth import Account
from realtime.core import database, streams
from realtime.core import writer as writers
from realtime.core.sealing.sql import TriggeredTable
from realtime.engine import hub as hubs
from realtime.engine.hub import Hub
from realtime.engine.socket import Socket
from tests.conftest import People
from tests.engine.ledger import Ledger, Wire
from tests.support.sealing import LEDGER


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    yield Ledger()
    streams._kinds.pop("ledger")


@pytest.fixture
def ledger_url() -> Iterator[str]:
    """The database on PostgreSQL, with a table ``ledger`` whose rows stamp themselves."""
    options = connection.settings_dict
    host = options["HOST"] or options["OPTIONS"].get("host")
    table = TriggeredTable("ledger", "id", "ledger", "stream", "entry")
    with connection.cursor() as cursor:
        for statement in (LEDGER, *table.create()):
            cursor.execute(statement)
        yield f"postgres://{options['USER']}@/{options['NAME']}?host={host}"
        for statement in (*table.drop(), "DROP TABLE ledger"):
            cursor.execute(statement)


@pytest.fixture
async def hub(transactional_db: None, ledger: Ledger) -> AsyncIterator[Hub]:
    yield await hubs.started()
    await hubs.stop()
    writers.close_all()
    database.close()


ENGINE_KINDS = frozenset({"ledger", "inbox", "announcements"})
Connect = Callable[..., Awaitable[tuple[Socket, Wire]]]


@pytest.fixture
def connect(hub: Hub, people: People) -> Connect:
    """``socket, wire = await connect("alice")``: a socket that follows nothing yet."""

    async def connected(
        who: str = "alice",
        credential: str = "session:1",
        kinds: Collection[str] | None = ENGINE_KINDS,
    ) -> tuple[Socket, Wire]:
        user = getattr(people, who)
        wire = Wire()
        account = Account(user.pk, who, who, False, None, None, credential, hash(user.password))
        socket = Socket(wire, account=account, kinds=kinds)
        await hub.attach(socket)
        return socket, wire

    return connected


Commit = Callable[..., Awaitable[int]]


@pytest.fixture
def commit(ledger: Ledger) -> Commit:
    """Commit from a thread, as the writer does."""
    return sync_to_async(ledger.commit)


@pytest.fixture
def commit_unheard(ledger: Ledger) -> Commit:
    return sync_to_async(ledger.commit_unheard)


async def until(condition: Callable[[], Any], *, seconds: float = 5) -> None:
    """Let the loop run until ``condition`` holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  what is waited for are effects on a wire, not events of ours
            await asyncio.sleep(0.005)
