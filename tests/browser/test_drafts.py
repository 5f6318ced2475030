"""Nothing that is being written is lost, overwritten or sent twice."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from chat import services
from chat.models import Message, Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import act, connected, message, sent
from tests.conftest import People


@pytest.fixture
def page(open_page: OpenPage, people: People, lab: Room) -> Page:
    """Bob in Lab, where he has written two messages."""
    for body in ("The first plan", "The second plan"):
        services.post_message(author_id=people.bob.pk, room_id=lab.pk, body=body)
    found = open_page(people.bob, "/rooms/lab/")
    connected(found)
    return found


def field(page: Page) -> Locator:
    """Where one writes."""
    return page.get_by_label("Message", exact=True)


def second_tab(page: Page) -> Page:
    """Open the same room in another tab of the same browser."""
    tab = page.context.new_page()
    tab.goto(page.url)
    connected(tab)
    return tab


def test_what_was_typed_in_a_tab_stays_there_when_another_tab_sends(page: Page) -> None:
    tab = second_tab(page)
    field(page).fill("from tab one")
    expect(field(tab)).to_have_value("from tab one")
    field(tab).fill("from tab two")
    field(tab).press("Enter")
    sent(tab, "from tab two")
    expect(field(page)).to_have_value("from tab one")
    page.reload()
    expect(field(page)).to_have_value("from tab one")
    expect(field(second_tab(page))).to_have_value("from tab one")


def test_a_draft_that_another_tab_sends_is_not_there_to_be_sent_again(page: Page) -> None:
    field(page).fill("once only")
    tab = second_tab(page)
    expect(field(tab)).to_have_value("once only")
    field(tab).press("Enter")
    sent(tab, "once only")
    expect(field(page)).to_have_value("")
    page.reload()
    connected(page)
    expect(field(page)).to_have_value("")


def test_a_draft_remembers_what_it_answers(page: Page) -> None:
    act(page, message(page, "The first plan"), "Reply")
    field(page).fill("Why not?")
    page.reload()
    connected(page)
    expect(page.get_by_text("Replying to Bob")).to_be_visible()
    field(page).press("Enter")
    sent(page, "Why not?")
    first, answer = Message.objects.get(body="The first plan"), Message.objects.last()
    assert answer is not None
    assert answer.reply_to_id == first.pk


def test_edits_in_progress_survive_other_edits_and_a_reload(page: Page) -> None:
    act(page, message(page, "The first plan"), "Edit")
    field(page).fill("The first plan, half chan")
    act(page, message(page, "The second plan"), "Edit")
    expect(field(page)).to_have_value("The second plan")
    expect(page.get_by_text("Your unsaved changes are kept.")).to_be_visible()
    act(page, message(page, "The first plan"), "Edit")
    expect(field(page)).to_have_value("The first plan, half chan")
    expect(message(page, "The first plan")).to_have_class(re.compile("message--edited-now"))
    page.reload()
    connected(page)
    expect(page.get_by_text("Editing your message")).to_be_visible()
    expect(field(page)).to_have_value("The first plan, half chan")
    field(page).press("Enter")
    expect(message(page, "The first plan, half chan")).to_be_visible()
    expect(field(page)).to_have_value("")


def test_an_edit_of_what_another_tab_has_changed_tells_so_and_shows_both_texts(
    page: Page, people: People
) -> None:
    act(page, message(page, "The first plan"), "Edit")
    field(page).fill("My version")
    first = Message.objects.get(body="The first plan")
    services.edit_message(actor_id=people.bob.pk, message_id=first.pk, body="The other version")
    expect(page.get_by_text("Changed meanwhile on another page or device.")).to_be_visible()
    expect(page.locator(".composer__context")).to_contain_text("The other version")
    expect(field(page)).to_have_value("My version")
    field(page).press("Enter")
    expect(message(page, "My version")).to_be_visible()


def test_an_edit_to_nothing_offers_to_delete(page: Page) -> None:
    act(page, message(page, "The first plan"), "Edit")
    expect(field(page)).to_have_attribute("placeholder", "Change your message")
    field(page).fill("")
    field(page).press("Enter")
    dialog = page.get_by_role("dialog", name="Delete this message?")
    dialog.get_by_role("button", name="Delete").click()
    expect(message(page, "The first plan")).to_have_count(0)
    expect(page.get_by_text("Editing your message")).to_be_hidden()


def test_changes_of_a_message_that_is_deleted_meanwhile_become_a_draft(
    page: Page, people: People
) -> None:
    act(page, message(page, "The first plan"), "Edit")
    field(page).fill("A much better text")
    first = Message.objects.get(body="The first plan")
    services.delete_message(actor_id=people.alice.pk, message_id=first.pk)
    expect(page.get_by_text("The message you were editing has been deleted.")).to_be_visible()
    expect(field(page)).to_have_value("A much better text")
    field(page).press("Enter")
    sent(page, "A much better text")
