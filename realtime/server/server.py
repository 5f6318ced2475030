"""``manage.py serve``: a Daphne server that drains. It listens, hands its clients over when it is told to stop, and trusts no header.

``realtime.server.websocket_protocol`` and ``realtime.server.http_protocol`` have the protocols of single connections, ``realtime.server.listeners`` the sockets.
"""

import asyncio
import gc
import ipaddress
import logging
import math
import random
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, cast

# First: it installs Twisted's reactor on an asyncio loop, which must happen before anything else
# imports one.
from daphne.server import Server  # isort: skip
from django.conf import settings
from twisted.internet import defer
from twisted.internet import reactor as _reactor
from twisted.logger import ILogObserver, LogLevel, formatEvent, globalLogBeginner

from realtime.core.drain import drain
from realtime.core.writer import writer
from realtime.engine import hub as hubs
from realtime.protocol.errors import Unavailable
from realtime.server.http_protocol import RequestFactory, RequestProtocol
from realtime.server.listeners import Listener
from realtime.server.receive_queue import Inbox
from realtime.server.websocket_protocol import SocketFactory, SocketProtocol, with_transport

reactor: Any = _reactor  # typed as a module of functions, and is an object
log = logging.getLogger("holdfast.server")

TIMEOUT_CHECK_SECONDS: Final = 2.0  # Daphne's period of check_timeouts
# A check that comes later than this found the process stopped, not its clients silent.
STOPPED_SECONDS: Final = 5.0
SLOT_SECONDS: Final = 0.1  # of the drain: those of one slot come back spread over it
SLOWEST_HANDOVER: Final = 50  # clients a second; a node with few need not take all of DRAIN_SECONDS
# After the last client was sent away: for posts, requests and closes that are under way.
FINISH_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.05
# Objects made before Python looks for cycles among the young ones: those of 500 new sockets. With
# its 700, a node of thousands of sockets spent 40 % of every handshake looking at the sockets it
# had.
GARBAGE_THRESHOLD: Final = 50_000
# Prefixes of headers by which a proxy speaks about its client.
UNTRUSTED: Final = (b"x-forwarded-", b"x-real-ip", b"forwarded")


class HoldfastServer(Server):
    """One node."""

    def __init__(
        self, application: Any, listeners: Sequence[Listener], *, announce: Callable[[str], None]
    ) -> None:
        # No access log (Daphne writes two or three lines a socket, synchronously), no name in
        # headers, and the listeners are ours.
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

    # Start and stop -------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until a signal ends it.

        Replaces Daphne's ``run``: its endpoints know a backlog of 50, remove the socket file that a service manager owns, and take no
        inherited Unix socket; and Twisted's signal handlers allow no drain, and no second signal to cut it short.
        """
        loop = reactor._asyncioEventloop
        asyncio.set_event_loop(loop)
        self.connections: dict[Any, dict[str, Any]] = {}
        self.http_factory = RequestFactory(self)
        self.ws_factory = SocketFactory(self, server="")
        self.ws_factory.configure()
        globalLogBeginner.beginLoggingTo(
            [cast(ILogObserver, _pass_on_errors)], redirectStandardIO=False, discardBuffer=True
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        reactor.addSystemEventTrigger("before", "shutdown", self.kill_all_applications)
        _spare_the_collector()
        loop.call_soon(self._started)
        reactor.run(installSignalHandlers=False)

    def _started(self) -> None:
        reactor.callLater(TIMEOUT_CHECK_SECONDS, self.timeout_checker)
        self._hub_task = asyncio.ensure_future(_start_hub())
        for listener in self._listeners:
            listener.start(self.http_factory)
            self._announce(listener.where)

    def _signalled(self) -> None:
        """First signal: drain. Second: now."""
        if self._drain_task is None:
            log.info("draining", extra={"sockets": len(self._sockets())})
            self._drain_task = asyncio.ensure_future(self._drain())
        else:
            self._hurry.set()

    async def _drain(self) -> None:
        """Hand the clients over and stop.

        Daphne cancels the applications and cuts the connections: all clients see 1006 at once and come back at once.
        """
        drain.begin()  # /readyz says no, long polls are answered
        for listener in self._listeners:
            listener.stop()
        try:
            await self._hand_over()
            await self._finish()
        except Exception:
            log.exception("drain failed")
        reactor.stop()

    async def _hand_over(self) -> None:
        """Send every client away, in slots of equal size over ``DRAIN_SECONDS``, in random order; each gets its own moment to come back."""
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
        """Wait for what is under way, within bounds: commands, requests, closing handshakes, the writer."""
        deadline = time.monotonic() + FINISH_SECONDS
        while time.monotonic() < deadline and not self._hurry.is_set() and self._busy():
            await self._pause(POLL_SECONDS)
        for protocol in self._sockets():
            protocol.cut()
        if not self._hurry.is_set():
            await asyncio.wait_for(writer().idle(), FINISH_SECONDS)
            await hubs.stop()

    async def _pause(self, seconds: float) -> None:
        """Wait, unless a second signal says to hurry."""
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
        """Cancel what still runs, and wait for it.

        Daphne fails for a connection whose application has ended, and cancels nothing.
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
        """Run the application for a connection, with a scope in which nothing is believed that a client could have written.

        Replaces Daphne's, whose queue is too large for many sockets.
        """
        self._distrust(scope)
        if isinstance(protocol, SocketProtocol):
            scope["holdfast.transport"] = protocol
        inbox = Inbox()
        scope.setdefault("asgi", {"version": "3.0"})
        task = asyncio.ensure_future(
            self.application(
                scope=scope, receive=inbox.get, send=partial(self.handle_reply, protocol)
            )
        )
        self.connections[protocol]["application_instance"] = task
        task.add_done_callback(partial(self._application_ended, protocol))
        return inbox

    def _distrust(self, scope: dict[str, Any]) -> None:
        """Set the client's address by ``X-Real-IP`` where a trusted proxy says so, and drop such headers where it does not.

        Daphne takes the leftmost ``X-Forwarded-For`` from anybody, and lets a client move the whole site with ``Daphne-Root-Path``.
        """
        scope["root_path"] = ""
        trusted = settings.HOLDFAST_TRUST_PROXY and trusted_peer(scope["client"])
        named = dict(scope["headers"])
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

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Carry out a message of the application; a body that streams waits for its reader."""
        await super().handle_reply(protocol, message)
        if message.get("more_body") and isinstance(protocol, RequestProtocol):
            await protocol.drained()

    def protocol_disconnected(self, protocol: Any) -> None:
        """Note the end of a connection; its application has a while to end too.

        Daphne looks at every connection every second for those that have ended: half a percent of a core for thousands that have not.
        """
        details = self.connections.get(protocol)
        if details is None or "disconnected" in details:  # a rejected one ends twice
            return
        details["disconnected"] = time.time()
        task = details.get("application_instance")
        if task is None:
            del self.connections[protocol]
        else:
            details["patience"] = asyncio.get_running_loop().call_later(
                self.application_close_timeout, self._kill, protocol, task
            )

    def _kill(self, protocol: Any, task: "asyncio.Task[None]") -> None:
        log.warning("an application took too long to end", extra={"connection": repr(protocol)})
        task.cancel()

    def _application_ended(self, protocol: Any, task: "asyncio.Task[None]") -> None:
        """Close the connection of an application that has returned or failed.

        Daphne leaves the socket of one that returned open, with nobody behind it.
        """
        details = self.connections.get(protocol, {})
        details.pop("application_instance", None)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("an application failed", exc_info=error)
        if "disconnected" in details:
            if patience := details.get("patience"):
                patience.cancel()
            del self.connections[protocol]
        elif error is not None:
            protocol.handle_exception(error)
        elif (
            isinstance(protocol, SocketProtocol)
            and protocol.state == protocol.STATE_OPEN
            and not task.cancelled()
        ):
            protocol.close(1000, "")

    def timeout_checker(self) -> None:
        """Look at the connections that may have been silent for too long; forgive the clients a time in which this process did not run.

        Daphne calls each of them every two seconds.
        """
        now = time.monotonic()
        stopped = now - self._checked_at - TIMEOUT_CHECK_SECONDS
        if stopped > STOPPED_SECONDS:
            for protocol in self._sockets():
                protocol.forgive(stopped)
        self._checked_at = now
        for protocol in [each for each in self.connections if each.check_at <= now]:
            protocol.check_timeouts()
        reactor.callLater(TIMEOUT_CHECK_SECONDS, self.timeout_checker)


def trusted_peer(client: Sequence[Any] | None) -> bool:
    """Tell whether a connection comes from our proxy. Over a Unix socket there is no address, and only the proxy may open it."""
    if client is None:
        return True
    address = ipaddress.ip_address(str(client[0]).partition("%")[0])
    return any(address in network for network in settings.HOLDFAST_TRUSTED_PROXIES)


def valid_address(header: bytes) -> str | None:
    """Return the IP address in a header, or None."""
    try:
        return str(ipaddress.ip_address(header.decode("ascii").strip()))
    except ValueError:
        return None


def _spare_the_collector() -> None:
    """Let the garbage collector pass over what was made at the start and lives to the end, and come seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


def _pass_on_errors(event: dict[str, Any]) -> None:
    """Log what Twisted calls critical: an exception that reached its loop.

    Daphne throws that away with everything else.
    """
    if event["log_level"] is LogLevel.critical:
        failure = event.get("log_failure")
        log.error(
            "error in the event loop",
            extra={"error": formatEvent(event) or ""},
            exc_info=failure.value if failure else None,
        )


async def _start_hub() -> None:
    """Start the hub with the process, so that the first client does not wait for it; without a database the first client tries again."""
    try:
        await hubs.started()
    except Unavailable:
        log.warning("the database does not answer; the node is not ready")
