"""RabbitMQ between the nodes: ``make test-more``.

Not part of ``make test``, because Erlang is large and starts slowly.
"""

import os
import statistics
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.chaos.controls import Controls
from tests.cluster.conftest import SETTINGS, Desk
from tests.cluster.test_broker import WARM_SECONDS, degraded, lag, pair
from tests.support.cluster import Cluster
from tests.support.ledger import all_hold, more, talking
from tests.support.programs import Program
from tests.support.server import free_port
from tests.support.waiting import during, until

# Not Debian's wrapper, which changes the account and drops the environment.
SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
DEGRADED_SECONDS = 1.5
NOTICED_SECONDS = 10.0
BACK_SECONDS = 30.0


class Rabbit(Program):
    """One server in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.port, self._epmd = free_port(), free_port()
        config = directory / "rabbitmq.conf"
        config.write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port}\nloopback_users = none\n")
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": "holdfast@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(directory / "data"),
            "RABBITMQ_LOG_BASE": str(directory),
            "RABBITMQ_PID_FILE": str(directory / "pid"),
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
        }
        super().__init__(
            "rabbitmq", [SERVER], cwd=directory, env=env, log_file=directory / "rabbitmq.log"
        )

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    def answers(self) -> bool:
        return "Starting broker... completed" in self.log.rsplit("Starting RabbitMQ", 1)[-1]

    def close(self) -> None:
        """End the server, and the port mapper that it has left running."""
        self.stop()
        subprocess.run(
            ["epmd", "-port", str(self._epmd), "-kill"], capture_output=True, check=False
        )


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    server = Rabbit(tmp_path_factory.mktemp("rabbitmq"))
    server.start(server.answers)
    yield server
    server.close()


@pytest.fixture(scope="module")
def controls(tmp_path_factory: pytest.TempPathFactory) -> Controls:
    """The controls of the nodes."""
    return Controls(tmp_path_factory.mktemp("controls") / "controls")


@pytest.fixture(scope="module")
def rabbit_cluster(
    rabbit: Rabbit, controls: Controls, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    settings = {
        **SETTINGS,
        "CHANNEL_LAYER_URL": rabbit.url,
        "DJANGO_SETTINGS_MODULE": "tests.chaos.node_settings",
        "CHAOS_CONTROLS": str(controls.file),
    }
    with Cluster(tmp_path_factory.mktemp("cluster") / "with rabbitmq", settings=settings) as found:
        yield found


@pytest.fixture
async def desk(rabbit_cluster: Cluster) -> AsyncIterator[Desk]:
    found = Desk(rabbit_cluster)
    yield found
    await found.close()


async def test_messages_reach_the_other_node_quickly(desk: Desk) -> None:
    room, alice, bob = await pair(desk)
    await until(lambda: not degraded(desk), within=BACK_SECONDS)
    assert (
        statistics.median([await lag(room, alice, bob, f"{number}") for number in range(20)])
        < WARM_SECONDS
    )


async def test_without_rabbitmq_they_arrive_by_the_database(desk: Desk, rabbit: Rabbit) -> None:
    room, alice, bob = await pair(desk)
    await until(lambda: not degraded(desk), within=BACK_SECONDS)
    rabbit.kill()
    await lag(room, alice, bob, "the first one, which finds it out")
    await until(lambda: len(degraded(desk)) == 2, within=NOTICED_SECONDS)
    assert (
        max([await lag(room, alice, bob, f"degraded {number}") for number in range(5)])
        < DEGRADED_SECONDS
    )
    rabbit.start(rabbit.answers)
    await until(lambda: not degraded(desk), within=BACK_SECONDS)
    assert (
        statistics.median([await lag(room, alice, bob, f"back {number}") for number in range(5)])
        < WARM_SECONDS
    )


async def test_a_rabbitmq_that_never_answers_is_noticed(desk: Desk, rabbit: Rabbit) -> None:
    room, alice, bob = await pair(desk)
    await until(lambda: not degraded(desk), within=BACK_SECONDS)
    async with during(rabbit.paused()):
        await until(lambda: len(degraded(desk)) == 2, within=NOTICED_SECONDS)
        assert await lag(room, alice, bob, "frozen") < DEGRADED_SECONDS
    await until(lambda: not degraded(desk), within=BACK_SECONDS)


async def test_a_broker_in_disorder_costs_no_message(desk: Desk, controls: Controls) -> None:
    """It loses, repeats and reorders."""
    room, alice, bob = await pair(desk)
    await until(lambda: not degraded(desk), within=BACK_SECONDS)
    controls.set("broker", "in disorder")
    try:
        async with talking([alice, bob], room, "in disorder") as ledger:
            await more(ledger, 200)
    finally:
        controls.set("broker", None)
    token = desk.cluster.people["alice"].token
    await all_hold(desk.cluster.origin, token, f"room.{room}", [alice, bob], ledger)
