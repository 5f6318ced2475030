"""The network of the tests: what it lets through, and how it fails."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chaos.proxy import Proxy, bad_line, each_statement
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


async def test_what_is_lost_is_taken_and_never_answered(proxy: Proxy) -> None:
    reader, writer = await heard(proxy)
    async with proxy.loss():
        new_reader, new_writer = await dial(proxy)
        for each in (writer, new_writer):
            each.write(BIG)
            await asyncio.wait_for(each.drain(), 5)  # all of it is taken
        for answer in (reader, new_reader):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(answer.read(100), 0.2)
    writer.write(b"anyone now?")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(100), 0.2)
    _, other = await heard(proxy)
    for each in (writer, new_writer, other):
        each.close()
    await until(lambda: not proxy.links)


async def test_a_slow_server_answers_later_and_in_order(proxy: Proxy) -> None:
    reader, writer = await heard(proxy)
    started = asyncio.get_running_loop().time()
    async with proxy.late(each_statement(0.2)):
        writer.write(b"one ")
        await asyncio.sleep(0.05)
    writer.write(b"two")
    writer.write_eof()
    assert await reader.read() == b"one two"
    assert asyncio.get_running_loop().time() - started > 0.19
    writer.close()


async def test_on_a_bad_line_everything_arrives_late_and_in_order(proxy: Proxy) -> None:
    reader, writer = await heard(proxy)
    lines = [f"{number}\n".encode() for number in range(300)]
    async with proxy.late(bad_line(random.Random(7), lost=0.3, jitter=0.01)):
        for line in lines:
            writer.write(line)
            await asyncio.sleep(0)  # each in a packet of its own
        assert await reader.readexactly(len(b"".join(lines))) == b"".join(lines)
    writer.close()


async def test_a_server_that_moves_is_found_at_the_new_address_alone(tmp_path: Path) -> None:
    server = await asyncio.start_unix_server(echo, tmp_path / "s")
    async with server, Proxy(tmp_path / "s") as proxy:
        assert isinstance(proxy.where, tuple)
        reader, writer = await heard(proxy)
        before = proxy.where
        await proxy.move("127.0.0.2")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*before)
        _, other = await heard(proxy)
        for each in (writer, other):
            each.close()


async def test_who_does_not_read_slows_only_the_own_connection(proxy: Proxy) -> None:
    _reader, writer = await heard(proxy)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(TOO_BIG)
    [link] = proxy.links
    await until(lambda: link.full or (link.other is not None and link.other.full))
    _, other = await heard(proxy)
    other.close()
    writer.transport.abort()
