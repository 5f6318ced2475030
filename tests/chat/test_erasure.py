"""One person's data: given to them whole, and erased so that nothing of it is left and nobody notices a thing but that it is gone."""

import io
import json
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client

from chat import services
from chat.models import Bulk, Membership, Message, ModerationLog, RemovedText, Report, Room
from notifications.models import Notification
from realtime.auth import issue_token
from realtime.models import AccessToken, Revocation
from realtime.protocol.errors import Forbidden
from tests.chat.conftest import Say, fresh
from tests.support.replay import Verify


def opened(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(found["manifest.json"])["files"]
    assert {name: sha256(part).hexdigest() for name, part in found.items() if name != "manifest.json"} == {
        name: entry["sha256"] for name, entry in manifest.items()
    }
    return found


def whole(answer: Any) -> bytes:
    """Read an answer that is made while it is sent."""

    async def read() -> bytes:
        return b"".join([part async for part in answer.streaming_content])

    return async_to_sync(read)()


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


@pytest.fixture
def life(general: Room, secret: Room, direct: Room, alice: User, bob: User, mona: User, say: Say) -> None:
    """What Bob did: he wrote in three rooms, one text was removed, he reported, signed in twice and has a token."""
    removed = say(bob, general, "removed text")
    say(bob, secret, "secret text")
    say(bob, direct, "direct text")
    services.delete_message(actor_id=alice.pk, message_id=removed.pk, reason="off topic")
    services.report(actor_id=bob.pk, message_id=say(alice, general, "Hello @bob").pk, category="other", note="my note")
    for _ in range(2):
        Client().force_login(bob)
    issue_token(bob)


def test_a_person_gets_everything_that_is_their_own(life: None, bob: User, tmp_path: Path) -> None:
    file = tmp_path / "bob.zip"
    call_command("person_export", "bob", str(file), stdout=io.StringIO())
    found = opened(file.read_bytes())
    assert json.loads(found["account.json"])["username"] == "bob"
    assert {row["text"] for row in lines(found["messages.jsonl"])} == {"removed text", "secret text", "direct text"}
    assert len(lines(found["memberships.jsonl"])) == 3
    assert lines(found["reports.jsonl"])[0]["note"] == "my note"
    assert any("mentioned you" in row["title"] for row in lines(found["notifications.jsonl"]))
    told = lines(found["moderation.jsonl"])
    assert told[0]["reason"] == "off topic"
    assert "alice" not in str(told)
    assert len(json.loads(found["bans_and_tokens.json"])["tokens"]) == 1
    assert ModerationLog.objects.latest("pk").action == "export"
    with pytest.raises(CommandError):
        call_command("person_export", "nobody", str(tmp_path / "x.zip"))


def test_who_is_erased_is_nobody_and_nothing_they_wrote_is_left(
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
    assert set(Membership.objects.filter(user=bob, room__direct_key=None).values_list("state", flat=True)) == {"left"}
    assert fresh(general).member_count == 1
    entries = ModerationLog.objects.filter(action="erase").count()
    with verify() as change:  # a second time changes no message and no account
        again = services.erase_person(actor_id=mona.pk, user_id=bob.pk, seconds=60)
    assert again == bulk
    assert "message" not in [kind for name in change.streams for kind in change.kinds(name)]
    assert ModerationLog.objects.filter(action="erase").count() == entries


@pytest.mark.django_db(transaction=True)
def test_their_connections_end_with_the_account(life: None, bob: User, mona: User) -> None:
    services.erase_person(actor_id=mona.pk, user_id=bob.pk, seconds=0)
    assert Revocation.objects.filter(user=bob, credential="").exists()


def test_a_room_whose_last_owner_is_erased_gets_another(general: Room, alice: User, bob: User, mona: User) -> None:
    services.erase_person(actor_id=mona.pk, user_id=alice.pk, seconds=60)
    assert Membership.objects.get(room=general, user=bob).role == "owner"


def test_an_erasure_that_was_interrupted_goes_on(life: None, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.services.bulk.BATCH", 1)
    monkeypatch.setattr("chat.management.commands.person_erase.SECONDS", 0)
    out = io.StringIO()
    call_command("person_erase", "bob", "--yes", stdout=out)
    assert out.getvalue().splitlines()[-1] == "3 of 3 messages erased, finished"
    assert Bulk.objects.count() == 1
    call_command("person_erase", f"deleted-{bob.pk}", "--yes", stdout=out)
    with pytest.raises(CommandError):
        call_command("person_erase", "bob", "--yes")
    monkeypatch.setattr("builtins.input", lambda question: "no")
    with pytest.raises(CommandError, match="Nothing was done"):
        call_command("person_erase", f"deleted-{bob.pk}")


def test_moderators_are_not_erased(mona: User) -> None:
    with pytest.raises(Forbidden):
        services.erase_person(actor_id=mona.pk, user_id=mona.pk, seconds=1)
    with pytest.raises(CommandError):
        call_command("person_erase", "holdfast", "--yes")
