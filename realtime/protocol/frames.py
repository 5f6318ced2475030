"""Frames: requests as dicts, and what the server sends as the bytes of one JSON object.

docs/protocol.md describes both. The encoders are the hot path: the body of an event is encoded
once, where it is made, and copied unchanged; only fixed prefixes are put around it. Keys come in
the order of the examples in the protocol.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from realtime.protocol import strict_json
from realtime.protocol.errors import BadRequest, HoldfastError
from realtime.protocol.page import Event, Page
from realtime.protocol.strict_json import INT_MAX, INT_MIN, MAX_DEPTH, SAFE_DIGITS

Id = int | msgspec.Raw
"""The id of a command: Raw beyond 64 bits, so that it can be repeated digit by digit."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_large_integer = re.compile(rf"[0-9]{{{SAFE_DIGITS + 1}}}").search


class BadFrame(Exception):
    """A frame that cannot be answered: the socket is closed with 4500."""


class Unreadable(Exception):
    """An object with an integer id, and with a value that cannot be represented."""

    def __init__(self, ident: Id, error: HoldfastError) -> None:
        super().__init__(error.message)
        self.id = ident
        self.error = error


# Requests


def decode(text: str | bytes) -> dict[str, Any]:
    """Return the object that a client sent.

    Its ``id`` is an ``Id``, its other numbers fit into 64 bits, and its strings can be stored.
    Raises ``BadFrame`` for anything but an object with an integer ``id``, and ``Unreadable`` for an
    object with an integer id and a value that cannot be represented.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode()
        found = _decode(text)
    except UnicodeError as error:
        raise BadFrame("expected UTF-8") from error
    except (msgspec.MsgspecError, RecursionError):
        return _decode_slowly(text)  # type: ignore[arg-type]
    if type(found) is not dict or type(found.get("id")) is not int:
        raise BadFrame("expected a JSON object with an integer id")
    if _is_plain(found, text):
        return found
    return _decode_slowly(text)


def _is_plain(found: dict[str, Any], text: str) -> bool:
    """Whether nothing in the object can be wrong.

    Nested values are rare: they are checked as text.
    """
    if "\\u0000" in text:
        return False
    for value in found.values():
        kind = type(value)
        if kind is int and not INT_MIN <= value <= INT_MAX:
            return False
        if kind is dict or kind is list:
            return not _large_integer(text) and text.count("[") + text.count("{") <= MAX_DEPTH
    return True


def _decode_slowly(text: str) -> dict[str, Any]:
    try:
        parsed = strict_json.parse(text)
    except strict_json.NotJson as error:
        raise BadFrame(str(error)) from error
    ident = int(parsed.id) if strict_json.fits(parsed.id) else msgspec.Raw(parsed.id.encode())
    if parsed.problem is not None:
        raise Unreadable(ident, BadRequest(parsed.problem))
    return {**parsed.fields, "id": ident}


# Frames of the server


def hello(
    connection: str,
    node: str,
    version: str,
    user: Mapping[str, Any],
    epoch: str,
    ping_after: float,
    heads: Mapping[str, int],
    now: str,
) -> bytes:
    """Encode the first object. ``user``: id, username, name; ``ping_after``: in seconds.

    ``now`` is the server's time, in ISO 8601: the clocks of clients may be wrong.

    ``version`` is the version of the server. Clients may show it; no client decides by it.
    """
    return _encode(
        {
            "type": "hello",
            "connection": connection,
            "node": node,
            "version": version,
            "user": user,
            "epoch": epoch,
            "ping_after": ping_after,
            "heads": heads,
            "now": now,
        }
    )


def reply(ident: Id, data: Any) -> bytes:
    """Encode the reply to a command that succeeded."""
    return _reply(ident, _encode(data))


def refusal(ident: Id, error: HoldfastError) -> bytes:
    """Encode the reply to a command that failed."""
    return b'{"type":"reply","id":%b,"ok":false,"error":%b}' % (
        _encode(ident),
        _encode(error.as_object()),
    )


def subscribed(ident: Id, pages: Mapping[str, Page], errors: Mapping[str, HoldfastError]) -> bytes:
    """Encode the reply to ``subscribe``: a page or an error for each stream."""
    found = b",".join(
        [_encode(stream) + b":" + page_body(stream, page) for stream, page in pages.items()]
    )
    refused = _encode({stream: error.as_object() for stream, error in errors.items()})
    return _reply(ident, b'{"pages":{%b},"errors":%b}' % (found, refused))


def pulled(ident: Id, stream: str, page: Page) -> bytes:
    """Encode the reply to ``pull``."""
    return _reply(ident, page_body(stream, page))


def event(stream: str, event: Event) -> bytes:
    """Encode an event for level subscribers. Raises ``ValueError`` for a hidden one."""
    if event.body is None:
        raise ValueError(f"expected an event with a body, got the hidden {event.key}")
    return b'{"type":"event","stream":%b,%b' % (_encode(stream), event.body[1:])


def page(stream: str, page: Page) -> bytes:
    """Encode a page that the client did not ask for."""
    return b'{"type":"page",' + page_body(stream, page)[1:]


def page_body(stream: str, page: Page) -> bytes:
    """Encode a page as in replies and HTTP responses: no type, no hidden events."""
    events = b",".join([event.body for event in page.events if event.body is not None])
    return b'{"stream":%b,"from":%d,"to":%d,"head":%d,"events":[%b]}' % (
        _encode(stream),
        page.start,
        page.to,
        page.head,
        events,
    )


def behind(stream: str, head: int) -> bytes:
    """Encode the notice that a subscription is no longer level."""
    return b'{"type":"behind","stream":%b,"head":%d}' % (_encode(stream), head)


def signal(stream: str, kind: str, data: Mapping[str, Any]) -> bytes:
    """Encode an ephemeral signal, such as typing."""
    return b'{"type":"signal","stream":%b,"kind":%b,"data":%b}' % (
        _encode(stream),
        _encode(kind),
        _encode(data),
    )


def closed(stream: str, reason: str) -> bytes:
    """Encode the end of a subscription by the server."""
    return b'{"type":"closed","stream":%b,"reason":%b}' % (_encode(stream), _encode(reason))


def bye(reason: str, retry_after: float | None) -> bytes:
    """Encode the last object before an intended close; ``retry_after`` is in seconds."""
    slot = b"" if retry_after is None else b',"retry_after":%b' % _encode(round(retry_after, 3))
    return b'{"type":"bye","reason":%b%b}' % (_encode(reason), slot)


def joined(objects: Sequence[bytes]) -> bytes:
    """Join objects into one frame: one as it is, several as an array to be handled in order."""
    return objects[0] if len(objects) == 1 else b"[%b]" % b",".join(objects)


def _reply(ident: Id, data: bytes) -> bytes:
    return b'{"type":"reply","id":%b,"ok":true,"data":%b}' % (_encode(ident), data)
