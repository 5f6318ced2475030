"""Chromium for the browser tests: the one of the system, driven by Playwright's sync API."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, sync_playwright

_ARGUMENTS = [
    "--no-sandbox",  # tests in containers run as root, where Chromium has no sandbox; it opens our own pages only
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers have 64 MiB of it
    # It would else look up hosts of its maker at every start, many at a time, on machines that reach nothing.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser.

    Playwright's sync API keeps an event loop in this thread while it runs. So the ORM has to be told that this is fine, and the browser
    must be closed before the next async test: the fixture around this has the scope of a module.
    """
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=_executable(), args=_ARGUMENTS)
            yield browser
            browser.close()
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        else:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


def sign_in(context: BrowserContext, user: User, origin: str) -> None:
    """Give the context a session of ``user``, without the form: only the tests of the form go through it."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": origin, "httpOnly": True, "sameSite": "Lax"}])


def _executable() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise RuntimeError("Chromium is not installed. `make test` installs it where there is apt; elsewhere install it yourself.")
