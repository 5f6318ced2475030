"""PgBouncer in transaction mode before PostgreSQL: ``make test-more``.

Not part of ``make test``, which it would only make longer.
"""

import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.conftest import Desk
from tests.conformance.client import Refused
from tests.support.cluster import Cluster
from tests.support.postgres import NAME, SUPERUSER
from tests.support.programs import Program
from tests.support.server import free_port
from tests.support.waiting import during, until

CONNECTIONS = 3  # to PostgreSQL, for three nodes: fewer than their threads, so that they must share


class PooledCluster(Cluster):
    """A cluster whose processes reach PostgreSQL through PgBouncer alone."""

    def _start_database(self) -> None:
        super()._start_database()
        directory = self.postgres.directory  # where PostgreSQL's account may write
        port = free_port()
        log = directory / "pgbouncer.log"
        log.touch()
        log.chmod(0o666)
        config = directory / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n{NAME} = host={directory} dbname={NAME} user={SUPERUSER}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir "
            f"=\nauth_type = any\nlogfile = {log}\n"
            f"pool_mode = transaction\ndefault_pool_size = {CONNECTIONS}\nmax_client_conn = "
            f"200\nserver_login_retry = 1\n"
        )
        account = (
            ["setpriv", f"--reuid={self.postgres.account}", "--clear-groups"]
            if self.postgres.account
            else []
        )
        env = {"PATH": os.environ["PATH"]}
        self.pooler = Program(
            "pgbouncer",
            [*account, "pgbouncer", str(config)],
            cwd=directory,
            env=env,
            log_file=self.shape.logs / "pgbouncer.log",
        )
        self.pooler.start(lambda: "process up" in log.read_text())
        self.shape = replace(
            self.shape, database_url=f"postgres://{SUPERUSER}@127.0.0.1:{port}/{NAME}"
        )

    def close(self) -> None:
        """Stop everything, PgBouncer before PostgreSQL."""
        if hasattr(self, "pooler"):
            self.pooler.kill()
        super().close()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with PooledCluster(tmp_path_factory.mktemp("cluster") / "pooled") as found:
        yield found


async def test_people_talk_sign_in_and_are_written_to(desk: Desk) -> None:
    room = desk.room("bob")
    alice = await desk.client("alice", room, "socket-1")
    bob = await desk.client("bob", room, "socket-2")
    for number in range(50):
        message = await alice.post(room, f"{number}")
    await until(lambda: bob.copies[f"room.{room}"].position == message["seq"])
    browser = desk.sign_in("bob")
    assert browser.get("/accounts/").status_code == 200
    desk.sign_out(browser)
    assert "1 person" in desk.cluster.shape.manage("broadcast", "To Bob", "--user", "bob")


async def test_a_restart_of_postgresql_behind_it_cuts_no_socket(desk: Desk) -> None:
    room = desk.room("bob")
    alice = await desk.client("alice", room)
    async with during(desk.cluster.postgres_down()):
        pass
    await alice.post(room, "kept and repeated")
    assert alice.close_code is None


async def test_a_locked_room_is_refused_and_others_go_on(desk: Desk) -> None:
    locked, free = desk.room("bob"), desk.room("bob")
    alice = await desk.client("alice", locked)
    statement = f"SELECT 1 FROM realtime_stream WHERE name = 'room.{locked}' FOR UPDATE"
    async with during(desk.cluster.locked(statement)):
        with pytest.raises(Refused, match="unavailable"):
            await alice.command("message.post", room=locked, key=str(uuid.uuid4()), body="stuck")
        await alice.command("message.post", room=free, key=str(uuid.uuid4()), body="on")
    await alice.post(locked, "at last")


def test_commands_that_look_at_everything_work(cluster: Cluster, tmp_path: Path) -> None:
    cluster.shape.manage("dumpdata", "auth", "--output", str(tmp_path / "dump.json"))
    assert "alice" in (tmp_path / "dump.json").read_text()
