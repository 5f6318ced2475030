"""Moderation in a browser: Mona signs in and decides, and the people concerned see it at once."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from chat import services
from chat.models import Report, Room
from chat.services.moderation.moderators import appoint_moderator
from tests.admin.rows import make_rows
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message, press
from tests.conftest import PASSWORD, People, make_user

PAGES = [
    "room",
    "membership",
    "message",
    "removedtext",
    "report",
    "moderationlog",
    "siteban",
    "filter",
    "person",
]


@pytest.fixture
def mona(transactional_db: None) -> User:
    user = make_user("mona")
    appoint_moderator(username="mona")
    return user


@pytest.fixture
def report(people: People, lab: Room) -> Report:
    posted = services.post_message(
        author_id=people.bob.pk, room_id=lab.pk, body="Buy my watches"
    ).message
    return services.report(
        actor_id=people.alice.pk, message_id=posted.pk, category="spam", note="again"
    )


def test_mona_signs_in_and_decides_about_what_waits(
    open_page: OpenPage, people: People, mona: User, report: Report
) -> None:
    bob = open_page(people.bob, "/rooms/lab/")
    connected(bob)
    page = open_page(None, "/admin/")
    page.get_by_label("Username").fill("mona")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Buy my watches").click()
    expect(page.get_by_text("again")).to_be_visible()
    page.get_by_role("button", name="Remove message").click()
    expect(page.get_by_text("Message removed.")).to_be_visible()
    expect(message(bob, "This message was deleted.")).to_be_visible()
    page.goto("/admin/")
    expect(page.get_by_text("No open reports")).to_be_visible()


def test_mona_deletes_what_she_ticks_and_takes_it_back(
    open_page: OpenPage, people: People, mona: User, report: Report
) -> None:
    bob = open_page(people.bob, "/rooms/lab/")
    page = open_page(mona, "/admin/chat/message/")
    page.get_by_role("checkbox", name=re.compile("message")).check()
    expect(page.get_by_text("1 of 1 selected")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_label("Reason").fill("Advertising")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("1 message deleted.")).to_be_visible()
    expect(message(bob, "This message was deleted.")).to_be_visible()
    page.get_by_role("link", name="Undo").click()
    page.get_by_role("button", name="Restore").click()
    expect(message(bob, "Buy my watches")).to_be_visible()


def test_a_ban_from_the_site_is_shown_and_ends_the_session(
    open_page: OpenPage, people: People, mona: User, report: Report
) -> None:
    bob = open_page(people.bob, "/rooms/lab/", expected="status of 403")
    connected(bob)
    page = open_page(mona, f"/admin/chat/report/{report.pk}/change/")
    page.get_by_role("link", name="Ban from site").click()
    page.get_by_label("Reason").fill("Threats")
    page.get_by_role("button", name="Ban from site").click()
    expect(page.get_by_text("1 person banned from the site.")).to_be_visible()
    expect(bob.get_by_text(re.compile("banned", re.IGNORECASE)).first).to_be_visible()


def test_mona_decides_by_keys_and_the_next_case_opens(
    open_page: OpenPage, people: People, mona: User, report: Report
) -> None:
    second = services.post_message(
        author_id=people.bob.pk, room_id=report.message.room_id, body="Buy my boats"
    ).message
    services.report(actor_id=people.alice.pk, message_id=second.pk, category="spam")
    bob = open_page(people.bob, "/rooms/lab/")
    page = open_page(mona, "/admin/")
    press(page, "n")
    expect(page.locator(".reported").get_by_text("Buy my watches")).to_be_visible()
    press(page, "?")
    expect(
        page.get_by_role("dialog", name="Keyboard shortcuts").get_by_text("Keep message")
    ).to_be_visible()
    press(page, "Escape")
    press(page, "a")
    expect(page.get_by_text("Assigned to mona")).to_be_visible()
    press(page, "h")
    expect(message(bob, "Hidden until a moderator has reviewed it.")).to_be_visible()
    expect(page.get_by_text("Hidden from others")).to_be_visible()
    press(page, "k")
    expect(page.get_by_text("Message kept.")).to_be_visible()
    expect(message(bob, "Buy my watches")).to_be_visible()
    expect(page.locator(".reported").get_by_text("Buy my boats")).to_be_visible()
    press(page, "e")
    page.keyboard.type("Advertising, k?")
    press(page, "Escape")
    press(page, "r")
    expect(page.get_by_text("Message removed.")).to_be_visible()
    expect(page).to_have_url(re.compile("/admin/chat/report/$"))
    expect(message(bob, "This message was deleted.")).to_be_visible()


def test_an_announcement_is_seen_before_it_is_sent(
    open_page: OpenPage, transactional_db: None
) -> None:
    root = User.objects.create_superuser("root", password=PASSWORD)
    page = open_page(root, "/admin/notifications/announcement/add/")
    page.get_by_label("Text").fill("Maintenance at six")
    page.get_by_label("Level").select_option("warning")
    expect(
        page.locator('.preview [data-level="warning"]').get_by_text("Maintenance at six")
    ).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_the_desk_breaks_the_policy_or_its_scripts(
    open_page: OpenPage, mona: User, scheme: str
) -> None:
    """``open_page`` fails a test at the first line of the console that is an error."""
    make_rows(0, 60)
    page = open_page(mona, "/admin/", color_scheme=scheme)
    for model in PAGES:
        page.goto(f"/admin/chat/{model}/")
        expect(page.locator("#result_list")).to_be_visible()
        page.get_by_role("link", name="Next").click()
        page.locator("#result_list tbody th a").first.click()
        expect(page.locator("#content-main")).to_be_visible()
    page.goto("/admin/chat/filter/add/")
    page.get_by_label("Text").fill("pills")
    page.get_by_role("button", name="Save without turning on").click()
    expect(page.get_by_text("Filter saved.")).to_be_visible()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "auth/user/",
        "auth/user/add/",
        "auth/group/",
        "password_change/",
        "notifications/announcement/add/",
    ],
)
def test_no_page_of_a_superuser_does_either(
    open_page: OpenPage, transactional_db: None, path: str
) -> None:
    root = User.objects.create_superuser("root", password=PASSWORD)
    page = open_page(root, f"/admin/{path}")
    expect(page.locator("#content")).to_be_visible()
