"""Unread counts, mentions and rows of the inbox follow the messages that they are about.

Random histories of two people, on as many devices as they like, and a recount from the rules.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chat import services
from chat.models import Membership, Message, Room
from chat.queries import room_lists, snapshots
from chat.queries.notified_messages import number_in
from chat.services import ReadMark
from chat.services.messages.notice_rows import MESSAGES
from notifications import queries
from notifications import services as notifications
from notifications.models import Notification
from realtime.auth import MODERATORS
from realtime.protocol.errors import HoldfastError
from tests.conftest import make_user

NAMES = count(1)
TEXTS = ["Hello", "@{alice}", "@room", "@{alice} and @{bob}", "@{bob}"]


@dataclass
class Scene:
    """A room of Alice, who reads, and Bob, and what the rules say about Alice's inbox."""

    alice: User
    bob: User
    mona: User
    room: Room
    read: int = 0
    # Whether each notification of hers is unread, by number; one that is gone is not in it.
    rows: dict[int, bool] = field(default_factory=dict)
    notified: set[int] = field(default_factory=set)

    def messages(self) -> list[Message]:
        return list(Message.objects.filter(room=self.room).order_by("number"))

    def text(self, text: str) -> str:
        return text.format(alice=self.alice.username, bob=self.bob.username)

    def is_due(self, message: Message) -> bool:
        if message.is_deleted or message.is_hidden or message.author_id == self.alice.pk:
            return False
        return (
            self.room.is_direct or self.alice.pk in message.mentions or "data-room" in message.html
        )

    def settle(self) -> None:
        """Apply the rules to what has become of the messages."""
        for message in self.messages():
            number = message.number
            if not self.is_due(message):
                self.rows.pop(number, None)
            elif number not in self.rows:
                self.rows[number] = number not in self.notified or number > self.read
                self.notified.add(number)

    def reads(self, number: int) -> None:
        if number > self.read:
            self.read = number
            for known in self.rows:
                if known <= number:
                    self.rows[known] = False


def scene(is_direct: bool) -> Scene:
    ident = next(NAMES)
    alice, bob, mona = (make_user(f"{name}{ident}") for name in ("alice", "bob", "mona"))
    mona.groups.add(Group.objects.get_or_create(name=MODERATORS)[0])
    if is_direct:
        room = services.direct_room(actor_id=bob.pk, user_id=alice.pk).room
    else:
        room = services.create_room(actor_id=bob.pk, name=f"Room {ident}").room
        services.join(actor_id=alice.pk, room_id=room.pk)
    return Scene(alice, bob, mona, room)


def act(scene: Scene, draw: Callable[[Any], Any]) -> None:
    kind = draw(st.sampled_from(["post"] * 3 + ["own"] + list(ACTS) + ["read"]))
    known = scene.messages()
    if kind in ("post", "own"):
        author = scene.bob if kind == "post" else scene.alice
        body = scene.text(draw(st.sampled_from(TEXTS)))
        services.post_message(author_id=author.pk, room_id=scene.room.pk, body=body)
    elif known:
        ACTS[kind](scene, draw(st.sampled_from(known)), scene.text(draw(st.sampled_from(TEXTS))))


def edit(_scene: Scene, message: Message, body: str) -> None:
    services.edit_message(actor_id=message.author_id, message_id=message.pk, body=body)


def delete(_scene: Scene, message: Message, _body: str) -> None:
    services.delete_message(actor_id=message.author_id, message_id=message.pk)


def hide(scene: Scene, message: Message, _body: str) -> None:
    services.hide_message(actor_id=scene.mona.pk, message_id=message.pk)


def show(scene: Scene, message: Message, _body: str) -> None:
    services.show_message(actor_id=scene.mona.pk, message_id=message.pk)


def remove(scene: Scene, message: Message, _body: str) -> None:
    services.delete_message(actor_id=scene.mona.pk, message_id=message.pk)


def restore(scene: Scene, message: Message, _body: str) -> None:
    services.restore_message(actor_id=scene.mona.pk, message_id=message.pk)


def read(scene: Scene, message: Message, _body: str) -> None:
    mark = ReadMark(user_id=scene.alice.pk, room_id=scene.room.pk, number=message.number)
    services.mark_read([mark])
    scene.reads(message.number)


def mark_unread(scene: Scene, message: Message, _body: str) -> None:
    number = message.number
    services.mark_unread(actor_id=scene.alice.pk, room_id=scene.room.pk, number=number)
    scene.read = min(scene.read, number - 1)


def read_row(scene: Scene, message: Message, _body: str) -> None:
    subject = f"room.{scene.room.pk}.{message.number}"
    if message.number in scene.rows:
        row = Notification.objects.get(user=scene.alice, subject=subject, kind__in=MESSAGES)
        notifications.read(user_id=scene.alice.pk, ids=[row.pk])
        scene.rows[message.number] = False


ACTS: dict[str, Callable[[Scene, Message, str], None]] = {
    each.__name__: each
    for each in (edit, delete, hide, show, remove, restore, read, mark_unread, read_row)
}


@pytest.mark.django_db
@pytest.mark.parametrize("is_direct", [False, True])
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_whatever_happens_counts_and_inbox_follow_the_messages(
    is_direct: bool, data: st.DataObject
) -> None:
    here = scene(is_direct)
    draw: Callable[[Any], Any] = data.draw
    for _ in range(draw(st.integers(4, 14))):
        with suppress(HoldfastError):  # what is not allowed changes nothing
            act(here, draw)
        here.settle()
    assert_counted(here)


def assert_counted(here: Scene) -> None:
    alice = here.alice
    shown = [row for row in here.messages() if not (row.is_deleted or row.is_hidden)]
    expected = [row for row in shown if row.number > here.read and row.author_id != alice.pk]
    listed = next(row for row in room_lists.my_rooms(alice.pk) if row.room.pk == here.room.pk)
    assert Membership.objects.get(room=here.room, user=alice).read_number == here.read
    assert listed.unread == len(expected)
    unread = snapshots.snapshot(here.room.pk, alice.pk).unread
    assert (unread.mentions, unread.uncounted) == tuple(listed.after)
    mentioned = [
        row.number for row in expected if alice.pk in row.mentions or "data-room" in row.html
    ]
    assert list(unread.mentions) == mentioned
    about = Notification.objects.filter(user=alice, count__gt=0, place=f"room.{here.room.pk}")
    about = about.exclude(kind__in=("moderation", "room"))
    assert {number_in(row.subject): row.read_at is None for row in about} == here.rows
    every = Notification.objects.filter(user=alice)
    assert queries.unread(alice.pk) == every.filter(read_at=None).count()
    assert not every.filter(read_at=None, count=0).exists()
