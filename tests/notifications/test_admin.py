"""The admin: announcements are written, broadcasts recalled; rows change only by services."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from notifications import services
from notifications.admin import BoundedPaginator
from notifications.models import Announcement, AnnouncementReading, Broadcast, Notification
from notifications.policies import Words
from notifications.queries import Audience
from tests.conftest import make_user
from tests.notifications.conftest import Announce, Notify
from tests.support.replay import Verify

MODELS = (Announcement, AnnouncementReading, Broadcast, Notification)


@pytest.fixture
def boss(db: None) -> User:
    """A superuser."""
    user = make_user("boss")
    user.is_staff = user.is_superuser = True
    user.save()
    return user


@pytest.fixture
def desk(boss: User) -> Client:
    """The admin, opened by the superuser."""
    client = Client()
    client.force_login(boss)
    return client


def compose(desk: Client, *, model: str = "announcement", **fields: Any) -> Any:
    """Open the form, fill it in, look at the number of people, and send it."""
    address = reverse(f"admin:notifications_{model}_add")
    (key,) = re.findall(r'name="key" value="([^"]+)"', desk.get(address).content.decode())
    filled = {"body": "Hello", "level": "info", "key": key} | fields
    shown = desk.post(address, filled)
    people = re.search(r'name="people" value="(\d+)"', shown.content.decode())
    if people is None:
        return shown
    assert not Broadcast.objects.filter(key=filled["key"], finished_at=None).exists()
    return desk.post(address, filled | {"people": people[1]}, follow=True)


def act(desk: Client, model: type, *ids: int, confirmed: bool = True) -> Any:
    """Choose rows of a list and take them back."""
    address = reverse(f"admin:notifications_{model.__name__.lower()}_changelist")
    fields = {"action": "take_back", "_selected_action": ids}
    return desk.post(address, fields | ({"confirmed": "yes"} if confirmed else {}), follow=True)


def test_an_announcement_is_composed_in_the_admin_and_sent_by_the_service(
    verify: Verify, desk: Client, boss: User
) -> None:
    with verify() as change:
        answer = compose(
            desk, title="News", body="Maintenance at six", url="/status/", level="warning"
        )
    assert "Sent to " in answer.content.decode()
    (data,) = change.data("announcements")
    assert (data["title"], data["body"], data["url"], data["level"]) == (
        "News",
        "Maintenance at six",
        "/status/",
        "warning",
    )
    assert Broadcast.objects.get().created_by == boss


def test_a_form_that_is_sent_twice_announces_once(desk: Client) -> None:
    key = "5e6ff1a8-28d2-4f4c-8a1c-3ac1a4b06a6e"
    for _ in range(2):
        compose(desk, key=key)
    assert Announcement.objects.count() == 1


def test_an_announcement_that_cannot_be_sent_is_explained_in_the_form(
    verify: Verify, desk: Client
) -> None:
    with verify() as change:
        answer = compose(desk, url="javascript:alert(1)", expires_at="2020-01-01T00:00")
    assert "cannot be linked to" in answer.content.decode()
    assert "before it is sent" in answer.content.decode()
    assert change.streams == []


@pytest.mark.parametrize("model", [Announcement, Broadcast])
def test_a_broadcast_is_taken_back_from_both_lists(
    verify: Verify, desk: Client, announce: Announce, model: type
) -> None:
    row = announce("Hello")
    chosen = row.pk if model is Announcement else row.broadcast_id
    with verify() as change:
        answer = act(desk, model, chosen)
    assert f"Broadcast {row.broadcast_id} was taken back." in answer.content.decode()
    assert change.data("announcements")[0]["recalled_at"] is not None


def test_nobody_takes_back_or_announces_without_the_permission(
    desk: Client, announce: Announce
) -> None:
    row = announce("Hello")
    clerk = make_user("clerk")
    clerk.is_staff = True
    clerk.save()
    clerk.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(clerk)
    act(client, Announcement, row.pk)
    assert Announcement.objects.get().recalled_at is None
    assert client.get(reverse("admin:notifications_announcement_add")).status_code == 403


def test_taking_back_asks_and_names_the_number_of_people(
    desk: Client, announce: Announce, alice: User, bob: User
) -> None:
    row = announce("Hello")
    page = act(desk, Broadcast, row.broadcast_id, confirmed=False).content.decode()
    assert f"Take back from {row.broadcast.done} people" in page
    assert row.broadcast.done > 2
    assert Announcement.objects.get().recalled_at is None


def test_a_group_is_written_to_in_the_admin_with_the_number_of_people(
    verify: Verify, desk: Client, alice: User, bob: User
) -> None:
    group = Group.objects.create(name="finance")
    group.user_set.add(alice, bob)
    address = reverse("admin:notifications_broadcast_add")
    fields = {
        "body": "Hi",
        "body_de": "Hallo",
        "level": "info",
        "key": "5e6ff1a8-28d2-4f4c-8a1c-3ac1a4b06a6e",
        "groups": [group.pk],
    }
    page = desk.post(address, fields).content.decode()
    assert "Send to 2 people" in page
    assert not Broadcast.objects.exists()
    desk.post(address, fields | {"people": "1"})  # someone joined meanwhile: it asks again
    assert not Broadcast.objects.exists()
    with verify():
        page = desk.post(address, fields | {"people": "2"}, follow=True).content.decode()
    assert "2 of 2 people" in page
    assert "alice, bob" in page  # who have not read it
    sent = Broadcast.objects.get()
    assert (sent.done, sent.translations) == (2, {"de": {"title": "", "body": "Hallo"}})


def test_a_broadcast_is_sent_and_taken_back_in_turns_that_hold_no_request(
    desk: Client, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications.services.broadcasts.INBOXES_PER_TRANSACTION", 1)
    monkeypatch.setattr("notifications.admin.broadcasts.SECONDS", 0.0)
    sent = services.begin(words=Words(body="Hello"), audience=Audience(users=["alice", "bob"]))
    page = desk.get(reverse("admin:notifications_broadcast_change", args=[sent.pk]))
    assert "0 of 2 people" in page.content.decode()
    assert "data-continue" in page.content.decode()
    onward = reverse("admin:notifications_broadcast_continue", args=[sent.pk])
    assert desk.get(onward).status_code == 404
    monkeypatch.setattr("notifications.admin.broadcasts.SECONDS", 10.0)
    assert "2 of 2 people" in desk.post(onward, follow=True).content.decode()
    monkeypatch.setattr("notifications.admin.broadcasts.SECONDS", 0.0)
    assert "is being taken back" in act(desk, Broadcast, sent.pk).content.decode()
    monkeypatch.setattr("notifications.admin.broadcasts.SECONDS", 10.0)
    page = desk.post(onward, follow=True)
    assert "data-continue" not in page.content.decode()
    assert set(Notification.objects.values_list("kind", flat=True)) == {"recalled"}


@pytest.mark.parametrize("model", MODELS)
def test_no_row_is_changed_or_deleted_past_the_services(
    desk: Client, announce: Announce, notify: Notify, boss: User, model: Any
) -> None:
    services.read_announcement(user_id=boss.pk, announcement_id=announce("Hello").pk)
    notify(boss)
    row = model.objects.get()
    name = f"admin:notifications_{model._meta.model_name}"
    assert desk.get(reverse(f"{name}_changelist")).status_code == 200
    assert desk.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200
    assert (
        desk.post(reverse(f"{name}_change", args=[row.pk]), {"title": "Changed"}).status_code == 403
    )
    assert desk.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def test_the_text_of_a_notification_is_not_shown_to_the_admin(
    desk: Client, notify: Notify, alice: User
) -> None:
    row = notify(alice, kind="direct", title="Bob wrote to you", body="for your eyes only")
    for name, arguments in (("changelist", []), ("change", [row.pk])):
        assert (
            "for your eyes only"
            not in desk.get(
                reverse(f"admin:notifications_notification_{name}", args=arguments)
            ).content.decode()
        )


def test_a_broadcast_shows_how_many_have_read_it(
    desk: Client, announce: Announce, alice: User
) -> None:
    row = announce("Hello")
    services.read_announcement(user_id=alice.pk, announcement_id=row.pk)
    page = desk.get(
        reverse("admin:notifications_broadcast_change", args=[row.broadcast_id])
    ).content.decode()
    assert re.search(r"Read by:</label>\s*<div class=\"readonly\">1</div>", page)


@pytest.mark.parametrize("model", MODELS)
def test_a_long_list_costs_as_many_queries_as_a_short_one(
    desk: Client,
    announce: Announce,
    alice: User,
    bob: User,
    django_assert_num_queries: DjangoAssertNumQueries,
    model: Any,
) -> None:
    address = reverse(f"admin:notifications_{model._meta.model_name}_changelist")
    fill(announce, alice, bob)
    desk.get(address)
    with CaptureQueriesContext(connection) as short:
        desk.get(address)
    for _ in range(5):
        fill(announce, alice, bob)
    with django_assert_num_queries(len(short)):
        desk.get(address)


def fill(announce: Announce, alice: User, bob: User) -> None:
    """Make some rows of every model."""
    row = announce("Hello")
    services.read_announcement(user_id=alice.pk, announcement_id=row.pk)
    services.broadcast(
        words=Words(body="Hello"), audience=Audience(users=["alice", "bob"]), created_by_id=bob.pk
    )


@pytest.mark.parametrize("model", MODELS)
def test_no_list_counts_all_rows_of_a_table(
    desk: Client, announce: Announce, alice: User, bob: User, model: Any
) -> None:
    fill(announce, alice, bob)
    with CaptureQueriesContext(connection) as captured:
        desk.get(reverse(f"admin:notifications_{model._meta.model_name}_changelist"))
    queries = [query["sql"] for query in captured.captured_queries]
    # Readers are counted for the rows that are shown.
    counts = [sql for sql in queries if "COUNT(" in sql and "GROUP BY" not in sql]
    assert len(counts) == 1
    assert "LIMIT 10000" in counts[0]


def test_every_model_is_registered_with_a_bounded_list() -> None:
    for model in MODELS:
        model_admin = admin.site._registry[model]
        assert model_admin.paginator is BoundedPaginator
        assert not model_admin.show_full_result_count


def test_the_list_tells_how_many_have_read_an_announcement(
    desk: Client, announce: Announce, alice: User, bob: User
) -> None:
    row = announce("Maintenance tonight")
    services.read_announcement(user_id=alice.pk, announcement_id=row.pk)
    page = desk.get(reverse("admin:notifications_announcement_changelist")).content.decode()
    assert "Maintenance tonight" in page
    assert f"1 of {row.broadcast.recipients}" in page
    assert (
        f"1 of {row.broadcast.recipients}"
        in desk.get(
            reverse("admin:notifications_announcement_change", args=[row.pk])
        ).content.decode()
    )


def test_inboxes_and_readings_are_found_by_person_and_sorted_by_their_id_alone(
    desk: Client, announce: Announce, notify: Notify, alice: User, bob: User
) -> None:
    row = announce("Hello")
    for user in (alice, bob):
        services.read_announcement(user_id=user.pk, announcement_id=row.pk)
        services.broadcast(words=Words(body="Hi"), audience=Audience(users=[user.username]))

    def found(model: str, query: str) -> list[str]:
        answer = desk.get(reverse(f"admin:notifications_{model}_changelist") + f"?q={query}")
        return [each.user.username for each in answer.context["cl"].result_list]

    for model in ("notification", "announcementreading"):
        assert found(model, "alice") == found(model, "@Alice") == ["alice"]
        assert found(model, "ali") == found(model, "99") == found(model, "9" * 30) == []
        address = reverse(f"admin:notifications_{model}_changelist")
        page = desk.get(f"{address}?o=2").content.decode()
        assert page.count('class="sortable') == 1
    assert found("announcementreading", str(row.pk)) == ["bob", "alice"]
