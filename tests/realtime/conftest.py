"""People with credentials, and one hub a test."""

from collections.abc import AsyncIterator, Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from realtime import database
from realtime import hub as hubs
from realtime import writer as writers
from realtime.auth import Account, Credentials, Identity, identify
from realtime.hub import Hub

SignIn = Callable[[User], str]


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
    database.close()


def by_session(key: str) -> Identity | None:
    return identify(Credentials(token=None, session=key))


def by_token(token: str) -> Identity | None:
    return identify(Credentials(token=token, session=None))


def account_of(identity: Identity | None) -> Account:
    assert identity is not None
    return identity.account
