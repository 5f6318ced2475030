"""Make the pictures of the documents: ``python -m tests.support.screenshots docs/images``."""

import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.support.browser import launch
from tests.support.demo_site import PASSWORD, demo_site

DESK = (1280, 800)
PHONE = (390, 844)


@dataclass(frozen=True)
class Picture:
    """A page as somebody sees it."""

    name: str
    path: str
    who: str = "bob"
    size: tuple[int, int] = DESK
    dark: bool = False


PICTURES = (
    Picture("room", "/rooms/launch/"),
    Picture("room-dark", "/rooms/launch/", who="maya", dark=True),
    Picture("room-phone", "/rooms/launch/", size=PHONE),
    Picture("inbox", "/inbox/"),
    Picture("login", "/accounts/login/", who=""),
    Picture("desk", "/admin/", who="maya"),
)


def main(directory: Path) -> None:
    """Write all pictures into ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    with demo_site() as site, sync_playwright() as playwright:
        browser = launch(playwright)
        for picture in PICTURES:
            page = _open(browser, site.origin, picture)
            page.screenshot(path=directory / f"{picture.name}.png")
            page.context.close()
            sys.stdout.write(f"{directory / picture.name}.png\n")
        browser.close()


def _open(browser: Browser, origin: str, picture: Picture) -> Page:
    context = browser.new_context(
        base_url=origin,
        viewport=ViewportSize(width=picture.size[0], height=picture.size[1]),
        device_scale_factor=2,
        color_scheme="dark" if picture.dark else "light",
        reduced_motion="reduce",  # no picture of half an animation
    )
    page = context.new_page()
    if picture.who:
        page.goto("/accounts/login/")
        page.fill("input[name=username]", picture.who)
        page.fill("input[name=password]", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url(lambda url: "/login/" not in url)
    page.goto(picture.path)
    page.wait_for_load_state("networkidle")
    return page


if __name__ == "__main__":
    main(Path(sys.argv[1]))
