"""Announcements: one row for all users, and the read state of each."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from notifications import payloads, services
from notifications.models import Announcement, AnnouncementReading
from notifications.policies import Words
from notifications.queries import Audience
from realtime.protocol.errors import NotFound
from tests.notifications.conftest import Announce
from tests.support.replay import Verify


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_an_announcement_is_one_row_however_many_people_there_are(
    verify: Verify, alice: User, bob: User
) -> None:
    words = Words(
        title="Maintenance",
        body="At six.",
        url="/status/",
        level="warning",
        expires_at=timezone.now() + timedelta(hours=1),
    )
    with verify() as change:
        sent = services.broadcast(words=words, audience=Audience(everybody=True))
    row = Announcement.objects.get()
    assert sent.recipients == User.objects.filter(is_active=True).count()
    assert change.streams == ["announcements"]
    assert change.data("announcements") == [
        {
            "id": row.pk,
            "seq": 1,
            "title": "Maintenance",
            "body": "At six.",
            "url": "/status/",
            "level": "warning",
            "created_at": payloads.moment(row.created_at),
            "expires_at": payloads.moment(words.expires_at),
            "recalled_at": None,
        }
    ]


def test_what_alice_has_read_is_known_to_her_other_tabs_and_is_not_read_for_bob(
    verify: Verify, announce: Announce, alice: User, bob: User
) -> None:
    row = announce("Maintenance at six.")
    with verify() as change:
        assert browser_of(alice).post(f"/api/announcements/{row.pk}/read").json() == {}
    reading = AnnouncementReading.objects.get()
    assert change.rows(payloads.inbox(alice.pk)) == [
        {
            "seq": 1,
            "kind": "reading",
            "data": {
                "id": reading.pk,
                "seq": 1,
                "announcement": row.pk,
                "read_at": payloads.moment(reading.read_at),
            },
        }
    ]
    (hers,) = browser_of(alice).get("/api/announcements/").json()["announcements"]
    (his,) = browser_of(bob).get("/api/announcements/").json()["announcements"]
    assert hers == payloads.announcement(row) | {"read_at": payloads.moment(reading.read_at)}
    assert his["read_at"] is None


def test_reading_an_announcement_again_changes_nothing(
    verify: Verify, announce: Announce, alice: User
) -> None:
    row = announce("Hello")
    first = services.read_announcement(user_id=alice.pk, announcement_id=row.pk)
    with verify() as change:
        assert services.read_announcement(user_id=alice.pk, announcement_id=row.pk) == first
    assert change.streams == []


def test_an_announcement_that_does_not_exist_cannot_be_read(verify: Verify, alice: User) -> None:
    with verify() as change, pytest.raises(NotFound, match="no announcement 7"):
        services.read_announcement(user_id=alice.pk, announcement_id=7)
    assert change.streams == []
    assert browser_of(alice).post("/api/announcements/7/read").status_code == 404
    assert browser_of(alice).post("/api/announcements/9223372036854775808/read").status_code == 400
    assert browser_of(alice).post(f"/api/announcements/{'9' * 5000}/read").status_code == 404


def test_what_has_expired_or_was_taken_back_is_shown_no_more(
    announce: Announce, alice: User
) -> None:
    shown = announce("Stays", expires_at=timezone.now() + timedelta(hours=1))
    expired = announce("Expires")
    Announcement.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    recalled = announce("Is wrong")
    services.recall(broadcast_id=recalled.broadcast_id)
    answer = browser_of(alice).get("/api/announcements/").json()
    assert [row["id"] for row in answer["announcements"]] == [shown.pk]
    assert answer["seq"] == 4


def test_many_announcements_cost_as_many_queries_as_one(
    announce: Announce, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = browser_of(alice)
    announce("Number 0")
    client.get("/api/announcements/")
    with CaptureQueriesContext(connection) as few:
        client.get("/api/announcements/")
    for number in range(1, 10):
        services.read_announcement(
            user_id=alice.pk, announcement_id=announce(f"Number {number}").pk
        )
    with django_assert_num_queries(len(few)):
        assert len(client.get("/api/announcements/").json()["announcements"]) == 10


def test_a_new_account_sees_earlier_announcements_only_if_they_expire(
    announce: Announce, alice: User
) -> None:
    announce("Welcome to those of that time")
    until = announce("Maintenance until tomorrow", expires_at=timezone.now() + timedelta(days=1))
    late = User.objects.create_user("late")
    news = announce("Welcome, late one")

    def shown(user: User) -> list[int]:
        return [
            row["id"] for row in browser_of(user).get("/api/announcements/").json()["announcements"]
        ]

    assert shown(late) == [news.pk, until.pk]
    assert len(shown(alice)) == 3
