"""Invitations to rooms, as the invited person sees them, and a room that has no owner."""

from playwright.sync_api import expect

from chat import services
from chat.models import Membership, Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, place
from tests.conftest import People


def test_an_invitation_is_accepted_in_the_list_of_rooms(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.charlie, "/rooms/")
    connected(page)
    services.invite(actor_id=people.alice.pk, room_id=lab.pk, username="charlie")
    invitation = page.get_by_role("navigation").locator(".room-invitation")
    expect(invitation).to_contain_text("Lab from Alice")
    expect(place(page, "Lab")).to_have_count(0)
    invitation.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("heading", name="Lab").first).to_be_visible()
    expect(place(page, "Lab")).to_be_visible()
    expect(invitation).to_have_count(0)


def test_an_invitation_is_declined_in_the_inbox(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.invite(actor_id=people.alice.pk, room_id=lab.pk, username="charlie")
    page = open_page(people.charlie, "/inbox/")
    connected(page)
    notice = page.locator(".notice", has_text="Alice invited you to Lab")
    notice.get_by_role("button", name="Decline").click()
    expect(page.get_by_text("Invitation to Lab declined")).to_be_visible()
    expect(page.locator(".room-invitation")).to_have_count(0)
    assert Membership.objects.get(room=lab, user=people.charlie).state == "left"


def test_a_member_takes_over_a_room_that_has_no_owner(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.leave(actor_id=people.alice.pk, room_id=lab.pk)
    page = open_page(people.bob, "/inbox/")
    connected(page)
    page.get_by_role("link", name="Alice left Lab").click()
    page.get_by_role("button", name="Room actions").click()
    page.get_by_role("menuitem", name="Become the owner").click()
    expect(page.get_by_text("You're now the owner of Lab")).to_be_visible()
    assert Membership.objects.get(room=lab, user=people.bob).role == "owner"
