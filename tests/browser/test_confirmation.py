"""Asked for the password again in a browser: nothing that was typed or open is lost."""

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from chat.models import Room
from realtime.auth import session_ends
from realtime.models import UserSession
from tests.browser.conftest import OpenPage, sign_in
from tests.browser.screen import connected, say, sent
from tests.conftest import PASSWORD, People
from tests.support.server import Node


def long_ago() -> None:
    """Let the time since the last password pass, before the server has a copy of the session."""
    for row in Session.objects.all():
        data = row.get_decoded()
        data[session_ends.CONFIRMED] -= 16 * 60
        Session.objects.filter(pk=row.pk).update(session_data=SessionStore().encode(data))


def confirm(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Continue").click()


def test_ending_the_other_sessions_asks_and_goes_on_where_one_was(
    open_page: OpenPage, people: People, lab: Room, node: Node
) -> None:
    elsewhere = open_page(people.alice, "/accounts/", expected="status of 40[13]")
    # Of a question that came before the new key, and of the page that asks.
    room = open_page(None, "/accounts/login/", expected="status of 40[13]")
    sign_in(room.context, people.alice, node.origin)
    long_ago()
    room.goto("/rooms/lab/")
    connected(room)
    room.locator(".composer").get_by_role("textbox").fill("A draft that stays")
    page = room.context.new_page()
    page.goto("/accounts/sessions/")
    expect(page.get_by_text("This browser")).to_be_visible()
    page.get_by_role("button", name="Sign out all other browsers").click()
    expect(page.get_by_role("heading", name="Confirm it's you")).to_be_visible()
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    confirm(page, "not the one")
    expect(page.get_by_text("That isn't your password. Try again.")).to_be_visible()
    with room.expect_websocket():  # the old one ends with the old key
        confirm(page)
    expect(page.get_by_text("1 other browser has been signed out.")).to_be_visible()
    assert UserSession.objects.filter(user=people.alice).count() == 1
    elsewhere.reload()
    expect(elsewhere.get_by_role("heading", name="Sign in")).to_be_visible()
    connected(room)
    room.wait_for_function("() => !document.body.innerText.includes('signed out')")
    expect(room.locator(".composer").get_by_role("textbox")).to_have_value("A draft that stays")
    say(room, "Still here")
    sent(room, "Still here")
