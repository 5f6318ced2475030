"""Rooms in the sidebar: favourites, unread counts, and going back."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from chat import services
from chat.models import Membership, Room
from chat.queries.room_lists import FIRST_ROOMS
from tests.browser.conftest import OpenPage
from tests.browser.screen import act, connected, message, place, say, sent
from tests.conftest import People


@pytest.fixture
def garden(people: People, lab: Room) -> Room:
    """A second room of Alice and Bob."""
    room = services.create_room(actor_id=people.alice.pk, name="Garden").room
    services.join(actor_id=people.bob.pk, room_id=room.pk)
    return room


def section(page: Page, name: str) -> Locator:
    """A part of the sidebar."""
    return page.get_by_role("navigation").get_by_role("region", name=name)


def choose(page: Page, room: str, item: str) -> None:
    """Open the menu of a room in the sidebar as the key for menus does, and press an item."""
    place(page, room).dispatch_event("contextmenu")
    page.get_by_role("menuitem", name=item, exact=True).click()


def test_a_room_is_made_a_favourite_by_its_menu_in_all_tabs(
    open_page: OpenPage, people: People, lab: Room, garden: Room
) -> None:
    page, other, alice = (
        open_page(user, "/rooms/lab/") for user in (people.bob, people.bob, people.alice)
    )
    for each in (page, other, alice):
        connected(each)
    expect(section(page, "Favourites")).to_be_hidden()
    page.get_by_role("button", name="Room actions").click()
    page.get_by_role("menuitem", name="Add to favourites").click()
    for each in (page, other):
        expect(section(each, "Favourites").locator(".place")).to_have_text([re.compile("Lab")])
        expect(section(each, "Rooms").locator(".place")).to_have_text([re.compile("Garden")])
    expect(section(alice, "Favourites")).to_be_hidden()
    page.reload()
    connected(page)
    choose(page, "Lab", "Remove from favourites")
    expect(section(other, "Favourites")).to_be_hidden()


def test_favourites_are_put_in_order_by_menu_and_by_dragging(
    open_page: OpenPage, people: People, lab: Room, garden: Room
) -> None:
    services.direct_room(actor_id=people.bob.pk, user_id=people.charlie.pk)
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    favourites = section(page, "Favourites").locator(".place__name")
    choose(page, "Lab", "Add to favourites")
    expect(favourites).to_have_text(["Lab"])
    place(page, "Garden").drag_to(place(page, "Lab"), target_position={"x": 40, "y": 4})
    expect(favourites).to_have_text(["Garden", "Lab"])
    place(page, "Charlie").drag_to(place(page, "Lab"), target_position={"x": 40, "y": 4})
    expect(favourites).to_have_text(["Garden", "Charlie", "Lab"])
    place(page, "Garden").drag_to(place(page, "Lab"), target_position={"x": 40, "y": 36})
    expect(favourites).to_have_text(["Charlie", "Lab", "Garden"])
    choose(page, "Garden", "Move up")
    expect(favourites).to_have_text(["Charlie", "Garden", "Lab"])
    place(page, "Garden").drag_to(section(page, "Rooms").get_by_role("heading"))
    expect(favourites).to_have_text(["Charlie", "Lab"])
    page.reload()
    expect(favourites).to_have_text(["Charlie", "Lab"])


def test_the_first_favourite_can_be_dragged_into_the_empty_section(
    open_page: OpenPage, people: People, lab: Room, garden: Room
) -> None:
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    place(page, "Garden").hover()
    page.mouse.down()
    page.mouse.move(120, 300, steps=5)
    hint = page.get_by_text("Drop a room here to add it to your favourites")
    expect(hint).to_be_visible()
    hint.hover()
    hint.hover()  # the second one is a drag over it
    page.mouse.up()
    expect(section(page, "Favourites").locator(".place__name")).to_have_text(["Garden"])


def test_mentions_stand_apart_from_other_unread_messages(
    open_page: OpenPage, people: People, lab: Room, garden: Room
) -> None:
    services.post_message(author_id=people.alice.pk, room_id=garden.pk, body="@bob before the page")
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    found = place(page, "Garden")
    expect(found).to_contain_text("1 mention")
    expect(found).to_contain_text("1 unread message")
    services.post_message(author_id=people.alice.pk, room_id=garden.pk, body="for nobody")
    second = services.post_message(
        author_id=people.alice.pk, room_id=garden.pk, body="@room water the roses"
    ).message
    expect(found).to_contain_text("2 mentions")
    expect(found).to_contain_text("3 unread messages")
    expect(page).to_have_title("(3) Lab · Holdfast")
    expect(page.locator('link[rel="icon"]')).to_have_attribute(
        "href", re.compile("^data:image/svg.*%3E2%3C")
    )
    services.edit_message(actor_id=people.alice.pk, message_id=second.pk, body="watered")
    expect(found.locator(".mention-badge")).to_contain_text("1 mention")
    found.click()
    expect(found.locator(".mention-badge")).to_be_hidden()
    expect(page).to_have_title("Garden · Holdfast")
    expect(page.locator('link[rel="icon"]')).to_have_attribute("href", re.compile(r"favicon"))


def test_a_muted_room_shows_nothing_and_stays_findable(
    open_page: OpenPage, people: People, lab: Room, garden: Room
) -> None:
    services.set_involvement(actor_id=people.bob.pk, room_id=garden.pk, involvement="nothing")
    services.post_message(author_id=people.alice.pk, room_id=garden.pk, body="@bob in vain")
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    found = place(page, "Garden")
    expect(found).to_contain_text("Muted")
    expect(found.locator(".badge")).to_be_hidden()
    expect(found.locator(".mention-badge")).to_be_hidden()
    expect(page).to_have_title("Lab · Holdfast")


def test_a_room_is_muted_for_a_time_in_all_tabs_and_the_mute_ends_by_itself(
    open_page: OpenPage, people: People, lab: Room, garden: Room
) -> None:
    page, other = (open_page(people.bob, "/rooms/lab/") for _ in range(2))
    for each in (page, other):
        connected(each)
    choose(page, "Garden", "Mute…")
    menu = page.get_by_role("menu", name="Mute Garden")
    expect(menu.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    for each in (page, other):
        expect(place(each, "Garden")).to_contain_text(re.compile("Muted until Tomorrow, 0?8:00"))
    services.post_message(author_id=people.alice.pk, room_id=garden.pk, body="@bob in vain")
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="after it")
    expect(message(other, "after it")).to_be_visible()
    expect(place(other, "Garden").locator(".badge")).to_be_hidden()
    services.set_quiet(actor_id=people.bob.pk, room_id=garden.pk, seconds=2)
    for each in (page, other):
        expect(place(each, "Garden")).to_contain_text("1 unread message")
        expect(place(each, "Garden")).not_to_contain_text("Muted")
        expect(each).to_have_title("(1) Lab · Holdfast")


def test_a_mute_is_ended_in_the_menu_which_says_until_when_it_lasts(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.set_quiet(actor_id=people.bob.pk, room_id=lab.pk, seconds=3 * 24 * 3600)
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    expect(place(page, "Lab")).to_contain_text("Muted until")
    page.get_by_role("button", name="Room actions").click()
    page.get_by_role("menuitem", name=re.compile(r"^Unmute \(muted until \w+, ")).click()
    expect(place(page, "Lab")).not_to_contain_text("Muted")


def test_a_room_is_unread_again_from_a_message_on(
    open_page: OpenPage, people: People, lab: Room, garden: Room
) -> None:
    for text in ("One", "Two for @bob", "Three"):
        services.post_message(author_id=people.alice.pk, room_id=lab.pk, body=text)
    page, other = open_page(people.bob, "/rooms/lab/"), open_page(people.bob, "/rooms/garden/")
    connected(page)
    connected(other)
    expect(place(other, "Lab").locator(".badge")).to_be_hidden()
    act(page, message(page, "Two for"), "Mark as unread from here")
    for each in (page, other):
        expect(place(each, "Lab").locator(".badge")).to_contain_text("2 unread messages")
        expect(place(each, "Lab").locator(".mention-badge")).to_contain_text("1 mention")
    expect(page.locator(".new-line + .message")).to_contain_text("Two for")
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="Four")
    expect(place(page, "Lab").locator(".badge")).to_contain_text("3 unread messages")
    expect(page.locator(".new-line + .message")).to_contain_text("Two for")
    assert Membership.objects.get(user=people.bob, room=lab).read_number == 1
    place(page, "Garden").click()
    place(page, "Lab").click()  # who comes back reads it
    expect(place(other, "Lab").locator(".badge")).to_be_hidden()
    expect(page.locator(".new-line + .message")).to_contain_text("Two for")


def test_who_writes_in_a_room_that_is_unread_again_reads_it(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="One")
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    act(page, message(page, "One"), "Mark as unread from here")
    expect(place(page, "Lab").locator(".badge")).to_contain_text("1 unread message")
    say(page, "I see")
    sent(page, "I see")
    expect(place(page, "Lab").locator(".badge")).to_be_hidden()


def test_a_room_is_read_by_its_menu_without_going_there(
    open_page: OpenPage, people: People, lab: Room, garden: Room
) -> None:
    services.post_message(author_id=people.alice.pk, room_id=garden.pk, body="News")
    page, other = open_page(people.bob, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    connected(page)
    connected(other)
    choose(page, "Garden", "Mark as read")
    for each in (page, other):
        expect(place(each, "Garden").locator(".badge")).to_be_hidden()


def test_all_rooms_come_after_those_of_the_server(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    many = FIRST_ROOMS + 65
    for number in range(many):
        services.create_room(actor_id=people.alice.pk, name=f"Room {number:03}")
    page = open_page(people.alice, "/rooms/lab/")
    names = section(page, "Rooms").locator(".place__name")
    expect(names).to_have_count(many + 1)
    expect(names).to_have_text(["Lab", *(f"Room {number:03}" for number in range(many))])
    place(page, f"Room {many - 1:03}").click()
    expect(page.get_by_role("heading", name=f"Room {many - 1:03}").first).to_be_visible()
