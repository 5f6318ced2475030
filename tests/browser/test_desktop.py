"""Desktop notifications: while no tab is visible, once for all tabs, gone once read elsewhere."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from chat import services
from chat.models import Room
from notifications import services as inbox
from notifications.models import Notification
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message
from tests.conftest import People
from tests.support.browser import launch

# Playwright's pages are always visible, and headless browsers show nothing: so this script
# reports the page as hidden, and records each notification that the page shows.
STAND_IN = """
if (origin !== 'null' && !localStorage.getItem('holdfast.desktop') && !localStorage.getItem('test-permission')) localStorage.setItem('holdfast.desktop', 'on');
window.shown = [];
window.Notification = class extends EventTarget {
  static permission = origin === 'null' ? 'default' : (localStorage.getItem('test-permission') ?? 'granted'); // a new tab has no storage
  static async requestPermission() { localStorage.setItem('test-permission', 'granted'); return (this.permission = 'granted'); }
  constructor(title, options) { super(); Object.assign(this, options, { title, open: true }); window.shown.push(this); }
  close() { this.open = false; }
};
Object.defineProperty(document, 'visibilityState', { get: () => (window.looking ? 'visible' : 'hidden') });
window.look = (looking) => { window.looking = looking; document.dispatchEvent(new Event('visibilitychange')); };
"""

Shown = list[dict[str, Any]]


@pytest.fixture(scope="module")
def browser(browser: Browser) -> Iterator[Browser]:
    """The whole browser: only it shows what a service worker notifies of."""
    whole = launch(browser.browser_type)
    yield whole
    whole.close()


def shown_on(*pages: Page) -> Shown:
    """Return all notifications that these pages have shown."""
    script = "() => window.shown.map(({ title, body, tag, open }) => ({ title, body, tag, open }))"
    return [shown for page in pages for shown in page.evaluate(script)]


def has_heard(page: Page, unread: int) -> None:
    """Wait until the page knows how much is unread: then it has decided about all of it."""
    expect(page.locator("[data-bell]").first).to_have_attribute("data-unread", str(unread))
    # Behind the page's own two questions.
    page.evaluate("async () => { await navigator.locks.query(); await navigator.locks.query(); }")


@pytest.fixture
def tabs(open_page: OpenPage, people: People, lab: Room) -> tuple[Page, Page]:
    """Two tabs of Alice's browser that nobody looks at."""
    first = open_page(people.alice, "/accounts/")
    first.context.add_init_script(STAND_IN)
    first.goto("/inbox/")
    second = first.context.new_page()
    second.goto("/rooms/")
    for page in (first, second):
        connected(page)
    return first, second


def say(author: User, room: Room, text: str) -> int:
    return services.post_message(
        author_id=author.pk, room_id=room.pk, body=text, key=uuid4()
    ).message.pk


def test_a_mention_is_shown_once_however_many_tabs(
    tabs: tuple[Page, Page], people: People, lab: Room
) -> None:
    say(people.bob, lab, "@alice, the door")
    for page in tabs:
        has_heard(page, 1)
    (shown,) = shown_on(*tabs)
    assert (shown["title"], shown["body"]) == ("Bob mentioned you in Lab", "")
    say(people.bob, lab, "@alice, the window")
    for page in tabs:
        has_heard(page, 2)
    assert len(shown_on(*tabs)) == 2


def test_nothing_is_shown_while_someone_looks_at_one_of_them(
    tabs: tuple[Page, Page], people: People, lab: Room
) -> None:
    _, second = tabs
    second.evaluate("() => look(true)")
    say(people.bob, lab, "@alice, the door")
    for page in tabs:
        has_heard(page, 1)
    assert shown_on(*tabs) == []
    second.evaluate("() => look(false)")
    say(people.bob, lab, "@alice, are you there?")
    for page in tabs:
        has_heard(page, 2)
    assert len(shown_on(*tabs)) == 1


def test_pressing_it_opens_the_message_and_reads_it(
    tabs: tuple[Page, Page], people: People, lab: Room
) -> None:
    say(people.bob, lab, "@alice, the door")
    for page in tabs:
        has_heard(page, 1)
    page = next(page for page in tabs if shown_on(page))
    page.evaluate("() => { look(true); shown[0].onclick(); }")
    expect(message(page, "the door")).to_contain_class("message--target")
    has_heard(page, 0)
    assert shown_on(page)[0]["open"] is False


def test_it_closes_when_it_is_read_elsewhere(
    tabs: tuple[Page, Page], people: People, lab: Room
) -> None:
    say(people.bob, lab, "@alice, the door")
    for page in tabs:
        has_heard(page, 1)
    inbox.read(user_id=people.alice.pk, ids=[Notification.objects.get(user=people.alice).pk])
    for page in tabs:
        has_heard(page, 0)
    assert [shown["open"] for shown in shown_on(*tabs)] == [False]


def test_choices_are_respected_at_once(tabs: tuple[Page, Page], people: People, lab: Room) -> None:
    inbox.set_preferences(user_id=people.alice.pk, desktop_off=["mention"])
    say(people.bob, lab, "@alice, the door")
    for page in tabs:
        has_heard(page, 1)
    assert shown_on(*tabs) == []
    inbox.set_preferences(user_id=people.alice.pk, desktop_off=[])
    said = say(people.alice, lab, "Which door?")
    services.react(actor_id=people.bob.pk, message_id=said, emoji="👀", on=True)
    for page in tabs:
        has_heard(page, 2)
    assert [shown["title"] for shown in shown_on(*tabs)] == ["Bob reacted to your message in Lab"]


def test_what_is_marked_as_unread_is_no_news(
    tabs: tuple[Page, Page], people: People, lab: Room
) -> None:
    say(people.bob, lab, "@alice, the door")
    for page in tabs:
        has_heard(page, 1)
    row = Notification.objects.get(user=people.alice)
    inbox.read(user_id=people.alice.pk, ids=[row.pk])
    inbox.mark_unread(user_id=people.alice.pk, ids=[row.pk])
    say(people.bob, lab, "no mention")
    for page in tabs:
        has_heard(page, 1)
    assert len(shown_on(*tabs)) == 1


def test_the_browser_is_asked_by_a_button_and_never_by_itself(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    page = open_page(people.alice, "/accounts/")
    page.context.add_init_script(
        f"localStorage.getItem('test-permission') ?? localStorage.setItem('test-permission', "
        f"'default');{STAND_IN}"
    )
    page.goto("/inbox/")
    connected(page)
    expect(
        page.get_by_role("heading", name="Turn on notifications on this device?")
    ).to_be_visible()
    assert page.evaluate("() => Notification.permission") == "default"
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", name="Turn on notifications on this device?")).to_be_hidden()
    assert page.evaluate("() => Notification.permission") == "granted"
    page.goto("/account/notifications/")
    expect(page.get_by_text("On in this browser")).to_be_visible()
    page.get_by_role("button", name="Turn off").click()
    expect(page.get_by_text("Off in this browser")).to_be_visible()
    page.goto("/inbox/")
    connected(page)
    say(people.bob, lab, "@alice, the door")
    has_heard(page, 1)
    assert shown_on(page) == []


# A phone: a page's own notifications throw, the service worker's are shown.
PHONE = """
if (origin !== 'null') localStorage.setItem('holdfast.desktop', 'on');
window.Notification = class {
  static permission = 'granted';
  constructor() { throw new TypeError('Illegal constructor. Use ServiceWorkerRegistration.showNotification() instead.'); }
};
Object.defineProperty(document, 'visibilityState', { get: () => (window.looking ? 'visible' : 'hidden') });
"""
IN_WORKER = """async () => (await self.registration.getNotifications()).map(({ title, tag }) => ({ title, tag }))"""


@pytest.fixture
def phone(open_page: OpenPage, people: People, lab: Room) -> tuple[Page, Page]:
    """Two tabs of Alice's phone that nobody looks at, with the service worker."""
    first = open_page(
        people.alice, "/accounts/", permissions=["notifications"], has_touch=True, is_mobile=True
    )
    first.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    first.context.add_init_script(PHONE)
    first.goto("/inbox/")
    second = first.context.new_page()
    second.goto("/rooms/")
    for page in (first, second):
        connected(page)
    return first, second


def shown_by_worker(page: Page, count: int) -> Shown:
    """Wait for this many notifications of the worker, and return them."""
    wait = (
        "async (count) => { const r = await navigator.serviceWorker.ready; while ((await "
        "r.getNotifications()).length !== count); }"
    )
    page.evaluate(wait, count)
    return list(page.context.service_workers[0].evaluate(IN_WORKER))


def test_a_phone_shows_it_once_and_closes_it_when_it_is_read_elsewhere(
    phone: tuple[Page, Page], people: People, lab: Room
) -> None:
    say(people.bob, lab, "@alice, the door")
    for page in phone:
        has_heard(page, 1)
    row = Notification.objects.get(user=people.alice)
    assert shown_by_worker(phone[0], 1) == [
        {"title": "Bob mentioned you in Lab", "tag": f"holdfast.{row.pk}"}
    ]
    inbox.read(user_id=people.alice.pk, ids=[row.pk])
    shown_by_worker(phone[0], 0)


def test_pressing_it_on_a_phone_opens_the_message_in_a_tab(
    phone: tuple[Page, Page], people: People, lab: Room
) -> None:
    first, second = phone
    say(people.bob, lab, "@alice, the door")
    for page in phone:
        has_heard(page, 1)
    shown_by_worker(first, 1)
    second.close()
    first.evaluate("() => { window.looking = true; }")
    press = """async () => {
      const [notification] = await self.registration.getNotifications();
      self.dispatchEvent(new NotificationEvent('notificationclick', { notification }));
    }"""
    first.context.service_workers[0].evaluate(press)
    expect(message(first, "the door")).to_contain_class("message--target")
    has_heard(first, 0)
    shown_by_worker(first, 0)
