"""One browser and one server for all these tests; one context (a device) for each person.

The tables are emptied between tests, but the server keeps running. Whatever it remembers of a room,
an inbox or a session has an id that no later test gets again. Rows without such an id survive the
emptying (``KEPT``). A test that ends its server, or wants other settings, starts its own.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from pytest_django import DjangoDbBlocker

from chat import services
from chat.models import Room
from realtime.models import Epoch
from realtime.models import Node as NodeReport
from tests.conftest import People
from tests.support import slow_network, slow_processor
from tests.support.browser import chromium
from tests.support.server import Node, Nodes

# How long a page may take to show something; a busy machine needs seconds.
PATIENCE_MS = 15_000 * slow_network.PATIENCE * slow_processor.PATIENCE
# Chromium itself logs these lines while a server is away. The page shows this state; it is not an
# error of the page.
AWAY = re.compile(
    r"net::ERR_|^WebSocket connection to|^An unknown error occurred when fetching the script"
    r"|^Failed to load resource: the server responded with a status of (?:502|503|504)"
)

expect.set_options(timeout=PATIENCE_MS)

LOG_LINES = 20  # shown of the server's log when a page had an error
HEAD_CHECK_SECONDS = "0.5"  # what a test does in its own process is seen by this check alone


def whole(model: type[Model]) -> str:
    columns = [str(field.column) for field in model._meta.concrete_fields]
    return f"({', '.join(columns)}) SELECT {', '.join(f'old.{column}' for column in columns)}"


# By table: the row that takes the place of a deleted one at once, in the same transaction. Without
# them the server would find that its database has gone back in time, and send its clients away.
KEPT = {
    "realtime_epoch": whole(Epoch),
    "realtime_node": whole(NodeReport),
    # Streams go on where earlier tests left them, and show nothing of those.
    "realtime_stream": (
        "(name, head, floor, changed_at) SELECT old.name, old.head, old.head, old.changed_at"
    ),
    # Their ids are in the server's memory.
    "django_content_type": "(id, app_label, model) SELECT old.id, old.app_label, old.model",
}

OpenPage = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="package")
def kept_rows(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for table, row in KEPT.items():
            cursor.execute(
                f"CREATE TRIGGER kept_{table} AFTER DELETE ON {table} BEGIN INSERT INTO {table} "
                f"{row}; END"
            )
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for table in KEPT:
            cursor.execute(f"DROP TRIGGER kept_{table}")
        cursor.execute("DELETE FROM realtime_epoch")
        cursor.execute("DELETE FROM realtime_node")
        cursor.execute("DELETE FROM realtime_stream")


@pytest.fixture(scope="package")
def shared_node(kept_rows: None, node_var: Path) -> Iterator[Node]:
    found = Nodes(node_var)
    yield found.start(HOLDFAST_HEAD_CHECK_SECONDS=HEAD_CHECK_SECONDS)
    found.stop()


@pytest.fixture
def node(shared_node: Node, transactional_db: None) -> Node:
    """The server of all these tests, on tables that hold nothing of the test before."""
    return shared_node


@pytest.fixture
def open_page(browser: Browser, node: Node) -> Iterator[OpenPage]:
    """Open the site as a user: ``page = open_page(alice, "/rooms/lab/")``.

    A test fails when a page of it had an error or broke the Content-Security-Policy; ``expected``
    matches console lines that are meant. ``at`` is another server than the one of all tests.
    """
    contexts = []
    problems: list[str] = []

    def open_as(
        user: User | None,
        path: str = "/",
        *,
        expected: str = "$^",
        at: Node = node,
        **options: object,
    ) -> Page:
        context = browser.new_context(base_url=at.origin, reduced_motion="reduce", **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        if user is not None:
            sign_in(context, user, at.origin)

        def heard(line: ConsoleMessage) -> None:
            if (
                line.type == "error"
                and not AWAY.search(line.text)
                and not re.search(expected, line.text)
            ):
                problems.append(f"{path}: {line.text}")

        context.on(
            "weberror", lambda error: problems.append(f"{path}: {error.error.stack or error.error}")
        )
        context.on("console", heard)
        context.on("page", slow_processor.before)
        page = context.new_page()
        page.goto(path)
        return page

    yield open_as
    for context in contexts:
        context.close()
    assert not problems, "\n".join(
        [*problems, "The server's log ends with:", *node.log.splitlines()[-LOG_LINES:]]
    )


@pytest.fixture
def lab(people: People, transactional_db: None) -> Room:
    """The room Lab, which Alice owns and Bob is in. Charlie is outside."""
    room = services.create_room(actor_id=people.alice.pk, name="Lab", topic="Experiments").room
    services.join(actor_id=people.bob.pk, room_id=room.pk)
    return room


def sign_in(context: BrowserContext, user: User, origin: str) -> None:
    """Sign ``user`` in to the context without the form, which has tests of its own."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies(
        [
            {
                "name": cookie.key,
                "value": cookie.value,
                "url": origin,
                "httpOnly": True,
                "sameSite": "Lax",
            }
        ]
    )
