"""Holdfast with a finger: the actions of a message, who reacted, and the unread messages."""

import re

import pytest
from playwright.sync_api import Page, expect

from chat import services
from chat.models import Message, Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message
from tests.conftest import People

PHONE = {"width": 360, "height": 780}


@pytest.fixture
def page(open_page: OpenPage, people: People, lab: Room) -> Page:
    first = services.post_message(author_id=people.bob.pk, room_id=lab.pk, body="Low tide").message
    for user in (people.alice, people.bob):
        services.react(actor_id=user.pk, message_id=first.pk, emoji="👍", on=True)
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="tall\n" * 60)
    found = open_page(people.alice, "/rooms/lab/", viewport=PHONE, has_touch=True, is_mobile=True)
    connected(found)
    return found


def test_a_tap_opens_the_actions_of_a_message_as_a_sheet(page: Page) -> None:
    body = message(page, "Low tide").locator(".message__body")
    body.tap()
    sheet = page.get_by_role("menu", name="Message actions")
    expect(sheet.get_by_role("menuitem", name="Reply")).to_be_visible()
    box = sheet.bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, PHONE["width"])
    assert round(box["y"] + box["height"]) == PHONE["height"]
    for item in sheet.get_by_role("menuitem").all():
        size = item.bounding_box()
        assert size is not None
        assert size["height"] >= 44
    expect(page.get_by_role("toolbar")).to_have_count(0)
    sheet.get_by_role("menuitem", name="Reply").tap()
    expect(page.get_by_text("Replying to Bob")).to_be_visible()


def test_a_message_taller_than_the_screen_has_its_actions(page: Page) -> None:
    page.touchscreen.tap(180, 300)
    sheet = page.get_by_role("menu", name="Message actions")
    sheet.get_by_role("menuitem", name="Delete").tap()
    page.get_by_role("dialog").get_by_role("button", name="Delete").tap()
    expect(page.locator(".message--deleted")).to_have_count(1)


def test_a_tap_beside_the_sheet_closes_it_and_opens_no_other(page: Page) -> None:
    message(page, "Low tide").locator(".message__body").tap()
    sheet = page.get_by_role("menu", name="Message actions")
    expect(sheet).to_be_visible()
    message(page, "Low tide").locator(".message__head").tap()
    expect(sheet).to_be_hidden()


def test_who_reacted_is_in_the_sheet(page: Page) -> None:
    message(page, "Low tide").locator(".message__body").tap()
    page.get_by_role("menuitem", name="Show who reacted").tap()
    dialog = page.get_by_role("dialog", name="Reactions")
    expect(dialog.get_by_role("listitem")).to_have_text(re.compile("👍(You and Bob|Bob and You)"))
    dialog.get_by_role("button", name="Close").tap()
    expect(dialog).to_be_hidden()


def test_a_long_press_on_a_reaction_shows_who_reacted_and_changes_nothing(
    page: Page, people: People
) -> None:
    reaction = message(page, "Low tide").locator(".reaction")
    reaction.scroll_into_view_if_needed()
    box = reaction.bounding_box()
    assert box is not None
    finger = page.context.new_cdp_session(page)
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at]})
    expect(page.get_by_role("dialog", name="Reactions")).to_be_visible()
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.get_by_role("dialog").get_by_role("button", name="Close").tap()
    expect(reaction).to_have_attribute("aria-pressed", "true")
    assert Message.objects.get(number=1).reactions == {"👍": [people.alice.pk, people.bob.pk]}


def test_the_menu_button_counts_what_is_unread(page: Page, people: People, lab: Room) -> None:
    garden = services.create_room(actor_id=people.bob.pk, name="Garden").room
    services.join(actor_id=people.alice.pk, room_id=garden.pk)
    services.post_message(author_id=people.bob.pk, room_id=garden.pk, body="Roses")
    button = page.get_by_role("link", name="Rooms and inbox 1 unread message")
    expect(button).to_be_visible()
    expect(page.locator("[data-menu-badge]")).to_have_attribute("data-loud", "false")
    services.post_message(author_id=people.bob.pk, room_id=garden.pk, body="@alice, look")
    expect(page.locator("[data-menu-badge]")).to_have_attribute("data-loud", "true")
    # In every view.
    page.goto("/inbox/")
    expect(page.get_by_role("link", name="Rooms and inbox 2 unread messages")).to_be_visible()


def test_the_page_says_how_to_install_the_app(page: Page) -> None:
    page.goto("/accounts/")
    page.get_by_role("link", name="Install the app").tap()
    expect(page.get_by_role("heading", name="iPhone and iPad")).to_be_visible()
    page.wait_for_load_state()  # as a browser does before it offers this
    page.evaluate(
        """() => {
          const event = new Event('beforeinstallprompt', { cancelable: true });
          event.prompt = () => dispatchEvent(new Event('appinstalled'));
          dispatchEvent(event);
        }"""
    )
    page.get_by_role("button", name="Install").tap()
    expect(page.get_by_text("The app is installed.")).to_be_visible()
