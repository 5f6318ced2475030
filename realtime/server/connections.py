"""The TCP connections of a node: how many an address has, and how long a request takes to arrive.

Twisted's timeout is one of silence: a client that sends a byte every ten seconds is never silent
for long.
"""

import ipaddress
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from django.conf import settings
from twisted.web.http import HTTPChannel

from realtime.core import metrics

_Channel: Any = HTTPChannel  # half of it has types, and the other half none
TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Connections:
    """The open connections of this process."""

    def __init__(self) -> None:
        self._of_address: Counter[str] = Counter()
        self._addresses: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
        # Channels on which a request is arriving, and since when, the oldest first.
        self._arriving: dict[RequestChannel, float] = {}
        self._closing: set[RequestChannel] = set()

    def opened(self, transport: Any, address: str) -> bool:
        """Count a connection. Returns False if the address has too many."""
        if self._of_address[address] >= settings.HOLDFAST_CONNECTIONS_PER_ADDRESS:
            metrics.refusals.labels("connections_of_address").inc()
            return False
        self._of_address[address] += 1
        self._addresses[transport] = address
        return True

    def closed(self, transport: Any) -> None:
        """Stop counting a connection."""
        address = self._addresses.pop(transport, None)
        if address is None:
            return
        self._of_address[address] -= 1
        if self._of_address[address] <= 0:
            del self._of_address[address]

    def arriving(self, channel: "RequestChannel") -> None:
        """Note that a request begins to arrive, unless one already does."""
        self._arriving.setdefault(channel, time.monotonic())

    def arrived(self, channel: "RequestChannel") -> None:
        """Note that nothing of a request is missing, or that the connection is gone."""
        self._arriving.pop(channel, None)
        self._closing.discard(channel)

    def end_late(self) -> None:
        """Close the connections whose request takes too long; cut those that stay open."""
        for channel in list(self._closing):
            self._closing.discard(channel)
            channel.transport.abortConnection()
        late = time.monotonic() - settings.HOLDFAST_REQUEST_SECONDS
        for channel, since in list(self._arriving.items()):
            if since > late:
                break
            del self._arriving[channel]
            self._closing.add(channel)
            metrics.refusals.labels("request_seconds").inc()
            channel.transport.write(TOO_SLOW)
            channel.transport.loseConnection()

    def forgive(self, seconds: float) -> None:
        """Ignore a time in which this process did not run."""
        for channel in self._arriving:
            self._arriving[channel] += seconds


connections: Final = Connections()


class RequestChannel(_Channel):
    """The HTTP side of one connection, until it becomes a WebSocket."""

    def connectionMade(self) -> None:
        """Begin with the deadline of the first request."""
        super().connectionMade()
        peer = self.transport.getPeer()
        host = getattr(peer, "host", None)
        if host is None or trusted_peer([host]) or connections.opened(self.transport, str(host)):
            connections.arriving(self)
        else:
            self.transport.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        """Receive a part of a request; the deadline ends with its last byte."""
        if not self._handlingRequest:
            connections.arriving(self)
        super().dataReceived(data)
        if self._handlingRequest:
            connections.arrived(self)

    def connectionLost(self, reason: Any) -> None:
        """Forget a connection that is no WebSocket."""
        connections.arrived(self)
        connections.closed(self.transport)
        super().connectionLost(reason)


def trusted_peer(client: Sequence[Any] | None) -> bool:
    """Return whether a connection comes from a trusted proxy.

    A Unix socket has no address; only the proxy can open it.
    """
    if client is None:
        return True
    address = ipaddress.ip_address(str(client[0]).partition("%")[0])
    return any(address in network for network in settings.HOLDFAST_TRUSTED_PROXIES)
