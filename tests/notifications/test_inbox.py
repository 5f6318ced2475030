"""Notify, read and archive: what the services promise to each owner of an inbox."""

import random
from collections.abc import Callable
from functools import partial

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

from notifications import payloads, policies, queries, services
from notifications.models import Notification
from notifications.services import Notice, inbox
from realtime.core.heads import changing
from realtime.protocol.errors import BadRequest, NotFound
from tests.notifications.conftest import Notify
from tests.support.replay import Verify

NAMED: list[Callable[..., int]] = [
    services.read,
    services.archive,
    services.unarchive,
    services.mark_unread,
]


def test_a_mention_appears_in_alices_inbox(
    verify: Verify, notify: Notify, alice: User, bob: User
) -> None:
    with verify() as change:
        row = notify(
            alice,
            kind="mention",
            title="",
            params={"room": {"id": 7, "slug": "general", "name": "General"}},
            url="/rooms/general/7/",
            actor_id=bob.pk,
        )
    assert change.data(f"inbox.{alice.pk}") == [
        {
            "id": row.pk,
            "seq": 1,
            "kind": "mention",
            "params": {"room": {"id": 7, "slug": "general", "name": "General"}},
            "title": "",
            "body": "",
            "url": "/rooms/general/7/",
            "actor": {"id": bob.pk, "username": "bob", "name": "Bob"},
            "level": "info",
            "created_at": payloads.moment(row.created_at),
            "read_at": None,
            "archived_at": None,
            "unread": 1,
            "place": None,
            "subject": None,
            "count": 1,
            "updated_at": None,
        }
    ]
    assert queries.unread(alice.pk) == 1


def test_one_change_can_notify_many_people_and_one_of_them_twice(
    verify: Verify, alice: User, bob: User
) -> None:
    notices = [
        Notice(user_id=user.pk, kind="mention", title="Hello") for user in (alice, bob, alice)
    ]
    with verify() as change, changing(payloads.inbox(alice.pk), payloads.inbox(bob.pk)) as heads:
        services.notify_many(heads, notices)
    assert [data["unread"] for data in change.data(f"inbox.{alice.pk}")] == [1, 2]
    assert [data["unread"] for data in change.data(f"inbox.{bob.pk}")] == [1]


def test_a_title_that_is_too_long_is_shortened_and_not_refused(notify: Notify, alice: User) -> None:
    assert notify(alice, title="x" * 1000).title == "x" * 200


def test_an_inbox_that_nobody_has_written_to_has_nothing_unread(alice: User) -> None:
    assert queries.unread(alice.pk) == 0


def test_reading_one_leaves_the_others_unread(verify: Verify, notify: Notify, alice: User) -> None:
    first, second = notify(alice), notify(alice)
    with verify() as change:
        assert services.read(user_id=alice.pk, ids=[first.pk]) == 1
    assert [(data["id"], data["unread"]) for data in change.data(f"inbox.{alice.pk}")] == [
        (first.pk, 1)
    ]
    assert change.data(f"inbox.{alice.pk}")[0]["read_at"] is not None
    assert Notification.objects.get(pk=second.pk).read_at is None


def test_reading_again_changes_nothing(verify: Verify, notify: Notify, alice: User) -> None:
    row = notify(alice)
    services.read(user_id=alice.pk, ids=[row.pk])
    with verify() as change:
        assert services.read(user_id=alice.pk, ids=[row.pk]) == 0
    assert change.streams == []


def test_the_same_id_twice_counts_once(verify: Verify, notify: Notify, alice: User) -> None:
    first, _second = notify(alice), notify(alice)
    with verify():
        assert services.read(user_id=alice.pk, ids=[first.pk, first.pk]) == 1


def test_reading_nothing_answers_with_the_count(
    verify: Verify, notify: Notify, alice: User
) -> None:
    notify(alice)
    with verify() as change:
        assert services.read(user_id=alice.pk, ids=[]) == 1
    assert change.streams == []


@pytest.mark.parametrize("service", NAMED)
def test_bob_cannot_change_alices_notification_and_does_not_learn_whose_it_is(
    verify: Verify, notify: Notify, alice: User, bob: User, service: Callable[..., int]
) -> None:
    hers, his = notify(alice), notify(bob)
    with verify() as change, pytest.raises(NotFound) as refused:
        service(user_id=bob.pk, ids=[his.pk, hers.pk, 999_999])
    assert refused.value.message == f"There is no notification {hers.pk}, 999999 in your inbox."
    assert change.streams == []
    assert not Notification.objects.exclude(read_at=None, archived_at=None).exists()


def test_an_error_names_only_some_of_very_many_wrong_ids(alice: User) -> None:
    with pytest.raises(NotFound, match=", … in your inbox"):
        services.read(user_id=alice.pk, ids=range(1, 101))


def test_one_command_names_a_bounded_number_of_notifications(alice: User) -> None:
    with pytest.raises(BadRequest, match="at most 500 ids, got 501"):
        services.archive(user_id=alice.pk, ids=range(1, policies.MAX_IDS + 2))


def test_archiving_reads_as_well(verify: Verify, notify: Notify, alice: User) -> None:
    row, other = notify(alice), notify(alice)
    with verify() as change:
        assert services.archive(user_id=alice.pk, ids=[row.pk]) == 1
    data = change.data(f"inbox.{alice.pk}")[0]
    assert data["archived_at"] == data["read_at"] is not None
    assert [row["id"] for row in queries.inbox_page(alice.pk).notices] == [other.pk]


def test_archiving_what_was_read_keeps_the_time_of_reading(
    verify: Verify, notify: Notify, alice: User
) -> None:
    row = notify(alice)
    services.read(user_id=alice.pk, ids=[row.pk])
    row.refresh_from_db()
    read_at = row.read_at
    with verify():
        assert services.archive(user_id=alice.pk, ids=[row.pk]) == 0
    row.refresh_from_db()
    assert row.read_at == read_at
    assert row.archived_at is not None


def test_what_was_archived_comes_back_read_as_it_is(
    verify: Verify, notify: Notify, alice: User
) -> None:
    row, other = notify(alice), notify(alice)
    services.archive(user_id=alice.pk, ids=[row.pk])
    with verify() as change:
        assert services.unarchive(user_id=alice.pk, ids=[row.pk, other.pk]) == 1
    (data,) = change.data(f"inbox.{alice.pk}")
    assert (data["id"], data["archived_at"], data["unread"]) == (row.pk, None, 1)
    assert data["read_at"] is not None


def test_what_is_marked_as_unread_is_in_the_inbox_again(
    verify: Verify, notify: Notify, alice: User
) -> None:
    row, other = notify(alice), notify(alice)
    services.archive(user_id=alice.pk, ids=[row.pk])
    with verify() as change:
        assert services.mark_unread(user_id=alice.pk, ids=[row.pk, other.pk]) == 2
    (data,) = change.data(f"inbox.{alice.pk}")
    assert (data["id"], data["archived_at"], data["read_at"], data["unread"]) == (
        row.pk,
        None,
        None,
        2,
    )
    with verify() as change:
        services.mark_unread(user_id=alice.pk, ids=[row.pk])
    assert change.streams == []


def test_read_all_goes_in_batches_and_each_row_has_its_own_number(
    verify: Verify, notify: Notify, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "READ_BATCH", 2)
    for _ in range(5):
        notify(alice)
    with verify() as change:
        assert services.read_all(user_id=alice.pk) == 0
    assert [data["unread"] for data in change.data(f"inbox.{alice.pk}")] == [4, 3, 2, 1, 0]


def test_read_all_of_an_empty_inbox_ends(verify: Verify, alice: User) -> None:
    with verify() as change:
        assert services.read_all(user_id=alice.pk) == 0
    assert change.streams == []


def test_what_comes_while_everything_is_read_stays_unread(
    notify: Notify, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "READ_BATCH", 2)
    for _ in range(2):
        notify(alice)
    newest = queries.newest(alice.pk)
    # A full batch: perhaps there are more.
    assert not services.read_up_to(user_id=alice.pk, newest=newest).done
    late = notify(alice)
    assert services.read_up_to(user_id=alice.pk, newest=newest) == services.Progress(
        done=True, unread=1
    )
    assert Notification.objects.get(read_at=None) == late


def test_the_count_that_rows_carry_is_the_count_of_the_rows(
    verify: Verify, notify: Notify, alice: User, bob: User
) -> None:
    dice = random.Random(7)
    for user in (alice, bob):
        for _ in range(5):
            notify(user)
    for _ in range(30):
        user = dice.choice([alice, bob])
        ids = list(Notification.objects.filter(user=user).values_list("pk", flat=True))
        chosen = dice.sample(ids, dice.randint(0, 3))
        with verify():
            acts: list[Callable[[], object]] = [
                partial(notify, user),
                partial(services.read_up_to, user_id=user.pk, newest=dice.choice(ids)),
                *[partial(service, user_id=user.pk, ids=chosen) for service in NAMED],
            ]
            dice.choice(acts)()
        assert (
            queries.unread(user.pk) == Notification.objects.filter(user=user, read_at=None).count()
        )


def test_a_notification_outlives_the_account_of_its_actor(
    notify: Notify, alice: User, charlie: User
) -> None:
    row = notify(alice, actor_id=charlie.pk)
    charlie.delete()
    found = Notification.objects.get(pk=row.pk)
    assert payloads.notification(found, queries.people_in([found]))["actor"] is None


def test_an_inbox_is_deleted_with_its_owner(notify: Notify, charlie: User) -> None:
    notify(charlie)
    charlie.delete()
    assert not Notification.objects.exists()


# -- what it costs: as many queries for many rows as for one ---------------------------------------

# A savepoint around the transaction, the lock, the counts, the actors, the rows, the new heads.
NOTIFY_QUERIES = 7
# A savepoint around the transaction, the lock, the rows, the count, the change,
# the people, the new head.
READ_QUERIES = 8


def test_many_are_notified_with_as_many_queries_as_one(
    notify: Notify,
    alice: User,
    bob: User,
    charlie: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    users = [alice, bob, charlie]
    for user in users:
        notify(user)
    notices = [
        Notice(user_id=user.pk, kind="mention", title="Hi", actor_id=bob.pk)
        for user in users
        for _ in range(15)
    ]
    with (
        django_assert_num_queries(NOTIFY_QUERIES),
        changing(*(payloads.inbox(user.pk) for user in users)) as heads,
    ):
        services.notify_many(heads, notices)


def test_many_are_read_with_as_many_queries_as_one(
    notify: Notify, alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ids = [notify(alice, actor_id=bob.pk).pk for _ in range(50)]
    with django_assert_num_queries(READ_QUERIES):
        services.read(user_id=alice.pk, ids=ids)
