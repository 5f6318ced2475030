"""The page as a user sees it: its elements, and the steps of a user."""

import re

from playwright.sync_api import Locator, Page, expect

_SOME_NUMBER = re.compile(r"^\d+$")


def say(page: Page, text: str) -> None:
    """Write a message and send it with Enter."""
    composer = page.get_by_label("Message", exact=True)
    composer.fill(text)
    composer.press("Enter")


def message(page: Page, text: str) -> Locator:
    """The message with this text."""
    return page.locator(".timeline .message").filter(
        has=page.locator(".message__body", has_text=text)
    )


def press(page: Page, key: str) -> None:
    """Press a key once the page's scripts run: a new page shows its text before."""
    page.wait_for_load_state()
    page.keyboard.press(key)


def sent(page: Page, text: str) -> Locator:
    """The message with this text, once the server has it."""
    found = message(page, text)
    expect(found).to_have_attribute("data-number", _SOME_NUMBER)
    return found


def act(page: Page, on: Locator, name: str) -> None:
    """Press a button of the toolbar that a message shows under the pointer."""
    on.hover()
    on.get_by_role("toolbar").get_by_role("button", name=name, exact=True).click()


def bodies(page: Page) -> Locator:
    """Return the texts of all messages on the page, oldest first."""
    return page.locator(".timeline .message .message__body")


def place(page: Page, name: str) -> Locator:
    """A room in the sidebar."""
    return page.get_by_role("navigation").locator(".place", has_text=name)


def connected(page: Page) -> None:
    """Wait until the page has its connection."""
    expect(page.locator("html")).to_have_attribute("data-connection", "open")
