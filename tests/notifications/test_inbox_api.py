"""The inbox over HTTP."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from notifications import payloads, queries, services
from notifications.queries import InboxPage
from tests.notifications.conftest import Notify


@pytest.fixture
def browser(alice: User) -> Client:
    """Alice, signed in."""
    client = Client()
    client.force_login(alice)
    return client


def test_alice_sees_the_newest_notifications_first(
    browser: Client, notify: Notify, alice: User, bob: User
) -> None:
    notify(bob)
    first, second = notify(alice), notify(alice, actor_id=bob.pk)
    answer = browser.get("/api/inbox/").json()
    people = queries.people_in([first, second])
    assert answer == {
        "notifications": [
            payloads.notification(second, people),
            payloads.notification(first, people),
        ],
        "excerpts": {},
        "seq": 2,
        "unread": 2,
        "more": False,
    }


def test_pages_lead_back_to_the_first_one(browser: Client, notify: Notify, alice: User) -> None:
    ids = [notify(alice).pk for _ in range(queries.INBOX_PAGE + 3)]
    newest = browser.get("/api/inbox/").json()
    assert [row["id"] for row in newest["notifications"]] == ids[:2:-1]
    assert newest["more"]
    older = browser.get("/api/inbox/", {"before": newest["notifications"][-1]["id"]}).json()
    assert [row["id"] for row in older["notifications"]] == ids[2::-1]
    assert not older["more"]


def test_the_inbox_can_be_narrowed_to_what_is_unread_or_archived(
    browser: Client, notify: Notify, alice: User
) -> None:
    unread, read, archived = notify(alice), notify(alice), notify(alice)
    services.read(user_id=alice.pk, ids=[read.pk])
    services.archive(user_id=alice.pk, ids=[archived.pk])

    def shown(**query: str) -> list[int]:
        return [row["id"] for row in browser.get("/api/inbox/", query).json()["notifications"]]

    assert shown() == [read.pk, unread.pk]
    assert shown(filter="unread") == [unread.pk]
    assert shown(filter="archived") == [archived.pk]


@pytest.mark.parametrize(
    "before",
    ["0", "-1", "9223372036854775808", "9" * 5000, "1.5", "x", "", "٣", " 7", "1_0", "+1", "\x00"],
)
def test_a_bad_place_to_continue_from_is_a_bad_request(browser: Client, before: str) -> None:
    answer = browser.get("/api/inbox/", {"before": before})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_request"
    assert answer.json()["error"]["message"].startswith("before: ")


def test_an_unknown_filter_is_a_bad_request(browser: Client) -> None:
    assert (
        browser.get("/api/inbox/", {"filter": "spam"}).json()["error"]["message"]
        == "filter: expected one of inbox, unread, archived"
    )


def test_nobody_reads_an_inbox_without_signing_in(client: Client, db: None) -> None:
    assert client.get("/api/inbox/").status_code == 401
    assert client.get("/api/announcements/").status_code == 401


def test_what_comes_between_the_number_and_the_rows_is_not_skipped_by_who_continues_from_the_number(
    browser: Client, notify: Notify, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    notify(alice)
    original = queries.inbox_page

    def slow(*args: Any, **kwargs: Any) -> InboxPage:
        notify(alice)  # commits after `seq` was read and before the rows are
        return original(*args, **kwargs)

    monkeypatch.setattr(queries, "inbox_page", slow)
    answer = browser.get("/api/inbox/").json()
    assert answer["seq"] == 1
    assert [row["seq"] for row in answer["notifications"]] == [2, 1]


def test_a_long_inbox_costs_as_many_queries_as_a_short_one(
    browser: Client,
    notify: Notify,
    alice: User,
    bob: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    notify(alice, actor_id=bob.pk)
    browser.get("/api/inbox/")
    with CaptureQueriesContext(connection) as short:
        browser.get("/api/inbox/")
    for _ in range(30):
        notify(alice, actor_id=bob.pk)
    with django_assert_num_queries(len(short)):
        browser.get("/api/inbox/")
