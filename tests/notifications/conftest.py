"""Inboxes to test with. Alice is the one who reads."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from notifications import payloads, services
from notifications.models import Notification
from realtime.services import changing
from tests.support.replay import verify

__all__ = ["verify"]

Notify = Callable[..., Notification]


@pytest.fixture
def notify(db: None) -> Notify:
    """Put one notification into an inbox: ``notify(alice, title="Hello")``."""

    def put(user: User, *, kind: str = "mention", title: str = "Bob mentioned you", **fields: str | int) -> Notification:
        with changing(payloads.inbox(user.pk)) as heads:
            return services.notify(heads, user_id=user.pk, kind=kind, title=title, **fields)  # type: ignore[arg-type]

    return put
