"""Several processes at one inbox: threads with connections of their own stand for them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connections

from notifications import payloads, queries, services
from notifications.models import Notification
from notifications.policies import Words
from notifications.queries import Audience
from notifications.services import Notice, broadcasts
from realtime.core.heads import changing
from tests.conftest import People
from tests.support.replay import Client

EVERYONE = Audience(users=["alice", "bob", "charlie"])

pytestmark = pytest.mark.django_db(transaction=True)


def together(*works: Callable[[], object]) -> None:
    """Do all of it at the same time."""

    def closing(work: Callable[[], object]) -> None:
        try:
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as threads:
        for done in [threads.submit(closing, work) for work in works]:
            done.result()


def notify(*users: User) -> None:
    with changing(*(payloads.inbox(user.pk) for user in users)) as heads:
        services.notify_many(
            heads, [Notice(user_id=user.pk, kind="mention", title="Hello") for user in users]
        )


def test_who_notifies_and_reads_at_the_same_time_agrees_on_the_count(people: People) -> None:
    alice, bob = people.alice, people.bob

    def writing() -> None:
        for _ in range(10):
            notify(alice, bob)
            notify(bob, alice)

    def reading() -> None:
        for _ in range(10):
            services.read_all(user_id=alice.pk)
            services.archive(
                user_id=bob.pk,
                ids=[row["id"] for row in queries.inbox_page(bob.pk, limit=3).notices],
            )

    together(writing, writing, reading)
    for user in (alice, bob):
        rows = Notification.objects.filter(user=user)
        assert rows.count() == 40
        assert queries.unread(user.pk) == rows.filter(read_at=None).count()
        replayed = Client(payloads.inbox(user.pk)).pull().rows.values()
        assert len(replayed) == 40
        assert max(replayed, key=lambda row: row["seq"])["data"]["unread"] == queries.unread(
            user.pk
        )


def test_a_recall_in_another_process_leaves_nothing_of_a_broadcast(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasts, "INBOXES_PER_TRANSACTION", 1)
    sent = services.begin(words=Words(body="Secret"), audience=EVERYONE)
    together(
        lambda: services.send(broadcast_id=sent.pk),
        lambda: services.recall(broadcast_id=sent.pk),
    )
    assert not Notification.objects.filter(body="Secret").exists()


def test_a_broadcast_that_two_processes_continue_reaches_everybody_once(people: People) -> None:
    sent = services.begin(words=Words(body="Hello"), audience=EVERYONE)
    ids = [user.pk for user in (people.alice, people.bob, people.charlie)]
    together(*[lambda: services.send(broadcast_id=sent.pk)] * 2)
    sent.refresh_from_db()
    assert (sent.done, sent.finished_at is not None) == (3, True)
    assert sorted(sent.notifications.values_list("user_id", flat=True)) == sorted(ids)
