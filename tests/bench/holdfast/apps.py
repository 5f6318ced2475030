"""A stream that lives in the hub alone: what fan-out costs without a database."""

from itertools import count
from typing import Any

import msgspec
from django.apps import AppConfig


class Emit(msgspec.Struct):
    """A text for everyone in the room."""

    body: str


class BenchConfig(AppConfig):
    """Adds the stream ``bench.N`` and the command ``bench.emit`` to whatever the project has."""

    name = "tests.bench.holdfast"
    label = "bench"

    def ready(self) -> None:
        """Register them."""
        from chat.api.handlers import commands
        from realtime.core import publishing, streams
        from realtime.core.commands import Caller
        from realtime.protocol.page import Event

        streams.register(streams.StreamKind("bench", authorise=lambda _: {}, presence=True))
        numbers = {streams.StreamName("bench.1"): count(1), streams.StreamName("bench.2"): count(1)}

        def tell(room: streams.StreamName, caller: Caller, body: str) -> dict[str, Any]:
            seq = next(numbers[room])
            author = {"id": caller.user_id, "username": caller.username}
            publishing.publish(
                {
                    room: [
                        Event.of(
                            "message", seq, seq, {"number": seq, "author": author, "body": body}
                        )
                    ]
                }
            )
            return {}

        @commands("bench.emit", pipelined=True)
        async def emit(caller: Caller, fields: Emit) -> dict[str, Any]:
            return tell(streams.StreamName("bench.1"), caller, fields.body)

        @commands("bench.emit.small", pipelined=True)
        async def emit_small(caller: Caller, fields: Emit) -> dict[str, Any]:
            return tell(streams.StreamName("bench.2"), caller, fields.body)
