"""Bulk actions in the admin: choose, count, confirm, continue, undo."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat.admin import bulk as page
from chat.models import Bulk, Message, Room
from chat.services.moderation import bulk as bulks
from tests.chat.conftest import Say

ADD = "/admin/chat/bulk/add/"
FIELDS = {
    "author_id": "bob",
    "room_id": "",
    "words": "",
    "since": "",
    "until": "",
    "reason": "spam",
}


@pytest.fixture
def spam(general: Room, bob: User, say: Say) -> None:
    for number in range(5):
        say(bob, general, f"watches {number}")


def left() -> int:
    return Message.objects.filter(deleted_at=None).count()


def test_mona_removes_all_messages_of_bob_and_takes_it_back(
    desk: Client, spam: None, bob: User
) -> None:
    assert f"{ADD}?author=bob" in desk.get(f"/admin/chat/person/{bob.pk}/change/").content.decode()
    assert 'value="bob"' in desk.get(f"{ADD}?author=bob").content.decode()
    counted = desk.post(ADD, FIELDS)
    assert counted.context["found"] == 5
    assert "Remove 5 messages" in counted.content.decode()
    assert left() == 5
    wrong = desk.post(ADD, {**FIELDS, "do": "remove", "number": "4"})
    assert "to confirm" in str(wrong.context["form"].non_field_errors())
    assert left() == 5
    done = desk.post(ADD, {**FIELDS, "do": "remove", "number": "5"}, follow=True)
    assert left() == 0
    assert "5 of 5 messages" in done.content.decode()
    assert "data-continue" not in done.content.decode()
    bulk = Bulk.objects.get()
    assert desk.get("/admin/chat/bulk/").status_code == 200
    undone = desk.post(f"/admin/chat/bulk/{bulk.pk}/undo/", {"reason": "a mistake"}, follow=True)
    assert "Restore messages" in undone.content.decode()
    assert left() == 5
    again = desk.post(f"/admin/chat/bulk/{bulk.pk}/undo/", follow=True)
    assert "nothing left" in again.content.decode()


def test_what_takes_long_goes_on_from_where_it_is(
    desk: Client, spam: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "SECONDS", 0)
    monkeypatch.setattr(bulks, "BATCH", 3)
    shown = desk.post(ADD, {**FIELDS, "do": "remove", "number": "5"}, follow=True)
    bulk = Bulk.objects.get()
    assert "3 of 5 messages" in shown.content.decode()
    assert "data-continue" in shown.content.decode()
    while Bulk.objects.filter(finished_at=None).exists():
        desk.post(f"/admin/chat/bulk/{bulk.pk}/continue/")
    assert left() == 0


def test_what_cannot_be_meant_is_said_beside_it(desk: Client, spam: None) -> None:
    for change, field in (
        ({"author_id": "nobody"}, "author_id"),
        ({"room_id": "nowhere"}, "room_id"),
        ({"reason": ""}, "reason"),
    ):
        assert field in desk.post(ADD, {**FIELDS, **change}).context["form"].errors
    assert "expected an author, a room, or at least 3 characters" in str(
        desk.post(ADD, {**FIELDS, "author_id": ""}).context["form"].errors
    )
    assert "No messages match" in desk.post(ADD, {**FIELDS, "words": "pills"}).content.decode()


def test_only_those_who_may(desk: Client, spam: None, bob: User) -> None:
    bob.is_staff = True
    bob.save()
    client = Client()
    client.force_login(bob)
    desk.post(ADD, {**FIELDS, "do": "remove", "number": "5"})
    pk = Bulk.objects.get().pk
    for address in (ADD, "/admin/chat/bulk/", f"/admin/chat/bulk/{pk}/change/"):
        assert client.get(address).status_code == 403
    assert client.post(f"/admin/chat/bulk/{pk}/undo/").status_code == 403
    assert desk.get(f"/admin/chat/bulk/{pk}/undo/").status_code == 404
    assert desk.post("/admin/chat/bulk/999/continue/").status_code == 404
    assert desk.get("/admin/chat/bulk/999/change/").status_code == 404
