"""Frames: what a client sent, as a dict; what it is sent, as the bytes of one JSON object (protocol.md §2 to §4).

The encoders are the hot path. The body of an event is encoded once, where it is made, and copied as it is; around it only fixed prefixes
are put together. Keys come in the order of protocol.md's examples.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from realtime.protocol.errors import BadRequest, HoldfastError
from realtime.protocol.jsontext import INT_MAX, INT_MIN, MAX_DEPTH, SAFE_DIGITS, NotJson, fits, scan
from realtime.protocol.page import Event, Page

Id = int | msgspec.Raw
"""The id of a command: Raw where it is beyond 64 bits, so that it can be repeated digit by digit."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_large_integer = re.compile(rf"[0-9]{{{SAFE_DIGITS + 1}}}").search


class BadFrame(Exception):
    """Nothing that could be answered: the socket is closed with 4500."""


class Unreadable(Exception):
    """An object with an integer id that cannot be carried on; it is answered with ``error``."""

    def __init__(self, ident: Id, error: HoldfastError) -> None:
        super().__init__(error.message)
        self.id = ident
        self.error = error


# What a client sent


def decode(text: str | bytes) -> dict[str, Any]:
    """Return the object that a client sent; its ``id`` is an ``Id``, its other numbers fit into 64 bits, its strings can be stored.

    Raises ``BadFrame`` for anything but an object with an integer ``id``, ``Unreadable`` for one with an integer id and something that
    cannot be carried on.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode()
        found = _decode(text)
    except UnicodeError as error:
        raise BadFrame("this is no UTF-8") from error
    except (msgspec.MsgspecError, RecursionError):
        return _decode_slowly(text)  # type: ignore[arg-type]
    if type(found) is not dict or type(found.get("id")) is not int:
        raise BadFrame("expected a JSON object with an integer id")
    if _is_plain(found, text):
        return found
    return _decode_slowly(text)


def _is_plain(found: dict[str, Any], text: str) -> bool:
    """Whether nothing in the object can be wrong. Few objects hold others, so those are looked at as text."""
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
        seen = scan(text)
    except NotJson as error:
        raise BadFrame(str(error)) from error
    if seen.id_at is None:
        raise BadFrame("expected a JSON object with an integer id")
    digits = seen.tokens[seen.id_at]
    ident = int(digits) if fits(digits) else msgspec.Raw(digits.encode())
    if seen.problem is not None:
        raise Unreadable(ident, BadRequest(seen.problem))
    found: dict[str, Any] = _decode(seen.with_id(seen.id_at, "0"))
    found["id"] = ident
    return found


# What a client is sent


def hello(
    connection: str,
    node: str,
    version: str,
    user: Mapping[str, Any],
    epoch: str,
    ping_after: float,
    heads: Mapping[str, int],
) -> bytes:
    """Encode the first object on a socket. ``user`` has id, username and name; ``ping_after`` is in seconds.

    ``version`` is that of the server's program; clients show it and never decide by it.
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
        }
    )


def reply(ident: Id, data: Any) -> bytes:
    """Encode the answer to a command that was carried out."""
    return _reply(ident, _encode(data))


def refusal(ident: Id, error: HoldfastError) -> bytes:
    """Encode the answer to a command that was not carried out."""
    return b'{"type":"reply","id":%b,"ok":false,"error":%b}' % (
        _encode(ident),
        _encode(error.as_object()),
    )


def subscribed(ident: Id, pages: Mapping[str, Page], errors: Mapping[str, HoldfastError]) -> bytes:
    """Encode the answer to ``subscribe``: a page or an error for each stream."""
    found = b",".join(
        [_encode(stream) + b":" + page_body(stream, page) for stream, page in pages.items()]
    )
    refused = _encode({stream: error.as_object() for stream, error in errors.items()})
    return _reply(ident, b'{"pages":{%b},"errors":%b}' % (found, refused))


def pulled(ident: Id, stream: str, page: Page) -> bytes:
    """Encode the answer to ``pull``."""
    return _reply(ident, page_body(stream, page))


def event(stream: str, event: Event) -> bytes:
    """Encode an event for level subscribers. Raises ``ValueError`` for a hidden one, which nobody is shown."""
    if event.body is None:
        raise ValueError(f"expected an event with a body, got the hidden {event.key}")
    return b'{"type":"event","stream":%b,%b' % (_encode(stream), event.body[1:])


def page(stream: str, page: Page) -> bytes:
    """Encode a page that is pushed."""
    return b'{"type":"page",' + page_body(stream, page)[1:]


def page_body(stream: str, page: Page) -> bytes:
    """Encode a page as it stands in replies and HTTP answers: without a type, and without the hidden events."""
    events = b",".join([event.body for event in page.events if event.body is not None])
    return b'{"stream":%b,"from":%d,"to":%d,"head":%d,"events":[%b]}' % (
        _encode(stream),
        page.start,
        page.to,
        page.head,
        events,
    )


def behind(stream: str, head: int) -> bytes:
    """Encode the word that a subscription has stopped being level."""
    return b'{"type":"behind","stream":%b,"head":%d}' % (_encode(stream), head)


def signal(stream: str, kind: str, data: Mapping[str, Any]) -> bytes:
    """Encode something ephemeral."""
    return b'{"type":"signal","stream":%b,"kind":%b,"data":%b}' % (
        _encode(stream),
        _encode(kind),
        _encode(data),
    )


def closed(stream: str, reason: str) -> bytes:
    """Encode the end of a subscription that the server has ended."""
    return b'{"type":"closed","stream":%b,"reason":%b}' % (_encode(stream), _encode(reason))


def bye(reason: str, retry_after: float | None) -> bytes:
    """Encode the last object before a close on purpose. ``retry_after``: seconds until this client's slot; None where it has none."""
    slot = b"" if retry_after is None else b',"retry_after":%b' % _encode(round(retry_after, 3))
    return b'{"type":"bye","reason":%b%b}' % (_encode(reason), slot)


def joined(objects: Sequence[bytes]) -> bytes:
    """Put objects into one frame: a single one as it is, several as an array, to be handled in order."""
    return objects[0] if len(objects) == 1 else b"[%b]" % b",".join(objects)


def _reply(ident: Id, data: bytes) -> bytes:
    return b'{"type":"reply","id":%b,"ok":true,"data":%b}' % (_encode(ident), data)
