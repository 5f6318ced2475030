"""Pages are made head first, then rows, cut at the head.

Each part of the rule is needed: a reader without it ends in a wrong state.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from realtime.core import reads
from realtime.core.streams import StreamName, parse
from realtime.protocol.errors import Reset
from realtime.protocol.page import Page, cut
from tests.engine.ledger import Ledger

pytestmark = pytest.mark.django_db(transaction=True)

Read = Callable[[str, int], Page]
NAME = StreamName("ledger.1")


def misses_a_change(read: Read, ledger: Ledger) -> bool:
    """Whether a page moves a client past a change that it does not hold.

    One change of each table commits between the reads of the two tables.
    """
    after = reads.head_and_floor(NAME)[0]

    def change_both() -> None:
        ledger.commit(1, "row:2", "new", table=0)
        ledger.commit(1, "line:2", "new", table=1)

    ledger.between = change_both
    page = read(NAME, after)
    held = {event.key for event in page.events}
    return page.to >= after + 1 and "row:2" not in held


def start(ledger: Ledger) -> None:
    ledger.commit(1, "row:1", "first", table=0)
    ledger.commit(1, "line:1", "first", table=1)


def rows_of(name: str, after: int, tables: slice = slice(None)) -> list[Any]:
    kind, ident = parse(name)
    return [event for source in kind.sources[tables] for event in source(ident, after, 201)]


def head_last(name: str, after: int) -> Page:
    rows = rows_of(name, after)
    return cut(rows, after=after, head=reads.head_and_floor(name)[0])


def head_between(name: str, after: int) -> Page:
    early = rows_of(name, after, slice(0, 1))
    late = rows_of(name, after, slice(1, 2))  # the change happens before this table is read
    return cut([*early, *late], after=after, head=reads.head_and_floor(name)[0])


def uncut(name: str, after: int) -> Page:
    head = reads.head_and_floor(name)[0]
    rows = rows_of(name, after)
    to = max([head, *(event.seq for event in rows)])
    return cut(rows, after=after, head=to)


def test_a_reader_that_keeps_the_rule_misses_nothing(ledger: Ledger) -> None:
    start(ledger)
    assert not misses_a_change(reads.page, ledger)
    held = {
        event.key: msgspec.json.decode(event.body or b"null")["data"]["value"]
        for event in reads.page(NAME, 0).events
    }
    assert held == ledger.state(1)


@pytest.mark.parametrize("broken", [head_last, head_between, uncut])
def test_a_reader_without_one_part_of_the_rule_misses_a_change(
    ledger: Ledger, broken: Read
) -> None:
    start(ledger)
    assert misses_a_change(broken, ledger)


def test_a_position_above_the_head_or_below_the_floor_is_reset(ledger: Ledger) -> None:
    from realtime.models import Stream

    start(ledger)
    with pytest.raises(Reset) as above:
        reads.page(NAME, 3)
    assert above.value.data == {"head": 2}
    Stream.objects.filter(name=NAME).update(floor=1)
    with pytest.raises(Reset):
        reads.page(NAME, 0)
    assert reads.page(NAME, 1).to == 2
