"""docs/dependencies.md names every copied file and every package, with its licence."""

import json
import re
from importlib.metadata import PackageNotFoundError, metadata

import pytest

from tests.operation.test_requirements import pins
from tests.support.server import ROOT

PAGE = (ROOT / "docs" / "dependencies.md").read_text()
SHIPPED, SERVER, DEVELOPMENT = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:4]
ROW = re.compile(r"^\| `([\w.-]+)` \| ([^|]+?) \|", re.MULTILINE)
GROUP = re.compile(r"^\| ([^|`]+?) \| (`[^|]+`) \|$", re.MULTILINE)
FILES = re.compile(r"\| `([\w./-]+)` \|$", re.MULTILINE)
PACKAGES = ("realtime", "notifications", "chat")


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def licences(section: str) -> dict[str, str]:
    """The packages of a section, with their licences."""
    groups = {
        name: licence
        for licence, names in GROUP.findall(section)
        for name in re.findall(r"`([\w.-]+)`", names)
    }
    return {
        normalised(name): licence
        for name, licence in {**groups, **dict(ROW.findall(section))}.items()
    }


def names(requirements: str) -> set[str]:
    return {name for name, _ in pins(ROOT / requirements)}


def test_every_package_of_a_server_is_listed() -> None:
    assert set(licences(SERVER)) == names("requirements.txt")


def test_every_package_that_was_chosen_has_a_row() -> None:
    assert {normalised(name) for name, _ in ROW.findall(SERVER)} == names("requirements.in")
    assert set(licences(DEVELOPMENT)) == names("requirements-dev.in")


@pytest.mark.parametrize(
    ("name", "licence"), sorted({**licences(SERVER), **licences(DEVELOPMENT)}.items())
)
def test_a_licence_is_the_one_that_the_package_states(name: str, licence: str) -> None:
    try:
        stated = metadata(name)["License-Expression"]
    except PackageNotFoundError:
        return  # for other platforms
    assert stated in (None, licence)


def test_every_package_of_the_javascript_checks_is_listed() -> None:
    wanted = json.loads((ROOT / "tests/js/package.json").read_text())["devDependencies"]
    assert [name for name in wanted if f"`{name}`" not in DEVELOPMENT] == []


def test_every_copied_file_belongs_to_a_row() -> None:
    listed = FILES.findall(SHIPPED)
    folders = [
        folder
        for package in PACKAGES
        for kind in ("vendor", "fonts")
        for folder in (ROOT / package).rglob(kind)
    ]
    copied = [
        str(path.relative_to(ROOT))
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    ]
    assert [
        path
        for path in copied
        if "LICENSE-" not in path and not any(path.startswith(entry) for entry in listed)
    ] == []
    assert [entry for entry in listed if not (ROOT / entry).exists()] == []


def test_every_licence_of_a_copied_file_is_linked() -> None:
    texts = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("LICENSE-*")
    }
    assert texts
    assert texts == set(re.findall(r"\]\(\.\./([\w./-]+/LICENSE-[\w.-]+)\)", SHIPPED))


def test_copied_files_have_the_version_of_their_row() -> None:
    versions = dict(re.findall(r"^\| \[([\w.-]+)\]\S+ .*? \| ([\d.]+) \|", SHIPPED, re.MULTILINE))
    [highlight] = (ROOT / "chat").rglob("vendor/highlight.js")
    assert f"Highlight.js v{versions['highlight.js']} " in highlight.read_text()
    assert (
        f"emojibase-data {versions['emojibase-data']} "
        in (ROOT / "tests/support/make_emoji.py").read_text()
    )
