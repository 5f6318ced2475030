"""Make the pictures of the documents: ``python -m tests.browser.screenshots`` writes ``docs/screenshots/*.png`` from the demo's rooms.

Names of pictures make these alone: ``python -m tests.browser.screenshots room desk``.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.browser.screen import act, connected, message, say
from tests.support.browser import launch
from tests.support.demo_site import PASSWORD, demo_site
from tests.support.server import ROOT

DIRECTORY = ROOT / "docs" / "screenshots"
DESK = (1280, 800)
TALL = (1280, 900)
WIDE = (2560, 1200)
PHONE = (390, 780)
PHONE_SCALE = 2
SCALE = 1.5  # sharp on the screens of 2026, and below the limit
MAX_BYTES = 400_000  # of a picture: the README is read on trains

Step = Callable[[Page], None]


def nothing(page: Page) -> None:
    """Leave the page as it is."""


def people(page: Page) -> None:
    """Open the panel of members."""
    page.locator(".bar__people").click()
    page.locator(".member").first.wait_for()


def reaction(page: Page) -> None:
    """Choose a reaction to the last but one message."""
    act(page, page.locator(".timeline .message").nth(-3), "Add reaction")


def new_room(page: Page) -> None:
    """Begin to make a room."""
    page.get_by_role("link", name="Create a room").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Harbour festival")


def offline(page: Page) -> None:
    """Lose the network, and write all the same."""
    page.context.set_offline(True)
    say(page, "On the ferry now, no signal until the island. Go from me!")
    expect(message(page, "On the ferry now")).to_contain_text(
        "Will be sent when you're back online"
    )
    act(page, page.locator(".timeline .message").nth(-3), "Reply")


def switcher(page: Page) -> None:
    """Look for a room or a person."""
    page.keyboard.press("Control+k")
    page.keyboard.type("le")
    expect(page.get_by_role("dialog").get_by_role("option").first).to_be_visible()


def shortcuts(page: Page) -> None:
    """List all shortcuts."""
    page.keyboard.press("Control+/")


def drawer(page: Page) -> None:
    """Open the list of rooms on a phone."""
    page.locator('[data-do="open-drawer"]').click()


def without_announcement(page: Page) -> None:
    """Dismiss the demo's welcome."""
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".banner")).to_have_count(0)


def code(page: Page) -> None:
    """Show lines of code in their colours."""
    expect(page.locator(".code .hljs-keyword").first).to_be_visible()
    page.locator(".code").first.evaluate("element => element.scrollIntoView({ block: 'center' })")


def emoji(page: Page) -> None:
    """Look for an emoji to write."""
    page.locator('[data-do="insert-emoji"]').click()
    page.locator(".emoji-picker input").fill("heart")
    expect(
        page.locator(".emoji-picker [role=option], .emoji-picker__body button").first
    ).to_be_visible()


def emoji_on_a_phone(page: Page) -> None:
    """Dismiss the welcome, and look for an emoji."""
    without_announcement(page)
    emoji(page)


def formats(page: Page) -> None:
    """Ask how Markdown is written."""
    page.locator('[data-do="pick-format"]').click()


def empty_room(page: Page) -> None:
    """Make a room, and be the first in it."""
    new_room(page)
    page.get_by_role("button", name="Create room").click()
    page.wait_for_url("**/rooms/harbour-festival/")
    connected(page)
    page.locator(".toast").wait_for(state="detached")


def refused(page: Page) -> None:
    """Write while offline, and be muted before it is sent."""
    page.context.set_offline(True)
    say(page, "My three remarks about the curves, in the order of how much they hurt:")
    expect(message(page, "My three remarks")).to_contain_text(
        "Will be sent when you're back online"
    )
    with other_user(page, "alice", "/rooms/design/") as alice:
        alice.locator(".bar__people").click()
        alice.get_by_role("button", name="Actions for Charlie").click()
        alice.get_by_role("menuitem", name="Mute…", exact=True).click()
        alice.get_by_role("dialog").get_by_role("button", name="Mute").click()
        expect(alice.locator(".member", has_text="Charlie")).to_contain_text("Muted until")
    page.context.set_offline(False)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    connected(page)


def invited(page: Page) -> None:
    """Follow a link into a private room."""
    with other_user(page, "alice", "/rooms/leads/") as alice:
        alice.locator(".bar__people").click()
        alice.get_by_role("button", name="Invite with a link").click()
        dialog = alice.get_by_role("dialog")
        dialog.get_by_role("button", name="Create link").click()
        link = dialog.get_by_label("New invite link")
        expect(link).not_to_have_value("")
        address = link.input_value()
    page.goto(address)


def counted(page: Page) -> None:
    """Count what would be removed."""
    page.locator("#id_words").fill("watches")
    page.locator("#id_reason").fill("The same advertisement again and again")
    page.locator(".submit-row button").first.click()
    page.locator("#id_number").wait_for()


@contextmanager
def other_user(page: Page, who: str, path: str) -> Iterator[Page]:
    """Let another user do something in a browser of their own."""
    browser = page.context.browser
    assert browser
    address = urlsplit(page.url)
    context = browser.new_context(
        base_url=f"{address.scheme}://{address.netloc}", viewport={"width": 1280, "height": 800}
    )
    other = context.new_page()
    _sign_in(other, who)
    other.goto(path)
    connected(other)
    yield other
    context.close()


@dataclass(frozen=True)
class Picture:
    """A page as one user sees it."""

    name: str
    path: str
    who: str = ""
    size: tuple[int, int] = DESK
    dark: bool = False
    step: Step = nothing
    language: str = "en"


PICTURES = (
    Picture("room", "/rooms/launch/", "bob"),
    Picture("room-dark", "/rooms/launch/", "maya", dark=True, step=people),
    Picture("room-wide", "/rooms/launch/", "alice", size=WIDE, step=people),
    Picture("room-phone", "/rooms/launch/", "alice", size=PHONE, step=without_announcement),
    Picture(
        "room-phone-dark",
        "/rooms/design/",
        "charlie",
        size=PHONE,
        dark=True,
        step=without_announcement,
    ),
    Picture("rooms-phone", "/rooms/launch/", "bob", size=PHONE, step=drawer),
    Picture("reaction", "/rooms/launch/", "charlie", step=reaction),
    Picture("offline", "/rooms/launch/", "bob", step=offline),
    Picture("new-room-dark", "/rooms/general/", "maya", dark=True, step=new_room),
    Picture("switcher", "/rooms/launch/", "alice", step=switcher),
    Picture("shortcuts-dark", "/rooms/launch/", "maya", size=TALL, dark=True, step=shortcuts),
    Picture("room-arabic", "/rooms/launch/", "bob", step=people, language="ar"),
    Picture("room-arabic-dark", "/rooms/general/", "maya", dark=True, language="ar"),
    Picture("room-arabic-phone", "/rooms/launch/", "alice", size=PHONE, language="ar"),
    Picture(
        "rooms-arabic-phone-dark",
        "/rooms/launch/",
        "bob",
        size=PHONE,
        dark=True,
        step=drawer,
        language="ar",
    ),
    Picture("inbox", "/inbox/", "bob"),
    Picture("inbox-german", "/inbox/", "bob", language="de"),
    Picture("directory-dark", "/rooms/", "admin", dark=True),
    Picture("sign-in", "/accounts/login/"),
    Picture("sign-up-phone-dark", "/accounts/signup/", size=PHONE, dark=True),
    Picture("desk", "/admin/", "maya", size=(1200, 680)),
    Picture("case", "/admin/chat/case/next/", "maya"),
    Picture("case-phone-dark", "/admin/chat/case/next/", "maya", size=PHONE, dark=True),
    Picture("case-arabic", "/admin/chat/case/next/", "maya", language="ar"),
    Picture("queue-dark", "/admin/chat/case/", "maya", dark=True),
    Picture("bulk-dark", "/admin/chat/bulk/add/?author=gus", "maya", dark=True, step=counted),
    Picture(
        "evidence-phone-dark",
        "/admin/chat/bulk/evidence/?person=gus",
        "maya",
        size=PHONE,
        dark=True,
    ),
    Picture("nodes", "/admin/realtime/node/", "admin"),
    Picture("code-dark", "/rooms/launch/", "charlie", dark=True, step=code),
    Picture("formats", "/rooms/launch/", "maya", step=formats),
    Picture(
        "emoji-phone-dark", "/rooms/launch/", "admin", size=PHONE, dark=True, step=emoji_on_a_phone
    ),
    Picture("search", "/search/?q=tern", "bob"),
    Picture("search-none-dark", "/search/?q=kraken", "bob", dark=True),
    Picture("inbox-empty", "/inbox/", "admin"),
    # The steps that change the site come last, so that no other picture shows their effect.
    Picture("invite-arabic", "/accounts/login/", step=invited, language="ar"),
    Picture("refused", "/rooms/design/", "charlie", step=refused),
    Picture("room-empty-dark", "/rooms/general/", "alice", dark=True, step=empty_room),
)


def main() -> None:
    """Write all pictures, or those that the command line names."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    wanted = sys.argv[1:]
    with demo_site() as site, sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        for picture in PICTURES:
            if wanted and picture.name not in wanted:
                continue
            path = DIRECTORY / f"{picture.name}.png"
            _take(browser, site.origin, picture, path)
            sys.stdout.write(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1000} kB\n")
            if path.stat().st_size > MAX_BYTES:
                raise SystemExit(
                    f"{path.name} has {path.stat().st_size} bytes, more than {MAX_BYTES}."
                )
        browser.close()


def _take(browser: Browser, origin: str, picture: Picture, path: Path) -> None:
    width, height = picture.size
    context = browser.new_context(
        base_url=origin,
        viewport=ViewportSize(width=width, height=height),
        device_scale_factor={PHONE: PHONE_SCALE, WIDE: 1}.get(picture.size, SCALE),
        color_scheme="dark" if picture.dark else "light",
        locale=picture.language,
        reduced_motion="reduce",  # no picture of half an animation
    )
    page = context.new_page()
    if picture.who:
        _sign_in(page, picture.who)
    page.goto(picture.path)
    page.wait_for_load_state("networkidle")
    if page.locator(".app").count():
        connected(page)
    picture.step(page)
    if picture.step is without_announcement:
        page.mouse.move(0, 0)  # a finger leaves no hover
    page.evaluate("document.fonts.ready")
    page.screenshot(path=path)
    context.close()


def _sign_in(page: Page, name: str) -> None:
    page.goto("/accounts/login/")
    page.locator("#id_username").fill(name)
    page.locator("#id_password").fill(PASSWORD)
    page.locator('button[type="submit"]').click()
    page.wait_for_url(lambda url: "/login/" not in url)


if __name__ == "__main__":
    main()
