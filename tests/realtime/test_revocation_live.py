"""Promise 6 on a real process: signing out, a new password or a ban disconnects at once."""

import time
from datetime import timedelta

import httpx
import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone

from chat import services as chat
from realtime.auth import attempts, issue_token
from realtime.auth.revocation import EXPIRED, LOGGED_OUT, PASSWORD_CHANGED
from realtime.models import AccessToken
from realtime.protocol.codes import CloseCode
from tests.conftest import PASSWORD
from tests.realtime.serving import RawSocket
from tests.support.server import Node, Nodes
from tests.support.waiting import LOOK_SECONDS, PATIENCE_SECONDS


class Browser:
    """A signed-in browser: pages over HTTP, and sockets with its cookie and Origin."""

    def __init__(self, node: Node, username: str) -> None:
        self._node = node
        self._http = httpx.Client(base_url=node.origin, follow_redirects=False, timeout=20)
        self.submit("/accounts/login/", username=username, password=PASSWORD)
        self.renew()

    def submit(self, path: str, **fields: str) -> httpx.Response:
        """Load a page and send its form."""
        self._http.get("/accounts/login/" if path.endswith("logout/") else path)
        token = {"csrfmiddlewaretoken": self._http.cookies.get("csrftoken", "")}
        return self._http.post(
            path, data={**fields, **token}, headers={"Origin": self._node.origin}
        )

    def renew(self) -> None:
        """Take over the cookie that the last answer set."""
        self.cookie = f"sessionid={self._http.cookies['sessionid']}"

    def socket(self, *, origin: str | None = None) -> RawSocket:
        return RawSocket(
            self._node.port, headers={"Cookie": self.cookie, "Origin": origin or self._node.origin}
        )


def test_a_page_of_another_site_cannot_use_the_cookie(nodes: Nodes, alice: User) -> None:
    node = nodes.start()
    browser = Browser(node, "alice")
    with browser.socket() as own:
        assert own.status == 101
        assert own.objects()[0]["user"]["username"] == "alice"
    for origin in (
        "https://evil.example",
        "null",
        "http://127.0.0.1.evil.example",
        node.origin.replace("http:", "https:"),
    ):
        with browser.socket(origin=origin) as foreign:
            assert foreign.status == 403, origin
    with RawSocket(node.port, headers={"Cookie": browser.cookie}) as without:
        assert without.status == 403
    with RawSocket(
        node.port, token=issue_token(alice), headers={"Origin": "https://evil.example"}
    ) as bearer:
        assert bearer.status == 403


def test_signing_out_closes_the_sockets_of_this_browser_only(nodes: Nodes, alice: User) -> None:
    node = nodes.start()
    here, there = Browser(node, "alice"), Browser(node, "alice")
    with (
        here.socket() as signed_out,
        there.socket() as other,
        RawSocket(node.port, token=issue_token(alice)) as program,
    ):
        for each in (signed_out, other, program):
            assert each.objects()[0]["type"] == "hello"
        here.submit("/accounts/logout/")
        assert signed_out.closed() == (CloseCode.SESSION_ENDED, LOGGED_OUT)
        for each in (other, program):
            each.command("ping")
            assert each.objects()[0]["ok"] is True
    with here.socket() as again:
        assert again.closed()[0] == CloseCode.NOT_AUTHENTICATED


def test_a_browser_that_is_signed_out_elsewhere_loses_its_sockets(
    nodes: Nodes, alice: User
) -> None:
    node = nodes.start()
    here, there = Browser(node, "alice"), Browser(node, "alice")
    token = issue_token(alice)
    with (
        here.socket() as stays,
        there.socket() as ends,
        RawSocket(node.port, token=token) as program,
    ):
        for each in (stays, ends, program):
            assert each.objects()[0]["type"] == "hello"
        here.submit("/accounts/sessions/end-others/")
        assert ends.closed() == (CloseCode.SESSION_ENDED, LOGGED_OUT)
        for each in (stays, program):
            each.command("ping")
            assert each.objects()[0]["ok"] is True
    with there.socket() as again:
        assert again.closed()[0] == CloseCode.NOT_AUTHENTICATED
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not AccessToken.objects.exclude(last_used_at=None).exists():
        assert time.monotonic() < deadline
        time.sleep(LOOK_SECONDS)


def test_a_password_change_closes_everything(nodes: Nodes, alice: User) -> None:
    node = nodes.start()
    browser = Browser(node, "alice")
    token = issue_token(alice)
    with browser.socket() as tab, RawSocket(node.port, token=token) as program:
        for each in (tab, program):
            each.objects()
        new = "something else entirely"
        browser.submit(
            "/accounts/password_change/",
            old_password=PASSWORD,
            new_password1=new,
            new_password2=new,
        )
        for each in (tab, program):
            assert each.closed() == (CloseCode.SESSION_ENDED, PASSWORD_CHANGED)
        browser.renew()
    with RawSocket(node.port, token=token) as again:
        assert again.closed()[0] == CloseCode.NOT_AUTHENTICATED
    with browser.socket() as tab:  # the session that changed the password goes on
        assert tab.objects()[0]["type"] == "hello"


def test_what_ended_unheard_is_found_by_looking(nodes: Nodes, alice: User, bob: User) -> None:
    """Another process changes the database, and no broker notifies the node."""
    node = nodes.start(HOLDFAST_HEAD_CHECK_SECONDS="0.2")
    soon = timezone.now() + timedelta(seconds=3)
    browser = Browser(node, "alice")
    with browser.socket() as tab, RawSocket(node.port, token=issue_token(bob, soon)) as program:
        for each in (tab, program):
            each.objects()
        assert program.closed()[0] == CloseCode.SESSION_ENDED
        chat.site_ban(
            actor_id=User.objects.create_superuser("root").pk, user_id=alice.pk, reason="Spam."
        )
        assert tab.closed()[0] == CloseCode.BANNED
    with browser.socket() as tab:
        assert tab.closed()[0] == CloseCode.BANNED


def test_wrong_tokens_at_sockets_are_slowed_down_and_right_ones_are_not(
    nodes: Nodes, alice: User
) -> None:
    node = nodes.start()
    for number in range(attempts.MISSES.free + 1):
        with RawSocket(node.port, token=f"hf_wrong{number}") as guess:
            assert guess.closed()[0] == CloseCode.NOT_AUTHENTICATED
    with RawSocket(node.port, token="hf_once_more") as guess:
        assert guess.objects()[0] == {
            "type": "bye",
            "reason": "rate_limited",
            "retry_after": pytest.approx(60, abs=30),
        }
        assert guess.closed()[0] == CloseCode.OVERLOADED
    # They count together with those of requests.
    header = {"Authorization": "Bearer hf_over_http"}
    assert httpx.get(f"{node.origin}/api/rooms/", headers=header).status_code == 429
    with RawSocket(node.port, token=issue_token(alice)) as program:
        assert program.objects()[0]["type"] == "hello"


def test_a_session_that_was_used_meanwhile_keeps_its_sockets(nodes: Nodes, alice: User) -> None:
    node = nodes.start(HOLDFAST_HEAD_CHECK_SECONDS="0.2")
    browser = Browser(node, "alice")
    soon = timezone.now() + timedelta(seconds=2)
    Session.objects.update(expire_date=soon)
    with browser.socket() as stays:
        assert stays.objects()[0]["type"] == "hello"
        Session.objects.update(expire_date=timezone.now() + timedelta(days=14))
        while timezone.now() < soon + timedelta(seconds=1):
            time.sleep(LOOK_SECONDS)
        stays.command("ping")
        assert stays.objects()[0]["ok"] is True
        Session.objects.update(expire_date=timezone.now() + timedelta(seconds=1))
    with browser.socket() as ends:
        assert ends.objects()[0]["type"] == "hello"
        assert ends.closed() == (CloseCode.SESSION_ENDED, EXPIRED)
