"""Favourites: each member has their own, in their own order, in all their tabs."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat import payloads, services
from chat.models import Room
from chat.queries import room_lists
from chat.services.rooms.member_settings import MAX_ORDER
from realtime.core import reads as streams
from realtime.protocol.errors import BadRequest, Forbidden, NotFound
from tests.chat.conftest import membership
from tests.support.replay import Verify


def test_a_favourite_changes_only_the_inbox_of_its_owner(
    verify: Verify, general: Room, bob: User
) -> None:
    with verify() as change:
        row = services.set_favourite(actor_id=bob.pk, room_id=general.pk, favourite=True)
    assert change.streams == [f"inbox.{bob.pk}"]
    assert change.data(f"inbox.{bob.pk}") == [payloads.my_membership(row)]
    assert row.favourite


def test_nobody_else_sees_it_in_any_stream(
    verify: Verify, general: Room, alice: User, bob: User
) -> None:
    services.set_favourite(actor_id=bob.pk, room_id=general.pk, favourite=True)
    with verify() as change:
        services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, role="moderator")
    assert "favourite" not in change.data(f"room.{general.pk}")[0]
    assert change.data(f"inbox.{bob.pk}")[0]["favourite"] is True
    replay = b"".join(event.body or b"" for event in streams.page(f"room.{general.pk}", 0).events)
    assert b"favourite" not in replay


def test_a_new_favourite_is_the_last_and_goes_where_it_is_put(
    general: Room, secret: Room, direct: Room, bob: User
) -> None:
    for room in (general, secret, direct):
        services.set_favourite(actor_id=bob.pk, room_id=room.pk, favourite=True)
    services.set_favourite(actor_id=bob.pk, room_id=direct.pk, favourite=True, order=0.5)
    places = {
        room.kind: membership(room, bob).favourite_order for room in (general, secret, direct)
    }
    assert places == {"public": 0, "direct": 0.5, "private": 1}
    services.set_favourite(actor_id=bob.pk, room_id=general.pk, favourite=False)
    services.set_favourite(actor_id=bob.pk, room_id=general.pk, favourite=True)
    assert membership(general, bob).favourite_order == 2


def test_what_is_so_already_is_no_change(verify: Verify, general: Room, bob: User) -> None:
    with verify() as change:
        services.set_favourite(actor_id=bob.pk, room_id=general.pk, favourite=False)
    assert change.streams == []
    services.set_favourite(actor_id=bob.pk, room_id=general.pk, favourite=True)
    with verify() as change:
        services.set_favourite(actor_id=bob.pk, room_id=general.pk, favourite=True)
    assert change.streams == []


def test_only_members_have_favourites(
    general: Room, secret: Room, bob: User, charlie: User
) -> None:
    for user, room_id, order, error in [
        (charlie, general.pk, None, Forbidden),
        (charlie, secret.pk, None, NotFound),
        (bob, 10**30, None, NotFound),
        (bob, general.pk, MAX_ORDER * 2, BadRequest),
        (bob, general.pk, float("nan"), BadRequest),
    ]:
        with pytest.raises(error):
            services.set_favourite(actor_id=user.pk, room_id=room_id, favourite=True, order=order)


def test_each_person_has_their_own(general: Room, alice: User, bob: User) -> None:
    services.set_favourite(actor_id=bob.pk, room_id=general.pk, favourite=True)
    assert [item.is_favourite for item in room_lists.my_rooms(bob.pk)] == [True]
    assert [item.is_favourite for item in room_lists.my_rooms(alice.pk)] == [False]


def test_making_a_favourite_costs_the_same_with_many(
    general: Room, secret: Room, direct: Room, bob: User
) -> None:
    counts = []
    for room in (general, secret, direct):
        with CaptureQueriesContext(connection) as queries:
            services.set_favourite(actor_id=bob.pk, room_id=room.pk, favourite=True)
        counts.append(len(queries))
    assert counts[0] == counts[2]
