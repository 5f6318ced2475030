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
    "case",
    "moderationlog",
    "siteban",
    "filter",
    "person",
]


# Tab stops up to the first row of a list.
MOST_STOPS = 11  # among them the list, which scrolls by keyboard where it is wide


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
    expect(page.get_by_text("No open cases")).to_be_visible()


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
    page = open_page(mona, f"/admin/chat/case/{report.case_id}/change/")
    page.get_by_role("link", name="Ban from site").click()
    page.get_by_label("Reason").fill("Threats")
    page.get_by_role("button", name="Ban from site").click()
    expect(page.get_by_text("1 person banned from the site.")).to_be_visible()
    expect(bob.get_by_text(re.compile("banned", re.IGNORECASE)).first).to_be_visible()


def test_mona_decides_by_keys_and_the_next_case_opens(
    open_page: OpenPage, people: People, mona: User, lab: Room, report: Report
) -> None:
    second = services.post_message(
        author_id=people.bob.pk, room_id=lab.pk, body="Buy my boats"
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
    expect(page).to_have_url(re.compile("/admin/chat/case/$"))
    expect(message(bob, "This message was deleted.")).to_be_visible()
    press(page, "u")
    expect(page.get_by_text("Taken back. The case is open again.")).to_be_visible()
    expect(message(bob, "Buy my boats")).to_be_visible()
    expect(page.locator(".reported").get_by_text("Restored by a moderator")).to_be_visible()


def test_two_moderators_at_once_hold_different_cases(
    open_page: OpenPage, people: People, mona: User, lab: Room, report: Report
) -> None:
    make_user("omar")
    appoint_moderator(username="omar")
    for body in ("Buy my boats", "Buy my cars"):
        posted = services.post_message(author_id=people.bob.pk, room_id=lab.pk, body=body).message
        services.report(actor_id=people.alice.pk, message_id=posted.pk, category="spam")
    first = open_page(mona, "/admin/")
    second = open_page(User.objects.get(username="omar"), "/admin/")
    press(first, "n")
    expect(first.locator(".reported").get_by_text("Buy my watches")).to_be_visible()
    press(second, "n")
    expect(second.locator(".reported").get_by_text("Buy my boats")).to_be_visible()
    press(first, "r")
    expect(first.locator(".reported").get_by_text("Buy my cars")).to_be_visible()
    press(second, "n")
    expect(second).to_have_url(re.compile("/admin/chat/case/"))
    expect(second.locator(".reported").get_by_text("Buy my cars")).to_have_count(0)
    second.goto(first.url)
    expect(second.get_by_text("mona is reviewing this case")).to_be_visible()
    press(second, "r")
    expect(second.get_by_text("If you decide it now, mona is not asked.")).to_be_visible()
    second.get_by_role("button", name="Remove anyway").click()
    expect(second.get_by_text("Message removed.")).to_be_visible()


def test_keys_work_under_caps_lock_and_on_keyboards_without_latin_letters(
    open_page: OpenPage, mona: User, report: Report
) -> None:
    page = open_page(mona, "/admin/")

    def press_as(key: str, code: str) -> None:
        page.wait_for_load_state()
        page.evaluate(
            "([key, code]) => document.body.dispatchEvent("
            "new KeyboardEvent('keydown', { key, code, bubbles: true, cancelable: true }))",
            [key, code],
        )

    press_as("т", "KeyN")  # Cyrillic
    expect(page.locator(".reported").get_by_text("Buy my watches")).to_be_visible()
    press_as("A", "KeyA")  # Caps Lock
    expect(page.get_by_text("Assigned to mona")).to_be_visible()
    press_as("؟", "Slash")  # Arabic
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    press(page, "Escape")
    press_as("ك", "KeyK")
    expect(page.get_by_text("Message kept.")).to_be_visible()


def test_an_announcement_is_seen_before_it_is_sent(
    open_page: OpenPage, transactional_db: None
) -> None:
    root = User.objects.create_superuser("root", password=PASSWORD)
    page = open_page(root, "/admin/notifications/announcement/add/")
    page.locator("#id_body").fill("Maintenance at six")
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
        "notifications/announcement/add/",
    ],
)
def test_no_page_of_a_superuser_does_either(
    open_page: OpenPage, transactional_db: None, path: str
) -> None:
    root = User.objects.create_superuser("root", password=PASSWORD)
    page = open_page(root, f"/admin/{path}")
    expect(page.locator("#content")).to_be_visible()


@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_a_list_is_whole_and_near(
    open_page: OpenPage, people: People, mona: User, report: Report, language: str
) -> None:
    assert report.case_id is not None
    services.assign(actor_id=mona.pk, case_id=report.case_id)
    page = open_page(
        mona,
        "/admin/chat/case/?status=assigned",
        viewport={"width": 1280, "height": 800},
        locale=language,
    )
    results = page.locator(".results")
    assert results.evaluate("element => element.scrollWidth - element.clientWidth") == 0
    # The skip link, what acts on the list, and then its first row.
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    stops = 1
    while not page.evaluate("document.activeElement.closest('#result_list tbody') !== null"):
        page.keyboard.press("Tab")
        stops += 1
        assert stops <= MOST_STOPS


def test_filters_leave_room_for_the_list_on_a_phone(open_page: OpenPage, mona: User) -> None:
    page = open_page(mona, "/admin/chat/moderationlog/", viewport={"width": 390, "height": 780})
    box = page.locator("#changelist-filter").bounding_box()
    assert box is not None
    assert box["height"] < 150
    expect(page.locator("#changelist-filter .selected").last).to_be_in_viewport()
