"""Rooms to test with.

Alice owns general (public) and secret (private), Bob is a member of both, Charlie is outside.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User

from chat import services
from chat.models import Filter, HeldText, Membership, Message, RemovedText, Room
from chat.text.filters import FilterAction, FilterKind
from realtime.auth import MODERATORS
from realtime.core import reads as streams
from realtime.models import Stream
from tests.conftest import make_user
from tests.support.notices import sentence_of
from tests.support.replay import Change, Verify
from tests.support.replay import verify as replayed

__all__ = ["replayed"]

Say = Callable[..., Message]
BlockWord = Callable[[str], Filter]


@pytest.fixture
def verify(replayed: Verify) -> Verify:
    """Check all streams across a change, and that no replay has a deleted or hidden text."""

    @contextmanager
    def verified() -> Iterator[Change]:
        texts = dict(Message.objects.values_list("pk", "body"))
        with replayed() as change:
            yield change
        deleted = set(Message.objects.exclude(deleted_at=None).values_list("pk", flat=True))
        standing = set(Message.objects.filter(deleted_at=None).values_list("body", flat=True))
        gone = {body for pk, body in texts.items() if pk in deleted} | set(
            RemovedText.objects.values_list("body", flat=True)
        )
        gone |= set(HeldText.objects.values_list("body", flat=True))
        _assert_in_no_replay(gone - standing - {""})

    return verified


def _assert_in_no_replay(texts: set[str]) -> None:
    for name in Stream.objects.values_list("name", flat=True):
        replay = b"".join(
            event.body or b"" for event in streams.page(name, 0, 10_000).events
        ).decode()
        assert not [text for text in texts if text in replay], f"{name} replays a deleted text"


@pytest.fixture
def general(alice: User, bob: User) -> Room:
    """A public room: Alice owns it, Bob is a member."""
    room = services.create_room(actor_id=alice.pk, name="General").room
    services.join(actor_id=bob.pk, room_id=room.pk)
    return fresh(room)


@pytest.fixture
def secret(alice: User, bob: User) -> Room:
    """A private room: Alice owns it, Bob is a member."""
    room = services.create_room(
        actor_id=alice.pk, name="Secret", kind=Room.Kind.PRIVATE, slug="secret"
    ).room
    bring(alice, room, bob)
    return fresh(room)


@pytest.fixture
def direct(alice: User, bob: User) -> Room:
    """The conversation of Alice and Bob."""
    return fresh(services.direct_room(actor_id=alice.pk, user_id=bob.pk).room)


@pytest.fixture
def mona(db: None) -> User:
    """A moderator of the site, a member of nothing."""
    user = make_user("mona")
    user.groups.add(Group.objects.get_or_create(name=MODERATORS)[0])
    return user


@pytest.fixture
def block_word(mona: User) -> BlockWord:
    """Let a filter block a word in every room: ``block_word("blub")``."""

    def block(word: str) -> Filter:
        return services.save_filter(
            actor_id=mona.pk, text=word, kind=FilterKind.WORD, action=FilterAction.BLOCK, is_on=True
        )

    return block


@pytest.fixture
def say() -> Say:
    """Post a message: ``say(alice, general, "Hello")``."""

    def post(
        author: User, room: Room, body: str, *, key: UUID | None = None, reply_to: int | None = None
    ) -> Message:
        return services.post_message(
            author_id=author.pk, room_id=room.pk, body=body, key=key, reply_to=reply_to
        ).message

    return post


def bring(actor: User, room: Room, user: User) -> Membership:
    """Invite a user, who accepts."""
    services.invite(actor_id=actor.pk, room_id=room.pk, username=user.username)
    return services.join(actor_id=user.pk, room_id=room.pk)


def fresh(room: Room) -> Room:
    """Return the room as it is now."""
    return Room.objects.get(pk=room.pk)


def membership(room: Room, user: User) -> Membership:
    """Return a user's membership as it is now."""
    return Membership.objects.get(room=room, user=user)


def notices(user: User) -> list[tuple[str, str]]:
    """Return a user's notifications, oldest first, without withdrawn ones: kind and sentence."""
    rows = user.notifications.filter(count__gt=0).order_by("pk")
    return [(row.kind, sentence_of(row)) for row in rows]
