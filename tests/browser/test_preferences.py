"""Preferences: theme, density, clock and language, in all tabs and on all devices at once."""

import re

from playwright.sync_api import Page, expect

from chat import services
from chat.models import Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message, place
from tests.conftest import People

PREFERENCES = "/accounts/preferences/"
DARK = "oklch(0.174 0.014 215)"


def background(page: Page) -> str:
    sidebar = page.locator(".sidebar")
    return str(sidebar.evaluate("(element) => getComputedStyle(element).backgroundColor"))


def test_a_theme_shows_in_all_tabs_and_from_the_first_paint(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    room = open_page(people.bob, "/rooms/lab/", color_scheme="light")
    connected(room)
    page = open_page(people.bob, PREFERENCES, color_scheme="light")
    page.get_by_role("group", name="Theme").get_by_label("Dark").check()
    for each in (page, room):
        expect(each.locator("html")).to_have_attribute("data-theme", "dark")
        expect(each.locator("body")).to_have_css("color-scheme", "dark")
    assert background(room) == DARK
    room.reload()
    assert background(room) == DARK
    page.get_by_role("group", name="Theme").get_by_label("Same as this device").check()
    expect(room.locator("body")).to_have_css("color-scheme", "light dark")
    expect(room.locator('meta[data-scheme="light"]')).to_have_attribute(
        "media", "(prefers-color-scheme: light)"
    )


def test_density_and_clock_change_what_an_open_room_shows(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="Hello")
    room = open_page(people.bob, "/rooms/lab/")
    connected(room)
    shown = message(room, "Hello")
    page = open_page(people.bob, PREFERENCES)
    page.get_by_label(re.compile("^12 hours")).check()
    expect(shown.locator("time")).to_have_text(re.compile(r"^\d?\d:\d\d [AP]M$"))
    page.get_by_label(re.compile("^24 hours")).check()
    expect(shown.locator("time")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    before = shown.bounding_box()
    page.get_by_label("Compact").check()
    expect(room.locator("html")).to_have_attribute("data-density", "compact")
    after = shown.bounding_box()
    assert before
    assert after
    assert after["height"] < before["height"]


def test_a_language_is_chosen_for_all_devices(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    room = open_page(people.bob, "/rooms/lab/", locale="en")
    connected(room)
    page = open_page(people.bob, PREFERENCES, locale="en")
    page.get_by_label("Language").select_option("de")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    room.get_by_role("button", name="Reload").click()
    expect(room.locator("html")).to_have_attribute("lang", "de")


def test_a_folded_section_shows_only_what_needs_attention(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    garden = services.create_room(actor_id=people.alice.pk, name="Garden").room
    services.join(actor_id=people.bob.pk, room_id=garden.pk)
    page, other = (open_page(people.bob, "/rooms/lab/") for _ in range(2))
    for each in (page, other):
        connected(each)
    fold = page.get_by_role("button", name="Rooms", exact=True)
    fold.focus()
    page.keyboard.press("Enter")
    expect(fold).to_have_attribute("aria-expanded", "false")
    for each in (page, other):
        expect(place(each, "Garden")).to_be_hidden()
        expect(place(each, "Lab")).to_be_visible()
    page.reload()
    expect(place(page, "Garden")).to_be_hidden()
    services.post_message(author_id=people.alice.pk, room_id=garden.pk, body="Hello")
    for each in (page, other):
        expect(place(each, "Garden")).to_be_visible()
    connected(page)
    fold.click()
    expect(other.get_by_role("button", name="Rooms", exact=True)).to_have_attribute(
        "aria-expanded", "true"
    )


def test_unread_rooms_come_first_if_the_user_wants_that(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    zoo = services.create_room(actor_id=people.alice.pk, name="Zoo").room
    services.join(actor_id=people.bob.pk, room_id=zoo.pk)
    room = open_page(people.bob, "/rooms/lab/")
    connected(room)
    names = room.locator('[data-places="rooms"] .place__name')
    page = open_page(people.bob, PREFERENCES)
    page.get_by_label(re.compile("^Show unread rooms first")).check()
    expect(room.locator("html")).to_have_attribute("data-unread-first", "true")
    expect(names).to_have_text(["Lab", "Zoo"])
    services.post_message(author_id=people.alice.pk, room_id=zoo.pk, body="Hello")
    expect(names).to_have_text(["Zoo", "Lab"])
    place(room, "Zoo").click()
    expect(names).to_have_text(["Lab", "Zoo"])
