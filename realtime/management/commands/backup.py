"""``manage.py backup``: copy the SQLite database of a running site."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection


class Command(BaseCommand):
    """Copy the database while nodes use it. The copy appears under its name when it is complete."""

    help = "Copy the SQLite database of a running site to PATH. For PostgreSQL: docs/backups.md."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the path of the copy."""
        parser.add_argument("path", type=Path, help="the file to write; it must not exist yet")

    def handle(self, *args: Any, **options: Any) -> None:
        """Copy by SQLite's backup, check the copy, and give it its name."""
        path: Path = options["path"]
        if connection.vendor != "sqlite":
            raise CommandError(
                "DATABASE_URL is PostgreSQL: use pg_dump or pg_basebackup, as docs/backups.md says."
            )
        source = Path(connection.settings_dict["NAME"])
        if not source.exists():
            raise CommandError(f"There is no database {source}; run migrate first.")
        if path.exists():
            raise CommandError(f"{path} exists already; choose another name.")
        if not path.parent.is_dir():
            raise CommandError(f"{path.parent} is not a directory; make it first.")
        draft = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            _copy(source, draft)
            draft.rename(path)
        finally:
            draft.unlink(missing_ok=True)
        self.stdout.write(f"{path}: {path.stat().st_size:,} bytes")


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        target.chmod(0o600)  # it holds everything that people wrote
        # In one step: with a write-ahead log it delays no writer. In several steps, every post in
        # between would make it begin anew.
        live.backup(copy)
        found = copy.execute("PRAGMA quick_check").fetchone()[0]
        if found != "ok":
            raise CommandError(f"The copy is damaged, and so may be the database: {found}")
        # One file, which can be moved.
        copy.execute("PRAGMA journal_mode=DELETE")
