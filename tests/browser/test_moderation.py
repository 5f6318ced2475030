"""Actions of moderators and owners, on the pages of those affected: at once, with a reason."""

import re

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from chat import services
from chat.models import Case, ModerationLog, Report, Room
from chat.services.moderation.moderators import appoint_moderator
from tests.browser.conftest import OpenPage
from tests.browser.screen import act, connected, message, place, say, sent
from tests.conftest import People, make_user

MUTED_EVERYWHERE = "You are muted in all rooms. You can post again in"


def about(page: Page, name: str, action: str) -> None:
    """Choose an action of the members panel."""
    page.locator(".bar__people").click()
    page.get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("menuitem", name=action).click()


def test_the_owner_deletes_the_message_of_another_member(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.post_message(author_id=people.bob.pk, room_id=lab.pk, body="Buy my watches")
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    expect(message(bob, "Buy my watches")).to_be_visible()
    connected(alice)
    act(alice, message(alice, "Buy my watches"), "Delete")
    dialog = alice.get_by_role("dialog")
    expect(dialog).to_contain_text("Moderators can restore it.")
    dialog.get_by_label("Reason").fill("Advertising")
    dialog.get_by_role("button", name="Delete").click()
    expect(message(bob, "This message was deleted.")).to_be_visible()
    assert ModerationLog.objects.get(action=ModerationLog.Action.DELETE).reason == "Advertising"


def test_an_author_is_told_that_a_deletion_is_final(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="My own words")
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    act(page, message(page, "My own words"), "Delete")
    expect(page.get_by_role("dialog")).to_contain_text("You can't undo this.")
    expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_hidden()


def test_a_profile_leads_moderators_of_the_site_to_the_record(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.post_message(author_id=people.bob.pk, room_id=lab.pk, body="Hello")
    member = open_page(people.alice, "/rooms/lab/")
    connected(member)
    member.locator(".message__author", has_text="Bob").first.click()
    expect(member.get_by_role("link", name="View moderation record")).to_be_hidden()
    make_user("mona")
    appoint_moderator(username="mona")
    mona = User.objects.get(username="mona")
    services.join(actor_id=mona.pk, room_id=lab.pk)
    page = open_page(mona, "/rooms/lab/")
    connected(page)
    page.locator(".message__author", has_text="Bob").first.click()
    page.get_by_role("link", name="View moderation record").click()
    page.wait_for_url(f"**/admin/chat/person/{people.bob.pk}/change/")
    expect(page.get_by_text("bob").first).to_be_visible()


def test_a_member_has_no_button_for_what_is_not_theirs(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="The rules")
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    message(page, "The rules").hover()
    tools = page.get_by_role("toolbar", name="Message actions")
    expect(tools.get_by_role("button", name="Reply")).to_be_visible()
    expect(tools.get_by_role("button", name="Delete")).to_be_hidden()
    expect(tools.get_by_role("button", name="Edit")).to_be_hidden()


def test_a_banned_member_leaves_the_room_at_once(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    connected(alice)
    connected(bob)
    about(alice, "Bob", "Ban from room")
    dialog = alice.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Advertising")
    dialog.get_by_role("button", name="Ban").click()
    expect(bob.get_by_text("You've been banned from this room until")).to_be_visible()
    expect(bob.get_by_label("Message", exact=True)).to_be_hidden()
    expect(place(bob, "Lab")).to_have_count(0)
    expect(alice.get_by_role("button", name="Actions for Bob")).to_have_count(0)
    say(alice, "Peace at last")
    sent(alice, "Peace at last")
    expect(message(bob, "Peace at last")).to_have_count(0)


def test_a_muted_member_sees_until_when(open_page: OpenPage, people: People, lab: Room) -> None:
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    connected(alice)
    connected(bob)
    about(alice, "Bob", "Mute…")
    alice.get_by_role("dialog").get_by_role("button", name="Mute").click()
    expect(
        bob.get_by_text("A moderator muted you in this room. You can post again in")
    ).to_be_visible()
    expect(alice.locator(".member", has_text="Bob")).to_contain_text("Muted until")
    alice.get_by_role("button", name="Actions for Bob").click()
    alice.get_by_role("menuitem", name="Unmute").click()
    expect(bob.get_by_label("Message", exact=True)).to_be_visible()


def test_a_mute_in_all_rooms_shows_at_once_in_each_room(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    mona = make_user("mona")
    appoint_moderator(username="mona")
    direct = services.direct_room(actor_id=people.bob.pk, user_id=mona.pk).room
    services.create_room(actor_id=people.bob.pk, name="Garden")
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="Who was that?")
    tabs = [open_page(people.bob, "/rooms/lab/")]
    # These follow through the connection of the first.
    tabs += [tabs[0].context.new_page() for _ in range(2)]
    for page, path in zip(
        tabs, ("/rooms/lab/", direct.get_absolute_url(), "/rooms/garden/"), strict=True
    ):
        page.goto(path)
        connected(page)
    services.site_mute(actor_id=mona.pk, user_id=people.bob.pk, seconds=120)
    for page in tabs:
        expect(page.get_by_text(MUTED_EVERYWHERE)).to_be_visible()
        expect(page.get_by_label("Message", exact=True)).to_be_hidden()
    first = tabs[0]
    message(first, "Who was that?").hover()
    tools = first.get_by_role("toolbar", name="Message actions")
    expect(tools.get_by_role("button", name="Report")).to_be_visible()
    expect(tools.get_by_role("button", name="Reply")).to_be_hidden()
    first.reload()
    expect(first.get_by_text(MUTED_EVERYWHERE)).to_be_visible()
    place(first, "Garden").click()
    expect(first.get_by_role("heading", name="Garden", level=1)).to_be_visible()
    expect(first.get_by_text(MUTED_EVERYWHERE)).to_be_visible()
    services.site_mute(actor_id=mona.pk, user_id=people.bob.pk, seconds=0)
    for page in tabs:
        expect(page.get_by_label("Message", exact=True)).to_be_visible()
    services.site_mute(actor_id=mona.pk, user_id=people.bob.pk, seconds=10)
    for page in tabs:
        expect(page.get_by_text(re.compile(rf"{MUTED_EVERYWHERE} \d+ seconds?"))).to_be_visible()
    for page in tabs:  # nobody lifts it
        expect(page.get_by_label("Message", exact=True)).to_be_visible()
    say(first, "Sorry")
    sent(first, "Sorry")


def test_a_room_is_made_read_only_and_slow(open_page: OpenPage, people: People, lab: Room) -> None:
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    connected(alice)
    connected(bob)
    alice.get_by_role("button", name="Room actions").click()
    alice.get_by_role("menuitem", name="Room settings").click()
    dialog = alice.get_by_role("dialog")
    dialog.get_by_label("Topic").fill("Quiet, please")
    dialog.get_by_label("Slow mode").select_option("30")
    dialog.get_by_role("button", name="Save").click()
    expect(bob.get_by_text("Slow mode: one message every 30 seconds")).to_be_visible()
    expect(bob.get_by_text("Quiet, please")).to_be_visible()
    say(bob, "My one message")
    expect(bob.get_by_text("you can post again in")).to_be_visible()
    services.change_room(actor_id=people.alice.pk, room_id=lab.pk, read_only=True)
    expect(bob.get_by_text("This room is read-only.")).to_be_visible()
    expect(alice.get_by_label("Message", exact=True)).to_be_visible()


def test_a_report_reaches_the_moderators(open_page: OpenPage, people: People, lab: Room) -> None:
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="You are all wrong")
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    act(page, message(page, "You are all wrong"), "Report")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("You are all wrong")
    dialog.get_by_text("It insults, threatens or harasses someone").click()
    dialog.get_by_label("Note for the moderators").fill("She does this daily")
    dialog.get_by_role("button", name="Send report").click()
    expect(page.get_by_text("Report sent. A moderator will review the message.")).to_be_visible()
    report = Report.objects.get()
    assert (report.category, report.note) == ("abuse", "She does this daily")


def test_a_person_is_reported_from_their_card(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="Hello")
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    page.locator(".message__author").get_by_text("Alice").click()
    page.locator("#profile").get_by_role("button", name="Report").click()
    dialog = page.get_by_role("dialog", name="Report Alice")
    dialog.get_by_text("It insults, threatens or harasses someone").click()
    dialog.get_by_role("button", name="Send report").click()
    expect(page.get_by_text("Report sent. A moderator will look at it.")).to_be_visible()
    (case,) = Case.objects.all()
    assert (case.kind, case.author, case.category) == ("person", people.alice, "abuse")


def test_a_user_who_is_banned_from_the_site_reads_the_reason(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    people.alice.is_superuser = True
    people.alice.save()
    page = open_page(people.bob, "/rooms/lab/", expected="status of 403")
    connected(page)
    services.site_ban(actor_id=people.alice.pk, user_id=people.bob.pk, reason="Spam in all rooms")
    expect(page.locator(".connection")).to_contain_text(
        "You've been banned. Reason: Spam in all rooms"
    )
    page.reload()
    expect(page.get_by_role("heading", name="You've been banned")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
