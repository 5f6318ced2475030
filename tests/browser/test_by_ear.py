"""The pages by ear: everything has a name, a role and a state, and nothing is announced twice."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from chat import services
from chat.models import Room
from chat.services.moderation.moderators import appoint_moderator
from notifications.policies import Words
from notifications.queries import Audience
from notifications.services import broadcast
from tests.browser.conftest import OpenPage
from tests.browser.screen import act, connected, message, place, say, sent
from tests.browser.test_accessibility import DESK, PAGES, ROOM, ROOT_DESK, assert_clean, talk
from tests.conftest import People, make_user
from tests.support.ear import announced, record, silences, tree

__all__ = ["talk"]

QUIET_MS = 1500  # what is announced after this belongs to nothing that the test did


def heard(page: Page) -> list[str]:
    """Return what was announced, once nothing more comes."""
    page.wait_for_timeout(QUIET_MS)
    return announced(page)


@pytest.fixture
def alice(open_page: OpenPage, people: People, talk: Room) -> Page:
    page = open_page(people.alice, "/rooms/lab/", expected="Failed to load resource")
    connected(page)
    record(page)
    return page


# -- names, roles, states --------------------------------------------------------------------------


@pytest.mark.timeout(360)
def test_everything_in_a_room_has_a_name_and_a_state(
    open_page: OpenPage, people: People, talk: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/")
    found = {}
    for name, go, back in ROOM:
        go(page)
        found[name] = silences(page)
        if back:
            back(page)
    assert_clean(found)


@pytest.mark.timeout(360)
def test_everything_on_the_other_pages_has_a_name_and_a_state(
    open_page: OpenPage, people: People, talk: Room
) -> None:
    people.alice.is_superuser = people.alice.is_staff = True
    people.alice.save()
    appoint_moderator(username="alice")
    page = open_page(people.alice, "/inbox/", expected="status of 404")
    found = {}
    for path in [*PAGES, *(f"/admin/{each}" for each in (*DESK, *ROOT_DESK))]:
        page.goto(path)
        found[path] = silences(page)
    assert_clean(found)


def test_everything_before_one_is_signed_in_has_a_name_and_a_state(
    open_page: OpenPage, people: People
) -> None:
    page = open_page(None, "/accounts/login/")
    found = {}
    for path in ("/accounts/login/", "/accounts/signup/"):
        page.goto(path)
        found[path] = silences(page)
    assert_clean(found)


def test_a_message_is_named_by_author_time_text_and_state(alice: Page, people: People) -> None:
    say(alice, "First line")
    act(alice, sent(alice, "First line"), "Edit")
    alice.get_by_label("Message", exact=True).fill("Second thought")
    alice.keyboard.press("Enter")
    expect(message(alice, "Second thought").locator("[data-slot=edited]")).to_be_visible()
    names = [each.name for each in tree(alice) if each.role == "listitem"]
    shown = [name for name in names if "Second thought" in name]
    assert len(shown) == 1, names
    clock = message(alice, "Second thought").locator("time").text_content()
    assert shown[0] == f"Alice Owner {clock} Second thought edited"
    (gone,) = [name for name in names if "This message was deleted." in name]
    assert gone.startswith("Alice ")


# -- announcements ---------------------------------------------------------------------------------


def test_a_message_of_another_person_is_announced_once(
    alice: Page, open_page: OpenPage, people: People
) -> None:
    bob = open_page(people.bob, "/rooms/lab/")
    connected(bob)
    bob.get_by_label("Message", exact=True).press_sequentially("Hello @alice")
    expect(alice.locator("[data-slot=typing-words]")).not_to_be_empty()
    bob.keyboard.press("Enter")
    expect(message(alice, "Hello @alice")).to_be_visible()
    assert heard(alice) == ["Bob: Hello @alice"]  # neither the typing nor the mention again


def test_a_message_of_a_blocked_person_is_not_announced(
    alice: Page, open_page: OpenPage, people: People
) -> None:
    services.block(actor_id=people.alice.pk, user_id=people.bob.pk)
    expect(alice.locator(".message__fold").first).to_be_visible()
    bob = open_page(people.bob, "/rooms/lab/")
    connected(bob)
    say(bob, "Hello?")
    expect(alice.locator(".message", has_text="Hello?")).to_have_count(1)
    assert heard(alice) == []


def test_ones_own_message_is_not_announced_and_one_that_fails_is(alice: Page) -> None:
    say(alice, "Mine")
    sent(alice, "Mine")
    assert heard(alice) == []


def test_a_message_in_another_room_is_a_number_and_no_announcement(
    alice: Page, people: People
) -> None:
    garden = services.create_room(actor_id=people.alice.pk, name="Garden").room
    services.join(actor_id=people.bob.pk, room_id=garden.pk)
    expect(place(alice, "Garden")).to_be_visible()
    announced(alice)
    services.post_message(author_id=people.bob.pk, room_id=garden.pk, body="@alice, look")
    expect(place(alice, "Garden")).to_contain_text("1 mention")
    assert heard(alice) == []
    (name,) = [
        each.name for each in tree(alice) if each.role == "link" and each.name.startswith("Garden")
    ]
    assert name == "Garden 1 mention 1 unread message"


def test_a_lost_connection_is_announced_once_and_its_return_too(alice: Page) -> None:
    alice.context.set_offline(True)
    expect(alice.locator(".connection")).to_be_visible()
    alice.wait_for_timeout(3 * QUIET_MS)  # a count goes on meanwhile
    (lost,) = heard(alice)
    assert lost == "You're offline. Your messages will be sent when you reconnect."
    alice.context.set_offline(False)
    connected(alice)
    assert heard(alice) == ["Connected"]


def test_a_confirmation_is_announced_once(alice: Page) -> None:
    alice.get_by_role("button", name="Room actions").click()
    alice.get_by_role("menuitem", name="Notify me about all messages").click()
    expect(alice.locator("[data-toasts][role=status]")).to_have_text("Saved")
    assert heard(alice) == ["Saved"]


def test_an_announcement_is_announced_once_and_not_with_the_next(
    alice: Page, people: People
) -> None:
    for title in ("Maintenance at six", "Maintenance at seven"):
        with one_more(alice, title):
            broadcast(words=Words(title=title, body="Save your work."), audience=EVERYBODY)


EVERYBODY = Audience(everybody=True)


@contextmanager
def one_more(page: Page, title: str) -> Iterator[None]:
    yield
    expect(page.locator(".banners")).to_contain_text(title)
    (words,) = heard(page)
    assert words.startswith(f"{title} Save your work.")


def test_who_comes_and_goes_is_not_announced(
    alice: Page, open_page: OpenPage, people: People
) -> None:
    alice.locator(".bar__people").click()
    expect(alice.get_by_role("button", name="Actions for Bob")).to_be_visible()
    announced(alice)
    bob = open_page(people.bob, "/rooms/lab/")
    connected(bob)
    expect(alice.locator("[data-slot=here-count]")).to_contain_text("2")
    bob.close()
    assert heard(alice) == []


def test_a_visitor_hears_why_signing_in_failed(open_page: OpenPage, people: People) -> None:
    make_user("dora")
    page = open_page(None, "/accounts/login/", expected="status of 400")
    page.get_by_label("Username").fill("dora")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert silences(page) == []
