"""A socket is level and sent everything, or behind, notified once and sent nothing."""

import pytest

from realtime.protocol.delivery import Backpressure, Delivery, DeliveryState
from realtime.protocol.page import Page

ROOM, INBOX = "room.42", "inbox.7"
REACHED, CUT = Page(0, 9, 9, ()), Page(0, 5, 9, ())


@pytest.fixture
def alice() -> Delivery:
    return Delivery(soft=1000, hard=5000)


def test_a_page_that_reaches_the_head_makes_alice_level(alice: Delivery) -> None:
    alice.answered(ROOM, REACHED)
    assert alice.subscriptions == {ROOM: DeliveryState.LEVEL}
    assert alice.is_level(ROOM)


def test_a_page_that_was_cut_tells_alice_to_pull(alice: Delivery) -> None:
    alice.answered(ROOM, CUT)
    assert not alice.is_level(ROOM)
    assert alice.drained(0) == []


def test_nobody_is_level_on_a_stream_that_they_do_not_follow(alice: Delivery) -> None:
    alice.answered(ROOM, REACHED)
    alice.left(ROOM)
    alice.left(INBOX)
    assert not alice.is_level(ROOM)
    assert alice.subscriptions == {}


@pytest.mark.parametrize(
    ("unsent", "backpressure"),
    [
        (0, Backpressure.SEND),
        (1000, Backpressure.SEND),
        (1001, Backpressure.SKIP),
        (5000, Backpressure.SKIP),
        (5001, Backpressure.CLOSE),
    ],
)
def test_a_socket_is_judged_by_what_it_has_not_read(
    alice: Delivery, unsent: int, backpressure: Backpressure
) -> None:
    assert alice.backpressure(unsent) is backpressure


def test_a_slow_alice_is_notified_once_when_she_has_read_enough(alice: Delivery) -> None:
    alice.answered(ROOM, REACHED)
    alice.answered(INBOX, REACHED)
    alice.fall(ROOM)
    alice.fall(INBOX)
    assert alice.drained(501) == []
    assert alice.drained(500) == [ROOM, INBOX]
    assert alice.drained(0) == []


def test_only_the_streams_that_she_missed_something_of_are_behind(alice: Delivery) -> None:
    alice.answered(ROOM, REACHED)
    alice.answered(INBOX, REACHED)
    alice.fall(ROOM)
    assert alice.is_level(INBOX)
    assert alice.drained(0) == [ROOM]


def test_an_answer_that_overtakes_the_word_makes_it_needless(alice: Delivery) -> None:
    alice.answered(ROOM, REACHED)
    alice.fall(ROOM)
    alice.answered(ROOM, REACHED)
    assert alice.drained(0) == []
    assert alice.is_level(ROOM)


def test_whoever_is_pulling_does_not_fall_again(alice: Delivery) -> None:
    alice.answered(ROOM, CUT)
    alice.fall(ROOM)
    alice.fall(INBOX)
    assert alice.subscriptions == {ROOM: DeliveryState.NOTIFIED}


@pytest.mark.parametrize(("soft", "hard"), [(0, 5), (5, 5), (6, 5)])
def test_marks_in_the_wrong_order_are_a_mistake(soft: int, hard: int) -> None:
    with pytest.raises(ValueError, match="soft mark"):
        Delivery(soft, hard)
