"""A primary and a streaming standby on this machine, which can change places.

    with Replication(synchronous=True) as pair, Cluster(path, postgres=pair) as cluster:
        pair.primary.kill()
        pair.promote()     # the standby is the primary now
        pair.rejoin()      # and the old primary its standby

``url`` names both, as ``DATABASE_URL`` does in production, so clients find the primary by
themselves. Where ``Cluster`` takes a ``Postgres``, it takes a ``Replication`` as well: ``start``,
``stop`` and ``pid`` are those of the primary.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.postgres import NAME, SUPERUSER, Postgres
from tests.support.server import free_port

HOST = "127.0.0.1"
WAIT_SECONDS = 60  # for a standby, on a busy machine
LOOK_SECONDS = 0.05

_OPTIONS = {
    "listen_addresses": HOST,
    # With `off` a commit is acknowledged before it is in the log, and a kill loses it without any
    # failover.
    "synchronous_commit": "on",
    "full_page_writes": "on",  # pg_rewind copies pages
    "wal_keep_size": "512MB",  # a standby that was cut off comes back without an archive
    "hot_standby_feedback": "on",  # a read of the standby is not cancelled by a vacuum
    # Seconds until a connection to a server that is gone is noticed; between the two it is loopback
    # and immediate.
    "wal_receiver_timeout": "5s",
    "wal_retrieve_retry_interval": "200ms",
}


class Replication:
    """Two servers, from ``with`` to its end.

    With ``synchronous``, a commit is acknowledged only after the standby has it too: ``True`` for
    stored there, or the name of another level of ``synchronous_commit``, such as
    ``"remote_apply"``.
    """

    def __init__(
        self,
        *,
        synchronous: bool | str = False,
        options: Mapping[str, str] | None = None,
        megabytes: int | None = None,
    ) -> None:
        self._options = {**_OPTIONS, **(options or {})}
        if isinstance(synchronous, str):
            self._options["synchronous_commit"] = synchronous
        self.synchronous = bool(synchronous)
        self._megabytes = megabytes  # of the disk of each server
        self.servers = [self._server(), self._server()]
        self.primary, self.standby = self.servers
        self.url = (
            f"postgres://{SUPERUSER}@{','.join(map(_address, self.servers))}/{NAME}"
            "?target_session_attrs=read-write"
        )

    def _server(self) -> Postgres:
        options = {**self._options, "port": str(free_port())}
        return Postgres(options, migrated=True, megabytes=self._megabytes)

    @property
    def replica_url(self) -> str:
        """The address of the server that is the standby now."""
        return f"postgres://{SUPERUSER}@{_address(self.standby)}/{NAME}"

    # As `Postgres` --------------------------------------------------------------------------------

    migrated = True

    @property
    def pid(self) -> int:
        """The number of the primary's first process."""
        return self.primary.pid

    @property
    def options(self) -> dict[str, str]:
        """The settings of the primary."""
        return self.primary.options

    @property
    def directory(self) -> Path:
        """The directory of the primary."""
        return self.primary.directory

    @property
    def account(self) -> str | None:
        """The account of the servers, if it differs from ours."""
        return self.primary.account

    def __enter__(self) -> Self:
        try:
            self.primary.initialise()
            # pg_rewind starts a killed server with the settings of its directory alone, and needs
            # the log that they keep.
            with (self.primary.data / "postgresql.conf").open("a") as kept:
                kept.writelines(f"{name} = '{value}'\n" for name, value in self._options.items())
            self.primary.start()
            if self.standby.disk is not None:
                self.standby.disk.mount()
            self.standby.own_directory()
            self._clone()
            if self.synchronous:
                self.wait_for_standby()
                self._synchronise()
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

    def start(self) -> None:
        """Start the primary again, with its data."""
        self.primary.start()

    def stop(self) -> None:
        """Stop the primary, cutting every connection."""
        self.primary.stop()

    def close(self) -> None:
        """Stop both and remove their data."""
        for server in self.servers:
            server.close()

    # Replication ----------------------------------------------------------------------------------

    def make_synchronous(self) -> None:
        """Acknowledge commits once the standby has stored them too, from now on."""
        self.synchronous = True
        self._synchronise()

    def make_asynchronous(self) -> None:
        """Acknowledge commits before the standby has them, from now on."""
        self.synchronous = False
        _set(self.primary, "synchronous_standby_names", "")

    def wait_for_standby(self) -> None:
        """Return once the standby has applied everything that the primary has written."""
        written = self.primary.query("SELECT pg_current_wal_lsn()")
        until_true(
            lambda: self.standby.query("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", written),
            "the standby did not apply everything",
        )

    @contextmanager
    def replay_paused(self) -> Iterator[None]:
        """The standby receives the log and does not apply it: its reads are old.

        A promotion applies all that was received, so nothing is lost by it.
        """
        self.standby.query("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            if self.standby.running:
                self.standby.query("SELECT pg_wal_replay_resume()")

    def cut(self) -> None:
        """Cut the standby off: it receives nothing more, and lacks it all when it is promoted.

        With ``synchronous``, commits wait from now on.
        """
        _set(self.standby, "primary_conninfo", "")
        until_true(
            lambda: not self.standby.query("SELECT count(*) FROM pg_stat_wal_receiver"),
            "the standby still receives",
        )

    def reconnect(self) -> None:
        """Let the standby receive again."""
        _set(self.standby, "primary_conninfo", _conninfo(self.primary))
        self.wait_for_standby()

    def promote(self) -> None:
        """Make the standby the primary, on a new timeline.

        The old primary has to be gone: two at once would both accept posts.
        """
        assert not self.primary.running, "stop or kill the old primary first"
        self.standby.query("SELECT pg_promote(true, %s)", WAIT_SECONDS)
        self.primary, self.standby = self.standby, self.primary

    def rejoin(self, *, rewind: bool = True) -> None:
        """Start the stopped old primary as the standby of the new one.

        ``rewind`` keeps its data and takes back what the new primary never had; otherwise it is
        cloned anew.
        """
        if rewind:
            self.primary.query("CHECKPOINT")  # pg_rewind reads the new timeline from the disk
            source = f"host={self.primary.directory} port={_port(self.primary)} user={SUPERUSER}"
            self.standby.program(
                "pg_rewind",
                f"--target-pgdata={self.standby.data}",
                f"--source-server={source} dbname={NAME}",
                "--no-sync",
            )
            self._follow()
        else:
            shutil.rmtree(self.standby.data)
            self._clone()
        self.wait_for_standby()
        if self.synchronous:
            self._synchronise()

    def switch_over(self) -> None:
        """Change places in good order: nothing is lost, and each server can be upgraded in turn."""
        self.wait_for_standby()
        self.primary.stop()  # a fast shutdown waits until the standby has everything
        self.promote()
        self.rejoin()

    # ----------------------------------------------------------------------------------------------

    def _clone(self) -> None:
        """Copy the primary's data to the standby, and start that."""
        self.standby.program(
            "pg_basebackup",
            f"--host={self.primary.directory}",
            f"--port={_port(self.primary)}",
            f"--username={SUPERUSER}",
            f"--pgdata={self.standby.data}",
            "--checkpoint=fast",
            "--wal-method=stream",
            "--no-sync",
        )
        self._follow()

    def _follow(self) -> None:
        """Start the standby as one."""
        own = self.standby.data / "postgresql.auto.conf"
        own.write_text(
            f"primary_conninfo = '{_conninfo(self.primary)}'\n"
            "recovery_target_timeline = 'latest'\n"
            # After a promotion nobody follows it yet, and it must not wait for anyone.
            "synchronous_standby_names = ''\n"
        )
        (self.standby.data / "standby.signal").touch()
        if self.standby.account:
            shutil.chown(self.standby.data / "standby.signal", self.standby.account)
            shutil.chown(own, self.standby.account)
        self.standby.start()

    def _synchronise(self) -> None:
        _set(self.primary, "synchronous_standby_names", "*")
        until_true(
            lambda: self.primary.query(
                "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
            ),
            "the standby is not synchronous",
        )


def _port(server: Postgres) -> str:
    return server.options["port"]


def _address(server: Postgres) -> str:
    return f"{HOST}:{_port(server)}"


def _conninfo(server: Postgres) -> str:
    return f"host={HOST} port={_port(server)} user={SUPERUSER} application_name=standby"


def _set(server: Postgres, name: str, value: str) -> None:
    server.query(f"ALTER SYSTEM SET {name} = '{value}'")
    server.query("SELECT pg_reload_conf()")


def until_true(effect: Callable[[], object], otherwise: str) -> None:
    """Wait for another server. Raises ``TimeoutError`` with the sentence ``otherwise``."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not effect():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{otherwise} within {WAIT_SECONDS} s")
        time.sleep(LOOK_SECONDS)  # what another server does has nothing to wait on
