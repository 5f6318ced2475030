"""Signals that tell the members of a room how far others have read it.

A process gathers what was read for a second. However much is read, it then asks the database once
and sends one signal for each room. A lost signal is made up for when a client opens the room.
"""

import asyncio
from collections import OrderedDict
from typing import Final

from chat import payloads
from chat.models import Membership
from chat.queries.receipts import MAX_ROOMS, receipts_in
from realtime.core.database import read
from realtime.engine import hub as hubs
from realtime.protocol.receivers import Receivers

EVERY_SECONDS: Final = 1.0
# Rooms that wait for a signal. In a flood, the oldest ones go without.
MAX_WAITING: Final = 1000


class ReceiptSignals:
    """The rooms in which someone has read since the last signals. Used on one event loop."""

    def __init__(self) -> None:
        self._readers: OrderedDict[int, set[int]] = OrderedDict()
        self._sending: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """The number of rooms that wait for a signal."""
        return len(self._readers)

    def note(self, room_id: int, user_id: int) -> None:
        """Let the others learn soon how far the user has read."""
        self._readers.setdefault(room_id, set()).add(user_id)
        if len(self._readers) > MAX_WAITING:
            self._readers.popitem(last=False)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send_soon())

    async def _send_soon(self) -> None:
        while self._readers:
            await asyncio.sleep(EVERY_SECONDS)
            rooms = [*self._readers][:MAX_ROOMS]
            readers = {room_id: self._readers.pop(room_id) for room_id in rooms}
            found = await read(receipts_in, rooms)
            for room_id, rows in found.items():
                await _send(room_id, rows, readers[room_id])


async def _send(room_id: int, rows: list[Membership], readers: set[int]) -> None:
    """Send those who give receipts how far these readers are, if they give receipts."""
    moved = [payloads.receipt(row) for row in rows if row.user_id in readers]
    receivers = {row.user_id for row in rows}
    if moved and len(receivers) > 1:
        await (await hubs.started()).signal(
            payloads.stream(room_id), "read", {"receipts": moved}, Receivers(only_users=receivers)
        )


receipt_signals: Final = ReceiptSignals()  # of this process
