"""Exports in the admin: complete, with checksums, without other people's data, and logged."""

import json
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from chat import services
from chat.models import Message, ModerationLog, Room
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
    assert json.loads(found["reports.json"])[0]["note"] == "look"
    assert json.loads(found["moderation.json"])[0]["moderator"] == "alice"
    assert json.loads(found["about.json"])["made_by"] == "mona"
    entry = ModerationLog.objects.latest("pk")
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
