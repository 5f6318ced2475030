"""Databases and static files that tests begin with: made once for these sources, then copied.

Migrations take seven seconds of a processor, and static files five. Copies take a tenth.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import django

from tests.support.server import ROOT, passed_on

DIRECTORY = ROOT / "var" / "templates"
OLD_SECONDS = 3600.0  # then no run uses them any more
# Whether all server processes of the tests have the scripts and stylesheets of a release.
BUNDLED = os.environ.get("TEST_BUNDLE") == "1"
SOURCES = ("holdfast", "realtime", "chat", "notifications", "templates")


def copy_static_files(var: Path, *, bundled: bool = BUNDLED) -> None:
    """Put the collected static files into a ``HOLDFAST_VAR_DIR``, with the bundle or without it."""
    name = "static with the bundle" if bundled else "static"
    copy(_made(name, partial(_collect, bundled=bundled)), var / "static")


def copy_sqlite(target: Path) -> None:
    """Put a migrated database at a path."""
    copy(_made("database.sqlite3", _migrate_sqlite), target)


def copy_postgres(target: Path, name: str, make: Callable[[Path], None]) -> None:
    """Put a migrated data directory at a path; ``make`` makes the first, of server ``name``."""
    copy(_made(name, make), target)


def migrate(database_url: str) -> None:
    """Migrate a new database."""
    with _environment() as env:
        _manage(["migrate", "--verbosity", "0"], {**env, "DATABASE_URL": database_url})


def _made(name: str, make: Callable[[Path], None]) -> Path:
    """Return the template of this name, made if it is missing, by one process for all."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    ours = DIRECTORY / _key()
    with (DIRECTORY / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ours.exists():
            for old in DIRECTORY.iterdir():
                if old.is_dir() and old.stat().st_mtime < time.time() - OLD_SECONDS:
                    shutil.rmtree(old)
            ours.mkdir()
        if not (ours / name).exists():
            half = ours / f"half {name}"
            # Of a run that was killed.
            shutil.rmtree(half, ignore_errors=True)
            half.unlink(missing_ok=True)
            make(half)
            half.rename(ours / name)
    return ours / name


@cache
def _key() -> str:
    """Return a hash of everything that templates are made of."""
    found = hashlib.sha256(django.__version__.encode())
    for source in SOURCES:
        for path in sorted((ROOT / source).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(str(path.relative_to(ROOT)).encode())
                found.update(path.read_bytes())
    return found.hexdigest()[:16]


def copy(source: Path, target: Path) -> None:
    """Copy a file or a directory with its owner, on which PostgreSQL insists."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def _collect(target: Path, *, bundled: bool) -> None:
    with _environment() as env:
        if bundled:
            subprocess.run([ROOT / ".ci" / "bundle", "--verbosity", "0"], env=env, check=True)
        _manage(["collectstatic", "--no-input", "--verbosity", "0"], env)
        (Path(env["HOLDFAST_VAR_DIR"]) / "static").rename(target)


def _migrate_sqlite(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=DIRECTORY) as directory:
        path = Path(directory) / "database.sqlite3"
        migrate(f"sqlite:///{path}")
        path.rename(target)


@contextmanager
def _environment() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(dir=DIRECTORY) as var:
        ours = {
            "DJANGO_SETTINGS_MODULE": "realtime.settings",
            "HOLDFAST_VAR_DIR": var,
            "HOLDFAST_BUNDLE_DIR": f"{var}/bundle",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": "localhost",
            "ALLOWED_ORIGINS": "http://localhost",
            "HOLDFAST_HTTPS": "false",
        }
        yield {**passed_on(), **ours}


def _manage(arguments: list[str], env: dict[str, str]) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, check=True)
