"""The pages of the notification settings and of the inbox, as the server renders them."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat import services
from chat.models import Room
from chat.pages import notification_settings
from notifications.models import Preferences
from tests.chat.conftest import Say, membership

PATH = "/account/notifications/"


@pytest.fixture
def browser(bob: User) -> Client:
    """Bob, signed in."""
    client = Client()
    client.force_login(bob)
    return client


def test_what_is_not_ticked_is_off(browser: Client, bob: User) -> None:
    ticked = {"form": "kinds", "inbox": ["mention", "direct"], "desktop": ["mention", "broadcast"]}
    assert browser.post(PATH, ticked).status_code == 302
    chosen = Preferences.objects.get(user=bob)
    # Moderation and broadcasts cannot be.
    assert chosen.inbox_off == ["invitation", "message", "reaction", "reply", "room"]
    assert chosen.desktop_off == [
        "direct",
        "invitation",
        "message",
        "moderation",
        "reaction",
        "reply",
        "room",
    ]
    assert chosen.quiet_from is None


@pytest.mark.parametrize(("start", "end"), [("", "07:00"), ("late", "07:00"), ("07:00", "07:00")])
def test_quiet_hours_that_make_no_sense_are_refused(browser: Client, start: str, end: str) -> None:
    answer = browser.post(
        PATH, {"form": "kinds", "quiet": "yes", "quiet_from": start, "quiet_to": end}
    )
    assert answer.status_code == 400
    assert "Quiet hours" in answer.content.decode()
    assert not Preferences.objects.exists()


def test_one_room_is_changed_and_the_others_are_left(
    browser: Client, general: Room, secret: Room, bob: User
) -> None:
    before = membership(secret, bob).seq
    browser.post(
        PATH,
        {
            "form": "rooms",
            f"room-{general.pk}": "nothing",
            f"room-{secret.pk}": "mentions",
            "room-x": "nothing",
        },
    )
    assert membership(general, bob).involvement == "nothing"
    assert membership(secret, bob).seq == before


def test_nobody_chooses_for_a_room_that_they_are_not_in(charlie: User, general: Room) -> None:
    client = Client()
    client.force_login(charlie)
    assert client.post(PATH, {"form": "rooms", f"room-{general.pk}": "nothing"}).status_code == 302
    assert not general.memberships.filter(user=charlie).exists()


def test_an_involvement_that_does_not_exist_says_so(browser: Client, general: Room) -> None:
    answer = browser.post(PATH, {"form": "rooms", f"room-{general.pk}": "loud"})
    assert answer.status_code == 400
    assert "everything, mentions, nothing" in answer.content.decode()


def test_rooms_are_found_by_name(
    browser: Client, general: Room, secret: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = browser.get(PATH, {"q": "SEC"}).content.decode()
    assert f"room-{secret.pk}" in found
    assert f"room-{general.pk}" not in found
    monkeypatch.setattr(notification_settings, "MAX_ROOMS", 1)
    assert "Not all of your rooms are shown" in browser.get(PATH).content.decode()


def test_nobody_is_shown_choices_without_signing_in(client: Client, db: None) -> None:
    assert client.get(PATH).status_code == 302


# -- the inbox -------------------------------------------------------------------------------------


def test_a_tab_that_does_not_exist_is_the_first_one(browser: Client) -> None:
    assert 'data-tab="unread"' in browser.get("/inbox/", {"tab": "spam"}).content.decode()


def test_the_page_folds_what_belongs_together(
    browser: Client, general: Room, alice: User, bob: User, say: Say
) -> None:
    services.set_involvement(actor_id=bob.pk, room_id=general.pk, involvement="everything")
    for text in ("One", "Two", "@bob three"):
        say(alice, general, text)
    page = browser.get("/inbox/").content.decode()
    assert "2 messages in General" in page
    assert page.index("Alice mentioned you in General") < page.index("2 messages in General")


def test_a_long_inbox_costs_what_a_short_one_does(
    browser: Client, general: Room, alice: User, bob: User, say: Say
) -> None:
    say(alice, general, "@bob")
    browser.get("/inbox/")
    with CaptureQueriesContext(connection) as short:
        browser.get("/inbox/")
    for _ in range(10):
        say(alice, general, "@bob")
    with CaptureQueriesContext(connection) as long:
        browser.get("/inbox/")
    assert len(long) == len(short)
