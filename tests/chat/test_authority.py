"""The words of ordinary people never travel as those of the site's moderators.

Mallory owns the room "Account security". Bob is the one who is to be frightened.
"""

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.utils import timezone

from chat import services
from chat.errors import Muted
from chat.models import Membership, Room
from notifications.kinds import detail, listed_kinds
from notifications.models import Notification
from notifications.payloads import notification
from notifications.queries import people_in
from notifications.services import set_preferences
from tests.chat.conftest import Say, bring, membership, notices
from tests.conftest import make_user
from tests.support.replay import Verify

LURE = "Your password expires today. Confirm it at https://evil.example"


@pytest.fixture
def mallory(db: None) -> User:
    return make_user("mallory")


@pytest.fixture
def trap(mallory: User) -> Room:
    return services.create_room(actor_id=mallory.pk, name="Account security").room


def acts(room: Room, actor: User, user: User) -> list[Callable[[], Any]]:
    """Everything that someone with a role in a room can do to a person."""
    target: dict[str, Any] = {"actor_id": actor.pk, "room_id": room.pk, "user_id": user.pk}
    return [
        lambda: services.set_role(role="moderator", reason=LURE, **target),
        lambda: services.set_role(role="member", reason=LURE, **target),
        lambda: services.mute(seconds=60, reason=LURE, **target),
        lambda: services.mute(seconds=0, reason=LURE, **target),
        lambda: services.ban(reason=LURE, **target),
        lambda: services.unban(reason=LURE, **target),
    ]


def an_hour_passes() -> None:
    for row in Membership.objects.all():
        for name in ("noticed_at", "invited_at"):
            at = getattr(row, name)
            if at is not None:
                setattr(row, name, at - timedelta(hours=1, seconds=1))
        row.save(update_fields=["noticed_at", "invited_at"])


def test_a_ban_reaches_nobody_who_was_never_in_the_room(
    trap: Room, mallory: User, bob: User
) -> None:
    target = {"actor_id": mallory.pk, "room_id": trap.pk, "user_id": bob.pk}
    for _ in range(30):
        services.ban(reason=LURE, **target)
        services.unban(reason=LURE, **target)
    assert not Notification.objects.exists()


def test_an_invitation_makes_nobody_a_member_to_be_notified(
    trap: Room, mallory: User, bob: User
) -> None:
    services.invite(actor_id=mallory.pk, room_id=trap.pk, username="bob")
    target = {"actor_id": mallory.pk, "room_id": trap.pk, "user_id": bob.pk}
    services.remove(reason=LURE, **target)
    services.ban(reason=LURE, **target)
    assert [kind for kind, _ in notices(bob)] == ["invitation"]


@pytest.mark.parametrize("number", range(6))
def test_no_act_in_a_room_speaks_for_the_site(
    verify: Verify, trap: Room, mallory: User, bob: User, number: int
) -> None:
    services.join(actor_id=bob.pk, room_id=trap.pk)
    with verify():
        for act in acts(trap, mallory, bob)[: number + 1]:
            an_hour_passes()
            act()
    rows = list(Notification.objects.filter(user=bob))
    assert rows
    for row in rows:
        assert (row.kind, row.actor, row.level) == ("room", mallory, "info")
    assert all("Mallory" in title for _, title in notices(bob))
    assert not any("moderator," in title for _, title in notices(bob))
    shown = [detail(notification(row, people_in([row]))) for row in rows]
    assert {text for text in shown if text} == {f"“{LURE}”"}


def test_acts_in_a_room_notify_once_an_hour(trap: Room, mallory: User, bob: User) -> None:
    services.join(actor_id=bob.pk, room_id=trap.pk)
    for act in acts(trap, mallory, bob) * 1:
        act()
    assert len(notices(bob)) == 1
    services.join(actor_id=bob.pk, room_id=trap.pk)
    services.transfer(actor_id=mallory.pk, room_id=trap.pk, user_id=bob.pk)
    assert len(notices(bob)) == 1
    an_hour_passes()
    services.transfer(actor_id=bob.pk, room_id=trap.pk, user_id=mallory.pk)
    services.set_role(actor_id=mallory.pk, room_id=trap.pk, user_id=bob.pk, role="member")
    assert len(notices(bob)) == 2


def test_acts_in_a_room_cross_no_block(
    trap: Room, mallory: User, bob: User, charlie: User, say: Say
) -> None:
    services.join(actor_id=bob.pk, room_id=trap.pk)
    message = say(bob, trap, "Hello")
    services.block(actor_id=bob.pk, user_id=mallory.pk)
    services.delete_message(actor_id=mallory.pk, message_id=message.pk, reason=LURE)
    services.restore_message(actor_id=mallory.pk, message_id=message.pk, reason=LURE)
    services.transfer(actor_id=mallory.pk, room_id=trap.pk, user_id=bob.pk)
    services.transfer(actor_id=bob.pk, room_id=trap.pk, user_id=mallory.pk)
    for act in acts(trap, mallory, bob):
        act()
    services.join(actor_id=bob.pk, room_id=trap.pk)
    services.leave(actor_id=mallory.pk, room_id=trap.pk)  # offers the room to Bob
    assert notices(bob) == []


def test_acts_in_a_room_can_be_switched_off_and_those_of_the_site_cannot(
    trap: Room, mallory: User, bob: User, mona: User
) -> None:
    optional = {kind.name for kind in listed_kinds() if kind.optional}
    assert "room" in optional
    assert "moderation" not in optional
    services.join(actor_id=bob.pk, room_id=trap.pk)
    set_preferences(user_id=bob.pk, inbox_off=sorted(optional))
    services.mute(actor_id=mallory.pk, room_id=trap.pk, user_id=bob.pk, seconds=60, reason=LURE)
    assert notices(bob) == []
    services.mute(actor_id=mona.pk, room_id=trap.pk, user_id=bob.pk, seconds=90)
    ((kind, title),) = notices(bob)
    assert kind == "moderation"
    assert title.startswith("Mona, a site moderator, muted you in Account security until")


def test_a_site_moderator_who_owns_a_room_acts_there_as_its_owner(mona: User, bob: User) -> None:
    room = services.create_room(actor_id=mona.pk, name="Chess").room
    services.join(actor_id=bob.pk, room_id=room.pk)
    services.remove(actor_id=mona.pk, room_id=room.pk, user_id=bob.pk)
    assert notices(bob) == [("room", "Mona removed you from Chess")]


# -- the site-wide mute ----------------------------------------------------------------------------


def test_a_muted_person_writes_no_name_topic_invitation_or_first_message(
    trap: Room, mallory: User, bob: User, mona: User
) -> None:
    services.join(actor_id=bob.pk, room_id=trap.pk)
    services.site_mute(actor_id=mona.pk, user_id=mallory.pk, seconds=3600)
    attempts: list[Callable[[], Any]] = [
        lambda: services.create_room(actor_id=mallory.pk, name="Bob is a fool"),
        lambda: services.create_room(actor_id=mallory.pk, name="Bob is a fool", kind="private"),
        lambda: services.change_room(actor_id=mallory.pk, room_id=trap.pk, topic="Bob is a fool"),
        lambda: services.change_room(actor_id=mallory.pk, room_id=trap.pk, name="Bob is a fool"),
        lambda: services.invite(actor_id=mallory.pk, room_id=trap.pk, username="mona"),
        lambda: services.direct_room(actor_id=mallory.pk, user_id=mona.pk),
    ]
    for attempt in attempts:
        with pytest.raises(Muted):
            attempt()
    services.change_room(actor_id=mallory.pk, room_id=trap.pk, slow_mode=10)  # no words
    services.mute(actor_id=mallory.pk, room_id=trap.pk, user_id=bob.pk, seconds=60, reason=LURE)
    assert LURE not in str(list(Notification.objects.values()))
    services.site_mute(actor_id=mona.pk, user_id=mallory.pk, seconds=0)
    services.change_room(actor_id=mallory.pk, room_id=trap.pk, topic="Chess")


def test_who_is_muted_in_a_room_writes_no_topic_or_invitation_there(
    general: Room, alice: User, bob: User, charlie: User
) -> None:
    services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, role="moderator")
    services.mute(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, seconds=60)
    with pytest.raises(Muted):
        services.change_room(actor_id=bob.pk, room_id=general.pk, topic="Mine")
    with pytest.raises(Muted):
        services.invite(actor_id=bob.pk, room_id=general.pk, username="charlie")
    assert bring(alice, general, charlie).state == "active"
    assert membership(general, bob).muted_until > timezone.now()  # type: ignore[operator]


# -- from before -----------------------------------------------------------------------------------


def test_earlier_notifications_of_owners_stop_speaking_for_the_site(
    alice: User, bob: User, mona: User
) -> None:
    part = import_module("chat.migrations.0006_authority").part
    for number, (act, actor) in enumerate(
        [("ban", alice), ("ban", mona), ("site_mute", mona), ("succession", None)], start=1
    ):
        Notification.objects.create(
            user=bob,
            seq=number,
            kind="moderation",
            params={"act": act, "room": {"id": 1, "slug": "lab", "name": "Lab"}},
            actor=actor,
            unread=number,
            created_at=timezone.now(),
        )
    part(apps, None)
    kinds = list(Notification.objects.order_by("seq").values_list("kind", flat=True))
    assert kinds == ["room", "moderation", "moderation", "room"]
    assert notices(bob)[0] == ("room", "Alice banned you from Lab")
