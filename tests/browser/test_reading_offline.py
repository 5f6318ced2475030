"""Rooms that a device keeps for reading without a connection, for those who have asked for it."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from chat import services
from chat.models import Message, Room
from tests.browser.conftest import PATIENCE_MS, OpenPage, sign_in
from tests.browser.screen import connected, message, place, sent
from tests.browser.test_leaving import LEFT, nothing_is_left
from tests.browser.test_offline import with_worker
from tests.conftest import People
from tests.support.browser import ARGUMENTS, SHELL_FIRST, executable
from tests.support.server import Node

# Texts that must never be found where they were not asked for.
MARK = "Secret of the tide"
REFUSED = "status of 40[13]|Failed to fetch"


@pytest.fixture
def tide(people: People, lab: Room) -> Message:
    """A message of Alice in Lab."""
    return services.post_message(author_id=people.alice.pk, room_id=lab.pk, body=MARK).message


def ask_for_it(page: Page) -> None:
    """Turn it on, on the account page."""
    page.goto("/accounts/")
    page.get_by_label("Keep rooms on this device").check()


KEEPS = f"""async ([text, wanted, patience]) => {{
  const until = Date.now() + patience;
  while (JSON.stringify((await ({LEFT})()).rows).includes(text) !== wanted) {{
    if (Date.now() > until) throw new Error(`expected "${{text}}" to be kept: ${{wanted}}`);
    await new Promise(requestAnimationFrame);
  }}
}}"""


def kept(page: Page, text: str = MARK) -> None:
    """Wait until this device keeps a text."""
    page.evaluate(KEEPS, [text, True, PATIENCE_MS])


def gone(page: Page, text: str = MARK) -> None:
    """Wait until this device does not keep a text."""
    page.evaluate(KEEPS, [text, False, PATIENCE_MS])


def keeping(open_page: OpenPage, people: People) -> Page:
    """Return Bob's page in Lab, on a device that keeps it."""
    page = open_page(people.bob, "/rooms/lab/", expected=REFUSED)
    ask_for_it(page)
    page.goto("/rooms/lab/")
    connected(page)
    kept(page)
    return with_worker(page)


def without_network(page: Page, path: str = "/rooms/lab/") -> None:
    page.context.set_offline(True)
    page.goto(path)


def reader(page: Page) -> None:
    expect(page.get_by_text("Offline: as of")).to_be_visible()


def test_nothing_is_kept_unless_it_was_asked_for(
    open_page: OpenPage, people: People, tide: Message
) -> None:
    page = with_worker(open_page(people.bob, "/rooms/lab/"))
    connected(page)
    expect(message(page, MARK)).to_be_visible()
    assert MARK not in json.dumps(page.evaluate(LEFT))
    without_network(page)
    expect(page.get_by_role("heading", name="You're offline")).to_be_visible()
    assert MARK not in page.content()


def test_a_room_is_read_and_written_in_without_a_network(
    open_page: OpenPage, people: People, tide: Message
) -> None:
    page = keeping(open_page, people)
    without_network(page, "/inbox/")
    expect(page.get_by_text("This page isn't kept on this device")).to_be_hidden()
    reader(page)
    expect(page.get_by_role("heading", name="Lab")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text=MARK)).to_contain_text("Alice")
    page.goto("/rooms/elsewhere/")
    expect(page.get_by_text("This page isn't kept on this device")).to_be_visible()
    page.get_by_role("link", name="Lab").click()
    page.get_by_label("Message").fill("Written on a train")
    page.get_by_role("button", name="Send when online").click()
    expect(page.get_by_role("listitem").filter(has_text="on a train")).to_contain_text("Waiting")
    page.reload()
    expect(page.get_by_role("listitem").filter(has_text="on a train")).to_contain_text("Waiting")
    page.context.set_offline(False)
    connected(page)
    sent(page, "Written on a train")
    assert Message.objects.filter(body="Written on a train").count() == 1


def test_a_text_that_is_being_written_is_not_lost_when_the_network_returns(
    open_page: OpenPage, people: People, tide: Message
) -> None:
    page = keeping(open_page, people)
    without_network(page)
    page.get_by_label("Message").fill("Half a thought")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try now").click()
    expect(page.locator("[data-status]")).to_contain_text("The connection is back. Send or clear")
    expect(page.get_by_label("Message")).to_have_value("Half a thought")


def test_unread_messages_are_shown_as_such(
    open_page: OpenPage, people: People, tide: Message
) -> None:
    services.create_room(actor_id=people.bob.pk, name="Garden")
    page = keeping(open_page, people)
    place(page, "Garden").click()
    expect(page.get_by_role("heading", name="Garden").first).to_be_visible()
    services.post_message(author_id=people.alice.pk, room_id=tide.room_id, body="Not read yet")
    expect(place(page, "Lab")).to_contain_text("1")
    kept(page, "Not read yet")
    without_network(page)
    expect(page.get_by_role("link", name="Lab")).to_contain_text("1")
    expect(page.locator(".kept__new + li")).to_contain_text("Not read yet")


def test_what_is_deleted_or_edited_changes_here_too(
    open_page: OpenPage, people: People, tide: Message
) -> None:
    page = keeping(open_page, people)
    edited = services.edit_message(
        actor_id=people.alice.pk, message_id=tide.pk, body="Another text"
    )
    assert edited
    kept(page, "Another text")
    gone(page)
    page.goto("/inbox/")
    connected(page)
    services.delete_message(actor_id=people.alice.pk, message_id=tide.pk)
    gone(page, "Another text")


def test_what_changed_while_the_device_was_away_changes_at_first_contact(
    open_page: OpenPage, people: People, tide: Message
) -> None:
    page = keeping(open_page, people)
    without_network(page, "/inbox/")  # the room is not opened
    reader(page)
    services.delete_message(actor_id=people.alice.pk, message_id=tide.pk)
    page.context.set_offline(False)
    connected(page)
    gone(page)
    without_network(page)
    expect(page.get_by_text("This message was deleted.")).to_be_visible()


def test_a_room_that_was_left_is_not_kept(
    open_page: OpenPage, people: People, tide: Message
) -> None:
    page = keeping(open_page, people)
    services.leave(actor_id=people.bob.pk, room_id=tide.room_id)
    gone(page)


def test_a_removal_while_away_takes_the_room_at_first_contact(
    open_page: OpenPage, people: People, tide: Message
) -> None:
    page = keeping(open_page, people)
    without_network(page, "/inbox/")
    reader(page)
    services.leave(actor_id=people.bob.pk, room_id=tide.room_id)
    page.context.set_offline(False)
    connected(page)
    gone(page)


def test_turning_it_off_removes_everything(
    open_page: OpenPage, people: People, tide: Message
) -> None:
    page = keeping(open_page, people)
    page.goto("/accounts/")
    page.get_by_label("Keep rooms on this device").uncheck()
    gone(page)
    page.goto("/rooms/lab/")
    connected(page)
    without_network(page)
    expect(page.get_by_role("heading", name="You're offline")).to_be_visible()


def test_a_sign_out_in_another_tab_leaves_nothing(
    open_page: OpenPage, people: People, tide: Message
) -> None:
    page = keeping(open_page, people)
    other = page.context.new_page()
    other.goto("/accounts/")
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    nothing_is_left(other)
    expect(page.locator("#main").get_by_text("You've been signed out.")).to_be_visible()
    nothing_is_left(page)
    without_network(page)
    expect(page.get_by_role("heading", name="You're offline")).to_be_visible()
    assert MARK not in page.content()


def test_a_ban_while_offline_leaves_nothing_at_first_contact(
    open_page: OpenPage, people: People, tide: Message
) -> None:
    page = keeping(open_page, people)
    without_network(page)
    reader(page)
    people.alice.is_staff = people.alice.is_superuser = True
    people.alice.save()
    services.site_ban(actor_id=people.alice.pk, user_id=people.bob.pk, reason="Spam")
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="banned")).to_be_visible()
    nothing_is_left(page)
    assert MARK not in page.content()


def test_a_session_that_ended_while_offline_leaves_nothing(
    open_page: OpenPage, people: People, tide: Message, node: Node
) -> None:
    page = keeping(open_page, people)
    without_network(page)
    reader(page)
    people.bob.set_password("another phrase entirely")
    people.bob.save()
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    gone(page)
    # Someone else on the same device.
    sign_in(page.context, people.charlie, node.origin)
    page.goto("/inbox/")
    connected(page)
    without_network(page)
    expect(page.get_by_role("heading", name="You're offline")).to_be_visible()
    assert MARK not in page.content()


def test_another_session_of_the_same_person_begins_empty(
    open_page: OpenPage, people: People, tide: Message, node: Node
) -> None:
    page = keeping(open_page, people)
    sign_in(page.context, people.bob, node.origin)
    page.goto("/inbox/")
    gone(page)


def test_after_a_week_without_contact_nothing_is_shown(
    open_page: OpenPage, people: People, tide: Message
) -> None:
    page = keeping(open_page, people)
    page.clock.set_fixed_time(page.evaluate("Date.now() + 8 * 24 * 3600_000"))
    without_network(page)
    expect(page.get_by_role("heading", name="You're offline")).to_be_visible()
    gone(page)


def test_a_browser_that_was_closed_still_has_them(
    browser: Browser, people: People, tide: Message, node: Node, tmp_path: Path
) -> None:
    def started() -> BrowserContext:
        context = browser.browser_type.launch_persistent_context(
            tmp_path, executable_path=executable(SHELL_FIRST), args=ARGUMENTS, base_url=node.origin
        )
        context.set_default_timeout(PATIENCE_MS)
        return context

    context = started()
    sign_in(context, people.bob, node.origin)
    page = context.pages[0]
    ask_for_it(page)
    page.goto("/rooms/lab/")
    connected(page)
    kept(page)
    with_worker(page)
    context.close()
    context = started()
    context.set_offline(True)
    page = context.pages[0]
    page.goto("/rooms/lab/")
    reader(page)
    expect(page.get_by_role("listitem").filter(has_text=MARK)).to_be_visible()
    context.close()
