"""Operators add their own apps with an environment variable, without editing a tracked file."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import templates
from tests.support.server import ROOT, passed_on

GUIDE = (ROOT / "docs" / "extending.md").read_text()


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """The app of the guide, with the code that the guide shows, in a folder outside the project."""
    examples = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    models = next(example for example in examples if "class Order(" in example)
    config = next(example for example in examples if "class OrdersConfig(" in example)
    triggers = next(example for example in examples if "AddStreamTrigger(" in example)
    app = tmp_path / "elsewhere" / "orders"
    app.mkdir(parents=True)
    (app / "__init__.py").touch()
    (app / "models.py").write_text(models)
    (app / "apps.py").write_text(f"from django.apps import AppConfig\n\n\n{config}")
    # The guide's app had two migrations before.
    (app / "triggers.py").write_text(triggers.replace("0002_stream_rows", "0001_initial"))
    return app


def manage(*arguments: str, orders: Path, apps: str = "orders") -> subprocess.CompletedProcess[str]:
    env = {
        **passed_on(),
        "DEBUG": "true",
        "HOLDFAST_APPS": apps,
        "HOLDFAST_VAR_DIR": str(orders.parent.parent / "var"),
        "DATABASE_URL": f"sqlite:///{orders.parent.parent}/orders.sqlite3",
        "PYTHONPATH": str(orders.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


USE = """
from django.contrib.auth.models import User
from orders.models import Order
from realtime.core.reads import page

alice = User.objects.create_user("alice")
Order.objects.create(buyer=alice)
Order.objects.update(status="sent")
print([event.seq for event in page(f"orders.{alice.pk}", 0).events])
"""


def test_the_guides_app_is_installed_by_the_environment(orders: Path) -> None:
    made = manage("makemigrations", "orders", orders=orders)
    assert made.returncode == 0, made.stderr
    assert (orders / "migrations" / "0001_initial.py").exists()
    (orders / "triggers.py").rename(orders / "migrations" / "0002_triggers.py")
    templates.copy_sqlite(orders.parent.parent / "orders.sqlite3")
    migrated = manage("migrate", "--verbosity", "0", orders=orders)
    assert migrated.returncode == 0, migrated.stderr
    used = manage("shell", "--no-imports", "--command", USE, orders=orders)
    assert (used.returncode, used.stdout) == (0, "[2]\n"), used.stderr


def test_a_misspelt_app_is_one_sentence(orders: Path) -> None:
    done = manage("check", orders=orders, apps="ordres")
    assert done.returncode == 1
    assert done.stderr == (
        "Configuration: HOLDFAST_APPS is 'ordres': expected Django apps, separated by commas, that "
        "this Python can import.\n"
    )
