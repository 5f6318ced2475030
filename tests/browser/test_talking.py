"""Two people in a room: what one writes, changes and marks, the other sees."""

import re

import pytest
from playwright.sync_api import expect

from chat import services
from chat.models import Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import act, bodies, connected, message, place, say, sent
from tests.conftest import People


def test_a_message_reaches_the_other_in_order(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    connected(bob)
    for number in range(1, 6):
        say(alice, f"Message {number}")
    say(bob, "An answer")
    for page in (alice, bob):
        for text in ("Message 5", "An answer"):
            sent(page, text)
        expect(bodies(page)).to_have_count(6)
    assert bodies(alice).all_inner_texts() == bodies(bob).all_inner_texts()
    expect(bodies(bob).filter(has_text="Message")).to_have_text(
        [f"Message {number}" for number in range(1, 6)]
    )


def test_markdown_is_shown_as_the_server_rendered_it(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/")
    say(page, "**loud** and <img src=x onerror=alert(1)> and `code`")
    body = sent(page, "loud").locator(".message__body")
    expect(body.locator("strong")).to_have_text("loud")
    expect(body.locator("code")).to_have_text("code")
    expect(body.locator("img")).to_have_count(0)
    expect(body).to_contain_text("<img src=x")


def test_an_edit_reaches_the_other_and_is_marked(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="Tha plan")
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    connected(alice)
    alice.get_by_label("Message", exact=True).press("ArrowUp")
    expect(alice.get_by_text("Editing your message")).to_be_visible()
    say(alice, "The plan")
    expect(message(bob, "The plan")).to_contain_text("edited")
    expect(message(bob, "Tha plan")).to_have_count(0)
    expect(alice.get_by_label("Message", exact=True)).to_have_value("")


def test_a_deleted_message_leaves_a_mark_and_no_text(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="My password is tulip")
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    expect(message(bob, "tulip")).to_be_visible()
    connected(alice)
    act(alice, message(alice, "tulip"), "Delete")
    alice.get_by_role("dialog").get_by_role("button", name="Delete").click()
    for page in (alice, bob):
        expect(message(page, "This message was deleted.")).to_be_visible()
        expect(page.locator(".timeline")).not_to_contain_text("tulip")


def test_reactions_are_counted_and_taken_back(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="Ship it?")
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    connected(bob)
    act(bob, message(bob, "Ship it?"), "Add reaction")
    bob.get_by_role("dialog", name="Choose an emoji").get_by_role("button", name="🚀").first.click()
    theirs = message(alice, "Ship it?").get_by_role("button", name="🚀, 1 reaction")
    theirs.click()
    both = message(bob, "Ship it?").get_by_role("button", name="🚀, 2 reactions")
    expect(both).to_have_attribute("aria-pressed", "true")
    both.click()
    expect(message(alice, "Ship it?").get_by_role("button", name="🚀, 1 reaction")).to_be_visible()


def test_a_mention_is_completed_highlighted_and_rings_the_bell(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/inbox/")
    connected(alice)
    connected(bob)
    alice.get_by_label("Message", exact=True).press_sequentially("Look here @bo")
    alice.get_by_role("option", name="Bob").wait_for()
    alice.keyboard.press("Tab")
    expect(alice.get_by_label("Message", exact=True)).to_have_value("Look here @bob ")
    alice.keyboard.press("Enter")
    expect(bob.get_by_role("link", name="Inbox, 1 unread")).to_be_visible()
    notice = bob.locator(".notice")
    expect(notice).to_have_attribute("data-unread", "true")
    notice.get_by_role("link").click()
    expect(message(bob, "Look here @bob")).to_have_class(
        "message message--mentions-me message--target"
    )
    expect(bob.get_by_role("link", name="Inbox", exact=True)).to_be_visible()


def test_a_reply_shows_what_it_answers(open_page: OpenPage, people: People, lab: Room) -> None:
    services.post_message(
        author_id=people.alice.pk, room_id=lab.pk, body="Where shall we **meet**?"
    )
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    act(page, message(page, "Where shall we"), "Reply")
    expect(page.get_by_text("Replying to Alice")).to_be_visible()
    say(page, "At the harbour")
    answer = sent(page, "At the harbour")
    expect(answer.locator(".message__quote")).to_contain_text("Alice Where shall we meet?")
    page.reload()
    expect(message(page, "At the harbour")).to_have_count(1)
    expect(message(page, "At the harbour").locator(".message__quote")).to_contain_text(
        "Alice Where shall we meet?"
    )


def test_typing_is_shown_to_the_other(open_page: OpenPage, people: People, lab: Room) -> None:
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    connected(alice)
    connected(bob)
    bob.get_by_label("Message", exact=True).press_sequentially("Well")
    expect(alice.get_by_text("Bob is typing…")).to_be_visible()


@pytest.mark.parametrize("closed", [True, False])
def test_the_last_read_number_is_sent_when_the_page_closes(
    open_page: OpenPage, people: People, lab: Room, closed: bool
) -> None:
    services.create_room(actor_id=people.alice.pk, name="Elsewhere")
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    connected(alice)
    connected(bob)
    # Faster than the page reports what was read.
    for text in ("One", "Two", "Three"):
        say(bob, text)
        expect(message(alice, text)).to_be_visible()
    if closed:
        alice.goto("about:blank")
    else:
        place(alice, "Elsewhere").click()
        expect(alice).to_have_url(re.compile("/rooms/elsewhere/"))
    alice.goto("/rooms/elsewhere/")
    connected(alice)
    expect(place(alice, "Lab").locator(".badge")).to_be_hidden()


def test_unread_is_counted_until_the_room_is_looked_at(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.create_room(actor_id=people.bob.pk, name="Elsewhere")
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/elsewhere/")
    connected(bob)
    say(alice, "One")
    say(alice, "Two")
    expect(place(bob, "Lab").locator(".badge")).to_contain_text("2 unread messages")
    expect(bob).to_have_title("(2) Elsewhere · Holdfast")
    place(bob, "Lab").click()
    expect(bob.locator(".new-line")).to_be_visible()
    expect(place(bob, "Lab").locator(".badge")).to_be_hidden()
    expect(bob).to_have_title("Lab · Holdfast")
    bob.reload()
    expect(place(bob, "Lab").locator(".badge")).to_be_hidden()
