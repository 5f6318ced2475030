"""Nobody else on the machine reads secrets or conversations."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

from realtime.site import private_files
from realtime.site.checks.site import files
from tests.conftest import People
from tests.operation.test_first_steps import manage


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_database_is_its_owners(tmp_path: Path) -> None:
    var = tmp_path / "var"
    done = manage("check", var=var, DEBUG="true")
    assert done.returncode == 0, done.stderr
    assert mode(var) == 0o700
    assert mode(var / "secret_key") == 0o600
    done = manage("migrate", "--verbosity", "0", "realtime", "0001", var=var, DEBUG="true")
    assert done.returncode == 0, done.stderr
    assert [mode(path) for path in var.glob("holdfast.sqlite3*")] == [0o600]
    # An operator may let a group read it.
    (var / "holdfast.sqlite3").chmod(0o640)
    manage("migrate", "--verbosity", "0", "realtime", "0001", var=var, DEBUG="true")
    assert mode(var / "holdfast.sqlite3") == 0o640


@pytest.mark.django_db(transaction=True)
def test_exports_are_their_owners(people: People, tmp_path: Path) -> None:
    file = tmp_path / "alice.zip"
    call_command("person_export", "alice", str(file), verbosity=0)
    assert mode(file) == 0o600


def test_a_file_is_never_replaced(tmp_path: Path) -> None:
    with private_files.create(tmp_path / "a") as out:
        out.write(b"x")
    with pytest.raises(FileExistsError):
        private_files.create(tmp_path / "a")


def test_the_check_names_what_others_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = tmp_path / ".env"
    env.write_text("SECRET_KEY=x")
    env.chmod(0o644)
    (tmp_path / "db").touch(0o600)
    config = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "db"}
    for name, value in config.items():
        monkeypatch.setitem(settings.DATABASES["default"], name, value)
    with override_settings(VAR_DIR=tmp_path):
        tmp_path.chmod(0o755)
        [warning] = files(None)
        assert warning.msg == f"{env} can be read by other accounts of this machine."
        assert warning.hint == f"chmod 600 {env}"
        tmp_path.chmod(0o700)
        assert list(files(None)) == []
        tmp_path.chmod(0o755)
        env.chmod(0o600)
        assert list(files(None)) == []
