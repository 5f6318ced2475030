"""The network of the tests: what it lets through, and how it fails."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chaos.proxy import Proxy
from tests.support.waiting import until

RND = random.Random(7)
BIG = b"x" * 3_000_000
TOO_BIG = b"x" * 40_000_000  # for all buffers on the way


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.fixture(params=["tcp", "unix"])
async def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Proxy]:
    """A proxy before a server that echoes."""
    if request.param == "unix":
        server = await asyncio.start_unix_server(echo, tmp_path / "s")
        made = Proxy(tmp_path / "s", tmp_path / "p")
    else:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        made = Proxy(server.sockets[0].getsockname()[:2])
    async with server, made:
        yield made


async def dial(proxy: Proxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(proxy.where, Path):
        return await asyncio.open_unix_connection(proxy.where)
    return await asyncio.open_connection(*proxy.where)


async def heard(
    proxy: Proxy, said: bytes = b"hello"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection through which something has come back."""
    reader, writer = await dial(proxy)
    writer.write(said)
    assert await reader.readexactly(len(said)) == said
    return reader, writer


async def test_everything_comes_through_in_order_however_much(proxy: Proxy) -> None:
    reader, writer = await heard(proxy)
    writer.write(BIG)
    assert await reader.readexactly(len(BIG)) == BIG
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    await until(lambda: not proxy.links)


async def test_a_reset_ends_both_sides_at_once(proxy: Proxy) -> None:
    reader, writer = await heard(proxy)
    assert proxy.reset(RND) == 1
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()
    await until(lambda: not proxy.links)


async def test_silence_tells_nobody_and_ends(proxy: Proxy) -> None:
    reader, writer = await heard(proxy)
    async with proxy.silence(RND, forgotten=0):
        writer.write(b"lost in the meantime?")
        new_reader, new_writer = await dial(proxy)
        new_writer.write(b"anyone?")
        for each in (reader, new_reader):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(each.read(100), 0.2)
    assert await reader.readexactly(21) == b"lost in the meantime?"
    assert await new_reader.readexactly(7) == b"anyone?"
    writer.close()
    new_writer.close()


async def test_a_forgotten_connection_stays_silent_and_others_are_not(proxy: Proxy) -> None:
    reader, writer = await heard(proxy)
    async with proxy.silence(RND, forgotten=1):
        pass
    writer.write(b"hello?")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(100), 0.2)
    _, other = await heard(proxy)
    other.close()
    writer.transport.abort()


async def test_who_does_not_read_slows_only_the_own_connection(proxy: Proxy) -> None:
    _reader, writer = await heard(proxy)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(TOO_BIG)
    [link] = proxy.links
    await until(lambda: link.full or (link.other is not None and link.other.full))
    _, other = await heard(proxy)
    other.close()
    writer.transport.abort()
