"""The inbox shows the text of a message as it is now, to those who may read it now."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from chat import services
from chat.models import Message, Room
from chat.queries.notified_messages import EXCERPT_LENGTH, subject
from notifications.subjects import MAX_SUBJECTS, excerpts
from tests.chat.conftest import Say


@pytest.fixture
def message(general: Room, alice: User, bob: User, say: Say) -> Message:
    """Bob's message to Alice."""
    return say(bob, general, "@alice the **key** is under the mat")


def shown(user: User, message: Message) -> str | None:
    """The excerpt of a message in a user's inbox."""
    name = subject(message.room_id, message.number)
    return excerpts(user.pk, [name]).get(name)


def inbox_page(user: User, tab: str = "all") -> str:
    client = Client()
    client.force_login(user)
    return client.get(f"/inbox/?tab={tab}").content.decode()


def test_the_inbox_says_who_and_what(message: Message, alice: User) -> None:
    page = inbox_page(alice)
    assert "Bob mentioned you in General" in page
    assert "the key is under the mat" in page


def test_an_edited_text_is_shown_as_it_is_now(message: Message, alice: User, bob: User) -> None:
    services.edit_message(actor_id=bob.pk, message_id=message.pk, body="@alice never mind")
    assert shown(alice, message) == "@alice never mind"
    assert "under the mat" not in inbox_page(alice)


def test_a_deleted_text_is_not_shown(message: Message, alice: User, bob: User) -> None:
    services.delete_message(actor_id=bob.pk, message_id=message.pk)
    assert shown(alice, message) is None
    assert "under the mat" not in inbox_page(alice)


def test_a_hidden_text_is_not_shown_until_it_is_visible_again(
    message: Message, alice: User, mona: User
) -> None:
    services.hide_message(actor_id=mona.pk, message_id=message.pk)
    assert shown(alice, message) is None
    services.show_message(actor_id=mona.pk, message_id=message.pk)
    assert shown(alice, message) == "@alice the key is under the mat"


def test_a_text_of_a_blocked_person_is_not_shown(message: Message, alice: User, bob: User) -> None:
    services.block(actor_id=alice.pk, user_id=bob.pk)
    assert shown(alice, message) is None


def test_a_former_member_of_a_private_room_is_not_shown_its_texts(
    secret: Room, alice: User, bob: User, say: Say
) -> None:
    message = say(alice, secret, "@bob the key is under the mat")
    assert shown(bob, message) == "@bob the key is under the mat"
    services.remove(actor_id=alice.pk, room_id=secret.pk, user_id=bob.pk)
    assert shown(bob, message) is None
    assert "under the mat" not in inbox_page(bob)


def test_a_banned_member_of_a_public_room_is_not_shown_its_texts(
    message: Message, general: Room, alice: User, bob: User
) -> None:
    services.ban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk)
    assert shown(bob, message) is None


def test_a_stranger_learns_nothing_of_a_private_room(
    secret: Room, alice: User, charlie: User, say: Say
) -> None:
    message = say(alice, secret, "Just us")
    name = subject(secret.pk, message.number)
    client = Client()
    client.force_login(charlie)
    answer = client.get("/api/inbox/excerpts", {"subjects": f"{name},room.0.1,room.x.y,nonsense,"})
    assert answer.json() == {"excerpts": {}}


def test_a_long_text_is_cut(general: Room, alice: User, bob: User, say: Say) -> None:
    text = shown(alice, say(bob, general, "@alice " + "long " * 100))
    assert text is not None
    assert len(text) == EXCERPT_LENGTH
    assert text.endswith("…")


def test_a_page_of_texts_costs_three_queries(
    general: Room,
    secret: Room,
    alice: User,
    bob: User,
    say: Say,
    django_assert_num_queries: object,
) -> None:
    names = [
        subject(room.pk, say(bob, room, f"@alice {number}").number)
        for room in (general, secret)
        for number in range(10)
    ]
    with django_assert_num_queries(3):  # type: ignore[operator]
        assert len(excerpts(alice.pk, names)) == 20


def test_more_than_a_page_is_refused(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    names = ",".join(f"room.1.{number}" for number in range(MAX_SUBJECTS + 1))
    assert client.get("/api/inbox/excerpts", {"subjects": names}).status_code == 400


def test_the_page_shows_the_present_name_of_a_room_that_the_reader_is_in(
    message: Message, general: Room, alice: User, bob: User
) -> None:
    services.change_room(actor_id=alice.pk, room_id=general.pk, name="Agora")
    assert "Bob mentioned you in Agora" in inbox_page(alice)
