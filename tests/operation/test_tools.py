"""The programs behind make: what they do where something is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.server import ROOT

Tools = dict[str, str]


def run(tmp_path: Path, tools: Tools, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run .ci/apt on a machine that has only ``tools``: name → what it does, in shell."""
    for name, program in tools.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{program}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "sh").symlink_to(shutil.which("sh") or "/bin/sh")
    command = [str(ROOT / ".ci/apt"), *arguments]
    return subprocess.run(
        command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )


ROOT_USER, ORDINARY_USER = "echo 0", "echo 1000"
INSTALLS = 'echo "$@" >>"${0%/*}/log"'


def test_without_apt_the_packages_are_named(tmp_path: Path) -> None:
    done = run(tmp_path, {"id": ROOT_USER}, "The tests need a PostgreSQL server", "postgresql")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "The tests need a PostgreSQL server, and there is no apt-get here: install the equivalent "
        "of postgresql"
    )


def test_without_rights_the_command_is_named(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        {"id": ORDINARY_USER, "apt-get": INSTALLS},
        "The browser tests need Chromium",
        "chromium",
    )
    assert done.returncode == 1
    assert "ask for 'apt-get install chromium'" in done.stderr
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize("user", [ROOT_USER, ORDINARY_USER])
def test_root_installs_itself_and_others_through_sudo(tmp_path: Path, user: str) -> None:
    sudo = 'echo sudo >>"${0%/*}/log"; shift; "$@"'
    done = run(
        tmp_path, {"id": user, "apt-get": INSTALLS, "sudo": sudo}, "Needed", "chromium", "npm"
    )
    assert done.returncode == 0
    assert done.stdout == "Needed: installing chromium npm with apt-get.\n"
    log = (tmp_path / "log").read_text().splitlines()
    assert log == [
        *(["sudo"] if user == ORDINARY_USER else []),
        "install -y -q --no-install-recommends chromium npm",
    ]


def test_old_lists_are_fetched_anew(tmp_path: Path) -> None:
    stale = f'{INSTALLS}; [ "$1" = update ] && touch "${{0%/*}}/fresh"; [ -e "${{0%/*}}/fresh" ]'
    done = run(
        tmp_path,
        {"id": ROOT_USER, "apt-get": stale, "touch": f'{shutil.which("touch")} "$@"'},
        "Needed",
        "npm",
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in (tmp_path / "log").read_text().splitlines()] == [
        "install",
        "update",
        "install",
    ]


def test_a_failed_installation_says_so(tmp_path: Path) -> None:
    done = run(tmp_path, {"id": ROOT_USER, "apt-get": "exit 100"}, "Needed", "npm")
    assert done.returncode == 1
    assert done.stderr.startswith("apt-get could not install npm")


def test_every_tool_of_make_can_be_run() -> None:
    assert [path.name for path in (ROOT / ".ci").iterdir() if not os.access(path, os.X_OK)] == []
