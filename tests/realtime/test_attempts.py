"""Attempts at passwords, tokens and links: slowed down, logged, counted, never locked for good."""

import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.core.cache import caches
from django.test import Client

from realtime.auth import attempts, issue_token
from realtime.core import metrics
from tests.conftest import PASSWORD

LOGIN = "/accounts/login/"
STRANGER, OWNER = "203.0.113.9", "198.51.100.7"
FAILURES = 11


def sign_in(
    client: Client, password: str, *, at: str = STRANGER, name: str = "bob", path: str = LOGIN
) -> Any:
    return client.post(path, {"username": name, "password": password}, REMOTE_ADDR=at)


def refused(door: str) -> float:
    return float(metrics.access.labels(door, "refused")._value.get())


@pytest.fixture
def staff(bob: User) -> User:
    bob.is_staff = True
    bob.save()
    return bob


@pytest.mark.parametrize("path", [LOGIN, "/admin/login/"])
def test_guesses_at_a_password_end_with_429(
    client: Client, staff: User, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    before = refused("sign_in")
    with caplog.at_level(logging.INFO, "holdfast.access"):
        for number in range(FAILURES):
            sign_in(client, f"wrong {number}", path=path)
        answer = sign_in(client, PASSWORD, path=path)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert "Too many attempts. Try again in" in answer.content.decode()
    assert "sessionid" not in client.cookies
    assert refused("sign_in") > before
    records = [record for record in caplog.records if record.name == "holdfast.access"]
    lines = [record.getMessage() for record in records]
    assert lines.count("sign_in failed") == FAILURES
    assert lines[-1] == "sign_in refused"
    assert records[-1].address == STRANGER  # type: ignore[attr-defined]
    assert "wrong" not in caplog.text


def test_many_at_once_are_not_all_the_first_one(client: Client, bob: User) -> None:
    """Attempts are counted before they are checked."""
    request = client.get(LOGIN, REMOTE_ADDR=STRANGER).wsgi_request
    for _ in range(attempts.PAIR.free + 1):
        attempts.begin("sign_in", request, account="bob")
    with pytest.raises(attempts.TooManyAttempts):
        attempts.begin("sign_in", request, account="bob")


def test_a_stranger_locks_nobody_else_out(client: Client, bob: User) -> None:
    for number in range(3 * FAILURES):
        sign_in(client, f"wrong {number}")
    assert sign_in(Client(), PASSWORD).status_code == 429
    assert sign_in(Client(), PASSWORD, at=OWNER).status_code == 302


def test_a_browser_that_signed_in_before_gets_in_while_others_guess(bob: User) -> None:
    known = Client()
    assert sign_in(known, PASSWORD).status_code == 302
    known.post("/accounts/logout/")
    for number in range(attempts.ACCOUNT.free + 20):  # from many addresses
        sign_in(Client(), "wrong", at=f"203.0.113.{number}")
    assert sign_in(Client(), PASSWORD, at=OWNER).status_code == 429
    assert sign_in(known, PASSWORD).status_code == 302


def test_the_cookie_of_a_known_browser_belongs_to_this_host_alone(bob: User, settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    known = Client()
    sign_in(known, PASSWORD)
    cookie = known.cookies["__Host-device"]
    assert (cookie["secure"], cookie["httponly"], cookie["path"], cookie["domain"]) == (
        True,
        True,
        "/",
        "",
    )


def test_the_cookie_of_one_account_is_none_of_another(alice: User, bob: User) -> None:
    known = Client()
    assert sign_in(known, PASSWORD, name="alice").status_code == 302
    known.post("/accounts/logout/")
    for number in range(FAILURES):
        sign_in(known, f"wrong {number}")
    assert sign_in(known, PASSWORD).status_code == 429
    assert sign_in(known, PASSWORD, name="alice").status_code == 302


def test_a_new_password_makes_the_cookie_of_a_known_browser_worthless(bob: User) -> None:
    """A thief of the old password is a stranger again; the owner's browser has a new cookie."""
    thief, owner = Client(), Client()
    for each in (thief, owner):
        assert sign_in(each, PASSWORD).status_code == 302
    new = "another long sentence"
    fields = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert owner.post("/accounts/password_change/", fields).status_code == 302
    owner.post("/accounts/logout/")
    for number in range(attempts.ACCOUNT.free + 20):  # from many addresses
        sign_in(Client(), "wrong", at=f"203.0.113.{number}")
    assert sign_in(thief, new, at="198.51.100.8").status_code == 429
    assert sign_in(owner, new, at=OWNER).status_code == 302


def test_a_cookie_of_an_older_version_is_no_error(client: Client, bob: User) -> None:
    client.cookies["device"] = signing.dumps(["digest", "name"], salt="holdfast.device")
    assert sign_in(client, PASSWORD).status_code == 302


def test_visitors_without_a_known_address_are_counted_together(bob: User) -> None:
    """Over a Unix socket, or behind a proxy that names nobody, but not beside the others."""
    for number in range(attempts.ADDRESS.free + 1):
        sign_in(Client(), "wrong", at="", name=f"nobody{number}")
    assert sign_in(Client(), PASSWORD, at="").status_code == 429
    assert sign_in(Client(), PASSWORD, at=OWNER).status_code == 302


def test_a_pause_ends_and_each_is_longer(
    client: Client, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = []
    for _ in range(6):
        while (answer := sign_in(client, "wrong")).status_code == 200:
            pass
        pauses.append(int(answer.headers["Retry-After"]))
        end_pauses()
    assert pauses == [60, 120, 240, 480, 900, 900]
    assert sign_in(client, PASSWORD).status_code == 302
    client.post("/accounts/logout/")
    assert sign_in(Client(), "wrong").status_code == 200  # a success empties the counter


def test_the_border_of_two_hours_gives_nobody_the_free_attempts_twice(
    client: Client, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 1000 * attempts.WINDOW_SECONDS - 1.0
    monkeypatch.setattr(time, "time", lambda: clock)
    for number in range(attempts.PAIR.free):
        assert sign_in(client, f"wrong {number}").status_code == 200
    clock += 2
    assert sign_in(client, "wrong").status_code == 200  # the one that begins a pause
    assert sign_in(client, PASSWORD).status_code == 429
    clock += attempts.WINDOW_SECONDS / 2
    allowed = 0
    while sign_in(client, "wrong").status_code == 200:
        allowed += 1
    assert allowed == attempts.PAIR.free / 2 + 1


def end_pauses() -> None:
    """Let the time of all pauses pass."""
    cache: Any = caches["default"]
    for key in [each for each in cache._cache if each.endswith(":until")]:
        cache.delete(key.removeprefix(":1:"))


def test_an_office_that_comes_in_at_nine_is_not_slowed_down(bob: User) -> None:
    for _ in range(2 * FAILURES):
        assert sign_in(Client(), PASSWORD).status_code == 302


def test_the_old_password_is_not_guessed(client: Client, bob: User) -> None:
    client.force_login(bob)
    new = {"new_password1": "another long sentence", "new_password2": "another long sentence"}
    before = refused("password")

    def change(old: str) -> Any:
        return client.post("/accounts/password_change/", {"old_password": old, **new})

    for number in range(FAILURES):
        change(f"wrong {number}")
    answer = change(PASSWORD)
    assert answer.status_code == 429
    assert refused("password") > before


def test_the_admin_has_no_other_form_for_it(client: Client, staff: User) -> None:
    client.force_login(staff)
    answer = client.post("/admin/password_change/", {"old_password": "wrong"})
    assert answer.headers["Location"] == "/accounts/password_change/"


def test_wrong_tokens_are_limited_and_right_ones_are_not(client: Client, bob: User) -> None:
    token = issue_token(bob)

    def ask(token: str) -> Any:
        return client.get(
            "/api/rooms/", headers={"authorization": f"Bearer {token}"}, REMOTE_ADDR=STRANGER
        )

    answers = [ask(f"hf_wrong{number}") for number in range(FAILURES + 1)]
    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert ask(token).status_code == 200


def test_without_the_cache_each_process_counts(
    client: Client, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise ConnectionError("the cache is away")

    for operation in ("add", "incr", "get", "set", "delete"):
        monkeypatch.setattr(type(caches["default"]), operation, away_but_local(away, operation))
    monkeypatch.setattr(attempts, "_counters", attempts._Counters())
    for number in range(FAILURES):
        sign_in(client, f"wrong {number}")
    assert sign_in(client, PASSWORD).status_code == 429


def away_but_local(away: Callable[..., None], operation: str) -> Callable[..., Any]:
    """Fail for the shared cache, but not for the counters in memory, which have the same class."""
    from django.core.cache.backends.locmem import LocMemCache

    real = getattr(LocMemCache, operation)

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return away() if self is caches["default"] else real(self, *args, **kwargs)

    return call


def test_ipv6_addresses_of_one_household_count_together(client: Client) -> None:
    def address(text: str) -> str:
        return attempts.client_address(client.get("/healthz", REMOTE_ADDR=text).wsgi_request)

    assert address("2001:db8::1") == address("2001:db8::ffff:1") == "2001:db8::/64"
    assert address("::ffff:203.0.113.9") == "203.0.113.9"
    assert address("") == attempts.UNKNOWN
