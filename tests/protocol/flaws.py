"""Flaws: each removes one of the rules."""

from collections.abc import Callable, Iterable

import pytest

from realtime.protocol import tail
from realtime.protocol.delivery import Delivery, DeliveryState
from realtime.protocol.page import Event, Page
from realtime.protocol.tail import Ingested, Tail
from tests.protocol.database import TABLES, Read

Flaw = Callable[[pytest.MonkeyPatch], None]

FLAWS: list[Flaw] = []


def flaw(found: Flaw) -> Flaw:
    FLAWS.append(found)
    return found


@flaw
def without_the_cut_at_the_head(patch: pytest.MonkeyPatch) -> None:
    def keep_all(rows: Iterable[Event], *, after: int, head: int, limit: int) -> Page:
        kept = sorted(rows)[:limit]
        to = kept[-1].seq if len(kept) == limit else max([head, *(event.seq for event in kept)])
        return Page(after, to, max(head, to), tuple(kept))

    patch.setattr(Read, "cut", staticmethod(keep_all))


@flaw
def with_the_head_read_last(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Read, "order", (*TABLES, "head", "floor"))


@flaw
def with_the_floor_read_before_the_rows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Read, "order", ("head", "floor", *TABLES))


@flaw
def without_merging_the_tables(patch: pytest.MonkeyPatch) -> None:
    def first_come(rows: Iterable[Event], *, after: int, head: int, limit: int) -> Page:
        kept = sorted([event for event in rows if event.seq <= head][:limit])
        return Page(after, kept[-1].seq if len(kept) == limit else head, head, tuple(kept))

    patch.setattr(Read, "cut", staticmethod(first_come))


@flaw
def without_a_floor_where_rows_were_evicted(patch: pytest.MonkeyPatch) -> None:
    evict = Tail._evict

    def evict_silently(self: Tail) -> None:
        floor = self.floor
        evict(self)
        self.floor = floor

    patch.setattr(Tail, "_evict", evict_silently)


@flaw
def without_repairing_a_hole(patch: pytest.MonkeyPatch) -> None:
    def append_whatever_comes(self: Tail, event: Event) -> Ingested:
        if event.seq <= self.position:
            return Ingested.OLD
        self._append(event, known=True)
        return Ingested.APPENDED

    patch.setattr(Tail, "ingest", append_whatever_comes)


@flaw
def without_leaving_replaced_rows_out_of_an_answer(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tail, "_is_replaced", lambda self, event: False)


@flaw
def without_forgetting_what_was_replaced(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Tail,
        "_forget_before",
        lambda self, event: self._rows.pop(event.key, None) if event.seq == self.position else None,
    )


@flaw
def without_looking_at_what_came_early(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tail, "_newer", lambda events, than: False)


@flaw
def without_reading_again_what_is_older_than_the_unknown(patch: pytest.MonkeyPatch) -> None:
    answer = Tail.answer

    def answer_anyway(self: Tail, page: Page) -> Page | None:
        unknown, self._unknown = self._unknown, 0
        found = answer(self, page)
        self._unknown = unknown
        return found

    patch.setattr(Tail, "answer", answer_anyway)


@flaw
def without_an_overflow_where_the_unflushed_was_evicted(patch: pytest.MonkeyPatch) -> None:
    take_flush = Tail.take_flush

    def take_anyway(self: Tail) -> tail.Flush | None:
        floor, self.floor = self.floor, 0
        found = take_flush(self)
        self.floor = floor
        return found

    patch.setattr(Tail, "take_flush", take_anyway)


@flaw
def with_everybody_level_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Delivery,
        "answered",
        lambda self, stream, page: self.subscriptions.update({stream: DeliveryState.LEVEL}),
    )


@flaw
def without_falling_behind_where_a_flush_was_skipped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Delivery, "fall", lambda self, stream: None)


@flaw
def without_telling_those_who_fell(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Delivery, "drained", lambda self, unsent: [])


@flaw
def without_dropping_what_the_database_has_removed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tail, "_raise_floor", lambda self, floor: None)
