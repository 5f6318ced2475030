"""An operator's first steps: make's verbs, missing settings, deployment checks."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import ROOT, passed_on

PRODUCTION = {
    "SECRET_KEY": "k" * 25 + "0123456789abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "chat.example.org",
    "ALLOWED_ORIGINS": "https://chat.example.org",
    "DATABASE_URL": "postgres://holdfast:secret@db.example.org/holdfast",
    "CHANNEL_LAYER_URL": "redis://:secret@redis.example.org/0",
    "CACHE_URL": "redis://:secret@redis.example.org/1",
    "HOLDFAST_TRUST_PROXY": "true",
}


def manage(*arguments: str, var: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**passed_on(), "HOLDFAST_VAR_DIR": str(var), **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_alone_lists_the_verbs() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for verb in ("run", "test", "lint", "format", "check-deploy"):
        assert f"make {verb} " in listed


def test_production_settings_pass_the_deployment_checks(tmp_path: Path) -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", var=tmp_path, **PRODUCTION)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"SECRET_KEY": ""},
            "SECRET_KEY is not set: expected a random string of at least 50 characters",
        ),
        (
            {"HOLDFAST_SOFT_MARK": "lots"},
            "HOLDFAST_SOFT_MARK is 'lots': expected a whole number of at least 1.",
        ),
        (
            {"HOLDFAST_SOFTMARK": "1"},
            "HOLDFAST_SOFTMARK is set, but there is no such setting. Did you mean "
            "HOLDFAST_SOFT_MARK?",
        ),
        (
            {"DATABASE_URL": "mysql://u:secret@h/n"},
            "DATABASE_URL begins with 'mysql' and cannot be used: expected sqlite:///PATH or "
            "postgres://",
        ),
    ],
)
def test_a_bad_setting_is_one_sentence(
    tmp_path: Path, change: dict[str, str], sentence: str
) -> None:
    done = manage("check", var=tmp_path, **{**PRODUCTION, **change})
    assert done.returncode == 1
    assert done.stderr.startswith(f"Configuration: {sentence}")
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr.lower().replace("secret_key", "")


def test_debug_makes_a_secret_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    first = manage(
        "shell",
        "--no-imports",
        "--command",
        "from django.conf import settings; print(settings.SECRET_KEY)",
        var=tmp_path,
        DEBUG="true",
    )
    key = (tmp_path / "secret_key").read_text()
    assert first.stdout.strip() == key
    assert len(key) > 50
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_the_file_of_settings_gives_way_to_the_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DEBUG=true\nPORT=8111\nHOLDFAST_SOFT_MARK=4096\n")
    program = "from django.conf import settings as s; print(s.DEBUG, s.PORT, s.HOLDFAST_SOFT_MARK)"
    done = manage("shell", "--no-imports", "--command", program, var=tmp_path, PORT="8222")
    assert done.stdout.strip() == "True 8222 4096"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the project in a path with a space, with the installed environment."""
    target = tmp_path / "with a space"
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    (target / ".venv").symlink_to(ROOT / ".venv")
    return target


def make(target: str, *, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", target],
        cwd=directory,
        env=passed_on(),
        capture_output=True,
        text=True,
        check=False,
    )


# Twice a whole set-up, which a busy machine does in minutes.
@pytest.mark.timeout(900)
def test_two_runs_in_a_directory_with_a_space_keep_the_data(checkout: Path) -> None:
    first = make("demo", directory=checkout)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "alice" in first.stdout
    assert home(checkout) == ("200", "room")
    var = checkout / "var"
    assert var.stat().st_mode & 0o777 == 0o700
    for private in (var / ".env", var / "secret_key", var / "holdfast.sqlite3"):
        assert private.stat().st_mode & 0o777 == 0o600, private
    key = (checkout / "var" / "secret_key").read_text()
    assert people(checkout, "User.objects.create_user('dora')") == people(checkout, "pass")
    assert make("demo", directory=checkout).returncode == 0
    assert "dora" in people(checkout, "pass")
    assert (checkout / "var" / "secret_key").read_text() == key


def home(directory: Path) -> tuple[str, str]:
    """The status and the kind of the page that Alice's browser comes to from ``/``."""
    program = (
        "from django.contrib.auth.models import User; from django.test import Client; "
        "client = Client(headers={'host': 'localhost'}); "
        "client.force_login(User.objects.get(username='alice')); "
        "page = client.get('/', follow=True); print(page.status_code, page.resolver_match.url_name)"
    )
    status, kind = shell(directory, program).split()
    return status, kind


def people(directory: Path, statement: str) -> str:
    program = (
        f"from django.contrib.auth.models import User; {statement}; "
        f"print(*User.objects.values_list('username', flat=True))"
    )
    return shell(directory, program)


def shell(directory: Path, program: str) -> str:
    command = [
        str(directory / ".venv/bin/python"),
        "manage.py",
        "shell",
        "--no-imports",
        "--command",
        program,
    ]
    return subprocess.run(
        command, cwd=directory, env=passed_on(), capture_output=True, text=True, check=True
    ).stdout
