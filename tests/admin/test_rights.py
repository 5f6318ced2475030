"""Permissions: moderators act, other staff see nothing, and no form changes a row of a stream."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import DatabaseError, connection, transaction
from django.test import Client

from chat import services
from chat.models import Case, Message, ModerationLog, RemovedText, Room, SiteBan
from tests.admin.conftest import Act, signed_in
from tests.chat.conftest import Say, membership
from tests.conftest import make_user

SHOWN = [
    "room",
    "membership",
    "message",
    "removedtext",
    "case",
    "moderationlog",
    "siteban",
    "person",
]


@pytest.fixture
def staff(db: None) -> User:
    """A user who may sign in to the admin, but nothing else."""
    user = make_user("stan")
    user.is_staff = True
    user.save()
    return user


@pytest.fixture
def ids(general: Room, alice: User, bob: User, mona: User, say: Say) -> dict[str, int]:
    """One row of each kind."""
    message = say(bob, general, "buy this")
    report = services.report(actor_id=alice.pk, message_id=message.pk, category="spam")
    services.delete_message(actor_id=mona.pk, message_id=message.pk, reason="spam")
    ban = services.site_ban(actor_id=mona.pk, user_id=bob.pk, reason="spam")
    return {
        "room": general.pk,
        "membership": membership(general, bob).pk,
        "message": message.pk,
        "removedtext": message.pk,
        "case": report.case_id or 0,
        "moderationlog": ModerationLog.objects.earliest("pk").pk,
        "siteban": ban.pk,
        "person": bob.pk,
    }


def table(model: str) -> list[tuple[object, ...]]:
    models: dict[str, Any] = {
        "removedtext": RemovedText,
        "moderationlog": ModerationLog,
        "siteban": SiteBan,
        "case": Case,
        "message": Message,
    }
    return list(models.get(model, Room).objects.order_by("pk").values_list())


@pytest.mark.parametrize("model", SHOWN)
def test_mona_reads_every_page(desk: Client, ids: dict[str, int], model: str) -> None:
    assert desk.get(f"/admin/chat/{model}/").status_code == 200
    assert desk.get(f"/admin/chat/{model}/{ids[model]}/change/").status_code == 200


@pytest.mark.parametrize("who", ["desk", "root"])
@pytest.mark.parametrize("model", SHOWN)
def test_no_form_adds_changes_or_deletes_a_row(
    request: pytest.FixtureRequest, ids: dict[str, int], model: str, who: str
) -> None:
    client: Client = request.getfixturevalue(who)
    before = table(model)
    assert client.get(f"/admin/chat/{model}/add/").status_code == 403
    assert client.post(f"/admin/chat/{model}/add/", {"name": "x"}).status_code == 403
    assert (
        client.post(
            f"/admin/chat/{model}/{ids[model]}/change/", {"name": "x", "body": "x", "reason": "x"}
        ).status_code
        == 403
    )
    assert (
        client.post(f"/admin/chat/{model}/{ids[model]}/delete/", {"post": "yes"}).status_code == 403
    )
    chosen = {
        "action": "delete_selected",
        "index": 0,
        "_selected_action": [ids[model]],
        "post": "yes",
    }
    assert client.post(f"/admin/chat/{model}/", chosen).status_code in (200, 302)
    assert table(model) == before


@pytest.mark.parametrize("model", SHOWN)
def test_staff_without_the_group_sees_nothing(staff: User, ids: dict[str, int], model: str) -> None:
    client = signed_in(staff)
    assert client.get(f"/admin/chat/{model}/").status_code == 403
    assert client.get(f"/admin/chat/{model}/{ids[model]}/change/").status_code == 403
    page = client.get("/admin/").content.decode()
    assert "Open cases" not in page
    assert "/admin/chat/" not in page


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("message", "restore"),
        ("membership", "ban"),
        ("room", "lock"),
        ("person", "site-unban"),
        ("case", "keep"),
        ("siteban", "lift"),
    ],
)
def test_staff_without_the_group_does_nothing(
    staff: User, act: Act, ids: dict[str, int], model: str, name: str
) -> None:
    entries = ModerationLog.objects.count()
    url = f"/admin/chat/{model}/action/{name}/"
    client = signed_in(staff)
    assert client.get(f"{url}?ids={ids[model]}").status_code == 403
    assert client.post(url, {"ids": ids[model], "reason": "because"}).status_code == 403
    assert (
        client.post(f"/admin/chat/case/{ids['case']}/decide/", {"decision": "keep"}).status_code
        == 403
    )
    assert ModerationLog.objects.count() == entries


def test_a_permission_alone_makes_no_moderator(
    staff: User, act: Act, bob: User, general: Room, say: Say
) -> None:
    """The service asks for the group again, under its lock."""
    staff.user_permissions.set(
        Permission.objects.filter(codename__in=["view_message", "change_message"])
    )
    message = say(bob, general, "hello")
    answer = act(
        "message",
        "delete",
        message,
        client=signed_in(User.objects.get(pk=staff.pk)),
        reason="because",
    )
    assert answer.context["form"].non_field_errors() == ["You can only delete your own messages."]


def test_a_visitor_without_staff_rights_is_sent_to_the_login(
    alice: User, ids: dict[str, int]
) -> None:
    for client in (Client(), signed_in(alice)):
        for url in (
            "/admin/",
            "/admin/chat/message/",
            f"/admin/chat/message/action/delete/?ids={ids['message']}",
        ):
            assert client.get(url)["Location"].startswith("/admin/login/")


@pytest.mark.parametrize(
    "url",
    [
        "auth/user/",
        "auth/group/",
        "auth/user/1/password/",
        "auth/user/add/",
        "notifications/notification/",
    ],
)
def test_mona_sees_only_what_she_needs(desk: Client, url: str) -> None:
    assert desk.get(f"/admin/{url}").status_code == 403


def test_mona_sees_no_address_and_no_rights_of_people(desk: Client, bob: User) -> None:
    page = desk.get(f"/admin/chat/person/{bob.pk}/change/").content.decode()
    assert bob.email not in page
    assert "superuser" not in page


def test_the_text_of_a_direct_conversation_is_not_shown(
    desk: Client, direct: Room, alice: User, say: Say
) -> None:
    message = say(alice, direct, "between us")
    assert desk.get("/admin/chat/message/").context["cl"].result_list == []
    assert desk.get(f"/admin/chat/message/?room={direct.pk}").context["cl"].result_list == []
    assert desk.get("/admin/chat/membership/?q=alice").context["cl"].result_list == []
    for url in (
        "message/",
        f"message/{message.pk}/change/",
        f"message/action/delete/?ids={message.pk}",
        "room/",
        "membership/",
    ):
        page = desk.get(f"/admin/chat/{url}").content.decode()
        assert "between us" not in page
        assert direct.slug not in page


def test_it_is_shown_where_one_of_the_two_reports_it(
    desk: Client, direct: Room, alice: User, bob: User, say: Say
) -> None:
    report = services.report(
        actor_id=bob.pk, message_id=say(alice, direct, "between us").pk, category="abuse"
    )
    assert "between us" in desk.get(f"/admin/chat/case/{report.case_id}/change/").content.decode()


def test_the_log_cannot_be_changed_past_the_admin_either(ids: dict[str, int]) -> None:
    entry = ModerationLog.objects.get(pk=ids["moderationlog"])
    with pytest.raises(TypeError):
        entry.save()
    with pytest.raises(TypeError):
        entry.delete()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE chat_moderationlog SET reason = 'another'")


def test_no_account_is_deleted_in_the_admin(root: Client, bob: User) -> None:
    assert root.get("/admin/auth/user/").status_code == 200
    assert root.get(f"/admin/auth/user/{bob.pk}/change/").status_code == 200
    assert root.post(f"/admin/auth/user/{bob.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=bob.pk).exists()
