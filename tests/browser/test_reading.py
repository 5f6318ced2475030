"""Reading: history upwards, permalinks, and pages without JavaScript."""

import re
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from chat import services
from chat.models import Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message
from tests.conftest import People

MOST_IN_THE_PAGE = 200  # chat/static/chat/rooms/room.js


@pytest.fixture
def long_room(people: People, lab: Room) -> Room:
    """The room Lab with 220 messages of Alice."""
    posts = [
        services.Post(
            author_id=people.alice.pk, room_id=lab.pk, key=uuid4(), body=f"Line {number}."
        )
        for number in range(1, 221)
    ]
    for start in range(0, len(posts), 100):
        services.post_messages(posts[start : start + 100])
    return lab


def top_of(page: Page, text: str) -> float:
    box = message(page, text).bounding_box()
    assert box is not None
    return box["y"]


def test_scrolling_up_loads_history_and_keeps_the_place(
    open_page: OpenPage, people: People, long_room: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    expect(message(page, "Line 220.")).to_be_in_viewport()
    expect(message(page, "Line 100.")).to_have_count(0)
    message(page, "Line 172.").scroll_into_view_if_needed()
    before = top_of(page, "Line 172.")
    expect(message(page, "Line 125.")).to_have_count(1)
    assert abs(top_of(page, "Line 172.") - before) < 2
    first = page.locator(".timeline .message").first
    while (number := first.get_attribute("data-number")) != "1":
        page.locator(".timeline__scroll").evaluate(
            "element => element.scrollTo(0, -element.scrollHeight)"
        )
        expect(first).not_to_have_attribute("data-number", number or "")
    expect(message(page, "Line 1.")).to_be_visible()
    assert page.locator(".timeline .message").count() <= MOST_IN_THE_PAGE
    services.post_message(author_id=people.bob.pk, room_id=long_room.pk, body="News from Bob")
    button = page.get_by_role("button", name=re.compile("1 new message"))
    button.click()
    expect(message(page, "News from Bob")).to_be_in_viewport()


def test_a_button_leads_to_the_first_unread_message_far_above(
    open_page: OpenPage, people: People, long_room: Room
) -> None:
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    expect(message(page, "Line 220.")).to_be_in_viewport()
    button = page.get_by_role("button", name="Jump to first unread")
    button.click()
    expect(page.locator(".new-line")).to_be_in_viewport()
    expect(message(page, "Line 1.")).to_be_in_viewport()
    expect(button).to_be_hidden()
    page.get_by_role("button", name=re.compile("Jump to latest|new messages")).click()
    expect(message(page, "Line 220.")).to_be_in_viewport()
    expect(button).to_be_hidden()


def test_a_permalink_opens_in_its_surroundings_and_leads_back(
    open_page: OpenPage, people: People, long_room: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/60/")
    expect(message(page, "Line 60.")).to_be_in_viewport()
    expect(message(page, "Line 60.")).to_contain_class("message--target")
    expect(message(page, "Line 220.")).to_have_count(0)
    page.get_by_role("button", name="Jump to latest").click()
    expect(message(page, "Line 220.")).to_be_in_viewport()


def test_without_javascript_the_history_is_read_by_links(
    open_page: OpenPage, people: People, long_room: Room
) -> None:
    page = open_page(people.bob, "/rooms/lab/", java_script_enabled=False)
    expect(message(page, "Line 220.")).to_be_in_viewport()
    page.get_by_role("link", name="Older messages").click()
    expect(message(page, "Line 150.")).to_be_visible()
    expect(message(page, "Line 220.")).to_have_count(0)
    page.get_by_role("link", name="Newer messages").click()
    expect(message(page, "Line 220.")).to_be_visible()
    expect(
        page.get_by_text("You can read without JavaScript, but you need it to post.")
    ).to_be_visible()
    expect(page.get_by_role("textbox", name="Message")).to_be_hidden()
    page.get_by_role("link", name="Browse rooms").click()
    expect(page.get_by_role("link", name="Lab").first).to_be_visible()


def test_a_room_is_created_without_javascript(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.bob, "/rooms/new/", java_script_enabled=False)
    page.get_by_label("Name", exact=True).first.fill("Paper")
    page.get_by_role("button", name="Create room").first.click()
    expect(page.get_by_role("heading", name="Paper").first).to_be_visible()
    assert Room.objects.get(name="Paper").created_by == people.bob


@pytest.mark.parametrize("path", ["/rooms/nowhere/", "/rooms/lab/9999/", "/nothing/here/"])
def test_what_is_not_there_has_a_page_that_says_so(
    open_page: OpenPage, alice: User, lab: Room, path: str
) -> None:
    page = open_page(alice, path, expected="status of 404")
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()
    page.get_by_role("link", name="Back to your rooms").click()
    expect(page.get_by_role("heading", name="Lab").first).to_be_visible()


def test_a_private_room_does_not_exist_for_others(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.create_room(actor_id=people.alice.pk, name="Secret", kind="private")
    page = open_page(people.charlie, "/rooms/secret/", expected="status of 404")
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()


def test_copying_several_messages_gives_names_and_times(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    for author, body in ((people.alice, "Tea at four?"), (people.bob, "**Gladly**")):
        services.post_message(author_id=author.pk, room_id=lab.pk, body=body)
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    copied = page.evaluate(
        """() => {
            const list = document.querySelector('.timeline__list');
            getSelection().selectAllChildren(list);
            const event = new ClipboardEvent('copy', {
                bubbles: true, cancelable: true, clipboardData: new DataTransfer(),
            });
            list.querySelector('.message').dispatchEvent(event);
            return event.clipboardData.getData('text/plain');
        }"""
    )
    assert re.fullmatch(
        r"Alice, Today, [^\n]+\nTea at four\?\n\nBob, Today, [^\n]+\nGladly", copied
    ), copied
