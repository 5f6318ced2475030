"""People with credentials, and one hub a test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from asgiref.sync import SyncToAsync, sync_to_async
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from notifications.services import Notice, notify
from realtime.api import views
from realtime.auth import Account, Credentials, Identity, identify, issue_token
from realtime.core import database
from realtime.core import writer as writers
from realtime.core.drain import Drain
from realtime.core.heads import changing
from realtime.core.writer import writer
from realtime.engine import hub as hubs
from realtime.engine.hub import Hub
from tests.conftest import People
from tests.realtime.calling import Caller, Notify

SignIn = Callable[[User], str]


@pytest.fixture(autouse=True)
def reading_threads() -> Iterator[None]:
    """Close the connections of the threads that a test has made read: our pool's, and asgiref's."""
    yield
    database.close()
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """``sign_in(alice)`` returns the key of a new session, as the browser's cookie holds it."""

    def signed_in(user: User) -> str:
        browser = Client()
        browser.force_login(user)
        return browser.cookies["sessionid"].value

    return signed_in


@pytest.fixture
async def hub(transactional_db: None) -> AsyncIterator[Hub]:
    yield await hubs.started()
    await hubs.stop()
    writers.close_all()


def by_session(key: str) -> Identity | None:
    return identify(Credentials(token=None, session=key))


def by_token(token: str) -> Identity | None:
    return identify(Credentials(token=token, session=None))


def account_of(identity: Identity | None) -> Account:
    assert identity is not None
    return identity.account


@pytest.fixture
async def call(hub: Hub, people: People) -> Callable[[User], Awaitable[Caller]]:
    """``alice = await call(people.alice)``."""

    async def found(user: User) -> Caller:
        return Caller(user, await sync_to_async(issue_token)(user))

    return found


@pytest.fixture
async def caller(call: Callable[[User], Awaitable[Caller]], people: People) -> Caller:
    """Alice's."""
    return await call(people.alice)


@pytest.fixture
def notified(hub: Hub) -> Notify:
    """Put notifications into someone's inbox: ``await notified(alice, "one", "two")``."""

    async def put(caller: Caller, *titles: str) -> None:
        def change() -> None:
            for title in titles:
                with changing(caller.inbox) as heads:
                    notify(heads, Notice(user_id=caller.user.pk, kind="mention", title=title))

        await writer().run(change)

    return put


@pytest.fixture
def drain(monkeypatch: pytest.MonkeyPatch) -> Drain:
    """A process that can be asked to stop, once."""
    fresh = Drain()
    monkeypatch.setattr("realtime.core.drain.drain", fresh)
    monkeypatch.setattr(views, "drain", fresh)
    return fresh
