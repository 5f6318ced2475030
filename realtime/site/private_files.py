"""Files that hold what people wrote, or a secret: for the account of the node alone."""

import os
from pathlib import Path
from typing import Any, BinaryIO, Final

from django.conf import settings
from django.db import connections
from django.db.models.signals import pre_migrate

PRIVATE: Final = 0o600
OTHERS: Final = 0o077  # what the group and everyone else may do


def create(path: Path) -> BinaryIO:
    """Create a file that only this account reads. Raises ``FileExistsError``."""
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, PRIVATE))


def connect_signals() -> None:
    """Close a new SQLite database to others; called when apps are ready."""
    pre_migrate.connect(_close_new_database, dispatch_uid="realtime.site.private_files")


def _close_new_database(using: str, **_: Any) -> None:
    """Before the first migration. Later, the operator's own mode stays."""
    connection = connections[using]
    if connection.vendor == "sqlite" and not connection.introspection.table_names():
        for path in database_files(Path(connection.settings_dict["NAME"])):
            path.chmod(PRIVATE)


def database_files(database: Path) -> list[Path]:
    """Return the files of a SQLite database that exist; none for one in memory."""
    found = [database, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))]
    return [path for path in found if path.is_file()]


def open_to_others() -> list[Path]:
    """Return the private files in ``HOLDFAST_VAR_DIR``, and the database, that others can read."""
    var: Path = settings.VAR_DIR
    if var.is_dir() and not var.stat().st_mode & 0o011:
        return []  # nobody else can enter
    found = [var / ".env", var / "secret_key"]
    config = settings.DATABASES["default"]
    if config["ENGINE"].endswith("sqlite3"):
        found += database_files(Path(config["NAME"]))
    return [path for path in found if path.is_file() and path.stat().st_mode & OTHERS]
