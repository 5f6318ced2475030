"""Commands of every endpoint. The consumer has ``subscribe``, ``pull`` and ``unsubscribe``."""

from typing import Any

import msgspec
from django.utils import timezone

from realtime.core.commands import Caller, Commands

commands = Commands()


class Ping(msgspec.Struct):
    """No fields."""


@commands("ping")
async def ping(caller: Caller, fields: Ping) -> dict[str, Any]:
    """Return the server's time."""
    return {"time": timezone.now()}
