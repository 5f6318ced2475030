"""Which pages may open a socket.

A browser sends our cookie from any page, so a cookie counts only with an allowed Origin.
"""

import logging
from typing import Any, cast

import pytest
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import User
from django.test import override_settings

from realtime.auth import SocketAuth, issue_token
from realtime.auth.handshake import is_loopback, origin_allowed
from realtime.core import metrics
from realtime.protocol.errors import Unavailable
from tests.realtime.conftest import SignIn

SITE = "https://chat.example.org"


@pytest.mark.parametrize(
    ("origin", "by_cookie", "allowed"),
    [
        (SITE, True, True),
        ("https://CHAT.example.org", True, True),
        (SITE, False, True),
        (None, False, True),
        (None, True, False),
        ("http://chat.example.org", True, False),
        ("https://chat.example.org:8443", True, False),
        ("https://chat.example.org.evil.example", True, False),
        ("https://evil.example", False, False),
        ("null", True, False),
        ("null", False, False),
        ("", True, False),
    ],
)
def test_origins(origin: str | None, by_cookie: bool, allowed: bool) -> None:
    headers = {"host": ["chat.example.org"], **({"origin": [origin]} if origin is not None else {})}
    with override_settings(ALLOWED_ORIGINS=[SITE]):
        assert origin_allowed(headers, scheme="wss", by_cookie=by_cookie) is allowed


def test_two_origins_are_none() -> None:
    with override_settings(ALLOWED_ORIGINS=[SITE]):
        assert not origin_allowed({"origin": [SITE, SITE]}, scheme="wss", by_cookie=True)


@pytest.mark.parametrize(
    ("debug", "origin", "host", "allowed"),
    [
        (True, "http://localhost:9000", "localhost:9000", True),
        (True, "http://127.0.0.1:9000", "127.0.0.1:9000", True),
        (True, "http://[::1]:9000", "[::1]:9000", True),
        (False, "http://localhost:9000", "localhost:9000", False),
        (True, "http://localhost:9001", "localhost:9000", False),
        (True, "https://localhost:9000", "localhost:9000", False),
        # Its DNS may say 127.0.0.1.
        (True, "http://rebound.example:9000", "rebound.example:9000", False),
    ],
)
def test_while_developing_the_servers_own_pages_on_loopback_are_allowed(
    debug: bool, origin: str, host: str, allowed: bool
) -> None:
    with override_settings(ALLOWED_ORIGINS=[], DEBUG=debug):
        assert (
            origin_allowed({"origin": [origin], "host": [host]}, scheme="ws", by_cookie=True)
            is allowed
        )


@pytest.mark.parametrize(
    "host", ["", "[", "localhost.evil.example", "10.0.0.1", "127.0.0.1.evil.example"]
)
def test_what_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)


class Knock:
    """A handshake through the middleware, to an application that reports its scope."""

    def __init__(self, **headers: str) -> None:
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "websocket",
            "path": "/ws/chat/",
            "headers": raw,
            "subprotocols": ["holdfast.v1"],
            "scheme": "ws",
        }
        self.scope: dict[str, Any] = {}
        self._communicator: Any = cast(Any, ApplicationCommunicator)(
            SocketAuth(self._application), scope
        )

    async def _application(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.scope = scope
        await receive()
        await send({"type": "websocket.accept"})

    async def answers(self) -> list[dict[str, Any]]:
        await self._communicator.send_input({"type": "websocket.connect"})
        await self._communicator.wait()
        return [
            self._communicator.output_queue.get_nowait()
            for _ in range(self._communicator.output_queue.qsize())
        ]


async def test_a_foreign_page_is_refused_before_the_upgrade(transactional_db: None) -> None:
    knock = Knock(origin="https://evil.example", cookie="sessionid=whatever-it-is")
    assert [answer["type"] for answer in await knock.answers()] == ["websocket.close"]
    assert not knock.scope


async def test_a_known_caller_is_in_the_scope(transactional_db: None, alice: User) -> None:
    from asgiref.sync import sync_to_async

    knock = Knock(authorization=f"Bearer {await sync_to_async(issue_token)(alice)}")
    assert [answer["type"] for answer in await knock.answers()] == ["websocket.accept"]
    assert knock.scope["caller"].username == "alice"
    assert knock.scope["account"].user_id == alice.pk


async def test_a_wrong_token_is_logged_and_counted(
    transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    counter = metrics.access.labels("token", "failed")._value
    before = counter.get()
    with caplog.at_level(logging.INFO, "holdfast.access"):
        await Knock(authorization="Bearer hf_wrong").answers()
    assert counter.get() == before + 1
    assert "token failed" in caplog.text
    assert "hf_wrong" not in caplog.text


async def test_a_browser_is_known_by_its_cookie(
    transactional_db: None, alice: User, sign_in: SignIn
) -> None:
    from asgiref.sync import sync_to_async

    knock = Knock(
        origin="http://testserver", cookie=f"sessionid={await sync_to_async(sign_in)(alice)}"
    )
    await knock.answers()
    assert knock.scope["account"].username == "alice"


async def test_an_unknown_caller_is_passed_on_for_the_consumer_to_tell(
    transactional_db: None,
) -> None:
    knock = Knock(authorization="Bearer hf_nonsense")
    assert [answer["type"] for answer in await knock.answers()] == ["websocket.accept"]
    assert knock.scope["caller"] is None
    assert knock.scope["account"] is None


async def test_without_a_database_the_client_is_asked_to_come_back_and_not_to_sign_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def away(*_: Any) -> None:
        raise Unavailable("away", retry_after=1.0)

    monkeypatch.setattr("realtime.auth.handshake.read_together", away)
    accept, bye, close = await Knock(authorization="Bearer hf_1").answers()
    assert accept == {"type": "websocket.accept", "subprotocol": "holdfast.v1", "headers": []}
    assert '"type":"bye"' in bye["text"]
    assert close["code"] == 1013
