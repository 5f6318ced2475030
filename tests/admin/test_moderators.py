"""Moderators are appointed, and their group always exists."""

import re
from io import StringIO

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from chat.models import ModerationLog
from chat.queries import people
from chat.services.moderation.moderators import ensure_moderators_group
from notifications.models import Announcement
from realtime.auth import MODERATORS

PERMISSIONS = {
    *(
        "view_room",
        "view_membership",
        "view_message",
        "view_removedtext",
        "view_report",
        "view_moderationlog",
        "view_siteban",
    ),
    *(
        "change_room",
        "change_membership",
        "change_message",
        "change_report",
        "add_siteban",
    ),
    *(
        "view_filter",
        "add_filter",
        "change_filter",
        "delete_filter",
        "view_bulk",
        "add_bulk",
    ),
}


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("make_moderator", *arguments, stdout=out)
    return out.getvalue()


def permissions() -> set[str]:
    return set(Group.objects.get(name=MODERATORS).permissions.values_list("codename", flat=True))


def test_the_migration_makes_the_group_with_what_moderators_need(db: None) -> None:
    assert permissions() == PERMISSIONS


def test_the_group_is_made_again_where_it_is_missing(db: None) -> None:
    Group.objects.all().delete()
    ensure_moderators_group()
    assert permissions() == PERMISSIONS


def test_what_an_operator_took_from_the_group_stays_away(db: None) -> None:
    group = Group.objects.get(name=MODERATORS)
    group.permissions.remove(group.permissions.get(codename="change_room"))
    ensure_moderators_group()
    assert permissions() == PERMISSIONS - {"change_room"}


@pytest.mark.django_db(transaction=True)
def test_emptying_the_tables_leaves_the_group() -> None:
    # Restored rows of the next test bring their ids.
    call_command("flush", interactive=False, verbosity=0, reset_sequences=False)
    assert permissions() == PERMISSIONS


def test_bob_becomes_a_moderator(bob: User) -> None:
    assert run("bob") == "bob is now a moderator.\n"
    bob.refresh_from_db()
    assert bob.is_staff
    assert not bob.is_superuser
    assert people.is_site_moderator(bob.pk)
    entry = ModerationLog.objects.latest("pk")
    assert (entry.action, entry.subject, entry.details) == (
        "role",
        bob,
        {"to": "moderator of the site"},
    )
    assert run("bob") == "bob is already a moderator.\n"


def test_bob_is_no_moderator_any_more(alice: User, bob: User) -> None:
    run("alice", "bob")
    assert run("bob", "--remove") == "bob is no longer a moderator.\n"
    bob.refresh_from_db()
    assert not bob.is_staff
    assert not people.is_site_moderator(bob.pk)
    assert people.is_site_moderator(alice.pk)
    assert run("bob", "--remove") == "bob is not a moderator.\n"


def test_a_superuser_keeps_the_admin(db: None) -> None:
    root = User.objects.create_superuser("root")
    run("root")
    run("root", "--remove")
    root.refresh_from_db()
    assert root.is_staff


@pytest.mark.parametrize(
    "arguments", [["nobody"], ["nobody", "--remove"], ["no\0body"], ["no\0body", "--remove"]]
)
def test_nobody_is_no_moderator(db: None, arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="There is no such person"):
        run(*arguments)


def test_a_moderator_announces_only_where_that_was_allowed(desk: Client, mona: User) -> None:
    address = reverse("admin:notifications_announcement_add")
    assert desk.get(address).status_code == 403
    given = Permission.objects.filter(codename__in=["add_announcement", "view_announcement"])
    Group.objects.get(name=MODERATORS).permissions.add(*given)
    (key,) = re.findall(r'name="key" value="([^"]+)"', desk.get(address).content.decode())
    words = {"body": "Maintenance at six", "level": "info", "key": key}
    shown = desk.post(address, words).content.decode()
    assert not Announcement.objects.exists()
    (people_reached,) = re.findall(r'name="people" value="(\d+)"', shown)
    answer = desk.post(address, words | {"people": people_reached}, follow=True)
    assert answer.status_code == 200
    row = Announcement.objects.get()
    assert (row.body, row.broadcast.created_by) == ("Maintenance at six", mona)
    chosen = {"action": "take_back", "_selected_action": row.pk, "confirmed": "yes"}
    listed = reverse("admin:notifications_announcement_changelist")
    desk.post(listed, chosen, follow=True)
    assert Announcement.objects.get().recalled_at is None
    mona.user_permissions.add(Permission.objects.get(codename="change_broadcast"))
    desk.post(listed, chosen, follow=True)
    assert Announcement.objects.get().recalled_at is not None
