"""Without the server: the page that the service worker carries, and what it never stores."""

import pytest
from playwright.sync_api import Page, expect

from chat.models import Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected
from tests.conftest import People
from tests.support.server import Nodes

HAS_WORKER = """async () => {
  const found = await navigator.serviceWorker.ready;
  const speaks = () => found.active.state === 'activated' && found.active.scriptURL.endsWith(`=${document.documentElement.lang}`);
  while (!speaks()) await new Promise(requestAnimationFrame);
}"""


def with_worker(page: Page) -> Page:
    """Wait until the browser can do without the server, in the language of the page."""
    page.evaluate(HAS_WORKER)
    return page


@pytest.mark.parametrize(
    ("locale", "title", "button"),
    [("en", "You're offline", "Try now"), ("de", "Du bist offline", "Jetzt versuchen")],
)
def test_a_page_that_cannot_be_had_says_so_in_the_readers_language(
    open_page: OpenPage, people: People, lab: Room, locale: str, title: str, button: str
) -> None:
    page = with_worker(open_page(people.alice, "/rooms/lab/", locale=locale))
    page.context.set_offline(True)
    page.goto("/inbox/")
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", locale)
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("status")).not_to_be_empty()
    page.context.set_offline(False)
    expect(page).to_have_url("/inbox/")
    connected(page)


def test_the_page_comes_by_itself_when_the_server_answers_again(
    open_page: OpenPage, people: People, lab: Room, nodes: Nodes
) -> None:
    own = nodes.start()
    page = with_worker(open_page(people.alice, "/rooms/lab/", at=own))
    own.stop()
    page.reload()
    expect(page.get_by_role("heading", name="You're offline")).to_be_visible()
    nodes.restart(own)
    # The page tries after 3 to 5 s, then after 6 to 9 and 12 to 18.
    expect(page.locator(".bar__title")).to_be_visible(timeout=60_000)
    connected(page)


def test_nothing_that_was_read_is_kept(open_page: OpenPage, people: People, lab: Room) -> None:
    page = with_worker(open_page(people.alice, "/rooms/lab/"))
    page.evaluate(
        "async () => { await (await caches.open('left-behind')).put('/rooms/lab/', new "
        "Response('hello')); }"
    )
    page.evaluate("async () => { await (await navigator.serviceWorker.ready).unregister(); }")
    page.goto("/inbox/")
    with_worker(page)
    page.goto("/rooms/lab/")
    connected(page)
    assert page.evaluate("() => caches.keys()") == []
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", name="You're offline")).to_be_visible()
    assert "Alice" not in page.content()


def test_the_worker_answers_for_pages_only(open_page: OpenPage, people: People, lab: Room) -> None:
    page = with_worker(open_page(people.alice, "/rooms/lab/"))
    seen = page.context.service_workers[0]
    seen.evaluate(
        "() => { self.seen = []; self.addEventListener('fetch', ({ request }) => "
        "self.seen.push(request.mode)); }"
    )
    page.reload()
    connected(page)
    assert set(seen.evaluate("() => self.seen")) <= {"navigate"}


def test_another_language_is_another_worker(open_page: OpenPage, people: People, lab: Room) -> None:
    page = with_worker(open_page(people.alice, "/accounts/preferences/", locale="en"))
    page.get_by_label("Language").select_option("de")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    with_worker(page)
    page.context.set_offline(True)
    page.goto("/inbox/")
    expect(page.get_by_role("heading", name="Du bist offline")).to_be_visible()


def test_the_site_can_be_installed(open_page: OpenPage, people: People, lab: Room) -> None:
    page = with_worker(open_page(people.alice, "/rooms/lab/", locale="de"))
    found = page.context.new_cdp_session(page).send("Page.getAppManifest")
    assert found["errors"] == []
    assert '"lang": "de"' in found["data"]
    missing = page.context.new_cdp_session(page).send("Page.getInstallabilityErrors")[
        "installabilityErrors"
    ]
    assert {found["errorId"] for found in missing} <= {"in-incognito"}  # the contexts of tests are
