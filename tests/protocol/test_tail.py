"""The tail of a stream: what it keeps, what it lets go, and what it never sends again."""

import pytest

from realtime.protocol import tail as tail_module
from realtime.protocol.page import AccessEnd, Event, Page
from realtime.protocol.tail import EARLY_MAX_EVENTS, Flush, Ingested, Tail


def message(
    seq: int, ident: int | None = None, text: str = "hello", *, end: AccessEnd | None = None
) -> Event:
    return Event.of("message", ident or seq, seq, {"text": text}, end=end)


def hidden(seq: int) -> Event:
    return Event.hidden("revocation", seq, seq)


def page(start: int, *events: Event, to: int | None = None, head: int | None = None) -> Page:
    """A page as it was read; by default its last event is the head."""
    to = events[-1].seq if to is None else to
    return Page(start, to, to if head is None else head, events)


def filled(
    *events: Event, position: int = 0, max_events: int = 512, max_bytes: int = 512 * 1024
) -> Tail:
    tail = Tail(position, max_events=max_events, max_bytes=max_bytes)
    for event in events:
        assert tail.ingest(event) is Ingested.APPENDED
    return tail


def seqs(found: Page | Flush | None) -> list[int]:
    assert found is not None
    return [event.seq for event in found.events]


class TestIngest:
    def test_the_next_event_is_appended(self) -> None:
        tail = Tail(7)
        assert tail.ingest(message(8)) is Ingested.APPENDED
        assert (tail.position, tail.floor, tail.has_gap) == (8, 7, False)

    def test_a_repeat_changes_nothing(self) -> None:
        tail = filled(message(1), message(2))
        assert tail.ingest(message(1)) is Ingested.OLD
        assert seqs(tail.resume(0)) == [1, 2]

    def test_publications_that_cross_cost_no_read(self) -> None:
        tail = Tail(0)
        assert tail.ingest(message(2)) is Ingested.EARLY
        assert (tail.position, tail.has_gap) == (0, True)
        assert tail.ingest(message(1)) is Ingested.APPENDED
        assert (tail.position, tail.has_gap) == (2, False)
        assert seqs(tail.resume(0)) == [1, 2]

    def test_an_early_event_that_comes_twice_counts_once(self) -> None:
        tail = Tail(0)
        tail.ingest(message(2))
        assert tail.ingest(message(2)) is Ingested.EARLY
        tail.ingest(message(1))
        assert seqs(tail.resume(0)) == [1, 2]

    def test_a_newer_change_of_a_row_replaces_the_older_and_moves_no_floor(self) -> None:
        tail = filled(message(1, 5, "typo"), message(2), message(3, 5, "fixed"))
        assert seqs(tail.resume(0)) == [2, 3]
        assert tail.floor == 0

    def test_few_rows_cover_many_changes(self) -> None:
        tail = filled(*[message(seq, 1 + seq % 2) for seq in range(1, 1001)], max_events=2)
        assert tail.floor == 0
        assert seqs(tail.resume(0)) == [999, 1000]


class TestBounds:
    def test_the_oldest_row_is_evicted_and_the_floor_is_where_it_was(self) -> None:
        tail = filled(message(1), message(2), message(3), message(4), max_events=2)
        assert tail.floor == 2
        assert tail.resume(1) is None
        assert seqs(tail.resume(2)) == [3, 4]

    def test_bytes_are_bounded_too(self) -> None:
        size = len(message(1).body or b"")
        tail = filled(message(1), message(2), message(3), max_bytes=2 * size)
        assert tail.floor == 1

    def test_a_row_that_was_replaced_counts_no_more(self) -> None:
        size = len(message(1).body or b"")
        tail = filled(message(1), *[message(seq, 9) for seq in range(2, 9)], max_bytes=2 * size)
        assert tail.floor == 0

    def test_one_event_that_is_larger_than_everything_is_not_kept(self) -> None:
        tail = filled(message(1), message(2, text="x" * 1000), max_bytes=500)
        assert (tail.position, tail.floor) == (2, 2)
        assert tail.resume(2) == Page(2, 2, 2, ())

    def test_early_events_are_bounded(self) -> None:
        tail = Tail(0)
        for seq in range(2, EARLY_MAX_EVENTS + 10):
            tail.ingest(message(seq))
        tail.repair(page(0, message(1), head=EARLY_MAX_EVENTS + 9))
        assert tail.position == EARLY_MAX_EVENTS + 1
        assert tail.has_gap

    def test_early_bytes_are_bounded(self) -> None:
        tail = Tail(0, max_bytes=500)
        for seq in (2, 3, 4):
            tail.ingest(message(seq, text="x" * 200))
        tail.repair(page(0, message(1), head=4))
        assert (tail.position, tail.has_gap) == (3, True)


class TestRepair:
    def test_a_hole_is_filled_and_what_came_early_follows(self) -> None:
        tail = filled(message(1))
        tail.ingest(message(4))
        assert tail.repair(page(1, message(2), message(3))) == [message(2), message(3), message(4)]
        assert (tail.position, tail.has_gap) == (4, False)

    def test_what_was_heard_while_the_page_was_read_is_not_new(self) -> None:
        tail = filled(message(1), message(2))
        assert tail.repair(page(0, message(1), message(2), message(3))) == [message(3)]

    def test_a_page_of_old_news_changes_nothing(self) -> None:
        tail = filled(message(1), message(2))
        assert tail.repair(page(0, message(1))) == []
        assert tail.position == 2

    def test_a_page_with_holes_moves_to_its_end(self) -> None:
        tail = filled(message(1))
        tail.ingest(message(3))  # row 3 changes again, further on, before the page is read
        assert tail.repair(page(1, message(2), to=5, head=5)) == [message(2)]
        assert (tail.position, tail.has_gap) == (5, False)
        assert seqs(tail.resume(1)) == [2]

    def test_a_page_that_was_cut_leaves_the_rest_for_the_next(self) -> None:
        tail = filled(message(1))
        tail.ingest(message(9))
        tail.repair(page(1, message(2), message(4), head=9))
        assert (tail.position, tail.has_gap) == (4, True)

    def test_a_right_that_ended_in_the_hole_is_returned(self) -> None:
        end = AccessEnd(7, None, None, "removed")
        assert [
            event.end for event in Tail(0).repair(page(0, message(1), message(2, end=end)))
        ] == [None, end]

    def test_a_page_that_would_leave_a_hole_is_a_mistake(self) -> None:
        with pytest.raises(ValueError, match="from 1 or below"):
            filled(message(1)).repair(page(2, message(3)))

    def test_a_jump_gives_up_the_contents(self) -> None:
        tail = filled(message(1), message(2))
        tail.ingest(message(101))
        tail.jump(100)
        assert (tail.position, tail.floor, tail.has_gap) == (101, 100, False)
        assert tail.resume(2) is None
        assert seqs(tail.resume(100)) == [101]

    def test_nobody_jumps_back(self) -> None:
        tail = filled(message(1), message(2))
        tail.jump(1)
        assert (tail.position, tail.floor) == (2, 2)


class TestResume:
    def test_bob_gets_what_he_missed_from_memory(self) -> None:
        tail = filled(message(1), message(2), message(3))
        assert tail.resume(1) == page(1, message(2), message(3))

    def test_bob_has_missed_nothing(self) -> None:
        assert filled(message(1)).resume(1) == Page(1, 1, 1, ())

    def test_a_long_page_is_cut(self) -> None:
        found = filled(*[message(seq) for seq in range(1, 6)]).resume(0, limit=2)
        assert found == page(0, message(1), message(2), head=5)

    def test_a_heavy_page_is_cut(self) -> None:
        found = filled(message(1), message(2)).resume(0, max_bytes=1)
        assert found == page(0, message(1), head=2)

    def test_a_position_above_the_tail_is_a_mistake(self) -> None:
        with pytest.raises(ValueError, match="at most 1"):
            filled(message(1)).resume(2)


class TestAnswer:
    """A page that was read from the database, at the moment at which it is sent."""

    def test_its_head_is_the_position_where_the_tail_is_ahead(self) -> None:
        tail = filled(message(1), message(2), message(3))
        assert tail.answer(page(0, message(1))) == page(0, message(1), head=3)

    def test_a_text_that_was_deleted_while_it_was_read_is_left_out(self) -> None:
        tail = filled(message(1, 5, "secret"), message(2))
        read = page(0, message(1, 5, "secret"), message(2))
        tail.ingest(message(3, 5, ""))
        assert tail.answer(read) == page(0, message(2), head=3)

    def test_a_deletion_that_came_early_counts_too(self) -> None:
        tail = filled(message(1, 5, "secret"), message(2))
        read = page(0, message(1, 5, "secret"), message(2))
        tail.ingest(message(4, 5, ""))
        assert tail.answer(read) == page(0, message(2))

    def test_it_is_read_again_when_what_changed_was_evicted_meanwhile(self) -> None:
        tail = filled(message(1, 5, "secret"), max_events=2)
        read = page(0, message(1, 5, "secret"))
        for event in (message(2, 5, ""), message(3), message(4)):
            tail.ingest(event)
        assert tail.floor == 2
        assert tail.answer(read) is None
        assert seqs(tail.answer(page(0, message(2, 5, ""), message(3), message(4)))) == [2, 3, 4]

    def test_it_is_read_again_when_what_changed_was_given_up_early(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tail_module, "EARLY_MAX_EVENTS", 1)
        tail = filled(message(1, 5, "secret"))
        read = page(0, message(1, 5, "secret"))
        tail.ingest(message(3))
        tail.ingest(message(4, 5, ""))
        assert tail.answer(read) is None
        assert seqs(tail.answer(page(0, message(2), message(3), message(4, 5, "")))) == [2, 3, 4]

    def test_it_is_read_again_when_a_repair_left_a_hole_meanwhile(self) -> None:
        tail = filled(message(1, 5, "secret"))
        read = page(0, message(1, 5, "secret"))
        # 3 was the deletion of row 5, which is restored as 4.
        tail.repair(page(1, message(2), to=3, head=3))
        tail.ingest(message(3, 5, ""))
        assert tail.answer(read) is None

    def test_flushes_wait_for_a_tail_that_is_behind_its_reader(self) -> None:
        tail = filled(message(1, 5, "typo"), hidden(2), position=0)
        assert tail.answer(page(2, message(4, 5, "fixed"))) == page(2, message(4, 5, "fixed"))
        assert tail.has_gap
        assert tail.take_flush() is None
        tail.repair(page(2, message(3), message(4, 5, "fixed")))
        assert (tail.position, tail.has_gap) == (4, False)
        assert seqs(tail.take_flush()) == [2, 3, 4]

    def test_a_reader_that_is_behind_delays_no_one(self) -> None:
        tail = filled(message(1))
        tail.answer(page(0, message(5), head=9))
        assert not tail.has_gap
        assert seqs(tail.take_flush()) == [1]


class TestExtendingDown:
    """A page that was read below the floor is in memory for the next reader."""

    def test_a_page_that_reaches_the_floor_is_kept(self) -> None:
        tail = Tail(3)
        tail.answer(page(0, message(1), message(2), message(3)))
        assert tail.floor == 0
        assert seqs(tail.resume(1)) == [2, 3]

    def test_what_comes_later_replaces_what_was_kept(self) -> None:
        tail = Tail(2)
        tail.answer(page(0, message(1, 5, "secret"), message(2)))
        tail.ingest(message(3, 5, ""))
        assert seqs(tail.resume(0)) == [2, 3]

    def test_what_was_kept_is_evicted_first(self) -> None:
        tail = Tail(2, max_events=2)
        tail.answer(page(0, message(1), message(2)))
        tail.ingest(message(3))
        assert (tail.floor, tail.resume(0)) == (1, None)
        assert seqs(tail.resume(1)) == [2, 3]

    def test_a_page_that_does_not_reach_the_floor_is_not_kept(self) -> None:
        tail = Tail(5)
        tail.answer(page(0, message(1), message(2), head=5))
        assert tail.floor == 5

    def test_a_page_for_which_there_is_no_room_is_not_kept(self) -> None:
        tail = Tail(3, max_events=2)
        tail.answer(page(0, message(1), message(2), message(3)))
        assert tail.floor == 3

    def test_an_answer_that_was_read_too_early_is_not_kept(self) -> None:
        tail = Tail(3)
        assert tail.answer(page(0, message(1), message(2))) is None
        assert tail.floor == 3


class TestFlush:
    def test_nothing_is_due_in_a_new_tail(self) -> None:
        assert Tail(7).take_flush() is None

    def test_what_is_contiguous_leaves_as_events_once(self) -> None:
        tail = filled(message(1), message(2))
        assert tail.take_flush() == Flush(
            0, 2, (message(1), message(2)), contiguous=True, overflow=False
        )
        assert tail.take_flush() is None

    def test_a_row_that_changed_twice_makes_it_a_page(self) -> None:
        tail = filled(message(1, 5, "typo"), message(2), message(3, 5, "fixed"))
        assert tail.take_flush() == Flush(
            0, 3, (message(2), message(3, 5, "fixed")), contiguous=False, overflow=False
        )

    def test_a_hidden_event_makes_it_a_page(self) -> None:
        assert filled(message(1), hidden(2)).take_flush() == Flush(
            0, 2, (message(1), hidden(2)), contiguous=False, overflow=False
        )

    def test_a_hole_of_a_repair_makes_it_a_page(self) -> None:
        tail = filled(message(1))
        tail.repair(page(1, message(2), to=3, head=3))
        assert tail.take_flush() == Flush(
            0, 3, (message(1), message(2)), contiguous=False, overflow=False
        )

    def test_more_than_a_page_leaves_in_pieces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tail_module, "PAGE_MAX_EVENTS", 2)
        tail = filled(message(1), message(2), message(3))
        assert [seqs(tail.take_flush()), seqs(tail.take_flush()), tail.take_flush()] == [
            [1, 2],
            [3],
            None,
        ]

    def test_what_was_evicted_before_it_was_flushed_is_an_overflow(self) -> None:
        tail = filled(message(1), message(2), message(3), max_events=2)
        assert tail.take_flush() == Flush(0, 3, (), contiguous=False, overflow=True)
        assert tail.take_flush() is None

    def test_what_was_evicted_after_it_was_flushed_is_none(self) -> None:
        tail = filled(message(1), message(2), max_events=2)
        tail.take_flush()
        tail.ingest(message(3))
        assert tail.take_flush() == Flush(2, 3, (message(3),), contiguous=True, overflow=False)

    def test_a_jump_is_an_overflow(self) -> None:
        tail = filled(message(1))
        tail.take_flush()
        tail.jump(9)
        assert tail.take_flush() == Flush(1, 9, (), contiguous=False, overflow=True)


class TestDeletedText:
    """A text is gone as soon as its deletion has been received."""

    def test_from_a_resume(self) -> None:
        assert seqs(filled(message(1, 5, "secret"), message(2, 5, "")).resume(0)) == [2]

    def test_from_a_flush(self) -> None:
        assert seqs(filled(message(1, 5, "secret"), message(2, 5, "")).take_flush()) == [2]

    def test_before_the_hole_is_closed(self) -> None:
        tail = filled(message(1, 5, "secret"), message(2))
        tail.ingest(message(4, 5, ""))
        assert seqs(tail.resume(0)) == [2]
        assert seqs(tail.take_flush()) == [2]

    def test_when_the_text_comes_after_its_deletion(self) -> None:
        tail = Tail(0)
        tail.ingest(message(3, 5, ""))
        tail.ingest(message(1, 5, "secret"))
        assert seqs(tail.resume(0)) == []
        tail.ingest(message(2))
        assert seqs(tail.resume(0)) == [2, 3]

    def test_when_the_text_is_in_a_page_that_was_read_before(self) -> None:
        tail = Tail(0)
        tail.ingest(message(3, 5, ""))
        tail.repair(page(0, message(1, 5, "secret"), message(2)))
        assert seqs(tail.take_flush()) == [2, 3]

    def test_when_the_deletion_comes_after_a_repair_that_could_not_see_it(self) -> None:
        tail = filled(message(1, 5, "secret"))
        # The row was deleted as 2 and restored as 4 while the page was read.
        tail.repair(page(1, message(3), head=3))
        assert tail.ingest(message(2, 5, "")) is Ingested.OLD
        assert seqs(tail.resume(0)) == [3]

    def test_when_the_deletion_was_given_up_early(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tail_module, "EARLY_MAX_EVENTS", 1)
        tail = Tail(0)
        tail.ingest(message(3))
        tail.ingest(message(4, 5, ""))
        assert tail.ingest(message(1, 5, "secret")) is Ingested.APPENDED
        assert tail.resume(0) is None  # read it: the database knows which rows have changed
        assert tail.take_flush() == Flush(0, 1, (), contiguous=False, overflow=True)

    def test_when_the_deletion_was_given_up_before_the_page_was_absorbed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tail_module, "EARLY_MAX_EVENTS", 1)
        tail = Tail(0)
        tail.ingest(message(3))
        tail.ingest(message(4, 5, ""))
        tail.repair(page(0, message(1, 5, "secret"), message(2)))  # was read at the head 2
        assert tail.position == 3
        assert tail.has_gap
        assert tail.take_flush() == Flush(0, 3, (), contiguous=False, overflow=True)
        tail.repair(page(3, message(4, 5, "")))
        assert tail.take_flush() == Flush(
            3, 4, (message(4, 5, ""),), contiguous=True, overflow=False
        )
