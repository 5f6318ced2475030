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
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection, connections

from chat.moderation import raid_mode
from chat.moderation.raid_mode import NO_RAID
from realtime.core.bounds.shared_counts import shared_counts
from tests.support import emptying, templates
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"nodes", "manage_py"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("process")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Begin with a migrated database. On PostgreSQL it is a copy of one too (tests.settings)."""
    if connection.vendor == "sqlite":
        templates.copy_sqlite(Path(connection.settings_dict["TEST"]["NAME"]))


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool) -> bool:
    """Do not make the copy anew, and leave it to the end of the run (tests.settings)."""
    return connection.vendor == "sqlite" or django_db_keepdb


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


@pytest.fixture(autouse=True)
def no_attempts() -> None:
    """Forget the failed sign-ins of earlier tests, which use the same names and address."""
    if isinstance(caches["default"], LocMemCache):
        caches["default"].clear()
    shared_counts._names.clear()


@pytest.fixture(autouse=True)
def no_raid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has switched on raid mode, and no post asks whether, until a test changes it."""
    monkeypatch.setattr(raid_mode.process, "_held", (NO_RAID, float("inf")))


@pytest.fixture(scope="session")
def node_var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The var/ of server processes, with the static files."""
    var = tmp_path_factory.mktemp("nodes")
    templates.copy_static_files(var)
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
