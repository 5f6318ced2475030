"""The documented ways to back up a site and to restore it, with the commands of docs/backups.md."""

import shutil
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from tests.support.cluster import Cluster
from tests.support.postgres import NAME, SUPERUSER, Postgres
from tests.support.replication import until_true

MEBI = 1 << 20
# The drill measures a server as it is in production: nothing of its log may be lost.
SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
SETTINGS = {"DRAIN_SECONDS": "1"}


class Way(ABC):
    """One way: a cluster in use, its backup, and what becomes of it."""

    title: ClassVar[str]
    # Whether a message is kept that was acknowledged: before the backup, between the backup and the
    # moment, after the moment, after the restore.
    keeps: ClassVar[tuple[bool, bool, bool, bool]]
    cluster: Cluster

    def __enter__(self) -> Self:
        self.cluster.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cluster.close()

    @abstractmethod
    def back_up(self) -> str:
        """Take a backup while people post, and return a note about it."""

    def note_moment(self) -> None:
        """Note the moment to which the site is restored, where the way can choose one."""
        return

    @abstractmethod
    def destroy(self) -> None:
        """Lose the data by mistake, under running nodes."""

    @abstractmethod
    def restore(self) -> str:
        """Bring the database back, and return a note about it. The nodes are stopped."""


class OnPostgres(Way):
    """A cluster on a PostgreSQL of its own."""

    def __init__(self, directory: Path, options: Mapping[str, str] | None = None) -> None:
        self.postgres = Postgres({**SAFE, **(options or {})})
        self.cluster = Cluster(directory / "site", settings=SETTINGS, postgres=self.postgres)
        self.backup = self.postgres.directory / "backup"

    def destroy(self) -> None:
        """Run a wrong statement."""
        self.postgres.query("TRUNCATE chat_room CASCADE")

    @property
    def address(self) -> list[str]:
        """Where PostgreSQL's programs find the server."""
        return [f"--host={self.postgres.directory}", f"--username={SUPERUSER}"]


class PointInTime(OnPostgres):
    """A base backup and an archive of the write-ahead log."""

    title = "PostgreSQL: base backup, WAL archive, point-in-time recovery"
    keeps = (True, True, False, True)

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.archive = self.postgres.directory / "archive"
        self.postgres.options |= {
            "archive_mode": "on",
            "archive_command": f"test ! -f {self.archive}/%f && cp %p {self.archive}/%f",
            "archive_timeout": "60",
        }
        self.moment = datetime.now(UTC)

    def __enter__(self) -> Self:
        self.postgres.own_directory()
        self.archive.mkdir()
        if self.postgres.account:
            shutil.chown(self.archive, self.postgres.account)
        return super().__enter__()

    def back_up(self) -> str:
        """Copy the data directory of the running server, and check the copy."""
        self.postgres.program(
            "pg_basebackup", *self.address, f"--pgdata={self.backup}", "--checkpoint=fast"
        )
        self.postgres.program("pg_verifybackup", "--no-parse-wal", str(self.backup))
        return f"{_size(self.backup)}, verified"

    def note_moment(self) -> None:
        """By the clock of the database."""
        self.moment = self.postgres.query("SELECT clock_timestamp()")

    def restore(self) -> str:
        """Replace the data by the backup, and replay the archive up to the moment."""
        last = self.postgres.query("SELECT pg_walfile_name(pg_switch_wal())")
        until_true(lambda: (self.archive / last).exists(), "the last log was not archived")
        self.postgres.stop()
        shutil.rmtree(self.postgres.data)
        self.postgres.program("cp", "-a", str(self.backup), str(self.postgres.data))
        with (self.postgres.data / "postgresql.auto.conf").open("a") as settings:
            settings.write(
                f"restore_command = 'cp {self.archive}/%f %p'\n"
                f"recovery_target_time = '{self.moment.isoformat()}'\n"
                "recovery_target_action = 'promote'\n"
            )
        self.postgres.program("touch", str(self.postgres.data / "recovery.signal"))
        self.postgres.start()
        until_true(
            lambda: not self.postgres.query("SELECT pg_is_in_recovery()"), "recovery did not end"
        )
        return f"to {self.moment:%H:%M:%S.%f}, {len(list(self.archive.iterdir()))} archived files"


class Dump(OnPostgres):
    """A logical backup."""

    title = "PostgreSQL: pg_dump and pg_restore"
    keeps = (True, False, False, True)

    def back_up(self) -> str:
        """Dump the database of the running server."""
        self.postgres.program(
            "pg_dump", *self.address, "--format=custom", f"--file={self.backup}", NAME
        )
        return _size(self.backup)

    def restore(self) -> str:
        """Drop the database, and make it anew."""
        self.postgres.program("dropdb", *self.address, "--force", NAME)
        self.postgres.program(
            "createdb", *self.address, "--template=template0", "--encoding=UTF8", NAME
        )
        self.postgres.program(
            "pg_restore", *self.address, "--exit-on-error", f"--dbname={NAME}", str(self.backup)
        )
        self.postgres.query("ANALYZE")
        return "a new database"


class Embedded(Way):
    """SQLite, and its online backup."""

    title = "SQLite: manage.py backup"
    keeps = (True, False, False, True)

    def __init__(self, directory: Path) -> None:
        self.cluster = _OnSqlite(directory / "site", socket_nodes=1, settings=SETTINGS)
        self.backup = directory / "backup.sqlite3"

    @property
    def database(self) -> Path:
        """The file of the site."""
        return self.cluster.shape.var / "holdfast.sqlite3"

    def back_up(self) -> str:
        """Copy the database of the running nodes."""
        self.cluster.shape.manage("backup", str(self.backup))
        return _size(self.backup)

    def destroy(self) -> None:
        """Run a wrong statement."""
        with sqlite3.connect(self.database, timeout=30) as connection:
            connection.execute("DELETE FROM realtime_stream")
        connection.close()

    def restore(self) -> str:
        """Replace the file, and remove the log of the old one."""
        for suffix in ("-wal", "-shm"):
            Path(f"{self.database}{suffix}").unlink(missing_ok=True)
        shutil.copy(self.backup, self.database)
        return "the file replaced"


class _OnSqlite(Cluster):
    """A cluster whose nodes share one file."""

    def __init__(self, directory: Path, **options: Any) -> None:
        super().__init__(directory, **options)
        url = f"sqlite:///{self.shape.var / 'holdfast.sqlite3'}"
        self.shape = replace(self.shape, database_url=url)

    def _start_database(self) -> None:
        self.shape.manage("migrate", "--verbosity", "0")


def _size(path: Path) -> str:
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return f"{sum(each.stat().st_size for each in files) / MEBI:.1f} MiB"


WAYS: Mapping[str, type[PointInTime | Dump | Embedded]] = {
    "point-in-time": PointInTime,
    "dump": Dump,
    "sqlite": Embedded,
}
