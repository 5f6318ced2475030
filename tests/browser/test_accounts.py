"""Signing up, in and out, and the password."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from chat.models import Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, say, sent
from tests.conftest import PASSWORD, People
from tests.support.server import Node, Nodes


@pytest.mark.usefixtures("node")
def test_a_newcomer_signs_up_and_finds_the_rooms(open_page: OpenPage, people: People) -> None:
    page = open_page(None, "/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Username").fill("dora")
    page.get_by_label("First name").fill("Dora")
    page.get_by_label("Password", exact=True).fill("a long enough phrase")
    page.get_by_label("Password confirmation").fill("a long enough phrase")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Rooms", exact=True).first).to_be_visible()
    assert User.objects.get(username="dora").first_name == "Dora"


def test_a_bad_sign_up_says_what_is_wrong(open_page: OpenPage, people: People) -> None:
    page = open_page(None, "/accounts/signup/", expected="status of 400")
    page.get_by_label("Username").fill("bob")
    page.get_by_label("Password", exact=True).fill("12345678")
    page.get_by_label("Password confirmation").fill("12345678")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("A user with that username already exists.")).to_be_visible()
    expect(page.get_by_text("It must contain at least 15 characters.")).to_be_visible()
    expect(page.get_by_text("Others use this password, or one like it")).to_be_visible()
    expect(page.get_by_label("Username")).to_have_attribute("aria-invalid", "true")


def test_signing_up_can_be_switched_off(nodes: Nodes, people: People, open_page: OpenPage) -> None:
    page = open_page(
        None, "/accounts/login/", at=nodes.start(HOLDFAST_SIGNUP="false"), expected="status of 403"
    )
    expect(page.get_by_role("link", name="Create an account")).to_have_count(0)
    page.goto("/accounts/signup/")
    expect(page.get_by_role("heading", name="Sign-up is closed")).to_be_visible()


def test_signing_in_and_out(open_page: OpenPage, people: People, node: Node) -> None:
    # A request that is on its way when she signs out gets a 401.
    page = open_page(None, "/inbox/", expected="status of 401")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text(
        "Please enter a correct username and password"
    )
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/inbox/")
    page.get_by_role("link", name="Alice").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/inbox/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_new_password_keeps_this_session_and_ends_the_others(
    open_page: OpenPage, people: People
) -> None:
    here, elsewhere = (
        open_page(people.alice, "/accounts/password_change/"),
        open_page(people.alice, "/inbox/", expected="401"),
    )
    here.get_by_label("Old password").fill(PASSWORD)
    here.get_by_label("New password", exact=True).fill("quite another phrase")
    here.get_by_label("New password confirmation").fill("quite another phrase")
    here.get_by_role("button", name="Change password").click()
    expect(here.get_by_text("Your password has been changed.")).to_be_visible()
    expect(elsewhere.locator("#main").get_by_text("You've been signed out.")).to_be_visible()
    here.goto("/inbox/")
    expect(here.get_by_role("heading", name="Inbox")).to_be_visible()


def test_a_new_password_does_not_sign_the_other_tabs_out(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    # Of a question that came before the new key.
    room = open_page(people.alice, "/rooms/lab/", expected="status of 401")
    connected(room)
    sockets: list[str] = []
    room.on("websocket", lambda socket: sockets.append(socket.url))
    form = room.context.new_page()
    form.goto("/accounts/password_change/")
    form.get_by_label("Old password").fill(PASSWORD)
    form.get_by_label("New password", exact=True).fill("quite another phrase")
    form.get_by_label("New password confirmation").fill("quite another phrase")
    with room.expect_websocket():  # the old one ends with the old key
        form.get_by_role("button", name="Change password").click()
    expect(form.get_by_text("Your password has been changed.")).to_be_visible()
    expect(room.locator("html")).to_have_attribute("data-connection", "open")
    room.wait_for_function("() => !document.body.innerText.includes('signed out')")
    say(room, "Still here")
    sent(room, "Still here")
    assert len(sockets) == 1


def test_who_was_signed_out_comes_back_to_the_same_page(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.alice, "/inbox/", expected="status of 401")
    connected(page)
    other = page.context.new_page()
    other.goto("/accounts/")
    other.get_by_role("button", name="Sign out").click()
    expect(page.locator("#main").get_by_text("You've been signed out.")).to_be_visible()
    page.locator(".connection").get_by_role("link", name="Sign in").click()
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/inbox/")
