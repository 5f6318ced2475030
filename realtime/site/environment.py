"""Reading settings from environment variables, with types and clear errors.

Every method names a variable and gives its default. A value that cannot be used raises
``ImproperlyConfigured`` with one sentence: the variable, its value, what was expected. The values
of URLs are never repeated, because they contain passwords.
"""

import difflib
import importlib.util
import ipaddress
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import SplitResult, urlsplit

import environ
from django.conf.locale import LANG_INFO
from django.core.exceptions import ImproperlyConfigured

from realtime.site.addresses.postgres_url import BadParameter, is_postgres, parse_postgres
from realtime.site.addresses.sentinel import SCHEMES as SENTINEL_SCHEMES
from realtime.site.addresses.sentinel import Sentinels, is_sentinel
from realtime.site.url_parameters import unknown_parameter

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})

_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:\d{1,5})?")

_REDIS_SCHEMES = frozenset({"redis", "rediss", "unix"})
_REDIS_EXPECTED = (
    "redis://HOST:PORT/DB, rediss://…, unix:///PATH or "
    "redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DB"
)
_REDIS_OPTIONS: dict[str, Any] = {
    # Seconds. Longer than the 5 s for which channels_redis waits: with redis-py 8's default of 5 s
    # the reader of an idle layer is disconnected (channels_redis#422). Not None: a Redis that
    # accepts connections and never answers has to be noticed.
    "socket_timeout": 15,
    # Seconds; a host that is gone must not delay the retry, which comes every second.
    "socket_connect_timeout": 3,
    "health_check_interval": 10,  # seconds, after which redis-py pings an idle connection
}


# A machine that is gone without warning, seen from its connections: idle ones are asked after 10 s,
# and then every 5 s; sent bytes that nobody confirms end a connection after 15 s. The kernel's own
# limits are two hours and 15 minutes. Over Unix sockets they mean nothing.
_TCP_OPTIONS: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 10,  # seconds
    "keepalives_interval": 5,  # seconds
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseWaits:
    """Seconds for which a database may let a process wait."""

    lock: float = 5
    connect: int = 3
    pool: float = 5


@dataclass(slots=True)
class Environment:
    """The variables of one process, and which of them were read."""

    values: Mapping[str, str]
    # Name and default of each, for the test of the documentation and for `refuse_unknown`.
    asked: dict[str, object] = field(default_factory=dict)

    def text(self, name: str, default: str, *, choices: Sequence[str] = ()) -> str:
        """Return the value as it is."""
        value = self._raw(name, default)
        if value is None:
            return default
        if choices and value not in choices:
            self._refuse(name, value, f"one of {', '.join(choices)}")
        return value

    def switch(self, name: str, default: bool) -> bool:
        """Return a boolean."""
        value = self._raw(name, default)
        if value is None:
            return default
        if value.lower() not in _TRUE | _FALSE:
            self._refuse(name, value, "true or false")
        return value.lower() in _TRUE

    def whole(self, name: str, default: int, *, least: int = 1) -> int:
        """Return a whole number of at least ``least``."""
        value = self._raw(name, default)
        if value is None:
            return default
        try:
            number = int(value)
        except ValueError:
            self._refuse(name, value, f"a whole number of at least {least}")
        if number < least:
            self._refuse(name, value, f"a whole number of at least {least}")
        return number

    def decimal(self, name: str, default: float, *, above: float = 0) -> float:
        """Return a finite number above ``above``."""
        value = self._raw(name, default)
        if value is None:
            return default
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or number <= above:
            self._refuse(name, value, f"a number above {above:g}")
        return number

    def words(self, name: str, default: Sequence[str]) -> list[str]:
        """Return the parts of a comma-separated list, without empty ones."""
        value = self._raw(name, list(default))
        if value is None:
            return list(default)
        return [word.strip() for word in value.split(",") if word.strip()]

    def apps(self, name: str) -> list[str]:
        """Return Django apps that can be imported, by module or by ``AppConfig``: ``orders``."""
        found = self.words(name, [])
        for app in found:
            if not _is_importable(app):
                self._refuse(
                    name,
                    app,
                    "Django apps, separated by commas, that this Python can import",
                )
        return found

    def languages(
        self, name: str, default: Sequence[str], *, folder: Path
    ) -> list[tuple[str, str]]:
        """Return codes and native names: of English, and of languages in ``folder``."""
        known = {
            "en",
            *(path.name.replace("_", "-").lower() for path in folder.iterdir() if path.is_dir()),
        }
        found = self.words(name, default)
        for code in found:
            if code not in known:
                self._refuse(
                    name, code, f"languages among {', '.join(sorted(known))}, separated by commas"
                )
        return [(code, str(LANG_INFO[code]["name_local"]).capitalize()) for code in found] or [
            ("en", "English")
        ]

    def origins(self, name: str, default: Sequence[str]) -> list[str]:
        """Return full origins, as browsers send them: ``https://chat.example.org``."""
        found = self.words(name, default)
        for origin in found:
            if not _is_origin(origin):
                self._refuse(
                    name,
                    origin,
                    "origins such as https://chat.example.org, separated by commas, "
                    "without a path or a wildcard",
                )
        return [origin.lower() for origin in found]

    def hosts(self, name: str, default: Sequence[str]) -> list[str]:
        """Return host names, with or without a port: ``images.example.org``."""
        found = [host.lower() for host in self.words(name, default)]
        for host in found:
            if not _HOST.fullmatch(host):
                self._refuse(
                    name,
                    host,
                    "host names such as images.example.org, separated by commas, "
                    "without a scheme or a wildcard",
                )
        return found

    def networks(self, name: str, default: Sequence[str]) -> list[Network]:
        """Return IP networks: ``10.0.0.0/8``, or a single address."""
        found: list[Network] = []
        for word in self.words(name, default):
            try:
                found.append(ipaddress.ip_network(word))
            except ValueError:
                self._refuse(name, word, "networks such as 10.0.0.0/8 or ::1, separated by commas")
        return found

    def database(
        self,
        name: str,
        *,
        base: Path,
        default: Path,
        pool: int,
        waits: DatabaseWaits = DatabaseWaits(),
    ) -> dict[str, Any]:
        """Return Django's ``DATABASES["default"]``.

        ``sqlite:///path`` (relative to ``base``), or ``postgres://…`` with one or more hosts.
        """
        value = self._raw(
            name,
            f"sqlite:///{default.relative_to(base)}"
            if default.is_relative_to(base)
            else f"sqlite:///{default}",
        )
        if value is None:
            return sqlite(default, waits)
        expected = "sqlite:///PATH or postgres://USER:PASSWORD@HOST:PORT/NAME"
        if is_postgres(value):
            try:
                return postgresql(parse_postgres(value), pool=pool, waits=waits)
            except BadParameter as error:
                raise ImproperlyConfigured(f"{name} {error}") from error
            except ValueError:
                self._refuse_url(name, value, expected)
        if self._split(name, value, expected).scheme != "sqlite":
            self._refuse_url(name, value, expected)
        path = environ.Env.db_url_config(value)["NAME"]
        if path in {"", ":memory:"}:
            self._refuse_url(name, value, expected)
        return sqlite(base / path, waits)

    def channel_layer(self, name: str, default: str, *, capacity: int) -> dict[str, Any]:
        """Return Channels' ``CHANNEL_LAYERS["default"]``.

        ``memory://`` for one process; Redis, where streams are distributed over several servers
        separated by commas; or RabbitMQ by ``amqp://`` or ``amqps://``. ``capacity`` is the number
        of messages that may be queued for one process.
        """
        expected = (
            f"memory://, {_REDIS_EXPECTED} (several separated by commas), "
            "or amqp://USER:PASSWORD@HOST:PORT/VHOST"
        )
        urls, schemes = self._urls(name, default, expected)
        if schemes == {"memory"} and len(urls) == 1:
            return {
                "BACKEND": "channels.layers.InMemoryChannelLayer",
                "CONFIG": {"capacity": capacity},
            }
        if schemes <= SENTINEL_SCHEMES:
            return _pubsub([Sentinels.parse(urls[0]).layer_host(**_REDIS_OPTIONS)])
        if schemes <= _REDIS_SCHEMES:
            return _pubsub([{"address": url, **_REDIS_OPTIONS} for url in urls])
        if schemes <= {"amqp", "amqps"} and len(urls) == 1:
            # The default of 100 would lose a burst, and each loss costs a repair from the database.
            limits = {"local_capacity": capacity, "remote_capacity": capacity}
            return {
                "BACKEND": "realtime.site.addresses.rabbitmq.RabbitLayer",
                "CONFIG": {"host": urls[0], **limits},
            }
        self._refuse_url(name, ",".join(urls), expected)

    def cache(self, name: str, default: str) -> dict[str, Any]:
        """Return Django's ``CACHES["default"]``: ``memory://``, or Redis for several processes."""
        expected = f"memory:// or {_REDIS_EXPECTED}"
        urls, schemes = self._urls(name, default, expected)
        if schemes == {"memory"} and len(urls) == 1:
            return {
                "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
                "LOCATION": "holdfast",
                # Django's 300 would drop counters of attempts while many people sign in.
                "OPTIONS": {"MAX_ENTRIES": 100_000},
            }
        # Seconds. A page waits this long for its session and then reads it from the database.
        options: dict[str, Any] = {
            "serializer": "realtime.site.cache_values.SignedJson",
            "socket_timeout": 2,
            "socket_connect_timeout": 2,
        }
        if schemes <= SENTINEL_SCHEMES:
            options["pool_class"] = "realtime.site.addresses.sentinel.CachePool"
        elif not schemes <= _REDIS_SCHEMES:
            self._refuse_url(name, ",".join(urls), expected)
        return {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": urls,
            "OPTIONS": options,
            "KEY_PREFIX": "holdfast",
        }

    def require(self, name: str, expected: str) -> NoReturn:
        """Raise, because a variable without a usable default is not set."""
        raise ImproperlyConfigured(f"{name} is not set: expected {expected}.")

    def refuse_unknown(self, prefix: str) -> None:
        """Raise for an unknown variable with ``prefix``: a typo would silently be no limit."""
        for name in sorted(self.values):
            if name.startswith(prefix) and name not in self.asked:
                close = difflib.get_close_matches(name, self.asked, n=1)
                hint = f" Did you mean {close[0]}?" if close else ""
                raise ImproperlyConfigured(f"{name} is set, but there is no such setting.{hint}")

    def _raw(self, name: str, default: object) -> str | None:
        self.asked[name] = default
        value = self.values.get(name, "").strip()
        return value or None

    def _urls(self, name: str, default: str, expected: str) -> tuple[list[str], set[str]]:
        """Return URLs and their schemes; a Sentinel URL contains commas itself."""
        urls = self.words(name, [default])
        if is_sentinel(urls[0]):
            urls = [",".join(urls)]
            try:
                Sentinels.parse(urls[0])
            except ValueError:
                self._refuse_url(name, urls[0], expected)
            return urls, {urls[0].partition("://")[0]}
        parts = [self._split(name, url, expected) for url in urls]
        if any(
            not (part.path if part.scheme == "unix" else part.hostname or part.scheme == "memory")
            for part in parts
        ):
            self._refuse_url(name, ",".join(urls), expected)
        return urls, {part.scheme for part in parts}

    def _split(self, name: str, url: str, expected: str) -> SplitResult:
        try:
            parts = urlsplit(url)
            _ = parts.port  # urlsplit checks the port only when it is read
        except ValueError:
            self._refuse_url(name, url, expected)
        if problem := unknown_parameter(url):
            raise ImproperlyConfigured(f"{name} {problem}")
        return parts

    def _refuse(self, name: str, value: str, expected: str) -> NoReturn:
        raise ImproperlyConfigured(f"{name} is {value!r}: expected {expected}.")

    def _refuse_url(self, name: str, value: str, expected: str) -> NoReturn:
        scheme, separator, _ = value.partition("://")
        shown = f"begins with {scheme!r}" if separator else "is not a URL"
        raise ImproperlyConfigured(f"{name} {shown} and cannot be used: expected {expected}.")


def _pubsub(hosts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the publish/subscribe layer of channels_redis.

    Its other layer costs Redis and the sender one step for each group member, and does not survive
    a restart of Redis.
    """
    return {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": hosts, "prefix": "holdfast"},
    }


def _is_importable(app: str) -> bool:
    """Return whether the module exists, or the module of an ``AppConfig``.

    Imports only its parents.
    """
    try:
        if importlib.util.find_spec(app):
            return True
    except (ImportError, ValueError):
        pass
    module, _, config = app.rpartition(".")
    try:
        return config[:1].isupper() and importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _is_origin(value: str) -> bool:
    try:
        parts = urlsplit(value)
        _ = parts.port  # urlsplit checks the port only when it is read
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and value == f"{parts.scheme}://{parts.netloc}"
        and "*" not in value
    )


def sqlite(path: Path, waits: DatabaseWaits) -> dict[str, Any]:
    """Return the settings of a SQLite database for several threads and processes."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            # Otherwise a transaction that reads first and writes later fails instead of waiting.
            "transaction_mode": "IMMEDIATE",
            "timeout": waits.lock,  # seconds to wait for another writer
            # WAL: readers and the writer do not wait for each other. With it, NORMAL survives the
            # death of the process. A negative cache_size is in KiB; mmap_size is in bytes.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
            "PRAGMA cache_size=-16384; PRAGMA mmap_size=134217728",
        },
    }


def postgresql(config: dict[str, Any], *, pool: int, waits: DatabaseWaits) -> dict[str, Any]:
    """Return the settings of PostgreSQL with at most ``pool`` connections per process."""
    from realtime.core.postgresql import BoundedConnection

    options = {
        # Without a pool, every hop to a thread would open a connection (8 ms instead of 0.6 ms).
        "pool": {
            "connection_class": BoundedConnection,
            "min_size": 1,
            "max_size": pool,
            "timeout": waits.pool,
            # psycopg doubles the pause between two attempts to connect. After this long it begins
            # anew with the next caller, so a server that is back is found at once.
            "reconnect_timeout": waits.pool,
        },
        # With a database that is gone, clients get `unavailable` instead of waiting.
        "connect_timeout": waits.connect,
        **_TCP_OPTIONS,
        **config.pop("OPTIONS", {}),
    }
    # Server-side cursors outlive a transaction; PgBouncer's transaction mode may use another
    # connection for the next one.
    return {**config, "CONN_MAX_AGE": 0, "DISABLE_SERVER_SIDE_CURSORS": True, "OPTIONS": options}
