"""Make the pictures of the documents: ``python -m tests.browser.screenshots`` writes ``docs/screenshots/*.png`` from the demo's rooms."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.browser.screen import act, connected, message, say
from tests.support.browser import launch
from tests.support.demo_site import PASSWORD, demo_site
from tests.support.server import ROOT

DIRECTORY = ROOT / "docs" / "screenshots"
DESK = (1280, 800)
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
    act(page, page.locator(".timeline .message").nth(-3), "React")


def new_room(page: Page) -> None:
    """Begin to make a room."""
    page.get_by_role("link", name="Create a room").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Harbour festival")


def offline(page: Page) -> None:
    """Lose the network, and write all the same."""
    page.context.set_offline(True)
    say(page, "On the ferry now, no signal until the island. Go from me!")
    expect(message(page, "On the ferry now")).to_contain_text("Waiting for the network")
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


@dataclass(frozen=True)
class Picture:
    """A page as somebody sees it."""

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
    Picture("room-phone-dark", "/rooms/design/", "charlie", size=PHONE, dark=True, step=without_announcement),
    Picture("rooms-phone", "/rooms/launch/", "bob", size=PHONE, step=drawer),
    Picture("reaction", "/rooms/launch/", "charlie", step=reaction),
    Picture("offline", "/rooms/launch/", "bob", step=offline),
    Picture("new-room-dark", "/rooms/general/", "maya", dark=True, step=new_room),
    Picture("switcher", "/rooms/launch/", "alice", step=switcher),
    Picture("shortcuts-dark", "/rooms/launch/", "maya", dark=True, step=shortcuts),
    Picture("room-arabic", "/rooms/launch/", "bob", step=people, language="ar"),
    Picture("room-arabic-dark", "/rooms/general/", "maya", dark=True, language="ar"),
    Picture("room-arabic-phone", "/rooms/launch/", "alice", size=PHONE, language="ar"),
    Picture("rooms-arabic-phone-dark", "/rooms/launch/", "bob", size=PHONE, dark=True, step=drawer, language="ar"),
    Picture("inbox", "/inbox/", "bob"),
    Picture("inbox-german", "/inbox/", "bob", language="de"),
    Picture("directory-dark", "/rooms/", "admin", dark=True),
    Picture("sign-in", "/accounts/login/"),
    Picture("sign-up-phone-dark", "/accounts/signup/", size=PHONE, dark=True),
    Picture("desk", "/admin/", "maya", size=(1200, 680)),
    Picture("case", "/admin/chat/report/next/", "maya"),
    Picture("case-phone-dark", "/admin/chat/report/next/", "maya", size=PHONE, dark=True),
    Picture("queue-dark", "/admin/chat/report/", "maya", dark=True),
)


def main() -> None:
    """Write all pictures."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with demo_site() as site, sync_playwright() as playwright:
        browser = launch(playwright)
        for picture in PICTURES:
            path = DIRECTORY / f"{picture.name}.png"
            _take(browser, site.origin, picture, path)
            sys.stdout.write(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1000} kB\n")
            if path.stat().st_size > MAX_BYTES:
                raise SystemExit(f"{path.name} has {path.stat().st_size} bytes, more than {MAX_BYTES}.")
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
