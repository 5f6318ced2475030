"""The name server of a run. Needs root, as `make chaos` does."""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest

from tests.support.resolver import NameServer

ASK = "import socket; print(socket.gethostbyname('database.test'))"


@pytest.fixture
async def names() -> AsyncIterator[NameServer]:
    async with NameServer() as found:
        yield found


async def address(names: NameServer) -> str:
    """Ask from a program of its own, and return its answer or the name of its error."""
    program = await asyncio.create_subprocess_exec(
        *names.prefix, sys.executable, "-c", ASK, stdout=-1, stderr=-1
    )
    found, errors = await program.communicate()
    return (found or errors.splitlines()[-1].partition(b":")[0]).decode().strip()


async def test_a_program_finds_a_server_that_has_moved(names: NameServer) -> None:
    names.addresses["database.test"] = "127.0.0.1"
    assert await address(names) == "127.0.0.1"
    names.addresses["database.test"] = "127.0.0.2"
    assert await address(names) == "127.0.0.2"
    del names.addresses["database.test"]
    assert await address(names) == "socket.gaierror"


async def test_a_name_server_can_be_silent(names: NameServer) -> None:
    names.addresses["database.test"] = "127.0.0.1"
    async with names.silent():
        asking = asyncio.create_task(address(names))
        done, _ = await asyncio.wait({asking}, timeout=1)
        assert done == set()
    assert await asking == "127.0.0.1"
