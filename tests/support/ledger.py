"""A ledger of acknowledged messages, kept outside of the system under test.

async with talking(clients, room) as ledger:
    await until(lambda: len(ledger) > 50)
    ...                                        # something happens to the servers
assert ledger.missing(await replay(…)) == []
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.conformance.client import Client, Copy, replay
from tests.support.waiting import until

PATIENCE_SECONDS = 90  # on a busy machine; alone, a failover takes two
PAUSE_SECONDS = 0.02  # between two posts of a client: a stream of them, and no flood


class MessageLedger:
    """The messages that were acknowledged, in this order, by their unique texts."""

    def __init__(self) -> None:
        self._messages: dict[str, dict[str, Any]] = {}

    def __len__(self) -> int:
        return len(self._messages)

    def note(self, message: dict[str, Any]) -> None:
        """Note an acknowledged message."""
        self._messages[message["body"]] = message

    @property
    def texts(self) -> list[str]:
        """The texts of all acknowledged messages."""
        return list(self._messages)

    def missing(self, copy: Copy) -> list[str]:
        """Return the texts of the acknowledged messages that a copy of the room lacks."""
        held = texts(copy)
        return [text for text in self._messages if text not in held]


def messages(copy: Copy) -> dict[int, dict[str, Any]]:
    """Return the messages in a copy of a room, by their ids."""
    return {ident: row for (kind, ident), (_, row) in copy.rows.items() if kind == "message"}


def differences(copy: Copy, other: Copy) -> list[tuple[int, Any, Any]]:
    """Return the messages that are not the same in two copies: the id, and how each has it."""
    mine, others = messages(copy), messages(other)
    return [
        (ident, mine.get(ident), others.get(ident))
        for ident in sorted({*mine, *others})
        if mine.get(ident) != others.get(ident)
    ]


def texts(copy: Copy) -> list[str]:
    """Return their texts."""
    return [message["body"] for message in messages(copy).values()]


async def more(ledger: MessageLedger, posts: int = 40) -> None:
    """Wait until so many more are acknowledged."""
    enough = len(ledger) + posts
    await until(lambda: len(ledger) >= enough, within=PATIENCE_SECONDS)


async def all_hold(
    origin: str, token: str, stream: str, clients: Sequence[Client], ledger: MessageLedger
) -> None:
    """Check that everything acknowledged is stored once, and that every client holds just that."""
    stored = await replay(origin, token, stream)
    assert ledger.missing(stored) == []
    assert len(set(texts(stored))) == len(texts(stored))
    async with staying(clients):
        await until(
            lambda: not any(differences(client.copies[stream], stored) for client in clients),
            within=PATIENCE_SECONDS,
            show=lambda: [differences(client.copies[stream], stored) for client in clients],
        )


@asynccontextmanager
async def staying(clients: Sequence[Client]) -> AsyncIterator[None]:
    """Let clients come back whenever their connection ends, as those of people do.

    By itself, a client of the tests comes back for its next command. After a change of the epoch,
    nodes close their sockets within ten seconds.
    """

    async def stay(client: Client) -> None:
        while True:
            assert client._reader is not None
            await asyncio.wait([client._reader])
            await client.reconnect()

    tasks = [asyncio.create_task(stay(client)) for client in clients]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def talking(
    clients: Sequence[Client], room: int, name: str = ""
) -> AsyncIterator[MessageLedger]:
    """Let every client post until the end of the block; each repeats a post until its ``ok``."""
    ledger, over = MessageLedger(), asyncio.Event()

    async def talk(number: int, client: Client) -> None:
        for count in itertools.count():
            if over.is_set():
                return
            ledger.note(await client.post(room, f"{name} {number}: {count}"))
            await asyncio.sleep(PAUSE_SECONDS)

    talks = [asyncio.create_task(talk(*each)) for each in enumerate(clients)]
    try:
        yield ledger
    finally:
        over.set()
        await asyncio.gather(*talks)
