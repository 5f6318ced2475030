"""A SQLite file that is full, read-only, locked or broken: an answer, and its cause."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db.utils import ConnectionHandler

from realtime.core.database import guarded
from realtime.core.outages import health
from realtime.protocol.errors import Unavailable

pytestmark = pytest.mark.django_db  # allows connections; these have a database of their own


@pytest.fixture(autouse=True)
def healthy() -> Iterator[None]:
    health.forget()
    yield
    health.forget()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "own.sqlite3"
    with sqlite3.connect(made) as connection:
        connection.execute("CREATE TABLE letters (text TEXT)")
    connection.close()
    return made


def write(name: str, init_command: str = "") -> None:
    """Write a row of some pages, as a thread of ours does."""
    options = {"uri": True, "timeout": 0.1, "init_command": init_command}
    config = {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": options}
    database = ConnectionHandler({"default": config})["default"]
    try:
        with database.cursor() as cursor:
            cursor.execute("INSERT INTO letters VALUES (hex(zeroblob(20000)))")
    finally:
        database.close()


def refused(name: str, init_command: str = "") -> str | None:
    """Return the cause that is noted."""
    with pytest.raises(Unavailable):
        guarded(write, name, init_command)
    return health.cause


def test_a_full_disk(file: Path) -> None:
    assert refused(str(file), "PRAGMA max_page_count = 3") == "SQLITE_FULL"
    assert (health.up, health.writable) == (True, False)


def test_a_file_that_may_only_be_read(file: Path) -> None:
    assert refused(f"file:{file}?mode=ro") == "SQLITE_READONLY"
    assert (health.up, health.writable) == (True, False)


def test_a_file_that_is_none_of_sqlite(file: Path) -> None:
    file.write_bytes(b"no database" * 1000)
    assert refused(str(file)) == "SQLITE_NOTADB"
    assert (health.up, health.writable) == (False, False)


def test_a_corrupted_file(file: Path) -> None:
    for _ in range(5):
        write(str(file))
    content = bytearray(file.read_bytes())
    content[4096 : 4096 + 2048] = b"\xff" * 2048  # the root of the table
    file.write_bytes(content)
    assert refused(str(file)) == "SQLITE_CORRUPT"
    assert not health.up


def test_another_writer_is_no_fault_of_the_file(file: Path) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert refused(str(file)) is None
    other.close()
    assert (health.up, health.writable) == (True, True)
