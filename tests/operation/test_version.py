"""Every place that shows the version shows the one in holdfast/version.py."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from holdfast import __version__
from realtime.core import metrics
from tests.support.server import ROOT, passed_on


def test_the_version_is_a_release_of_the_changelog_or_the_next_one() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", __version__)
    assert __version__ in (ROOT / "CHANGELOG.md").read_text()


def test_the_package_takes_it_from_there() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in pyproject["project"]
    version = pyproject["tool"]["setuptools"]["dynamic"]["version"]
    assert version == {"attr": "holdfast.version.__version__"}


@pytest.mark.parametrize("argument", ["version", "--version"])
def test_manage_py_shows_it_even_where_settings_are_refused(argument: str, tmp_path: Path) -> None:
    command = [sys.executable, "manage.py", argument]
    env = {**passed_on(), "HOLDFAST_VAR_DIR": str(tmp_path), "HOLDFAST_NO_SUCH_SETTING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"Holdfast {__version__} (Django ")


def test_a_supervisor_reads_it_from_healthz() -> None:
    assert Client().get("/healthz").content == f"ok {__version__}\n".encode()


def test_prometheus_reads_it_as_a_label() -> None:
    assert f'holdfast_build_info{{version="{__version__}"}} 1.0' in metrics.render().decode()


@pytest.mark.django_db
def test_the_admin_shows_it_to_those_who_are_signed_in() -> None:
    client = Client()
    assert (
        f"Holdfast {__version__}" not in client.get("/admin/login/", follow=True).content.decode()
    )
    client.force_login(User.objects.create_superuser("root"))
    assert f"Holdfast {__version__}</footer>" in client.get("/admin/").content.decode()
