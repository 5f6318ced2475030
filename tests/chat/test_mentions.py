"""Notifications of mentions and direct messages, by the notification level of each member."""

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from chat import policies, services
from chat.models import Membership, Room
from chat.services.messages import posting, site_limits
from chat.services.messages.rendering import RenderJob, render_text
from realtime.protocol.errors import BadRequest, Forbidden
from tests.chat.conftest import Say, membership, notices
from tests.conftest import make_user
from tests.support.replay import Verify


def test_a_mentioned_member_is_notified_in_the_same_transaction(
    verify: Verify, general: Room, alice: User, bob: User, say: Say
) -> None:
    with verify() as change:
        message = say(alice, general, "Ask @bob, @charlie and @alice")
    assert message.mentions == [bob.pk, alice.pk]  # Charlie is no member
    assert notices(bob) == [("mention", "Alice mentioned you in General")]
    assert notices(alice) == []
    assert change.streams == [f"inbox.{bob.pk}", f"room.{general.pk}"]
    notification = bob.notifications.get()
    assert (notification.url, notification.actor_id, notification.body) == (
        f"/rooms/general/{message.number}/",
        alice.pk,
        "",
    )


def test_a_notification_holds_no_word_that_could_still_be_deleted(
    verify: Verify, general: Room, alice: User, bob: User, say: Say
) -> None:
    message = say(alice, general, "@bob the password is xyzzy")
    with verify():
        services.delete_message(actor_id=alice.pk, message_id=message.pk)
    assert "xyzzy" not in str(bob.notifications.values())


def test_nothing_means_nothing(general: Room, alice: User, bob: User, say: Say) -> None:
    services.set_involvement(actor_id=bob.pk, room_id=general.pk, involvement="nothing")
    message = say(alice, general, "@bob @room")
    assert message.mentions == [bob.pk]
    assert notices(bob) == []


def test_everything_means_every_message(
    verify: Verify, general: Room, alice: User, bob: User, say: Say
) -> None:
    services.set_involvement(actor_id=bob.pk, room_id=general.pk, involvement="everything")
    with verify():
        say(alice, general, "one")
        say(alice, general, "@bob two")
        say(bob, general, "three")
    assert notices(bob) == [
        ("message", "Alice wrote in General"),
        ("mention", "Alice mentioned you in General"),
    ]


def test_everything_means_mentions_in_large_rooms(
    general: Room, alice: User, bob: User, say: Say
) -> None:
    services.set_involvement(actor_id=bob.pk, room_id=general.pk, involvement="everything")
    Room.objects.filter(pk=general.pk).update(member_count=policies.EVERYTHING_MAX_MEMBERS + 1)
    say(alice, general, "one")
    say(alice, general, "@bob two")
    assert notices(bob) == [("mention", "Alice mentioned you in General")]


@pytest.mark.parametrize(
    ("involvement", "told"), [("everything", True), ("mentions", True), ("nothing", False)]
)
def test_a_direct_message_notifies_the_other_one(
    verify: Verify, direct: Room, alice: User, bob: User, say: Say, involvement: str, told: bool
) -> None:
    services.set_involvement(actor_id=bob.pk, room_id=direct.pk, involvement=involvement)
    with verify():
        say(alice, direct, "Hello")
        say(alice, direct, "Hello @bob")
    assert notices(bob) == (
        [("direct", "Alice wrote to you"), ("mention", "Alice mentioned you")] if told else []
    )
    assert notices(alice) == []


def test_a_moderator_can_mention_the_whole_room(
    verify: Verify, general: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    services.join(actor_id=charlie.pk, room_id=general.pk)
    with verify():
        message = say(alice, general, "@room, lunch")
    assert message.mentions == []
    assert 'data-room=""' in message.html
    assert notices(bob) == notices(charlie) == [("mention", "Alice mentioned you in General")]
    assert notices(alice) == []


def test_a_member_cannot_mention_the_whole_room(
    general: Room, alice: User, bob: User, say: Say
) -> None:
    assert say(bob, general, "@room, lunch").html == ""
    assert notices(alice) == []


def test_the_whole_room_can_be_too_much(general: Room, alice: User, say: Say) -> None:
    Room.objects.filter(pk=general.pk).update(member_count=policies.ROOM_MENTION_MAX_MEMBERS + 1)
    with pytest.raises(Forbidden, match="1000 members"):
        say(alice, general, "@room")
    say(alice, general, "`@room`")


def test_a_message_mentions_a_limited_number_of_people(
    general: Room, alice: User, say: Say, settings: Settings
) -> None:
    settings.HOLDFAST_MAX_MENTIONS = 2
    people = [make_user(f"user{number}") for number in range(3)]
    services.add_members(room_id=general.pk, user_ids=[user.pk for user in people])
    assert say(alice, general, "@user0 @user1 @user0").mentions == [people[0].pk, people[1].pk]
    with pytest.raises(BadRequest, match="at most 2 people"):
        say(alice, general, "@user0 @user1 @user2")


def test_a_member_who_leaves_before_the_lock_is_not_notified(
    general: Room, alice: User, bob: User, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = site_limits.rendered_within_limits

    def and_bob_leaves(job: RenderJob) -> object:
        Membership.objects.filter(room=general, user=bob).update(state="left")
        return rendered(job)

    monkeypatch.setattr(posting, "rendered_within_limits", and_bob_leaves)
    say(alice, general, "@bob")
    assert notices(bob) == []


# -- edits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["direct", "reply", "message"])
def test_an_edit_does_not_notify_whom_the_message_has_notified_for_another_reason(
    general: Room, alice: User, bob: User, say: Say, reason: str
) -> None:
    room, answered = general, None
    if reason == "direct":
        room = services.direct_room(actor_id=bob.pk, user_id=alice.pk).room
    elif reason == "reply":
        answered = say(alice, general, "Hello?").pk
    else:
        services.set_involvement(actor_id=alice.pk, room_id=general.pk, involvement="everything")
    message = services.post_message(
        author_id=bob.pk, room_id=room.pk, body="Hi", reply_to=answered
    ).message
    services.edit_message(actor_id=bob.pk, message_id=message.pk, body="Hi @alice")
    assert [kind for kind, _ in notices(alice)] == [reason]


def test_an_edit_notifies_only_newly_mentioned_members(
    verify: Verify, general: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    services.join(actor_id=charlie.pk, room_id=general.pk)
    message = say(alice, general, "@bob")
    with verify():
        services.edit_message(actor_id=alice.pk, message_id=message.pk, body="nobody")
    with verify() as change:
        edited = services.edit_message(
            actor_id=alice.pk, message_id=message.pk, body="@bob and @charlie"
        )
    assert edited.mentions == [bob.pk, charlie.pk]
    # The notification of Bob, who is mentioned again, comes back.
    assert change.streams == [
        *sorted(f"inbox.{user.pk}" for user in (bob, charlie)),
        f"room.{general.pk}",
    ]
    assert len(notices(bob)) == len(notices(charlie)) == 1


def test_a_member_notified_with_the_whole_room_is_not_notified_again(
    general: Room, alice: User, bob: User, say: Say
) -> None:
    message = say(alice, general, "@room")
    services.edit_message(actor_id=alice.pk, message_id=message.pk, body="@room and @bob")
    assert len(notices(bob)) == 1


def test_choosing_how_involved_one_is(verify: Verify, general: Room, bob: User) -> None:
    with verify() as change:
        services.set_involvement(actor_id=bob.pk, room_id=general.pk, involvement="nothing")
        services.set_involvement(actor_id=bob.pk, room_id=general.pk, involvement="nothing")
    assert membership(general, bob).involvement == "nothing"
    assert change.kinds(f"inbox.{bob.pk}") == change.kinds(f"room.{general.pk}") == ["membership"]
    with pytest.raises(BadRequest, match="everything, mentions, nothing"):
        services.set_involvement(actor_id=bob.pk, room_id=general.pk, involvement="loud")


# -- who is not reached ----------------------------------------------------------------------------


def test_a_name_is_looked_up_as_it_is_drawn(general: Room, alice: User, say: Say) -> None:
    jane = make_user("JaneDoe")
    services.add_members(room_id=general.pk, user_ids=[jane.pk])
    for text in (
        "@janedoe hi",
        "@JANEDOE hi",
        "交给@janedoe处理",
        "_@JaneDoe_",
        "＠ｊａｎｅｄｏｅ",
    ):
        assert say(alice, general, text).mentions == [jane.pk]
    assert len(notices(jane)) == 5
    assert say(alice, general, "mail@janedoe and mail@janedoe.example").mentions == []


def test_a_mention_of_someone_outside_says_who_was_not_reached(
    general: Room, alice: User, bob: User, charlie: User
) -> None:
    text = render_text(alice.pk, general, "@bob, @Charlie and @nobody")
    assert text.mentions == (bob.pk,)
    assert [each["username"] for each in text.unreached] == ["charlie"]
    assert "charlie" not in text.html.lower().replace("@charlie", "")
    assert render_text(alice.pk, general, "`@charlie` mail@charlie").unreached == ()
    User.objects.filter(pk=charlie.pk).update(is_active=False)
    assert render_text(alice.pk, general, "@charlie").unreached == ()


@pytest.mark.parametrize("name", ["room", "here", "channel", "everyone", "ALL"])
def test_the_whole_room_has_the_names_that_people_know(
    general: Room, alice: User, bob: User, say: Say, name: str
) -> None:
    assert 'data-room=""' in say(alice, general, f"@{name}, lunch").html
    assert notices(bob) == [("mention", "Alice mentioned you in General")]
    text = render_text(bob.pk, general, f"@{name}, lunch")
    assert (text.everybody, text.refused_everybody) == (False, True)


def test_a_direct_conversation_has_no_whole_room(direct: Room, alice: User) -> None:
    assert not render_text(alice.pk, direct, "@here").refused_everybody
