"""The messages between nodes carry every part of an event."""

from realtime.core import publishing
from realtime.protocol.page import AccessEnd, Event


def test_events_are_read_back_as_they_were() -> None:
    end = AccessEnd(7, "session:1", 4502, "signed out")
    events = [
        Event.of("message", 1, 4, {"body": "hello"}),
        Event.hidden("revocation", 2, 5, end=end),
        Event.raised_floor(6, 3),
    ]
    [message] = publishing.messages("room.42", events, node="socket-1")
    assert publishing.events_in(message) == events


def test_without_a_floor_they_have_the_shape_of_the_version_before() -> None:
    [message] = publishing.messages("room.42", [Event.hidden("row", 1, 1)], node="")
    assert message["events"] == [[1, "row:1", None, None]]
