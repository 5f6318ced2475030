"""Server processes with their own options, and a WebSocket client that misbehaves."""

import base64
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec
import pytest
from django.core.management import CommandError, call_command

from tests.support.server import ROOT, environment

START_SECONDS = 40
REPLY_SECONDS = 20

TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 1, 2, 8, 9, 10, 0


class Process:
    """A command that serves, such as ``manage.py serve --unix PATH``."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        var: Path,
        port: int | None = None,
        pass_fds: Sequence[int] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        everything = {**environment(var), **(env or {})}
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=everything,
            pass_fds=pass_fds,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        self.first_line = ""
        if port is None:
            self.first_line = self._process.stdout.readline()
        else:
            self._wait_for(port)

    def _wait_for(self, port: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                time.sleep(0.05)  # a port that nobody listens on yet has nothing to wait on
        raise RuntimeError("the process is not ready")

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self, seconds: float = START_SECONDS) -> int:
        """Return the exit code."""
        code = self._process.wait(seconds)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.signal(signal.SIGKILL)
        self.wait()


def serve(*options: str, var: Path, pass_fds: Sequence[int] = (), **env: str) -> Process:
    """Run ``manage.py serve`` with options, ready when this returns."""
    command = [sys.executable, "manage.py", "serve", *options]
    process = Process(command, var=var, pass_fds=pass_fds, env=env)
    assert "is listening on" in process.first_line, process.first_line
    return process


def refused(*options: str) -> str:
    """Return what ``manage.py serve`` says about options that it refuses."""
    with pytest.raises(CommandError) as refusal:
        call_command("serve", *options)
    return str(refusal.value)


class RawSocket:
    """A WebSocket client that answers nothing by itself: no ping, no close."""

    def __init__(
        self,
        port: int,
        *,
        token: str = "",
        path: str = "/ws/chat/",
        receive_buffer: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._sock = socket.socket()
        if receive_buffer is not None:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._sock.settimeout(REPLY_SECONDS)
        self._sock.connect(("127.0.0.1", port))
        self._buffer = b""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
        ]
        lines += [
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Protocol: holdfast.v1",
        ]
        lines += [f"Authorization: Bearer {token}"] if token else []
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self._sock.sendall("\r\n".join([*lines, "", ""]).encode())
        self.answer = self._until(b"\r\n\r\n").decode()
        self.status = int(self.answer.split()[1])

    def send(self, payload: bytes, *, opcode: int = TEXT, fin: bool = True) -> None:
        """Send one masked frame."""
        self._sock.sendall(frame(payload, opcode=opcode, fin=fin))

    def send_raw(self, data: bytes) -> None:
        self._sock.sendall(data)

    def command(self, name: str, **fields: Any) -> None:
        self.send(msgspec.json.encode({"id": 1, "command": name, **fields}))

    def receive(self) -> tuple[int, bytes]:
        """Return the next frame: its opcode and payload.

        Raises ``EOFError`` when the connection has ended.
        """
        first, length = self._exactly(2)
        if length == 126:
            (length,) = struct.unpack("!H", self._exactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._exactly(8))
        return first & 0x0F, self._exactly(length)

    def objects(self) -> list[dict[str, Any]]:
        """Return the objects of the next text frame."""
        opcode, payload = self.receive()
        assert opcode == TEXT, (opcode, payload)
        found = msgspec.json.decode(payload)
        return found if isinstance(found, list) else [found]

    def closed(self) -> tuple[int, str]:
        """Read up to the close frame and return its code and reason."""
        while True:
            opcode, payload = self.receive()
            if opcode == CLOSE:
                return struct.unpack("!H", payload[:2])[0], payload[2:].decode()

    def ended(self) -> bool:
        """Read to the end of the connection; True when it ends."""
        try:
            while self._sock.recv(65536):
                pass
        except ConnectionError:
            return True
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def _until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            self._read()
        found, _, self._buffer = self._buffer.partition(end)
        return found

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._read()
        found, self._buffer = self._buffer[:count], self._buffer[count:]
        return found

    def _read(self) -> None:
        data = self._sock.recv(65536)
        if not data:
            raise EOFError
        self._buffer += data


def frame(payload: bytes, *, opcode: int = TEXT, fin: bool = True) -> bytes:
    """Return a masked frame (RFC 6455 §5.2)."""
    first = bytes([opcode | (0x80 if fin else 0)])
    if len(payload) < 126:
        length = bytes([0x80 | len(payload)])
    elif len(payload) < 65536:
        length = struct.pack("!BH", 0x80 | 126, len(payload))
    else:
        length = struct.pack("!BQ", 0x80 | 127, len(payload))
    return first + length + b"\0\0\0\0" + payload  # a mask of zeros changes nothing
