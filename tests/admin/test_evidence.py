"""Exports in the admin: complete, with checksums, without other people's data, and logged."""

import json
import logging
import zipfile
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from chat import services
from chat.errors import Held
from chat.models import HeldPost, Message, ModerationLog, Room
from chat.moderation import evidence
from realtime.site.logs import ConsoleLines, RefusalFilter
from tests.chat.conftest import Say
from tests.chat.test_erasure import lines, opened, whole

EVIDENCE, OWN, ERASE = (f"/admin/chat/bulk/{name}/" for name in ("evidence", "own-data", "erase"))
NOTHING = {
    "message": "",
    "person": "",
    "room": "",
    "since": "",
    "until": "",
    "reason": "for the police",
}


def archive(client: Client, **fields: Any) -> dict[str, bytes]:
    answer = client.post(EVIDENCE, {**NOTHING, **fields})
    assert answer["Content-Type"] == "application/zip"
    return opened(whole(answer))


def test_a_case_with_its_surroundings(
    desk: Client, mona: User, general: Room, alice: User, bob: User, say: Say
) -> None:
    said = [say(bob, general, f"<b>text</b> {number}") for number in range(30)]
    services.report(actor_id=alice.pk, message_id=said[0].pk, category="abuse", note="look")
    services.delete_message(actor_id=alice.pk, message_id=said[0].pk, reason="abuse")
    found = archive(desk, message=str(said[0].pk))
    rows = lines(found["messages.jsonl"])
    assert len(rows) == 21
    assert (rows[0]["text"], rows[0]["state"]) == ("<b>text</b> 0", "deleted")
    assert b"&lt;b&gt;text" in found["messages.html"]
    assert b"<b>" not in found["messages.html"]
    (report,) = lines(found["reports.jsonl"])
    assert (report["note"], report["closed_by"]) == ("look", "alice")
    assert lines(found["moderation.jsonl"])[0]["moderator"] == "alice"
    assert (rows[0]["removed_by"], rows[0]["removal_reason"]) == ("alice", "abuse")
    about = json.loads(found["about.json"])
    assert about["made_by"] == "mona"
    assert about["site"]["software"].startswith("Holdfast ")
    assert (about["messages"], about["has_more_messages"]) == (21, False)
    entry = ModerationLog.objects.latest("pk")
    assert entry.details == {"manifest": sha256(found["manifest.json"]).hexdigest()}
    assert (entry.action, entry.reason, entry.message_id) == (
        "export",
        "for the police",
        said[0].pk,
    )


def test_the_messages_of_a_person_and_of_a_room_are_listed(
    desk: Client, general: Room, secret: Room, direct: Room, alice: User, bob: User, say: Say
) -> None:
    say(bob, general, "one")
    say(alice, general, "two")
    say(bob, secret, "three")
    say(bob, direct, "between us")
    reported = say(bob, direct, "threat")
    services.report(actor_id=alice.pk, message_id=reported.pk, category="abuse")

    def texts(**fields: str) -> list[str]:
        return [row["text"] for row in lines(archive(desk, **fields)["messages.jsonl"])]

    assert texts(person="bob") == ["one", "three", "threat"]
    assert texts(room="general") == ["one", "two"]
    assert texts(person="bob", room="secret") == ["three"]
    assert texts(room="general", until="2020-01-01T00:00") == []
    assert texts(message=str(reported.pk)) == ["threat"]


def test_edits_since_the_report_and_the_decision_are_in_it(
    desk: Client, mona: User, general: Room, alice: User, bob: User, say: Say
) -> None:
    threat = say(bob, general, "a threat")
    services.report(actor_id=alice.pk, message_id=threat.pk, category="abuse")
    services.edit_message(actor_id=bob.pk, message_id=threat.pk, body="harmless")
    services.decide(actor_id=mona.pk, message_id=threat.pk, status="resolved", reason="threat")
    services.delete_message(actor_id=bob.pk, message_id=threat.pk)
    found = archive(desk, message=str(threat.pk))
    (case,) = lines(found["messages.jsonl"])[0]["cases"]
    assert (case["reported_text"], case["author_name"]) == ("a threat", "Bob (@bob)")
    assert (case["status"], case["closed_by"], case["reason"]) == ("resolved", "mona", "threat")
    assert [(row["act"], row["text"], row["by"]) for row in case["changes"]] == [
        ("edit", "harmless", "bob"),
        ("remove", "", "mona"),
    ]
    assert b"a threat" in found["messages.html"]
    assert b"harmless" in found["messages.html"]


def test_both_people_of_a_direct_conversation_are_named(
    desk: Client, mona: User, direct: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    other = services.direct_room(actor_id=charlie.pk, user_id=bob.pk).room
    for room, reporter in ((direct, alice), (other, charlie)):
        threat = say(bob, room, "a threat")
        services.report(actor_id=reporter.pk, message_id=threat.pk, category="abuse")
    rows = lines(archive(desk, person="bob")["messages.jsonl"])
    people = [{one["username"] for one in row["conversation"]["people"]} for row in rows]
    assert people == [{"alice", "bob"}, {"bob", "charlie"}]
    assert len({row["conversation"]["id"] for row in rows}) == 2


def test_bans_of_author_and_neighbours_are_in_it(
    desk: Client, mona: User, general: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    services.join(actor_id=charlie.pk, room_id=general.pk)
    say(charlie, general, "beside it")
    message = say(bob, general, "text")
    services.site_ban(actor_id=mona.pk, user_id=bob.pk, reason="threats", seconds=3600)
    services.ban(actor_id=alice.pk, room_id=general.pk, user_id=charlie.pk, reason="insults")
    found = archive(desk, message=str(message.pk))
    people = {row["username"]: row for row in lines(found["people.jsonl"])}
    assert people["bob"]["site_bans"][0]["reason"] == "threats"
    assert people["charlie"]["rooms"][0]["state"] == "banned"
    assert people["charlie"]["sanctions"][0]["reason"] == "insults"


def test_posts_that_a_filter_held_are_in_it(
    desk: Client, mona: User, general: Room, secret: Room, alice: User, bob: User, say: Say
) -> None:
    services.save_filter(actor_id=mona.pk, text="coin", kind="word", action="hold", is_on=True)
    say(alice, general, "hello")
    for room, body in ((general, "<b>coin</b>"), (secret, "my coin"), (general, "coin three")):
        with pytest.raises(Held):
            say(bob, room, body)
    refused, _waiting, accepted = HeldPost.objects.order_by("pk")
    decide = partial(services.decide_held, actor_id=mona.pk)
    decide(case_id=refused.pk, is_accepted=False, reason="advert")
    decide(case_id=accepted.pk, is_accepted=True)
    found = archive(desk, person="bob")
    rows = lines(found["held_posts.jsonl"])
    assert [(row["text"], row["status"], row["room"]) for row in rows] == [
        ("<b>coin</b>", "refused", "#general"),
        ("my coin", "waiting", "#secret"),
        ("coin three", "accepted", "#general"),
    ]
    assert (rows[0]["closed_by"], rows[0]["reason"], rows[0]["filters"]) == (
        "mona",
        "advert",
        "coin",
    )
    assert rows[0]["after_number"] == 1
    page = found["messages.html"].decode()
    for expected in ("Messages that a filter held", "&lt;b&gt;coin&lt;/b&gt;", "advert"):
        assert expected in page
    assert {row["username"] for row in lines(found["people.jsonl"])} == {"bob", "mona"}
    about = json.loads(found["about.json"])
    assert (about["held_posts"], about["has_more_held_posts"]) == (3, False)
    assert len(lines(archive(desk, room="general")["held_posts.jsonl"])) == 2
    assert lines(archive(desk, person="alice")["held_posts.jsonl"]) == []
    message = Message.objects.get(author=bob)
    (row,) = lines(archive(desk, message=str(message.pk))["held_posts.jsonl"])
    assert row["text"] == "coin three"


def test_an_archive_says_that_there_is_more(
    desk: Client, general: Room, bob: User, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "MAX_MESSAGES", 2)
    monkeypatch.setattr(evidence, "MAX_ENTRIES", 1)
    for number in range(3):
        message = say(bob, general, f"text {number}")
        services.delete_message(actor_id=desk_id(desk), message_id=message.pk, reason="spam")
    found = archive(desk, room="general")
    about = json.loads(found["about.json"])
    assert (about["messages"], about["has_more_messages"]) == (2, True)
    assert about["has_more_entries"] is True
    assert len(lines(found["messages.jsonl"])) == 2
    assert len(lines(found["moderation.jsonl"])) == 1
    assert b"There are more." in found["messages.html"]


def desk_id(desk: Client) -> int:
    return int(desk.session["_auth_user_id"])


def test_an_archive_proves_itself(
    desk: Client, general: Room, bob: User, say: Say, tmp_path: Path, settings: Settings
) -> None:
    say(bob, general, "text")
    answer = desk.post(EVIDENCE, {**NOTHING, "room": "general"})
    file, key = tmp_path / "evidence.zip", tmp_path / "key.pem"
    file.write_bytes(whole(answer))

    def verify(path: Path = file, **options: Any) -> str:
        out = StringIO()
        call_command("evidence_verify", path, stdout=out, **options)
        return out.getvalue()

    out = StringIO()
    call_command("evidence_verify", stdout=out)
    key.write_text(out.getvalue())
    assert "BEGIN PUBLIC KEY" in out.getvalue()
    assert "by mona" in verify()
    secret = settings.SECRET_KEY
    settings.SECRET_KEY = "another-secret-key-of-this-site-0123456789-abcdefghijklmnop"
    with pytest.raises(CommandError, match="SECRET_KEY_FALLBACKS"):
        verify()
    assert "the key in --key" in verify(key=key)
    settings.SECRET_KEY_FALLBACKS = [secret]
    assert "by mona" in verify()
    with pytest.raises(CommandError, match="has no public key"):
        verify(key=file)
    for changed, problem in (
        (without(file, "manifest.sig"), "is not signed"),
        (changed_in(file, "messages.jsonl", b"{}"), "messages.jsonl is not as it was written"),
        (changed_in(file, "extra.txt", b"extra"), "extra.txt is not in manifest.json"),
        (without(file, "people.jsonl"), "people.jsonl is missing"),
        (changed_in(file, "manifest.json", b'{"files": {}}'), "is not in manifest.json"),
    ):
        with pytest.raises(CommandError, match=problem):
            verify(changed)
    for path in (tmp_path / "nothing.zip", key):
        with pytest.raises(CommandError):
            verify(path)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM chat_moderationlog") if connection.vendor == "sqlite" else None
    if connection.vendor == "sqlite":
        with pytest.raises(CommandError, match="no entry of the moderation log"):
            verify()


def changed_in(file: Path, name: str, data: bytes) -> Path:
    return _rewritten(file, lambda found: {**found, name: data})


def without(file: Path, name: str) -> Path:
    return _rewritten(file, lambda found: {key: found[key] for key in found if key != name})


def _rewritten(file: Path, change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> Path:
    with zipfile.ZipFile(file) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    path = file.with_name(f"{uuid4()}.zip")
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in change(found).items():
            archive.writestr(name, data)
    return path


def test_erasing_warns_of_messages_that_cases_hold(
    root: Client, general: Room, alice: User, bob: User, say: Say
) -> None:
    message = say(bob, general, "a threat")
    services.report(actor_id=alice.pk, message_id=message.pk, category="abuse")
    done = root.post(
        ERASE, {"person": "bob", "confirm": "bob", "reason": "they asked"}, follow=True
    )
    assert "1 message is kept for a case" in done.content.decode()
    assert ModerationLog.objects.get(action="erase").details == {"held": 1}


def test_a_refusal_in_the_admin_logs_one_line(
    desk: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="django.request"):
        assert desk.get(ERASE).status_code == 403
    (record,) = [found for found in caplog.records if found.name == "django.request"]
    RefusalFilter().filter(record)
    assert "\n" not in ConsoleLines().format(record)


def test_what_cannot_be_meant(desk: Client) -> None:
    for wrong in (
        {},
        {"message": "99"},
        {"person": "nobody"},
        {"room": "nowhere"},
        {"person": "mona", "reason": ""},
    ):
        assert desk.post(EVIDENCE, {**NOTHING, **wrong}).context["form"].errors
    assert desk.get(f"{EVIDENCE}?person=mona").status_code == 200


def test_own_data_and_erasure_are_for_superusers(
    desk: Client, root: Client, bob: User, general: Room, say: Say
) -> None:
    say(bob, general, "text")
    for address in (OWN, ERASE):
        assert desk.get(address).status_code == 403
        assert root.get(f"{address}?person=bob").status_code == 200
    own = opened(whole(root.post(OWN, {"person": "bob", "reason": "they asked"})))
    assert lines(own["messages.jsonl"])[0]["text"] == "text"
    wrong = root.post(ERASE, {"person": "bob", "confirm": "alice", "reason": "they asked"})
    assert "do not match" in str(wrong.context["form"].errors)
    assert (
        root.post(ERASE, {"person": "root", "confirm": "root", "reason": "x"})
        .context["form"]
        .errors
    )
    done = root.post(
        ERASE, {"person": "bob", "confirm": "bob", "reason": "they asked"}, follow=True
    )
    assert "1 of 1 message" in done.content.decode()
    assert not Message.objects.filter(author=bob).exclude(body="").exists()


def test_only_those_who_may(bob: User) -> None:
    bob.is_staff = True
    bob.save()
    client = Client()
    client.force_login(bob)
    assert [client.get(address).status_code for address in (EVIDENCE, OWN, ERASE)] == [403] * 3
