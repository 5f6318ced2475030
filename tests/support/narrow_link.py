"""A narrow, long link in front of a server: a bandwidth that all connections share, and a delay.

It delays packets, as a radio does. DevTools delays each request by the same
time, however many are under way. A connection begins with a round trip, and with ten packets under
way (RFC 6928); it has one more with each that arrives.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PACKET = 1448  # bytes of data
HEADERS = 52  # bytes beside them, of IP and TCP
FIRST_WINDOW = 10  # packets


@dataclass(slots=True)
class Direction:
    """One direction of the link."""

    bits_per_second: float
    delay: float  # seconds
    free_at: float = 0.0

    def arrival(self, size: int) -> float:
        """Take the link for a packet, and return when it is on the other side."""
        now = asyncio.get_running_loop().time()
        self.free_at = max(now, self.free_at) + (size + HEADERS) * 8 / self.bits_per_second
        return self.free_at + self.delay


@contextmanager
def narrow_link(port: int, *, down_mbit: float, up_mbit: float, round_trip: float) -> Iterator[int]:
    """Yield the port at which the server of ``port`` is far away."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="narrow link", daemon=True).start()
    down = Direction(down_mbit * 1e6, round_trip / 2)
    up = Direction(up_mbit * 1e6, round_trip / 2)

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            to, back = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(round_trip)  # SYN, and the answer to it
            await asyncio.gather(_carry(reader, back, up), _carry(to, writer, down))
        except OSError:
            writer.close()

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(join, "127.0.0.1", 0)

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result()
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Direction
) -> None:
    loop = asyncio.get_running_loop()
    window = asyncio.Semaphore(FIRST_WINDOW)

    def arrived(packet: bytes) -> None:
        if not writer.is_closing():
            writer.write(packet)
        loop.call_later(way.delay, acknowledged)

    def acknowledged() -> None:
        window.release()  # this packet
        window.release()  # and one more: slow start

    try:
        while packet := await reader.read(PACKET):
            await window.acquire()
            loop.call_at(way.arrival(len(packet)), arrived, packet)
        loop.call_at(way.arrival(0), writer.close)
    except OSError:
        writer.close()
