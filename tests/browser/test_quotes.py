"""A message that is shown in several places: each change reaches all of them."""

from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from chat import services
from chat.models import Message, Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import act, connected, message, place, say, sent
from tests.conftest import People


@pytest.fixture
def plan(people: People, lab: Room) -> Message:
    """A message of Alice in the room Lab."""
    return services.post_message(
        author_id=people.alice.pk, room_id=lab.pk, body="The tulip plan"
    ).message


@pytest.fixture
def answer(people: People, plan: Message) -> Message:
    """Bob's answer to it."""
    return services.post_message(
        author_id=people.bob.pk, room_id=plan.room_id, body="Good idea", reply_to=plan.pk
    ).message


def quote(page: Page, text: str) -> Locator:
    """Return the quote in the message with this text."""
    return message(page, text).locator(".message__quote")


def expect_nowhere(page: Page, text: str) -> None:
    """No part of the page holds the text, whether it is seen or not."""
    page.wait_for_function("text => !document.documentElement.innerHTML.includes(text)", arg=text)
    assert (
        page.evaluate(
            "[...document.querySelectorAll('input, textarea')].map((field) => field.value).join()"
        ).find(text)
        == -1
    )


def delete(page: Page, text: str) -> None:
    act(page, message(page, text), "Delete")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()


def test_a_quote_follows_what_it_quotes(
    open_page: OpenPage, people: People, answer: Message
) -> None:
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    connected(alice)
    connected(bob)
    act(bob, message(bob, "The tulip plan"), "Reply")
    act(alice, message(alice, "The tulip plan"), "Edit")
    say(alice, "The daisy plan")
    for page in (alice, bob):
        expect(quote(page, "Good idea")).to_contain_text("Alice The daisy plan")
    expect(bob.get_by_text("Replying to Alice The daisy plan")).to_be_visible()
    for page in (alice, bob):
        expect_nowhere(page, "tulip")
    delete(alice, "The daisy plan")
    for page in (alice, bob):
        expect(quote(page, "Good idea")).to_contain_text("Deleted message")
        expect_nowhere(page, "daisy")
    expect(bob.get_by_text("Replying to Alice Deleted message")).to_be_visible()


def test_a_quote_of_what_is_not_on_the_page_follows_it_too(
    open_page: OpenPage, people: People, plan: Message
) -> None:
    posts = [
        services.Post(
            author_id=people.alice.pk, room_id=plan.room_id, key=uuid4(), body=f"Line {number}."
        )
        for number in range(80)
    ]
    services.post_messages(posts)
    services.post_message(
        author_id=people.bob.pk, room_id=plan.room_id, body="Good idea", reply_to=plan.pk
    )
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    expect(quote(page, "Good idea")).to_contain_text("The tulip plan")
    services.delete_message(actor_id=people.alice.pk, message_id=plan.pk)
    expect(quote(page, "Good idea")).to_contain_text("Deleted message")
    expect_nowhere(page, "tulip")


def test_a_room_that_is_kept_for_the_way_back_holds_no_deleted_text(
    open_page: OpenPage, people: People, answer: Message
) -> None:
    services.create_room(actor_id=people.bob.pk, name="Garden")
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    place(page, "Garden").click()
    expect(page).to_have_title("Garden · Holdfast")
    services.delete_message(actor_id=people.alice.pk, message_id=answer.reply_to_id or 0)
    last = services.post_message(
        author_id=people.alice.pk, room_id=answer.room_id, body="Gone"
    ).message
    expect(page).to_have_title("(1) Garden · Holdfast")
    services.delete_message(actor_id=people.alice.pk, message_id=last.pk)
    place(page, "Lab").click()
    expect(quote(page, "Good idea")).to_contain_text("Deleted message")
    expect_nowhere(page, "tulip")


def test_a_permalink_of_an_answer_follows_as_well(
    open_page: OpenPage, people: People, answer: Message
) -> None:
    page = open_page(people.bob, f"/rooms/lab/{answer.number}/")
    connected(page)
    expect(quote(page, "Good idea")).to_contain_text("The tulip plan")
    services.delete_message(actor_id=people.alice.pk, message_id=answer.reply_to_id or 0)
    expect(quote(page, "Good idea")).to_contain_text("Deleted message")
    expect_nowhere(page, "tulip")


def test_an_answer_that_waits_quotes_no_deleted_text(
    open_page: OpenPage, people: People, plan: Message
) -> None:
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    page.context.set_offline(True)
    act(page, message(page, "The tulip plan"), "Reply")
    say(page, "Written too late")
    services.mute(
        actor_id=people.alice.pk, room_id=plan.room_id, user_id=people.bob.pk, seconds=600
    )
    page.context.set_offline(False)
    expect(message(page, "Written too late")).to_contain_text("Not sent")
    expect(quote(page, "Written too late")).to_contain_text("The tulip plan")
    services.delete_message(actor_id=people.alice.pk, message_id=plan.pk)
    expect(quote(page, "Written too late")).to_contain_text("Deleted message")


def test_an_edit_of_what_is_deleted_meanwhile_ends_and_gives_the_draft_back(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.post_message(author_id=people.bob.pk, room_id=lab.pk, body="Buy my tulips")
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    field = page.get_by_label("Message", exact=True)
    field.fill("A draft of something else")
    act(page, message(page, "Buy my tulips"), "Edit")
    expect(field).to_have_value("Buy my tulips")
    services.delete_message(actor_id=people.alice.pk, message_id=Message.objects.get().pk)
    expect(page.get_by_text("The message you were editing has been deleted.")).to_be_visible()
    expect(page.get_by_text("Editing your message")).to_be_hidden()
    expect(field).to_have_value("A draft of something else")
    expect_nowhere(page, "tulip")


def test_a_question_about_a_message_quotes_it_as_it_is(
    open_page: OpenPage, people: People, plan: Message
) -> None:
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    act(page, message(page, "The tulip plan"), "Report")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The tulip plan")
    services.edit_message(actor_id=people.alice.pk, message_id=plan.pk, body="The daisy plan")
    expect(dialog).to_contain_text("The daisy plan")
    services.delete_message(actor_id=people.alice.pk, message_id=plan.pk)
    expect(dialog).to_contain_text("Deleted message")
    expect_nowhere(page, "daisy")


def test_what_was_read_aloud_is_not_kept(open_page: OpenPage, people: People, lab: Room) -> None:
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    connected(alice)
    connected(bob)
    say(alice, "My password is tulip")
    sent(alice, "tulip")
    expect(bob.locator("[data-live]")).to_contain_text("Alice: My password is tulip")
    delete(alice, "tulip")
    expect(message(bob, "This message was deleted.")).to_be_visible()
    expect_nowhere(bob, "tulip")
    expect_nowhere(alice, "tulip")


def test_without_javascript_a_quote_says_that_it_is_deleted(
    open_page: OpenPage, people: People, answer: Message
) -> None:
    services.delete_message(actor_id=people.alice.pk, message_id=answer.reply_to_id or 0)
    page = open_page(people.bob, "/rooms/lab/", java_script_enabled=False)
    expect(quote(page, "Good idea")).to_contain_text("Deleted message")
