"""Reads of the engine: heads, and pages made of all tables of a stream."""

import json
from collections.abc import Collection
from datetime import timedelta

from django.db import connection
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from realtime.core.streams import parse
from realtime.models import Epoch, Stream
from realtime.protocol.errors import Reset
from realtime.protocol.page import PAGE_MAX_EVENTS, Page, cut

# Ten head checks: what a change waits between its statement and its commit, except in a long
# transaction.
RECENT = timedelta(seconds=30)


def heads(names: Collection[str], *, recent: bool = False) -> dict[str, int]:
    """Return the heads of those streams that exist; with ``recent`` only of those that changed lately, by the database's clock.

    The names go as one parameter: with a placeholder for each of thousands, most of a head check was Django building the query.
    """
    is_among = (
        "name IN (SELECT value FROM json_each(%s))"
        if connection.vendor == "sqlite"
        else "name = ANY(%s)"
    )
    rows = Stream.objects.filter(RawSQL(is_among, [_list(names)], BooleanField()))  # noqa: S611  a placeholder only
    if recent:
        rows = rows.filter(changed_at__gte=Now() - RECENT)
    return dict(rows.values_list("name", "head"))


def head_and_floor(name: str) -> tuple[int, int]:
    """Return a stream's head and the position below which it cannot be continued; 0 and 0 where nothing has happened yet."""
    return Stream.objects.filter(name=name).values_list("head", "floor").first() or (0, 0)


def page(name: str, after: int, limit: int = PAGE_MAX_EVENTS) -> Page:
    """Read what changed in stream ``name`` after ``after``: the head first, then the rows of every source, cut at the head.

    Raises ``Reset`` for a position that cannot be continued from: above the head, or below the floor.
    """
    kind, ident = parse(name)
    head, floor = head_and_floor(name)
    if after > head:
        raise Reset(
            "Position {after} is above the head {head}; load a snapshot.", after=after, head=head
        )
    if after < floor:
        raise Reset(
            "Changes up to {floor} are no longer kept, and the position is {after}; load a snapshot.",
            floor=floor,
            after=after,
            head=head,
        )
    events = [event for source in kind.sources for event in source(ident, after, limit + 1)]
    return cut(events, after=after, head=head, limit=limit)


def epoch() -> str:
    """Return the name of this history."""
    return Epoch.objects.get_or_create(pk=1)[0].name


def _list(names: Collection[str]) -> object:
    return json.dumps(list(names)) if connection.vendor == "sqlite" else list(names)
