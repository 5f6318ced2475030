"""A member mutes a room for a time: it notifies them of nothing, and ends by itself."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat import payloads, policies, services
from chat.models import Membership, Room
from chat.pages.page_data import places
from chat.queries.room_lists import my_rooms
from realtime.core import reads as streams
from realtime.protocol.errors import BadRequest, Forbidden, NotFound
from tests.chat.conftest import Say, membership, notices
from tests.support.replay import Verify

HOUR = 3600


def mute_has_ended(room: Room, user: User) -> None:
    """Let the time pass that a user has muted a room for."""
    Membership.objects.filter(room=room, user=user).update(
        quiet_until=timezone.now() - timedelta(seconds=1)
    )


def test_a_mute_changes_only_the_inbox_of_its_owner(
    verify: Verify, general: Room, alice: User, bob: User
) -> None:
    with verify() as change:
        row = services.set_quiet(actor_id=bob.pk, room_id=general.pk, seconds=HOUR)
    assert change.streams == [f"inbox.{bob.pk}"]
    assert change.data(f"inbox.{bob.pk}") == [payloads.my_membership(row)]
    with verify() as change:
        services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, role="moderator")
    assert "quiet_until" not in change.data(f"room.{general.pk}")[0]
    replay = b"".join(event.body or b"" for event in streams.page(f"room.{general.pk}", 0).events)
    assert b"quiet_until" not in replay


def test_a_muted_room_notifies_of_nothing_until_the_mute_ends(
    general: Room, alice: User, bob: User, say: Say
) -> None:
    services.set_involvement(actor_id=bob.pk, room_id=general.pk, involvement="everything")
    services.set_quiet(actor_id=bob.pk, room_id=general.pk, seconds=HOUR)
    say(alice, general, "first")
    say(alice, general, "@bob second")
    assert notices(bob) == []
    mute_has_ended(general, bob)
    say(alice, general, "third")
    assert len(notices(bob)) == 1
    assert membership(general, bob).involvement == "everything"


def test_a_direct_conversation_can_be_muted(direct: Room, alice: User, bob: User, say: Say) -> None:
    services.set_quiet(actor_id=bob.pk, room_id=direct.pk, seconds=HOUR)
    say(alice, direct, "first")
    assert notices(bob) == []
    services.set_quiet(actor_id=bob.pk, room_id=direct.pk, seconds=0)
    say(alice, direct, "second")
    assert len(notices(bob)) == 1


def test_the_sidebar_counts_nothing_in_a_muted_room_and_shows_the_end(
    general: Room, alice: User, bob: User, say: Say
) -> None:
    services.set_quiet(actor_id=bob.pk, room_id=general.pk, seconds=HOUR)
    say(alice, general, "@bob look")
    [shown] = places(my_rooms(bob.pk))["rooms"]
    assert (shown["quiet"], shown["unread"], shown["mentions"]) == (True, 0, 0)
    assert shown["quiet_until"] == payloads.moment(membership(general, bob).quiet_until)
    mute_has_ended(general, bob)
    [shown] = places(my_rooms(bob.pk))["rooms"]
    assert (shown["quiet"], shown["unread"], shown["mentions"]) == (False, 1, 1)
    assert shown["quiet_until"] is None


def test_a_mute_that_was_lifted_already_is_no_change(
    verify: Verify, general: Room, bob: User
) -> None:
    with verify() as change:
        services.set_quiet(actor_id=bob.pk, room_id=general.pk, seconds=0)
    assert change.streams == []


def test_only_members_mute_and_not_for_ever(
    general: Room, secret: Room, bob: User, charlie: User
) -> None:
    for user, room, seconds, error in [
        (charlie, general, HOUR, Forbidden),
        (charlie, secret, HOUR, NotFound),
        (bob, general, policies.MAX_QUIET + 1, BadRequest),
        (bob, general, -1, BadRequest),
    ]:
        with pytest.raises(error):
            services.set_quiet(actor_id=user.pk, room_id=room.pk, seconds=seconds)
