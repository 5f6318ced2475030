"""The admin as Mona the moderator uses it. Alice owns general, Bob is in it, Charlie is not."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from chat.services.moderation.moderators import appoint_moderator
from tests.chat.conftest import direct, general, say, secret
from tests.conftest import make_user
from tests.support.replay import verify

__all__ = ["direct", "general", "say", "secret", "verify"]

Act = Callable[..., Any]


def signed_in(user: User) -> Client:
    """Return the browser of a signed-in user."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def mona(db: None) -> User:
    """A moderator of the site, a member of nothing, and no superuser."""
    user = make_user("mona")
    appoint_moderator(username="mona")
    user.refresh_from_db()
    return user


@pytest.fixture
def desk(mona: User) -> Client:
    return signed_in(mona)


@pytest.fixture
def root(db: None) -> Client:
    """A superuser's browser."""
    return signed_in(User.objects.create_superuser("root"))


@pytest.fixture
def act(desk: Client) -> Act:
    """Confirm an action and follow the redirect.

    For example ``act("message", "delete", message, reason="spam")``.
    """

    def do(
        model: str, act_name: str, *rows: Any, client: Client = desk, **fields: str | int
    ) -> Any:
        ids = ",".join(str(row.pk) for row in rows)
        url = reverse(f"admin:chat_{model}_action", args=[act_name])
        return client.post(url, {"ids": ids, **fields}, follow=True)

    return do


def told(response: Any) -> list[str]:
    """Return the messages of the next page."""
    return [str(message) for message in response.context["messages"]]
