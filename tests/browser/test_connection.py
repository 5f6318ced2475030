"""Being offline is a state, not an error: what is written is kept, and sent once."""

import re

from playwright.sync_api import Route, WebSocketRoute, expect

from chat import services
from chat.models import Message, Room
from chat.services.moderation.moderators import appoint_moderator
from tests.browser.conftest import OpenPage
from tests.browser.screen import bodies, connected, message, place, say, sent
from tests.conftest import People
from tests.support.server import Nodes

COMPOSER = re.compile(r"/(?:composer|bundle/main|bundle/early)\b.*js$")
SLOW_DATABASE = """{
  const open = indexedDB.open.bind(indexedDB);
  const asked = [];
  indexedDB.open = (...what) => {
    const answer = {};
    asked.push(() => {
      const request = open(...what);
      Object.defineProperty(answer, 'result', { get: () => request.result });
      for (const name of ['onupgradeneeded', 'onsuccess', 'onerror']) request[name] = () => answer[name]();
    });
    return answer;
  };
  window.openDatabases = () => asked.forEach((start) => start());
}"""


def test_what_is_written_offline_is_sent_once_and_in_order(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    connected(alice)
    connected(bob)
    alice.context.set_offline(True)
    expect(
        alice.locator("#main").get_by_text(
            "You're offline. Your messages will be sent when you reconnect."
        )
    ).to_be_visible()
    say(alice, "First from the train")
    say(alice, "Second from the train")
    expect(message(alice, "First from the train")).to_contain_text(
        "Will be sent when you're back online"
    )
    say(bob, "Meanwhile in the office")
    sent(bob, "Meanwhile in the office")
    alice.context.set_offline(False)
    sent(alice, "Second from the train")
    expect(alice.locator("#main").get_by_text("You're offline")).to_be_hidden()
    expect(message(bob, "Second from the train")).to_be_visible()
    for page in (alice, bob):
        expect(bodies(page)).to_have_text(
            ["Meanwhile in the office", "First from the train", "Second from the train"]
        )
    assert Message.objects.count() == 3


def test_a_message_that_waits_survives_a_reload(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    # As a proxy does that does not know WebSockets.
    page.route_web_socket(re.compile("/ws/"), lambda socket: socket.close())
    page.reload()
    say(page, "Written before the reload")
    expect(message(page, "Written before the reload")).to_contain_text(
        "Will be sent when you're back online"
    )
    page.reload()
    expect(message(page, "Written before the reload")).to_contain_text(
        "Will be sent when you're back online"
    )
    other_tab = page.context.new_page()
    page.close()  # what it waited for would be the other tab's as well: they share the connection
    other_tab.goto("/rooms/lab/")
    sent(other_tab, "Written before the reload")
    assert Message.objects.count() == 1


def test_a_page_waits_for_no_database_of_the_browser(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/")
    page.add_init_script(SLOW_DATABASE)
    page.reload()
    say(page, "Before it is open")
    expect(message(page, "Before it is open")).to_be_visible()
    page.evaluate("() => openDatabases()")
    sent(page, "Before it is open")


def test_what_is_typed_before_the_scripts_come_is_kept(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/")
    composer = page.get_by_label("Message", exact=True)
    composer.fill("A draft")
    held: list[Route] = []
    page.route(COMPOSER, lambda route: held.append(route))
    page.reload(wait_until="commit")
    composer.press_sequentially("typed early")
    composer.press("Enter")  # nothing hears it yet: a new line, as in any text field
    expect(composer).to_have_value("typed early\n")
    for route in held:
        route.continue_()
    expect(composer).to_have_value("A draft\ntyped early\n")
    composer.press("Enter")
    sent(page, "A draft typed early")


def test_a_message_that_a_filter_changed_is_shown_once_when_its_answer_is_lost(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    appoint_moderator(username="bob")
    services.save_filter(
        actor_id=people.bob.pk, text="cheap", kind="word", action="mask", is_on=True
    )
    hears = {"alice": True}

    def listen(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda frame: socket.send(frame) if hears["alice"] else None)

    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    alice.route_web_socket(re.compile("/ws/"), listen)
    alice.reload()
    connected(alice)
    connected(bob)
    hears["alice"] = False
    say(alice, "A cheap watch")
    expect(message(bob, "A ••• watch")).to_be_visible()
    alice.reload()
    sent(alice, "A ••• watch")
    expect(bodies(alice)).to_have_text(["A ••• watch"])
    hears["alice"] = True
    alice.reload()
    connected(alice)
    expect(bodies(alice)).to_have_text(["A ••• watch"])
    assert Message.objects.count() == 1


def test_a_message_whose_answer_is_lost_is_shown_once(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    hears = {"alice": True}

    def listen(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda frame: socket.send(frame) if hears["alice"] else None)

    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    alice.route_web_socket(re.compile("/ws/"), listen)
    alice.reload()
    connected(alice)
    connected(bob)
    hears["alice"] = False
    say(alice, "Did it arrive?")
    say(alice, "And this?")
    expect(message(bob, "Did it arrive?")).to_be_visible()
    alice.reload()
    expect(message(alice, "And this?")).to_contain_text("Will be sent when you're back online")
    expect(message(alice, "Did it arrive?")).to_have_count(1)
    sent(alice, "Did it arrive?")
    hears["alice"] = True
    alice.reload()
    sent(alice, "And this?")
    expect(bodies(alice)).to_have_text(["Did it arrive?", "And this?"])
    assert Message.objects.count() == 2


def test_a_text_that_is_not_sent_yet_survives_a_reload(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    page.get_by_label("Message", exact=True).fill("Half a thou")
    page.reload()
    expect(page.get_by_label("Message", exact=True)).to_have_value("Half a thou")


def test_a_server_that_comes_back_is_found_again(
    open_page: OpenPage, people: People, lab: Room, nodes: Nodes
) -> None:
    node = nodes.start()
    alice = open_page(people.alice, "/rooms/lab/", at=node)
    connected(alice)
    node.kill()
    expect(alice.locator(".connection")).to_contain_text("Reconnecting in")
    expect(alice.get_by_role("button", name="Try now")).to_be_visible()
    say(alice, "Written without a connection")
    services.post_message(author_id=people.bob.pk, room_id=lab.pk, body="Posted while she was away")
    nodes.restart(node)
    alice.get_by_role("button", name="Try now").or_(
        alice.locator("html[data-connection=open]")
    ).first.click()
    sent(alice, "Written without a connection")
    expect(message(alice, "Posted while she was away")).to_be_visible()
    expect(alice.locator(".connection")).to_be_hidden()
    assert Message.objects.filter(body="Written without a connection").count() == 1


def test_a_refused_message_says_why_and_can_be_discarded(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    page.context.set_offline(True)
    say(page, "I was not muted when I wrote this")
    services.mute(actor_id=people.alice.pk, room_id=lab.pk, user_id=people.bob.pk, seconds=600)
    page.context.set_offline(False)
    failed = message(page, "I was not muted")
    expect(failed).to_contain_text("Not sent. You are muted")
    expect(failed.get_by_role("button", name="Try again")).to_be_visible()
    failed.get_by_role("button", name="Discard").click()
    expect(failed).to_have_count(0)
    page.reload()
    expect(page.locator(".timeline .message")).to_have_count(0)


def test_a_sign_out_elsewhere_stops_the_page_and_says_so(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.alice, "/rooms/lab/", expected="status of 401")
    connected(page)
    other = page.context.new_page()
    other.goto("/accounts/")
    other.get_by_role("button", name="Sign out").click()
    expect(page.locator("#main").get_by_text("You've been signed out.")).to_be_visible()
    expect(page.locator(".connection").get_by_role("link", name="Sign in")).to_be_visible()


def test_a_room_that_cannot_be_loaded_opens_when_the_connection_is_back(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.create_room(actor_id=people.alice.pk, name="Elsewhere")
    page = open_page(people.alice, "/rooms/lab/")
    connected(page)
    page.context.set_offline(True)
    place(page, "Elsewhere").click()
    expect(page.get_by_text("This page couldn't be loaded")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Elsewhere").first).to_be_visible()
