"""Read receipts: under the newest message, in the list of a message, and the settings."""

from playwright.sync_api import expect

from chat import services
from chat.models import Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import act, connected, message, say, sent
from tests.conftest import People


def test_the_owner_turns_them_on_and_sees_who_has_read(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    alice = open_page(people.alice, "/rooms/lab/")
    connected(alice)
    say(alice, "Who has seen this?")
    sent(alice, "Who has seen this?")
    bob = open_page(people.bob, "/rooms/lab/")
    expect(message(bob, "Who has seen this?")).to_be_visible()
    alice.get_by_role("button", name="Room actions").click()
    alice.get_by_role("menuitem", name="Room settings").click()
    dialog = alice.get_by_role("dialog")
    dialog.get_by_label("Read receipts").check()
    dialog.get_by_role("button", name="Save").click()
    expect(message(alice, "Who has seen this?")).to_contain_text("Read by Bob")
    say(alice, "And this?")
    expect(message(alice, "And this?")).to_contain_text("Read by Bob")
    expect(alice.locator(".message__receipt")).to_have_count(1)
    act(alice, message(alice, "Who has seen this?"), "Read by…")
    expect(alice.get_by_role("dialog", name="Read by")).to_contain_text("Bob")
    bob.locator(".bar__people").click()
    expect(bob.get_by_text("Members see how far others have read.")).to_be_visible()
    expect(bob.locator(".message__receipt")).to_have_count(0)


def test_a_pair_sees_that_it_was_read_unless_one_does_not_want_it(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    room = services.direct_room(actor_id=people.alice.pk, user_id=people.bob.pk).room
    alice = open_page(people.alice, room.get_absolute_url())
    connected(alice)
    say(alice, "Between us")
    sent(alice, "Between us")
    expect(alice.locator(".message__receipt")).to_have_count(0)
    bob = open_page(people.bob, room.get_absolute_url())
    expect(message(bob, "Between us")).to_be_visible()
    expect(message(alice, "Between us").locator(".message__receipt")).to_have_text("Read")
    bob.goto("/accounts/")
    bob.get_by_label("Send and see read receipts").uncheck()
    bob.get_by_role("region", name="Read receipts").get_by_role("button", name="Save").click()
    expect(bob.get_by_label("Send and see read receipts")).not_to_be_checked()
    alice.reload()
    connected(alice)
    expect(message(alice, "Between us")).to_be_visible()
    expect(alice.locator(".message__receipt")).to_have_count(0)
