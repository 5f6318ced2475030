"""What the structure promises: who imports whom, and one door for each power."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from realtime.protocol.errors import HoldfastError
from tests.architecture.source import (
    PACKAGES,
    ROOT,
    called,
    modules,
    tree,
    tree_of_errors,
    who_calls,
    who_imports,
    words,
)

TOP_LEVEL = {
    *("manage.py", "holdfast", "realtime", "notifications", "chat", "templates"),
    *("tests", "nginx", "docs", "Dockerfile", "compose.yaml", "Makefile", "pyproject.toml"),
    *("requirements.in", "requirements-dev.in", "requirements.txt", "requirements-dev.txt"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE"),
}
MAX_LINES = 520
PUT_OFF = re.compile(
    r"\b(TODO|FIXME|XXX)\b|pytest\.(mark\.)?(skip|skipif|xfail)\b|unittest\.skip\b"
)

ERRORS = {kind.__name__ for kind in tree_of_errors(HoldfastError)}
# They name everything, and nothing imports them.
COMPOSITION = {"realtime/settings.py", "realtime/urls.py", "realtime/asgi.py"}


def test_packages_import_in_one_direction() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_top_level_holds_what_the_plan_names() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    found = {path.partition("/")[0] for path in listed}
    assert {name for name in found if not name.startswith(".")} <= TOP_LEVEL


def test_only_services_open_transactions() -> None:
    doors = {
        path
        for path in who_calls("atomic", "changing")
        if not re.fullmatch(r"\w+/services/\w+\.py", path)
    }
    # The engine has two services: the heads themselves, and revocation.
    assert doors <= {"realtime/core/heads.py", "realtime/auth/revocation.py"}


def test_only_the_layer_touches_the_channel_layer() -> None:
    assert who_imports("channels.layers") <= {
        "realtime/engine/channel_layer.py",
        "realtime/core/publishing.py",
    }


def test_only_the_server_touches_transports() -> None:
    doors = who_imports("daphne", "autobahn", "twisted")
    assert doors
    assert {path for path in doors if not path.startswith("realtime/server/")} == set()


def test_our_apps_send_each_other_no_signals() -> None:
    assert who_calls("Signal") == set()


@pytest.mark.parametrize(
    "path", [path for path in modules("realtime") if str(path) not in COMPOSITION], ids=str
)
def test_the_engine_names_no_room_and_no_notification(path: Path) -> None:
    named = [
        f"{path}:{line}: {word}"
        for line, word in words(path)
        if re.search(r"(?<![a-z])rooms?(?![a-z])|notification", word.lower())
    ]
    assert named == []


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=str)
def test_what_an_error_says_can_be_translated(path: Path) -> None:
    """Its text has places for values, ``Forbidden("{name} is banned.", name=…)``: of an f-string no catalogue knows."""
    said = [
        node
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and called(node) in ERRORS and node.args
    ]
    assert [node.lineno for node in said if isinstance(node.args[0], ast.JoinedStr)] == []


@pytest.mark.parametrize("path", modules(*PACKAGES, "tests"), ids=str)
def test_a_file_can_be_read_in_one_go(path: Path) -> None:
    assert len((ROOT / path).read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize(
    "path",
    [path for path in modules(*PACKAGES, "tests") if path.name != "test_structure.py"],
    ids=str,
)
def test_nothing_is_put_off(path: Path) -> None:
    assert [line for line in (ROOT / path).read_text().splitlines() if PUT_OFF.search(line)] == []


@pytest.mark.django_db
def test_every_change_of_a_model_is_in_a_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
