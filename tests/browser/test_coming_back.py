"""The position in a room follows from the last one and from the unread messages."""

from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from chat import services
from chat.models import Membership, Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message, place
from tests.conftest import People

TOP = """() => {
  const edge = document.querySelector('.timeline__scroll').getBoundingClientRect().top;
  const first = [...document.querySelectorAll('.timeline .message')]
    .find((element) => element.getBoundingClientRect().top >= edge);
  return Number(first?.dataset.number);
}"""


def post(people: People, room: Room, count: int, *, first: int = 1) -> None:
    posts = [
        services.Post(author_id=people.bob.pk, room_id=room.pk, key=uuid4(), body=f"Line {number}.")
        for number in range(first, first + count)
    ]
    for start in range(0, len(posts), 100):
        services.post_messages(posts[start : start + 100])


@pytest.fixture
def page(open_page: OpenPage, people: People, lab: Room) -> Page:
    """Alice reads the room Lab with 420 messages, all of them read, and has another room."""
    services.create_room(actor_id=people.alice.pk, name="Garden")
    post(people, lab, 420)
    Membership.objects.filter(room=lab, user=people.alice).update(read_number=420)
    found = open_page(people.alice, "/rooms/lab/")
    connected(found)
    expect(message(found, "Line 420.")).to_be_in_viewport()
    return found


def scroll_to(page: Page, number: int) -> int:
    """Scroll up until a message is on top; return the number of the message that is."""
    while message(page, f"Line {number}.").count() == 0:
        page.locator(".timeline__scroll").evaluate(
            "element => element.scrollTo(0, -element.scrollHeight)"
        )
        page.wait_for_timeout(20)  # until the next answer of the server
    message(page, f"Line {number}.").evaluate("element => element.scrollIntoView()")
    return int(page.evaluate(TOP))


def on_top(page: Page, number: int) -> None:
    page.wait_for_function(f"number => Math.abs(({TOP})() - number) <= 1", arg=number)


def leave(page: Page) -> None:
    place(page, "Garden").click()
    expect(page).to_have_title("Garden · Holdfast")


def come_back(page: Page) -> None:
    place(page, "Lab").click()
    expect(page.get_by_role("heading", level=1, name="Lab")).to_be_visible()


def test_the_sidebar_leads_to_the_first_unread_message(
    page: Page, people: People, lab: Room
) -> None:
    scroll_to(page, 186)
    leave(page)
    post(people, lab, 60, first=421)
    expect(place(page, "Lab").locator("[data-slot=count]")).to_have_text("60")
    come_back(page)
    expect(page.locator(".new-line")).to_be_in_viewport()
    expect(message(page, "Line 421.")).to_be_in_viewport()
    on_top(page, 419)  # two read ones above the line


@pytest.mark.parametrize("unread", [0, 3])
def test_the_sidebar_leads_to_the_newest_message(
    page: Page, people: People, lab: Room, unread: int
) -> None:
    scroll_to(page, 186)
    leave(page)
    post(people, lab, unread, first=421)
    expect(place(page, "Lab").locator("[data-slot=count]")).to_have_text(str(unread))
    come_back(page)
    expect(message(page, f"Line {420 + unread}.")).to_be_in_viewport()


def test_back_and_forward_lead_to_the_place_that_was_left(page: Page, people: People) -> None:
    top = scroll_to(page, 186)
    leave(page)
    page.go_back()
    expect(page).to_have_title("Lab · Holdfast")
    on_top(page, top)
    page.go_forward()
    expect(page).to_have_title("Garden · Holdfast")
    page.go_back()
    on_top(page, top)


def test_back_leads_to_the_place_with_unread_messages_below(
    page: Page, people: People, lab: Room
) -> None:
    top = scroll_to(page, 186)
    leave(page)
    post(people, lab, 3, first=421)
    expect(place(page, "Lab").locator("[data-slot=count]")).to_have_text("3")
    page.go_back()
    on_top(page, top)
    expect(page.get_by_role("button", name="3 new messages")).to_be_visible()


def test_a_reload_stays_at_the_place_and_reads_nothing(
    page: Page, people: People, lab: Room
) -> None:
    top = scroll_to(page, 186)
    post(people, lab, 3, first=421)
    expect(page.get_by_role("button", name="3 new messages")).to_be_visible()
    page.reload()
    connected(page)
    on_top(page, top)
    assert Membership.objects.get(room=lab, user=people.alice).read_number == 420


def test_a_quote_and_a_permalink_keep_the_way_back(page: Page, people: People, lab: Room) -> None:
    first = lab.messages.get(number=60)
    services.post_message(
        author_id=people.bob.pk, room_id=lab.pk, body="As I wrote", reply_to=first.pk
    )
    message(page, "As I wrote").locator(".message__quote").click()
    expect(message(page, "Line 60.")).to_be_in_viewport()
    expect(page).to_have_url("/rooms/lab/60/")
    page.go_back()
    expect(message(page, "As I wrote")).to_be_in_viewport()


def test_after_a_permalink_the_sidebar_leads_to_the_newest(page: Page) -> None:
    page.goto("/rooms/lab/60/")
    expect(message(page, "Line 60.")).to_be_in_viewport()
    leave(page)
    come_back(page)
    expect(message(page, "Line 420.")).to_be_in_viewport()


@pytest.mark.parametrize("way", ["the open room", "Escape", "End"])
def test_the_newest_message_is_the_end_of_the_room(page: Page, way: str) -> None:
    page.goto("/rooms/lab/60/")
    connected(page)
    expect(message(page, "Line 60.")).to_be_in_viewport()
    if way == "the open room":
        come_back(page)
    elif way == "End":
        message(page, "Line 60.").focus()
        page.keyboard.press("End")
    else:
        page.keyboard.press("Escape")
    expect(message(page, "Line 420.")).to_be_in_viewport()


def test_the_way_back_from_a_hit_leads_to_the_place_in_the_results(page: Page) -> None:
    page.goto("/search/?q=line")
    connected(page)
    hit = page.locator(".hit").nth(15)
    hit.scroll_into_view_if_needed()
    before = page.locator(".page").evaluate("element => element.scrollTop")
    hit.get_by_role("link").click()
    expect(page.locator(".message--target")).to_be_in_viewport()
    page.go_back()
    expect(page.locator(".hit").nth(15)).to_be_in_viewport()
    assert abs(page.locator(".page").evaluate("element => element.scrollTop") - before) < 2


def test_paper_shows_the_messages_that_are_loaded_and_nothing_else(page: Page) -> None:
    page.emulate_media(media="print")
    for part in ("#sidebar", ".composer", ".toasts", ".bar button"):
        expect(page.locator(part).first).to_be_hidden()
    shown = page.locator(".timeline .message")
    last, whole = shown.last.bounding_box(), page.evaluate("document.documentElement.scrollHeight")
    assert last is not None
    assert whole >= last["y"] + last["height"] > shown.count() * 20
