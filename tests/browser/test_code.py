"""Code and images in messages: coloured, copied, and shown only where the site allows it."""

import base64
import re

from playwright.sync_api import BrowserContext, Page, Route, expect

from chat import services
from chat.models import Room
from tests.browser.conftest import OpenPage
from tests.browser.screen import connected, message, sent
from tests.conftest import People
from tests.support.server import Nodes

CODE = "```python\ndef anchor(depth):\n    return depth * 3  # metres\n```"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def highlighters(page: Page) -> int:
    """Return how many workers of the page highlight code."""
    return len([worker for worker in page.workers if "highlighter" in worker.url])


def test_code_is_coloured_by_what_is_loaded_with_the_first_block_of_a_language(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body="```\nplain\n```")
    page = open_page(people.bob, "/rooms/lab/")
    connected(page)
    expect(message(page, "plain").locator(".code")).to_be_visible()
    assert highlighters(page) == 0
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body=CODE)
    body = sent(page, "anchor").locator(".message__body")
    expect(body.locator(".hljs-keyword").first).to_have_text("def")
    expect(body.locator(".hljs-comment")).to_have_text("# metres")
    assert highlighters(page) == 1
    ink = "getComputedStyle(document.querySelector('.hljs-keyword')).color"
    assert page.evaluate(ink) != page.evaluate(
        "getComputedStyle(document.querySelector('.code code')).color"
    )


def test_code_is_copied_by_keyboard_and_stays_in_focus(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    code = services.post_message(author_id=people.alice.pk, room_id=lab.pk, body=CODE).message
    page = open_page(people.bob, "/rooms/lab/", permissions=["clipboard-read", "clipboard-write"])
    connected(page)
    button = message(page, "anchor").get_by_role("button", name="Copy code")
    button.focus()
    page.keyboard.press("Enter")
    copied = message(page, "anchor").get_by_role("button", name="Copied")
    expect(copied).to_be_focused()
    assert (
        page.evaluate("navigator.clipboard.readText()")
        == "def anchor(depth):\n    return depth * 3  # metres"
    )
    services.react(actor_id=people.alice.pk, message_id=code.pk, emoji="🚀", on=True)
    expect(message(page, "anchor").get_by_role("button", name="🚀, 1 reaction")).to_be_visible()
    expect(message(page, "anchor").locator(".code__copy")).to_be_focused()


def serve_images(context: BrowserContext) -> list[str | None]:
    """Answer for the host of images; returns the Referer of each request."""
    referrers: list[str | None] = []

    def answer(route: Route) -> None:
        referrers.append(route.request.headers.get("referer"))
        route.fulfill(body=PIXEL, content_type="image/png")

    context.route("https://images.example.org/**", answer)
    return referrers


def test_an_image_is_shown_where_the_site_allows_its_host(
    open_page: OpenPage, people: People, lab: Room, nodes: Nodes
) -> None:
    node = nodes.start(HOLDFAST_IMAGE_HOSTS="images.example.org", HOLDFAST_HEAD_CHECK_SECONDS="0.5")
    page = open_page(people.bob, "/rooms/lab/", at=node, expected="Content Security Policy")
    referrers = serve_images(page.context)
    connected(page)
    body = (
        "See [the harbour](https://images.example.org/harbour.png) and "
        "https://elsewhere.example.org/boat.png"
    )
    services.post_message(author_id=people.alice.pk, room_id=lab.pk, body=body)
    picture = message(page, "See").get_by_role("img", name="the harbour")
    expect(picture).to_have_js_property("naturalWidth", 1)
    expect(picture).to_have_attribute("loading", "lazy")
    expect(message(page, "See").get_by_role("img")).to_have_count(1)
    expect(message(page, "See").locator("a", has_text=re.compile("boat"))).to_have_count(1)
    box = message(page, "See").locator(".picture").bounding_box()
    assert box is not None
    assert abs(box["width"] / box["height"] - 1.5) < 0.02
    assert referrers == [None]
    blocked = """new Promise(done => {
        document.addEventListener('securitypolicyviolation', event => done(event.effectiveDirective));
        new Image().src = 'https://elsewhere.example.org/boat.png';
    })"""
    assert page.evaluate(blocked) == "img-src"


def test_without_a_policy_a_link_stays_a_link(
    open_page: OpenPage, people: People, lab: Room
) -> None:
    services.post_message(
        author_id=people.alice.pk, room_id=lab.pk, body="See https://images.example.org/harbour.png"
    )
    page = open_page(people.bob, "/rooms/lab/", expected="Content Security Policy")
    connected(page)
    expect(message(page, "See").locator("a", has_text="harbour.png")).to_be_visible()
    expect(message(page, "See").locator("img")).to_have_count(0)
    blocked = """new Promise(done => {
        document.addEventListener('securitypolicyviolation', event => done(event.effectiveDirective));
        new Image().src = 'https://images.example.org/harbour.png';
    })"""
    assert page.evaluate(blocked) == "img-src"
