"""The clients of a run: those of the conformance tests.

They reconnect, keep unacknowledged messages, and record what they receive.
"""

import asyncio
import contextlib
import json
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from socket import AF_INET, SO_RCVBUF, SOCK_STREAM, SOL_SOCKET
from socket import socket as Socket  # noqa: N812  the name `socket` is that of a WebSocket here
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from tests.chaos.history import Client as Log
from tests.chaos.history import Closing, History, Post, Receipt, Row
from tests.conformance.client import Client, Copy, Cut, Refused
from tests.support.cluster import Person

CONNECT_SECONDS = 5.0  # from the attempt to `hello`
PATIENCE_SECONDS = 4.0  # after the `ping` of a silent connection; browsers take 10
FIRST_PAUSE_SECONDS = 0.2  # full jitter, doubling; browsers begin with 0.5 and end at 20
LONGEST_PAUSE_SECONDS = 2.0
FIRST_FINAL_CODE = 4500  # from here on a client stops (protocol.md §7)
COME_AGAIN = ("rate_limited", "unavailable")
GONE = ("not_subscribed", "not_found", "forbidden")  # a right that ended while we asked


class RecordedCopy(Copy):
    """A copy that records each message, with only the fields that tell versions apart."""

    def __init__(self, name: str, log: Log, generation: int) -> None:
        super().__init__(name, log.breaches)
        self.position = 0
        self.departures: list[tuple[int, int]] = []  # (user, seq) of those who were put out
        self._log = log
        self._generation = generation

    def event(self, event: dict[str, Any]) -> bool:
        if (
            self.position is not None
            and event["seq"] <= self.position
            and event["kind"] == "message"
        ):
            self._record(event, applied=False)
        return super().event(event)

    def final(self) -> dict[int, Row]:
        """The messages that it holds."""
        return {
            ident: Row(seq, row["number"], row["body"])
            for (kind, ident), (seq, row) in self.rows.items()
            if kind == "message"
        }

    def _apply(self, event: dict[str, Any]) -> None:
        data = event["data"]
        match event["kind"]:
            case "message":
                old = self.rows.get(("message", data["id"]))
                self._record(event, applied=old is None or old[0] < event["seq"])
                kept = {field: data[field] for field in ("id", "seq", "number", "deleted_at")}
                super()._apply({**event, "data": {**kept, "body": key_of(data["body"])}})
            case "membership" if data["state"] in ("removed", "banned"):
                self.departures.append((data["user"]["id"], event["seq"]))

    def _record(self, event: dict[str, Any], *, applied: bool) -> None:
        data = event["data"]
        ident, number, author = data["id"], data["number"], data["author"]["id"]
        receipt = Receipt(
            time.monotonic(),
            data["room"],
            self._generation,
            event["seq"],
            ident,
            number,
            author,
            key_of(data["body"]),
            applied,
        )
        self._log.receipts.append(receipt)


class Guest(Client):
    """One client of one account. ``rooms`` are followed from their beginning."""

    def __init__(
        self,
        address: str,
        person: Person,
        rooms: list[int],
        history: History,
        rnd: random.Random,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(address, person.token, [], headers)
        self.person = person
        self.log = Log(f"{person.username}-{len(history.clients)}", person.id)
        self.breaches = self.log.breaches
        history.clients.append(self.log)
        self.opened = asyncio.Event()  # connected, and every subscription answered
        self.stopped: int | None = None  # the code after which a client does not come back
        self.heard = time.monotonic()
        self.connections = 0
        self.fell_behind = 0  # number of `behind` objects
        # Of the socket; 0: as the system sees fit. It then takes megabytes for a client that has
        # read much before it stopped, and the server cannot notice that.
        self.receive_bytes = 0
        self._history = history
        self._rnd = rnd
        self._bye: dict[str, Any] | None = None
        # By room: how many copies of it have been begun.
        self._generations: Counter[int] = Counter()
        self._life: asyncio.Task[None] | None = None
        self._asides: set[asyncio.Task[None]] = set()
        self._listening = asyncio.Event()
        self._listening.set()
        for room in rooms:
            self.follow(room)

    # Staying connected ----------------------------------------------------------------------------

    def start(self) -> None:
        """Connect, and come back whenever the connection ends."""
        self._life = asyncio.create_task(self._live())

    async def leave(self) -> None:
        """Go for good."""
        if self._life is not None:
            self._life.cancel()
            await asyncio.gather(self._life, *self._asides, *self._pulls, return_exceptions=True)
            self._life = None
        await self.cut()

    def lose(self) -> None:
        """Abandon the connection without notifying the server."""
        if self._socket is not None:
            self._socket.transport.abort()

    def stop_reading(self) -> None:
        """Stop reading, so that the connection fills up.

        A paused transport would not do: the library resumes it.
        """
        self._listening.clear()

    def read_on(self) -> None:
        """Read again."""
        self._listening.set()

    def watch(self, now: float) -> None:
        """Ping a silent server and leave one that does not answer; called regularly."""
        silence = now - self.heard
        after = self.hello.get("ping_after", PATIENCE_SECONDS)
        if self.opened.is_set() and silence > after + PATIENCE_SECONDS:
            self.lose()
        elif self.opened.is_set() and silence > after and not self._asides:
            self.aside({"id": next(self._ids), "command": "ping"})

    def aside(self, command: dict[str, Any]) -> None:
        """Send something of which the answer does not matter."""
        task = asyncio.create_task(self._send_aside(command))
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    async def _send_aside(self, command: dict[str, Any]) -> None:
        with contextlib.suppress(ConnectionClosed, OSError):
            assert self._socket is not None
            await self._socket.send(json.dumps(command))

    async def _live(self) -> None:
        failures = 0
        while True:
            self._bye, self._socket, self.close_code = None, None, None
            try:
                await self.connect()
                failures = 0
                assert self._reader is not None
                await asyncio.shield(self._reader)
            except (WebSocketException, OSError, Cut, Refused):
                failures += 1
            finally:
                await self._end_connection()
            if self.stopped is not None:
                return
            await asyncio.sleep(self._pause(failures))

    async def connect(self) -> None:
        """Connect, be greeted, subscribe with all positions."""
        async with asyncio.timeout(CONNECT_SECONDS):
            self._socket = socket = await connect(
                self._address,
                sock=await self._small_socket() if self.receive_bytes else None,
                additional_headers=self._headers,
                subprotocols=[Subprotocol("holdfast.v1")],
                max_size=4 << 20,
                max_queue=1,  # frames that wait for us; one may hold a hundred events
                compression=None,
                open_timeout=None,
                ping_interval=None,
                close_timeout=1,
                proxy=None,
            )
            first = json.loads(await socket.recv())
        self.heard = time.monotonic()
        if first["type"] == "hello":
            self._begin_again_after(self.hello.get("epoch"), first["epoch"])
            self.hello = first
            self.connections += 1
        else:
            self._bye = first  # the server let us in to say why not
        self._reader = asyncio.create_task(self._read(socket))
        if first["type"] == "hello":
            await self._subscribe(list(self.copies))
            self.opened.set()

    def _begin_again_after(self, known: str | None, epoch: str) -> None:
        """Drop every copy of another epoch: the database has another history."""
        if known not in (None, epoch):
            for name in list(self.copies):
                self.follow(int(name.partition(".")[2]))

    async def _small_socket(self) -> Socket:
        """Connect with a receive buffer that does not grow."""
        url = urlsplit(self._address)
        made = Socket(AF_INET, SOCK_STREAM)
        made.setblocking(False)
        made.setsockopt(SOL_SOCKET, SO_RCVBUF, self.receive_bytes)
        try:
            await asyncio.get_running_loop().sock_connect(made, (url.hostname, url.port))
        except BaseException:
            made.close()
            raise
        return made

    async def _subscribe(self, names: list[str]) -> None:
        reply = await self.command(
            "subscribe", streams={name: self.copies[name].position for name in names}
        )
        self._note_errors(reply)

    def _note_errors(self, reply: dict[str, Any]) -> None:
        for name, error in reply["errors"].items():
            if error["code"] in GONE:
                self.copies.pop(name, None)
            else:
                self.breaches.append(f"subscribe {name}: {error}")

    async def _end_connection(self) -> None:
        self.opened.clear()
        if self._socket is None:
            return
        self.lose()
        await self._gone()
        self.log.closings.append(Closing(time.monotonic(), self._socket.close_code))
        if (code := self._socket.close_code) is not None and code >= FIRST_FINAL_CODE:
            self.stopped = code

    def _pause(self, failures: int) -> float:
        if self._bye is not None and self._bye.get("retry_after") is not None:
            return float(self._bye["retry_after"])
        return self._rnd.uniform(0, min(FIRST_PAUSE_SECONDS * 2**failures, LONGEST_PAUSE_SECONDS))

    # Rooms ----------------------------------------------------------------------------------------

    def follow(self, room: int) -> None:
        """Hold a copy of a room from its beginning, from the next subscription on."""
        name = f"room.{room}"
        self.copies[name] = RecordedCopy(name, self.log, self._generations[room])
        self._generations[room] += 1

    async def enter(self, room: int) -> None:
        """Follow a room from its beginning, if the client may read it."""
        name = f"room.{room}"
        if name in self.copies:
            return  # it was not asked to leave
        self.follow(room)
        reply = await self.persist("subscribe", streams={name: 0})
        self._note_errors(reply)

    def level(self, heads: Mapping[int, int]) -> bool:
        """Whether the client is connected and level with these heads of its rooms."""
        if not self.opened.is_set():
            return False
        followed = ((self.copies.get(f"room.{room}"), head) for room, head in heads.items())
        return all(
            copy is None or (copy.level and (copy.position or 0) >= head) for copy, head in followed
        )

    def holds(self, post: Post) -> bool:
        """Whether its copy of the room has this message.

        After the database has gone back in time, a position says nothing about that.
        """
        copy = self.copy_of(post.room)
        if copy is None:
            return True
        _, row = copy.rows.get(("message", post.ident), (0, {}))
        return row.get("body") == post.key

    def copy_of(self, room: int) -> RecordedCopy | None:
        """Return its copy of a room."""
        found = self.copies.get(f"room.{room}")
        assert found is None or isinstance(found, RecordedCopy)
        return found

    # Commands -------------------------------------------------------------------------------------

    async def say(self, room: int, text: str = "") -> Post:
        """Post, and repeat it with the same key until it is acknowledged or refused for good."""
        post = Post(str(uuid.uuid4()), room, self.person.id, time.monotonic())
        self._history.posts[post.key] = post
        fields = {"room": room, "key": post.key, "body": f"{post.key} {text}"}
        try:
            data = await self.persist("message.post", on_repeat=lambda: _repeated(post), **fields)
        except Refused as refused:
            post.refused = refused.code
            return post
        message = data["message"]
        post.ident, post.number, post.seq = message["id"], message["number"], message["seq"]
        post.acked = time.monotonic()
        return post

    async def persist(
        self, command: str, *, on_repeat: Any = None, **fields: Any
    ) -> dict[str, Any]:
        """Send a command until it is answered, across reconnects and retries.

        Raises ``Refused``.
        """
        while True:
            await self.opened.wait()
            try:
                return await self.command(command, **fields)
            except Cut:
                await asyncio.sleep(0)  # the end of the connection is noted first
            except Refused as refused:
                if refused.code not in COME_AGAIN:
                    raise
                await asyncio.sleep(refused.error["retry_after"])
            if on_repeat is not None:
                on_repeat()

    # Incoming -------------------------------------------------------------------------------------

    async def _frames(self, socket: Any) -> AsyncIterator[str | bytes]:
        async for text in socket:
            await self._listening.wait()
            yield text

    async def _read(self, socket: Any) -> None:
        try:
            await super()._read(socket)
        finally:
            self.opened.clear()

    def _handle(self, found: dict[str, Any]) -> None:
        self.heard = time.monotonic()
        name = found.get("stream")
        match found["type"]:
            case "bye":
                self._bye = found
            case "closed":
                self.copies.pop(str(name), None)
            case "event" | "page" | "behind" if name not in self.copies:
                self.breaches.append(f"{found['type']} of {name}, which ended")
            case "signal":
                pass
            case "behind":
                self.fell_behind += 1
                super()._handle(found)
            case _:
                super()._handle(found)

    def _page(self, name: str, page: dict[str, Any]) -> None:
        if name in self.copies:  # else it ended while the page was on its way
            super()._page(name, page)

    async def _pull_once(self, name: str) -> None:
        try:
            await super()._pull_once(name)
        except KeyError:
            self._pulling.discard(name)  # ended meanwhile
        except Refused as refused:
            if refused.code not in GONE:
                self.breaches.append(f"pull {name}: {refused}")


def key_of(body: str) -> str:
    """The key in a text; the same string for all clients, because there are many."""
    return sys.intern(body.split(" ", 1)[0]) if body else ""


def _repeated(post: Post) -> None:
    post.repeats += 1
