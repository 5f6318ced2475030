"""One browser for a module; one context, so one device, for each person who opens the site."""

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from tests.support.browser import chromium
from tests.support.server import Node, Nodes

PATIENCE_MS = 10_000  # how long a page may take to show something; a busy machine needs seconds

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def node(nodes: Nodes) -> Node:
    return nodes.start()


@pytest.fixture
def open_page(browser: Browser, node: Node) -> Iterator[OpenPage]:
    """Open the site as somebody: ``page = open_page(alice, "/rooms/general/")``; a test fails when a page of it had an error."""
    contexts = []
    problems: list[str] = []

    def open_as(user: User | None, path: str = "/", **options: object) -> Page:
        context = browser.new_context(base_url=node.origin, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        if user is not None:
            sign_in(context, user, node.origin)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"{path}: {error}"))
        page.on("console", lambda line: problems.append(f"{path}: {line.text}") if "Content Security Policy" in line.text else None)
        page.goto(path)
        return page

    yield open_as
    for context in contexts:
        context.close()
    assert not problems, "\n".join(problems)


def sign_in(context: BrowserContext, user: User, origin: str) -> None:
    """Give the context a session of ``user``, without the form: only the tests of the form go through it."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": origin, "httpOnly": True, "sameSite": "Lax"}])
