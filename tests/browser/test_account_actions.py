"""Actions on accounts in a browser: Mona signs Bob out, deactivates and reactivates his account."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from chat import services
from chat.models import ModerationLog, Room
from chat.services.moderation.moderators import appoint_moderator
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, press
from tests.conftest import PASSWORD, People, make_user

REFUSED = "status of 40[13]"  # what an open page may ask for after its session has ended


@pytest.fixture
def mona(transactional_db: None) -> User:
    user = make_user("mona")
    appoint_moderator(username="mona")
    return user


@pytest.fixture
def desk(open_page: OpenPage, mona: User, lab: Room) -> Page:
    return open_page(mona, "/admin/")


@pytest.fixture
def bob(open_page: OpenPage, people: People, lab: Room) -> Page:
    """Bob's page, which shows a room."""
    page = open_page(people.bob, "/rooms/lab/", expected=REFUSED)
    connected(page)
    return page


def do(desk: Page, user: User, act: str, *, reason: str = "") -> None:
    """Take an action on an account from the page of its person."""
    desk.goto(f"/admin/chat/person/{user.pk}/change/")
    desk.get_by_role("link", name=act, exact=True).click()
    confirm(desk, act, reason=reason)


def confirm(desk: Page, act: str, *, reason: str = "") -> None:
    """Enter the reason on the confirmation page, and confirm."""
    expect(desk.get_by_role("heading", name=act, exact=True)).to_be_visible()
    desk.get_by_label("Reason").fill(reason)
    desk.get_by_role("button", name=act, exact=True).click()
    expect(desk.locator(".messagelist .success")).to_be_visible()


def sign_in(page: Page, password: str = PASSWORD) -> None:
    """Sign in as Bob."""
    page.get_by_label("Username").fill("bob")
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def told(page: Page, words: str) -> None:
    """Wait until a room's page shows why it was disconnected."""
    expect(page.locator(".connection")).to_contain_text(words)


def entries(desk: Page, name: str) -> Locator:
    """The log entries about a person."""
    return desk.locator("#result_list tbody tr").filter(
        has=desk.get_by_role("link", name=name, exact=True)
    )


def test_signing_out_everywhere_shows_on_all_devices_and_the_user_can_sign_in_again(
    open_page: OpenPage, people: People, desk: Page, bob: Page
) -> None:
    phone = open_page(people.bob, "/rooms/lab/", expected=REFUSED)
    alice = open_page(people.alice, "/rooms/lab/")
    connected(phone)
    connected(alice)
    do(desk, people.bob, "Sign out everywhere", reason="A lost phone")
    expect(desk.get_by_text("1 person signed out everywhere.")).to_be_visible()
    told(bob, "You've been signed out.")
    told(phone, "You've been signed out.")
    bob.locator(".connection").get_by_role("link", name="Sign in").click()
    sign_in(bob)
    connected(bob)
    told(phone, "You've been signed out.")
    connected(alice)


def test_nobody_is_signed_out_without_a_reason(people: People, desk: Page, bob: Page) -> None:
    desk.goto(f"/admin/chat/person/{people.bob.pk}/change/")
    desk.get_by_role("link", name="Sign out everywhere").click()
    desk.get_by_role("button", name="Sign out everywhere").click()
    expect(desk.get_by_text("This field is required.")).to_be_visible()
    expect(bob.locator("html")).to_have_attribute("data-connection", "open")
    assert not ModerationLog.objects.filter(subject=people.bob).exists()


def test_the_log_shows_an_act_with_its_reason(people: People, desk: Page, bob: Page) -> None:
    do(desk, people.bob, "Sign out everywhere", reason="A lost phone")
    told(bob, "You've been signed out.")
    desk.goto("/admin/chat/moderationlog/")
    row = entries(desk, "bob")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("signed bob out everywhere")
    expect(row).to_contain_text("A lost phone")
    desk.get_by_role("link", name="Account deactivated", exact=True).click()
    expect(desk.get_by_text("No results")).to_be_visible()
    desk.get_by_role("link", name="Signed out everywhere", exact=True).click()
    row.get_by_role("link").first.click()
    expect(desk.get_by_role("heading", name="mona signed bob out everywhere")).to_be_visible()


def test_a_deactivated_account_says_so_on_its_page_and_at_the_sign_in(
    people: People, desk: Page, bob: Page
) -> None:
    do(desk, people.bob, "Deactivate account", reason="It was stolen")
    expect(desk.get_by_text("1 account deactivated.")).to_be_visible()
    expect(desk.get_by_role("link", name="Deactivate account")).to_have_count(0)
    expect(desk.get_by_role("link", name="Sign out everywhere")).to_have_count(0)
    told(bob, "Your account has been deactivated.")
    bob.locator(".connection").get_by_role("link", name="Sign in").click()
    sign_in(bob, "not this one")
    expect(bob.get_by_role("alert")).to_contain_text(
        "Please enter a correct username and password."
    )
    sign_in(bob)
    expect(bob.get_by_role("alert")).to_contain_text(
        "A moderator deactivated this account. Reason: It was stolen. If you think this is a "
        "mistake"
    )


def test_a_deactivation_is_taken_back_and_its_owner_reads_of_it(
    people: People, desk: Page, bob: Page
) -> None:
    do(desk, people.bob, "Deactivate account", reason="It was stolen")
    told(bob, "Your account has been deactivated.")
    desk.get_by_role("link", name="Undo").click()
    confirm(desk, "Reactivate account", reason="It is yours again")
    expect(desk.get_by_text("1 account reactivated.")).to_be_visible()
    expect(desk.get_by_role("link", name="Deactivate account")).to_be_visible()
    bob.goto("/accounts/login/?next=/inbox/")
    sign_in(bob)
    connected(bob)
    expect(bob.get_by_text("a site moderator, activated your account again")).to_be_visible()
    expect(bob.get_by_text("It is yours again")).to_be_visible()
    desk.goto("/admin/chat/moderationlog/")
    rows = entries(desk, "bob")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("mona reactivated the account of bob")
    expect(rows.last).to_contain_text("deactivated the account of bob")


def test_the_keys_of_a_case_lead_to_the_acts_on_the_account(
    open_page: OpenPage, people: People, desk: Page, lab: Room, bob: Page
) -> None:
    posted = services.post_message(
        author_id=people.bob.pk, room_id=lab.pk, body="Buy my watches"
    ).message
    services.report(actor_id=people.alice.pk, message_id=posted.pk, category="spam")
    desk.goto("/admin/chat/case/next/")
    expect(desk.get_by_role("heading", name="Report: Spam")).to_be_visible()
    press(desk, "d")
    confirm(desk, "Deactivate account", reason="Advertising only")
    expect(desk.get_by_role("heading", name="Report: Spam")).to_be_visible()
    told(bob, "Your account has been deactivated.")
