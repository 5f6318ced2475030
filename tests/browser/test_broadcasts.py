"""Announcements to all users and notifications to some, on pages with and without chat.

The first test sends as an operator does, from a process of its own; a process takes seconds to
start, and the others save them.
"""

from collections.abc import Callable

from django.core.management import call_command
from playwright.sync_api import expect

from chat.models import Room
from notifications.models import Broadcast
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message
from tests.conftest import People

Manage = Callable[..., str]


def test_an_announcement_appears_everywhere_until_it_is_dismissed(
    open_page: OpenPage, people: People, lab: Room, manage_py: Manage
) -> None:
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/accounts/")
    connected(alice)
    manage_py(
        "broadcast",
        "Maintenance tonight",
        "--all",
        "--yes",
        "--level",
        "warning",
        "--title",
        "Heads up",
    )
    expect(alice.locator(".banner")).to_contain_text("Heads up Maintenance tonight")
    expect(bob.locator(".banner")).to_have_attribute("data-level", "warning")
    second = bob.context.new_page()
    second.goto("/rooms/lab/")
    expect(second.locator(".banner")).to_be_visible()
    second.get_by_role("button", name="Dismiss").click()
    expect(second.locator(".banner")).to_have_count(0)
    expect(bob.locator(".banner")).to_have_count(0)
    expect(alice.locator(".banner")).to_be_visible()
    bob.reload()
    expect(bob.get_by_role("link", name="Inbox")).to_be_visible()
    expect(bob.locator(".banner")).to_have_count(0)


def test_an_announcement_changes_and_goes(open_page: OpenPage, people: People) -> None:
    page = open_page(people.alice, "/accounts/")
    call_command("broadcast", "Free lunch", "--all", "--yes")
    broadcast = Broadcast.objects.get()
    expect(page.locator(".banner")).to_contain_text("Free lunch")
    call_command("edit_broadcast", str(broadcast.pk), "Free dinner", "--level", "warning")
    expect(page.locator(".banner")).to_contain_text("Free dinner")
    expect(page.locator(".banner")).to_have_attribute("data-level", "warning")
    call_command("recall", str(broadcast.pk))
    expect(page.locator(".banner")).to_have_count(0)


def test_a_page_with_only_a_bell_counts_and_the_inbox_is_read(
    open_page: OpenPage, people: People
) -> None:
    bell_page = open_page(people.bob, "/accounts/")
    inbox = bell_page.context.new_page()
    inbox.goto("/inbox/")
    connected(inbox)
    call_command("broadcast", "Your report is done", "--user", "bob")
    call_command("broadcast", "Another one", "--user", "bob")
    expect(bell_page.get_by_role("link", name="Inbox, 2 unread")).to_be_visible()
    expect(inbox.locator(".notice")).to_have_count(2)
    call_command("edit_broadcast", str(Broadcast.objects.latest("pk").pk), "One more")
    expect(inbox.locator(".notice", has_text="One more")).to_have_count(1)
    expect(bell_page.get_by_role("link", name="Inbox, 2 unread")).to_be_visible()
    inbox.locator(".notice").first.hover()
    inbox.get_by_role("button", name="Mark as read").first.click()
    expect(bell_page.get_by_role("link", name="Inbox, 1 unread")).to_be_visible()
    expect(inbox.locator(".notice")).to_have_count(1)
    inbox.get_by_role("button", name="Mark all as read").click()
    expect(bell_page.get_by_role("link", name="Inbox", exact=True)).to_be_visible()
    expect(inbox.get_by_text("You're all caught up")).to_be_visible()


def test_a_broadcast_to_a_room_is_a_message_of_the_system(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    call_command("broadcast", "The lab closes at six", "--room", "lab")
    expect(message(page, "The lab closes at six")).to_contain_class("message--system")
