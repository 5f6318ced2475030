"""A site with the demo's rooms and people, as ``make run`` makes it, in a directory of its own."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.server import ROOT, ServerProcess, free_port, passed_on

PASSWORD = "holdfast"


@contextmanager
def demo_site(*modules: str, **settings: str) -> Iterator[ServerProcess]:
    """Make the site, serve it, and remove it.

    The main functions of ``modules`` add to its database before it is served.

    ``settings`` are variables of its environment.
    """
    with tempfile.TemporaryDirectory(prefix="holdfast-demo-") as var:
        port = free_port()
        env = {
            **passed_on(),
            "DEBUG": "true",
            "PORT": str(port),
            "HOLDFAST_VAR_DIR": var,
            **settings,
        }
        for command in (
            ["migrate", "--verbosity", "0"],
            ["collectstatic", "--no-input", "--verbosity", "0"],
            ["demo"],
        ):
            subprocess.run(
                [sys.executable, "manage.py", *command],
                cwd=ROOT,
                env=env,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        for module in modules:
            subprocess.run(
                [sys.executable, "-m", module],
                cwd=ROOT,
                env={**env, "DJANGO_SETTINGS_MODULE": "realtime.settings"},
                check=True,
            )
        server = ServerProcess("demo", port=port, env=env)
        try:
            server.wait_until_ready()
            yield server
        finally:
            if server.process.poll() is None:
                server.stop()
