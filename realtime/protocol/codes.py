"""Close codes of a WebSocket (docs/protocol.md).

With 4000 to 4499, and the codes of RFC 6455, the client reconnects. With 4500 to 4999 it stops and
shows the reason.
"""

from enum import IntEnum


class CloseCode(IntEnum):
    """Why the server closes a socket."""

    TOO_BIG = 1009
    RESTART = 1012
    OVERLOADED = 1013
    UNRESPONSIVE = 4001
    FLOODED = 4002
    TOO_SLOW = 4003
    BAD_FRAME = 4500
    NOT_AUTHENTICATED = 4501
    SESSION_ENDED = 4502
    BANNED = 4503
    TOO_MANY_CONNECTIONS = 4504

    @property
    def reason(self) -> str:
        """Text for a person; at most 123 bytes, which fit into a close frame (RFC 6455 §5.5)."""
        return _REASONS[self]


_REASONS = {
    CloseCode.TOO_BIG: "message too large",
    CloseCode.RESTART: "server restarting",
    CloseCode.OVERLOADED: "server overloaded",
    CloseCode.UNRESPONSIVE: "no response to pings",
    CloseCode.FLOODED: "too many commands",
    CloseCode.TOO_SLOW: "client too slow",
    CloseCode.BAD_FRAME: "expected a JSON object with an integer id",
    CloseCode.NOT_AUTHENTICATED: "authentication required",
    CloseCode.SESSION_ENDED: "session ended",
    CloseCode.BANNED: "account banned",
    CloseCode.TOO_MANY_CONNECTIONS: "too many connections for this account",
}
