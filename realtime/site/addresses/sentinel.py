"""Redis behind Sentinels, by one URL.

``redis+sentinel://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT]/MASTER[/DB]``. ``USER:PASSWORD`` are
those of the master; those of the Sentinels are ``?sentinel_username=…&sentinel_password=…``. With
``rediss+sentinel://`` all connections use TLS. A Redis URL names one server, and neither
channels_redis nor Django's cache has a URL for Sentinels.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, cast
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from redis.sentinel import Sentinel, SentinelConnectionPool
else:
    try:
        from redis.sentinel import Sentinel, SentinelConnectionPool
    except ImportError:  # the extra `redis` is not installed, so no setting can name a Sentinel
        Sentinel, SentinelConnectionPool = None, object

SCHEMES: Final = frozenset({"redis+sentinel", "rediss+sentinel"})
SENTINEL_PORT: Final = 26379
CREDENTIALS: Final = ("username", "password")


@dataclass(frozen=True, slots=True)
class Sentinels:
    """A parsed Sentinel URL."""

    addresses: tuple[tuple[str, int], ...]
    master: str
    database: int
    credentials: dict[str, str]  # of the master
    sentinel_credentials: dict[str, str]
    tls: bool

    @classmethod
    def parse(cls, url: str) -> Self:
        """Parse a URL. Raises ``ValueError``."""
        # Not by urlsplit: newer versions of Python refuse an address in brackets after a host.
        scheme, _, rest = url.partition("://")
        rest, _, parameters = rest.partition("?")
        netloc, _, path = rest.partition("/")
        login, _, hosts = netloc.rpartition("@")
        master, _, database = path.partition("/")
        query = {
            name: values[-1]
            for name, values in parse_qs(parameters, strict_parsing=bool(parameters)).items()
        }
        own = {
            name: query.pop(f"sentinel_{name}")
            for name in CREDENTIALS
            if f"sentinel_{name}" in query
        }
        if scheme not in SCHEMES or not master or query:
            raise ValueError("expected redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DB")
        username, _, password = login.partition(":")
        given = {"username": unquote(username), "password": unquote(password)}
        return cls(
            addresses=tuple(_address(host) for host in hosts.split(",")),
            master=unquote(master),
            database=int(database or 0),
            credentials={name: value for name, value in given.items() if value},
            sentinel_credentials=own,
            tls=scheme == "rediss+sentinel",
        )

    def layer_host(self, **options: Any) -> dict[str, Any]:
        """Return the ``hosts`` entry of channels_redis; ``options`` apply to every connection."""
        return {
            "sentinels": list(self.addresses),
            "master_name": self.master,
            "sentinel_kwargs": self._sentinel_options(options),
            **self._master_options(options),
        }

    def pool(self, **options: Any) -> SentinelConnectionPool:
        """Return a pool of connections to the current master."""
        sentinel: Any = Sentinel  # redis-py has no types here
        pool: Any = CachePool
        manager = sentinel(list(self.addresses), sentinel_kwargs=self._sentinel_options(options))
        return cast(
            SentinelConnectionPool, pool(self.master, manager, **self._master_options(options))
        )

    def _master_options(self, options: dict[str, Any]) -> dict[str, Any]:
        return {
            "db": self.database,
            **self.credentials,
            **({"ssl": True} if self.tls else {}),
            **options,
        }

    def _sentinel_options(self, options: dict[str, Any]) -> dict[str, Any]:
        timeouts = {name: value for name, value in options.items() if name.startswith("socket_")}
        return {**self.sentinel_credentials, **({"ssl": True} if self.tls else {}), **timeouts}


class CachePool(SentinelConnectionPool):
    """The ``pool_class`` of Django's Redis cache."""

    @classmethod
    def from_url(cls, url: str, **options: Any) -> SentinelConnectionPool:  # type: ignore[override]
        """Return the pool of a Sentinel URL."""
        return Sentinels.parse(url).pool(**options)


def is_sentinel(url: str) -> bool:
    """Return whether a URL is one of Sentinels."""
    return url.partition("://")[0] in SCHEMES


def _address(host: str) -> tuple[str, int]:
    parts = urlsplit(f"//{host}")
    if not parts.hostname:
        raise ValueError("a host is missing")
    return parts.hostname, SENTINEL_PORT if parts.port is None else parts.port
