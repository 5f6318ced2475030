"""``manage.py serve``: run one node."""

import ipaddress
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

EXAMPLE_HOST = "127.0.0.1"


class Command(BaseCommand):
    """Serve pages, the API and WebSockets. SIGTERM drains; a second SIGTERM stops at once."""

    help = (
        "Serve Holdfast from this process: on a TCP port (the default), "
        "a Unix socket or an inherited socket."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--host", help=f"address to listen on (default {EXAMPLE_HOST})")
        parser.add_argument(
            "--port", type=int, help=f"TCP port (default {settings.PORT}, from PORT)"
        )
        parser.add_argument("--unix", type=Path, metavar="PATH", help="listen on a Unix socket")
        parser.add_argument(
            "--fd",
            type=int,
            metavar="N",
            help="listen on a socket that the parent process opened",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve."""
        from realtime.server.listeners import CannotListen
        from realtime.server.server import HoldfastServer

        try:
            listener = self._listener(
                options["host"], options["port"], options["unix"], options["fd"]
            )
        except CannotListen as error:
            raise CommandError(str(error)) from error
        HoldfastServer(self._application(), [listener], announce=self._announce).run()

    def _application(self) -> Any:
        """Return the application of the project: the one that other servers are given too."""
        name = settings.ASGI_APPLICATION
        if not name:
            raise CommandError('Set ASGI_APPLICATION, such as "mysite.asgi.application".')
        try:
            return import_string(name)
        except ImportError as error:
            raise CommandError(f"ASGI_APPLICATION is {name!r}: {error}") from error

    def _listener(
        self, host: str | None, port: int | None, unix: Path | None, fd: int | None
    ) -> Any:
        from realtime.server import listeners

        tcp = host is not None or port is not None
        if [tcp, unix is not None, fd is not None].count(True) > 1:
            raise CommandError("Give only one of --host and --port, --unix, or --fd.")
        if fd is not None:
            return listeners.inherited(fd)
        if unix is not None:
            return listeners.unix(unix)
        port = settings.PORT if port is None else port
        if not 0 <= port <= 65535:
            raise CommandError(
                f"--port is {port}: expected a number between 0 (any free port) and 65535."
            )
        host = host or EXAMPLE_HOST
        if settings.DEBUG and not _loopback(host):
            raise CommandError(
                f"--host is {host} but DEBUG is on, whose error pages show the settings. "
                f"Set DEBUG=false, or listen on {EXAMPLE_HOST}."
            )
        return listeners.tcp(host, port)

    def _announce(self, where: str) -> None:
        self.stdout.write(f"Holdfast is listening on {where} (Ctrl-C drains and stops)")
        self.stdout.flush()


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
