"""Posting in two round trips does the same as posting by Django's ORM, which is the oracle.

A random program runs twice from the same state: once with both ways, once with the ORM alone. All
rows, events, answers and errors are equal.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import transaction

from chat import services
from chat.models import Filter, Membership, Message, Room, State
from chat.queries import filter_cache
from chat.services import Post, Posted
from chat.services.messages import admission, batch, plain_posting, post_statements, posting
from chat.services.messages.admission import slow_turns
from chat.services.messages.rendering import plain_text
from chat.text.filters import FilterAction, FilterKind
from chat.text.rate_limit import post_rate_limit
from realtime.auth import MODERATORS
from realtime.core import publishing
from realtime.models import Stream
from realtime.protocol.errors import HoldfastError
from tests.conftest import make_user

STEPS = 60  # of a program; each posts one to four times, edits or reacts
PROGRAMS = 8  # with over a thousand posts
BODIES = (
    "Hello",
    "Hello again",
    "**bold** and `code`",
    "https://example.org/page",
    "Grüße, 東京, C++",
    "a plain text\nof two lines",
    "@bob, look",
    "@room, look",
    "@erin and @dora",
    "flagword",
    "holdword",
    "blockword",
    "maskword here",
    "",
    "x" * 10_001,
)
PLAIN = 6  # of these bodies, from the beginning, need nothing special


class Clock:
    """Each look is a minute later, so that no rate limit depends on the machine."""

    def __init__(self) -> None:
        self._now = 1e6

    def monotonic(self) -> float:
        self._now += 60.0
        return self._now


@dataclass
class World:
    """People and rooms of all kinds that concern a post."""

    people: list[User] = field(default_factory=list)
    rooms: list[int] = field(default_factory=list)


@pytest.fixture
def world(db: None) -> World:
    names = ("alice", "bob", "charlie", "dora", "erin", "frank", "grace")
    alice, bob, charlie, dora, erin, frank, grace = people = [make_user(name) for name in names]
    alice.groups.add(Group.objects.get_or_create(name=MODERATORS)[0])
    kinds = (Room.Kind.PUBLIC, Room.Kind.PUBLIC, Room.Kind.PRIVATE, Room.Kind.PUBLIC)
    titles = ("General", "Busy", "Secret", "Slow")
    rooms = [
        services.create_room(actor_id=alice.pk, name=name, kind=kind).room
        for name, kind in zip(titles, kinds, strict=True)
    ]
    for room in rooms:
        services.add_members(
            room_id=room.pk, user_ids=[user.pk for user in (bob, charlie, dora, erin, frank)]
        )
    services.set_involvement(actor_id=dora.pk, room_id=rooms[1].pk, involvement="everything")
    services.change_room(actor_id=alice.pk, room_id=rooms[3].pk, slow_mode=3600)
    services.mute(actor_id=alice.pk, room_id=rooms[0].pk, user_id=charlie.pk, seconds=3600)
    services.ban(actor_id=alice.pk, room_id=rooms[1].pk, user_id=frank.pk)
    services.site_mute(actor_id=alice.pk, user_id=erin.pk, seconds=3600)
    read_only = services.create_room(actor_id=alice.pk, name="News").room
    services.add_members(room_id=read_only.pk, user_ids=[bob.pk])
    services.change_room(actor_id=alice.pk, room_id=read_only.pk, read_only=True)
    direct = services.direct_room(actor_id=bob.pk, user_id=charlie.pk).room
    services.block(actor_id=dora.pk, user_id=bob.pk)
    for word, action in (
        ("flagword", FilterAction.FLAG),
        ("holdword", FilterAction.HOLD),
        ("blockword", FilterAction.BLOCK),
        ("maskword", FilterAction.MASK),
    ):
        services.save_filter(
            actor_id=alice.pk, text=word, kind=FilterKind.WORD, action=action, is_on=True
        )
    ids = [*(room.pk for room in rooms), read_only.pk, direct.pk]
    assert grace not in {row.user for row in Membership.objects.all()}
    return World(people, ids)


class Undone(Exception):
    """Ends a run; nothing of it stays."""


@contextmanager
def undone() -> Iterator[None]:
    """Roll back what the block does, as the transaction around a test."""
    around: Any = transaction.atomic()
    around._from_testcase = True  # the services open the outermost transaction otherwise
    try:
        with around:
            yield
            raise Undone
    except Undone:
        pass


class Run:
    """One run of a program, with everything that can be seen of it."""

    def __init__(self, world: World, seed: int, patch: pytest.MonkeyPatch) -> None:
        self._world, self._random = world, random.Random(seed)
        self._keys: list[UUID] = []
        self.plain = 0  # posts that took two round trips
        self.seen: list[object] = []
        patch.setattr(publishing, "publish", self._published)
        patch.setattr(transaction, "on_commit", lambda run, **_: run())
        patch.setattr(plain_posting, "writing", self._counted(post_statements.writing))
        clock = Clock()
        patch.setattr(batch, "time", clock)
        patch.setattr(admission, "time", clock)

    def _counted(self, writing: Callable[..., Any]) -> Callable[..., Any]:
        def counted(messages: Any, rooms: Any) -> Any:
            self.plain += len(messages)
            return writing(messages, rooms)

        return counted

    def run(self) -> None:
        for _ in range(STEPS):
            step = self._random.choices([self.post, self.edit, self.react], [8, 1, 1])[0]
            step()
        self.seen.append(tables())

    def post(self) -> None:
        posts = [self._new_post() for _ in range(self._random.choice([1, 1, 1, 2, 3]))]
        for answer in services.post_messages(posts):
            if isinstance(answer, Posted):
                self.seen.append((normal(answer.data), answer.duplicate))
            else:
                self.seen.append(error(answer))

    def edit(self) -> None:
        body = self._random.choice(BODIES[: PLAIN + 4])
        self._change(
            lambda row: services.edit_message(actor_id=row.author_id, message_id=row.pk, body=body)
        )

    def react(self) -> None:
        actor = self._random.choice(self._world.people)
        self._change(
            lambda row: services.react(actor_id=actor.pk, message_id=row.pk, emoji="👍", on=True)
        )

    def _change(self, change: Callable[[Message], object]) -> None:
        rows = list(Message.objects.order_by("room_id", "number"))
        if not rows:
            return
        try:
            change(self._random.choice(rows))
        except HoldfastError as problem:
            self.seen.append(error(problem))

    def _new_post(self) -> Post:
        number = self._random
        key = UUID(int=number.getrandbits(128))
        if self._keys and number.random() < 0.05:
            key = number.choice(self._keys)
        self._keys.append(key)
        bodies = BODIES[:PLAIN] if number.random() < 0.9 else BODIES
        body = number.choice(bodies)
        general, _, secret, *_ = self._world.rooms
        alice, bob, _, dora, *_ = self._world.people
        people = [alice, bob, dora] * 4 + self._world.people
        rooms = [general, secret] * 16 + [*self._world.rooms, 10**30, 0, 987_654]
        replied = Message.objects.order_by("room_id", "number").first()
        is_reply = replied is not None and number.random() < 0.05
        is_ready = number.random() < 0.5  # a socket renders plain texts before they are posted
        return Post(
            author_id=number.choice(people).pk,
            room_id=number.choice(rooms),
            key=key,
            body=body,
            reply_to=replied.pk if is_reply and replied else None,
            text=plain_text(body, (), filter_cache.held()) if is_ready else None,
        )

    def _published(self, changes: publishing.Changes) -> None:
        for name, events in sorted(changes.items()):
            for event in events:
                body = None if event.body is None else normal(msgspec.json.decode(event.body))
                self.seen.append((name, event.seq, body, event.end, event.floor))


def error(problem: HoldfastError) -> tuple[str, str]:
    return type(problem).__name__, str(problem)


# Ids of rows that a run makes, where a sequence of PostgreSQL does not go back; and a time.
IDS = frozenset({"urgency", "id", "message_id", "reply_to", "reply_to_id", "case_id", "after_id"})


def normal(value: Any, name: str = "") -> Any:
    """Return a value without its moments, and without the ids of rows that a run has made."""
    if isinstance(value, dict):
        return {
            key: (each is not None) if key in IDS and "username" not in value else normal(each, key)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [normal(each) for each in value]
    if isinstance(value, datetime) or name.endswith("_at"):
        return value is not None
    return value


def tables() -> list[tuple[str, str]]:
    """Return all rows of the apps that a post can change."""
    models: list[Any] = [
        *apps.get_app_config("chat").get_models(),
        *apps.get_app_config("notifications").get_models(),
        Stream,
    ]
    return sorted(
        (model.__name__, repr(sorted(normal(row).items())))
        for model in models
        if model is not Filter
        for row in model._default_manager.values()
    )


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_both_ways_do_the_same(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.HOLDFAST_TRACE_DAYS = 0  # digests of texts, written by another road

    def run(*, is_plain: bool) -> Run:
        post_rate_limit.__init__()  # type: ignore[misc]
        slow_turns.__init__()  # type: ignore[misc]
        with monkeypatch.context() as patch, undone():
            if not is_plain:
                patch.setattr(posting, "post_plain", lambda *_: None)
            made = Run(world, seed, patch)
            made.run()
        return made

    oracle, both = run(is_plain=False), run(is_plain=True)
    assert oracle.plain == 0
    assert both.plain >= 15
    for expected, found in zip(oracle.seen, both.seen, strict=True):
        assert found == expected
    assert Membership.objects.filter(state=State.ACTIVE).exists()
