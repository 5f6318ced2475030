"""The page of a filter in a browser: tried, seen, switched on; and the next message has it."""

from playwright.sync_api import expect

from chat import services
from chat.models import Room
from chat.services.moderation.moderators import appoint_moderator
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message, say
from tests.conftest import People, make_user


def test_mona_tries_a_filter_and_switches_it_on(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    mona = make_user("mona")
    appoint_moderator(username="mona")
    for body in ("Buy WATCHES", "watchesmaker", "Hello"):
        services.post_message(author_id=people.bob.pk, room_id=lab.pk, body=body)
    page = open_page(mona, "/admin/chat/filter/")
    page.get_by_role("link", name="Add filter").click()
    page.get_by_label("Text").fill("(watches")
    page.get_by_label("pattern").check()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("missing )")).to_be_visible()
    page.get_by_label("word or phrase").check()
    page.get_by_label("Text").fill("watches")
    page.get_by_label("Mask:").check()
    page.get_by_label("Sample").fill("My watches are cheap")
    page.get_by_role("button", name="Preview").click()
    preview = page.locator("#preview")
    expect(preview.get_by_text("1 match in the last 3 messages")).to_be_visible()
    expect(preview.get_by_text("My ••• are cheap")).to_be_visible()
    expect(preview.locator("mark").first).to_have_text("watches")
    page.get_by_role("button", name="Save and turn on").click()
    expect(page.get_by_text("Filter saved and turned on.")).to_be_visible()
    bob = open_page(people.bob, "/rooms/lab/")
    connected(bob)
    say(bob, "Cheap Watches!")
    expect(message(bob, "Cheap •••!")).to_be_visible()
