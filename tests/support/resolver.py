"""A name server of the tests, and programs that ask it instead of the machine's; needs root.

A program gets a file system view of its own, in which ``/etc/resolv.conf`` is another file. So all
of it asks this server: Python, libpq and every other library, as in production.
"""

import asyncio
import os
import struct
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import inet_aton
from typing import Any, Self

PORT = 53  # resolv.conf cannot name another
ADDRESS = 1  # the type of a record that holds an IPv4 address
SECONDS_TO_KEEP = 0  # an answer is asked for again at the next connection
ANSWER = 0x8180  # a response, with recursion, without an error
UNKNOWN_NAME = 0x8183


class NameServer(asyncio.DatagramProtocol):
    """Answers with ``addresses``; its own address is one of the loopback network."""

    def __init__(self) -> None:
        # Several tests may run side by side.
        self.host = f"127.53.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
        self.addresses: dict[str, str] = {}
        self._silent = False
        self._transport: Any = None
        self._directory = tempfile.TemporaryDirectory(prefix="holdfast-names-")

    async def __aenter__(self) -> Self:
        require_root("A name server of its own")
        for name, text in (
            ("resolv.conf", f"nameserver {self.host}\n"),
            ("nsswitch.conf", "hosts: files dns\n"),
        ):
            (Path(self._directory.name) / name).write_text(text)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(self.host, PORT)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()
        self._directory.cleanup()

    @property
    def prefix(self) -> tuple[str, ...]:
        """The beginning of the command of a program that asks this server.

        The program keeps the process number of the whole command.
        """
        script = (
            'for file in resolv.conf nsswitch.conf; do mount --bind "$0/$file" "/etc/$file"; done; '
            'exec "$@"'
        )
        return ("unshare", "--mount", "sh", "-ec", script, self._directory.name)

    @asynccontextmanager
    async def silent(self) -> AsyncIterator[None]:
        """Answer nothing."""
        self._silent = True
        try:
            yield
        finally:
            self._silent = False

    def datagram_received(self, data: bytes, address: Any) -> None:
        if not self._silent:
            self._transport.sendto(self._answer(data), address)

    def _answer(self, query: bytes) -> bytes:
        """Answer a query as RFC 1035 section 4 says."""
        labels, end = [], 12  # after the header
        while length := query[end]:
            labels.append(query[end + 1 : end + 1 + length].decode())
            end += length + 1
        question = query[12 : end + 5]
        (kind,) = struct.unpack_from("!H", query, end + 1)
        found = self.addresses.get(".".join(labels).lower())
        records = b""
        if found is not None and kind == ADDRESS:
            # The name is the one of the question, at byte 12.
            record = struct.pack("!HHHIH", 0xC00C, ADDRESS, 1, SECONDS_TO_KEEP, 4)
            records = record + inet_aton(found)
        flags = UNKNOWN_NAME if found is None else ANSWER
        header = query[:2] + struct.pack("!HHHHH", flags, 1, 1 if records else 0, 0, 0)
        return header + question + records


def require_root(what: str) -> None:
    """Raise where the test does not run as root."""
    if os.geteuid() != 0:
        raise PermissionError(f"{what} needs root: run it with sudo, or in a container.")
