"""Events and pages: what changed in a stream, and the rule that makes one page of several tables.

*Head first, then rows, cut at the head.* A page is made of several tables, and every query sees a
later moment than the one before it. So the reader takes the head H first, then the rows of each
table with ``after < seq``. This module drops those above H, merges by ``seq`` and cuts at the page
size.
"""

from collections.abc import Iterable
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

import msgspec

_encode = msgspec.json.Encoder().encode

PAGE_MAX_EVENTS = 200  # protocol.md §3: a page holds at most 200 events
REPLY_MAX_EVENTS = 1000  # protocol.md §3: and a reply at most 1000
PAGE_MAX_BYTES = 256 * 1024  # keeps a frame far below the 1 MiB at which Daphne refuses to send


Key: TypeAlias = object
"""The key of a row: anything that `str` makes a text of."""


class AccessEnd(NamedTuple):
    """A right that an event takes away: whose, and what happens to the sockets that used it.

    With ``code`` the matching sockets are closed; without it only their subscription to the event's
    stream ends.
    """

    user: Any  # the key of a user; None: every user
    # Only the sockets that were opened with this session or token; None: all of the user's.
    credential: str | None
    code: int | None  # a close code, or None to end one subscription
    reason: str  # `closed.reason` or the reason of the close frame


class Event(NamedTuple):
    """The newest state of one row of a stream, as of ``seq``; immutable, encoded once."""

    seq: int
    # The row, for example "message:90210": a newer event of the same key replaces this one.
    key: str
    # The JSON object {"seq":…,"kind":…,"data":{…}}. None: moves the position, is sent to no one.
    body: bytes | None
    end: AccessEnd | None = None
    # Above 0: with this change, the rows up to this number were removed (docs/protocol.md §4).
    floor: int = 0

    @classmethod
    def of(
        cls, kind: str, ident: Key, seq: int, data: dict[str, Any], *, end: AccessEnd | None = None
    ) -> "Event":
        """Encode the row ``kind:ident`` in the state ``data``."""
        return cls(seq, f"{kind}:{ident}", _encode({"seq": seq, "kind": kind, "data": data}), end)

    @classmethod
    def hidden(cls, kind: str, ident: Key, seq: int, *, end: AccessEnd | None = None) -> "Event":
        """Make an event that no client sees: it takes a number and may end subscriptions."""
        return cls(seq, f"{kind}:{ident}", None, end)

    @classmethod
    def raised_floor(cls, seq: int, floor: int) -> "Event":
        """Make the hidden event of a floor that rises: every tail drops what it has up to there."""
        return cls(seq, "floor", None, floor=floor)


class Page(NamedTuple):
    """The changes in ``(start, to]``, in ``seq`` order.

    With ``to == head`` its reader is level.
    """

    start: int  # `from` on the wire
    to: int
    head: int
    events: tuple[Event, ...]
    floor: int = 0  # of the stream, when the page was read from the database

    def raised(self, head: int) -> "Page":
        """Return the page with a head of at least ``head``: a tail may be ahead of the query."""
        return self if head <= self.head else self._replace(head=head)


_seq = itemgetter(0)


def cut(
    events: Iterable[Event],
    *,
    after: int,
    head: int,
    limit: int = PAGE_MAX_EVENTS,
    max_bytes: int = PAGE_MAX_BYTES,
) -> Page:
    """Make a page of rows that were read after ``head`` was.

    ``events`` holds, for every table, all rows with ``seq > after``, or at least its first
    ``limit + 1``. ``limit`` bounds the number of events and ``max_bytes`` their encoded size; a
    single event larger than that still makes a page.
    """
    kept: list[Event] = []
    size = 0
    for event in sorted((event for event in events if after < event.seq <= head), key=_seq):
        size += len(event.body or b"")
        if len(kept) == limit or (kept and size > max_bytes):
            return Page(after, kept[-1].seq, head, tuple(kept))
        kept.append(event)
    return Page(after, head, head, tuple(kept))
