"""HTTP clients in the process of the test: pages, and streams of server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from django.contrib.auth.models import User
from django.test import AsyncClient

from notifications.payloads import inbox

REPLY_SECONDS = 10

Notify = Callable[..., Awaitable[None]]


class Caller:
    """An HTTP client with a token."""

    def __init__(self, user: User, token: str) -> None:
        self.user = user
        self.inbox = inbox(user.pk)
        self._client = AsyncClient()
        self._token = f"Bearer {token}"

    async def get(self, path: str, **headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await asyncio.wait_for(
            self._client.get(path, headers={"authorization": self._token, **sent}), REPLY_SECONDS
        )

    async def events(self, query: str = "", stream: str = "", **headers: str) -> Any:
        return await self.get(f"/api/streams/{stream or self.inbox}/events{query}", **headers)

    async def command(self, name: str, **fields: Any) -> Any:
        return await self.post(json.dumps({"id": 4, "command": name, **fields}))

    async def post(self, content: str | bytes, content_type: str = "application/json") -> Any:
        return await self._client.post(
            "/api/commands",
            content,
            content_type=content_type,
            headers={"authorization": self._token},
        )

    @asynccontextmanager
    async def listening(self, query: str = "", **headers: str) -> AsyncIterator["Listening"]:
        answer = await self.events(query, accept="text/event-stream", **headers)
        assert answer.status_code == 200, answer.content
        content = aiter(answer.streaming_content)
        try:
            yield Listening(answer, content)
        finally:
            await content.aclose()


class Listening:
    """An open stream of server-sent events."""

    def __init__(self, answer: Any, content: Any) -> None:
        self.answer = answer
        self._content = content
        self._blocks: list[dict[str, str]] = []

    async def block(self) -> dict[str, str]:
        """Return the fields of the next block; a comment has the name ``""``."""
        while not self._blocks:
            chunk = await asyncio.wait_for(anext(self._content), REPLY_SECONDS)
            for text in chunk.decode().strip("\n").split("\n\n"):
                self._blocks.append(dict(line.split(":", 1) for line in text.split("\n")))
        return self._blocks.pop(0)

    async def event(self) -> tuple[int | None, dict[str, Any]]:
        """Return the next event's id and object."""
        while "data" not in (block := await self.block()):
            pass
        return int(block["id"]) if "id" in block else None, json.loads(block["data"])

    async def ended(self) -> bool:
        return await anext(self._content, None) is None


def titles(page: dict[str, Any]) -> list[str]:
    return [event["data"]["title"] for event in page["events"]]
