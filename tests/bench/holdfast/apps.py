"""A stream that lives in the hub alone: what fan-out costs without a database."""

from typing import Any

import msgspec
from django.apps import AppConfig


class Emit(msgspec.Struct):
    """What everybody in the room is to get."""

    body: str


class BenchConfig(AppConfig):
    """Adds the stream ``bench.N`` and the command ``bench.emit`` to whatever the project has."""

    name = "tests.bench.holdfast"
    label = "bench"

    def ready(self) -> None:
        """Register them."""
        from chat.handlers import commands
        from realtime import publishing, streams
        from realtime.commands import Caller
        from realtime.protocol.page import Event

        streams.register(streams.StreamKind("bench", authorise=lambda _: {}, presence=True))
        room = streams.StreamName("bench.1")
        seq = 0

        @commands("bench.emit", pipelined=True)
        async def emit(caller: Caller, fields: Emit) -> dict[str, Any]:
            nonlocal seq
            seq += 1
            author = {"id": caller.user_id, "username": caller.username}
            publishing.publish({room: [Event.of("message", seq, seq, {"number": seq, "author": author, "body": fields.body})]})
            return {}
