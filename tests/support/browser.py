"""Chromium for the browser tests: the one of the system, driven by Playwright's sync API."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserType, sync_playwright

ARGUMENTS = [
    # Tests in containers run as root, where Chromium has no sandbox; it opens our own pages only.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers have 64 MiB of it
    # It would else look up hosts of its maker at every start, many at a time, on machines that
    # reach nothing.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

WHOLE = ("chromium", "chromium-browser", "google-chrome")
# Without the parts of a window, pages take a third less of the processor, and tests half the time.
# It shows no notifications of service workers.
SHELL_FIRST = ("chromium-headless-shell", *WHOLE)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser.

    Playwright's sync API keeps an event loop in this thread while it runs. So the ORM has to
    permit calls from this thread, and the browser must be closed before the next async test: the
    fixture around this has the scope of a module.
    """
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            browser = launch(playwright.chromium, SHELL_FIRST)
            yield browser
            browser.close()
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        else:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


def launch(browser_type: BrowserType, names: Sequence[str] = WHOLE) -> Browser:
    """Start Chromium without a window: the first of ``names`` that is installed."""
    return browser_type.launch(executable_path=executable(names), args=ARGUMENTS)


def executable(names: Sequence[str] = WHOLE) -> str:
    """Return the path of the system's Chromium. Raises where there is none."""
    for name in names:
        if path := shutil.which(name):
            return path
    raise RuntimeError(
        "Chromium is not installed. `make test` installs it where there is apt; elsewhere install "
        "it yourself."
    )
