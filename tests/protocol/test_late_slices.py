"""The part of a flush that may still be sent some time after it was taken."""

from realtime.protocol.tail import EARLY_MAX_EVENTS, Flush, Tail
from tests.protocol.test_tail import filled, message, seqs


class TestALateSlice:
    """A flush that is written to a large room in slices is looked at again before each."""

    def taken(self, tail: Tail) -> Flush:
        flush = tail.take_flush()
        assert flush is not None
        return flush

    def test_what_has_not_changed_is_sent_as_it_is(self) -> None:
        tail = filled(message(1), message(2))
        flush = self.taken(tail)
        tail.ingest(message(3))
        assert tail.current(flush) is flush

    def test_a_text_that_was_deleted_meanwhile_goes_to_nobody_more(self) -> None:
        tail = filled(message(1, text="secret"), message(2))
        flush = self.taken(tail)
        tail.ingest(message(3, 1, text=""))
        current = tail.current(flush)
        assert seqs(current) == [2]
        assert current is not None
        assert (current.start, current.to, current.contiguous) == (0, 2, False)

    def test_after_the_contents_were_given_up_nothing_of_it_is_known(self) -> None:
        tail = filled(message(1), message(2))
        flush = self.taken(tail)
        tail.jump(50)
        assert tail.current(flush) is None

    def test_what_was_heard_early_and_lost_may_have_replaced_it(self) -> None:
        tail = filled(message(1))
        flush = self.taken(tail)
        for seq in range(3, 4 + EARLY_MAX_EVENTS):
            tail.ingest(message(seq))
        assert tail.current(flush) is None
