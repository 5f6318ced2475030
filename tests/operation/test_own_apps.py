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
    app = tmp_path / "elsewhere" / "orders"
    app.mkdir(parents=True)
    (app / "__init__.py").touch()
    (app / "models.py").write_text(models)
    (app / "apps.py").write_text(f"from django.apps import AppConfig\n\n\n{config}")
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
from orders.models import Order, set_status
from realtime.core.reads import page

order = Order.objects.create(buyer=User.objects.create_user("alice"))
set_status(order.pk, "sent")
print([event.seq for event in page(f"order.{order.pk}", 0).events])
"""


def test_the_guides_app_is_installed_by_the_environment(orders: Path) -> None:
    made = manage("makemigrations", "orders", orders=orders)
    assert made.returncode == 0, made.stderr
    assert (orders / "migrations" / "0001_initial.py").exists()
    templates.copy_sqlite(orders.parent.parent / "orders.sqlite3")
    assert manage("migrate", "--verbosity", "0", orders=orders).returncode == 0
    used = manage("shell", "--no-imports", "--command", USE, orders=orders)
    assert (used.returncode, used.stdout) == (0, "[1]\n"), used.stderr


def test_a_misspelt_app_is_one_sentence(orders: Path) -> None:
    done = manage("check", orders=orders, apps="ordres")
    assert done.returncode == 1
    assert done.stderr == (
        "Configuration: HOLDFAST_APPS is 'ordres': expected Django apps, separated by commas, that "
        "this Python can import.\n"
    )
