"""Enough reports by trusted people hide a message until a moderator has decided."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat import services
from chat.models import Case, Membership, Message, ModerationLog, Room
from chat.moderation import traces
from chat.queries import queue
from chat.services import traces as stored
from tests.chat.conftest import Say
from tests.conftest import make_user
from tests.support.replay import Verify


@pytest.fixture(autouse=True)
def three_are_enough(settings: Any) -> None:
    settings.HOLDFAST_HIDE_AFTER_REPORTS = 3
    settings.HOLDFAST_HIDE_REPORTER_DAYS = 7


@pytest.fixture
def message(general: Room, bob: User, say: Say) -> Message:
    return say(bob, general, "something vile")


def crowd(number: int, *, days: int = 8, name: str = "member") -> list[User]:
    users = [make_user(f"{name}{each}") for each in range(number)]
    joined = timezone.now() - timedelta(days=days)
    User.objects.filter(pk__in=[user.pk for user in users]).update(date_joined=joined)
    return users


def report(message: Message, *users: User, category: str = "spam") -> None:
    for user in users:
        services.report(actor_id=user.pk, message_id=message.pk, category=category)


def is_hidden(message: Message) -> bool:
    return Message.objects.get(pk=message.pk).is_hidden


def test_the_message_is_hidden_as_a_moderator_would_hide_it(
    verify: Verify, message: Message, mona: User
) -> None:
    *first, last = crowd(3)
    report(message, *first)
    assert not is_hidden(message)
    with verify():
        report(message, last)
    found = Message.objects.get()
    assert (found.body, found.is_hidden) == ("", True)
    entry = ModerationLog.objects.get(action="hide")
    assert entry.details == {"reports": 3}
    services.decide(actor_id=mona.pk, message_id=message.pk, status="dismissed")
    assert Message.objects.get().body == "something vile"


def test_its_case_comes_before_others_of_its_category(
    general: Room, message: Message, alice: User, mona: User, say: Say
) -> None:
    report(say(alice, general, "an insult"), *crowd(1, name="other"), category="abuse")
    report(message, *crowd(3))
    first = queue.open_cases(mona.pk).order_by("-urgency").first()
    assert first is not None
    assert first.message_id == message.pk


def test_fresh_accounts_hide_nobodys_message(message: Message) -> None:
    report(message, *crowd(10, days=6), *crowd(2, name="old"))
    assert not is_hidden(message)


def test_neither_do_abusive_reporters_banned_people_or_one_person_with_many_accounts(
    message: Message, general: Room, alice: User, mona: User, say: Say, settings: Any
) -> None:
    settings.HOLDFAST_ABUSIVE_REPORTS = 1
    abusive, banned, one, two, three = crowd(5)
    before = say(alice, general, "harmless")
    report(before, abusive)
    services.decide(actor_id=mona.pk, message_id=before.pk, status="dismissed", is_abusive=True)
    report(message, abusive, banned)
    services.site_ban(actor_id=mona.pk, user_id=banned.pk, reason="brigade")
    for user in (one, two, three):
        stored.note(traces.of_device(user.pk, "the same browser"))
    report(message, one, two, three)
    assert not is_hidden(message)
    report(message, *crowd(2, name="other"))
    assert is_hidden(message)


@pytest.mark.parametrize("role", ["room", "site"])
def test_a_message_of_a_moderator_stays(
    message: Message, general: Room, bob: User, mona: User, role: str
) -> None:
    if role == "room":
        Membership.objects.filter(room=general, user=bob).update(role="moderator")
    else:
        bob.groups.set(mona.groups.all())
    report(message, *crowd(5))
    assert not is_hidden(message)


def test_a_text_that_a_moderator_kept_stays_until_it_is_changed(
    message: Message, bob: User, mona: User
) -> None:
    report(message, *crowd(3))
    services.decide(actor_id=mona.pk, message_id=message.pk, status="dismissed")
    report(message, *crowd(3, name="brigade"))
    assert not is_hidden(message)
    services.decide(actor_id=mona.pk, message_id=message.pk, status="dismissed")
    services.edit_message(actor_id=bob.pk, message_id=message.pk, body="something worse")
    report(message, *crowd(3, name="third"))
    assert is_hidden(message)


def test_a_moderator_who_shows_it_again_is_not_overruled(message: Message, mona: User) -> None:
    report(message, *crowd(3))
    services.show_message(actor_id=mona.pk, message_id=message.pk)
    report(message, *crowd(3, name="more"))
    assert not is_hidden(message)
    assert Case.objects.get().is_open


def test_a_site_can_switch_it_off(message: Message, settings: Any) -> None:
    settings.HOLDFAST_HIDE_AFTER_REPORTS = 0
    report(message, *crowd(4))
    assert not is_hidden(message)
