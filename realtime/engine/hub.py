"""The hub: one per process. It owns the process' end of the channel layer, the followed tails, and all sockets.

The rules it keeps (design.md §2 and §3):
- a group is joined before the head is read, so that nothing falls between (``followed``);
- a socket becomes level in the step in which it is answered, so that nothing falls between the answer and the next flush (``answers``);
- a right that ends is taken away before the event that says so is flushed (``_ended``).
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings

from realtime.auth import Account
from realtime.auth.revocation import lapsed
from realtime.auth.revocation_timing import Stopwatch
from realtime.core import database, metrics, publishing, reads, streams
from realtime.core.node_reports import Reporter
from realtime.core.streams import Reader
from realtime.engine.channel_layer import Layer, Message
from realtime.engine.head_check import Sweeps
from realtime.engine.http_follower import Feed
from realtime.engine.presence import PresenceDesk
from realtime.engine.socket import Socket
from realtime.engine.stream_tail import LiveTail, SharedReads
from realtime.engine.subscriptions import Answers, refusals
from realtime.engine.tail_registry import Followed
from realtime.protocol import frames
from realtime.protocol.page import End, Event, Page


class Hub:
    """Everything that is live in this process."""

    def __init__(self) -> None:
        self.node: str = settings.HOLDFAST_NODE_NAME
        self.epoch = ""
        self.sockets: set[Socket] = set()
        self.feeds: set[Feed] = set()
        self.layer = Layer(self.node, self._heard, self._doubted, lambda: self._followed.groups())
        shared_reads = SharedReads()
        self._followed = Followed(self.layer, shared_reads, self._ended, self._jumped)
        self._answers = Answers(self._followed, shared_reads)
        self._of_user: defaultdict[int, set[Socket | Feed]] = defaultdict(set)
        self._loop = asyncio.get_running_loop()
        self._sweeps = Sweeps(self)
        self.reporter = Reporter(self.node, self._facts)
        self.stopwatch = Stopwatch(self.reporter.key)
        self.presence = PresenceDesk(self.node, self.layer, self._show_signal)

    async def start(self) -> None:
        """Learn the epoch and begin to listen. Raises ``Unavailable`` when the database does not answer."""
        self.epoch = await database.read(reads.epoch)
        publishing.attach(self)
        self.layer.start()
        self.presence.start()
        self._sweeps.start()
        self.reporter.start()
        metrics.connections.follow(lambda: len(self.sockets))
        metrics.waiting.follow(lambda: len(self.feeds))
        metrics.tails.follow(lambda: len(self.tails))
        metrics.subscriptions.follow(
            lambda: sum(len(live.subscribers) for live in self.tails.values())
        )
        metrics.behind.follow(
            lambda: sum(len(live.subscribers) - len(live.level) for live in self.tails.values())
        )

    async def stop(self) -> None:
        """Stop listening; sockets are the server's to close."""
        publishing.attach(None)
        await self.stopwatch.stop()
        await self.reporter.stop()
        await self._sweeps.stop()
        await self.presence.stop()
        await self.layer.stop()
        self._followed.close()

    @property
    def tails(self) -> Mapping[str, LiveTail]:
        """The followed streams by name."""
        return self._followed.tails

    @property
    def degraded(self) -> bool:
        """True while the channel layer is not heard and heads are read often instead."""
        return self.layer.degraded

    @property
    def followers(self) -> list["Socket | Feed"]:
        """All who read on this node."""
        return [*self.sockets, *self.feeds]

    # Sockets --------------------------------------------------------------------------------------

    def connections_of(self, user_id: int) -> int:
        """Return how many sockets and feeds the user has on this node."""
        return len(self._of_user.get(user_id, ()))

    async def attach(self, socket: Socket) -> dict[str, int]:
        """Take in an authenticated socket; returns the heads for its ``hello``.

        The personal streams are watched from now on, subscribed or not: they carry the end of sessions.
        """
        socket.on_joined, socket.on_left = self._joined, self._left
        self.sockets.add(socket)
        self._of_user[socket.account.user_id].add(socket)
        socket.watching = await self._followed.pinned(
            [*_personal(socket.account.user_id), *_greeted()]
        )
        # What ended before the watch began.
        if end := await database.read_together(_ends, socket.account):
            socket.end(None, end)
        return {live.name: live.position for live in socket.watching}

    def detach(self, socket: Socket) -> None:
        """Forget a socket that has gone."""
        for live in tuple(socket.following.values()):
            socket.leave(live)
        self._followed.unpin(socket.watching)
        socket.watching = []
        self.sockets.discard(socket)
        self._forget(socket.account.user_id, socket)

    async def subscribe(
        self, socket: Socket, request: int, positions: Mapping[str, int | None]
    ) -> None:
        """Subscribe ``socket`` to streams and answer the command ``request``."""
        await self._answers.subscribe(
            socket, request, positions, limit=settings.HOLDFAST_MAX_STREAMS_PER_SOCKET
        )

    async def pull(self, socket: Socket, request: int, name: str, after: int) -> None:
        """Answer the command ``request`` with a page. Raises ``NotSubscribed``, ``Reset``, or what refuses the reader."""
        await self._answers.pull(socket, request, name, after)

    def unsubscribe(self, socket: Socket, names: Iterable[str]) -> None:
        """End subscriptions; those that do not exist are none."""
        for name in names:
            if live := socket.following.get(name):
                socket.leave(live)

    # Reading without a socket ---------------------------------------------------------------------

    async def resume(self, reader: Reader, name: str, after: int | None) -> Page:
        """Return the page after ``after`` (None: an empty one at the head). Raises what refuses the reader, or ``Reset``."""
        return await self._answers.page(reader, name, after)

    @asynccontextmanager
    async def feed(self, account: Account, name: str, after: int) -> AsyncIterator[Feed]:
        """Follow one stream without a socket (long poll, server-sent events). Raises what refuses the account."""
        streams.parse(name)
        reader = Reader(account.user_id, account.is_moderator)
        for refusal in (await refusals(reader, [name])).values():
            raise refusal
        pinned = await self._followed.pinned([name, *_personal(reader.user_id)])
        feed = Feed(pinned[0], account=account, after=after, read=self._answers.page_unasked)
        self.feeds.add(feed)
        self._of_user[reader.user_id].add(feed)
        try:
            # Anew: what ended before the feed was known here.
            for refusal in (await refusals(reader, [name])).values():
                raise refusal
            yield feed
        finally:
            self.feeds.discard(feed)
            self._forget(reader.user_id, feed)
            self._followed.unpin(pinned)

    # What happens to streams ----------------------------------------------------------------------

    def published_from_thread(self, changes: publishing.Changes) -> None:
        """Take in what was committed in this process; callable from any thread."""
        self._loop.call_soon_threadsafe(self._published, changes, time.time())

    def ending_from_thread(self, stream: str, seq: int) -> None:
        """Answer for an access that was ended in this process, and have the others answer; callable from any thread."""
        self._loop.call_soon_threadsafe(self._heard_ending, stream, seq)
        message = publishing.ending_message(stream, seq, node=self.node)
        self._loop.call_soon_threadsafe(self.layer.send, publishing.CLUSTER_GROUP, message)

    async def signal(
        self, name: str, kind: str, data: dict[str, Any], *, except_user: int | None = None
    ) -> None:
        """Tell all who follow a stream something that is never stored and may be lost."""
        self._show_signal(name, kind, data, except_user)
        self.layer.send(
            publishing.group(name),
            {
                "type": "signal",
                "node": self.node,
                "stream": name,
                "kind": kind,
                "data": data,
                "except": except_user,
            },
        )

    async def present(self, name: str) -> tuple[int, list[int] | None]:
        """Return how many users follow a stream on all nodes, and who they are (None where they are too many to list)."""
        return await self.presence.asked(name)

    def heads_read(self, heads: Mapping[str, int]) -> None:
        """Compare with heads that were read from the database; repair the tails that lag."""
        for name, head in heads.items():
            live = self.tails.get(name)
            if live is not None and head > live.position:
                live.repair()

    def lapse(self, ends: Mapping[Account, End]) -> None:
        """End the sockets and feeds of accounts whose right has gone without an event."""
        for follower in self.followers:
            if end := ends.get(follower.account):
                follower.end(None, end)

    def forget_idle(self, before: float) -> None:
        """Drop the tails that nobody has needed since ``before`` (monotonic seconds)."""
        self._followed.forget_idle(before)

    def _published(self, changes: publishing.Changes, committed_at: float) -> None:
        for name, events in changes.items():
            if live := self.tails.get(name):
                live.ingest(events, committed_at)
                metrics.events_in.of("local").inc(len(events))
            for message in publishing.messages(name, events, node=self.node):
                self.layer.send(publishing.group(name), {**message, "at": committed_at})

    def _heard(self, message: Message) -> None:
        match message["type"]:
            case "events":
                if live := self.tails.get(message["stream"]):
                    events = publishing.events_in(message)
                    live.ingest(events, message.get("at") or time.time())
                    metrics.events_in.of("layer").inc(len(events))
            case "ending":
                self._heard_ending(message["stream"], message["seq"])
            case "signal":
                self._show_signal(
                    message["stream"], message["kind"], message["data"], message["except"]
                )
            case _:
                self.presence.heard(message)

    def _heard_ending(self, stream: str, seq: int) -> None:
        live = self.tails.get(stream)
        self.stopwatch.heard(stream, seq, live.position if live else None)

    def _doubted(self) -> None:
        self._sweeps.check_now()

    def _show_signal(
        self, name: str, kind: str, data: dict[str, Any], except_user: int | None = None
    ) -> None:
        live = self.tails.get(name)
        if live is None or not live.subscribers:
            return
        payload = frames.signal(name, kind, data)
        for socket in tuple(live.subscribers):
            if not socket.slow and socket.account.user_id != except_user:
                socket.send(payload)

    def _ended(self, live: LiveTail, event: Event) -> None:
        """Take a right away, before the event that says so is flushed to the others."""
        end = event.end
        assert end is not None
        followers = self.followers if end.user is None else list(self._of_user.get(end.user, ()))
        closed = sum(follower.end(live, end) for follower in followers)
        if end.user is not None:
            self.stopwatch.ended(live.name, event.seq, closed)

    def _jumped(self, live: LiveTail) -> None:
        """A tail gave up its contents, and with them what may have ended: subscribers pull and are asked anew, sessions are checked now."""
        if streams.parse(live.name)[0].personal:
            self._sweeps.check_now()

    def _joined(self, socket: Socket, live: LiveTail) -> None:
        if streams.parse(live.name)[0].presence:
            self.presence.join(live.name, socket.account.user_id)

    def _left(self, socket: Socket, live: LiveTail) -> None:
        live.idle_since = time.monotonic()
        if streams.parse(live.name)[0].presence:
            self.presence.leave(live.name, socket.account.user_id)

    def _facts(self) -> dict[str, Any]:
        return {
            "connections": len(self.sockets),
            "waiting": len(self.feeds),
            "streams": len(self.tails),
            "degraded": self.degraded,
        }

    def _forget(self, user_id: int, follower: Socket | Feed) -> None:
        followers = self._of_user[user_id]
        followers.discard(follower)
        if not followers:
            del self._of_user[user_id]


def _ends(accounts: Sequence[Account]) -> list[End | None]:
    found = lapsed(accounts)
    return [found.get(account) for account in accounts]


def _personal(user_id: int) -> list[str]:
    return [kind.name(user_id) for kind in streams.kinds() if kind.personal]


def _greeted() -> list[str]:
    return [kind.name() for kind in streams.kinds() if kind.greeted]


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Future[Hub]]" = WeakKeyDictionary()


async def started() -> Hub:
    """Return the hub of this process, started with the first who needs it (ASGI servers differ in whether they have a lifespan)."""
    loop = asyncio.get_running_loop()
    future = _hubs.get(loop)
    if future is None:
        future = _hubs[loop] = asyncio.ensure_future(_start())
    try:
        return await asyncio.shield(future)
    except Exception:
        _hubs.pop(loop, None)  # the next one tries again
        raise


def hub() -> Hub:
    """Return the running hub. Raises ``LookupError`` where none has been started."""
    future = _hubs.get(asyncio.get_running_loop())
    if future is None or not future.done():
        raise LookupError("no hub has been started on this event loop")
    return future.result()


async def stop() -> None:
    """Stop the hub of this event loop, if there is one."""
    future = _hubs.pop(asyncio.get_running_loop(), None)
    if future is not None:
        await (await future).stop()


async def _start() -> Hub:
    new = Hub()
    await new.start()
    return new
