"""A page whose scripts are still on their way: it shows what works, and loses nothing."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from django.conf import settings
from playwright.sync_api import Error, Locator, Page, Route, expect

from chat import services
from chat.models import Message, Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import bodies, connected, sent
from tests.conftest import People

MAIN = re.compile(r"/static/(?:chat|bundle)/main[.-]")


@contextmanager
def without_scripts(page: Page, path: str) -> Iterator[None]:
    """Open a page whose script comes at the end of the block."""
    held: list[Route] = []
    page.route(MAIN, lambda route: held.append(route))
    page.goto(path, wait_until="commit")
    yield
    page.unroute(MAIN)
    for route in held:
        with suppress(Error):  # of a page that was reloaded
            route.continue_()


def field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message", exact=True)


def waiting(page: Page) -> Locator:
    return page.locator(".composer__early li")


def write(page: Page, text: str) -> None:
    field(page).fill(text)
    expect(page.get_by_role("button", name="Send")).to_be_enabled()
    field(page).press("Enter")
    expect(field(page)).to_have_value("")


def test_messages_sent_too_early_are_sent_once_and_in_order(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.alice, "/accounts/")
    with without_scripts(page, "/rooms/lab/"):
        write(page, "First")
        write(page, "Second\n")
        expect(waiting(page)).to_have_text(["First", "Second"])
        field(page).fill("Not sent")
        assert not Message.objects.exists()
    sent(page, "Second")
    expect(bodies(page)).to_have_text(["First", "Second"])
    expect(waiting(page)).to_have_count(0)
    expect(field(page)).to_have_value("Not sent")
    assert [message.body for message in Message.objects.order_by("number")] == ["First", "Second"]


def test_a_reload_before_the_scripts_have_come_loses_nothing(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.alice, "/accounts/")
    with without_scripts(page, "/rooms/lab/"):
        write(page, "First")
        expect(waiting(page)).to_have_text(["First"])
        page.reload(wait_until="commit")
        expect(waiting(page)).to_have_text(["First"])
    sent(page, "First")
    page.reload()
    connected(page)
    expect(bodies(page)).to_have_text(["First"])


def test_a_message_that_may_not_be_sent_is_in_the_field_again(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.bob, "/accounts/")
    text = "a" * (settings.HOLDFAST_MESSAGE_MAX_LENGTH + 1)
    with without_scripts(page, "/rooms/lab/"):
        write(page, text)
    expect(field(page)).to_have_value(text)
    expect(waiting(page)).to_have_count(0)


@pytest.mark.parametrize("locale", ["en-US", "en-GB", "de", "ar-EG"])
def test_times_do_not_change_when_the_scripts_have_come(
    open_page: OpenPage, people: People, lab: Room, locale: str
) -> None:
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="Low tide")
    # Any page notes the clock of its reader, and nobody sees a room before signing in.
    page = open_page(people.bob, "/accounts/", locale=locale, timezone_id="America/New_York")
    with without_scripts(page, "/rooms/lab/"):
        time = page.locator(".timeline .message__time")
        before = time.inner_text()
        assert re.search(r"\d:\d\d", before)
    expect(page.locator('[data-state="live"]')).to_be_visible()
    assert time.inner_text() == before


def test_a_button_that_was_pressed_too_early_acts_once_it_can(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.alice, "/accounts/")
    with without_scripts(page, "/rooms/lab/"):
        expect(page.locator('[data-state="early"]')).to_be_visible()
        page.get_by_role("button", name="Room actions").click()
        expect(page.get_by_role("menu")).to_have_count(0)
    expect(page.get_by_role("menu").first).to_be_visible()
    expect(page.locator("[data-loading], [data-asked]")).to_have_count(0)


def test_a_room_where_nobody_may_write_invites_nobody_before_its_scripts_have_come(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.change_room(actor_id=people.alice.pk, room_id=lab.pk, read_only=True)
    page = open_page(people.bob, "/accounts/")
    with without_scripts(page, "/rooms/lab/"):
        expect(page.get_by_role("heading", name="Lab").first).to_be_visible()
        expect(field(page)).to_be_hidden()
    expect(page.locator('[data-slot="notice"]')).to_contain_text("Only owners and moderators")
