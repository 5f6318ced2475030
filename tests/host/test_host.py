"""A project that is not ours installs Holdfast: its own user model, pages and ASGI application.

Accounts have UUID keys and sign in with an e-mail address; every request is a transaction.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from realtime.protocol.codes import CloseCode
from tests.support.server import ROOT, passed_on

PROJECT = Path(__file__).parent / "project"
# An environment in which the wheel is installed (`make test-host`); without it, this checkout.
INSTALLED = os.environ.get("HOST_PYTHON")
PYTHON = INSTALLED or sys.executable
SOURCES = [PROJECT] if INSTALLED else [PROJECT, ROOT]
ANSWER_SECONDS = 20

PLACE_AN_ORDER = """
from accounts.models import Account
from orders.models import Order, set_status

alice = Account.objects.create_user("alice@example.com", "correct horse battery staple")
order = Order.objects.create(buyer=alice)
set_status(order.pk, "placed")
print(alice.pk, order.pk)
"""

SEND_IT = """
from orders.models import Order, set_status

set_status(Order.objects.get().pk, "sent")
"""

NOTIFY_TWICE = """
from accounts.models import Account
from holdfast import notify

alice = Account.objects.get()
for _ in range(2):
    notify(alice, kind="broadcast", title="Your order is sent", actor=alice, key="order-sent")
"""

CHANGE_THE_PASSWORD = """
from accounts.models import Account

alice = Account.objects.get()
alice.set_password("another horse battery staple")
alice.save()
"""

WRONG_NOTIFICATIONS = """
from accounts.models import Account
from holdfast import HoldfastError, notify

alice = Account.objects.get()
for user, change in [
    (alice, {"kind": "order"}),
    (alice, {"url": "javascript:alert(1)"}),
    (alice, {"title": "x" * 1000}),
    (alice, {"key": "x" * 101}),
    (alice, {"level": "loud"}),
    ("nobody", {}),
]:
    try:
        notify(user, **{"kind": "broadcast", "title": "Hello", **change})
    except HoldfastError as error:
        print(error.message.split(":")[0])
"""


class Host:
    """The project with a database of its own, on the SQLite of one test."""

    def __init__(self, folder: Path) -> None:
        self.env = {
            **passed_on(),
            "SHOP_SQLITE": str(folder / "shop.sqlite3"),
            "PYTHONPATH": os.pathsep.join(map(str, SOURCES)),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [PYTHON, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=PROJECT, env=self.env, capture_output=True, text=True, check=False
        )

    def manage(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def python(self, code: str) -> str:
        return self.manage("shell", "--no-imports", "--command", code)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    host = Host(tmp_path)
    host.manage("migrate", "--verbosity", "0")
    return host


@pytest.fixture
def address(host: Host) -> Iterator[str]:
    """The address of a running node of the project."""
    command = [PYTHON, "manage.py", "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=PROJECT, env=host.env, stdout=subprocess.PIPE, text=True
    ) as node:
        assert node.stdout is not None
        found = re.search(r"http://[\d.:]+", node.stdout.readline())
        assert found is not None
        yield found[0].removeprefix("http://")
        node.terminate()


def read(address: str, path: str, token: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"http://{address}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
        return answer.read().decode()


def received(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next object of a type; others, such as a page, are skipped."""
    while True:
        found: dict[str, Any] = json.loads(socket.recv(ANSWER_SECONDS))
        if found["type"] == kind:
            return found


def test_the_project_passes_its_checks_and_needs_no_migrations_of_ours(tmp_path: Path) -> None:
    host = Host(tmp_path)
    assert host.manage("check") == "System check identified no issues (0 silenced).\n"
    assert host.manage("makemigrations", "--check", "--dry-run") == "No changes detected\n"


def test_a_buyer_follows_an_order_live_until_the_password_changes(host: Host, address: str) -> None:
    account, order = host.python(PLACE_AN_ORDER).split()
    token = host.manage("issue_token", "alice@example.com").strip()
    stream = f"order.{order}"
    page = json.loads(read(address, f"/api/streams/{stream}/events?after=0", token))
    assert [event["data"]["status"] for event in page["events"]] == ["placed"]
    protocols = [Subprotocol("holdfast.v1"), Subprotocol(f"bearer.{token}")]
    with connect(f"ws://{address}/ws/", subprotocols=protocols) as socket:
        hello = received(socket, "hello")
        assert hello["user"] == {"id": account, "username": "", "name": f"User {account[:8]}"}
        assert hello["heads"][f"inbox.{account}"] == 0
        request = {"id": 1, "command": "subscribe", "streams": {stream: 1, f"inbox.{account}": 0}}
        socket.send(json.dumps(request))
        assert received(socket, "reply")["ok"]
        host.python(SEND_IT)
        event = received(socket, "event")
        assert (event["stream"], event["data"]["status"]) == (stream, "sent")
        host.python(NOTIFY_TWICE)
        event = received(socket, "event")
        assert (event["seq"], event["data"]["title"]) == (1, "Your order is sent")
        host.python(CHANGE_THE_PASSWORD)
        assert received(socket, "bye")
        with pytest.raises(ConnectionClosed):
            socket.recv(ANSWER_SECONDS)
    assert socket.close_code == CloseCode.SESSION_ENDED


def test_the_pages_of_the_project_are_its_own(address: str) -> None:
    assert "<h1>The shop</h1>" in read(address, "/")
    assert "Log in" in read(address, "/admin/login/")
    assert read(address, "/healthz").startswith("ok ")


def test_a_notification_that_cannot_be_sent_names_the_field(host: Host) -> None:
    host.python(PLACE_AN_ORDER)
    fields = host.python(WRONG_NOTIFICATIONS).split()
    assert fields == ["kind", "url", "title", "key", "level", "user"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"BAKLOG": 1}, "HOLDFAST: 'BAKLOG' is no setting of Holdfast"),
        ({"BACKLOG": "many"}, "HOLDFAST['BACKLOG'] is 'many': expected int"),
        (["BACKLOG"], "HOLDFAST: expected a dictionary, got ['BACKLOG']"),
    ],
)
def test_a_wrong_setting_is_one_sentence(tmp_path: Path, setting: object, message: str) -> None:
    host = Host(tmp_path)
    (tmp_path / "wrong.py").write_text(f"from shop.settings import *\n\nHOLDFAST = {setting!r}\n")
    host.env["PYTHONPATH"] += os.pathsep + str(tmp_path)
    done = host.run("check", "--settings", "wrong")
    assert done.returncode == 1
    assert message in done.stderr


def test_chat_refuses_a_user_model_without_usernames_or_missing_packages(tmp_path: Path) -> None:
    host = Host(tmp_path)
    (tmp_path / "chatting.py").write_text(
        "from shop.settings import *\n\n"
        'INSTALLED_APPS.insert(INSTALLED_APPS.index("notifications") + 1, "chat")\n'
    )
    host.env["PYTHONPATH"] += os.pathsep + str(tmp_path)
    done = host.run("check", "--settings", "chatting")
    if INSTALLED:
        assert "pip install holdfast[chat]" in done.stderr
        return
    assert "chat cannot use accounts.Account: it needs integer keys and the fields" in done.stderr
