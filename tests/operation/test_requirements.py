"""Every package is pinned with its hashes, and the locked files match the short ones."""

import re
from pathlib import Path

import pytest

from tests.support.server import ROOT

PINNED = re.compile(r"^([\w.-]+)(?:\[[\w,]+\])?==([^\s;#\\]+)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


def pins(path: Path) -> set[tuple[str, str]]:
    """The packages that a file names, with their versions; names as the index writes them."""
    return {
        (re.sub(r"[-_.]+", "-", name).lower(), version)
        for name, version in PINNED.findall(path.read_text())
    }


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_what_the_short_file_names_is_in_the_locked_one(name: str) -> None:
    assert pins(ROOT / f"{name}.in") - pins(ROOT / f"{name}.txt") == set(), "run `make lock`"


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_the_short_file_names_exact_versions(name: str) -> None:
    lines = [
        line
        for line in (ROOT / f"{name}.in").read_text().splitlines()
        if line and not line.startswith(("#", "-"))
    ]
    assert [line for line in lines if not PINNED.match(line)] == []


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_every_package_has_its_hashes(name: str) -> None:
    entries = re.split(r"^(?=\w)", (ROOT / f"{name}.txt").read_text(), flags=re.MULTILINE)[1:]
    assert [
        entry.splitlines()[0]
        for entry in entries
        if not (PINNED.match(entry) and HASH.search(entry))
    ] == []


def test_the_tests_run_on_the_packages_of_a_server() -> None:
    assert pins(ROOT / "requirements.txt") <= pins(ROOT / "requirements-dev.txt")


@pytest.mark.parametrize(
    "name", ["requirements.in", "requirements-dev.in", "requirements.txt", "requirements-dev.txt"]
)
def test_no_file_names_an_index(name: str) -> None:
    """Where packages come from is a matter of the machine."""
    assert (
        re.findall(
            r"https?://|--(?:extra-)?index|--find-links|--trusted-host", (ROOT / name).read_text()
        )
        == []
    )


def test_installing_asks_for_the_hashes() -> None:
    for name in (".ci/venv", "Dockerfile"):
        installs = [
            line
            for line in (ROOT / name).read_text().splitlines()
            if re.search(r"pip install\b", line)
        ]
        assert installs
        assert all("--require-hashes" in line for line in installs)
