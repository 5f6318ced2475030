"""``manage.py backup`` copies a SQLite database that is in use; other databases have their own."""

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.support.server import ROOT, passed_on

ROWS = 5000


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """A database whose newest rows are only in its write-ahead log."""
    path = tmp_path / "site.sqlite3"
    monkeypatch.setitem(connection.settings_dict, "NAME", str(path))
    with closing(sqlite3.connect(path)) as own:
        own.executescript("PRAGMA journal_mode=WAL; CREATE TABLE message (number INTEGER)")
        own.executemany("INSERT INTO message VALUES (?)", ((number,) for number in range(ROWS)))
        own.commit()
        yield own


def count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as copy:
        found: int = copy.execute("SELECT count(*) FROM message").fetchone()[0]
    return found


def test_the_copy_has_everything_that_was_committed(
    site: sqlite3.Connection, tmp_path: Path
) -> None:
    site.execute("INSERT INTO message VALUES (-1)")  # a post that is not committed yet
    copy = tmp_path / "copy.sqlite3"
    call_command("backup", str(copy), verbosity=0)
    site.commit()
    assert count(copy) == ROWS
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "copy.sqlite3",
        "site.sqlite3",
        "site.sqlite3-shm",
        "site.sqlite3-wal",
    ]


def test_a_copy_is_never_overwritten(site: sqlite3.Connection, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite3"
    copy.write_text("last night's")
    with pytest.raises(CommandError, match="exists already; choose another name"):
        call_command("backup", str(copy))
    assert copy.read_text() == "last night's"


def test_a_missing_directory_or_database_is_named(
    site: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError, match="is not a directory; make it first"):
        call_command("backup", str(tmp_path / "nowhere" / "copy.sqlite3"))
    monkeypatch.setitem(connection.settings_dict, "NAME", str(tmp_path / "none.sqlite3"))
    with pytest.raises(CommandError, match="There is no database"):
        call_command("backup", str(tmp_path / "copy.sqlite3"))


def test_postgresql_is_backed_up_by_its_own_programs(tmp_path: Path) -> None:
    env = {
        **passed_on(),
        "HOLDFAST_VAR_DIR": str(tmp_path),
        "DEBUG": "true",
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "backup", str(tmp_path / "copy")],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "use pg_dump or pg_basebackup" in done.stderr
