"""Many tabs, one connection: nobody notices which tab has it."""

from playwright.sync_api import Page, Route, WebSocket, expect

from chat import services
from chat.models import Message, Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import bodies, connected, message, say, sent
from tests.conftest import People

# A page that waits for such an answer does nothing else, and takes no processor from the others.
HANG = (
    "() => void setTimeout(() => { const asked = new XMLHttpRequest(); asked.open('GET', '/hangs', "
    "false); asked.send(); })"
)


def watched(page: Page) -> list[WebSocket]:
    """All WebSockets that this tab opens from now on."""
    sockets: list[WebSocket] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    return sockets


Sockets = dict[Page, list[WebSocket]]


def tabs(first: Page, path: str, count: int) -> tuple[list[Page], Sockets]:
    """Load the tab again, and open others beside it."""
    # Else we would hear of the socket of the page that it leaves, and never of its end.
    connected(first)
    pages = [first, *(first.context.new_page() for _ in range(count - 1))]
    sockets = {page: watched(page) for page in pages}
    for page in pages:
        page.goto(path)
        connected(page)
    return pages, sockets


def owners(sockets: Sockets) -> list[Page]:
    """The tabs that have an open WebSocket."""
    return [page for page in sockets if still_open(sockets, page)]


def owner(sockets: Sockets) -> Page:
    """Return the only tab with the connection; a slow tab may have lost it to another."""
    pages = iter(sockets)
    while len(owners(sockets)) != 1:
        next(pages).wait_for_timeout(100)
    return owners(sockets)[0]


def still_open(sockets: Sockets, page: Page) -> list[WebSocket]:
    return (
        [] if page.is_closed() else [socket for socket in sockets[page] if not socket.is_closed()]
    )


def wait_until_closed(some: list[WebSocket]) -> None:
    """The other side has to agree that a connection ends, and the driver has to hear of it."""
    for socket in some:
        if not socket.is_closed():
            socket.wait_for_event("close")


def test_three_tabs_have_one_connection_and_the_next_one_takes_it_over(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    (first, second, third), sockets = tabs(open_page(people.alice, "/rooms/lab/"), "/rooms/lab/", 3)
    bob = open_page(people.bob, "/rooms/lab/")
    leading = owner(sockets)
    others = [page for page in (first, second, third) if page is not leading]
    for number, page in enumerate((first, second, third)):
        say(page, f"From tab {number}")
        sent(page, f"From tab {number}")
    for page in (first, second, third, bob):
        expect(page.locator(".timeline .message")).to_have_count(3)
    leading.close()
    say(bob, "While nobody leads")
    say(others[1], "From a tab that follows")
    sent(others[1], "From a tab that follows")
    for page in (*others, bob):
        expect(message(page, "While nobody leads")).to_be_visible()
        expect(message(page, "From a tab that follows")).to_be_visible()
        expect(bodies(page)).to_have_count(5)
    assert owner(sockets) in others
    assert Message.objects.count() == 5


def test_a_tab_that_is_frozen_hands_its_connection_over_and_catches_up_when_it_thaws(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    (first, second), sockets = tabs(open_page(people.alice, "/rooms/lab/"), "/rooms/lab/", 2)
    with second.expect_websocket():
        # Chromium freezes no tab without a window.
        first.evaluate("() => document.dispatchEvent(new Event('freeze'))")
    say(second, "Posted while the other tab is frozen")
    sent(second, "Posted while the other tab is frozen")
    wait_until_closed(still_open(sockets, first))
    assert owners(sockets) == [second]
    first.evaluate("() => document.dispatchEvent(new Event('resume'))")
    expect(message(first, "Posted while the other tab is frozen")).to_be_visible()
    assert owners(sockets) == [second]


def test_a_tab_that_hangs_loses_its_connection_to_one_that_is_looked_at(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    (first, second), sockets = tabs(open_page(people.alice, "/rooms/lab/"), "/rooms/lab/", 2)
    unanswered: list[Route] = []
    first.route("**/hangs", lambda route: unanswered.append(route))
    with second.expect_websocket():
        first.evaluate(HANG)
        # As when a user turns to the tab.
        second.evaluate("() => dispatchEvent(new Event('online'))")
    services.post_message(author_id=people.bob.pk, room_id=lab.pk, body="Bob is here")
    expect(message(second, "Bob is here")).to_be_visible()
    unanswered.pop().fulfill(body="")
    expect(message(first, "Bob is here")).to_be_visible()  # it hangs no longer
    expect(bodies(first)).to_have_text(bodies(second).all_inner_texts())
    wait_until_closed(still_open(sockets, first))  # and follows
    assert owners(sockets) == [second]


def test_tabs_in_different_rooms_each_follow_their_own(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    other = services.create_room(actor_id=people.bob.pk, name="Elsewhere").room
    (first, second), sockets = tabs(open_page(people.alice, "/rooms/lab/"), "/rooms/lab/", 2)
    second.goto("/rooms/elsewhere/")
    connected(second)
    services.post_message(author_id=people.bob.pk, room_id=other.pk, body="Only for those who look")
    expect(message(second, "Only for those who look")).to_be_visible()
    services.post_message(author_id=people.bob.pk, room_id=lab.pk, body="For the lab")
    expect(message(first, "For the lab")).to_be_visible()
    assert owner(sockets)


def test_offline_is_offline_in_all_tabs_and_what_they_wrote_is_sent_once(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    (first, second), sockets = tabs(open_page(people.alice, "/rooms/lab/"), "/rooms/lab/", 2)
    before = [socket for page in (first, second) for socket in still_open(sockets, page)]
    first.context.set_offline(True)
    for page in (first, second):
        expect(
            page.locator("#main").get_by_text(
                "You're offline. Your messages will be sent when you reconnect."
            )
        ).to_be_visible()
    say(first, "From the first")
    say(second, "From the second")
    first.context.set_offline(False)
    for page in (first, second):
        sent(page, "From the first")
        sent(page, "From the second")
    wait_until_closed(before)
    assert owner(sockets)
    assert Message.objects.count() == 2
