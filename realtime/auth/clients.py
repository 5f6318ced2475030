"""Which client a request counts for, before anything is read: an account, or an address.

A session or token counts as its account once this process has seen it accepted. Everything else,
invented cookies and headers among it, counts as its address.
"""

import hashlib
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings

from realtime.protocol.user_ids import UserId

MAX_KNOWN: Final = 20_000  # credentials; some 3 MB
KNOWN_SECONDS: Final = 600.0
IPV6_PREFIX: Final = 64  # a household has one; counted as one address

SCOPE_KEY: Final = "holdfast.client"


@dataclass(slots=True)
class Client:
    """The client of one request."""

    user_id: UserId | None
    address: str | None  # None: unknown, behind a proxy that does not name it
    credential: bytes | None = None
    # Ends the admission of the request before its end, where it waits for something to happen.
    leave: Callable[[], None] | None = None

    @property
    def key(self) -> str:
        """The name that its requests share."""
        if self.user_id is not None:
            return f"user:{self.user_id}"
        return f"address:{self.address or 'unknown'}"

    @property
    def place(self) -> str | None:
        """The name that all requests of its address share; of an account, None if unknown."""
        if self.address is None and self.user_id is not None:
            return None
        return f"address:{self.address or 'unknown'}"

    def identified(self, user_id: UserId) -> None:
        """Remember that the credential of this request is one of this account."""
        if self.credential is not None:
            known_credentials.remember(self.credential, user_id)


class KnownCredentials:
    """Digests of credentials that were accepted, and their accounts. Threads may share it."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[int, float]] = OrderedDict()

    def remember(self, credential: bytes, user_id: UserId) -> None:
        """Note an accepted credential."""
        self._known[credential] = (user_id, time.monotonic() + KNOWN_SECONDS)
        while len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)

    def user_id(self, credential: bytes) -> UserId | None:
        """Return the account, or None if the credential is unknown or was seen too long ago."""
        user_id, until = self._known.get(credential, (None, 0.0))
        return user_id if until > time.monotonic() else None


known_credentials: Final = KnownCredentials()  # of this process


def client_of(scope: Mapping[str, Any]) -> Client:
    """Return the client of an ASGI scope."""
    credential = _credential(scope["headers"])
    user_id = known_credentials.user_id(credential) if credential is not None else None
    return Client(user_id, _address(scope.get("client")), credential)


def _credential(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Return the digest of what a request is identified by: the token first, as ``accounts``."""
    session = None
    name = settings.SESSION_COOKIE_NAME.encode() + b"="
    for key, value in headers:
        if key == b"authorization" and value[:7].lower() == b"bearer ":
            return _digest(b"token:", value[7:].strip())
        if key == b"cookie":
            for part in value.split(b";"):
                if part.strip().startswith(name):
                    session = _digest(b"session:", part.strip()[len(name) :])
    return session


def _digest(kind: bytes, secret: bytes) -> bytes:
    return hashlib.blake2b(kind + secret, digest_size=16).digest()


def _address(client: Any) -> str | None:
    try:
        address = ipaddress.ip_address(str(client[0]))
    except (TypeError, ValueError):
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)
