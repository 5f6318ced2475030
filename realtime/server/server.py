"""``manage.py serve``: a Daphne server that drains before it stops and trusts no client header.

``websocket_protocol`` and ``http_protocol`` handle single connections, ``listeners`` the listening
sockets.
"""

import asyncio
import gc
import ipaddress
import logging
import math
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, cast

# First: it installs Twisted's reactor on an asyncio loop, before another import installs one.
from daphne.server import Server  # isort: skip
from django.conf import settings
from twisted.internet import defer
from twisted.internet import reactor as _reactor
from twisted.logger import ILogObserver, LogLevel, formatEvent, globalLogBeginner

from realtime.core import database
from realtime.core.drain import drain
from realtime.core.writer import writer
from realtime.engine import hub as hubs
from realtime.protocol.errors import Unavailable
from realtime.server.connections import connections, trusted_peer
from realtime.server.http_protocol import RequestFactory, RequestProtocol
from realtime.server.listeners import Listener
from realtime.server.receive_queue import ReceiveQueue
from realtime.server.watchdog import Watchdog
from realtime.server.websocket_protocol import SocketFactory, SocketProtocol, with_transport
from realtime.site.forwarding import FORWARDED, is_forwarded

reactor: Any = _reactor  # typed as a module of functions, but an object
log = logging.getLogger("holdfast.server")

TIMEOUT_CHECK_SECONDS: Final = 2.0  # Daphne's period of check_timeouts
# A check that is this late means that the process was stopped, not that its clients are silent.
STOPPED_SECONDS: Final = 5.0
SLOT_SECONDS: Final = 0.1  # of the drain; the clients of a slot reconnect spread over it
SLOWEST_HANDOVER: Final = 50  # clients a second; a node with few need not take all of DRAIN_SECONDS
# After the last client was sent away: for posts, requests and closes in progress.
FINISH_SECONDS: Final = 10.0
# After that: for the writer's last commits and the hub, and again for threads that still wait for
# the database. So a node is gone DRAIN_SECONDS and 20 s after SIGTERM, whatever hangs.
EXIT_SECONDS: Final = 5.0
# Before the connections of threads that still run are cut; idle ones end at once.
CUT_AFTER_SECONDS: Final = 1.0
POLL_SECONDS: Final = 0.05
# New objects before Python searches the young ones for cycles: those of 500 sockets. With Python's
# 700 objects, a node with thousands of sockets spent 40 % of every handshake on that search.
GARBAGE_THRESHOLD: Final = 50_000
# For which a thread may keep the interpreter while others wait for it. With Python's 5 ms, a post
# of some 15 queries waits 5 ms after each of them while another thread renders.
SWITCH_SECONDS: Final = 0.001
# Prefixes of headers in which a proxy describes its client and the request.
UNTRUSTED: Final = (b"x-forwarded-", b"x-real-ip", b"x-request-id", b"forwarded")


class HoldfastServer(Server):
    """One node."""

    def __init__(
        self, application: Any, listeners: Sequence[Listener], *, announce: Callable[[str], None]
    ) -> None:
        # No access log (Daphne writes two or three lines a socket, synchronously), no server name
        # in headers, and our own listeners.
        super().__init__(
            with_transport(application),
            endpoints=["ours"],
            signal_handlers=False,
            server_name="",
            verbosity=0,
        )
        self.application_close_timeout = settings.HOLDFAST_CLOSE_SECONDS + FINISH_SECONDS
        self._listeners = listeners
        self._announce = announce
        self._hurry = asyncio.Event()
        self._checked_at = time.monotonic()
        self._drain_task: asyncio.Task[None] | None = None
        # A debugger stops the loop too.
        self._watchdog = Watchdog(0 if settings.DEBUG else settings.HOLDFAST_STUCK_SECONDS)

    # Start and stop -------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until a signal ends it.

        Replaces Daphne's ``run``. Its endpoints have a backlog of 50, remove the socket file that a
        service manager owns, and accept no inherited Unix socket. Twisted's signal handlers allow
        neither a drain nor a second signal that cuts it short.
        """
        loop = reactor._asyncioEventloop
        asyncio.set_event_loop(loop)
        self.connections: dict[Any, dict[str, Any]] = {}
        self.http_factory = RequestFactory(self)
        self.ws_factory = SocketFactory(self, server="")
        self.ws_factory.configure()
        globalLogBeginner.beginLoggingTo(
            [cast(ILogObserver, _log_twisted_error)], redirectStandardIO=False, discardBuffer=True
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        reactor.addSystemEventTrigger("before", "shutdown", self.kill_all_applications)
        _tune_garbage_collector()
        sys.setswitchinterval(SWITCH_SECONDS)
        loop.call_soon(self._started)
        self._watchdog.start(loop)
        reactor.run(installSignalHandlers=False)
        self._watchdog.stop()

    def _started(self) -> None:
        reactor.callLater(TIMEOUT_CHECK_SECONDS, self.timeout_checker)
        self._hub_task = asyncio.ensure_future(_start_hub())
        for listener in self._listeners:
            listener.start(self.http_factory)
            self._announce(listener.where)

    def _signalled(self) -> None:
        """Drain at the first signal, stop at once at the second."""
        if self._drain_task is None:
            log.info("draining", extra={"sockets": len(self._sockets())})
            self._drain_task = asyncio.ensure_future(self._drain())
        else:
            self._hurry.set()

    async def _drain(self) -> None:
        """Hand the clients over and stop.

        Daphne cancels the applications and cuts the connections: all clients see 1006 and reconnect
        at the same moment.
        """
        drain.begin()  # /readyz fails, long polls are answered
        for listener in self._listeners:
            listener.stop()
        try:
            await self._hand_over()
            await self._finish()
        except Exception:
            log.exception("drain failed")
        threading.Thread(target=_end_process, daemon=True, name="exit").start()
        reactor.stop()

    async def _hand_over(self) -> None:
        """Send all clients away in random order, in equal slots over ``DRAIN_SECONDS``.

        Each client gets its own moment to reconnect.
        """
        leaving = self._sockets()
        random.shuffle(leaving)
        seconds = min(settings.DRAIN_SECONDS, len(leaving) / SLOWEST_HANDOVER)
        size = max(1, math.ceil(len(leaving) * SLOT_SECONDS / seconds)) if leaving else 1
        for start in range(0, len(leaving), size):
            slot = leaving[start : start + size]
            for place, protocol in enumerate(slot):
                protocol.leave(SLOT_SECONDS * (place + random.random()) / len(slot))  # noqa: S311
            if start + size < len(leaving):
                await self._pause(SLOT_SECONDS)

    async def _finish(self) -> None:
        """Wait, within bounds, for commands, requests, closing handshakes and the writer."""
        deadline = time.monotonic() + FINISH_SECONDS
        while time.monotonic() < deadline and not self._hurry.is_set() and self._busy():
            await self._pause(POLL_SECONDS)
        for protocol in self._sockets():
            protocol.cut()
        if not self._hurry.is_set():
            try:
                async with asyncio.timeout(EXIT_SECONDS):
                    await writer().idle()
                    await hubs.stop()
            except TimeoutError:
                # Their clients have no answer, and repeat them on another node.
                log.warning(
                    "the drain is over and commands still wait for the database",
                    extra={"oldest_seconds": round(writer().oldest_seconds, 1)},
                )

    async def _pause(self, seconds: float) -> None:
        """Wait, or return at once after a second signal."""
        try:
            await asyncio.wait_for(self._hurry.wait(), seconds)
        except TimeoutError:
            return

    def _busy(self) -> bool:
        running = (details.get("application_instance") for details in self.connections.values())
        return any(task is not None and not task.done() for task in running)

    def _sockets(self) -> list[SocketProtocol]:
        return [
            each
            for each, details in self.connections.items()
            if isinstance(each, SocketProtocol) and "disconnected" not in details
        ]

    def kill_all_applications(self) -> Any:
        """Cancel the applications that still run, and wait for them.

        Daphne's version fails for a connection whose application has ended, and cancels nothing.
        """
        running = [
            details["application_instance"]
            for details in self.connections.values()
            if "application_instance" in details
        ]
        for task in running:
            task.cancel()
        return defer.Deferred.fromFuture(asyncio.gather(*running, return_exceptions=True))

    # Connections ----------------------------------------------------------------------------------

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Run the application for a connection, with a scope that trusts no client header.

        Replaces Daphne's, whose queue takes too much memory for many sockets.
        """
        self._distrust(scope)
        if isinstance(protocol, SocketProtocol):
            scope["holdfast.outlet"] = protocol
        queue = ReceiveQueue()
        scope.setdefault("asgi", {"version": "3.0"})
        task = asyncio.ensure_future(
            self.application(
                scope=scope, receive=queue.get, send=partial(self.handle_reply, protocol)
            )
        )
        self.connections[protocol]["application_instance"] = task
        task.add_done_callback(partial(self._application_ended, protocol))
        return queue

    def _distrust(self, scope: dict[str, Any]) -> None:
        """Take the client's address from ``X-Real-IP`` of a trusted proxy; drop others' headers.

        If a proxy named no client that is believed, ``realtime.api.private`` refuses the request.

        Daphne believes the leftmost ``X-Forwarded-For`` of any client, and lets a client move the
        whole site with ``Daphne-Root-Path``.
        """
        scope["root_path"] = ""
        trusted = settings.HOLDFAST_TRUST_PROXY and trusted_peer(scope["client"])
        named = dict(scope["headers"])
        scope[FORWARDED] = is_forwarded(name.decode("latin-1") for name in named)
        if scope["type"] == "websocket":
            scope["scheme"] = (
                "wss" if trusted and named.get(b"x-forwarded-proto") == b"https" else "ws"
            )
        if not trusted:
            scope["headers"] = [
                (name, value) for name, value in scope["headers"] if not name.startswith(UNTRUSTED)
            ]
        elif address := valid_address(named.get(b"x-real-ip", b"")):
            scope["client"] = [address, 0]
            scope[FORWARDED] = False

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Handle a message of the application; a streamed body waits for its reader."""
        await super().handle_reply(protocol, message)
        if message.get("more_body") and isinstance(protocol, RequestProtocol):
            await protocol.drained()

    def protocol_disconnected(self, protocol: Any) -> None:
        """Note the end of a connection and give its application time to end.

        Daphne checks every connection every second, which costs half a percent of a core for some
        thousand idle ones.
        """
        details = self.connections.get(protocol)
        if details is None or "disconnected" in details:  # a rejected connection ends twice
            return
        details["disconnected"] = time.time()
        task = details.get("application_instance")
        if task is None:
            self._forget(protocol)
        else:
            details["kill_timer"] = asyncio.get_running_loop().call_later(
                self.application_close_timeout, self._kill, protocol, task
            )

    def _forget(self, protocol: Any) -> None:
        del self.connections[protocol]
        # Its caller still uses it.
        asyncio.get_running_loop().call_soon(protocol.release)

    def _kill(self, protocol: Any, task: "asyncio.Task[None]") -> None:
        log.warning("an application took too long to end", extra={"connection": repr(protocol)})
        task.cancel()

    def _application_ended(self, protocol: Any, task: "asyncio.Task[None]") -> None:
        """Close the connection of an application that has returned or failed.

        Daphne leaves the socket open after the application has returned.
        """
        details = self.connections.get(protocol, {})
        details.pop("application_instance", None)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("an application failed", exc_info=error)
        if "disconnected" in details:
            if kill_timer := details.get("kill_timer"):
                kill_timer.cancel()
            self._forget(protocol)
        elif error is not None:
            protocol.handle_exception(error)
        elif (
            isinstance(protocol, SocketProtocol)
            and protocol.state == protocol.STATE_OPEN
            and not task.cancelled()
        ):
            protocol.close(1000, "")

    def timeout_checker(self) -> None:
        """Check the connections that may have been silent for too long.

        Time in which this process did not run is not held against its clients. Daphne checks every
        connection every two seconds.
        """
        now = time.monotonic()
        stopped = now - self._checked_at - TIMEOUT_CHECK_SECONDS
        if stopped > STOPPED_SECONDS:
            for protocol in self._sockets():
                protocol.forgive(stopped)
            connections.forgive(stopped)
        self._checked_at = now
        connections.end_late()
        for protocol in [each for each in self.connections if each.check_at <= now]:
            protocol.check_timeouts()
        reactor.callLater(TIMEOUT_CHECK_SECONDS, self.timeout_checker)


def _end_process() -> None:
    """Let the process end although threads still wait: Python joins them before it exits."""
    time.sleep(CUT_AFTER_SECONDS)
    database.cut()
    time.sleep(EXIT_SECONDS - CUT_AFTER_SECONDS)
    log.error("threads still run after the drain; the process ends without them")
    os._exit(1)


def valid_address(header: bytes) -> str | None:
    """Return the IP address in a header, or None."""
    try:
        return str(ipaddress.ip_address(header.decode("ascii").strip()))
    except ValueError:
        return None


def _tune_garbage_collector() -> None:
    """Exempt the objects that live as long as the process, and collect rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


def _log_twisted_error(event: dict[str, Any]) -> None:
    """Log Twisted's critical events: exceptions that reached its loop. Daphne drops them."""
    if event["log_level"] is LogLevel.critical:
        failure = event.get("log_failure")
        log.error(
            "error in the event loop",
            extra={"error": formatEvent(event) or ""},
            exc_info=failure.value if failure else None,
        )


async def _start_hub() -> None:
    """Start the hub with the process, so that the first client does not wait for it.

    If the database does not answer, the first client tries again.
    """
    try:
        await hubs.started()
    except Unavailable:
        log.warning("the database does not answer; the node is not ready")
