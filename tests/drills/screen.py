"""A browser that has a room open from the beginning of a drill to its end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, async_playwright, expect

from tests.support.browser import ARGUMENTS, executable
from tests.support.cluster import PASSWORD
from tests.support.ledger import PATIENCE_SECONDS

PATIENCE_MS = 1000 * PATIENCE_SECONDS


class Screen:
    """The page of one person, which is never reloaded by the drill."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._reported: list[str] = []  # by scripts, in the console
        page.on("console", lambda message: self._reported.append(message.text))
        page.on("pageerror", lambda error: self._reported.append(str(error)))

    async def shows(self, text: str) -> None:
        """Wait until the page shows a message. Raises ``AssertionError``."""
        found = self._page.locator(".timeline .message__body").get_by_text(text, exact=True)
        try:
            await expect(found).to_have_count(1, timeout=PATIENCE_MS)
        except AssertionError as error:
            state = await self._page.locator("html").get_attribute("data-connection")
            last = (await self.texts())[-3:]
            raise AssertionError(
                f"the browser never showed {text!r}; connection {state}, last {last}, "
                f"reported {self._reported[-5:]}"
            ) from error

    async def texts(self) -> list[str]:
        """Return the messages that the page shows now."""
        return await self._page.locator(".timeline .message__body").all_inner_texts()


@asynccontextmanager
async def screen(origin: str, person: str, room: str) -> AsyncIterator[Screen]:
    """Sign in and open the room with this slug."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        page = await browser.new_page(base_url=origin)
        page.set_default_timeout(PATIENCE_MS)
        await page.goto(f"/accounts/login/?next=/rooms/{room}/")
        await page.get_by_label("Username").fill(person)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.locator("html")).to_have_attribute(
            "data-connection", "open", timeout=PATIENCE_MS
        )
        yield Screen(page)
        await browser.close()
