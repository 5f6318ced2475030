"""The listening sockets of a node: a TCP port, a Unix socket, or one that the parent opened."""

import asyncio
import errno
import logging
import os
import resource
import socket
import stat
from pathlib import Path
from typing import Any, Final

# First: it installs Twisted's reactor on an asyncio loop.
import daphne.server  # noqa: F401  # isort: skip
from django.conf import settings
from twisted.internet import reactor

from realtime.core import metrics
from realtime.core.monitoring.repeated_log import RepeatedLog

log = logging.getLogger("holdfast.server")

ACCEPTS_PER_TURN: Final = 100  # connections; then the accepted ones get their turn
# Pause after the kernel refused to accept. Without it, epoll would report the socket in an endless
# loop; meanwhile the clients wait in the kernel's queue.
ACCEPT_PAUSE_SECONDS: Final = 1.0
# An operator can act on these; every other error is one of the network.
NO_RESOURCES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
UNIX_MODE: Final = 0o660  # the proxy is in our group


class CannotListen(Exception):
    """The address cannot be used; the message says why and what to do."""


class Listener:
    """A listening socket that accepts connections for Twisted.

    Twisted's own ports set a backlog of 50. Its Unix port makes the socket file writable for
    everyone and deletes it at the end, even if a service manager owns it and a new process already
    listens.
    """

    def __init__(self, sock: socket.socket, *, remove: Path | None = None) -> None:
        self._sock = sock
        self._remove = remove
        self._refusals = RepeatedLog(log, logging.ERROR, "cannot accept connections")
        self.where = described(sock)

    def start(self, factory: Any) -> None:
        """Begin to accept connections. Call it on the running event loop."""
        self._factory = factory
        self._sock.setblocking(False)
        self._sock.listen(settings.HOLDFAST_BACKLOG)
        self._resume()

    def stop(self) -> None:
        """Accept the connections that the kernel has queued (it would reset them), then stop."""
        self._accept()
        asyncio.get_running_loop().remove_reader(self._sock)
        self._sock.close()
        if self._remove is not None:
            self._remove.unlink(missing_ok=True)

    def _resume(self) -> None:
        if self._sock.fileno() >= 0:
            asyncio.get_running_loop().add_reader(self._sock, self._accept)

    def _accept(self) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            try:
                accepted, _address = self._sock.accept()
            except BlockingIOError:
                return
            except ConnectionError:
                continue  # closed before it was accepted
            except OSError as error:
                self._pause(error)
                return
            with accepted:  # Twisted works on a duplicate
                try:
                    reactor.adoptStreamConnection(accepted.fileno(), accepted.family, self._factory)
                except OSError as error:
                    if error.errno in NO_RESOURCES:  # the last descriptor was for the original
                        self._pause(error)
                        return
                    log.info("connection lost while accepting", extra={"error": str(error)})

    def _pause(self, error: OSError) -> None:
        """Leave new connections to the kernel's queue; the open ones go on."""
        metrics.accept_errors.inc()
        self._refusals.note(
            error=str(error),
            pause_seconds=ACCEPT_PAUSE_SECONDS,
            hint=_hint(error),
        )
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._sock)
        loop.call_later(ACCEPT_PAUSE_SECONDS, self._resume)


def tcp(host: str, port: int) -> Listener:
    """Bind a TCP address. Raises ``CannotListen``."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise CannotListen(f"{host}: {error.strerror}.") from error
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(address)
    except OSError as error:
        sock.close()
        hint = (
            " Another process uses this port; choose another one with --port."
            if error.errno == errno.EADDRINUSE
            else ""
        )
        raise CannotListen(f"Cannot listen on {host}:{port}: {error.strerror}.{hint}") from error
    return Listener(sock)


def unix(path: Path) -> Listener:
    """Bind a Unix socket; replace one left behind by a killed process. Raises ``CannotListen``."""
    _clear(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(str(path))
        path.chmod(UNIX_MODE)
    except OSError as error:
        sock.close()
        raise CannotListen(f"Cannot listen on {path}: {error.strerror or error}.") from error
    return Listener(sock, remove=path)


def inherited(number: int) -> Listener:
    """Take over a socket of the parent (``pass_fds``, systemd sockets). Raises ``CannotListen``."""
    try:
        if not stat.S_ISSOCK(os.fstat(number).st_mode):
            raise CannotListen(f"File descriptor {number} is not a socket.")
        sock = socket.socket(fileno=number)
    except OSError as error:
        raise CannotListen(f"File descriptor {number} cannot be used: {error.strerror}.") from error
    if sock.type != socket.SOCK_STREAM or sock.family not in (
        socket.AF_INET,
        socket.AF_INET6,
        socket.AF_UNIX,
    ):
        raise CannotListen(f"File descriptor {number} is not a TCP or Unix stream socket.")
    return Listener(sock)


def described(sock: socket.socket) -> str:
    """Return the address of a listening socket as a person would type it."""
    if sock.family == socket.AF_UNIX:
        return f"unix:{sock.getsockname()}"
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if sock.family == socket.AF_INET6 else f"http://{host}:{port}"


def _hint(error: OSError) -> str:
    if error.errno == errno.EMFILE:
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return f"The limit is {limit} file descriptors: raise LimitNOFILE (systemd) or ulimits."
    if error.errno == errno.ENFILE:
        return "The machine has no free file descriptors: raise fs.file-max."
    if error.errno in NO_RESOURCES:
        return "The kernel has no memory for sockets."
    return "The kernel refuses connections on this address."


def _clear(path: Path) -> None:
    """Remove a socket file without a listener; never remove anything else."""
    if not path.exists():
        return
    if not path.is_socket():
        raise CannotListen(f"{path} exists and is not a socket.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise CannotListen(f"{path}: {error.strerror}.") from error
    raise CannotListen(f"Another process already listens on {path}.")
