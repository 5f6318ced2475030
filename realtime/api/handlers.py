"""Commands of every endpoint. Those about the socket itself (``subscribe``, ``pull``, ``unsubscribe``) are the consumer's."""

from typing import Any

import msgspec
from django.utils import timezone

from realtime.core.commands import Caller, Commands

commands = Commands()


class Ping(msgspec.Struct):
    """No fields."""


@commands("ping")
async def ping(caller: Caller, fields: Ping) -> dict[str, Any]:
    """Answer with the server's time."""
    return {"time": timezone.now()}
