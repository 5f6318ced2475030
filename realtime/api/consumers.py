"""The base consumer: decode a frame, look up its command, call the handler, send the reply.

It is thin on purpose. It has no channel-layer channel, and no task while it is idle; what is sent
to a client unasked goes from the hub to the socket and bypasses it.
"""

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import msgspec
from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.conf import settings
from django.utils.translation import override

from holdfast.version import __version__
from realtime.auth import Account, subprotocol
from realtime.core.bounds.budgets import budgets
from realtime.core.commands import Caller, Commands, counted, parse_fields, site_commands
from realtime.core.monitoring import activity, request_ids
from realtime.engine import hub as hubs
from realtime.engine.hub import Hub
from realtime.engine.outbound import Outlet, QueueOutlet
from realtime.engine.socket import Socket
from realtime.protocol import frames
from realtime.protocol.codes import CloseCode
from realtime.protocol.errors import HoldfastError, RateLimited, Unavailable
from realtime.protocol.limits import TokenBucket
from realtime.protocol.user_ids import wire_id
from realtime.site.time_zones import in_zone

OWN = frozenset({"subscribe", "pull", "unsubscribe"})  # commands of the socket itself
MAX_OVERLAPPING = 100  # pipelined commands of one socket that wait for a commit together


Position = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Subscribe(msgspec.Struct):
    """``streams``: a position for each name, or null for the head."""

    streams: dict[str, Position | None]


class Pull(msgspec.Struct):
    """Asks for the page after ``after`` of a subscribed stream."""

    stream: str
    after: Position


class Unsubscribe(msgspec.Struct):
    """Ends the subscriptions to these streams."""

    streams: list[str]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queued frame: a command to run, or a reply that is already known."""

    received_at: float
    request: dict[str, Any] | None = None
    answer: bytes | None = None


class StreamConsumer(AsyncConsumer):
    """Subscriptions, commands and limits of one client.

    Subclasses define the stream kinds and the commands.
    """

    # Names no layer, so Channels gives this consumer no channel: the hub has the only one of the
    # process.
    channel_layer_alias = "none"
    commands: ClassVar[Commands] = site_commands
    stream_kinds: ClassVar[Collection[str] | None] = None  # None: every kind that is registered

    socket: Socket
    hub: Hub

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection to its end.

        Replaces Channels' loop, which has two tasks for each connection, hops to the one thread of
        synchronous code for every message, and does not clean up when a handler raises or is
        cancelled.
        """
        self.scope, self.base_send = scope, send
        # A list and no Event: an empty deque takes 624 bytes, and an Event contains one.
        self._inbound: list[Waiting] = []
        self._room: asyncio.Event | None = None  # set while the reader waits for room
        self._worker: asyncio.Task[None] | None = None
        self._attached = False
        self._address = (scope.get("client") or ["unknown"])[0]
        # Seconds after which the client reconnects, once it has been asked to leave.
        self._leaving: float | None = None
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        finally:
            self._clean_up()

    def _clean_up(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
        if self._attached:
            self.hub.detach(self.socket)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Handle one ASGI message."""
        match message["type"]:
            case "websocket.connect":
                await self._connect()
            case "websocket.receive":
                await self._receive(message.get("text"))
            case "websocket.disconnect":
                raise StopConsumer

    # The handshake --------------------------------------------------------------------------------

    async def _connect(self) -> None:
        self._names = self.commands.names | OWN
        await self.base_send(
            {
                "type": "websocket.accept",
                "subprotocol": subprotocol(self.scope.get("subprotocols", ())),
            }
        )
        outlet = self._outlet()
        account: Account | None = self.scope.get("account")
        if account is None:
            outlet.close(CloseCode.NOT_AUTHENTICATED, CloseCode.NOT_AUTHENTICATED.reason)
            return
        if account.banned is not None:
            outlet.close(CloseCode.BANNED, str(account.banned))
            return
        outlet.on_leave = self._leave
        self.socket = Socket(outlet, account=account, kinds=self.stream_kinds)
        try:
            self.hub = await hubs.started()
            if self.hub.connections_of(account.user_id) >= settings.HOLDFAST_MAX_SOCKETS_PER_USER:
                outlet.close(CloseCode.TOO_MANY_CONNECTIONS, CloseCode.TOO_MANY_CONNECTIONS.reason)
                return
            self._attached = True
            heads = await self.hub.attach(self.socket)
        except Unavailable as error:
            self.socket.close(CloseCode.OVERLOADED, "unavailable", retry_after=error.retry_after)
            return
        self._caller = Caller(account.user_id, account.username, account.credential)
        now = time.monotonic()
        self._flood = TokenBucket(
            settings.HOLDFAST_COMMAND_RATE, settings.HOLDFAST_FLOOD_ALLOWANCE, now
        )
        user = {"id": wire_id(account.user_id), "username": account.username, "name": account.name}
        self.socket.send(
            frames.hello(
                self.socket.id,
                self.hub.node,
                __version__,
                user,
                self.hub.epoch,
                settings.HOLDFAST_PING_AFTER_SECONDS,
                heads,
                datetime.now(UTC).isoformat(),
            )
        )

    def _outlet(self) -> Outlet:
        outlet: Outlet | None = self.scope.get("holdfast.outlet")
        return QueueOutlet(self.base_send) if outlet is None else outlet

    def _leave(self, retry_after: float) -> None:
        """Finish the commands in progress and send the client to another node."""
        self._leaving = retry_after
        if self._worker is None:
            self._say_bye()

    def _say_bye(self) -> None:
        if self._leaving is not None:
            self.socket.close(CloseCode.RESTART, "restart", retry_after=self._leaving)

    # Incoming -------------------------------------------------------------------------------------

    async def _receive(self, text: str | None) -> None:
        if not self._attached or self.socket.closed or self._leaving is not None:
            return
        activity.users.add(wire_id(self._caller.user_id))
        activity.addresses.add(self._address)
        waiting = self._admit(text, time.monotonic())
        if waiting is None:
            return
        # No further frame is read until there is room.
        while len(self._inbound) >= settings.HOLDFAST_INBOUND_QUEUE:
            self._room = asyncio.Event()
            await self._room.wait()
        self._inbound.append(waiting)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())

    def _admit(self, text: str | None, now: float) -> Waiting | None:
        """Check a frame and return its queue entry; None if it closed the socket."""
        if text is None:
            self.socket.close(CloseCode.BAD_FRAME)
            return None
        try:
            request = frames.decode(text)
            waiting = Waiting(now, request)
        except frames.BadFrame:
            self.socket.close(CloseCode.BAD_FRAME)
            return None
        except frames.Unreadable as unreadable:
            request = {"id": unreadable.id}
            waiting = Waiting(now, answer=self._refusal(unreadable.id, unreadable.error))
        wait = budgets().take_of_user(
            self._caller.user_id, now, self.commands.cost(request, len(text))
        )
        if wait <= 0:
            return waiting
        if self._flood.take(now) > 0:
            self.socket.close(CloseCode.FLOODED)
            return None
        error = RateLimited("Too many commands; wait before the next one.", retry_after=wait)
        return Waiting(now, answer=self._refusal(request["id"], error))

    # Commands -------------------------------------------------------------------------------------

    async def _work(self) -> None:
        """Answer the queued frames in order; an idle socket has no task."""
        try:
            while self._inbound and not self.socket.closed and self._leaving is None:
                # No further replies for a client that does not read them.
                await self.socket.writable()
                run = self._next_run()
                answers = (
                    await asyncio.gather(*map(self._answer, run))
                    if len(run) > 1
                    else [await self._answer(run[0])]
                )
                if replies := [answer for answer in answers if answer is not None]:
                    self.socket.send(frames.joined(replies))
                self._make_space()
        finally:
            self._worker = None
            self._make_space()
            self._say_bye()

    def _make_space(self) -> None:
        if self._room is not None:
            self._room.set()

    def _next_run(self) -> list[Waiting]:
        """Take the next frame and the pipelined commands that follow it: one commit for all."""
        run = [self._inbound.pop(0)]
        while (
            self._inbound
            and len(run) < MAX_OVERLAPPING
            and self._pipelined(run[-1])
            and self._pipelined(self._inbound[0])
        ):
            run.append(self._inbound.pop(0))
        return run

    def _pipelined(self, waiting: Waiting) -> bool:
        return waiting.request is None or self.commands.is_pipelined(waiting.request.get("command"))

    async def _answer(self, waiting: Waiting) -> bytes | None:
        """Carry out a command and return its reply; None if the hub has sent it itself."""
        request = waiting.request
        if request is None:
            return waiting.answer
        ident = request["id"]
        working_for = request_ids.serve(_command_id(ident))
        try:
            with counted(request, self._names, waiting.received_at, user_id=self._caller.user_id):
                match request.get("command"):
                    case "subscribe":
                        wanted = parse_fields("subscribe", request, Subscribe)
                        await self.hub.subscribe(self.socket, ident, wanted.streams)
                    case "pull":
                        pull = parse_fields("pull", request, Pull)
                        await self.hub.pull(self.socket, ident, pull.stream, pull.after)
                    case "unsubscribe":
                        ended = parse_fields("unsubscribe", request, Unsubscribe)
                        self.hub.unsubscribe(self.socket, ended.streams)
                        return frames.reply(ident, {})
                    case name:
                        result = await self.commands.find(name).run(self._caller, request)
                        return frames.reply(ident, result)
            return None
        except HoldfastError as error:
            return self._refusal(ident, error)
        finally:
            request_ids.done(working_for)

    def _refusal(self, ident: frames.Id, error: HoldfastError) -> bytes:
        with override(self.scope.get("language")), in_zone(self.scope.get("zone", "")):
            return frames.refusal(ident, error)


def _command_id(ident: frames.Id) -> request_ids.Ids:
    """Return the id of one command: that of the handshake, and the client's own number.

    A number that does not fit into 64 bits is left out.
    """
    number = ident if isinstance(ident, int) else "large"
    return tuple(f"{handshake}.{number}" for handshake in request_ids.current())


async def nothing_here(scope: Any, receive: Any, send: Any) -> None:
    """Refuse a WebSocket at an unknown address."""
    await receive()
    await send({"type": "websocket.close", "code": 1000, "reason": "no WebSocket at this address"})
