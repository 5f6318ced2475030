"""Search: from the sidebar, while typing, narrowed by chips, and on to the message."""

import re

from playwright.sync_api import Page, expect

from chat import services
from chat.models import Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message, say, sent
from tests.conftest import People

PHONE = {"width": 360, "height": 740}


def post(people: People, room: Room, *texts: str) -> None:
    for text in texts:
        services.post_message(author_id=people.alice.pk, room_id=room.pk, body=text)


def hits(page: Page) -> list[str]:
    return page.locator(".hit__text").all_inner_texts()


def test_a_message_is_found_and_opened_at_its_position(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    post(people, lab, "The keys are under the anchor", *(f"Line {number}" for number in range(120)))
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    page.locator(".timeline").click()
    page.keyboard.press("Control+Shift+F")
    page.keyboard.type("anchor keys")
    page.keyboard.press("Enter")
    expect(page.locator(".hit mark")).to_have_text(["keys", "anchor"])
    expect(page).to_have_title("anchor keys · Search · Holdfast")
    page.get_by_role("link", name="The keys are under the anchor").click()
    expect(message(page, "under the anchor")).to_be_in_viewport()
    page.go_back()
    expect(page.locator(".hit")).to_have_count(1)
    expect(page.get_by_label("Search messages")).to_have_value("anchor keys")


def test_results_follow_what_is_typed_and_chips_take_filters_away(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    post(people, lab, "High tide at noon", "Low tide at six")
    services.post_message(author_id=people.bob.pk, room_id=lab.pk, body="Spring tide")
    page = open_page(people.bob, "/search/")
    connected(page)
    expect(page.get_by_text("exactly this phrase")).to_be_visible()
    field = page.get_by_label("Search messages")
    expect(field).to_be_focused()
    field.press_sequentially("tid")
    expect(page.locator(".hit")).to_have_count(3)
    page.get_by_text("Filters").click()
    page.get_by_label("From", exact=True).fill("alice")
    page.keyboard.press("Enter")
    expect(page.locator(".hit")).to_have_count(2)
    expect(field).to_have_value("tid from:alice")
    page.get_by_label("Room", exact=True).select_option("Lab")
    expect(page.locator(".chip")).to_contain_text(["From Alice", "In Lab"])
    page.get_by_role("link", name="From Alice").click()
    expect(page.locator(".hit")).to_have_count(3)
    expect(page).to_have_url(re.compile(r"/search/\?q=tid\+in%3Alab$"))
    field.fill("tide before:soon")
    expect(page.get_by_role("alert").filter(has_text="before: expected a date")).to_be_visible()
    field.fill("unheard")
    expect(page.get_by_role("heading", name="No messages found")).to_be_visible()


def test_older_results_are_put_behind(open_page: OpenPage, people: People, lab: Room) -> None:
    post(people, lab, *(f"Buoy {number}" for number in range(45)))
    page = open_page(people.bob, "/search/?q=buoy")
    connected(page)
    expect(page.locator(".hit")).to_have_count(20)
    page.get_by_role("link", name="Older messages").click()
    expect(page.locator(".hit")).to_have_count(40)
    page.get_by_role("link", name="Older messages").click()
    expect(page.locator(".hit")).to_have_count(45)
    expect(page.get_by_role("link", name="Older messages")).to_have_count(0)
    assert hits(page) == [f"Buoy {number}" for number in reversed(range(45))]


def test_a_text_that_is_deleted_meanwhile_is_not_left_standing(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/search/")
    connected(alice)
    connected(bob)
    say(alice, "The password is swordfish")
    number = sent(alice, "swordfish").get_attribute("data-message")
    bob.get_by_label("Search messages").fill("swordfish")
    expect(bob.locator(".hit")).to_have_count(1)
    services.delete_message(actor_id=people.alice.pk, message_id=int(number or 0))
    expect(bob.locator(".hit")).to_contain_text("This message was deleted.")
    expect(bob.locator(".hit")).not_to_contain_text("swordfish")


def test_results_read_as_the_messages_do_and_follow_an_edit(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    row = services.post_message(
        author_id=people.alice.pk,
        room_id=lab.pk,
        body="The **harbour** of [the town](https://example.org/quay)",
    )
    bob = open_page(people.bob, "/search/?q=harbour")
    connected(bob)
    expect(bob.locator(".hit__text")).to_have_text("The harbour of the town")
    services.edit_message(
        actor_id=people.alice.pk,
        message_id=row.message.pk,
        body="Not <i>the</i> `old` **harbour**\n\n- closed",
    )
    expect(bob.locator(".hit__text")).to_have_text("Not <i>the</i> old harbour closed")
    expect(bob.locator(".hit mark")).to_have_text(["harbour"])
    services.edit_message(
        actor_id=people.alice.pk, message_id=row.message.pk, body="*Nothing* of it"
    )
    expect(bob.locator(".hit__text")).to_have_text("Nothing of it")
    expect(bob.locator(".hit mark")).to_have_count(0)


def test_results_of_a_blocked_author_are_collapsed(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    post(people, lab, "Fair wind", "Foul wind")
    page = open_page(people.bob, "/search/?q=wind")
    connected(page)
    expect(page.get_by_text("Foul wind")).to_be_visible()
    services.block(actor_id=people.bob.pk, user_id=people.alice.pk)
    expect(page.locator(".hit__fold:visible")).to_have_count(2)
    expect(page.get_by_text("Foul wind")).to_be_hidden()
    page.reload()
    connected(page)
    page.get_by_role("button", name="Show").first.click()
    expect(page.get_by_text("Foul wind")).to_be_visible()
    expect(page.get_by_role("link", name="Foul wind")).to_be_focused()
    expect(page.get_by_text("Fair wind")).to_be_hidden()


def test_without_scripts_the_form_and_the_links_do_it(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    post(people, lab, *(f"Buoy {number}" for number in range(25)))
    page = open_page(people.bob, "/rooms/lab/", java_script_enabled=False)
    page.get_by_role("searchbox", name="Search all messages").fill("buoy in:lab")
    page.keyboard.press("Enter")
    expect(page.locator(".hit")).to_have_count(20)
    page.get_by_role("link", name="Older messages").click()
    expect(page.locator(".hit")).to_have_count(5)
    page.get_by_role("link", name="In Lab").click()
    expect(page.locator(".hit")).to_have_count(20)
    expect(page.locator(".chip")).to_have_count(0)


def test_on_a_phone_the_header_of_a_room_leads_to_it(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    post(
        people,
        lab,
        "A word of so-and-so-and-so-and-so-and-so-and-so-and-so-and-so-and-so-and-so-and-so-and-so",
    )
    page = open_page(people.bob, "/rooms/lab/", viewport=PHONE, has_touch=True)
    connected(page)
    page.get_by_role("banner").or_(page.locator(".bar")).get_by_role("link", name="Search").click()
    page.get_by_label("Search messages").fill("word")
    expect(page.locator(".hit")).to_have_count(1)
    page.get_by_text("Filters").click()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
