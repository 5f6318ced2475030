"""Group conversations: choosing the people, the names in the page, and leaving."""

from playwright.sync_api import Page, expect

from chat import services
from chat.models import Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message, place, say
from tests.conftest import People


def begin(page: Page, *names: str) -> None:
    """Choose these people for a new conversation."""
    page.get_by_role("button", name="Start a direct message").click()
    dialog = page.get_by_role("dialog")
    for name in names:
        dialog.get_by_label("Name").fill(name.lower())
        dialog.get_by_role("button", name=name).click()
        expect(dialog.get_by_role("button", name=f"Remove {name}")).to_be_visible()
        expect(dialog.get_by_label("Name")).to_be_focused()
    dialog.get_by_role("button", name="Start conversation").click()
    expect(dialog).to_have_count(0)


def test_a_group_is_begun_and_named_by_its_people(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    alice, charlie = open_page(people.alice, "/rooms/lab/"), open_page(people.charlie, "/rooms/")
    connected(alice)
    connected(charlie)
    begin(alice, "Charlie", "Bob")
    expect(alice.get_by_role("heading", level=1, name="Bob and Charlie")).to_be_visible()
    expect(alice).to_have_title("Bob and Charlie · Holdfast")
    say(alice, "For the three of us")
    expect(place(charlie, "Alice and Bob").locator(".badge")).to_contain_text("1 unread message")
    place(charlie, "Alice and Bob").click()
    expect(message(charlie, "For the three of us")).to_be_visible()
    charlie.locator(".bar__people").click()
    expect(charlie.locator("#members .member")).to_have_count(3)
    expect(charlie.get_by_role("button", name="Invite people")).to_be_hidden()
    alice.goto("/rooms/lab/")
    connected(alice)
    begin(alice, "Bob", "Charlie")
    expect(message(alice, "For the three of us")).to_be_visible()


def test_a_chosen_person_can_be_removed_and_one_is_needed(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    page.get_by_role("button", name="Start a direct message").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("bob")
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Remove Bob").click()
    dialog.get_by_role("button", name="Start conversation").click()
    expect(dialog.get_by_text("Choose at least one person.")).to_be_visible()


def test_someone_leaves_and_comes_back(open_page: OpenPage, people: People, lab: Room) -> None:
    room = services.group_room(
        actor_id=people.alice.pk, user_ids=[people.bob.pk, people.charlie.pk]
    ).room
    page = open_page(people.bob, room.get_absolute_url())
    connected(page)
    page.get_by_role("button", name="Room actions").click()
    page.get_by_role("menuitem", name="Leave room").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(place(page, "Alice and Charlie")).to_have_count(0)
    begin(page, "Alice", "Charlie")
    expect(page.get_by_role("heading", level=1, name="Alice and Charlie")).to_be_visible()


def test_the_switcher_finds_a_group_by_any_of_its_people(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    ids = [people.bob.pk, people.charlie.pk]
    services.group_room(actor_id=people.alice.pk, user_ids=ids)
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    page.keyboard.press("Control+k")
    page.keyboard.type("charlie")
    option = page.get_by_role("option", name="Bob and Charlie")
    expect(option).to_contain_text("Group conversation")
    option.click()
    expect(page.get_by_role("heading", level=1, name="Bob and Charlie")).to_be_visible()
