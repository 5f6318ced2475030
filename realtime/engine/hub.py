"""The hub: one per process. It owns the channel layer client, the followed tails and all sockets.

The rules it keeps (docs/architecture.md):
- A group is joined before the head is read, so that no change falls in between (tail_registry).
- A socket becomes level in the step that sends its answer, so that no change falls between the
  answer and the next flush (subscriptions).
- Access that is revoked ends before the event that says so is flushed (``_end_access``).
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from django.conf import settings

from realtime.auth import Account
from realtime.auth.revocation import access_ends
from realtime.core import database, history, metrics, publishing, streams
from realtime.core.monitoring import activity
from realtime.core.monitoring.node_reports import Reporter
from realtime.core.per_process import PerLoop
from realtime.core.streams import Reader, StreamName
from realtime.engine.channel_layer import ChannelLayerClient, LayerMessage
from realtime.engine.head_check import HeadCheck
from realtime.engine.hinted_streams import HintedStreams
from realtime.engine.http_follower import REWOUND, HttpFollower
from realtime.engine.presence import PresenceTracker
from realtime.engine.revocation_timer import RevocationTimer
from realtime.engine.socket import Socket, send_away
from realtime.engine.stream_tail import SharedReads, StreamTail
from realtime.engine.subscriptions import Subscriptions, refusals
from realtime.engine.tail_registry import TailRegistry
from realtime.protocol import frames
from realtime.protocol.errors import Reset
from realtime.protocol.history import ObservedHistory
from realtime.protocol.page import AccessEnd, Page
from realtime.protocol.receivers import EVERYONE, Receivers
from realtime.protocol.user_ids import UserId, WireId, wire_id


class Hub:
    """Everything that is live in this process."""

    def __init__(self) -> None:
        self.node: str = settings.HOLDFAST_NODE_NAME
        self.epoch = ""
        self.sockets: set[Socket] = set()
        self.http_followers: set[HttpFollower] = set()
        self.layer = ChannelLayerClient(
            self.node,
            on_message=self._on_message,
            on_possible_gap=self._on_possible_gap,
            groups=lambda: self._registry.groups(),
        )
        shared_reads = SharedReads()
        self._registry = TailRegistry(
            self.layer, shared_reads, self._end_access, self._on_jump, self.doubt
        )
        self._subscriptions = Subscriptions(self._registry, shared_reads)
        # By the form that the channel layer carries.
        self._of_user: defaultdict[WireId, set[Socket | HttpFollower]] = defaultdict(set)
        self._loop = asyncio.get_running_loop()
        self.doubts = 0  # of what this process remembers, since the last comparison
        self._head_check = HeadCheck(self)
        self._hints = HintedStreams(self, self.layer, on_missed=self._head_check.check_soon)
        self._revocation_timer = RevocationTimer()
        self.reporter = Reporter(self.node, self._facts, on_lost=self.doubt)
        self.presence = PresenceTracker(self.node, self.layer, self._show_signal)

    async def start(self) -> None:
        """Read the epoch and start to listen.

        Raises ``Unavailable`` if the database does not answer.
        """
        await self._head_check.begin()
        publishing.local_hub.attach(self)
        self.layer.start()
        self.presence.start()
        self._head_check.start()
        self.reporter.start()
        metrics.connections.set_function(lambda: len(self.sockets))
        metrics.waiting.set_function(lambda: len(self.http_followers))
        metrics.layer_waiting.set_function(lambda: self.layer.waiting)
        metrics.tails.set_function(lambda: len(self.tails))
        metrics.subscriptions.set_function(self._count_subscriptions)
        metrics.behind.set_function(self._count_behind)

    async def stop(self) -> None:
        """Stop listening. The server closes the sockets."""
        history.current.name = None
        publishing.local_hub.attach(None)
        await self._revocation_timer.stop()
        await self.reporter.stop()
        await self._hints.stop()
        await self._head_check.stop()
        await self.presence.stop()
        await self.layer.stop()
        self._registry.close()

    @property
    def tails(self) -> Mapping[str, StreamTail]:
        """The followed streams by name."""
        return self._registry.tails

    @property
    def degraded(self) -> bool:
        """True while other nodes are not reached and heads are read often instead."""
        return self.layer.degraded or self.reporter.peers.late

    @property
    def connections(self) -> list[Socket | HttpFollower]:
        """All readers of this node."""
        return [*self.sockets, *self.http_followers]

    # Sockets --------------------------------------------------------------------------------------

    def connections_of(self, user_id: UserId) -> int:
        """Return how many sockets and HTTP followers the user has on this node."""
        return len(self._of_user.get(wire_id(user_id), ()))

    async def attach(self, socket: Socket) -> dict[str, int]:
        """Add an authenticated socket, and return the heads for its ``hello``.

        It watches its personal streams from now on, subscribed or not, because revocations arrive
        there.
        """
        socket.on_joined, socket.on_left = self._on_joined, self._on_left
        self.sockets.add(socket)
        self._of_user[wire_id(socket.account.user_id)].add(socket)
        socket.watching = await self._registry.pinned(
            [*_personal(socket.account.user_id), *_greeted()]
        )
        # Finds a revocation that came before the socket watched its personal streams.
        if end := await database.read_together(_access_ends, socket.account):
            socket.end(None, end)
        await self._registry.trusted()
        return {tail.name: tail.position for tail in socket.watching}

    def detach(self, socket: Socket) -> None:
        """Forget a socket that is gone."""
        for tail in tuple(socket.following.values()):
            socket.leave(tail)
        self._registry.unpin(socket.watching)
        socket.watching = []
        self.sockets.discard(socket)
        self._forget(socket.account.user_id, socket)

    async def subscribe(
        self, socket: Socket, request: int, positions: Mapping[str, int | None]
    ) -> None:
        """Subscribe ``socket`` to streams and answer the command ``request``."""
        await self._subscriptions.subscribe(
            socket, request, positions, limit=settings.HOLDFAST_MAX_STREAMS_PER_SOCKET
        )

    async def pull(self, socket: Socket, request: int, name: str, after: int) -> None:
        """Answer the command ``request`` with a page.

        Raises ``NotSubscribed``, ``Reset``, or the refusal if the reader lost access.
        """
        await self._subscriptions.pull(socket, request, name, after)

    def unsubscribe(self, socket: Socket, names: Iterable[str]) -> None:
        """End subscriptions; names without one are ignored."""
        for name in names:
            if tail := socket.following.get(name):
                socket.leave(tail)

    # Reading without a socket ---------------------------------------------------------------------

    async def resume(self, reader: Reader, name: str, after: int | None) -> Page:
        """Return the page after ``after``; for None, an empty page at the head.

        Raises the refusal if ``reader`` may not read the stream, or ``Reset``.
        """
        return await self._subscriptions.page(reader, name, after)

    @asynccontextmanager
    async def follow(
        self, account: Account, name: str, after: int, *, epoch: str
    ) -> AsyncIterator[HttpFollower]:
        """Follow one stream without a socket: for a long poll or server-sent events.

        Raises the refusal if the account may not read the stream, or ``Reset`` if the position is
        not of this ``epoch``.
        """
        streams.parse(name)
        reader = Reader(account.user_id, account.is_moderator)
        for refusal in (await refusals(reader, [name])).values():
            raise refusal
        pinned = await self._registry.pinned([name, *_personal(reader.user_id)])
        follower = HttpFollower(
            pinned[0], account=account, after=after, read=self._subscriptions.page_authorised
        )
        self.http_followers.add(follower)
        self._of_user[wire_id(reader.user_id)].add(follower)
        try:
            # Again: finds what was revoked before the follower was known here.
            for refusal in (await refusals(reader, [name])).values():
                raise refusal
            if epoch != self.epoch:
                raise Reset(REWOUND, head=pinned[0].position)
            yield follower
        finally:
            self.http_followers.discard(follower)
            self._forget(reader.user_id, follower)
            self._registry.unpin(pinned)

    # History --------------------------------------------------------------------------------------

    async def at_epoch(self, epoch: str) -> str:
        """Return the epoch, after a head check if it differs from the one just read.

        Raises ``Unavailable``.
        """
        if epoch != self.epoch:
            self.doubt()
        await self._registry.trusted()
        return self.epoch

    def doubt(self) -> None:
        """Answer nothing from memory until it has been compared with the database, at once."""
        self.doubts += 1
        self.distrust()
        self._head_check.check_soon()

    def distrust(self) -> None:
        """Answer nothing from memory until ``trust``."""
        self._registry.distrust()

    def trust(self, doubts: int) -> None:
        """Answer from memory again, unless more than ``doubts`` have come meanwhile."""
        if doubts == self.doubts:
            self.doubts = 0
            self._registry.trust()

    def adopt(self, observed: ObservedHistory) -> None:
        """Take the epoch that was read for the current one."""
        self.epoch = history.current.name = observed.epoch
        self.reporter.begin_again()

    def drop_history(self, observed: ObservedHistory) -> None:
        """Forget everything of the database, then have every reader begin again."""
        self._registry.drop_all()
        self.adopt(observed)
        for follower in self.http_followers:
            follower.rewind()
        send_away(tuple(self.sockets), "the history was restored")

    # Changes --------------------------------------------------------------------------------------

    def published_from_thread(self, changes: publishing.Changes) -> None:
        """Deliver what was committed in this process. Callable from any thread."""
        self._loop.call_soon_threadsafe(self._published, changes, time.time())

    def hinted_from_thread(self, names: Collection[StreamName]) -> None:
        """Find what was committed without its rows at hand. Callable from any thread."""
        self._loop.call_soon_threadsafe(self._hints.add_own, names)

    def heads_read(self, heads: Mapping[str, int]) -> None:
        """Compare with heads read from the database, and repair the tails that lag."""
        for name, head in heads.items():
            tail = self.tails.get(name)
            if tail is not None and head > tail.position:
                tail.repair()

    def forget_idle(self, before: float) -> None:
        """Drop the tails that nothing has used since ``before`` (monotonic seconds)."""
        self._registry.forget_idle(before)

    def _published(self, changes: publishing.Changes, committed_at: float) -> None:
        for name, events in changes.items():
            if tail := self.tails.get(name):
                tail.ingest(events, committed_at, is_local=True)
                _LOCAL_EVENTS.inc(len(events))
            activity.posts.add(name, len(events))
            for message in publishing.messages(name, events, node=self.node):
                self.layer.send(
                    publishing.group(name), {**message, "at": committed_at, "epoch": self.epoch}
                )

    def _on_message(self, message: LayerMessage) -> None:
        match message["type"]:
            case "hint":
                self._hints.add([message["stream"]])
            case "events":
                # An event of another history has no place in this one. A process that follows no
                # epoch names none.
                if message.get("epoch", self.epoch) != self.epoch:
                    return
                if tail := self.tails.get(message["stream"]):
                    events = publishing.events_in(message)
                    tail.ingest(events, message.get("at") or time.time(), is_local=False)
                    _LAYER_EVENTS.inc(len(events))
            case "signal":
                receivers = Receivers(message["except"], message.get("only"))
                self._show_signal(message["stream"], message["kind"], message["data"], receivers)
            case _:
                self.presence.on_message(message)

    def _on_possible_gap(self) -> None:
        self._head_check.check_now()

    def _on_jump(self, tail: StreamTail) -> None:
        """Check access now if a tail skipped changes, because revocations may be among them.

        Subscribers of the stream pull, and their access is read then; only the watchers of a
        personal stream need this.
        """
        if streams.parse(tail.name)[0].personal:
            self._head_check.check_now()

    # Access ---------------------------------------------------------------------------------------

    def end_access(self, ends: Mapping[Account, AccessEnd]) -> None:
        """Close the connections of accounts that lost access without an event."""
        for connection in self.connections:
            if end := ends.get(connection.account):
                connection.end(None, end)

    def _end_access(self, tail: StreamTail, end: AccessEnd, committed_at: float | None) -> None:
        """End access before the event that revoked it is flushed to the others."""
        theirs = self._of_user.get(wire_id(end.user), ())
        concerned = self.connections if end.user is None else list(theirs)
        closed = sum(connection.end(tail, end) for connection in concerned)
        if closed:
            self._revocation_timer.closed(tail.name, committed_at)

    # Signals and presence -------------------------------------------------------------------------

    async def signal(
        self, name: str, kind: str, data: dict[str, Any], receivers: Receivers = EVERYONE
    ) -> None:
        """Send the subscribers of a stream something that is not stored and may be lost."""
        self._show_signal(name, kind, data, receivers)
        only = None if receivers.only_users is None else [*receivers.only_users]
        message = {"type": "signal", "node": self.node, "stream": name, "kind": kind, "data": data}
        chosen = {"except": receivers.except_user, "only": only}
        self.layer.send(publishing.group(name), {**message, **chosen})

    async def present(self, name: str) -> tuple[int, list[WireId] | None]:
        """Return how many users follow a stream on all nodes, and their ids.

        The ids are None if they are too many to list.
        """
        return await self.presence.ask(name)

    def _show_signal(
        self, name: str, kind: str, data: dict[str, Any], receivers: Receivers = EVERYONE
    ) -> None:
        tail = self.tails.get(name)
        if tail is None or not tail.subscribers:
            return
        payload = frames.signal(name, kind, data)
        for subscriber in tuple(tail.subscribers):
            if not subscriber.slow and receivers.has(subscriber.account.user_id):
                subscriber.send(payload)

    def _on_joined(self, socket: Socket, tail: StreamTail) -> None:
        if streams.parse(tail.name)[0].presence:
            self.presence.join(tail.name, socket.account.user_id)

    def _on_left(self, socket: Socket, tail: StreamTail) -> None:
        if streams.parse(tail.name)[0].presence:
            self.presence.leave(tail.name, socket.account.user_id)

    # Figures --------------------------------------------------------------------------------------

    def _count_subscriptions(self) -> int:
        return sum(len(tail.subscribers) for tail in self.tails.values())

    def _count_behind(self) -> int:
        return sum(len(tail.subscribers) - len(tail.level) for tail in self.tails.values())

    def _facts(self) -> dict[str, Any]:
        return {
            "connections": len(self.sockets),
            "waiting": len(self.http_followers),
            "subscriptions": self._count_subscriptions(),
            "behind": self._count_behind(),
            "streams": len(self.tails),
            "degraded": self.degraded,
        }

    def _forget(self, user_id: UserId, connection: Socket | HttpFollower) -> None:
        key = wire_id(user_id)
        connections = self._of_user[key]
        connections.discard(connection)
        if not connections:
            del self._of_user[key]


_LOCAL_EVENTS: Final = metrics.events_in.labels("local")
_LAYER_EVENTS: Final = metrics.events_in.labels("layer")


def _access_ends(accounts: Sequence[Account]) -> list[AccessEnd | None]:
    found = access_ends(accounts)
    return [found.get(account) for account in accounts]


def _personal(user_id: UserId) -> list[str]:
    return [kind.name(user_id) for kind in streams.kinds() if kind.personal]


def _greeted() -> list[str]:
    return [kind.name() for kind in streams.kinds() if kind.greeted]


_hubs: Final = PerLoop[asyncio.Future[Hub]](lambda: asyncio.ensure_future(_start()))


async def started() -> Hub:
    """Return the hub of this process; the first call starts it.

    Not at the start of the server: ASGI servers differ in whether they have a lifespan.
    """
    future = _hubs.get()
    try:
        return await asyncio.shield(future)
    except Exception:
        _hubs.discard()  # the next call tries again
        raise


def hub() -> Hub:
    """Return the running hub. Raises ``LookupError`` if none has been started."""
    future = _hubs.find()
    if future is None or not future.done():
        raise LookupError("no hub has been started on this event loop")
    return future.result()


async def stop() -> None:
    """Stop the hub of this event loop, if there is one."""
    future = _hubs.discard()
    if future is not None:
        await (await future).stop()


async def _start() -> Hub:
    new = Hub()
    await new.start()
    return new
