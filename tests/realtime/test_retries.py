"""An end of access that fails after its cause was committed fails alone, and is repeated."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import Client

from realtime.auth import revocation
from realtime.auth.retries import Retries
from realtime.core import metrics, publishing
from realtime.core.heads import changing
from realtime.models import Revocation
from realtime.protocol.codes import CloseCode
from tests.conftest import PASSWORD

NEW = "another phrase entirely"
WITHIN_SECONDS = 30


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the next revocations fail, so many times."""
    real = revocation.end_sessions

    def begin(times: int) -> None:
        left = [times]

        def end_sessions(*args: Any, **fields: Any) -> None:
            if left[0] > 0:
                left[0] -= 1
                raise OperationalError("database is locked")
            real(*args, **fields)

        monkeypatch.setattr(revocation, "end_sessions", end_sessions)

    return begin


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def waiting() -> float | None:
    return metrics.registry.get_sample_value("holdfast_revocations_waiting")


def _revoke(user_id: int) -> None:
    try:
        with suppress(IntegrityError):  # the account is gone
            revocation.end_sessions(user_id, code=CloseCode.SESSION_ENDED, reason="test")
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
class TestAnswers:
    def test_a_new_password_is_answered_and_its_end_is_repeated(
        self,
        alice: User,
        client: Client,
        failing: Callable[[int], None],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        client.force_login(alice)
        failing(2)
        form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
        assert client.post("/accounts/password_change/", form).status_code == 302
        alice.refresh_from_db()
        assert alice.check_password(NEW)
        assert "a revocation failed and is repeated" in caplog.messages
        assert waiting() == 1
        until(Revocation.objects.exists)
        until(lambda: waiting() == 0)
        assert Revocation.objects.get().reason == revocation.PASSWORD_CHANGED

    def test_a_sign_out_is_answered_and_its_end_is_repeated(
        self, alice: User, client: Client, failing: Callable[[int], None]
    ) -> None:
        client.force_login(alice)
        failing(1)
        assert client.post("/accounts/logout/").status_code == 302
        assert client.get("/api/rooms/").status_code == 401
        until(Revocation.objects.exists)
        assert Revocation.objects.get().credential.startswith("session:")
        until(lambda: waiting() == 0)

    def test_an_account_that_is_deleted_meanwhile_is_not_waited_for(
        self, alice: User, failing: Callable[[int], None]
    ) -> None:
        failing(1)
        alice.set_password(NEW)
        alice.save()
        alice.delete()
        until(lambda: waiting() == 0)
        assert not Revocation.objects.exists()

    def test_an_account_is_deleted_while_its_access_is_ended(self, alice: User) -> None:
        """The revocation comes when Django has deleted what refers to the account."""
        pk = alice.pk
        revoking = threading.Thread(target=_revoke, args=(pk,))

        def before_the_account(execute: Any, sql: str, *rest: Any) -> Any:
            if sql.startswith('DELETE FROM "auth_user" '):
                revoking.start()
                revoking.join(timeout=1)  # in vain: it waits for the deletion
            return execute(sql, *rest)

        with connection.execute_wrapper(before_the_account):
            alice.delete()
        revoking.join(timeout=WITHIN_SECONDS)
        assert not User.objects.filter(pk=pk).exists()
        assert not Revocation.objects.exists()

    def test_other_hooks_of_the_transaction_run(
        self, alice: User, failing: Callable[[int], None]
    ) -> None:
        failing(1)
        ran: list[str] = []
        with transaction.atomic():
            alice.set_password(NEW)
            alice.save()
            transaction.on_commit(lambda: ran.append("second"))
        assert ran == ["second"]
        until(Revocation.objects.exists)
        until(lambda: waiting() == 0)

    def test_a_hub_that_cannot_publish_fails_nobody(
        self, alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def closed(changes: publishing.Changes) -> bool:
            raise RuntimeError("Event loop is closed")

        monkeypatch.setattr(publishing.local_hub, "publish", closed)
        ran: list[str] = []
        stream = revocation.personal_stream(alice.pk)
        with changing(stream) as heads:
            revocation.end_sessions_within(
                heads, alice.pk, code=CloseCode.SESSION_ENDED, reason="x"
            )
            transaction.on_commit(lambda: ran.append("before"))
        assert ran == ["before"]
        assert "publishing failed; the head check will deliver" in caplog.messages


class TestRepeating:
    def test_one_that_always_fails_holds_up_no_other(self) -> None:
        retries = Retries()
        done: list[str] = []

        def fails() -> None:
            if len(done) < 2:
                raise OperationalError("locked")

        retries.add("first", fails)
        retries.add("second", lambda: done.append("second"))
        retries.add("third", lambda: done.append("third"))
        until(lambda: done == ["second", "third"])
        until(lambda: waiting() == 0)

    def test_the_number_is_bounded(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("realtime.auth.retries.MAX_WAITING", 1)
        retries = Retries()
        done: list[str] = []
        retries.add("first", lambda: done.append("first"))
        retries.add("second", lambda: done.append("second"))
        assert any(message.startswith("too many revocations") for message in caplog.messages)
        until(lambda: done == ["first"])
        until(lambda: waiting() == 0)
