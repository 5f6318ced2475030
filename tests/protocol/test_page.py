"""Pages are cut at the head that was read first, and at the size of a page."""

import msgspec
import pytest

from realtime.protocol.page import AccessEnd, Event, Page, cut


def message(seq: int, ident: int | None = None, *, size: int = 10) -> Event:
    return Event(seq, f"message:{ident or seq}", b"x" * size)


def seqs(page: Page) -> list[int]:
    return [event.seq for event in page.events]


def test_an_event_is_encoded_once_with_its_number_kind_and_data() -> None:
    event = Event.of("message", 7, 41, {"id": 7, "body": "Grüß Gott"})
    assert event.key == "message:7"
    assert event.body == '{"seq":41,"kind":"message","data":{"id":7,"body":"Grüß Gott"}}'.encode()
    assert msgspec.json.decode(event.body)["data"]["body"] == "Grüß Gott"


def test_a_hidden_event_takes_a_number_and_may_end_a_right() -> None:
    end = AccessEnd(7, None, 4502, "signed out")
    assert Event.hidden("revocation", 3, 41, end=end) == Event(41, "revocation:3", None, end)


def test_the_tables_are_merged_by_number() -> None:
    assert seqs(cut([message(5), message(9), message(6), message(8)], after=4, head=9)) == [
        5,
        6,
        8,
        9,
    ]


def test_what_changed_while_the_page_was_read_comes_later() -> None:
    page = cut([message(5), message(8)], after=4, head=7)
    assert seqs(page) == [5]
    assert (page.start, page.to, page.head) == (4, 7, 7)


def test_what_the_client_has_is_not_sent_again() -> None:
    assert seqs(cut([message(3), message(4), message(5)], after=4, head=5)) == [5]


def test_a_page_of_nothing_reaches_the_head() -> None:
    assert cut([], after=4, head=7) == Page(4, 7, 7, ())


def test_a_full_page_ends_at_its_last_event() -> None:
    page = cut([message(5), message(6), message(8)], after=4, head=9, limit=2)
    assert seqs(page) == [5, 6]
    assert (page.to, page.head) == (6, 9)


def test_a_page_that_is_just_full_reaches_the_head() -> None:
    assert cut([message(5), message(6)], after=4, head=9, limit=2).to == 9


def test_a_page_is_bounded_in_bytes() -> None:
    page = cut(
        [message(5, size=60), message(6, size=60), message(7)], after=4, head=7, max_bytes=100
    )
    assert seqs(page) == [5]
    assert page.to == 5


def test_one_event_larger_than_a_page_still_makes_a_page() -> None:
    assert seqs(cut([message(5, size=500), message(6)], after=4, head=6, max_bytes=100)) == [5]


@pytest.mark.parametrize(("known", "head"), [(5, 7), (7, 7), (9, 9)])
def test_the_head_of_a_page_is_only_ever_raised(known: int, head: int) -> None:
    assert Page(4, 7, 7, ()).raised(known).head == head
