"""A new name: everything that shows it moves, so that a replay equals the live events."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat import services
from chat.models import Message, ModerationLog, Renaming, Room
from chat.services.people import renaming
from notifications.queries import unread
from realtime.protocol.errors import BadRequest
from tests.chat.conftest import Say
from tests.conftest import make_user
from tests.support.replay import Verify


def test_a_new_name_replaces_the_old_one_everywhere(
    verify: Verify,
    general: Room,
    secret: Room,
    alice: User,
    bob: User,
    charlie: User,
    say: Say,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(renaming, "BATCH", 2)
    monkeypatch.setattr(renaming, "MEMBERSHIPS", 1)
    for room in (general, secret, general):
        say(bob, room, "Hello @alice")
    deleted = say(bob, general, "A mistake")
    services.delete_message(actor_id=bob.pk, message_id=deleted.pk)
    services.block(actor_id=charlie.pk, user_id=bob.pk)
    with verify() as change:
        services.rename(user_id=bob.pk, username="robert", first_name="Robert", actor_id=alice.pk)
    shown = [
        row.get("author") or row.get("user") or row["actor"]
        for stream in change.streams
        for row in change.data(stream)
    ]
    assert {person["username"] for person in shown} == {"robert"}
    assert {person["name"] for person in shown} == {"Robert"}
    kinds = sorted(kind for stream in change.streams for kind in change.kinds(stream))
    assert kinds == ["block", *["membership"] * 4, *["message"] * 4, *["notification"] * 3]
    assert unread(alice.pk) == 3


def test_a_renaming_that_was_cut_off_is_finished(
    verify: Verify, general: Room, bob: User, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        say(bob, general, "Hello")
    with verify():
        with monkeypatch.context() as patch:
            patch.setattr(
                renaming, "_STEPS", (renaming._move_memberships, lambda _user, _after: 1 / 0)
            )
            with pytest.raises(ZeroDivisionError):
                services.rename(user_id=bob.pk, last_name="Builder")
        assert Renaming.objects.get().finished_at is None
        assert services.finish_renames() == 1
    assert services.finish_renames() == 0
    assert Message.objects.filter(author=bob).first().author.get_full_name() == "Bob Builder"  # type: ignore[union-attr]


def test_what_is_already_so_changes_nothing(verify: Verify, general: Room, bob: User) -> None:
    with verify() as change:
        services.rename(user_id=bob.pk, username="bob", first_name="Bob")
    assert change.streams == []
    assert not Renaming.objects.exists()


@pytest.mark.parametrize("username", ["alice", "", "two words", "x" * 151])
def test_a_name_that_cannot_be_is_refused(alice: User, bob: User, username: str) -> None:
    with pytest.raises(BadRequest, match=r"^username: "):
        services.rename(user_id=bob.pk, username=username)
    bob.refresh_from_db()
    assert bob.username == "bob"


@pytest.mark.django_db(transaction=True)
def test_the_admin_renames_through_the_same_door(
    client: Client, general: Room, bob: User, say: Say
) -> None:
    before = say(bob, general, "Hello").seq
    root = make_user("root")
    User.objects.filter(pk=root.pk).update(is_staff=True, is_superuser=True)
    client.force_login(root)
    fields = {
        "username": "bob",
        "first_name": "Bobby",
        "last_name": "",
        "email": "new@example.org",
        "is_active": "on",
    }
    joined = bob.date_joined
    dates = {"date_joined_0": f"{joined:%Y-%m-%d}", "date_joined_1": f"{joined:%H:%M:%S}"}
    answer = client.post(f"/admin/auth/user/{bob.pk}/change/", {**fields, **dates})
    assert answer.status_code == 302
    bob.refresh_from_db()
    assert (bob.first_name, bob.email) == ("Bobby", "new@example.org")
    assert Message.objects.get(author=bob).seq > before
    entry = ModerationLog.objects.get(action="rename")
    assert (entry.actor_id, entry.subject_id, entry.details) == (
        root.pk,
        bob.pk,
        {"first_name": ["Bob", "Bobby"]},
    )
