"""A slow, uneven network in front of every server of a test.

It finds tests that look before they wait, and pages that take an old event for a new one. ``make
test-slow`` switches it on.
"""

import asyncio
import os
import random
import threading

# The settings of the tests forget all that begins with HOLDFAST_.
SLOW = os.environ.get("TEST_NETWORK") == "slow"
PATIENCE = 4 if SLOW else 1  # how many times longer than usual a page may take
USUAL_SECONDS = 0.05  # that what is sent is on its way, on average
LONG_SECONDS = 1.0  # that it is, at the most
LONG_PART = 0.15  # of what is sent takes long

_loop: asyncio.AbstractEventLoop | None = None
_lock = threading.Lock()


def before(port: int) -> int:
    """Return the port by which a browser reaches the server that listens on ``port``."""
    return asyncio.run_coroutine_threadsafe(_listen(port), _running()).result() if SLOW else port


def _running() -> asyncio.AbstractEventLoop:
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="slow network", daemon=True).start()
        return _loop


async def _listen(port: int) -> int:
    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            to, back = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_carry(reader, back), _carry(to, writer))

    server = await asyncio.start_server(join, "127.0.0.1", 0)
    found: int = server.sockets[0].getsockname()[1]
    return found


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            long = random.random() < LONG_PART
            await asyncio.sleep(
                random.uniform(0, LONG_SECONDS) if long else random.expovariate(1 / USUAL_SECONDS)
            )
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # one side has gone; the other is closed
    finally:
        writer.close()
