"""One browser for a module; one context, so one device, for each person who opens the site."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from chat import services
from chat.models import Room
from tests.conftest import People
from tests.support.browser import chromium
from tests.support.server import Node, Nodes

PATIENCE_MS = 15_000  # how long a page may take to show something; a busy machine needs seconds
# What Chromium itself writes while a server is away: a state that the page shows, not an error of it.
AWAY = re.compile(r"net::ERR_|^WebSocket connection to|^Failed to load resource: the server responded with a status of (?:502|503|504)")

expect.set_options(timeout=PATIENCE_MS)

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
    """Open the site as somebody: ``page = open_page(alice, "/rooms/lab/")``.

    A test fails when a page of it had an error or broke the Content-Security-Policy; ``expected`` matches console lines that are meant.
    """
    contexts = []
    problems: list[str] = []

    def open_as(user: User | None, path: str = "/", *, expected: str = "$^", **options: object) -> Page:
        context = browser.new_context(base_url=node.origin, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        if user is not None:
            sign_in(context, user, node.origin)

        def heard(line: ConsoleMessage) -> None:
            if line.type == "error" and not AWAY.search(line.text) and not re.search(expected, line.text):
                problems.append(f"{path}: {line.text}")

        context.on("weberror", lambda error: problems.append(f"{path}: {error.error}"))
        context.on("console", heard)
        page = context.new_page()
        page.goto(path)
        return page

    yield open_as
    for context in contexts:
        context.close()
    assert not problems, "\n".join(problems)


@pytest.fixture
def lab(people: People, transactional_db: None) -> Room:
    """The room Lab, which Alice owns and Bob is in. Charlie is outside."""
    room = services.create_room(actor_id=people.alice.pk, name="Lab", topic="What we try out").room
    services.join(actor_id=people.bob.pk, room_id=room.pk)
    return room


def sign_in(context: BrowserContext, user: User, origin: str) -> None:
    """Give the context a session of ``user``, without the form: only the tests of the form go through it."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": origin, "httpOnly": True, "sameSite": "Lax"}])
