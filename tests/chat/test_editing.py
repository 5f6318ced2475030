"""Editing, deleting, restoring and reacting."""

from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from chat import payloads, services
from chat.errors import BlockedWord, ChangedMeanwhile, Empty, Muted, NotYours, ReadOnly, TooLong
from chat.models import Membership, Message, ModerationLog, RemovedText, Room, State
from realtime.protocol.errors import BadRequest, Forbidden, NotFound, TooMany
from tests.chat.conftest import BlockWord, Say, notices
from tests.support.replay import Verify

# -- editing ---------------------------------------------------------------------------------------


def test_an_edited_message_is_replayed_once_in_its_last_form(
    verify: Verify, general: Room, alice: User, say: Say
) -> None:
    message = say(alice, general, "helo")
    with verify() as change:
        services.edit_message(actor_id=alice.pk, message_id=message.pk, body="hello")
        edited = services.edit_message(actor_id=alice.pk, message_id=message.pk, body="**hello**")
    assert (edited.number, edited.body, edited.html) == (
        1,
        "**hello**",
        "<p><strong>hello</strong></p>",
    )
    assert edited.edited_at is not None
    assert [data["body"] for data in change.data(f"room.{general.pk}")] == ["hello", "**hello**"]


def test_the_same_text_again_is_no_change(
    verify: Verify, general: Room, alice: User, say: Say
) -> None:
    message = say(alice, general, "hello")
    with verify() as change:
        assert (
            services.edit_message(actor_id=alice.pk, message_id=message.pk, body="hello").edited_at
            is None
        )
    assert change.streams == []


def test_nobody_edits_anothers_message(
    general: Room, alice: User, bob: User, mona: User, say: Say
) -> None:
    message = say(bob, general, "mine")
    for other in (alice, mona):
        if other == mona:
            services.join(actor_id=mona.pk, room_id=general.pk)
        with pytest.raises(NotYours):
            services.edit_message(actor_id=other.pk, message_id=message.pk, body="yours")


def test_an_edit_is_checked_like_a_new_message(
    general: Room, alice: User, bob: User, say: Say, block_word: BlockWord
) -> None:
    message = say(bob, general, "fine")
    block_word("blub")

    def edit(body: str) -> Message:
        return services.edit_message(actor_id=bob.pk, message_id=message.pk, body=body)

    for body, error in [
        ("", Empty),
        ("x" * 10_001, TooLong),
        ("blub", BlockedWord),
        ("\0", BadRequest),
    ]:
        with pytest.raises(error):
            edit(body)
    services.change_room(actor_id=alice.pk, room_id=general.pk, read_only=True)
    with pytest.raises(ReadOnly):
        edit("new")
    services.change_room(actor_id=alice.pk, room_id=general.pk, read_only=False)
    services.mute(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=60)
    with pytest.raises(Muted):
        edit("new")


def test_a_message_that_is_not_there_cannot_be_edited(
    general: Room, secret: Room, alice: User, charlie: User, say: Say
) -> None:
    hidden, deleted = say(alice, secret, "hidden"), say(alice, general, "deleted")
    services.delete_message(actor_id=alice.pk, message_id=deleted.pk)
    for actor, message_id in [
        (charlie, hidden.pk),
        (alice, deleted.pk),
        (alice, 10**30),
        (alice, 0),
        (alice, -1),
    ]:
        with pytest.raises(NotFound):
            services.edit_message(actor_id=actor.pk, message_id=message_id, body="new")


# -- deleting --------------------------------------------------------------------------------------


def test_what_its_author_deletes_is_gone_from_everywhere(
    verify: Verify, general: Room, alice: User, bob: User, say: Say
) -> None:
    message = say(bob, general, "@alice **xyzzy**")
    services.react(actor_id=alice.pk, message_id=message.pk, emoji="👍", on=True)
    with verify():
        tombstone = services.delete_message(actor_id=bob.pk, message_id=message.pk)
    row = Message.objects.get(pk=message.pk)
    for found in (tombstone, row):
        assert (found.number, found.body, found.html, found.mentions, found.reactions) == (
            1,
            "",
            "",
            [],
            {},
        )
        assert found.deleted_at is not None
    assert not RemovedText.objects.exists()
    assert not ModerationLog.objects.exists()
    assert "xyzzy" not in str(Message.objects.values())


def test_deleting_twice_is_deleting_once(
    verify: Verify, general: Room, alice: User, say: Say
) -> None:
    message = say(alice, general, "xyzzy")
    services.delete_message(actor_id=alice.pk, message_id=message.pk)
    with verify() as change:
        services.delete_message(actor_id=alice.pk, message_id=message.pk)
    assert change.streams == []


def test_a_moderator_deletes_and_restores(
    verify: Verify, general: Room, alice: User, bob: User, say: Say
) -> None:
    message = say(bob, general, "*xyzzy* @alice")
    services.react(actor_id=alice.pk, message_id=message.pk, emoji="👍", on=True)
    with verify() as change:
        services.delete_message(actor_id=alice.pk, message_id=message.pk, reason="off topic")
    mentioned, author = f"inbox.{alice.pk}", f"inbox.{bob.pk}"
    assert change.streams == [mentioned, author, f"room.{general.pk}"]
    assert RemovedText.objects.get().body == "*xyzzy* @alice"
    with verify():
        restored = services.restore_message(
            actor_id=alice.pk, message_id=message.pk, reason="a mistake"
        )
    assert (restored.body, restored.mentions, restored.reactions) == (
        "*xyzzy* @alice",
        [alice.pk],
        {"👍": [alice.pk]},
    )
    assert "<em>xyzzy</em>" in restored.html
    assert restored.deleted_at is None
    assert not RemovedText.objects.exists()
    assert notices(bob) == [
        ("reaction", "Alice reacted to your message in General"),  # it is back
        ("room", "Alice removed your message in General"),  # one an hour
    ]
    assert list(
        ModerationLog.objects.order_by("pk").values_list(
            "action", "reason", "actor", "subject", "message"
        )
    ) == [
        ("delete", "off topic", alice.pk, bob.pk, message.pk),
        ("restore", "a mistake", alice.pk, bob.pk, message.pk),
    ]
    assert len(notices(alice)) == 1  # of being mentioned, once


def test_a_moderator_of_the_site_deletes_in_every_room(
    verify: Verify, secret: Room, direct: Room, alice: User, bob: User, mona: User, say: Say
) -> None:
    for room in (secret, direct):
        message = say(alice, room, "xyzzy")
        if room.is_direct:  # the words of two people are theirs until one of them reports
            with pytest.raises(NotFound):
                services.delete_message(actor_id=mona.pk, message_id=message.pk)
            services.report(actor_id=bob.pk, message_id=message.pk, category="abuse")
        with verify():
            services.delete_message(actor_id=mona.pk, message_id=message.pk, reason="reported")
            services.restore_message(actor_id=mona.pk, message_id=message.pk)


def test_a_text_that_a_moderator_removed_can_be_restored_after_its_author_deletes_it(
    general: Room, alice: User, bob: User, say: Say
) -> None:
    message = say(bob, general, "xyzzy")
    services.delete_message(actor_id=alice.pk, message_id=message.pk)
    services.delete_message(actor_id=bob.pk, message_id=message.pk)
    assert services.restore_message(actor_id=alice.pk, message_id=message.pk).body == "xyzzy"


def test_a_moderator_who_deletes_twice_removes_once(
    verify: Verify, general: Room, alice: User, bob: User, mona: User, say: Say
) -> None:
    message = say(bob, general, "xyzzy")
    for actor in (alice, mona):
        services.delete_message(actor_id=actor.pk, message_id=message.pk)
    assert RemovedText.objects.get().removed_by == alice
    assert len(notices(bob)) == ModerationLog.objects.count() == 1


def test_another_moderator_decides_about_a_moderators_message(
    general: Room, alice: User, mona: User, say: Say
) -> None:
    message = say(alice, general, "xyzzy")
    services.delete_message(actor_id=mona.pk, message_id=message.pk)
    with pytest.raises(Forbidden, match="Another moderator"):
        services.restore_message(actor_id=alice.pk, message_id=message.pk)
    assert notices(alice) == [
        ("moderation", "Mona, a site moderator, removed your message in General")
    ]


def test_nobody_else_deletes_or_restores(
    general: Room, secret: Room, direct: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    message = say(alice, general, "mine")
    for actor in (bob, charlie):
        with pytest.raises(NotYours):
            services.delete_message(actor_id=actor.pk, message_id=message.pk)
    with pytest.raises(NotFound):
        services.delete_message(actor_id=charlie.pk, message_id=say(alice, secret, "hidden").pk)
    with pytest.raises(NotYours):
        services.delete_message(actor_id=bob.pk, message_id=say(alice, direct, "mine").pk)
    services.delete_message(actor_id=alice.pk, message_id=say(bob, general, "theirs").pk)
    for actor, error in [(bob, Forbidden), (charlie, Forbidden)]:
        with pytest.raises(error):
            services.restore_message(actor_id=actor.pk, message_id=Message.objects.latest("pk").pk)


def test_a_removed_author_cannot_reach_the_message(
    secret: Room, alice: User, bob: User, say: Say
) -> None:
    message = say(bob, secret, "mine")
    services.remove(actor_id=alice.pk, room_id=secret.pk, user_id=bob.pk)
    with pytest.raises(NotFound):
        services.delete_message(actor_id=bob.pk, message_id=message.pk)


# -- reacting --------------------------------------------------------------------------------------


def test_reactions_come_and_go(
    verify: Verify, general: Room, alice: User, bob: User, say: Say
) -> None:
    message = say(alice, general, "Hello")

    def react(actor: User, emoji: str, *, on: bool) -> Any:
        return services.react(
            actor_id=actor.pk, message_id=message.pk, emoji=emoji, on=on
        ).reactions

    with verify() as change:
        assert react(alice, "👍", on=True) == {"👍": [alice.pk]}
        assert react(bob, "👍", on=True) == {"👍": [alice.pk, bob.pk]}
        assert react(bob, "👍", on=True) == {"👍": [alice.pk, bob.pk]}
        assert react(bob, "👨‍👩‍👧‍👦", on=False) == {"👍": [alice.pk, bob.pk]}
        assert react(alice, "👍", on=False) == {"👍": [bob.pk]}
        assert react(bob, "👍", on=False) == {}
    assert len(change.data(f"room.{general.pk}")) == 4


@pytest.mark.parametrize("emoji", ["", "a", "👍👍", "👍 ", ":+1:", "<b>", "\0", "👍" * 1000, "1"])
def test_a_reaction_is_one_emoji(general: Room, alice: User, say: Say, emoji: str) -> None:
    with pytest.raises(BadRequest, match="emoji"):
        services.react(
            actor_id=alice.pk, message_id=say(alice, general, "Hello").pk, emoji=emoji, on=True
        )


@pytest.mark.parametrize("emoji", ["👍", "👍🏽", "❤️", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "1️⃣"])
def test_every_emoji_is_one(general: Room, alice: User, say: Say, emoji: str) -> None:
    assert services.react(
        actor_id=alice.pk, message_id=say(alice, general, "Hello").pk, emoji=emoji, on=True
    ).reactions == {emoji: [alice.pk]}


def test_reactions_are_limited(
    general: Room, alice: User, bob: User, say: Say, settings: Settings
) -> None:
    settings.HOLDFAST_MAX_REACTION_KINDS, settings.HOLDFAST_MAX_REACTIONS = 2, 3
    message = say(alice, general, "Hello")
    for actor, emoji in [(alice, "👍"), (alice, "🎉"), (bob, "🎉")]:
        services.react(actor_id=actor.pk, message_id=message.pk, emoji=emoji, on=True)
    with pytest.raises(TooMany, match="2 different"):
        services.react(actor_id=bob.pk, message_id=message.pk, emoji="👀", on=True)
    with pytest.raises(TooMany, match="3 reactions"):
        services.react(actor_id=bob.pk, message_id=message.pk, emoji="👍", on=True)


def test_permission_to_react(
    general: Room, secret: Room, alice: User, bob: User, charlie: User, say: Say
) -> None:
    message, hidden = say(alice, general, "Hello"), say(alice, secret, "Hello")
    services.change_room(actor_id=alice.pk, room_id=general.pk, read_only=True)
    services.react(actor_id=bob.pk, message_id=message.pk, emoji="👍", on=True)
    services.mute(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=60)
    Membership.objects.filter(room=secret, user=bob).update(state=State.BANNED)
    for actor, found, error in [
        (bob, message, Muted),
        (charlie, message, Forbidden),
        (charlie, hidden, NotFound),
        (bob, hidden, NotFound),
    ]:
        with pytest.raises(error):
            services.react(actor_id=actor.pk, message_id=found.pk, emoji="🎉", on=True)
    services.delete_message(actor_id=alice.pk, message_id=message.pk)
    with pytest.raises(NotFound):
        services.react(actor_id=alice.pk, message_id=message.pk, emoji="🎉", on=True)
    services.change_room(actor_id=alice.pk, room_id=general.pk, archived=True)
    with pytest.raises(ReadOnly):
        services.react(actor_id=alice.pk, message_id=message.pk, emoji="🎉", on=True)


def test_an_edit_does_not_overwrite_one_that_its_author_has_not_seen(
    general: Room, bob: User, say: Say
) -> None:
    message = say(bob, general, "one")
    edit = partial(services.edit_message, actor_id=bob.pk, message_id=message.pk)
    first = edit(body="two", seen="")
    with pytest.raises(ChangedMeanwhile):
        edit(body="three", seen="")
    assert edit(body="two", seen="").body == "two", "a repeat of the first is no second edit"
    assert edit(body="three", seen=payloads.moment(first.edited_at)).body == "three"
    assert edit(body="four").body == "four"
