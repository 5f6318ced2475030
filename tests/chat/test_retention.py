"""Retention: old messages are removed for good, and every client ends with what is kept."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from random import Random
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from chat import payloads, services
from chat.models import (
    Case,
    HeldText,
    Mention,
    Message,
    ModerationLog,
    RemovedText,
    Report,
    Room,
)
from chat.queries import messages, snapshots
from chat.queries.search import index
from chat.queries.search.query import parse
from chat.services import Post
from chat.services.retention import messages as steps
from chat.services.retention import run
from notifications import queries as notification_queries
from notifications import services as notification_services
from notifications.models import Notification
from realtime.core import reads as streams
from realtime.protocol.errors import BadRequest, Forbidden, NotFound, Reset
from tests.chat.conftest import Say, fresh, membership
from tests.chat.search.conftest import indexed
from tests.support.follower import Follower
from tests.support.replay import Verify

pytestmark = pytest.mark.django_db(transaction=True)

Age = Callable[..., None]


@pytest.fixture(autouse=True)
def thirty_days(settings: Settings) -> None:
    settings.HOLDFAST_RETENTION_DAYS = 30


@pytest.fixture
def age() -> Age:
    """Make everything in a room older than 30 days, but for the newest ``but`` messages."""

    def make_old(room: Room, *, but: int = 0) -> None:
        last = fresh(room).last_number - but
        old = timezone.now() - timedelta(days=40)
        Message.objects.filter(room=room, number__lte=last).update(created_at=old)
        Notification.objects.filter(place=payloads.stream(room.pk)).update(created_at=old)

    return make_old


# -- what is removed -------------------------------------------------------------------------------


def test_old_messages_are_gone_with_all_that_belongs_to_them(
    general: Room, alice: User, bob: User, say: Say, age: Age
) -> None:
    old = say(alice, general, "The harbour is @bob's")
    services.react(actor_id=bob.pk, message_id=old.pk, emoji="👍", on=True)
    removed = say(bob, general, "taken down")
    services.delete_message(actor_id=alice.pk, message_id=removed.pk)
    new = say(bob, general, "The sea")
    age(general, but=1)
    found = run.run()
    assert (found.messages, found.rooms, found.finished) == (2, 1, True)
    assert list(Message.objects.values_list("pk", flat=True)) == [new.pk]
    assert not Mention.objects.exists()
    assert not RemovedText.objects.exists()
    assert indexed("harbour") == []
    assert index.find(alice.pk, parse("harbour")).messages == []
    assert [row.pk for row in messages.latest(general.pk)] == [new.pk]
    assert ModerationLog.objects.filter(message_id=removed.pk).exists(), "the log stays"
    assert run.run().messages == 0


def test_a_dry_run_counts_and_removes_nothing(
    general: Room, alice: User, say: Say, age: Age
) -> None:
    for number in range(5):
        say(alice, general, f"{number}")
    age(general, but=2)
    out = StringIO()
    call_command("retention", "--dry-run", stdout=out)
    assert "messages would be removed: 3 in 1 rooms" in out.getvalue()
    assert Message.objects.count() == 5
    call_command("retention", stdout=out)
    assert "messages removed: 3 in 1 rooms" in out.getvalue()
    assert Message.objects.count() == 2


def test_a_room_keeps_for_its_own_days_or_for_ever(
    general: Room, secret: Room, alice: User, mona: User, say: Say, age: Age, verify: Verify
) -> None:
    say(alice, general, "old")
    say(alice, secret, "old")
    with verify():
        services.set_retention(actor_id=mona.pk, room_id=general.pk, retention_days=0)
    services.set_retention(actor_id=mona.pk, room_id=secret.pk, retention_days=60, reason="law")
    for room in (general, secret):
        age(room)
    assert run.run().messages == 0
    services.set_retention(actor_id=mona.pk, room_id=secret.pk, retention_days=None)
    assert run.run().messages == 1
    assert Message.objects.get().room == general
    entries = ModerationLog.objects.filter(action=ModerationLog.Action.RETENTION).order_by("pk")
    assert [(entry.room_id, entry.details) for entry in entries] == [
        (general.pk, {"retention": ["", "0"]}),
        (secret.pk, {"retention": ["", "60"]}),
        (secret.pk, {"retention": ["60", ""]}),
    ]


def test_only_moderators_of_the_site_choose(general: Room, alice: User, mona: User) -> None:
    with pytest.raises(Forbidden):
        services.set_retention(actor_id=alice.pk, room_id=general.pk, retention_days=1)
    with pytest.raises(BadRequest, match="retention_days"):
        services.set_retention(actor_id=mona.pk, room_id=general.pk, retention_days=-1)


def test_a_message_of_a_case_stays_until_nobody_can_appeal_any_more(
    general: Room, alice: User, bob: User, mona: User, say: Say, age: Age
) -> None:
    reported, hidden = say(alice, general, "bad reef"), say(alice, general, "worse reef")
    say(alice, general, "new")
    services.report(actor_id=bob.pk, message_id=reported.pk, category="abuse")
    services.hide_message(actor_id=mona.pk, message_id=hidden.pk)
    age(general, but=1)
    found = run.run()
    assert (found.messages, found.kept_for_cases) == (0, 2)
    assert {reported.pk, hidden.pk} < set(Message.objects.values_list("pk", flat=True))
    assert HeldText.objects.exists()
    with pytest.raises(NotFound, match="no longer kept"):
        messages.readable_message(reported.pk, bob.pk)
    with pytest.raises(NotFound, match="no longer kept"):
        say(bob, general, "An answer", reply_to=reported.pk)
    with pytest.raises(NotFound, match="no longer kept"):
        services.edit_message(actor_id=alice.pk, message_id=reported.pk, body="fine")
    assert [row.number for row in messages.latest(general.pk)] == [3]
    assert index.find(bob.pk, parse("reef")).messages == []
    services.decide(actor_id=mona.pk, message_id=reported.pk, status=Report.Status.DISMISSED)
    services.show_message(actor_id=mona.pk, message_id=hidden.pk)
    found = run.run()
    assert (found.messages, found.kept_for_cases) == (1, 1)
    Case.objects.update(closed_at=timezone.now() - timedelta(days=185))
    found = run.run()
    assert (found.messages, found.kept_for_cases, found.holds) == (1, 0, 1)
    assert Message.objects.count() == 1
    assert Case.objects.get().body == ""
    head, floor = streams.head_and_floor(payloads.stream(general.pk))
    assert floor < head, "what the case changed moved the floor as well"


def test_a_reply_to_what_is_gone_keeps_its_id_and_shows_a_deleted_message(
    general: Room, alice: User, bob: User, say: Say, age: Age, client: Client
) -> None:
    question = say(alice, general, "Where is the treasure?")
    answer = say(bob, general, "Below", reply_to=question.pk)
    before = payloads.message(Message.objects.select_related("author").get(pk=answer.pk))
    age(general, but=1)
    run.run()
    row = Message.objects.select_related("author").get(pk=answer.pk)
    assert payloads.message(row) == before
    assert messages.quoted(general.pk, [row]) == []
    client.force_login(bob)
    page = client.get(general.get_absolute_url()).content.decode()
    assert "Deleted message" in page
    assert "treasure" not in page
    assert "are no longer kept" in page
    gone = client.get(f"{general.get_absolute_url()}{question.number}/")
    assert (gone.status_code, b"no longer kept" in gone.content) == (404, True)
    assert client.get(f"/api/messages/{question.pk}/").status_code == 404


def test_what_was_never_read_is_no_longer_unread(
    general: Room, alice: User, bob: User, say: Say, age: Age
) -> None:
    for _ in range(5):
        say(alice, general, "@bob look")
    age(general, but=2)
    run.run()
    row = membership(general, bob)
    assert fresh(general).last_number - row.read_number == 2
    assert list(messages.unread_mentions(bob.pk, {general.pk: row.read_number})[general.pk]) == [
        4,
        5,
    ]
    with pytest.raises(BadRequest, match="expected 4 to 5"):
        services.mark_unread(actor_id=bob.pk, room_id=general.pk, number=3)
    assert notification_queries.unread(bob.pk) == 2


def test_notifications_about_what_is_gone_go_too_and_the_count_stays_right(
    general: Room, alice: User, bob: User, say: Say, age: Age
) -> None:
    say(alice, general, "@bob one")
    say(alice, general, "@bob two")
    first = Notification.objects.filter(user=bob).order_by("pk")[0]
    notification_services.read(user_id=bob.pk, ids=[first.pk])
    age(general)
    head = streams.head_and_floor(payloads.inbox(bob.pk))[0]
    run.run()
    assert notification_queries.unread(bob.pk) == 0
    # Level clients are shown that it is taken back; the read one is deleted.
    assert not Notification.objects.filter(pk=first.pk).exists()
    assert Notification.objects.get(user=bob).count == 0
    assert streams.page(payloads.inbox(bob.pk), head).events
    run.run()
    assert notification_queries.unread(bob.pk) == 0
    assert Notification.objects.filter(user=bob).count() == 1, "it has the unread count"


def test_old_notifications_are_removed_by_their_own_setting(
    general: Room, alice: User, bob: User, say: Say, settings: Settings
) -> None:
    settings.HOLDFAST_RETENTION_DAYS, settings.HOLDFAST_NOTIFICATION_DAYS = 0, 10
    for number in range(4):
        say(alice, general, f"@bob {number}")
    rows = list(Notification.objects.filter(user=bob).order_by("pk"))
    notification_services.read(user_id=bob.pk, ids=[row.pk for row in rows[:2]])
    Notification.objects.update(created_at=timezone.now() - timedelta(days=11))
    assert run.count().notifications == 1
    assert run.run().notifications == 1
    left = set(Notification.objects.values_list("pk", flat=True))
    assert left == {row.pk for row in rows[1:]}, "unread ones stay, and the newest of an inbox"
    assert notification_queries.unread(bob.pk) == 2


def test_a_run_stops_when_its_time_is_over_and_the_next_one_continues(
    general: Room, alice: User, say: Say, age: Age, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "MESSAGES_PER_TRANSACTION", 2)
    for number in range(5):
        say(alice, general, f"{number}")
    age(general)
    assert not run.run(seconds=0).finished
    assert Message.objects.count() == 5
    room = fresh(general)
    while steps.move_line(room, timezone.now() - timedelta(days=30)):
        pass
    assert messages.latest(general.pk) == [], "from now on no reader is shown them"
    assert steps.remove_batch(room, 0) == (2, 2)
    assert run.run().messages == 3


# -- clients ---------------------------------------------------------------------------------------


class Copy:
    """A client of one room: snapshot, pages, and its own idea of what is kept."""

    def __init__(self, room: Room, user: User) -> None:
        self.room, self.user = room, user
        self.resets = 0
        self.load()

    def load(self) -> None:
        found = snapshots.snapshot(self.room.pk, self.user.pk)
        self.follower = Follower(found.seq)
        self.first = found.room.first_number
        self.rows: dict[int, dict[str, Any]] = {}
        for row in messages.before(self.room.pk, 10**9, limit=1000).messages:
            self._apply(payloads.message(row))

    def pull(self) -> None:
        while True:
            try:
                page = streams.page(payloads.stream(self.room.pk), self.follower.position, 3)
            except Reset:
                self.resets += 1
                self.load()
                continue
            _, again = self.follower.page(page.start, page.to, page.head)
            for event in page.events:
                found = msgspec.json.decode(event.body or b'{"kind": ""}')
                if found["kind"] == "message":
                    self._apply(found["data"])
                elif found["kind"] == "room":
                    self.first = found["data"]["first_number"]
            if not again:
                return

    def _apply(self, data: dict[str, Any]) -> None:
        self.rows[data["id"]] = data

    def kept(self) -> dict[int, dict[str, Any]]:
        return {pk: row for pk, row in self.rows.items() if row["number"] >= self.first}


class Life:
    """The people of a room, who act at random."""

    def __init__(self, room: Room, users: list[User], random: Random) -> None:
        self.room, self.users, self.random = room, users, random

    def act(self) -> None:
        self.random.choice([self.post] * 8 + [self.change] * 5 + [self.retain])()

    def post(self) -> None:
        reply = self._anyone() if self.random.random() < 0.3 else None
        author = self.random.choice(self.users)
        post = Post(
            author_id=author.pk,
            room_id=self.room.pk,
            key=uuid4(),
            body=f"text {self.random.random()}",
            reply_to=reply.pk if reply else None,
        )
        services.post_messages([post])

    def change(self) -> None:
        row = self._anyone()
        if row is None or row.is_deleted:
            return
        if self.random.random() < 0.4:
            services.edit_message(actor_id=row.author_id, message_id=row.pk, body="edited")
        elif self.random.random() < 0.5:
            services.delete_message(actor_id=row.author_id, message_id=row.pk)
        else:
            actor = self.random.choice(self.users)
            services.react(actor_id=actor.pk, message_id=row.pk, emoji="👍", on=True)

    def retain(self) -> None:
        line = fresh(self.room).last_number - self.random.randrange(1, 8)
        old = timezone.now() - timedelta(days=40)
        Message.objects.filter(room=self.room, number__lte=line).update(created_at=old)
        run.run(seconds=self.random.choice((None, None, 0.0)))

    def _anyone(self) -> Message | None:
        rows = messages.latest(self.room.pk)
        return self.random.choice(rows) if rows else None


@pytest.mark.parametrize("seed", range(4))
def test_every_client_ends_with_what_is_kept(
    general: Room, alice: User, bob: User, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Posts, changes and retention runs at random, between clients that pull at random."""
    random = Random(seed)
    monkeypatch.setattr(steps, "MESSAGES_PER_TRANSACTION", 3)
    monkeypatch.setattr(run, "PAUSE_SHARE", 0)
    clients = [Copy(general, user) for user in (alice, bob, bob)]
    life = Life(general, [alice, bob], random)
    for _ in range(70):
        life.act()
        if random.random() < 0.2:
            random.choice(clients).pull()
    run.run()
    left = messages.before(general.pk, 10**9, limit=1000).messages
    wanted = {row.pk: payloads.message(row) for row in left}
    for client in [*clients, Copy(general, bob)]:
        client.pull()
        assert client.kept() == wanted
    numbers = sorted(row["number"] for row in wanted.values())
    assert numbers == list(range(fresh(general).first_number, fresh(general).last_number + 1))


def test_a_client_that_is_level_goes_on_and_one_that_is_behind_is_reset(
    general: Room, alice: User, bob: User, say: Say, age: Age
) -> None:
    say(alice, general, "one")
    behind = Copy(general, bob)
    say(alice, general, "two")
    say(alice, general, "three")
    level = Copy(general, bob)
    age(general, but=1)
    run.run()
    for copy in (behind, level):
        copy.pull()
        assert [row["number"] for row in copy.kept().values()] == [3]
    assert (behind.resets, level.resets) == (1, 0)


# -- the tables ------------------------------------------------------------------------------------


def triggers() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
            if connection.vendor == "postgresql"
            else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        )
        yield from (name for (name,) in cursor.fetchall())


def test_all_triggers_are_there_after_all_migrations(db: None) -> None:
    """SQLite loses the triggers of a table that a migration makes anew."""
    own = {"chat_moderationlog_append_only"}
    # Those of rows with streams (AddStreamTrigger) are made by their apps.
    found = {name for name in triggers() if "_holdfast_" not in name}
    if connection.vendor == "sqlite":
        own |= {"chat_search_posted", "chat_search_changed", "chat_search_removed"}
    else:
        own |= {"chat_message_public", "chat_search_stale", "realtime_pending_seal"}
    assert own == found
