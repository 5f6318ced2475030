"""Messages that the system posts in rooms and recalls."""

from collections.abc import Callable
from io import StringIO
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from chat import services
from chat.errors import ReadOnly
from chat.models import Message, RemovedText, Revision, Room
from notifications.models import Broadcast
from notifications.targets import target
from realtime.protocol.errors import NotFound
from tests.chat.conftest import BlockWord, Say, fresh
from tests.support.replay import Verify

Announce = Callable[..., int]


@pytest.fixture
def announce() -> Announce:
    def post(room: Room, body: str = "Back at six", **more: object) -> int:
        values = {
            "key": uuid4(),
            "title": "Maintenance",
            "url": "https://a.org/why",
            "level": "info",
        } | more
        return services.post_system_message(room.pk, body=body, **values)  # type: ignore[arg-type]

    return post


def test_a_broadcast_is_a_message_of_the_system(
    verify: Verify,
    general: Room,
    alice: User,
    say: Say,
    announce: Announce,
    block_word: BlockWord,
) -> None:
    block_word("six")
    services.change_room(actor_id=alice.pk, room_id=general.pk, read_only=True, slow_mode=60)
    say(alice, general, "Hello")
    with verify() as change:
        message = Message.objects.get(pk=announce(general))
    assert (message.number, message.body) == (
        2,
        "**Maintenance**\n\nBack at six\n\n<https://a.org/why>",
    )
    assert message.author.username == "holdfast"
    assert not message.author.has_usable_password()
    assert not message.author.is_active
    assert 'href="https://a.org/why"' in message.html
    assert change.streams == [f"room.{general.pk}"]
    assert say(alice, general, "Thanks").number == 3


def test_a_repeat_posts_nothing(
    verify: Verify, general: Room, secret: Room, announce: Announce
) -> None:
    key = uuid4()
    first, other = announce(general, key=key), announce(secret, key=key)
    assert first != other
    with verify() as change:
        assert announce(general, key=key) == first
    assert change.streams == []


def test_it_can_be_taken_back(verify: Verify, general: Room, announce: Announce) -> None:
    posted = announce(general, body="xyzzy")
    with verify() as change:
        services.recall_system_message(posted)
        services.recall_system_message(posted)
    assert len(change.data(f"room.{general.pk}")) == 1
    assert Message.objects.get(pk=posted).body == ""
    assert not RemovedText.objects.exists()


def test_the_system_does_not_speak_in_archived_rooms(
    general: Room, alice: User, announce: Announce
) -> None:
    services.change_room(actor_id=alice.pk, room_id=general.pk, archived=True)
    with pytest.raises(ReadOnly):
        announce(general)
    with pytest.raises(NotFound):
        services.post_system_message(10**30, key=uuid4(), title="", body="x", url="", level="info")
    assert fresh(general).last_number == 0


def test_rooms_are_places_for_broadcasts(general: Room, secret: Room, direct: Room) -> None:
    rooms = target("room")
    assert rooms is not None
    found = rooms.resolve(["general", "generl", direct.slug])
    assert [(place.ident, place.name, place.people) for place in found.places] == [
        (general.pk, "general", 2)
    ]
    assert found.missing == {"generl": ["general"], direct.slug: []}


def test_the_command_reaches_rooms_and_takes_it_back(
    verify: Verify, general: Room, secret: Room
) -> None:
    with verify() as change:
        call_command(
            "broadcast",
            "x" * 3000,
            "--room",
            "general",
            "secret",
            "--title",
            "Long",
            "--url",
            "/rooms/general/",
            stdout=StringIO(),
        )
    assert change.streams == sorted([f"room.{general.pk}", f"room.{secret.pk}"])
    message = Message.objects.get(room=secret)
    assert message.body.startswith("**Long**\n\nx")
    assert 'href="http://testserver/rooms/general/"' in message.html
    with verify():
        call_command("recall", str(Broadcast.objects.get().pk), stdout=StringIO())
    assert not Message.objects.filter(deleted_at=None).exists()


def test_a_wrong_room_is_named_in_the_error_and_nothing_is_sent(general: Room) -> None:
    with pytest.raises(CommandError, match="general"):
        call_command("broadcast", "Hello", "--room", "generl")
    assert not Message.objects.exists()


def test_the_system_has_an_account_even_where_the_tables_were_emptied(
    general: Room, announce: Announce
) -> None:
    User.objects.filter(username="holdfast").delete()
    author = Message.objects.get(pk=announce(general)).author
    assert (author.username, author.is_active, author.has_usable_password()) == (
        "holdfast",
        False,
        False,
    )


def test_nobody_is_called_holdfast_by_mistake(alice: User, general: Room) -> None:
    with pytest.raises(NotFound):
        services.direct_room(actor_id=alice.pk, user_id=User.objects.get(username="holdfast").pk)


def test_a_system_message_is_edited_live_also_while_it_is_hidden(
    verify: Verify, general: Room, alice: User, mona: User, announce: Announce
) -> None:
    message = Message.objects.get(pk=announce(general))
    said = {"title": "", "url": "", "level": "info"}
    services.report(actor_id=alice.pk, message_id=message.pk, category="spam")
    with verify() as change:
        assert services.edit_system_message(message.pk, body="Back at *seven*", **said)
    assert change.streams == [f"room.{general.pk}"]
    message.refresh_from_db()
    assert (message.body, message.edited_at is None) == ("Back at *seven*", False)
    assert "<em>seven</em>" in message.html
    assert Revision.objects.get().body == "Back at *seven*"
    assert not services.edit_system_message(message.pk, body="Back at *seven*", **said)
    services.hide_message(actor_id=mona.pk, message_id=message.pk)
    assert services.edit_system_message(message.pk, body="Back at eight", **said)
    assert services.show_message(actor_id=mona.pk, message_id=message.pk).body == "Back at eight"
    services.recall_system_message(message.pk)
    assert not services.edit_system_message(message.pk, body="Back", **said)
