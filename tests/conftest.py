"""Fixtures for every suite: the people, and the server processes.

Alice owns the room, Bob is a member, Charlie is outside.
"""

import gc
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from asgiref.sync import SyncToAsync
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections
from django.test import override_settings

from tests.support import emptying
from tests.support.server import Nodes, manage

emptying.install()

PASSWORD = "correct horse battery staple"


def pytest_configure() -> None:
    """End by SIGTERM as by Ctrl-C: fixtures then stop the processes that they started.

    In the background of a script Ctrl-C is ignored, and what is started there would inherit that.
    """
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.default_int_handler)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Leave no session on the test database, which is removed next."""
    yield
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()  # a thread that stays
    gc.collect()  # threads that have ended


@dataclass(frozen=True)
class People:
    alice: User
    bob: User
    charlie: User


def make_user(username: str) -> User:
    """Make an account that can sign in with ``PASSWORD``."""
    return User.objects.create_user(
        username, f"{username}@example.org", PASSWORD, first_name=username.capitalize()
    )


@pytest.fixture
def people(db: None) -> People:
    return People(alice=make_user("alice"), bob=make_user("bob"), charlie=make_user("charlie"))


@pytest.fixture
def alice(people: People) -> User:
    return people.alice


@pytest.fixture
def bob(people: People) -> User:
    return people.bob


@pytest.fixture
def charlie(people: People) -> User:
    return people.charlie


@pytest.fixture(scope="session")
def node_var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The var/ of server processes, with the static files collected once for all tests."""
    var = tmp_path_factory.mktemp("nodes")
    storages = {"staticfiles": {"BACKEND": "realtime.site.staticfiles.HashedStaticFiles"}}
    with override_settings(STATIC_ROOT=var / "static", STORAGES=storages):
        call_command("collectstatic", interactive=False, verbosity=0)
    return var


@pytest.fixture
def nodes(transactional_db: None, node_var: Path) -> Iterator[Nodes]:
    """Real server processes: ``node = nodes.start(HOLDFAST_COMMAND_RATE="5")``."""
    found = Nodes(node_var)
    yield found
    found.stop()


@pytest.fixture
def manage_py(transactional_db: None, node_var: Path) -> Callable[..., str]:
    """Run a management command in its own process: ``manage_py("broadcast", "text", "--all")``."""
    return partial(manage, var=node_var)
