"""The networks between one node and the servers behind it."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Self

from tests.chaos.proxy import Address, Proxy
from tests.support.postgres import NAME, SUPERUSER

DATABASE_HOST, BROKER_HOST = "database.test", "broker.test"
LOOPBACK = "127.0.0.1"


class Cables:
    """One to each server of PostgreSQL, and one to Redis, unless Sentinels name its address.

    ``named``: the node asks for the addresses of their names.
    """

    def __init__(
        self, databases: Sequence[Address], broker: Address | None, *, named: bool
    ) -> None:
        self.databases = [Proxy(each) for each in databases]
        self.broker = [] if broker is None else [Proxy(broker)]
        self._named = named
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for each in (*self.databases, *self.broker):
            await self._stack.enter_async_context(each)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def settings(self) -> dict[str, str]:
        """The addresses for the environment of the node."""
        host = DATABASE_HOST if self._named else LOOPBACK
        hosts = ",".join(f"{host}:{_port(each)}" for each in self.databases)
        found = {"DATABASE_URL": f"postgres://{SUPERUSER}@{hosts}/{NAME}"}
        for each in self.broker:
            redis = f"redis://{BROKER_HOST if self._named else LOOPBACK}:{_port(each)}/0"
            found |= {"CHANNEL_LAYER_URL": redis, "CACHE_URL": redis}
        return found


def _port(proxy: Proxy) -> int:
    assert isinstance(proxy.where, tuple)
    return proxy.where[1]
