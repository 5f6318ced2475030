"""The rules of the structure: the direction of imports, and one place for each power."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable
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
MAX_LINES = 450
PUT_OFF = re.compile(
    r"\b(TODO|FIXME|XXX)\b|pytest\.(mark\.)?(skip|skipif|xfail)\b|unittest\.skip\b"
)

ERRORS = {kind.__name__ for kind in tree_of_errors(HoldfastError)}
# They name everything, and nothing imports them.
COMPOSITION = {
    "realtime/settings.py",
    "realtime/site/options.py",
    "realtime/urls.py",
    "realtime/asgi.py",
}


def broken_contracts(*options: str) -> str:
    """Run import-linter, and return its report if a contract is broken."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", *options]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def unplanned(listed: Iterable[str]) -> set[str]:
    """Return names at the top level that are not planned."""
    found = {path.partition("/")[0] for path in listed}
    return {name for name in found if not name.startswith(".")} - TOP_LEVEL


def outside_services(among: Iterable[Path] | None = None) -> set[str]:
    """Return modules that open transactions and are not services."""
    doors = who_calls("atomic", "changing", among=among)
    return {path for path in doors if not re.fullmatch(r"\w+/services/(\w+/)*\w+\.py", path)}


def outside_server(among: Iterable[Path] | None = None) -> set[str]:
    """Return modules that touch transports and do not belong to the server."""
    doors = who_imports("daphne", "autobahn", "twisted", among=among)
    return {path for path in doors if not path.startswith("realtime/server/")}


def names_of_apps(path: Path) -> list[str]:
    """Return strings and names of a module that name a room or a notification."""
    return [
        f"{path}:{line}: {word}"
        for line, word in words(path)
        if re.search(r"(?<![a-z])rooms?(?![a-z])|notification", word.lower())
    ]


def untranslatable_errors(path: Path) -> list[int]:
    """Return the lines of errors whose message is an f-string, which no catalogue contains."""
    raised = [
        node
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and called(node) in ERRORS and node.args
    ]
    return [node.lineno for node in raised if isinstance(node.args[0], ast.JoinedStr)]


def is_too_long(path: Path) -> bool:
    return len((ROOT / path).read_text().splitlines()) > MAX_LINES


def put_off(path: Path) -> list[str]:
    """Return the lines of a module that put work off."""
    return [line for line in (ROOT / path).read_text().splitlines() if PUT_OFF.search(line)]


def test_packages_import_in_one_direction() -> None:
    assert broken_contracts() == ""


def test_the_top_level_holds_what_the_plan_names() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert unplanned(listed) == set()


def test_only_services_open_transactions() -> None:
    # The engine has two services: the heads themselves, and revocation.
    assert outside_services() <= {"realtime/core/heads.py", "realtime/auth/revocation.py"}


def test_only_the_layer_touches_the_channel_layer() -> None:
    assert who_imports("channels.layers") <= {
        "realtime/engine/channel_layer.py",
        "realtime/core/publishing.py",
    }


def test_only_the_server_touches_transports() -> None:
    assert who_imports("daphne", "autobahn", "twisted")
    assert outside_server() == set()


def test_our_apps_send_each_other_no_signals() -> None:
    assert who_calls("Signal") == set()


@pytest.mark.parametrize(
    "path", [path for path in modules("realtime") if str(path) not in COMPOSITION], ids=str
)
def test_the_engine_names_no_room_and_no_notification(path: Path) -> None:
    assert names_of_apps(path) == []


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=str)
def test_an_error_message_can_be_translated(path: Path) -> None:
    """A message has placeholders for its values: ``Forbidden("{name} is banned.", name=…)``."""
    assert untranslatable_errors(path) == []


@pytest.mark.parametrize("path", modules(*PACKAGES, "tests"), ids=str)
def test_a_file_is_short_enough_to_read(path: Path) -> None:
    assert not is_too_long(path)


@pytest.mark.parametrize(
    "path",
    [path for path in modules(*PACKAGES, "tests") if path.name != "test_structure.py"],
    ids=str,
)
def test_nothing_is_put_off(path: Path) -> None:
    assert put_off(path) == []


@pytest.mark.django_db
def test_every_change_of_a_model_is_in_a_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


VIOLATION = """
from channels.layers import get_channel_layer
from django.db import transaction
from django.dispatch import Signal
from twisted.internet import reactor

# TODO: write this module

room_deleted = Signal()


def leave(room: str) -> None:
    with transaction.atomic():
        raise Forbidden(f"You can't leave {room}.")
"""

CONTRACT = """
[importlinter]
root_packages =
    chat
    realtime

[importlinter:contract:1]
name = An import that exists is forbidden
type = forbidden
source_modules = chat
forbidden_modules = realtime
"""


def test_a_module_that_breaks_the_rules_is_found(tmp_path: Path) -> None:
    module = tmp_path / "violation.py"
    module.write_text(VIOLATION)
    assert outside_services([module]) == {str(module)}
    assert outside_server([module]) == {str(module)}
    assert who_imports("channels.layers", among=[module]) == {str(module)}
    assert who_calls("Signal", among=[module]) == {str(module)}
    assert names_of_apps(module) == [f"{module}:12: room"]
    assert untranslatable_errors(module) == [14]
    assert put_off(module) == ["# TODO: write this module"]
    assert not is_too_long(module)
    module.write_text("x = 1\n" * (MAX_LINES + 1))
    assert is_too_long(module)


def test_a_file_at_the_top_level_is_found() -> None:
    assert unplanned(["manage.py", ".ci/run", "notes/plan.md"]) == {"notes"}


def test_an_import_against_the_direction_is_found(tmp_path: Path) -> None:
    contract = tmp_path / "importlinter.ini"
    contract.write_text(CONTRACT)
    assert "An import that exists is forbidden BROKEN" in broken_contracts(
        "--config", str(contract)
    )
