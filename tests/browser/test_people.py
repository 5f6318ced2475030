"""People: profile cards, blocks that collapse, members, room settings, invitation links."""

from playwright.sync_api import Page, Route, expect

from chat import services
from chat.models import InviteLink, Membership, Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message, say, sent
from tests.conftest import PASSWORD, People


def card_of(page: Page, text: str) -> None:
    """Open the profile card of a message's author."""
    message(page, text).locator(".message__author").click()


def settings(page: Page) -> None:
    page.get_by_role("button", name="Room actions").click()
    page.get_by_role("menuitem", name="Room settings").click()


def test_a_card_shows_the_role_of_a_member(open_page: OpenPage, people: People, lab: Room) -> None:
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="Hello, @bob")
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    card_of(page, "Hello")
    card = page.get_by_role("dialog", name="Alice")
    for words in ("@alice", "Owner", "Member since", "Not here"):
        expect(card).to_contain_text(words)
    expect(card.get_by_role("button", name="Ban")).to_have_count(0)
    card.get_by_role("button", name="Mention").click()
    expect(page.get_by_label("Message", exact=True)).to_have_value("@alice ")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()


def test_a_card_offers_nothing_until_it_is_known(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.post_message(author_id=people.bob.pk, room_id=lab.pk, body="Hello")
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    held: list[Route] = []
    page.route("**/api/rooms/*/members/*", lambda route: held.append(route))
    with page.expect_request("**/api/rooms/*/members/*"):
        card_of(page, "Hello")
    card = page.get_by_role("dialog", name="Bob")
    expect(card.get_by_role("button")).to_have_accessible_name("Close")
    held.pop().continue_()
    expect(card.get_by_role("button", name="Block")).to_be_visible()
    expect(card).to_contain_text("Member since")
    page.keyboard.press("Escape")
    with page.expect_request("**/api/rooms/*/members/*"):
        card_of(page, "Hello")
    expect(card.get_by_role("button")).to_have_accessible_name("Close")
    held.pop().fulfill(
        status=503, json={"error": {"code": "unavailable", "message": "Busy. Try again."}}
    )
    expect(card.get_by_role("alert")).to_have_text("Busy. Try again.")
    expect(card.get_by_role("button", name="Block")).to_be_visible()


def test_the_card_opens_and_closes_by_keys(open_page: OpenPage, people: People, lab: Room) -> None:
    services.post_message(author_id=people.bob.pk, room_id=lab.pk, body="Look at me")
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    message(page, "Look at me").focus()
    page.keyboard.press("p")
    card = page.get_by_role("dialog", name="Bob")
    expect(card.get_by_role("button", name="Close")).to_be_focused()
    expect(card.get_by_role("button", name="Remove from room")).to_be_visible()
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(message(page, "Look at me")).to_be_focused()


def test_on_a_phone_the_card_is_a_sheet(open_page: OpenPage, people: People, lab: Room) -> None:
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="Hello")
    page = open_page(people.bob, "/rooms/lab/", viewport={"width": 390, "height": 780})
    connected(page)
    card_of(page, "Hello")
    expect(page.get_by_role("dialog", name="Alice")).to_contain_text("Owner")
    box = page.locator("#profile").bounding_box()
    assert box is not None
    assert (box["x"], box["width"], round(box["y"] + box["height"])) == (0, 390, 780)


def test_messages_of_a_blocked_user_are_collapsed_in_every_tab(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    for text in ("First insult", "Second insult"):
        services.post_message(author_id=people.bob.pk, room_id=lab.pk, body=text)
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="Please stop")
    alice, other = open_page(people.alice, "/rooms/lab/"), open_page(people.alice, "/rooms/lab/")
    connected(alice)
    connected(other)
    card_of(alice, "First insult")
    alice.get_by_role("dialog", name="Bob").get_by_role("button", name="Block").click()
    alice.get_by_role("dialog").get_by_role("button", name="Block").click()
    for page in (alice, other):
        expect(page.locator(".message__fold:visible")).to_have_count(1)
        expect(page.locator(".message__fold-many:visible")).to_have_text(
            "Messages from people you blocked"
        )
        expect(page.get_by_text("First insult")).to_be_hidden()
        expect(page.get_by_text("Please stop")).to_be_visible()
    bob = open_page(people.bob, "/rooms/lab/")
    connected(bob)
    say(bob, "Third insult")
    sent(bob, "Third insult")
    expect(message(alice, "Third insult").locator(".message__fold")).to_be_visible()
    alice.get_by_role("button", name="Show").first.click()
    expect(alice.get_by_text("Second insult")).to_be_visible()
    expect(message(alice, "First insult")).to_be_focused()
    alice.reload()
    expect(alice.get_by_text("First insult")).to_be_hidden()
    alice.goto("/accounts/")
    alice.get_by_role("button", name="Unblock Bob").click()
    expect(alice.get_by_text("Bob has been unblocked.")).to_be_visible()
    expect(other.get_by_text("First insult")).to_be_visible()


def test_a_blocked_user_learns_only_that_the_message_cannot_be_sent(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    room = services.direct_room(actor_id=people.alice.pk, user_id=people.bob.pk).room
    services.block(actor_id=people.alice.pk, user_id=people.bob.pk)
    bob, alice = (
        open_page(people.bob, room.get_absolute_url()),
        open_page(people.alice, room.get_absolute_url()),
    )
    connected(bob)
    say(bob, "Are you there?")
    expect(message(bob, "Are you there?")).to_contain_text("You cannot write to this person.")
    expect(alice.get_by_text("You've blocked Bob. Unblock to send messages again.")).to_be_visible()
    expect(alice.get_by_label("Message", exact=True)).to_be_hidden()


def test_members_stand_by_role_and_are_found_by_name(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.join(actor_id=people.charlie.pk, room_id=lab.pk)
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    connected(bob)
    connected(alice)
    alice.locator(".bar__people").click()
    panel = alice.get_by_role("complementary", name="Members")
    expect(panel.get_by_role("heading", name="Owners · 1")).to_be_visible()
    expect(panel.get_by_role("heading", name="Here now · 1")).to_be_visible()
    expect(panel.get_by_role("heading", name="Not here · 1")).to_be_visible()
    panel.get_by_label("Find members").fill("char")
    expect(panel.locator(".member")).to_have_count(1)
    panel.locator(".member__person").click()
    card = alice.get_by_role("dialog", name="Charlie")
    card.get_by_role("button", name="Transfer ownership").click()
    alice.get_by_role("dialog").get_by_role("button", name="Transfer ownership").click()
    expect(alice.get_by_role("dialog")).to_have_count(0)
    panel.get_by_label("Find members").fill("")
    expect(panel.locator(".member", has_text="Charlie")).to_have_count(1)
    expect(panel.get_by_role("heading", name="Moderators · 1")).to_be_visible()
    assert Membership.objects.get(room=lab, user=people.charlie).role == "owner"


def test_the_focus_stays_on_a_member_who_comes(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.join(actor_id=people.charlie.pk, room_id=lab.pk)
    alice = open_page(people.alice, "/rooms/lab/")
    connected(alice)
    alice.locator(".bar__people").click()
    panel = alice.get_by_role("complementary", name="Members")
    expect(panel.get_by_role("heading", name="Not here · 2")).to_be_visible()
    actions = panel.get_by_role("button", name="Actions for Charlie")
    actions.focus()
    open_page(people.charlie, "/rooms/lab/")
    expect(panel.get_by_role("heading", name="Here now · 1")).to_be_visible()
    expect(actions).to_be_focused()
    alice.keyboard.press("Enter")
    expect(alice.get_by_role("menuitem", name="Remove from room")).to_be_visible()
    open_page(people.bob, "/rooms/lab/")
    expect(panel.get_by_role("heading", name="Here now · 2")).to_be_visible()
    alice.keyboard.press("Escape")
    expect(actions).to_be_focused()


def test_a_person_joins_by_a_link(open_page: OpenPage, people: People) -> None:
    den = services.create_room(actor_id=people.alice.pk, name="Den", kind=Room.Kind.PRIVATE).room
    alice = open_page(people.alice, den.get_absolute_url())
    connected(alice)
    settings(alice)
    dialog = alice.get_by_role("dialog", name="Room settings")
    dialog.get_by_role("tab", name="Invitations").click()
    dialog.get_by_label("Maximum uses").select_option("1")
    dialog.get_by_role("button", name="Create link").click()
    expect(dialog.get_by_text("0 of 1 uses")).to_be_visible()
    url = dialog.get_by_label("New invite link").input_value()
    guest = open_page(None, url)
    expect(guest.get_by_role("heading", name="Den")).to_be_visible()
    expect(guest.get_by_text("Invitation from Alice")).to_be_visible()
    guest.get_by_role("link", name="Sign in to join").click()
    guest.get_by_label("Username").fill("charlie")
    guest.get_by_label("Password").fill(PASSWORD)
    guest.get_by_role("button", name="Sign in").click()
    guest.get_by_role("button", name="Join").click()
    connected(guest)
    say(guest, "Here I am")
    expect(message(alice, "Here I am")).to_have_count(1)
    late = open_page(people.bob, url, expected="status of 410")
    expect(late.get_by_text("This invitation has been used up.")).to_be_visible()
    assert InviteLink.objects.get(room=den).uses == 1


def test_an_owner_archives_a_room_and_brings_it_back(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    alice = open_page(people.alice, "/rooms/lab/")
    connected(alice)
    settings(alice)
    alice.get_by_role("dialog").get_by_role("button", name="Archive").click()
    alice.get_by_role("dialog", name="Archive Lab?").get_by_role("button", name="Archive").click()
    expect(
        alice.get_by_text("This room is archived. You can read it, but no one can post.")
    ).to_be_visible()
    settings(alice)
    alice.get_by_role("dialog").get_by_role("button", name="Unarchive").click()
    expect(alice.get_by_text("Room unarchived")).to_be_visible()
    lab.refresh_from_db()
    assert lab.archived_at is None


def test_the_list_of_blocked_people_follows_what_is_done_elsewhere(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.alice, "/accounts/")
    expect(page.get_by_text("You haven't blocked anyone.")).to_be_visible()
    services.block(actor_id=people.alice.pk, user_id=people.bob.pk)
    unblock = page.get_by_role("button", name="Unblock Bob")
    unblock.focus()
    services.block(actor_id=people.alice.pk, user_id=people.charlie.pk)
    expect(page.get_by_role("button", name="Unblock Charlie")).to_be_visible()
    expect(unblock).to_be_focused()
    services.unblock(actor_id=people.alice.pk, user_id=people.charlie.pk)
    expect(page.get_by_role("button", name="Unblock Charlie")).to_be_hidden()
    unblock.click()
    expect(page.get_by_text("You haven't blocked anyone.")).to_be_visible()
