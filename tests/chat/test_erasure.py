"""One person's data: exported completely, and erased without a trace."""

import io
import json
import zipfile
from hashlib import sha256
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from chat import services
from chat.errors import LinkOver
from chat.models import (
    Block,
    Bulk,
    Membership,
    Mention,
    Message,
    ModerationLog,
    RemovedText,
    Renaming,
    Report,
    Room,
)
from chat.queries.search import index
from chat.queries.search.query import parse
from chat.services.people import erasure
from notifications import services as inboxes
from notifications.models import Notification, Preferences
from realtime.auth import issue_token
from realtime.core import reads as streams
from realtime.models import AccessToken, Revocation
from realtime.protocol.errors import BadRequest, Forbidden
from tests.chat.conftest import Say, fresh, notices
from tests.chat.search.conftest import indexed
from tests.support.replay import Verify


def opened(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(found["manifest.json"])["files"]
    assert {
        name: sha256(part).hexdigest()
        for name, part in found.items()
        if name not in ("manifest.json", "manifest.sig", "public_key.pem")
    } == {name: entry["sha256"] for name, entry in manifest.items()}
    return found


def whole(answer: Any) -> bytes:
    """Read an answer that is made while it is sent."""

    async def read() -> bytes:
        return b"".join([part async for part in answer.streaming_content])

    return async_to_sync(read)()


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


@pytest.fixture
def life(
    general: Room, secret: Room, direct: Room, alice: User, bob: User, mona: User, say: Say
) -> None:
    """Everything that Bob has done.

    He posted in three rooms, one text was removed, he reported a message, signed in twice and has a
    token.
    """
    removed = say(bob, general, "removed text")
    say(bob, secret, "secret text")
    say(bob, direct, "direct text")
    services.delete_message(actor_id=alice.pk, message_id=removed.pk, reason="off topic")
    greeting = say(alice, general, "Hello @bob")
    services.report(actor_id=bob.pk, message_id=greeting.pk, category="other", note="my note")
    services.react(actor_id=bob.pk, message_id=greeting.pk, emoji="👍", on=True)
    services.react(actor_id=alice.pk, message_id=greeting.pk, emoji="🎉", on=True)
    for _ in range(2):
        Client().force_login(bob)
    issue_token(bob)


def test_erasure_leaves_neither_the_name_nor_any_message(
    life: None, verify: Verify, general: Room, alice: User, bob: User, mona: User
) -> None:
    bulk = services.erase_person(actor_id=mona.pk, user_id=bob.pk, seconds=60)
    assert bulk.finished_at is not None
    bob.refresh_from_db()
    name = f"deleted-{bob.pk}"
    assert (bob.username, bob.first_name, bob.email, bob.is_active) == (name, "", "", False)
    assert not bob.has_usable_password()
    assert not Message.objects.filter(author=bob).exclude(body="").exists()
    assert not RemovedText.objects.exists()
    assert not AccessToken.objects.exists()
    assert not Session.objects.exists()
    assert not Notification.objects.filter(user=bob).exists()
    assert Report.objects.get().note == ""
    assert set(
        Membership.objects.filter(user=bob, room__direct_key=None).values_list("state", flat=True)
    ) == {"left"}
    assert fresh(general).member_count == 1
    entries = ModerationLog.objects.filter(action="erase").count()
    with verify() as change:  # a second time changes no message and no account
        again = services.erase_person(actor_id=mona.pk, user_id=bob.pk, seconds=60)
    assert again == bulk
    assert "message" not in [kind for name in change.streams for kind in change.kinds(name)]
    assert ModerationLog.objects.filter(action="erase").count() == entries


def test_nothing_tells_their_name_any_more(
    verify: Verify,
    life: None,
    general: Room,
    secret: Room,
    alice: User,
    bob: User,
    charlie: User,
    mona: User,
    say: Say,
    monkeypatch: Any,
) -> None:
    mine = say(alice, general, "Good morning")
    services.react(
        actor_id=charlie_joins(general, charlie).pk, message_id=mine.pk, emoji="🎉", on=True
    )
    services.react(actor_id=bob.pk, message_id=mine.pk, emoji="👍", on=True)
    services.react(
        actor_id=bob.pk, message_id=say(charlie, general, "Me too").pk, emoji="👍", on=True
    )
    inboxes.read_all(user_id=charlie.pk)
    say(bob, general, "Hello @alice", reply_to=mine.pk)
    services.block(actor_id=charlie.pk, user_id=bob.pk)
    assert "Bob" in said(alice, charlie)
    # But for what only Bob could read, which no stream tells of when it goes.
    with monkeypatch.context() as patch, verify() as change:
        patch.setattr(erasure, "_forget", lambda _user_id: None)
        services.erase_person(actor_id=mona.pk, user_id=bob.pk, seconds=60)
    name = f"deleted-{bob.pk}"
    for user in (alice, charlie):
        assert "Bob" not in said(user)
    assert "mention" not in dict(notices(alice)), "what it was about is gone"
    assert ("reaction", f"{name} and Charlie reacted to your message in General") in notices(alice)
    assert notices(charlie)[-1] == ("reaction", f"{name} reacted to your message in General")
    assert not Renaming.objects.filter(finished_at=None).exists()
    for stream in set(change.streams) - {f"inbox.{bob.pk}"}:
        assert b"Bob" not in b"".join(
            event.body or b"" for event in streams.page(stream, 0, 10_000).events
        )


def charlie_joins(room: Room, charlie: User) -> User:
    services.join(actor_id=charlie.pk, room_id=room.pk)
    return charlie


def said(*users: User) -> str:
    return str([notices(user) for user in users])


def test_erasure_ends_preferences_and_invitation_links(
    general: Room, secret: Room, alice: User, bob: User, charlie: User, mona: User, say: Say
) -> None:
    say(alice, general, "Hello @bob")
    inboxes.set_preferences(user_id=bob.pk, desktop_off=["reaction"])
    services.block(actor_id=bob.pk, user_id=charlie.pk)
    services.set_role(actor_id=alice.pk, room_id=secret.pk, user_id=bob.pk, role="moderator")
    token = services.make_invite_link(
        actor_id=bob.pk, room_id=secret.pk, seconds=3600, max_uses=5
    ).token
    services.erase_person(actor_id=mona.pk, user_id=bob.pk, seconds=60)
    assert not Preferences.objects.exists()
    assert not Block.objects.exists()
    assert not Mention.objects.exists()
    with pytest.raises(LinkOver):
        services.join_by_link(actor_id=charlie.pk, token=token)


def test_no_search_finds_what_they_wrote(
    life: None, general: Room, alice: User, bob: User, mona: User, say: Say
) -> None:
    hidden = say(bob, general, "hidden text")
    services.hide_message(actor_id=mona.pk, message_id=hidden.pk)
    assert index.find(alice.pk, parse("text")).messages
    services.erase_person(actor_id=mona.pk, user_id=bob.pk, seconds=60)
    for q in ("text", f"from:deleted-{bob.pk}"):
        assert index.find(alice.pk, parse(q)).messages == []
    with pytest.raises(BadRequest):
        index.find(alice.pk, parse("from:bob"))
    assert indexed("hidden") == indexed("text") == []


def test_the_log_forgets_what_they_were_called_before(
    general: Room, alice: User, bob: User, mona: User
) -> None:
    for user, name in ((bob, "robert"), (alice, "alicia")):
        services.rename(user_id=user.pk, username=name, actor_id=mona.pk)
    services.change_room(actor_id=alice.pk, room_id=general.pk, name="Lobby")
    services.erase_person(actor_id=mona.pk, user_id=bob.pk, seconds=60)
    entries = ModerationLog.objects.filter(action="rename").order_by("pk")
    assert [(entry.subject, entry.details) for entry in entries] == [
        (bob, {}),
        (alice, {"username": ["alice", "alicia"]}),
        (None, {"name": ["General", "Lobby"]}),
    ]
    assert not any("robert" in str(entry.details) for entry in ModerationLog.objects.all())


@pytest.mark.parametrize(
    "change",
    [
        'details = \'{"username": ["x", "y"]}\'',
        "details = '{}', reason = 'another'",
        "details = '{}', subject_id = NULL",
        "details = '{}', created_at = '2001-01-01'",
        "details = '{}', action = 'ban'",
    ],
)
def test_nothing_else_of_a_renaming_can_be_changed(bob: User, mona: User, change: str) -> None:
    services.rename(user_id=bob.pk, username="robert", actor_id=mona.pk)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE chat_moderationlog SET {change} WHERE action = 'rename'")


@pytest.mark.django_db(transaction=True)
def test_their_connections_end_with_the_account(life: None, bob: User, mona: User) -> None:
    services.erase_person(actor_id=mona.pk, user_id=bob.pk, seconds=0)
    assert Revocation.objects.filter(user=bob, credential="").exists()


def test_a_room_whose_last_owner_is_erased_is_offered_to_another(
    general: Room, alice: User, bob: User, mona: User
) -> None:
    services.erase_person(actor_id=mona.pk, user_id=alice.pk, seconds=60)
    assert services.take_over(actor_id=bob.pk, room_id=general.pk).role == "owner"


def test_an_erasure_that_was_interrupted_goes_on(
    life: None, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.services.moderation.bulk.BATCH", 1)
    monkeypatch.setattr("chat.management.commands.person_erase.SECONDS", 0)
    out = io.StringIO()
    call_command("person_erase", "bob", "--yes", stdout=out)
    assert out.getvalue().splitlines()[-1] == "3 of 3 messages erased, finished"
    assert Bulk.objects.count() == 1
    call_command("person_erase", f"deleted-{bob.pk}", "--yes", stdout=out)
    with pytest.raises(CommandError):
        call_command("person_erase", "bob", "--yes")
    monkeypatch.setattr("builtins.input", lambda question: "no")
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("person_erase", f"deleted-{bob.pk}")


def test_moderators_are_not_erased(mona: User) -> None:
    with pytest.raises(Forbidden):
        services.erase_person(actor_id=mona.pk, user_id=mona.pk, seconds=1)
    with pytest.raises(CommandError):
        call_command("person_erase", "holdfast", "--yes")
