"""Holdfast by keyboard alone: few stops of the Tab key, F6 between regions, focus after dialogs."""

import pytest
from playwright.sync_api import Page, expect

from chat import services
from chat.models import Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message, place
from tests.conftest import People

STOPS_BEFORE_THE_COMPOSER = 3  # the room's header, the pager and the timeline
STOPS_OF_THE_PAGE = 20
REGION = """() => ['#sidebar', '.bar', '.timeline', '.composer', '.panel']
  .find((region) => document.querySelector(region)?.contains(document.activeElement))"""


@pytest.fixture
def page(open_page: OpenPage, people: People, lab: Room) -> Page:
    for number in range(5):
        posted = services.post_message(
            author_id=people.bob.pk,
            room_id=lab.pk,
            body=f"Line {number}. https://example.org #lab",
        ).message
        services.react(actor_id=people.bob.pk, message_id=posted.pk, emoji="👍", on=True)
    for number in range(12):
        services.create_room(actor_id=people.alice.pk, name=f"Room {number}")
    found = open_page(people.alice, "/rooms/lab/")
    connected(found)
    expect(found.get_by_role("textbox", name="Message", exact=True)).to_be_focused()
    return found


def stops_until(page: Page, region: str, key: str) -> int:
    """Return how often the key is pressed until the focus is in the region."""
    for count in range(1, STOPS_OF_THE_PAGE + 1):
        page.keyboard.press(key)
        if page.evaluate(REGION) == region:
            return count
    raise AssertionError(f"expected {region} within {STOPS_OF_THE_PAGE} stops")


def test_timeline_header_and_sidebar_are_one_stop_each(page: Page) -> None:
    assert stops_until(page, ".timeline", "Shift+Tab") == 1
    expect(message(page, "Line 4.")).to_be_focused()
    assert stops_until(page, ".bar", "Shift+Tab") <= STOPS_BEFORE_THE_COMPOSER
    expect(page.get_by_role("button", name="Members")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="Room actions")).to_be_focused()
    assert stops_until(page, "#sidebar", "Shift+Tab") == 1
    page.keyboard.press("Shift+Tab")
    expect(place(page, "Lab")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(place(page, "Room 0")).to_be_focused()


def test_the_tab_key_reaches_what_is_in_the_message_that_has_the_focus(page: Page) -> None:
    message(page, "Line 4.").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.message') !== null")
    message(page, "Line 3.").focus()
    assert message(page, "Line 4.").locator("[tabindex='0']").count() == 0


def test_f6_goes_through_the_regions_in_both_directions(page: Page) -> None:
    forwards = []
    for _ in range(4):
        page.keyboard.press("F6")
        forwards.append(page.evaluate(REGION))
    assert forwards == ["#sidebar", ".bar", ".timeline", ".composer"]
    page.keyboard.press("Shift+F6")
    assert page.evaluate(REGION) == ".timeline"


def test_the_focus_goes_on_in_the_room_that_was_created(page: Page) -> None:
    page.get_by_role("link", name="Create a room").click()
    dialog = page.get_by_role("dialog", name="New room")
    dialog.get_by_label("Name").fill("Harbour")
    dialog.get_by_role("button", name="Create room").click()
    expect(page.get_by_role("heading", level=1, name="Harbour")).to_be_visible()
    expect(page.get_by_role("textbox", name="Message", exact=True)).to_be_focused()


def test_the_focus_goes_on_in_a_new_direct_conversation(page: Page) -> None:
    page.get_by_role("button", name="Start a direct message").click()
    dialog = page.get_by_role("dialog", name="New direct message")
    dialog.get_by_label("Name").fill("bob")
    dialog.get_by_role("button", name="Bob").click()
    dialog.get_by_role("button", name="Start conversation").click()
    expect(page.get_by_role("heading", level=1, name="Bob")).to_be_visible()
    expect(page.get_by_role("textbox", name="Message", exact=True)).to_be_focused()


def test_the_sidebar_scrolls_to_the_room_that_is_open(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    rooms = [
        services.create_room(actor_id=people.alice.pk, name=f"Room {number:02}").room
        for number in range(40)
    ]
    page = open_page(people.alice, f"/rooms/{rooms[35].slug}/")
    connected(page)
    expect(place(page, "Room 35")).to_be_in_viewport()
    page.keyboard.press("Control+k")
    page.keyboard.type("Room 01")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Room 01")).to_be_visible()
    expect(place(page, "Room 01")).to_be_in_viewport()


def test_a_button_leads_to_an_unread_room_out_of_sight(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    rooms = [
        services.create_room(actor_id=people.alice.pk, name=f"Room {number:02}").room
        for number in range(40)
    ]
    services.join(actor_id=people.bob.pk, room_id=rooms[38].pk)
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    pill = page.get_by_role("button", name="Unread messages below")
    expect(pill).to_be_hidden()
    services.post_message(author_id=people.bob.pk, room_id=rooms[38].pk, body="Hello")
    pill.click()
    expect(place(page, "Room 38")).to_be_in_viewport()
    expect(place(page, "Room 38")).to_be_focused()
    expect(pill).to_be_hidden()
