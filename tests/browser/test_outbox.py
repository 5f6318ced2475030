"""The outbox with IndexedDB, Web Locks and BroadcastChannel of Chromium; only sending is fake."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/accounts/login/"  # any page of the site; none of its own scripts is used
OWNER = 7

OPEN = """async (owner) => {
  const { Outbox } = await import('/static/realtime/outbox/outbox.js');
  window.outbox = new Outbox({ owner });
  await outbox.ready;
  window.sent = [];
  window.write = (body) => outbox.add({ command: 'message.post', orderingKey: 'room.1', fields: { room: 1, body } });
}"""
STORED = """(count) => new Promise((resolve) => {
  const look = () => outbox.entries.filter((entry) => entry.order !== null).length === count ? resolve() : setTimeout(look, 5);
  look();
})"""
ACCEPT = "() => outbox.resume(async (command, fields) => { sent.push(fields.body); return {}; })"
NEVER_ANSWER = (
    "() => outbox.resume((command, { body, key }) => { sent.push([body, key]); return new "
    "Promise(() => {}); })"
)
ENTRIES = "() => outbox.entries.map(({ fields, state }) => `${fields.body} ${state}`)"


def opened(page: Page) -> Page:
    page.evaluate(OPEN, OWNER)
    return page


def second_tab(page: Page) -> Page:
    tab = page.context.new_page()
    tab.goto(PATH)
    return opened(tab)


def write(page: Page, *bodies: str) -> None:
    page.evaluate("(bodies) => bodies.forEach(write)", list(bodies))


def entries(page: Page) -> Any:
    return page.evaluate(ENTRIES)


def wait_until_empty(page: Page) -> None:
    page.wait_for_function("() => outbox.entries.length === 0")


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return opened(open_page(None, PATH))


def test_what_was_written_before_a_reload_is_sent_after_it_in_order(page: Page) -> None:
    assert page.evaluate("() => outbox.durable")
    write(page, "one", "two", "three")
    page.evaluate(STORED, 3)
    page.reload()
    opened(page)
    assert entries(page) == ["one queued", "two queued", "three queued"]
    page.evaluate(ACCEPT)
    wait_until_empty(page)
    assert page.evaluate("() => sent") == ["one", "two", "three"]


def test_a_reload_in_the_middle_of_sending_repeats_the_same_key(page: Page) -> None:
    page.evaluate(NEVER_ANSWER)
    write(page, "hello")
    page.wait_for_function("() => sent.length === 1")
    before = page.evaluate("() => sent")
    page.reload()
    opened(page)
    page.evaluate(NEVER_ANSWER)
    page.wait_for_function("() => sent.length === 1")
    assert page.evaluate("() => sent") == before


def test_two_tabs_send_everything_once_between_them(page: Page) -> None:
    other = second_tab(page)
    for tab in (page, other):
        tab.evaluate(ACCEPT)
    for number in range(5):
        write(page, f"one {number}")
        write(other, f"two {number}")
    wait_until_empty(page)
    wait_until_empty(other)
    sent = page.evaluate("() => sent") + other.evaluate("() => sent")
    assert sorted(sent) == sorted(
        f"{tab} {number}" for tab in ("one", "two") for number in range(5)
    )


def test_a_tab_sends_what_another_one_wrote_that_was_closed_in_the_middle(page: Page) -> None:
    page.evaluate(NEVER_ANSWER)
    write(page, "hello")
    page.wait_for_function("() => sent.length === 1")
    other = second_tab(page)
    other.evaluate(ACCEPT)
    assert other.evaluate("() => sent") == []
    page.close()
    wait_until_empty(other)
    assert other.evaluate("() => sent") == ["hello"]


def test_nobody_elses_entries_are_sent(page: Page) -> None:
    write(page, "from Alice")
    page.evaluate(STORED, 1)
    page.reload()
    page.evaluate(OPEN, OWNER + 1)
    assert entries(page) == []
