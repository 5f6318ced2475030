"""A client that knows protocol.md and nothing else: no code of the server is imported here.

It follows the two rules of §3, keeps what it holds per stream, and notes every breach of the
contract it sees in ``breaches``.
"""

import asyncio
import contextlib
import itertools
import json
import random
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

REPLY_SECONDS = 20  # a reply that takes longer is a breach: nothing in these tests is slow


class Refused(Exception):
    """A reply with ``ok: false``."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.error = error
        self.code: str = error["code"]


class Cut(Exception):
    """The connection ended before the reply came."""


class Copy:
    """A client's copy of one stream."""

    def __init__(self, name: str, breaches: list[str]) -> None:
        self.name = name
        self.position: int | None = None
        self.level = False
        self.rows: dict[tuple[str, int], tuple[int, dict[str, Any]]] = {}
        self._breaches = breaches

    def drop(self) -> None:
        """Begin again, because the history is another one: everything after 0 is a snapshot."""
        self.rows.clear()
        self.position = 0

    def event(self, event: dict[str, Any]) -> bool:
        """Apply a pushed event; False: a hole, pull."""
        if self.position is None or event["seq"] > self.position + 1:
            self._breach(f"event {event['seq']} at position {self.position}")
            return False
        if event["seq"] == self.position + 1:
            self._apply(event)
            self.position = event["seq"]
        return True

    def page(self, page: dict[str, Any]) -> bool:
        """Apply a page; False: there is more, pull."""
        if self.position is None:
            self.position = page["from"]
        seqs = [event["seq"] for event in page["events"]]
        if (
            seqs != sorted(set(seqs))
            or any(not page["from"] < seq <= page["to"] for seq in seqs)
            or page["to"] > page["head"]
            or len(seqs) > 200
        ):
            self._breach(
                f"page {page['from']}..{page['to']} of {page['head']} with {seqs[:3]}…{seqs[-3:]}"
            )
        if page["from"] > self.position:
            self._breach(f"page from {page['from']} at position {self.position}")
            return False
        for event in page["events"]:
            self._apply(event)
        self.position = max(self.position, page["to"])
        self.level = page["to"] == page["head"]
        return self.level

    def _apply(self, event: dict[str, Any]) -> None:
        key = event["kind"], event["data"]["id"]
        old = self.rows.get(key)
        if old and old[0] > event["seq"]:
            return
        data = event["data"]
        if event["kind"] == "message":
            if data["seq"] != event["seq"]:
                self._breach(
                    f"message {data['id']} says seq {data['seq']}, its event {event['seq']}"
                )
            if data["deleted_at"] and (data["body"] or data.get("html")):
                self._breach(f"text of deleted message {data['id']}")
            if old and old[1].get("deleted_at") and not data["deleted_at"] and data["body"]:
                self._breach(f"deleted message {data['id']} came back")
        self.rows[key] = (event["seq"], data)

    def _breach(self, words: str) -> None:
        self._breaches.append(f"{self.name}: {words}")


class Client:
    """A WebSocket client that reconnects and resumes."""

    def __init__(
        self,
        address: str,
        token: str,
        streams: Iterable[str],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.breaches: list[str] = []
        self.hello: dict[str, Any] = {}
        self.copies = {name: Copy(name, self.breaches) for name in streams}
        self.others: list[dict[str, Any]] = []  # signals, closed, bye
        self._address = address
        self._headers = {"Authorization": f"Bearer {token}", **(headers or {})}
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._pulls: set[asyncio.Task[None]] = set()
        self._pulling: set[str] = set()
        self._returning: asyncio.Task[None] | None = None
        self.close_code: int | None = None

    async def connect(self) -> None:
        """Connect, be greeted, subscribe with all positions."""
        self._socket = await connect(
            self._address,
            additional_headers=self._headers,
            subprotocols=[Subprotocol("holdfast.v1")],
            max_size=4 << 20,
            compression=None,
        )
        if self._socket.subprotocol != "holdfast.v1":
            self.breaches.append(f"subprotocol {self._socket.subprotocol}")
        hello = json.loads(await asyncio.wait_for(self._socket.recv(), REPLY_SECONDS))
        # The database did not answer: come back.
        if hello["type"] == "bye" and "retry_after" in hello:
            await asyncio.sleep(hello["retry_after"])
            return await self.connect()
        if hello["type"] != "hello":
            self.breaches.append(f"greeted with {hello}")
        if self.hello and hello["epoch"] != self.hello["epoch"]:
            for copy in self.copies.values():
                copy.drop()
        self.hello = hello
        self._reader = asyncio.create_task(self._read(self._socket))
        reply = await self.command(
            "subscribe", streams={name: copy.position for name, copy in self.copies.items()}
        )
        if reply["errors"]:
            self.breaches.append(f"subscribe: {reply['errors']}")

    async def cut(self) -> None:
        """Lose the network: no close frame, no good-bye."""
        if self._socket is not None:
            self._socket.transport.abort()
            await self._gone()

    async def close(self) -> None:
        """Leave in good order."""
        if self._socket is not None:
            await self._socket.close()
            await self._gone()

    async def command(self, command: str, **fields: Any) -> dict[str, Any]:
        """Send a command and return its data. Raises ``Refused`` or ``Cut``."""
        ident = next(self._ids)
        future = asyncio.get_running_loop().create_future()
        self._waiting[ident] = future
        try:
            await self._socket.send(json.dumps({"id": ident, "command": command, **fields}))  # type: ignore[union-attr]
            reply = await asyncio.wait_for(future, REPLY_SECONDS)
        except (ConnectionClosed, OSError) as error:
            raise Cut from error
        except asyncio.CancelledError:
            if not future.cancelled():
                raise
            raise Cut from None
        finally:
            self._waiting.pop(ident, None)
        if not reply["ok"]:
            raise Refused(reply["error"])
        data: dict[str, Any] = reply["data"]
        return data

    async def insist(self, command: str, **fields: Any) -> dict[str, Any]:
        """Send a command until it is answered, across reconnects and retries."""
        while True:
            try:
                return await self.command(command, **fields)
            except Cut:
                await self.reconnect()
            except Refused as refused:
                if refused.code not in ("rate_limited", "unavailable"):
                    raise
                await asyncio.sleep(refused.error["retry_after"])

    async def post(self, room: int, body: str, **fields: Any) -> dict[str, Any]:
        """Post with a key of its own, until it is acknowledged."""
        message: dict[str, Any] = (
            await self.insist("message.post", room=room, key=str(uuid.uuid4()), body=body, **fields)
        )["message"]
        return message

    async def reconnect(self) -> None:
        """Come back at once (tests have no time for jitter), once for all who wait for it."""
        if self._returning is None:
            self._returning = asyncio.create_task(self._reconnect())
        try:
            await asyncio.shield(self._returning)
        finally:
            self._returning = None

    async def _reconnect(self) -> None:
        for _ in range(20):
            with contextlib.suppress(OSError, ConnectionClosed, Cut):
                await self.connect()
                return
            await asyncio.sleep(random.uniform(0, 0.2))
        raise Cut

    async def _gone(self) -> None:
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)

    def _frames(self, socket: ClientConnection) -> AsyncIterator[str | bytes]:
        return aiter(socket)

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in self._frames(socket):
                found = json.loads(text)
                for each in found if isinstance(found, list) else [found]:
                    self._handle(each)
        except ConnectionClosed:
            pass
        finally:
            self.close_code = socket.close_code
            for future in self._waiting.values():
                if not future.done():
                    future.cancel()
            for copy in self.copies.values():
                copy.level = False

    def _handle(self, found: dict[str, Any]) -> None:
        match found["type"]:
            case "reply":
                waiting = self._waiting.get(found["id"])
                if waiting is not None and not waiting.done():
                    waiting.set_result(found)
                    # In order with what follows: applied before the next object.
                    self._pages(found.get("data") or {})
            case "event":
                if not self.copies[found["stream"]].event(found):
                    self._pull(found["stream"])
            case "page":
                self._page(found["stream"], found)
            case "behind":
                self.copies[found["stream"]].level = False
                self._pull(found["stream"])
            case "hello":
                self.breaches.append("a second hello")
            case _:
                self.others.append(found)

    def _pages(self, data: dict[str, Any]) -> None:
        """Apply the pages of a reply to subscribe or pull."""
        for name, page in data.get("pages", {}).items():
            self._page(name, page)
        if "events" in data:
            self._page(data["stream"], data)

    def _page(self, name: str, page: dict[str, Any]) -> None:
        if not self.copies[name].page(page):
            self._pull(name)

    def _pull(self, name: str) -> None:
        if name not in self._pulling:
            self._pulling.add(name)
            task = asyncio.create_task(self._pull_once(name))
            self._pulls.add(task)
            task.add_done_callback(self._pulls.discard)

    async def _pull_once(self, name: str) -> None:
        await asyncio.sleep(0)  # the page that asks for this one is applied first
        self._pulling.discard(name)
        with contextlib.suppress(Cut):
            try:
                await self.command("pull", stream=name, after=self.copies[name].position)
            except Refused as refused:
                if refused.code not in ("rate_limited", "unavailable"):
                    raise
                await asyncio.sleep(refused.error["retry_after"])
                self._pull(name)


class Poller:
    """The same positions over HTTP: long polls, or server-sent events."""

    def __init__(self, origin: str, token: str, stream: str) -> None:
        self.breaches: list[str] = []
        self.copy = Copy(stream, self.breaches)
        self.copy.position = 0
        self._http = httpx.AsyncClient(
            base_url=origin, headers={"Authorization": f"Bearer {token}"}, timeout=40
        )

    async def poll(self, wait: float) -> None:
        """Ask once for a page."""
        answer = await self._http.get(
            f"/api/streams/{self.copy.name}/events",
            params={"after": self.copy.position, "wait": wait},
        )
        if answer.status_code != 200:
            self.breaches.append(f"HTTP {answer.status_code}: {answer.text[:200]}")
        else:
            self.copy.page(answer.json())

    async def listen(self, *, cut_after: int) -> None:
        """Read server-sent events until cancelled; reconnect with their id every ``cut_after``."""
        while True:
            await self._listen_once(cut_after)

    async def _listen_once(self, cut_after: int) -> None:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(self.copy.position)}
        async with self._http.stream(
            "GET", f"/api/streams/{self.copy.name}/events", params={"after": 0}, headers=headers
        ) as answer:
            seen = 0
            data = ident = ""
            async for line in answer.aiter_lines():
                if line.startswith("data:"):
                    data += line[5:].strip()
                elif line.startswith("id:"):
                    ident = line[3:].strip()
                elif not line and data:
                    found = json.loads(data)
                    (self.copy.event if found["type"] == "event" else self.copy.page)(found)
                    if ident != str(self.copy.position):
                        self.breaches.append(f"id {ident} at position {self.copy.position}")
                    data, seen = "", seen + 1
                if seen >= cut_after:
                    return

    async def close(self) -> None:
        await self._http.aclose()


async def replay(origin: str, token: str, stream: str) -> Copy:
    """Return a fresh copy made of pages from 0."""
    breaches: list[str] = []
    copy = Copy(stream, breaches)
    copy.position = 0
    async with httpx.AsyncClient(
        base_url=origin, headers={"Authorization": f"Bearer {token}"}
    ) as http:
        while not copy.page(
            (await http.get(f"/api/streams/{stream}/events", params={"after": copy.position}))
            .raise_for_status()
            .json()
        ):
            pass
    assert not breaches, breaches
    return copy
