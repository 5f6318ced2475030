"""Every page in every state, at every width: no text overlaps, leaves the screen or is broken.

The list of pages is that of the URL patterns. A new page is found by itself; ``ARGUMENTS`` has
examples for the arguments of patterns. Each page is seen on a phone, with small and large text, and
at one more size, so that together all sizes are met; with ``TEST_LAYOUT=whole``
(``make test-slow``), each page is seen at every size.
"""

import os
from collections.abc import Sequence

import pytest
from playwright.sync_api import expect

from chat import services
from chat.models import Room
from chat.pages.urls import urlpatterns
from chat.services.moderation.moderators import appoint_moderator
from tests.browser.conftest import OpenPage
from tests.browser.screen import act, connected, message
from tests.conftest import People, make_user
from tests.support.layout import EVERY_SIZE, WIDTHS, addresses, faults, small_targets

ARGUMENTS = {"slug": "lab"}  # of other arguments, the number 1 and a word are tried
SHOWN = 40  # faults; more have the same causes
PHONE = [size for size in EVERY_SIZE if size[1] == WIDTHS[0]]


@pytest.fixture
def long_names(people: People, lab: Room) -> Room:
    """Every name at its longest, and something on every page."""
    stranger = make_user("m" * 150)
    stranger.first_name, stranger.last_name = "W" * 150, "W" * 150
    stranger.save()
    people.alice.username = "alice" + "m" * 145
    people.alice.first_name = "A" * 150
    people.alice.save()
    long = services.create_room(actor_id=people.alice.pk, name="W" * 80, topic="W" * 250).room
    for room in (lab, long):
        services.join(actor_id=stranger.pk, room_id=room.pk)
        first = services.post_message(
            author_id=stranger.pk, room_id=room.pk, body=f"@{people.alice.username} {'w' * 300}"
        ).message
        services.react(actor_id=people.alice.pk, message_id=first.pk, emoji="👍", on=True)
        services.post_message(
            author_id=people.alice.pk,
            room_id=room.pk,
            body=f"Look at **this**: `code` and https://example.org/{'a' * 200}",
            reply_to=first.pk,
        )
    services.direct_room(actor_id=people.alice.pk, user_id=stranger.pk)
    appoint_moderator(username=people.alice.username)
    return lab


def assert_none(found: dict[str, list[str]]) -> None:
    """Fail with each fault once, and where it was seen."""
    seen: dict[str, list[str]] = {}
    for where, problems in found.items():
        for problem in problems:
            state, _, fault = problem.partition(": ")
            seen.setdefault(f"{where}: {fault}", []).append(state)
    lines = [f"{fault} [{len(states)} times: {states[0]}]" for fault, states in seen.items()]
    assert not lines, "\n".join([*lines[:SHOWN], f"… {len(lines)} in all"])


def ways(people: People, long: Room) -> list[str]:
    """All pages of a signed-in user."""
    return [
        *addresses(urlpatterns, ARGUMENTS, people.alice),
        f"/rooms/{Room.objects.get(name='W' * 80).slug}/",
        f"/rooms/{Room.objects.get(kind='direct').slug}/",
        "/search/?q=look",
        "/inbox/?tab=all",
        "/nothing/here/",
    ]


def sizes(place: int) -> Sequence[tuple[str, int]]:
    """Return the sizes of the text and of the window at which this page of the list is seen."""
    if os.environ.get("TEST_LAYOUT") == "whole":
        return EVERY_SIZE
    return sorted({*PHONE, EVERY_SIZE[place % len(EVERY_SIZE)]}, key=EVERY_SIZE.index)


@pytest.mark.timeout(300)
def test_nothing_overlaps_or_breaks_on_any_page(
    open_page: OpenPage, people: People, long_names: Room
) -> None:
    found = {}
    page = open_page(people.alice, "/rooms/lab/", expected="status of 404")
    for place, path in enumerate(ways(people, long_names)):
        page.goto(path)
        if page.locator(".app").count():
            connected(page)
        is_room = path == "/rooms/lab/"
        found[path] = faults(page, layers=is_room, sizes=EVERY_SIZE if is_room else sizes(place))
    page.context.clear_cookies()
    for place, path in enumerate(addresses(urlpatterns, ARGUMENTS, None)):
        page.goto(path)
        found[f"signed out, {path}"] = faults(page, sizes=sizes(place))
    assert_none(found)


def test_nothing_overlaps_in_the_states_of_a_room(
    open_page: OpenPage, people: People, long_names: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/", expected="status of 401")
    connected(page)
    page.locator(".bar__people").click()
    expect(page.get_by_role("button", name="Actions for Bob")).to_be_visible()
    found = {"members": faults(page)}
    page.locator(".panel").get_by_role("button", name="Close").click()
    act(page, message(page, "Look at"), "Reply")
    page.get_by_label("Message", exact=True).fill("@")
    expect(page.get_by_role("option").first).to_be_visible()
    found["an answer with a suggestion"] = faults(page)
    # A draft and its answer would be asked about.
    page.get_by_label("Message", exact=True).fill("")
    page.locator(".composer__context").get_by_role("button", name="Cancel").click()
    other = page.context.new_page()
    other.goto("/accounts/")
    other.get_by_role("button", name="Sign out").click()
    expect(page.locator(".app[data-over]")).to_be_visible()
    found["the session has ended"] = faults(page)
    assert_none(found)


def test_everything_is_large_enough_for_a_finger(
    open_page: OpenPage, people: People, long_names: Room
) -> None:
    page = open_page(
        people.alice,
        "/rooms/lab/",
        viewport={"width": 360, "height": 780},
        has_touch=True,
        is_mobile=True,
        expected="status of 404",
    )
    found = {}
    for path in ways(people, long_names):
        page.goto(path)
        if page.locator(".app").count():
            connected(page)
            page.get_by_role("link", name="Rooms and inbox").click()
            found[f"{path}, drawer"] = small_targets(page)
            page.keyboard.press("Escape")
        found[path] = small_targets(page)
    assert_none(found)
