"""Clients of a run that read by long polls and server-sent events, with the same positions."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from tests.chaos.guests import RecordedCopy
from tests.chaos.history import Client as Log
from tests.chaos.history import History
from tests.conformance.client import Poller
from tests.support.cluster import Person

WAIT_SECONDS = 5  # of a long poll
CUT_AFTER = 60  # events; then a new stream is asked for, with Last-Event-ID
SILENCE_SECONDS = 20.0  # without a heartbeat, which comes every 15
AGAIN_SECONDS = 0.5  # at most, after an answer that was none
COME_AGAIN = (429, 502, 503, 504)


class Reader(Poller):
    """One program that follows a room from its beginning, and never gives up."""

    def __init__(
        self, origin: str, person: Person, room: int, history: History, rnd: random.Random
    ) -> None:
        name = f"room.{room}"
        super().__init__(origin, person.token, name)
        self.person = person
        # A proxy may hold it up: owed no speed.
        self.log = Log(f"{person.username}-{len(history.clients)}", person.id, hostile=True)
        self.breaches = self.log.breaches
        self.copy: RecordedCopy = RecordedCopy(name, self.log, 0)
        self._http.timeout = httpx.Timeout(SILENCE_SECONDS)
        self._rnd = rnd
        self._epoch = ""
        self._generation = 0
        history.clients.append(self.log)

    def level(self, head: int) -> bool:
        """Whether it has everything up to ``head``."""
        return (self.copy.position or 0) >= head

    async def by_long_polls(self) -> None:
        """Ask for a page, again and again."""
        while True:
            await self._tried(self._page)

    async def by_events(self) -> None:
        """Listen to server-sent events, again and again."""
        while True:
            await self._tried(self._events)

    def _begin_again(self) -> None:
        """Drop the copy: the position is of another history."""
        self._epoch = ""
        self._generation += 1
        self.copy = RecordedCopy(self.copy.name, self.log, self._generation)

    def _note_epoch(self, answer: httpx.Response) -> bool:
        """Begin again if the answer is of another epoch; False: it is of no use."""
        if answer.status_code == httpx.codes.CONFLICT:
            self._begin_again()
            return False
        epoch = answer.headers.get("Stream-Epoch", self._epoch)
        if self._epoch not in ("", epoch):
            self._begin_again()
            return False
        self._epoch = epoch
        return True

    async def _page(self) -> int:
        answer = await self._http.get(
            f"/api/streams/{self.copy.name}/events",
            params={"after": self.copy.position or 0, "wait": WAIT_SECONDS},
        )
        if not self._note_epoch(answer):
            return httpx.codes.OK
        if answer.status_code == httpx.codes.OK:
            self.copy.page(answer.json())
        return answer.status_code

    async def _events(self) -> int:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(self.copy.position)}
        async with self._http.stream(
            "GET", f"/api/streams/{self.copy.name}/events", headers=headers
        ) as answer:
            if not self._note_epoch(answer):
                return httpx.codes.OK
            if answer.status_code != httpx.codes.OK:
                return answer.status_code
            taken = 0
            async for line in answer.aiter_lines():
                if not line.startswith("data:"):
                    continue
                if not self._take(json.loads(line[5:])):
                    return httpx.codes.SERVICE_UNAVAILABLE
                taken += 1
                if taken == CUT_AFTER:
                    return answer.status_code
        return httpx.codes.SERVICE_UNAVAILABLE

    def _take(self, found: dict[str, Any]) -> bool:
        """Take one object; False: it was the last."""
        match found["type"]:
            case "event":
                self.copy.event(found)
            case "page":
                self.copy.page(found)
            case "bye":
                return False
            case "closed" if found["reason"] == "reset":
                self._begin_again()
                return False
            case _:
                self.breaches.append(f"ended with {found}")
                return False
        return True

    async def _tried(self, read: Callable[[], Awaitable[int]]) -> None:
        try:
            status = await read()
        except (
            # an end in the middle of a line is one too.
            httpx.TransportError,
            json.JSONDecodeError,
        ):
            status = httpx.codes.BAD_GATEWAY
        if status in COME_AGAIN:
            await asyncio.sleep(self._rnd.uniform(0, AGAIN_SECONDS))
        elif status != httpx.codes.OK:
            self.breaches.append(f"HTTP {status}")
