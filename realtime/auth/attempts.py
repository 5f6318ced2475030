"""Attempts at something secret: counted by account and address, slowed down, logged, in metrics.

Each attempt is counted before it is checked, so that a hundred at once are not all the first one. A
success gives its count back. After the free attempts, one more is allowed at a time, and the pause
until the next one doubles up to a limit. No lock lasts longer than that.

A sign-in is counted in three ways, the narrowest first:

* account and address together: a stranger locks nobody out but themselves;
* the account, for a guesser with many addresses;
* the address, for a guesser with many accounts.

A browser that has signed in to the account before has a signed cookie and is counted by that alone,
so its owner gets in while others guess.

The counters are in the shared cache, so all nodes count together; while the cache does not answer,
each process counts in memory. They are of windows; the one before counts by the part of it that is
within the last hour, so that nobody has the free attempts twice at the border of two hours.
"""

import hashlib
import ipaddress
import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.http import HttpRequest

from realtime.auth import known_devices
from realtime.core import metrics
from realtime.core.bounds.shared_counts import Count, shared_counts
from realtime.protocol.errors import HoldfastError
from realtime.protocol.limits import still_counting
from realtime.protocol.user_ids import UserId, wire_id

log = logging.getLogger("holdfast.access")

WINDOW_SECONDS: Final = 3600  # over which attempts are counted
LIFE_SECONDS: Final = 2 * WINDOW_SECONDS  # of a counter, which counts in the next window too
# The address of all visitors whose address is not known: behind a proxy that names nobody, or on a
# Unix socket. They share one count, so a flood of them slows them alone (check W013).
UNKNOWN: Final = "unknown"
# A cache that failed is not used for this long, so that not every attempt waits for its timeout.
AWAY_SECONDS: Final = 5.0
IPV6_PREFIX: Final = 64  # the addresses of one household or machine
MAX_LOCAL: Final = 100_000  # counters in memory while the cache is away


class TooManyAttempts(HoldfastError):
    """Too many failures. The right secret is refused as well until the pause is over."""

    code = "rate_limited"
    status = 429


@dataclass(frozen=True, slots=True)
class Limit:
    """So many attempts in an hour are free; then the pauses begin."""

    free: int
    pause: float  # seconds of the first pause; each further one is twice as long
    longest: float


PAIR: Final = Limit(free=10, pause=60, longest=900)
# ASVS allows a hundred failures of an account in any hour: the free attempts, and about 35 after
# the pauses.
ACCOUNT: Final = Limit(free=30, pause=30, longest=120)
ADDRESS: Final = Limit(free=100, pause=10, longest=60)
DEVICE: Final = PAIR
# Of secrets that cannot be guessed (tokens, links): only wrong ones are counted and refused.
MISSES: Final = Limit(free=10, pause=60, longest=900)


class _Counters:
    """The shared cache, or the memory of this process while it does not answer."""

    def __init__(self) -> None:
        self._away_until = 0.0
        self._local = LocMemCache("holdfast-attempts", {"OPTIONS": {"MAX_ENTRIES": MAX_LOCAL}})

    def call(self, operation: str, *args: Any) -> Any:
        if time.monotonic() >= self._away_until:
            try:
                return getattr(caches["default"], operation)(*args)
            except ValueError:
                raise  # incr of a counter that has ended
            except Exception as error:  # noqa: BLE001  each cache client has its own errors
                self._away_until = time.monotonic() + AWAY_SECONDS
                log.warning(
                    "cache does not answer; attempts are counted in this process",
                    extra={"error": repr(error)},
                )
        local: BaseCache = self._local
        return getattr(local, operation)(*args)

    def add(self, key: str, by: int) -> int:
        self.call("add", key, 0, LIFE_SECONDS)
        try:
            return int(self.call("incr", key, by))
        except ValueError:  # it ended in between
            self.call("set", key, max(by, 0), LIFE_SECONDS)
            return max(by, 0)


_counters = _Counters()


@dataclass(slots=True)
class Attempt:
    """One attempt that may be checked now. Report how it ended."""

    door: str
    fields: dict[str, Any]
    _own: str  # the counter that a success empties
    _taken: list[str] = field(default_factory=list)

    def failed(self) -> None:
        """The secret was wrong."""
        record(self.door, "failed", **self.fields)

    def succeeded(self, *, user_id: UserId) -> None:
        """The secret was right."""
        for key in self._taken:
            _counters.add(key, -1)
        for key in (
            *_windows(_count(self._own)),
            *_windows(_pauses(self._own)),
            _pause(self._own),
        ):
            _counters.call("delete", key)
        record(self.door, "succeeded", **self.fields, user=wire_id(user_id))

    def cancelled(self) -> None:
        """It was not checked, because the server is busy."""
        for key in self._taken:
            _counters.add(key, -1)
        record(self.door, "busy", **self.fields)


def begin(door: str, request: HttpRequest, *, account: str) -> Attempt:
    """Count an attempt. Raises ``TooManyAttempts`` while its account or address has to pause."""
    address = client_address(request)
    device = known_devices.known(request, account)
    fields = {"address": address, "account": _digest(account)[:12], "known_device": bool(device)}
    if device:
        limits = [(DEVICE, f"{door}:device:{device}")]
    else:
        limits = [
            (PAIR, f"{door}:pair:{account}:{address}"),
            (ACCOUNT, f"{door}:account:{account}"),
            (ADDRESS, f"{door}:address:{address}"),
        ]
    keys = [(limit, _digest(name)) for limit, name in limits]
    attempt = Attempt(door, fields, _own=keys[0][1])
    for limit, key in keys:
        wait = _take(limit, key, attempt._taken)
        if wait > 0:
            for taken in attempt._taken:
                _counters.add(taken, -1)
            record(door, "refused", **fields)
            raise too_many(wait)
    return attempt


def miss(door: str, address: str) -> None:
    """Count a wrong token or link. Raises ``TooManyAttempts`` when the address had too many.

    Right ones are never refused, so nobody at the same address is locked out.
    """
    taken: list[str] = []
    wait = _take(MISSES, _digest(f"{door}:address:{address}"), taken)
    record(door, "refused" if wait > 0 else "failed", address=address)
    if wait > 0:
        raise too_many(wait)


@contextmanager
def quota(door: str, request: HttpRequest, *, most: int) -> Iterator[None]:
    """Count something that each address may do ``most`` times an hour.

    Raises ``TooManyAttempts`` beyond that. An exception inside gives the count back.
    """
    address = client_address(request)
    count = Count(f"attempts:{_digest(f'{door}:address:{address}')}", WINDOW_SECONDS, ask_from=0)
    (total,) = shared_counts.add([count])
    if total > most:
        shared_counts.give_back([count])
        record(door, "refused", address=address)
        raise too_many(shared_counts.wait(count, most))
    try:
        yield
    except Exception:
        shared_counts.give_back([count])
        raise
    record(door, "succeeded", address=address)


def first_use(name: str, seconds: int) -> bool:
    """Return whether nothing of this name was used within so many seconds, on any node."""
    return bool(_counters.call("add", f"used:{_digest(name)}", True, seconds))


def record(door: str, result: str, **fields: Any) -> None:
    """Log and count one decision. Secrets and names as they were typed are left out."""
    level = logging.INFO if result in ("succeeded", "failed") else logging.WARNING
    log.log(level, "%s %s", door, result, extra=fields)
    metrics.access.labels(door, result).inc()
    if door == "sign_in":
        metrics.sign_ins.labels(result).inc()


def too_many(wait: float) -> TooManyAttempts:
    """Return the error, with the time in words."""
    minutes = math.ceil(wait / 60)
    if wait <= 60:
        return TooManyAttempts(
            "Too many attempts. Try again in {seconds} seconds.",
            seconds=math.ceil(wait),
            retry_after=wait,
        )
    return TooManyAttempts(
        "Too many attempts. Try again in {minutes} minutes.", minutes=minutes, retry_after=wait
    )


def client_address(request: HttpRequest) -> str:
    """Return the address as limits count it."""
    return network(request.META.get("REMOTE_ADDR", ""))


def network(raw: str) -> str:
    """Return an address as limits count it: of IPv6 the network of one household."""
    try:
        address = ipaddress.ip_address(raw)
    except ValueError:
        return UNKNOWN
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)


def _take(limit: Limit, key: str, taken: list[str]) -> float:
    """Count one attempt, and add its counter to ``taken``. Returns the seconds to wait instead."""
    now = time.time()
    if (until := _counters.call("get", _pause(key))) is not None and until > now:
        return float(until - now)
    counter, before = _windows(_count(key), now)
    if _counters.add(counter, 1) + _still_counting(before, now) <= limit.free:
        taken.append(counter)
        return 0.0
    _counters.add(counter, -1)
    counter, before = _windows(_pauses(key), now)
    so_far = int(_counters.call("get", counter, 0)) + _still_counting(before, now)
    length: float = min(limit.pause * 2**so_far, limit.longest)
    if not _counters.call("add", _pause(key), now + length, math.ceil(length)):
        return length  # another attempt at the same moment took the turn
    _counters.add(counter, 1)
    return 0.0


def _windows(name: str, now: float | None = None) -> tuple[str, str]:
    """Return the counters of a name for the current window and the one before."""
    number = int((time.time() if now is None else now) // WINDOW_SECONDS)
    return f"{name}:{number}", f"{name}:{number - 1}"


def _still_counting(counter: str, now: float) -> int:
    """Return what the counter of the window before adds now."""
    counted = int(_counters.call("get", counter, 0))
    return still_counting(counted, now % WINDOW_SECONDS / WINDOW_SECONDS)


def _count(key: str) -> str:
    return f"attempts:{key}"


def _pauses(key: str) -> str:
    return f"attempts:{key}:pauses"


def _pause(key: str) -> str:
    return f"attempts:{key}:until"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]
