"""The shape of a cluster on one machine: which programs, with which commands and settings.

``make cluster`` and the tests start the same.

Everything lies in two directories: one for configuration, logs and static files, which may be
anywhere, and a short one for Unix sockets, whose paths have at most 107 bytes.
"""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from tests.support.server import ROOT, passed_on

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Shape:
    """One cluster behind ``http://127.0.0.1:PORT``."""

    directory: Path
    run: Path
    port: int
    internal_port: int  # of nginx: probes and metrics of all nodes
    database_url: str
    socket_nodes: int = 2
    web_nodes: int = 1
    # Environment variables of all nodes, over those below.
    settings: Mapping[str, str] = field(default_factory=dict)
    # Of single nodes, over those of all.
    node_settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    node_prefix: tuple[str, ...] = ()  # the beginning of the command of every node
    # Of nginx's templates, over those below.
    variables: Mapping[str, str] = field(default_factory=dict)
    nginx: str = "nginx"
    code: Path = ROOT  # the checkout that nodes and commands run

    @property
    def origin(self) -> str:
        """Where browsers find it."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def socket_names(self) -> list[str]:
        """The nodes that hold the clients' sockets."""
        return [f"socket-{number}" for number in range(1, self.socket_nodes + 1)]

    @property
    def web_names(self) -> list[str]:
        """The nodes that make pages."""
        return [f"web-{number}" for number in range(1, self.web_nodes + 1)]

    @property
    def node_names(self) -> list[str]:
        """All nodes."""
        return [*self.socket_names, *self.web_names]

    @property
    def var(self) -> Path:
        """The ``HOLDFAST_VAR_DIR`` of all nodes."""
        return self.directory / "var"

    @property
    def logs(self) -> Path:
        """One file for each program."""
        return self.directory / "logs"

    @property
    def redis_url(self) -> str:
        """The address of Redis."""
        return f"unix://{quote(str(self.run / 'redis.sock'))}"

    def node_socket(self, name: str) -> Path:
        """The Unix socket that a node listens on."""
        return self.run / f"{name}.sock"

    def make_directories(self) -> None:
        """Make what the programs write into."""
        for each in (self.logs, self.var, self.directory / "nginx"):
            each.mkdir(parents=True, exist_ok=True)

    @cached_property
    def environment(self) -> dict[str, str]:
        """The environment of every process on this cluster; a node has its name besides."""
        ours = {
            "HOLDFAST_VAR_DIR": str(self.var),
            "SECRET_KEY": secrets.token_urlsafe(50),
            "DATABASE_URL": self.database_url,
            "CHANNEL_LAYER_URL": self.redis_url,
            "CACHE_URL": self.redis_url,
            "ALLOWED_HOSTS": f"{LOOPBACK},localhost",
            "ALLOWED_ORIGINS": f"{self.origin},http://localhost:{self.port}",
            "HOLDFAST_HTTPS": "false",
            "METRICS_NETWORKS": "127.0.0.0/8",
            "HOLDFAST_TRUST_PROXY": "true",
            "HOLDFAST_PROCESSES": str(len(self.node_names)),
            "LOG_FORMAT": "json",
            "PYTHONUNBUFFERED": "1",
        }
        return {**passed_on(), **ours, **self.settings}

    def node_environment(self, name: str) -> dict[str, str]:
        """The environment of one node."""
        own = self.node_settings.get(name, {})
        return {**self.environment, **own, "HOLDFAST_NODE_NAME": name}

    def node_command(self, name: str) -> list[str]:
        """The command of one node, to be run in the directory of ``code``."""
        serve = [sys.executable, "manage.py", "serve", "--unix", str(self.node_socket(name))]
        return [*self.node_prefix, *serve]

    def redis_command(self) -> list[str]:
        """The command of Redis: no port and no file, because nothing in it has to outlive it."""
        options = {
            "port": "0",
            "unixsocket": str(self.run / "redis.sock"),
            "unixsocketperm": "600",
            "save": "",
            "appendonly": "no",
        }
        return [
            "redis-server",
            *(part for name, value in options.items() for part in (f"--{name}", value)),
            "--dir",
            str(self.directory),
        ]

    def nginx_command(self) -> list[str]:
        """The command of nginx, after ``render``."""
        return [
            self.nginx,
            "-e",
            "stderr",
            "-c",
            str(self.directory / "nginx" / "nginx.conf"),
            "-g",
            "daemon off;",
        ]

    def render(self) -> None:
        """Write nginx's configuration from the templates that production uses."""
        variables = {
            # As root, nginx would give its workers to an account that may not open the sockets of
            # this one.
            "NGINX_USER": "user root;" if os.geteuid() == 0 else "",
            "NGINX_RUN": str(self.run),
            "NGINX_LOGS": str(self.logs),
            "NGINX_SITE": "plain",
            "NGINX_NAME": f"localhost {LOOPBACK}",
            "NGINX_LISTEN": f"listen {LOOPBACK}:{self.port} backlog=4096;",
            "NGINX_SOCKET_NODES": self._servers(self.socket_names, "max_fails=0"),
            "NGINX_WEB_NODES": self._servers(self.web_names, "fail_timeout=1s"),
            "NGINX_NODES": str(self.run),
            "NGINX_STATIC": str(self.var / "static"),
            "NGINX_INTERNAL": f"{LOOPBACK}:{self.internal_port}",
            **self.variables,
        }
        arguments = [f"{name}={value}" for name, value in variables.items()]
        subprocess.run(
            [str(ROOT / "nginx" / "render"), str(self.directory / "nginx"), *arguments],
            env={**os.environ, "NGINX_BINARY": self.nginx},
            check=True,
        )

    def manage(self, *arguments: str, settings: str | None = None, quiet: bool = True) -> str:
        """Run a management command on this cluster, and return what it printed.

        Raises with it when it failed.
        """
        env = {**self.environment, **({"DJANGO_SETTINGS_MODULE": settings} if settings else {})}
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.code,
            env=env,
            capture_output=quiet,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(
                f"manage.py {' '.join(arguments)} ended with "
                f"{done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout or ""

    def _servers(self, names: list[str], options: str) -> str:
        return " ".join(f'server "unix:{self.node_socket(name)}" {options};' for name in names)


def nginx_binary() -> str:
    """Return the system's nginx. Raises where there is none."""
    found = shutil.which(
        "nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/opt/homebrew/bin"
    )
    if found is None:
        raise RuntimeError(
            "nginx is not installed. `make test` and `make cluster` install it where there is apt; "
            "elsewhere, you do."
        )
    return found
