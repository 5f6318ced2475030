"""The wheel has every file of the apps, and its ranges have the versions that the site runs on."""

import subprocess
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.host.test_host import INSTALLED
from tests.operation.test_requirements import pins
from tests.support.server import ROOT

PACKAGES = ("holdfast", "realtime", "notifications", "chat")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
# Packages that are no part of this site: traces and reports of errors.
APART = {"otel", "sentry"}


def ranges() -> list[Requirement]:
    lines = [*PROJECT["dependencies"]]
    lines += [line for name, extra in EXTRAS.items() if name not in APART for line in extra]
    return [Requirement(line) for line in lines]


def test_the_site_runs_on_versions_that_the_wheel_allows() -> None:
    versions = dict(pins(ROOT / "requirements.txt"))
    outside = {
        str(each): versions.get(canonicalize_name(each.name))
        for each in ranges()
        if not each.specifier.contains(versions.get(canonicalize_name(each.name), "0"))
    }
    assert outside == {}


def test_every_package_of_a_server_is_a_dependency_or_of_an_extra() -> None:
    named = {canonicalize_name(each.name) for each in ranges()}
    # Its generic classes are needed by the type checker only.
    short = {name for name, _ in pins(ROOT / "requirements.in")} - {"django-stubs-ext"}
    assert short - named == set()


def test_the_wheel_has_every_file_of_the_apps() -> None:
    assert INSTALLED is not None, "needs the wheel: make test-host"
    folder = next((Path(INSTALLED).parents[1] / "lib").glob("python3*/site-packages"))
    installed = {
        str(path.relative_to(folder))
        for package in PACKAGES
        for path in (folder / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(listed.stdout.split()) == installed
