"""Drives ``load.c``: compiles it once, starts it, and speaks its verbs."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SOURCE = Path(__file__).with_name("load.c")
PROGRAMS = Path(__file__).resolve().parents[2] / "var" / "bench"
BUSY_SHARE = 0.85  # of a core: above it the generator may have been what was measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """The clients of one server: how many, how they come in, what they say."""

    ports: Sequence[int]
    dialect: str = "plain"  # holdfast, socketio or plain
    path: str = "/"
    sockets: int = 1
    posters: int = 0
    apart: bool = False  # the posters follow nothing
    rate: float = 0.0  # posts a second of all posters together
    closed_loop: bool = False  # each posts again when its last post is acknowledged
    echo_is_ack: bool = False  # by getting its own post back, where the server has no other answer
    template: str = ""
    headers: Sequence[str] = ()  # those of a socket, parted by tabs; dealt out in turn
    subscribes: Sequence[str] = ()  # the frames that follow the greeting, dealt out in turn
    post_port: int = 0  # where posts go by HTTP
    post_path: str = ""


@dataclass(slots=True)
class Load:
    """One running load generator."""

    crowd: Crowd
    directory: Path
    _process: "subprocess.Popen[str]" = field(init=False)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def connect(
        self, first: int = 0, last: int | None = None, *, inflight: int = 100, seconds: float = 120
    ) -> dict[str, Any]:
        """Open sockets and wait until each has been greeted and answered.

        Raises ``RuntimeError`` where some were not.
        """
        total = self.crowd.sockets + (self.crowd.posters if self.crowd.apart else 0)
        last = total if last is None else last
        found = self._ask(f"connect {first} {last} {inflight} {seconds}")
        if found["failed"] or found["handshake"]["count"] != last - first:
            raise RuntimeError(
                f"of {last - first} sockets {found['handshake']['count']} came in: {found}"
            )
        return found

    def subscribe(self, frame: str) -> None:
        """Change what later sockets say after the greeting."""
        self._ask(f"subscribe {frame}")

    def run(self, seconds: float, *, grace: float = 5.0) -> dict[str, Any]:
        """Post and count."""
        return self._ask(f"run {seconds} {grace}")

    def begin(self, seconds: float, *, grace: float = 5.0) -> None:
        """Post and count, without waiting; ``end`` returns what was seen."""
        self._say(f"run {seconds} {grace}")

    def end(self) -> dict[str, Any]:
        """Wait for what ``begin`` has begun."""
        return self._heard()

    def rate(self, posts: float) -> None:
        """Change the rate of posts a second."""
        self._ask(f"rate {posts}")

    def pull(self, stream: str, after: int) -> dict[str, Any]:
        """Pull pages until level."""
        return self._ask(f"pull {stream} {after}")

    def close(self) -> None:
        """Cut all sockets."""
        self._ask("close")

    def _ask(self, verb: str) -> dict[str, Any]:
        self._say(verb)
        return self._heard()

    def _say(self, verb: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{verb}\n")
        self._process.stdin.flush()

    def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the load generator ended with {self._process.wait()}")
        found: dict[str, Any] = json.loads(line)
        found["load_share"] = found["cpu"] / found["seconds"] if found["seconds"] else 0.0
        return found

    def _command(self) -> list[str]:
        crowd = self.crowd
        command = [
            str(compiled(PROGRAMS)),
            "--dialect",
            crowd.dialect,
            "--path",
            crowd.path,
            "--sockets",
            str(crowd.sockets),
        ]
        for port in crowd.ports:
            command += ["--target", f"127.0.0.1:{port}"]
        command += [
            "--posters",
            str(crowd.posters),
            "--apart",
            str(int(crowd.apart)),
            "--rate",
            str(crowd.rate),
        ]
        command += [
            "--closed-loop",
            str(int(crowd.closed_loop)),
            "--echo-is-ack",
            str(int(crowd.echo_is_ack)),
            "--template",
            crowd.template,
        ]
        if crowd.post_port:
            command += [
                "--post-target",
                f"127.0.0.1:{crowd.post_port}",
                "--post-path",
                crowd.post_path,
            ]
        for name in ("headers", "subscribes"):
            lines: Sequence[str] = getattr(crowd, name)
            if lines:
                file = self.directory / f"{name}-{id(self)}"
                file.write_text("".join(f"{line}\n" for line in lines))
                command += [f"--{name}", str(file)]
        return command


def compiled(directory: Path) -> Path:
    """Return the program, compiled where it is missing or older than its source."""
    program = directory / "load"
    if not program.exists() or program.stat().st_mtime < SOURCE.stat().st_mtime:
        directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", "-O2", "-o", str(program), str(SOURCE)], check=True)
    return program
