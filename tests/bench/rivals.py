"""The contenders beside Holdfast: stock Channels, Socket.IO, ws and nchan."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from tests.bench.load import Crowd
from tests.bench.servers import NPM, TEXT, Server, listening_on
from tests.support.server import ROOT, passed_on


class StockChannels(Server):
    """Channels' tutorial on Daphne."""

    name = "stock-channels"
    needs_postgres = True

    def start(self) -> None:
        """Make the table, serve."""
        env = {
            "DJANGO_SETTINGS_MODULE": "tests.bench.stock_channels.settings",
            "DATABASE_URL": self.database_url,
            "CHANNEL_LAYER_URL": self.redis_url,
        }
        migrate = [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env={**passed_on(), **env}, check=True)
        for port in self.ports:
            command = [
                sys.executable,
                "-m",
                "daphne",
                "-v",
                "0",
                "-p",
                str(port),
                "tests.bench.stock_channels.asgi:application",
            ]
            self._run(f"daphne-{port}", command, env, listening_on(port))

    def crowd(self, sockets: int, *, posters: int = 10, rate: float = 0.0) -> Crowd:
        """All are in the room ``bench``."""
        path, template = "/ws/chat/bench/", f'{{"message":"{TEXT}"}}'
        return Crowd(
            ports=self.ports,
            path=path,
            sockets=sockets,
            posters=posters,
            rate=rate,
            template=template,
            echo_is_ack=True,
        )

    def saving(self, sockets: int, *, posters: int) -> Crowd:
        """The same, where each message is saved; a poster goes on when it has its message back."""
        return replace(
            self.crowd(sockets, posters=posters), path="/ws/saving/bench/", closed_loop=True
        )


class SocketIo(Server):
    """Socket.IO with its Redis adapter, on Node."""

    name = "socket.io"

    def start(self) -> None:
        """Serve."""
        install_node_modules()
        for port in self.ports:
            command = [
                "node",
                str(Path(__file__).parent / "node" / "socketio.js"),
                str(port),
                self.redis_url,
            ]
            self._run(
                f"socketio-{port}",
                command,
                {"NODE_PATH": str(NPM / "node_modules")},
                listening_on(port),
            )

    def crowd(self, sockets: int, *, posters: int = 10, rate: float = 0.0) -> Crowd:
        """All are in one room."""
        path, template = "/socket.io/?EIO=4&transport=websocket", f'42["post","{TEXT}"]'
        return Crowd(
            ports=self.ports,
            dialect="socketio",
            path=path,
            sockets=sockets,
            posters=posters,
            rate=rate,
            template=template,
        )


class PlainWs(Server):
    """``ws`` on Node: a loop over all clients, and nothing else."""

    name = "ws"
    needs_redis = False

    def start(self) -> None:
        """Serve."""
        install_node_modules()
        command = ["node", str(Path(__file__).parent / "node" / "ws.js"), str(self.ports[0])]
        self._run(
            "ws", command, {"NODE_PATH": str(NPM / "node_modules")}, listening_on(self.ports[0])
        )

    def crowd(self, sockets: int, *, posters: int = 10, rate: float = 0.0) -> Crowd:
        """Everyone gets everything."""
        return Crowd(ports=self.ports, sockets=sockets, posters=posters, rate=rate, template=TEXT)


class Nchan(Server):
    """The nginx module: posts come by HTTP."""

    name = "nchan"
    needs_redis = False
    MODULES: ClassVar[Path] = Path("/usr/lib/nginx/modules")

    @classmethod
    def available(cls) -> bool:
        """Whether Debian's module is here."""
        return (cls.MODULES / "ngx_nchan_module.so").exists()

    def start(self) -> None:
        """Serve."""
        text = Path(__file__).with_name("nchan.conf").read_text()
        for name, value in {
            "MODULES": self.MODULES,
            "RUN": self.directory,
            "PORT": self.ports[0],
        }.items():
            text = text.replace(f"@{name}@", str(value))
        (self.directory / "nginx.conf").write_text(text)
        nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"
        self.directory.chmod(0o755)
        self._run(
            "nchan",
            [nginx, "-c", str(self.directory / "nginx.conf")],
            {},
            listening_on(self.ports[0]),
        )

    def crowd(self, sockets: int, *, posters: int = 10, rate: float = 0.0) -> Crowd:
        """Readers by WebSocket, posters beside them by HTTP."""
        template = f'{{"type":"message","stream":"bench.1","number":1,"author":{{"id":1,"username":"person1"}},"body":"{TEXT}"}}'
        return Crowd(
            ports=self.ports,
            path="/sub",
            sockets=sockets,
            posters=posters,
            apart=True,
            rate=rate,
            template=template,
            post_port=self.ports[0],
            post_path="/pub",
        )


def install_node_modules() -> None:
    """Install what the two servers on Node need, once."""
    lock = Path(__file__).parent / "node" / "package-lock.json"
    if (
        (NPM / "package-lock.json").exists()
        and (NPM / "installed").exists()
        and (NPM / "installed").read_text() == lock.read_text()
    ):
        return
    NPM.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(lock.with_name(name), NPM / name)
    subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=NPM, check=True)
    (NPM / "installed").write_text(lock.read_text())
