"""The demo: created once, through the services, and never where strangers can sign in."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from chat.management.demo_story import story
from chat.models import Membership, Message, Room
from notifications.models import Notification
from tests.support.notices import sentences_of

pytestmark = pytest.mark.django_db(transaction=True)


def demo() -> str:
    out = StringIO()
    call_command("demo", stdout=out)
    return out.getvalue()


def state() -> tuple[object, ...]:
    users = list(
        User.objects.order_by("pk").values_list("username", "password", "is_staff", "is_superuser")
    )
    messages = list(Message.objects.order_by("pk").values_list("pk", "seq", "body", "reactions"))
    return (
        users,
        messages,
        list(Membership.objects.order_by("pk").values_list("pk", "read_number", "state")),
    )


@pytest.fixture
def debug(settings: Settings) -> None:
    settings.DEBUG = True


def test_demo_accounts_are_never_made_outside_debug() -> None:
    with pytest.raises(CommandError, match="only with DEBUG=true"):
        demo()
    assert not User.objects.filter(
        username__in=[person.username for person in story().people]
    ).exists()


@pytest.mark.usefixtures("debug")
def test_the_demo_tells_its_story_and_a_second_run_changes_nothing() -> None:
    printed = demo()
    check_logins(printed)
    check_story()
    check_inboxes()
    before = state()
    demo()
    assert state() == before


def check_logins(printed: str) -> None:
    for person in story().people:
        assert person.username in printed
        assert Client().login(username=person.username, password="holdfast")


def check_story() -> None:
    """The launch has a past, and something new for Bob; Charlie does not know the leads."""
    times = list(
        Message.objects.filter(room__slug="launch")
        .order_by("number")
        .values_list("created_at", flat=True)
    )
    assert times == sorted(times)
    assert (times[-1] - times[0]).days >= 1
    bob = Membership.objects.get(room__slug="launch", user__username="bob")
    assert Room.objects.get(slug="launch").last_number - bob.read_number == 3
    assert not Membership.objects.filter(room__slug="leads", user__username="charlie").exists()


def check_inboxes() -> None:
    """They are in order, and only what is new is unread."""
    times = list(
        Notification.objects.filter(user__username="bob")
        .order_by("pk")
        .values_list("created_at", flat=True)
    )
    assert times == sorted(times)
    unread = Notification.objects.filter(user__username="bob", read_at=None)
    assert sorted(sentences_of(unread)) == [
        "Alice Moreau mentioned you in Launch",
        "Alice Moreau wrote to you",
    ]


@pytest.mark.usefixtures("debug")
def test_a_second_run_leaves_alone_what_people_did_with_the_demo() -> None:
    demo()
    message = Message.objects.exclude(reactions={}).earliest("pk")
    Message.objects.filter(pk=message.pk).update(reactions={})
    demo()
    message.refresh_from_db()
    assert message.reactions == {}
