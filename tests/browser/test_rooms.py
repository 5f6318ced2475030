"""Finding, making, joining and leaving rooms, and the layout on a phone."""

import pytest
from playwright.sync_api import expect

from chat import services
from chat.models import Report, Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import act, connected, message, place, say, sent
from tests.conftest import People

PHONE = {"width": 360, "height": 740}


def test_a_reader_joins_from_the_room_and_writes(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.charlie, "/rooms/lab/")
    connected(page)
    expect(page.get_by_text("You're previewing a public room. Join it to post.")).to_be_visible()
    expect(place(page, "Lab")).to_have_count(0)
    # The room on the screen is not loaded again under what one begins to write.
    page.route("**/rooms/lab/", lambda route: route.abort())
    page.get_by_role("button", name="Join room").click()
    expect(place(page, "Lab")).to_be_visible()
    say(page, "Hello, I am Charlie")
    sent(page, "Hello, I am Charlie")


def test_the_directory_is_searched_and_joined_from(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.create_room(actor_id=people.alice.pk, name="Garden")
    page = open_page(people.charlie, "/rooms/")
    connected(page)
    page.get_by_role("searchbox", name="Search rooms").fill("gard")
    expect(page.locator(".directory__room:visible")).to_have_count(1)
    page.get_by_role("button", name="Join Garden").click()
    expect(page.get_by_role("heading", name="Garden").first).to_be_visible()
    expect(place(page, "Garden")).to_be_visible()


def test_a_room_is_created_and_a_member_invited(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    alice, charlie = open_page(people.alice, "/rooms/lab/"), open_page(people.charlie, "/rooms/")
    connected(alice)
    connected(charlie)
    alice.get_by_role("link", name="Create a room").click()
    dialog = alice.get_by_role("dialog", name="New room")
    dialog.get_by_label("Name").fill("Attic")
    dialog.get_by_text("Only people you invite").click()
    dialog.get_by_role("button", name="Create room").click()
    expect(alice.get_by_role("heading", name="Attic").first).to_be_visible()
    alice.locator(".bar__people").click()
    alice.get_by_role("button", name="Invite people").click()
    alice.get_by_role("dialog").get_by_label("Name").fill("char")
    alice.get_by_role("dialog").get_by_role("button", name="Charlie").click()
    charlie.get_by_role("button", name="Accept").click()
    expect(place(charlie, "Attic")).to_be_visible()
    expect(charlie.get_by_text("Only members can see it.")).to_be_visible()


def test_a_dialog_begins_in_its_field_and_enter_does_what_it_is_for(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    page.get_by_role("button", name="Start a direct message").click()
    expect(page.get_by_role("dialog").get_by_label("Name")).to_be_focused()
    page.keyboard.type("charlie")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove Charlie")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Charlie").first).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("link", name="Create a room").click()
    expect(page.get_by_role("dialog").get_by_label("Name")).to_be_focused()
    page.keyboard.type("Attic")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Attic").first).to_be_visible()
    page.locator(".bar__people").click()
    page.get_by_role("button", name="Invite people").click()
    expect(page.get_by_role("dialog").get_by_label("Name")).to_be_focused()
    page.keyboard.type("bob")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Bob was invited")).to_be_visible()
    page.get_by_role("button", name="Room actions").click()
    page.get_by_role("menuitem", name="Room settings").click()
    expect(page.get_by_role("dialog").get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Room actions").click()
    page.get_by_role("menuitem", name="Leave room").click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Cancel")).to_be_focused()


def test_a_room_whose_name_was_taken_comes_back_under_another_one(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.change_room(actor_id=people.alice.pk, room_id=lab.pk, archived=True)
    services.create_room(actor_id=people.bob.pk, name="Lab", slug="lab-2", kind="public")
    page = open_page(people.alice, "/rooms/lab/", expected="status of 400")
    page.get_by_role("button", name="Room actions").click()
    page.get_by_role("menuitem", name="Room settings").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("New name")).to_be_hidden()
    dialog.get_by_role("button", name="Unarchive").click()
    expect(dialog.get_by_text("Another room has taken the name of this one.")).to_be_visible()
    expect(dialog.get_by_label("New name")).to_be_focused()
    expect(dialog.get_by_role("button", name="Unarchive")).to_be_in_viewport()
    expect(dialog.get_by_label("New name")).to_have_value("Lab")
    page.keyboard.type("Old lab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Room unarchived")).to_be_visible()
    expect(page.get_by_role("heading", name="Old lab").first).to_be_visible()


def test_a_report_begins_with_its_choices(open_page: OpenPage, people: People, lab: Room) -> None:
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="The rules")
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    act(page, message(page, "The rules"), "Report")
    expect(page.get_by_role("radio", name="Spam")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Report sent. A moderator will review the message.")).to_be_visible()
    assert Report.objects.get().category == "abuse"


def test_the_number_of_members_follows_who_comes_and_goes(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    alice = open_page(people.alice, "/rooms/lab/")
    connected(alice)
    number = alice.locator('[data-slot="member-count"]')
    expect(number).to_have_text("2")
    services.join(actor_id=people.charlie.pk, room_id=lab.pk)
    expect(number).to_have_text("3")
    services.remove(actor_id=people.alice.pk, room_id=lab.pk, user_id=people.charlie.pk)
    expect(number).to_have_text("2")
    alice.locator(".bar__people").click()
    alice.get_by_role("button", name="Invite people").click()
    alice.keyboard.type("charlie")
    alice.keyboard.press("Enter")
    expect(alice.get_by_text("Charlie was invited")).to_be_visible()
    services.join(actor_id=people.charlie.pk, room_id=lab.pk)
    expect(alice.locator(".member")).to_have_count(3)
    expect(number).to_have_text("3")
    services.remove(actor_id=people.alice.pk, room_id=lab.pk, user_id=people.charlie.pk)
    expect(number).to_have_text("2")
    services.ban(actor_id=people.alice.pk, room_id=lab.pk, user_id=people.bob.pk)
    expect(number).to_have_text("1")
    expect(alice.locator(".member")).to_have_count(1)


def test_a_room_called_new_can_be_opened(open_page: OpenPage, people: People, lab: Room) -> None:
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    page.get_by_role("link", name="Create a room").click()
    page.get_by_role("dialog").get_by_label("Name").fill("New")
    page.get_by_role("dialog").get_by_role("button", name="Create room").click()
    expect(page).to_have_title("New · Holdfast")
    page.reload()
    say(page, "It is a room")
    sent(page, "It is a room")


def test_a_direct_message_finds_the_other(open_page: OpenPage, people: People, lab: Room) -> None:
    alice, charlie = open_page(people.alice, "/rooms/lab/"), open_page(people.charlie, "/rooms/")
    connected(alice)
    connected(charlie)
    alice.get_by_role("button", name="Start a direct message").click()
    alice.get_by_role("dialog").get_by_label("Name").fill("charlie")
    alice.get_by_role("dialog").get_by_role("button", name="Charlie").click()
    alice.get_by_role("dialog").get_by_role("button", name="Start conversation").click()
    expect(alice.get_by_role("heading", name="Charlie").first).to_be_visible()
    say(alice, "Between us")
    expect(place(charlie, "Alice").locator(".badge")).to_contain_text("1 unread message")
    place(charlie, "Alice").click()
    expect(message(charlie, "Between us")).to_be_visible()


def test_who_leaves_a_room_no_longer_has_it_and_can_come_back(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    page.get_by_role("button", name="Room actions").click()
    page.get_by_role("menuitem", name="Leave room").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(place(page, "Lab")).to_have_count(0)
    services.post_message(
        author_id=people.alice.pk, room_id=lab.pk, body="Posted while Bob was away"
    )
    page.get_by_role("button", name="Join Lab").click()
    expect(message(page, "Posted while Bob was away")).to_be_visible()
    say(page, "I am back")
    sent(page, "I am back")


def test_going_from_room_to_room_keeps_the_connection_and_the_way_back(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.create_room(actor_id=people.alice.pk, name="Garden")
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    place(page, "Garden").click()
    expect(page).to_have_title("Garden · Holdfast")
    say(page, "Roses")
    sent(page, "Roses")
    page.go_back()
    expect(page).to_have_title("Lab · Holdfast")
    page.go_forward()
    expect(message(page, "Roses")).to_be_visible()
    assert sockets == []


def test_on_a_phone_the_rooms_are_a_drawer(open_page: OpenPage, people: People, lab: Room) -> None:
    services.create_room(actor_id=people.alice.pk, name="Garden")
    page = open_page(people.alice, "/rooms/lab/", viewport=PHONE, has_touch=True)
    connected(page)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    expect(place(page, "Garden")).to_be_hidden()
    page.get_by_role("link", name="Rooms and inbox").click()
    place(page, "Garden").click()
    expect(page.get_by_role("heading", name="Garden").first).to_be_visible()
    expect(place(page, "Garden")).to_be_hidden()


@pytest.mark.parametrize("locale", ["en", "ar"])
@pytest.mark.parametrize("width", [780, 900, 1200])
def test_nothing_lies_below_the_notch_of_a_phone_held_sideways(
    open_page: OpenPage, people: People, lab: Room, locale: str, width: int
) -> None:
    services.post_message(author_id=people.bob.pk, room_id=lab.pk, body="Hello")
    page = open_page(
        people.alice, "/rooms/lab/", locale=locale, viewport={"width": width, "height": 390}
    )
    insets = {"top": 0, "bottom": 20, "left": 47, "right": 47}
    page.context.new_cdp_session(page).send(
        "Emulation.setSafeAreaInsetsOverride", {"insets": insets}
    )
    narrow = width < 800  # the rooms are in a drawer
    for part in (
        ".timeline__list",
        ".composer__box",
        ".bar__words",
        *([] if narrow else [".sidebar__scroll"]),
    ):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["x"] >= insets["left"], part
        assert box["x"] + box["width"] <= width - insets["right"], part
