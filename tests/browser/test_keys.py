"""Keys as keyboards, browsers and input methods send them: compositions, layouts, touch screens."""

import pytest
from playwright.sync_api import Locator, Page, expect

from chat import services
from chat.models import Message, Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message, sent
from tests.conftest import People

PHONE = {"width": 390, "height": 780}
# The Enter key that ends a composition, as browsers send it.
ENDS_COMPOSITION = {
    "Chrome and Firefox": {"key": "Enter", "isComposing": True, "keyCode": 229},
    "Safari": {"key": "Enter", "isComposing": False, "keyCode": 229},
}
PRESS = """(element, init) => element.dispatchEvent(
  new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...init }))"""


def composer(page: Page) -> Locator:
    return page.get_by_label("Message", exact=True)


@pytest.fixture
def page(open_page: OpenPage, people: People, lab: Room) -> Page:
    services.create_room(actor_id=people.alice.pk, name="Garden")
    found = open_page(people.alice, "/rooms/lab/")
    connected(found)
    return found


@pytest.mark.parametrize("browser_name", ENDS_COMPOSITION)
def test_the_enter_key_of_a_composition_sends_nothing(page: Page, browser_name: str) -> None:
    ends = ENDS_COMPOSITION[browser_name]
    composer(page).fill("にほん")
    not_taken = composer(page).evaluate(PRESS, ends)
    assert not_taken
    expect(composer(page)).to_have_value("にほん")
    composer(page).press("Enter")
    sent(page, "にほん")


@pytest.mark.parametrize("browser_name", ENDS_COMPOSITION)
def test_the_enter_key_of_a_composition_chooses_nothing(page: Page, browser_name: str) -> None:
    ends = ENDS_COMPOSITION[browser_name]
    composer(page).press_sequentially("#gar")
    expect(page.get_by_role("option", name="Garden")).to_be_visible()
    composer(page).evaluate(PRESS, ends)
    expect(composer(page)).to_have_value("#gar")
    composer(page).fill("")
    page.keyboard.press("Control+k")
    switcher = page.get_by_role("combobox", name="Name of a room, person or page")
    switcher.fill("gar")
    expect(page.get_by_role("option", name="Garden")).to_be_visible()
    switcher.evaluate(PRESS, ends)
    expect(page.get_by_role("heading", level=1, name="Lab")).to_be_visible()
    expect(switcher).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Insert emoji").click()
    emoji = page.get_by_role("searchbox", name="Search emoji")
    emoji.fill("sailboat")
    expect(page.get_by_role("dialog").get_by_role("button", name="⛵")).to_be_visible()
    emoji.evaluate(PRESS, ends)
    expect(emoji).to_be_visible()


@pytest.mark.parametrize(("key", "code"), [("и", "KeyB"), ("لا", "KeyB"), ("B", "KeyB")])
def test_shortcuts_work_on_every_layout_and_under_caps_lock(
    page: Page, key: str, code: str
) -> None:
    composer(page).fill("tide")
    composer(page).select_text()
    composer(page).evaluate(PRESS, {"key": key, "code": code, "ctrlKey": True})
    expect(composer(page)).to_have_value("**tide**")


def test_control_and_enter_send_too(page: Page) -> None:
    composer(page).fill("At once")
    composer(page).press("Control+Enter")
    sent(page, "At once")


def test_on_a_phone_enter_makes_a_line_and_the_button_sends(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.bob, "/rooms/lab/", viewport=PHONE, has_touch=True, is_mobile=True)
    connected(page)
    expect(composer(page)).to_have_attribute("enterkeyhint", "enter")
    composer(page).press_sequentially("first")
    composer(page).press("Enter")
    composer(page).press_sequentially("second")
    expect(composer(page)).to_have_value("first\nsecond")
    page.get_by_role("button", name="Send").tap()
    sent(page, "second")
    assert Message.objects.get().body == "first\nsecond"


def test_a_completion_makes_no_second_blank(page: Page) -> None:
    composer(page).fill("x  y")
    composer(page).evaluate("element => element.setSelectionRange(2, 2)")
    composer(page).press_sequentially(":tada:")
    expect(composer(page)).to_have_value("x 🎉 y")


def test_enter_on_a_message_opens_all_its_actions(page: Page, people: People, lab: Room) -> None:
    services.post_message(author_id=people.bob.pk, room_id=lab.pk, body="Low tide")
    message(page, "Low tide").focus()
    page.keyboard.press("Enter")
    menu = page.get_by_role("menu", name="Message actions")
    expect(menu.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(message(page, "Low tide")).to_be_focused()
