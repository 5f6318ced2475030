"""The inbox: its parts, what is folded together, the keyboard, and the way back.

Alice reads what Bob and Charlie do.
"""

import re
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from chat import services
from chat.models import Message, Room
from notifications import services as inbox
from notifications.models import Notification, Preferences
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message
from tests.conftest import People


@pytest.fixture
def busy(people: People, lab: Room) -> Room:
    """The lab, which notifies Alice of everything: three messages, a mention, two reactions."""
    services.set_involvement(actor_id=people.alice.pk, room_id=lab.pk, involvement="everything")
    services.join(actor_id=people.charlie.pk, room_id=lab.pk)
    said = say(people.alice, lab, "Who has the key?")
    for text in ("Not me", "@alice ask Charlie", "Or Dora", "Never mind"):
        say(people.bob, lab, text)
    services.react(actor_id=people.bob.pk, message_id=said, emoji="👍", on=True)
    services.react(actor_id=people.charlie.pk, message_id=said, emoji="🎉", on=True)
    return lab


def say(author: User, room: Room, text: str) -> int:
    return services.post_message(
        author_id=author.pk, room_id=room.pk, body=text, key=uuid4()
    ).message.pk


def heads(page: Page) -> Locator:
    """Return the titles in the list, without those that are folded away."""
    return page.locator(".notices > .notice > .notice__row .notice__title a")


def test_what_belongs_together_is_one_entry_and_folds_out(
    open_page: OpenPage, people: People, busy: Room
) -> None:
    page = open_page(people.alice, "/inbox/")
    connected(page)
    expect(heads(page)).to_have_text(
        [
            "Charlie and Bob reacted to your message in Lab",
            "3 messages in Lab",
            "Bob mentioned you in Lab",
        ]
    )
    expect(page.get_by_text("2 reactions", exact=True)).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(".notice__items .notice")).to_have_count(3)
    page.get_by_role("button", name="Collapse").click()
    expect(page.locator(".notice__items .notice:visible")).to_have_count(0)


def test_an_entry_shows_the_text_of_its_message_as_it_is_now(
    open_page: OpenPage, people: People, busy: Room
) -> None:
    page = open_page(people.alice, "/inbox/")
    connected(page)
    texts = page.locator(".notices > .notice > .notice__row [data-slot=excerpt]:visible")
    expect(texts).to_have_text(["Who has the key?", "Never mind", "@alice ask Charlie"])
    mention = Message.objects.get(body__contains="ask Charlie")
    services.edit_message(actor_id=people.bob.pk, message_id=mention.pk, body="@alice ask **Dora**")
    expect(texts.last).to_have_text("@alice ask Dora")
    services.delete_message(actor_id=people.bob.pk, message_id=mention.pk)
    expect(texts).to_have_text(["Who has the key?", "Never mind"])
    say(people.charlie, busy, "@alice under the mat")
    expect(heads(page).first).to_have_text("Charlie mentioned you in Lab")
    expect(texts.first).to_have_text("@alice under the mat")
    page.reload()
    expect(texts).to_have_text(["@alice under the mat", "Who has the key?", "Never mind"])


def test_an_entry_leads_to_its_message_and_is_read_by_that(
    open_page: OpenPage, people: People, busy: Room
) -> None:
    page = open_page(people.alice, "/inbox/")
    connected(page)
    page.get_by_role("link", name="3 messages in Lab").click()
    expect(message(page, "Not me")).to_contain_class("message--target")
    page.get_by_role("link", name=re.compile("^Inbox")).first.click()
    # The mention is read too: it is in the room that was read.
    expect(heads(page)).to_have_text(["Charlie and Bob reacted to your message in Lab"])
    page.get_by_role("link", name="All", exact=True).click()
    expect(page).to_have_url(re.compile(r"/inbox/\?tab=all$"))
    expect(heads(page)).to_have_count(3)


def test_what_is_read_elsewhere_leaves_the_unread(
    open_page: OpenPage, people: People, busy: Room
) -> None:
    page = open_page(people.alice, "/inbox/?tab=unread")
    connected(page)
    expect(page.locator("[data-slot=tab-count]")).to_have_text("5")
    mention = Notification.objects.get(user=people.alice, kind="mention")
    inbox.read(user_id=people.alice.pk, ids=[mention.pk])
    expect(heads(page)).to_have_count(2)
    expect(page.locator("[data-slot=tab-count]")).to_have_text("4")
    say(people.charlie, busy, "@alice hello")
    expect(heads(page).first).to_have_text("Charlie mentioned you in Lab")


def test_a_reaction_that_is_taken_back_goes(open_page: OpenPage, people: People, lab: Room) -> None:
    said = say(people.alice, lab, "Lunch?")
    page = open_page(people.alice, "/inbox/")
    connected(page)
    services.react(actor_id=people.bob.pk, message_id=said, emoji="👍", on=True)
    expect(heads(page)).to_have_text(["Bob reacted to your message in Lab"])
    services.react(actor_id=people.bob.pk, message_id=said, emoji="👍", on=False)
    expect(page.get_by_text("You're all caught up")).to_be_visible()


def test_archiving_is_undone(open_page: OpenPage, people: People, busy: Room) -> None:
    page = open_page(people.alice, "/inbox/")
    connected(page)
    entry = page.locator(".notice", has_text="3 messages in Lab").first
    entry.hover()
    entry.get_by_role("button", name="Archive").first.click()
    expect(heads(page)).to_have_count(2)
    expect(page.get_by_role("status").filter(has_text="3 archived")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(heads(page)).to_have_count(3)
    expect(page.locator("[data-slot=tab-count]")).to_have_text("5")


def test_the_archive_has_an_address_and_gives_back(
    open_page: OpenPage, people: People, busy: Room
) -> None:
    mention = Notification.objects.get(user=people.alice, kind="mention")
    inbox.archive(user_id=people.alice.pk, ids=[mention.pk])
    page = open_page(people.alice, "/inbox/?tab=archived")
    connected(page)
    expect(page.get_by_role("link", name="Archived")).to_have_attribute("aria-current", "page")
    expect(heads(page)).to_have_text(["Bob mentioned you in Lab"])
    page.locator(".notice").hover()
    page.get_by_role("button", name="Move to inbox").click()
    expect(page.get_by_text("No archived notifications")).to_be_visible()
    page.get_by_role("link", name="All", exact=True).click()
    expect(heads(page)).to_have_count(3)


def test_the_keyboard_goes_through_all_of_it(
    open_page: OpenPage, people: People, busy: Room
) -> None:
    page = open_page(people.alice, "/inbox/")
    connected(page)
    focused = page.locator(".notice__title a:focus")
    page.keyboard.press("j")
    expect(focused).to_have_text("Charlie and Bob reacted to your message in Lab")
    page.keyboard.press("ArrowDown")
    expect(focused).to_have_text("3 messages in Lab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("j")
    expect(focused).to_have_text("Bob wrote in Lab")
    page.keyboard.press("ArrowLeft")
    expect(focused).to_have_text("3 messages in Lab")
    page.keyboard.press("k")
    page.keyboard.press("e")
    expect(heads(page)).to_have_count(2)
    expect(focused).to_have_text("3 messages in Lab")
    page.keyboard.press("u")
    expect(heads(page)).to_have_count(1)
    expect(focused).to_have_text("Bob mentioned you in Lab")
    page.keyboard.press("z")
    expect(heads(page)).to_have_count(2)
    page.keyboard.press("z")
    expect(heads(page)).to_have_count(3)
    page.keyboard.press("Enter")
    expect(message(page, "ask Charlie")).to_contain_class("message--target")


def test_older_ones_come_in_pages(open_page: OpenPage, people: People, lab: Room) -> None:
    for number in range(60):
        say(people.bob, lab, f"@alice number {number}")
    page = open_page(people.alice, "/inbox/?tab=all")
    connected(page)
    expect(heads(page)).to_have_count(50)
    page.get_by_role("link", name="Show older").click()
    expect(heads(page)).to_have_count(60)
    expect(page.get_by_role("link", name="Show older")).to_be_hidden()


def test_without_javascript_the_tabs_are_links_and_nothing_is_folded(
    open_page: OpenPage, people: People, busy: Room
) -> None:
    page = open_page(people.alice, "/inbox/", java_script_enabled=False)
    expect(page.get_by_role("link", name="3 messages in Lab")).to_be_visible()
    expect(page.get_by_role("link", name="Bob wrote in Lab")).to_have_count(3)
    expect(page.get_by_role("button", name="Archive")).to_have_count(0)
    page.get_by_role("link", name="Archived").click()
    expect(page.get_by_text("No archived notifications")).to_be_visible()


# -- preferences -----------------------------------------------------------------------------------


def test_a_choice_is_saved_at_once(open_page: OpenPage, people: People, lab: Room) -> None:
    page = open_page(people.alice, "/account/notifications/")
    page.get_by_label("Reactions: inbox").uncheck()
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    page.get_by_label("Mentions: device").uncheck()
    page.get_by_label("Quiet hours").check()
    page.get_by_label("From", exact=True).fill("21:30")
    page.get_by_role("searchbox", name="Search your rooms").fill("la")
    with page.expect_request_finished(
        lambda request: request.method == "POST" and "room-" in (request.post_data or "")
    ):
        page.get_by_label("Lab", exact=True).select_option("Nothing")
    page.reload()
    expect(page.get_by_label("Reactions: inbox")).not_to_be_checked()
    expect(page.get_by_label("From", exact=True)).to_have_value("21:30")
    expect(page.get_by_label("Lab", exact=True)).to_have_value("nothing")
    chosen = Preferences.objects.get(user=people.alice)
    assert (chosen.inbox_off, chosen.desktop_off) == (["reaction"], ["mention"])


def test_what_cannot_be_saved_says_why(open_page: OpenPage, people: People) -> None:
    page = open_page(people.alice, "/account/notifications/", expected="status of 400")
    page.get_by_label("Quiet hours").check()
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    page.get_by_label("From", exact=True).fill("07:00")
    expect(page.get_by_role("alert")).to_have_text(
        "Quiet hours can't start and end at the same time."
    )


def test_without_javascript_a_button_saves(open_page: OpenPage, people: People, lab: Room) -> None:
    page = open_page(people.alice, "/account/notifications/?q=lab", java_script_enabled=False)
    page.get_by_label("Lab", exact=True).select_option("All messages")
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_text("Saved")).to_be_visible()
    expect(page.get_by_label("Lab", exact=True)).to_have_value("everything")
