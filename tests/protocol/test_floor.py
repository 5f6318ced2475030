"""A floor of the database that rises: a tail drops what was removed, its readers pull."""

from realtime.protocol.page import Event
from realtime.protocol.tail import Ingested
from tests.protocol.test_tail import filled, message, page, seqs


class TestFloorOfTheDatabase:
    def test_what_was_removed_leaves_memory(self) -> None:
        tail = filled(message(1), message(2), message(3))
        tail.ingest(Event.raised_floor(4, 2))
        assert (tail.position, tail.floor) == (4, 2)
        assert tail.resume(1) is None
        assert seqs(tail.resume(2)) == [3, 4]

    def test_a_lower_floor_changes_nothing(self) -> None:
        tail = filled(message(1), message(2), message(3))
        tail.ingest(Event.raised_floor(4, 2))
        tail.ingest(Event.raised_floor(5, 1))
        assert tail.floor == 2

    def test_a_repair_brings_it_too(self) -> None:
        tail = filled(message(1), message(2))
        tail.repair(page(2, message(4))._replace(floor=1))
        assert tail.floor == 1

    def test_what_comes_late_and_was_removed_is_not_kept(self) -> None:
        tail = filled(message(1))
        assert tail.ingest(Event.raised_floor(3, 2)) is Ingested.EARLY
        assert tail.ingest(message(2)) is Ingested.APPENDED
        assert (tail.position, tail.floor) == (3, 2)
        assert seqs(tail.resume(2)) == [3]

    def test_a_page_that_was_read_before_is_not_sent(self) -> None:
        tail = filled(message(1), message(2))
        old = page(0, message(1), to=2)
        tail.ingest(Event.raised_floor(3, 1))
        assert tail.answer(old) is None
        assert tail.repair(old) == []

    def test_a_flush_that_has_begun_goes_on_with_behind(self) -> None:
        tail = filled(message(1), message(2))
        flush = tail.take_flush()
        assert flush is not None
        tail.ingest(Event.raised_floor(3, 1))
        assert tail.current(flush) is None

    def test_whoever_was_not_sent_it_yet_falls_behind(self) -> None:
        tail = filled(message(1), message(2))
        tail.ingest(Event.raised_floor(3, 1))
        flush = tail.take_flush()
        assert flush is not None
        assert flush.overflow
