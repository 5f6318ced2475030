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
