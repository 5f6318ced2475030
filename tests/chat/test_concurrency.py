"""Several nodes at once, each a thread with its own connection: what stream locks are for."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from threading import Barrier, BrokenBarrierError
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from chat import services
from chat.models import Membership, Message, Room
from chat.queries.names import is_room_name_taken, look
from chat.services import Post, Posted, ReadMark
from chat.services.retention import messages as retention
from chat.services.retention import run
from chat.services.rooms import rooms
from realtime.core import reads as streams
from realtime.protocol.errors import BadRequest
from tests.chat.conftest import fresh
from tests.conftest import make_user
from tests.support.replay import Client

pytestmark = pytest.mark.django_db(transaction=True)

R = TypeVar("R")


def together(*acts: Callable[[], R]) -> list[R]:
    """Carry out all acts at the same moment, and return what each returned."""
    barrier = Barrier(len(acts))

    def node(act: Callable[[], R]) -> R:
        barrier.wait(timeout=30)
        try:
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(node, acts))


def posts(user: User, room: Room, count: int, body: str = "Hello") -> list[Post]:
    return [Post(author_id=user.pk, room_id=room.pk, key=uuid4(), body=body) for _ in range(count)]


def test_numbers_have_no_holes_whoever_posts_at_once(
    general: Room, secret: Room, alice: User, bob: User
) -> None:
    def node(user: User, first: Room, second: Room) -> None:
        for _ in range(5):
            services.post_messages([*posts(user, first, 3), *posts(user, second, 3)])

    together(
        partial(node, alice, general, secret),
        partial(node, bob, secret, general),
        partial(node, alice, secret, general),
    )
    for room in (general, secret):
        assert list(
            Message.objects.filter(room=room).order_by("number").values_list("number", flat=True)
        ) == list(range(1, 46))
        assert fresh(room).last_number == 45
        Client(f"room.{room.pk}").pull()


def test_two_runs_of_retention_between_posts_remove_everything_once(
    general: Room, alice: User, bob: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HOLDFAST_RETENTION_DAYS = 30
    monkeypatch.setattr(retention, "MESSAGES_PER_TRANSACTION", 3)
    services.post_messages(posts(alice, general, 30))
    Message.objects.update(created_at=timezone.now() - timedelta(days=31))

    def post() -> int:
        for _ in range(5):
            services.post_messages(posts(bob, general, 2))
        return 0

    removed = together(lambda: run.run().messages, lambda: run.run().messages, post)
    assert sum(removed) == 30
    numbers = Message.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(31, 41))
    head, floor = streams.head_and_floor(f"room.{general.pk}")
    assert floor <= head
    assert fresh(general).first_number == 31


def test_one_key_at_once_on_three_nodes_is_one_message(
    general: Room, secret: Room, alice: User
) -> None:
    key = uuid4()
    rooms: Sequence[Room] = [general, secret, general]
    acts = [
        partial(services.post_message, author_id=alice.pk, room_id=room.pk, body="Hello", key=key)
        for room in rooms
    ]
    answers = together(*acts)
    assert len({answer.message.pk for answer in answers}) == 1
    assert sorted(answer.duplicate for answer in answers) == [False, True, True]
    assert Message.objects.count() == 1
    assert fresh(general).last_number + fresh(secret).last_number == 1


def test_two_people_who_message_each_other_at_once_get_one_room(alice: User, bob: User) -> None:
    made = together(
        partial(services.direct_room, actor_id=alice.pk, user_id=bob.pk),
        partial(services.direct_room, actor_id=bob.pk, user_id=alice.pk),
    )
    assert made[0].room_id == made[1].room_id
    assert Room.objects.count() == 1


def test_a_group_that_three_people_begin_at_once_is_one(
    alice: User, bob: User, charlie: User
) -> None:
    ids = [alice.pk, bob.pk, charlie.pk]
    made = together(
        *(partial(services.group_room, actor_id=user_id, user_ids=ids) for user_id in ids)
    )
    assert len({row.room_id for row in made}) == 1
    assert Room.objects.count() == 1


def test_rooms_of_one_slug_that_are_made_at_once_get_numbers(alice: User, bob: User) -> None:
    names = {"Прогулки": alice, "Поездки": bob, "Кино": alice}
    made = together(
        *(
            partial(services.create_room, actor_id=user.pk, name=name)
            for name, user in names.items()
        )
    )
    assert sorted(row.room.slug for row in made) == ["room", "room-2", "room-3"]


def or_refused(act: Callable[[], object]) -> bool:
    """Carry out an act. Returns whether it was refused."""
    try:
        act()
    except BadRequest:
        return True
    return False


def look_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all who look whether a name is taken see the answer before any of them goes on.

    If they take turns, the first waits here in vain for a moment.
    """
    others = Barrier(2)

    def look_and_wait(*args: Any, **fields: Any) -> bool:
        taken = is_room_name_taken(*args, **fields)
        with suppress(BrokenBarrierError):
            others.wait(timeout=1)
        return taken

    monkeypatch.setattr(rooms, "is_room_name_taken", look_and_wait)


def test_a_name_that_many_take_at_once_belongs_to_one_room(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New rooms, a room that is renamed, and an archived one that comes back."""
    old = services.create_room(actor_id=alice.pk, name="Walks").room
    services.change_room(actor_id=alice.pk, room_id=old.pk, archived=True)
    other = services.create_room(actor_id=bob.pk, name="Hikes").room
    look_together(monkeypatch)
    refused = together(
        *(
            partial(or_refused, act)
            for act in (
                partial(services.create_room, actor_id=alice.pk, name="Walks"),
                partial(services.create_room, actor_id=bob.pk, name="wa1ks"),
                partial(services.change_room, actor_id=bob.pk, room_id=other.pk, name="WALKS"),
                partial(services.change_room, actor_id=alice.pk, room_id=old.pk, archived=False),
            )
        )
    )
    assert sorted(refused) == [False, True, True, True]
    assert Room.objects.filter(look=look("Walks"), archived_at=None).count() == 1


def test_two_owners_who_leave_at_once_leave_an_offer(
    general: Room, alice: User, bob: User, charlie: User
) -> None:
    services.join(actor_id=charlie.pk, room_id=general.pk)
    services.set_role(actor_id=alice.pk, room_id=general.pk, user_id=bob.pk, role="owner")
    together(
        *(partial(services.leave, actor_id=user.pk, room_id=general.pk) for user in (alice, bob))
    )
    assert Membership.objects.get(room=general, state="active").user_id == charlie.pk
    assert services.take_over(actor_id=charlie.pk, room_id=general.pk).role == "owner"


def test_services_do_not_deadlock(general: Room, secret: Room, alice: User, bob: User) -> None:
    """Each service locks rooms, inboxes and rows in its own order.

    Posting with mentions, posting in slow mode, reading, reacting and moderating run at once.
    """
    people = [make_user(f"user{number}") for number in range(6)]
    for room in (general, secret):
        services.add_members(room_id=room.pk, user_ids=[user.pk for user in people])
    services.change_room(actor_id=alice.pk, room_id=general.pk, slow_mode=1)
    names = " ".join(f"@{user.username}" for user in [*people, bob])
    message = services.post_message(author_id=alice.pk, room_id=secret.pk, body="Hello").message

    def post() -> None:
        for room in (general, secret) * 3:
            answers = services.post_messages(
                [
                    *posts(alice, room, 2, names),
                    *(post for user in people for post in posts(user, room, 1)),
                ]
            )
            assert sum(isinstance(answer, Posted) for answer in answers) >= 2

    def read() -> None:
        for number in range(8):
            order = people if number % 2 else people[::-1]
            marks = [
                ReadMark(user_id=user.pk, room_id=room.pk, number=number)
                for room in (secret, general)
                for user in order
            ]
            services.mark_read(marks)

    def react_and_moderate() -> None:
        for number in range(4):
            services.react(actor_id=bob.pk, message_id=message.pk, emoji="👍", on=number % 2 == 0)
            services.mute(
                actor_id=alice.pk, room_id=general.pk, user_id=people[number].pk, seconds=number
            )
            services.set_involvement(
                actor_id=people[number].pk, room_id=secret.pk, involvement="everything"
            )

    acts: list[Callable[[], Any]] = [post, post, read, read, react_and_moderate]
    together(*acts)
    for name in [
        f"room.{general.pk}",
        f"room.{secret.pk}",
        *(f"inbox.{user.pk}" for user in [*people, alice, bob]),
    ]:
        Client(name).pull()
