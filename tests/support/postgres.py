"""A throw-away PostgreSQL server in a temporary directory.

As a program it runs a command with ``DATABASE_URL`` set and gives back its exit code:
``python -m tests.support.postgres -- pytest tests/chat``.
"""

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import psycopg

from tests.support import templates
from tests.support.small_disk import SmallDisk

START_SECONDS = 30  # initdb and the first start take two, on a busy machine ten
NAME = "holdfast"
SUPERUSER = "postgres"

# Nothing here outlives the run, so nothing is flushed to the disk.
_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "port": "5432",  # the name of the Unix socket
    "listen_addresses": "",  # a Unix socket only: no port to race for, nobody from outside
    "max_connections": "200",
    "max_prepared_transactions": "4",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}


class Postgres:
    """One server, from ``start`` (or ``with``) to ``stop``; it can be restarted with its data.

    ``options`` are settings of PostgreSQL, over those above. A ``migrated`` one has Holdfast's
    tables. With ``megabytes`` it has a disk of its own of this size, which can be full.
    """

    def __init__(
        self,
        options: Mapping[str, str] | None = None,
        *,
        migrated: bool = False,
        megabytes: int | None = None,
    ) -> None:
        self.migrated = migrated
        self.options = {**_OPTIONS, **(options or {})}
        # Short: the path of a Unix socket has at most 107 bytes.
        self.directory = Path(tempfile.mkdtemp(prefix="holdfast-pg-"))
        self.disk = None if megabytes is None else SmallDisk(self.directory, megabytes)
        self._as_user: dict[str, Any] = _unprivileged()
        self._process: subprocess.Popen[bytes] | None = None
        self._bin = _binaries()
        self._extra: list[str] = []

    @property
    def pid(self) -> int:
        """The number of the running server's first process."""
        assert self._process is not None, "PostgreSQL has not been started"
        return self._process.pid

    @property
    def url(self) -> str:
        """The address of the database, for ``DATABASE_URL``."""
        return f"postgres://{SUPERUSER}@/{NAME}?host={self.directory}"

    @property
    def command(self) -> list[str]:
        """The server's command, for another supervisor; it must run as ``account``."""
        settings = [
            argument
            for name, value in self.options.items()
            for argument in ("-c", f"{name}={value}")
        ]
        return [
            f"{self._bin}/postgres",
            "-D",
            str(self.data),
            "-k",
            str(self.directory),
            *settings,
            *self._extra,
        ]

    @property
    def socket(self) -> Path:
        """The Unix socket that the server listens on."""
        return self.directory / f".s.PGSQL.{self.options['port']}"

    @property
    def account(self) -> str | None:
        """The account of the server, if it differs from ours."""
        name: str | None = self._as_user.get("user")
        return name

    def __enter__(self) -> Self:
        try:
            self.initialise()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def listen(self, address: str, network: str) -> None:
        """Listen on an address of TCP from the next start on, to everyone in ``network``."""
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {network} trust\n")
        self._extra = ["-c", f"listen_addresses={address}"]

    def start(self) -> None:
        """Start the server and wait until it answers."""
        with self._log.open("ab") as log:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                self.command, stdout=log, stderr=log, **self._as_user
            )
        self._process = process
        deadline = time.monotonic() + START_SECONDS
        address = ["-h", str(self.directory), "-p", self.options["port"]]
        ready = [f"{self._bin}/pg_isready", "-q", *address]
        while subprocess.run(ready, check=False).returncode != 0:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{self._log.read_text()}")
            time.sleep(0.05)  # pg_isready has nothing to wait on

    def stop(self) -> None:
        """Stop the server at once, cutting every connection; the data stays."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
            self._process.wait(START_SECONDS)
            self._process = None

    def keep_copy(self) -> None:
        """Copy the data of the stopped server, as a backup of the directory does."""
        assert self._process is None, "a running server changes its files"
        shutil.rmtree(self._copy, ignore_errors=True)
        templates.copy(self.data, self._copy)

    def put_copy_back(self) -> None:
        """Replace the data of the stopped server by the copy: it goes back in time."""
        assert self._process is None, "a running server has its files open"
        shutil.rmtree(self.data)
        templates.copy(self._copy, self.data)

    def close(self) -> None:
        """Stop the server and remove its data."""
        self.stop()
        if self.disk is not None:
            self.disk.unmount()
        shutil.rmtree(self.directory, ignore_errors=True)

    def kill(self) -> None:
        """End the server and its backends without warning, as a loss of the machine does."""
        assert self._process is not None
        for process in [*psutil.Process(self.pid).children(), psutil.Process(self.pid)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(START_SECONDS)
        self._process = None

    @property
    def running(self) -> bool:
        """True from the start to the end."""
        return self._process is not None and self._process.poll() is None

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.directory / "data"

    def program(self, name: str, *arguments: str) -> str:
        """Run a program, of PostgreSQL or the system, as the server's account; return its output.

        Raises with it when it failed.
        """
        own = self._bin / name
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [str(own) if own.exists() else name, *arguments],
            capture_output=True,
            text=True,
            check=False,
            **self._as_user,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def query(self, statement: str, *parameters: object) -> Any:
        """Run one statement outside a transaction, and return the first value of its answer."""
        with psycopg.connect(
            host=str(self.directory),
            port=self.options["port"],
            user=SUPERUSER,
            dbname=NAME,
            autocommit=True,
        ) as connection:
            done = connection.execute(statement, parameters or None)
            row = done.fetchone() if done.description else None
            return row[0] if row else None

    def own_directory(self) -> None:
        """Let the server's account write here."""
        self._log.touch()
        if owner := self._as_user.get("user"):
            shutil.chown(self.directory, owner)
        self.directory.chmod(0o755)

    @property
    def _copy(self) -> Path:
        return self.directory / "copy"

    @property
    def _log(self) -> Path:
        return self.directory / "log"

    def initialise(self) -> None:
        """Make the data directory, and the database in it."""
        if self.disk is not None:
            self.disk.mount()
        self.own_directory()
        if self.migrated:
            templates.copy_postgres(self.data, f"postgresql-{self._bin.parent.name}", _migrated)
        else:
            self._initialise()

    def _initialise(self) -> None:
        # With checksums, pg_rewind can turn an old primary into a standby.
        options = ["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        self.program("initdb", "--data-checksums", "-D", str(self.data), *options)
        # One database beside `postgres`, made by a single-user server: createdb would be a third
        # program to find.
        single = [f"{self._bin}/postgres", "--single", "-D", str(self.data), "postgres"]
        subprocess.run(
            single,
            input=f"CREATE DATABASE {NAME}\n".encode(),
            capture_output=True,
            check=True,
            **self._as_user,
        )


def _migrated(target: Path) -> None:
    """Make the data directory of a migrated server."""
    with Postgres() as server:
        templates.migrate(server.url)
        server.stop()
        templates.copy(server.data, target)


def _binaries() -> Path:
    """Find the directory of the newest installed server: Debian keeps it off the PATH."""
    found = [Path(path).resolve().parent for path in [shutil.which("postgres")] if path]
    found += [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    found += [path.parent for path in Path("/opt/homebrew/opt").glob("postgresql*/bin/postgres")]
    if not found:
        raise RuntimeError(
            "PostgreSQL's server is not installed. `make test` installs it where there is apt; "
            "elsewhere, you do."
        )
    return max(found, key=lambda path: [int(number) for number in re.findall(r"\d+", str(path))])


def _unprivileged() -> dict[str, Any]:
    """Return the arguments of ``Popen`` for the server, which refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    account = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": account.pw_name, "group": account.pw_gid, "extra_groups": [], "cwd": "/"}


def main(arguments: list[str]) -> int:
    """Run ``-- COMMAND …`` with ``DATABASE_URL`` set."""
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    # So that the server is stopped then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with Postgres(migrated=True) as server:
        # pytest's databases are copies of it.
        env = {**os.environ, "DATABASE_URL": server.url, "TEST_DATABASE_TEMPLATE": NAME}
        return subprocess.run(command, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
