"""The evidence that a tail and the database do not have the same history."""

from realtime.protocol.page import Event, Page
from tests.protocol.test_tail import filled, message


def test_a_repeat_is_none() -> None:
    tail = filled(message(1), message(2))
    assert not tail.contradicts(message(1))
    assert tail.holds_event(message(2))
    assert not tail.holds_event(message(3))


def test_a_number_that_another_row_has_is() -> None:
    tail = filled(message(1), message(2))
    assert tail.contradicts(message(2, 9))


def test_a_number_with_another_text_is() -> None:
    tail = filled(message(1), message(2))
    assert tail.contradicts(message(2, text="other"))
    assert not tail.holds_event(message(2, text="other"))


def test_the_same_object_with_its_names_in_another_order_is_none() -> None:
    tail = filled(Event(1, "message:1", b'{"a":1,"b":2}'))
    assert tail.holds_event(Event(1, "message:1", b'{"b":2,"a":1}'))
    assert not tail.holds_event(Event(1, "message:1", None))


def test_a_newer_change_of_a_row_that_should_be_known_is() -> None:
    tail = filled(message(1, 5), message(2, 6))
    assert tail.contradicts(message(2, 5))


def test_what_was_evicted_or_is_not_known_cannot_be_told() -> None:
    tail = filled(message(1), message(2), message(3), max_events=1)
    assert not tail.contradicts(message(1, 9))
    assert not tail.contradicts(message(4))


def test_a_row_that_was_replaced_by_an_early_change_is_none() -> None:
    tail = filled(message(1, 5), message(2))
    tail.ingest(message(4, 5))
    assert not tail.contradicts(message(1, 5))


def test_the_database_agrees() -> None:
    tail = filled(message(1), message(2))
    page = Page(0, 2, 2, (message(1), message(2)))
    assert not tail.differs(page, 2, tail.known)


def test_a_row_that_changed_meanwhile_is_above_the_head() -> None:
    tail = filled(message(1, 5), message(2))
    page = Page(0, 2, 2, (message(2), message(3, 5)))
    assert not tail.differs(page, 2, tail.known)


def test_a_head_below_what_is_known() -> None:
    tail = filled(message(1))
    tail.ingest(message(5))
    assert tail.known == 5
    assert tail.differs(Page(0, 4, 4, (message(1),)), 1, 5)


def test_an_older_row() -> None:
    tail = filled(message(1, 5), message(2, 6), message(3, 5))
    assert tail.differs(Page(0, 3, 3, (message(1, 5), message(2, 6))), 3, 3)


def test_a_row_in_memory_alone() -> None:
    tail = filled(message(1), message(2, 6))
    page = Page(0, 9, 9, (message(1), message(9, 7)))
    assert tail.differs(page, 2, 2)
    assert not tail.differs(page._replace(to=1), 2, 2)  # there is more


def test_an_early_row_that_the_database_does_not_have() -> None:
    tail = filled(message(1))
    tail.ingest(message(3, 5))
    rows = (message(1), message(2, 8))
    assert tail.differs(Page(0, 3, 3, (*rows, message(3, 9))), 1, 3)
    assert tail.differs(Page(0, 4, 4, (*rows, message(4, 9))), 1, 3)
    tail.ingest(message(5, 6))
    assert tail.differs(Page(0, 5, 5, (*rows, message(3, 5), message(4, 6))), 1, 5)
    assert not tail.differs(Page(0, 5, 5, (*rows, message(3, 5), message(5, 6))), 1, 5)
