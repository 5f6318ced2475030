"""Refused access leaves a line in the log, and nobody can fill it."""

import logging
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat import services
from realtime.auth import issue_token
from realtime.core.monitoring import refused_access


@pytest.fixture(autouse=True)
def nothing_noted_yet() -> Iterator[None]:
    refused_access._recent.clear()
    yield
    refused_access._recent.clear()


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[object, object, object]]:
    return [
        (vars(each)["user"], vars(each)["asked"], vars(each)["code"])
        for each in caplog.records
        if each.getMessage() == "access refused"
    ]


@pytest.fixture
def room(alice: User) -> int:
    return services.create_room(actor_id=alice.pk, name="Cellar", kind="private").room_id


@pytest.mark.django_db(transaction=True)
def test_a_stranger_who_asks_for_a_private_room_is_noted_once_a_minute(
    room: int, charlie: User, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    header = {"authorization": f"Bearer {issue_token(charlie)}"}
    with caplog.at_level(logging.INFO, "holdfast.access"):
        for _ in range(3):
            assert client.get(f"/api/rooms/{room}/", headers=header).status_code == 404
        command = {"id": 1, "command": "message.post", "room": room, "body": "x", "key": KEY}
        client.post("/api/commands", command, "application/json", headers=header)
    assert lines(caplog)[0][::2] == (charlie.pk, "not_found")
    assert [asked for _, asked, _ in lines(caplog)] == [
        "GET /api/rooms/<int:room_id>/",
        "message.post",
    ]


def test_other_refusals_leave_no_line(
    room: int, alice: User, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    header = {"authorization": f"Bearer {issue_token(alice)}"}
    with caplog.at_level(logging.INFO, "holdfast.access"):
        client.get(f"/api/rooms/{room}/", headers=header)
        client.patch(f"/api/rooms/{room}/", {"slow_mode": -1}, "application/json", headers=header)
    assert lines(caplog) == []


KEY = "6f1c1c6e-1f0a-4a38-9c54-0c9a4b7c3f11"
