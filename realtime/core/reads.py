"""Reads of the engine: heads, and pages made of all tables of a stream."""

import json
from collections.abc import Collection
from datetime import timedelta

from django.db import connection
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from realtime.core.streams import parse
from realtime.models import Epoch, Stream
from realtime.protocol.errors import Reset
from realtime.protocol.page import PAGE_MAX_EVENTS, REPLY_MAX_EVENTS, Page, cut

# Ten head checks. A change waits this long between its statement and its commit only in a very long
# transaction; the full check finds those.
RECENT = timedelta(seconds=30)


def heads(
    names: Collection[str], *, recent: bool = False, moved: Collection[str] = ()
) -> dict[str, int]:
    """Return the heads of the streams that exist; with ``recent``, of those changed recently.

    "Recently" is by the database's clock. ``moved`` are read all the same: a database that has gone
    back does not know that they changed. The names are one parameter: with thousands of
    placeholders, Django took most of a head check to build the query.
    """
    rows = Stream.objects.filter(_among(names))
    if recent:
        rows = rows.filter(Q(changed_at__gte=Now() - RECENT) | Q(_among(moved)))
    return dict(rows.values_list("name", "head"))


def head_and_floor(name: str) -> tuple[int, int]:
    """Return a stream's head and floor, the position below which it cannot be continued.

    Both are 0 for a stream that never changed.
    """
    return Stream.objects.filter(name=name).values_list("head", "floor").first() or (0, 0)


def changed_at(name: str) -> float | None:
    """Return when a stream last changed, as Unix time by the database's clock; None if never."""
    found = Stream.objects.filter(name=name).values_list("changed_at", flat=True).first()
    return None if found is None else found.timestamp()


def page(name: str, after: int, limit: int = PAGE_MAX_EVENTS) -> Page:
    """Read what changed in stream ``name`` after ``after``.

    The head is read first, then the rows of every source, cut at the head, then the floor: where
    it rose meanwhile, the queries may have missed rows that were removed. Raises ``Reset`` for a
    position above the head or below the floor, because it cannot be continued.
    """
    kind, ident = parse(name)
    head = _continued(name, after)
    events = [event for source in kind.sources for event in source(ident, after, limit + 1)]
    floor = head_and_floor(name)[1]
    _check_above(floor, after, head)
    return cut(events, after=after, head=head, limit=limit)._replace(floor=floor)


def newest_rows(name: str, after: int) -> Page:
    """Read the rows above ``after``, also those that change meanwhile and move above the head.

    At most ``REPLY_MAX_EVENTS`` of each table: ``to`` is below the head if there are more. For a
    comparison with memory; a client gets a ``page``. Raises ``Reset``.
    """
    kind, ident = parse(name)
    head = _continued(name, after)
    found = [list(source(ident, after, REPLY_MAX_EVENTS)) for source in kind.sources]
    _check_above(head_and_floor(name)[1], after, head)
    cuts = [rows[-1].seq for rows in found if len(rows) == REPLY_MAX_EVENTS]
    events = sorted((event for rows in found for event in rows), key=lambda event: event.seq)
    return Page(after, min([head, *cuts]), head, tuple(events))


def _continued(name: str, after: int) -> int:
    """Return the head of a stream that can be continued from ``after``."""
    head, floor = head_and_floor(name)
    if after > head:
        raise Reset(
            "Position {after} is above the head {head}; load a snapshot.", after=after, head=head
        )
    _check_above(floor, after, head)
    return head


def _check_above(floor: int, after: int, head: int) -> None:
    if after < floor:
        raise Reset(
            "Changes up to {floor} are no longer kept, but the position is {after}; "
            "load a snapshot.",
            floor=floor,
            after=after,
            head=head,
        )


def epoch() -> str:
    """Return the name of this history."""
    return Epoch.objects.get_or_create(pk=1)[0].name


def _among(names: Collection[str]) -> RawSQL:
    is_among = (
        "name IN (SELECT value FROM json_each(%s))"
        if connection.vendor == "sqlite"
        else "name = ANY(%s)"
    )
    return RawSQL(is_among, [_list(names)], BooleanField())  # noqa: S611  a placeholder only


def _list(names: Collection[str]) -> object:
    return json.dumps(list(names)) if connection.vendor == "sqlite" else list(names)
