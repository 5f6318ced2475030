"""Mute, remove, ban: permissions, effects, log entries and notifications."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import Error, connection, transaction
from django.utils import timezone

from chat import services
from chat.models import Membership, ModerationLog, Room, SiteBan
from chat.queries import snapshots, stream_sources
from realtime.auth import banned
from realtime.core.streams import Claim, Reader
from realtime.protocol.codes import CloseCode
from realtime.protocol.errors import BadRequest, Forbidden, HoldfastError, NotFound
from realtime.protocol.page import AccessEnd
from tests.chat.conftest import Say, fresh, membership, notices
from tests.support.replay import Verify

Act = Callable[..., Membership]


def log() -> list[tuple[str, str]]:
    return list(ModerationLog.objects.order_by("pk").values_list("action", "reason"))


def test_a_muted_member_can_read_but_not_post(
    verify: Verify, general: Room, alice: User, bob: User
) -> None:
    with verify() as change:
        row = services.mute(
            actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=600, reason="calm down"
        )
    assert row.muted_until is not None
    assert timedelta(seconds=590) < row.muted_until - timezone.now() <= timedelta(seconds=600)
    assert sorted(change.kinds(f"inbox.{bob.pk}")) == ["membership", "notification"]
    assert change.ends(f"room.{general.pk}") == []
    with verify():
        row = services.mute(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=0)
    assert row.muted_until is None
    assert log() == [("mute", "calm down"), ("unmute", "")]
    ((kind, muted),) = notices(bob)
    assert (kind, muted.partition(" until ")[0]) == ("room", "Alice muted you in General")
    with verify() as change:
        services.mute(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=0)
    assert change.streams == []


def test_a_removed_member_loses_access_at_once(
    verify: Verify, secret: Room, alice: User, bob: User
) -> None:
    with verify() as change:
        row = services.remove(
            actor_id=alice.pk, room_id=secret.pk, user_id=bob.pk, reason="done here"
        )
    assert row.state == "removed"
    assert change.ends(f"room.{secret.pk}") == [AccessEnd(bob.pk, None, None, "removed")]
    assert fresh(secret).member_count == 1
    claim = Claim(Reader(bob.pk), str(secret.pk))
    assert list(stream_sources.authorise([claim])) == [claim]
    assert notices(bob)[-1] == ("room", "Alice removed you from Secret")
    assert log() == [("remove", "done here")]
    with pytest.raises(NotFound):
        services.remove(actor_id=alice.pk, room_id=secret.pk, user_id=bob.pk)
    services.invite(actor_id=alice.pk, room_id=secret.pk, username="bob")


def test_a_banned_user_stays_banned(verify: Verify, general: Room, alice: User, bob: User) -> None:
    services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, role="moderator")
    with verify() as change:
        row = services.ban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, reason="spam")
        services.ban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, reason="again")
    assert (row.state, row.role) == ("banned", "member")
    assert change.ends(f"room.{general.pk}") == [AccessEnd(bob.pk, None, None, "banned")]
    with pytest.raises(Forbidden):
        snapshots.snapshot(general.pk, bob.pk)
    claim = Claim(Reader(bob.pk), str(general.pk))
    assert isinstance(stream_sources.authorise([claim])[claim], Forbidden)
    with verify() as change:
        services.unban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, reason="sorry")
    assert membership(general, bob).state == "left"
    services.join(actor_id=bob.pk, room_id=general.pk)
    assert [action for action, _ in log()] == ["role", "ban", "unban"]
    assert fresh(general).member_count == 2


def test_a_user_who_never_was_a_member_can_be_banned(
    verify: Verify, general: Room, alice: User, charlie: User
) -> None:
    with verify():
        services.ban(actor_id=alice.pk, room_id=general.pk, user_id=charlie.pk)
    assert fresh(general).member_count == 2
    with pytest.raises(Forbidden):
        services.join(actor_id=charlie.pk, room_id=general.pk)


def test_a_ban_can_only_be_lifted_where_there_is_one(
    general: Room, alice: User, bob: User, charlie: User
) -> None:
    for user in (bob, charlie):
        with pytest.raises(NotFound, match="banned"):
            services.unban(actor_id=alice.pk, room_id=general.pk, user_id=user.pk)


def act_mute(**who: Any) -> Membership:
    return services.mute(seconds=60, **who)


ACTS = [act_mute, services.remove, services.ban, services.unban]


@pytest.mark.parametrize("act", ACTS)
def test_only_moderators_moderate(
    general: Room, secret: Room, bob: User, charlie: User, alice: User, act: Act
) -> None:
    for actor, room, error in [
        (bob, general, Forbidden),
        (charlie, general, Forbidden),
        (bob, secret, Forbidden),
        (charlie, secret, NotFound),
    ]:
        with pytest.raises(error):
            act(actor_id=actor.pk, room_id=room.pk, user_id=alice.pk)


@pytest.mark.parametrize("act", ACTS)
def test_nobody_moderates_an_equal_or_themselves(
    general: Room, alice: User, bob: User, charlie: User, mona: User, act: Act
) -> None:
    for user in (bob, charlie):
        services.add_members(room_id=general.pk, user_ids=[user.pk])
        services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=user.pk, role="moderator")
    services.join(actor_id=mona.pk, room_id=general.pk)
    for actor, subject in [
        (bob, charlie),
        (bob, alice),
        (bob, bob),
        (alice, alice),
        (alice, mona),
        (mona, mona),
    ]:
        with pytest.raises(Forbidden):
            act(actor_id=actor.pk, room_id=general.pk, user_id=subject.pk)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("user_id", [0, -1, 10**30, 10**6])
def test_nobody_moderates_nobody(general: Room, alice: User, act: Act, user_id: int) -> None:
    with pytest.raises(NotFound):
        act(actor_id=alice.pk, room_id=general.pk, user_id=user_id)


@pytest.mark.parametrize("act", [act_mute, services.remove, services.unban])
def test_only_members_can_be_muted_or_removed(
    general: Room, alice: User, charlie: User, act: Act
) -> None:
    with pytest.raises(NotFound):
        act(actor_id=alice.pk, room_id=general.pk, user_id=charlie.pk)


def test_a_moderator_of_the_site_moderates_owners_of_rooms_that_they_are_not_in(
    verify: Verify, secret: Room, alice: User, bob: User, mona: User
) -> None:
    with verify() as change:
        services.ban(actor_id=mona.pk, room_id=secret.pk, user_id=alice.pk, reason="abuse")
    assert f"inbox.{bob.pk}" in change.streams  # the room is offered to him
    assert notices(alice) == [
        ("moderation", "Mona, a site moderator, banned you from Secret"),
    ]


@pytest.mark.parametrize("seconds", [-1, 10**30, 367 * 24 * 3600])
def test_a_mute_has_an_end(general: Room, alice: User, bob: User, seconds: int) -> None:
    with pytest.raises(BadRequest, match="muted_for"):
        services.mute(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=seconds)


def test_a_reason_is_a_line_of_text(general: Room, alice: User, bob: User) -> None:
    for reason in ("x" * 501, "a\0b"):
        with pytest.raises(BadRequest, match="reason"):
            services.ban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, reason=reason)


# -- the site --------------------------------------------------------------------------------------


def test_a_ban_from_the_site_closes_all_sockets(verify: Verify, bob: User, mona: User) -> None:
    with verify() as change:
        row = services.site_ban(actor_id=mona.pk, user_id=bob.pk, reason="spam")
        assert services.site_ban(actor_id=mona.pk, user_id=bob.pk, reason="again").pk == row.pk
    assert change.ends(f"inbox.{bob.pk}") == [
        AccessEnd(bob.pk, None, CloseCode.BANNED, "You've been banned. Reason: spam")
    ]
    refusals = banned([bob.pk, mona.pk])
    assert {user_id: str(why) for user_id, why in refusals.items()} == {
        bob.pk: "You've been banned. Reason: spam"
    }
    with verify():
        services.site_unban(actor_id=mona.pk, user_id=bob.pk, reason="a mistake")
    assert banned([bob.pk]) == {}
    assert log() == [("site_ban", "spam"), ("site_unban", "a mistake")]
    assert [title for _, title in notices(bob)] == [
        "Mona, a site moderator, banned you from this site",
        "Mona, a site moderator, lifted your ban from this site",
    ]
    with pytest.raises(NotFound):
        services.site_unban(actor_id=mona.pk, user_id=bob.pk)
    services.site_ban(actor_id=mona.pk, user_id=bob.pk, reason="after all")
    assert SiteBan.objects.filter(user=bob).count() == 2


def test_only_site_moderators_ban_from_the_site(alice: User, bob: User, mona: User) -> None:
    attempts: list[tuple[User, int, str, type[HoldfastError]]] = [
        (alice, bob.pk, "spam", Forbidden),
        (mona, mona.pk, "spam", Forbidden),
        (mona, bob.pk, "", BadRequest),
        (mona, 10**30, "spam", NotFound),
    ]
    for actor, user_id, reason, error in attempts:
        with pytest.raises(error):
            services.site_ban(actor_id=actor.pk, user_id=user_id, reason=reason)
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    with pytest.raises(Forbidden):
        services.site_ban(actor_id=mona.pk, user_id=alice.pk, reason="spam")
    with pytest.raises(Forbidden):
        services.site_unban(actor_id=bob.pk, user_id=bob.pk)


# -- the log ---------------------------------------------------------------------------------------


def test_the_log_is_append_only(general: Room, alice: User, bob: User) -> None:
    services.ban(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, reason="spam")
    entry = ModerationLog.objects.get()
    entry.reason = "nothing"
    with pytest.raises(TypeError, match="append-only"):
        entry.save()
    with pytest.raises(TypeError, match="append-only"):
        entry.delete()
    with pytest.raises(Error, match="append-only"), transaction.atomic():
        ModerationLog.objects.update(reason="nothing")
    if connection.vendor == "postgresql":
        with pytest.raises(Error, match="append-only"), transaction.atomic():
            ModerationLog.objects.all().delete()
    assert log() == [("ban", "spam")]


def test_no_entry_has_the_text_of_a_message(
    general: Room, alice: User, bob: User, say: Say
) -> None:
    message = say(bob, general, "xyzzy")
    services.delete_message(actor_id=alice.pk, message_id=message.pk, reason="spam")
    assert "xyzzy" not in str(list(ModerationLog.objects.values()))
