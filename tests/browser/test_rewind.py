"""A backup of the SQLite file is restored under the running server."""

import sqlite3
import time
from pathlib import Path

from django.db import connection
from playwright.sync_api import expect

from chat.models import Message, Room
from tests.browser.conftest import PATIENCE_MS, OpenPage
from tests.browser.screen import bodies, connected, say, sent
from tests.conftest import People
from tests.support.server import Node


def copy(source: Path, target: Path) -> None:
    """Copy a database in use, by SQLite's backup API."""
    with (
        sqlite3.connect(source, timeout=20) as read,
        sqlite3.connect(target, timeout=20) as written,
    ):
        read.backup(written)
    read.close()
    written.close()


def test_the_browser_posts_again_what_the_older_database_does_not_have(
    open_page: OpenPage, people: People, lab: Room, node: Node, tmp_path: Path
) -> None:
    alice, bob = open_page(people.alice, "/rooms/lab/"), open_page(people.bob, "/rooms/lab/")
    connected(bob)
    say(alice, "Kept")
    sent(bob, "Kept")
    database, backup = Path(connection.settings_dict["NAME"]), tmp_path / "backup.sqlite3"
    copy(database, backup)
    for text in ("Lost, and posted again", "This one too"):
        say(alice, text)
        sent(bob, text)
    before = Message.objects.count()
    copy(backup, database)
    assert Message.objects.count() == before - 2
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while Message.objects.count() < before and time.monotonic() < deadline:
        alice.wait_for_timeout(50)  # the browser acts, and the database cannot be awaited
    wanted = ["Kept", "Lost, and posted again", "This one too"]
    assert list(Message.objects.order_by("number").values_list("body", flat=True)) == wanted
    say(bob, "An answer")
    for page in (alice, bob):
        expect(bodies(page)).to_have_text([*wanted, "An answer"])
    assert "the database has gone back in time" in node.log
