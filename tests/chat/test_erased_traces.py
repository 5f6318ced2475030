"""After an erasure, a search of the whole database finds only what docs/moderation.md names."""

import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone

from chat import services
from chat.models import Bulk, Case, Erasure, Message, Room
from chat.services.people import erasure, name_scrubbing
from chat.services.retention import run
from notifications.models import Broadcast, Notification
from tests.chat.conftest import Say, fresh
from tests.conftest import make_user
from tests.support.replay import Verify

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("quillfeather", "quill.older", "Cordelia Quillfeather")


@pytest.fixture
def quill(db: None) -> User:
    user = make_user("quill.older")
    user.first_name, user.last_name, user.email = "Cordelia", "Quillfeather", "q@example.org"
    user.save()
    return user


def dump() -> Iterator[tuple[str, str]]:
    """Yield every row of every table as text, the blocks of the full-text index included."""
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            if table == "chat_search":
                continue  # cannot be read whole; its blocks are in tables of their own
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                yield table, " ".join(_text(value) for value in row)


def _text(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("latin-1")
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)


def traces(*words: str) -> list[tuple[str, str]]:
    """Return where the words are, except in the entries of the log and notes in free text."""
    return [
        (table, word) for table, text in dump() for word in words if word.lower() in text.lower()
    ]


def test_neither_the_names_nor_the_words_are_left(
    verify: Verify,
    general: Room,
    alice: User,
    bob: User,
    mona: User,
    quill: User,
    say: Say,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services.join(actor_id=quill.pk, room_id=general.pk)
    say(alice, general, "I asked @quill.older, and **she** agreed")
    services.rename(user_id=quill.pk, username="quillfeather")
    say(quill, general, "zanzibarite is my secret")
    plain = say(alice, general, "> zanzi\n\n@quillfeather wrote this. See @quillfeather.")
    hidden = say(bob, general, "@quillfeather is hidden")
    removed = say(bob, general, "@quillfeather was removed")
    other = say(alice, general, "@quillfeathers is another name, and so is a@quillfeather")
    services.hide_message(actor_id=mona.pk, message_id=hidden.pk)
    services.delete_message(actor_id=mona.pk, message_id=removed.pk, reason="off topic")
    own = services.create_room(
        actor_id=quill.pk, name="quillfeather's den", kind="private", topic="of quillfeather"
    ).room
    services.invite(actor_id=quill.pk, room_id=own.pk, username="bob")
    services.leave(actor_id=bob.pk, room_id=own.pk)
    shared = services.create_room(actor_id=quill.pk, name="Friends of Cordelia Quillfeather").room
    services.join(actor_id=bob.pk, room_id=shared.pk)
    Broadcast.objects.create(
        body="Hello", targets={"users": ["alice", "quillfeather"], "room": [own.slug]}, key=uuid4()
    )
    LogEntry.objects.create(
        user=mona,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(quill.pk),
        object_repr="quillfeather",
        action_flag=CHANGE,
    )
    # But for what only they could read, which no stream shows when it goes.
    with monkeypatch.context() as patch, verify():
        patch.setattr(erasure, "_forget", lambda _user_id: None)
        services.erase_person(actor_id=mona.pk, user_id=quill.pk, seconds=60)
    bulk = services.erase_person(actor_id=mona.pk, user_id=quill.pk, seconds=60)
    assert bulk.finished_at is not None
    quill.refresh_from_db()
    new = quill.username
    if connection.vendor == "sqlite":
        found = traces(*NAMES, "zanzibarite", "q@example.org")
        allowed = {("chat_message", "quillfeather"), ("chat_search_data", "quillfeather")}
        assert set(found) <= allowed, "another name that only begins like theirs"
    plain.refresh_from_db()
    other.refresh_from_db()
    assert plain.body == f"> zanzi\n\n@{new} wrote this. See @{new}."
    assert quill.pk not in plain.mentions
    assert "data-user" not in plain.html
    assert "quillfeathers" in other.body
    assert [fresh(own).name, fresh(own).topic] == [f"room-{own.pk}", ""]
    assert fresh(shared).name == f"Friends of {new}"
    targets = {"users": ["alice", new], "room": [f"room-{own.pk}"]}
    assert Broadcast.objects.get(body="Hello").targets == targets
    assert Erasure.objects.get().usernames == []
    invited = Notification.objects.filter(user=bob, kind="invitation")
    assert all(row.params["room"]["slug"] == fresh(own).slug for row in invited)


def test_what_cases_hold_goes_when_the_hold_ends(
    general: Room, alice: User, mona: User, quill: User, say: Say
) -> None:
    services.join(actor_id=quill.pk, room_id=general.pk)
    threat = say(quill, general, "zanzibarite threat")
    services.report(actor_id=alice.pk, message_id=threat.pk, category="abuse")
    services.decide(actor_id=mona.pk, message_id=threat.pk, status="resolved")
    services.erase_person(actor_id=mona.pk, user_id=quill.pk, seconds=60)
    words = ("zanzibarite", "Quillfeather", "quill.older")
    assert {table for table, _ in traces(*words)} == {"chat_case", "chat_removedtext"}
    Case.objects.update(closed_at=timezone.now() - timedelta(days=185))
    run.run()
    assert traces(*words) == []


def test_a_name_that_belongs_to_someone_else_by_now_stays(
    general: Room, alice: User, bob: User, mona: User, quill: User, say: Say
) -> None:
    services.join(actor_id=quill.pk, room_id=general.pk)
    services.rename(user_id=quill.pk, username="quillfeather")
    successor = make_user("quill.older")
    services.join(actor_id=successor.pk, room_id=general.pk)
    message = say(alice, general, "Hello @quill.older")
    services.erase_person(actor_id=mona.pk, user_id=quill.pk, seconds=60)
    message.refresh_from_db()
    assert (message.body, message.mentions) == ("Hello @quill.older", [successor.pk])


def test_an_erasure_that_died_goes_on_where_it_was(
    general: Room, alice: User, mona: User, quill: User, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_scrubbing, "SCANNED", 1)
    services.join(actor_id=quill.pk, room_id=general.pk)
    for number in range(3):
        say(alice, general, f"@quill.older {number}")
    rewrite, calls = name_scrubbing._rewrite, []

    def dies(*args: object) -> None:
        calls.append(args)
        if len(calls) == 2:
            raise ConnectionError
        rewrite(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(name_scrubbing, "_rewrite", dies)
        with pytest.raises(ConnectionError):
            services.erase_person(actor_id=mona.pk, user_id=quill.pk, seconds=60)
    assert Message.objects.filter(body__contains="quill.older").count() == 2
    services.erase_person(actor_id=mona.pk, user_id=quill.pk, seconds=60)
    assert not Message.objects.filter(body__contains="quill.older").exists()
    assert Bulk.objects.count() == 1
