"""Redis servers and their Sentinels, on free ports."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.programs import Program
from tests.support.server import free_port

HOST = "127.0.0.1"
MASTER = "holdfast"


class Redis(Program):
    """A Redis server, or a Sentinel, on a free port."""

    def __init__(
        self, directory: Path, name: str, *options: str, port_option: str = "--port"
    ) -> None:
        self.port = free_port()
        command = [
            "redis-server",
            *options,
            port_option,
            str(self.port),
            "--bind",
            HOST,
            "--dir",
            str(directory),
        ]
        super().__init__(name, command, cwd=directory, env={}, log_file=directory / f"{name}.log")

    def cli(self, *command: str) -> str:
        client = ["redis-cli", "-h", HOST, "-p", str(self.port), *command]
        return subprocess.run(client, capture_output=True, text=True, check=False).stdout.strip()

    def answers(self) -> bool:
        return self.cli("PING") == "PONG"


@contextmanager
def running(*programs: Redis) -> Iterator[None]:
    with ExitStack() as stack:
        for program in programs:
            stack.callback(program.kill)
            program.start(program.answers)
        yield


def sentinel(directory: Path, master_port: int) -> Redis:
    directory.mkdir()
    config = directory / "sentinel.conf"
    timeouts = {"down-after-milliseconds": 1000, "failover-timeout": 5000}
    lines = [
        f"sentinel monitor {MASTER} {HOST} {master_port} 2",
        *(f"sentinel {name} {MASTER} {value}" for name, value in timeouts.items()),
    ]
    config.write_text("\n".join(lines) + "\n")
    return Redis(directory, directory.name, str(config), "--sentinel")


class WatchedRedis:
    """Two servers and the three Sentinels that watch them."""

    def __init__(self, directory: Path) -> None:
        first = Redis(directory, "first", "--save", "")
        self._of_second = ("--save", "", "--replicaof", HOST, str(first.port))
        self.servers = [first, Redis(directory, "second", *self._of_second)]
        self.sentinels = [sentinel(directory / f"sentinel-{n}", first.port) for n in range(3)]
        addresses = ",".join(f"{HOST}:{each.port}" for each in self.sentinels)
        self.url = f"redis+sentinel://{addresses}/{MASTER}/0"

    def know_each_other(self) -> bool:
        """Whether every Sentinel knows the others and the replica."""
        found = [each.cli("SENTINEL", "MASTER", MASTER) for each in self.sentinels]
        return all("num-other-sentinels\n2" in each and "num-slaves\n1" in each for each in found)

    def start(self) -> None:
        """Start all of them, and wait until they know each other."""
        for each in (*self.servers, *self.sentinels):
            each.start(each.answers)
        self.sentinels[0].wait_for(self.know_each_other)

    def kill(self) -> None:
        """End all of them."""
        for each in (*self.sentinels, *self.servers):
            each.kill()

    def have_another(self, dead: Redis) -> None:
        """Wait for another master, and start a dead one again below it."""
        watcher = self.sentinels[0]
        watcher.wait_for(lambda: self.master is not dead)
        dead.start(dead.answers)
        watcher.wait_for(self.know_each_other)

    @property
    def master(self) -> Redis:
        """The server that the Sentinels name."""
        port = self.sentinels[0].cli("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER).split()[1]
        return next(each for each in self.servers if str(each.port) == port)
