"""Going anywhere by keyboard: the quick switcher, the shortcuts, and the dialog that lists them."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from chat import services
from chat.models import Membership, Room
from chat.queries.room_lists import FIRST_ROOMS
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message, place
from tests.conftest import People

PHONE = {"width": 360, "height": 640}


@pytest.fixture
def garden(people: People, lab: Room) -> Room:
    """A second room of Alice and Bob."""
    room = services.create_room(actor_id=people.alice.pk, name="Garden").room
    services.join(actor_id=people.bob.pk, room_id=room.pk)
    return room


@pytest.fixture
def page(open_page: OpenPage, people: People, garden: Room) -> Page:
    """Bob in Lab."""
    found = open_page(people.bob, "/rooms/lab/")
    connected(found)
    return found


def switcher(page: Page) -> Locator:
    """The dialog of the quick switcher."""
    return page.get_by_role("dialog", name="Go to a room, person or page")


def test_a_room_that_the_page_came_without_is_found(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    for number in range(FIRST_ROOMS + 5):
        services.create_room(actor_id=people.bob.pk, name=f"Room {number:03}")
    services.create_room(actor_id=people.bob.pk, name="Zen corner", slug="zen")
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="Meet in #zen at six")
    page = open_page(people.bob, "/rooms/lab/")
    page.keyboard.press("Control+k")
    page.keyboard.type("zen")
    expect(switcher(page).get_by_role("option", selected=True)).to_contain_text("Zen corner")
    page.keyboard.press("Escape")
    expect(message(page, "Meet in").get_by_role("link", name="#zen")).to_be_visible()


def test_a_room_is_found_by_a_few_letters(page: Page) -> None:
    page.keyboard.press("Control+k")
    field = switcher(page).get_by_role("combobox")
    expect(field).to_be_focused()
    first = switcher(page).get_by_role("option").first
    expect(first).to_contain_text("Garden")  # one is in Lab already
    page.keyboard.type("grdn")
    expect(switcher(page).get_by_role("option", selected=True)).to_contain_text("Garden")
    expect(field).to_have_attribute("aria-activedescendant", "switch-0")
    page.keyboard.press("Enter")
    expect(page).to_have_title("Garden · Holdfast")
    expect(switcher(page)).to_be_hidden()


def test_a_person_is_found_and_written_to(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("charl")
    # Found by the server: nobody has met them.
    expect(switcher(page).get_by_role("option", selected=True)).to_contain_text("@charlie")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Charlie").first).to_be_visible()
    expect(place(page, "Charlie")).to_be_visible()


def test_the_list_is_gone_through_by_arrows_and_the_latest_room_is_first(
    page: Page, people: People
) -> None:
    services.create_room(actor_id=people.bob.pk, name="Attic")
    for name in ("Attic", "Garden", "Lab"):
        place(page, name).click()
        expect(page).to_have_title(f"{name} · Holdfast")
    page.keyboard.press("Control+k")
    options = switcher(page).get_by_role("option")
    expect(options.nth(0)).to_contain_text("Garden")
    expect(options.nth(1)).to_contain_text("Attic")
    page.keyboard.press("ArrowDown")
    expect(switcher(page).get_by_role("option", selected=True)).to_contain_text("Attic")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(switcher(page).get_by_role("option", selected=True)).to_contain_text(
        "Keyboard shortcuts"
    )
    page.keyboard.press("Escape")
    expect(switcher(page)).to_be_hidden()
    page.keyboard.press("Control+k")
    page.keyboard.type("xyzzy")
    page.keyboard.press("Control+k")  # the key closes it as well
    expect(switcher(page)).to_be_hidden()


def test_pages_are_found_too(page: Page) -> None:
    page.get_by_role("button", name="Go to…").click()
    page.keyboard.type("inbox")
    page.keyboard.press("Enter")
    expect(page).to_have_title("Inbox · Holdfast")


def test_on_a_narrow_phone_it_fits(open_page: OpenPage, people: People, garden: Room) -> None:
    phone = open_page(people.bob, "/rooms/lab/", viewport=PHONE, has_touch=True)
    connected(phone)
    phone.get_by_role("link", name="Rooms and inbox").click()
    phone.get_by_role("button", name="Go to…").click()
    box = switcher(phone).bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    switcher(phone).get_by_role("option", name=re.compile("Garden")).click()
    expect(phone).to_have_title("Garden · Holdfast")


def test_rooms_are_gone_through_by_keys(
    page: Page, people: People, lab: Room, garden: Room
) -> None:
    for name in ("Attic", "Barn"):
        services.create_room(actor_id=people.bob.pk, name=name)
    expect(place(page, "Barn")).to_be_visible()
    page.keyboard.press("Alt+ArrowUp")
    expect(page).to_have_title("Garden · Holdfast")
    page.keyboard.press("Alt+ArrowDown")
    expect(page).to_have_title("Lab · Holdfast")
    page.keyboard.press("Alt+ArrowDown")  # round and round
    expect(page).to_have_title("Attic · Holdfast")
    services.post_message(author_id=people.alice.pk, room_id=garden.pk, body="News")
    expect(place(page, "Garden").locator(".badge")).to_be_visible()
    page.keyboard.press("Alt+Shift+ArrowDown")
    expect(page).to_have_title("Garden · Holdfast")


def test_esc_reads_the_room_and_with_shift_all_rooms(
    page: Page, people: People, lab: Room, garden: Room
) -> None:
    for room in (lab, garden):
        services.post_message(author_id=people.alice.pk, room_id=room.pk, body="News")
    expect(message(page, "News")).to_be_visible()
    message(page, "News").focus()
    page.keyboard.press("u")
    expect(place(page, "Lab").locator(".badge")).to_be_visible()
    expect(page.locator(".new-line")).to_be_visible()
    page.keyboard.press("Escape")
    expect(place(page, "Lab").locator(".badge")).to_be_hidden()
    expect(page.locator(".new-line")).to_have_count(0)
    expect(place(page, "Garden").locator(".badge")).to_be_visible()
    page.keyboard.press("Shift+Escape")
    expect(place(page, "Garden").locator(".badge")).to_be_hidden()
    expect(page.get_by_text("All rooms marked as read")).to_be_visible()
    page.reload()
    connected(page)
    expect(place(page, "Garden").locator(".badge")).to_be_hidden()
    assert set(
        Membership.objects.filter(user=people.bob).values_list("read_number", flat=True)
    ) == {1}


def test_the_shortcuts_are_listed_and_single_keys_switched_off(page: Page) -> None:
    composer = page.get_by_label("Message", exact=True)
    composer.focus()
    page.keyboard.type("why?")
    expect(composer).to_have_value("why?")  # while one writes, it is a letter
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_hidden()
    page.locator("#main").focus()
    page.keyboard.press("?")
    expect(dialog.get_by_text("Go to a room, person or page")).to_be_visible()
    dialog.get_by_label("Single-key shortcuts").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.locator("#main").focus()
    page.keyboard.press("?")
    expect(dialog).to_be_hidden()
    page.keyboard.press("Control+/")
    expect(dialog.get_by_label("Single-key shortcuts")).not_to_be_checked()
    dialog.get_by_label("Single-key shortcuts").check()
    dialog.get_by_role("button", name="Close").click()
    page.locator(".me").click()
    page.get_by_role("menuitem", name="Keyboard shortcuts").click()
    expect(dialog).to_be_visible()
