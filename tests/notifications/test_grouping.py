"""Grouping notifications; tests/js/notifications/grouping.test.js has the same cases."""

from typing import Any

from notifications.grouping import first_unread, grouped, total

READ = {"read_at": "2026-11-24T10:00:00Z"}


def row(ident: int, kind: str, **rest: Any) -> dict[str, Any]:
    return {
        "id": ident,
        "kind": kind,
        "place": "room.1",
        "subject": f"room.1.{ident}",
        "count": 1,
        "read_at": None,
    } | rest


def shape(*rows: dict[str, Any]) -> list[list[int]]:
    return [[one["id"] for one in group] for group in grouped(rows)]


def test_messages_of_one_room_belong_together_wherever_they_stand() -> None:
    assert shape(
        row(9, "message"), row(8, "mention"), row(7, "message", place="room.2"), row(6, "message")
    ) == [[9, 6], [8], [7]]
    assert shape(row(2, "direct"), row(1, "direct")) == [[2, 1]]


def test_reactions_to_one_message_belong_together() -> None:
    assert shape(
        row(3, "reaction", subject="room.1.5"),
        row(2, "reaction"),
        row(1, "reaction", subject="room.1.5"),
    ) == [[3, 1], [2]]


def test_a_mention_is_an_entry_of_its_own() -> None:
    assert shape(row(3, "mention"), row(2, "mention"), row(1, "reply")) == [[3], [2], [1]]


def test_old_rows_and_unknown_kinds_stand_alone() -> None:
    assert shape(row(2, "message", place=None), row(1, "message", place=None)) == [[2], [1]]
    assert shape(row(2, "news"), row(1, "news")) == [[2], [1]]


def test_a_group_is_counted_and_entered() -> None:
    assert total([row(2, "reaction", count=4), row(1, "reaction")]) == 5
    assert (
        first_unread([row(3, "message"), row(2, "message"), row(1, "message", **READ)])["id"] == 2
    )
    assert first_unread([row(3, "message", **READ), row(2, "message", **READ)])["id"] == 3
