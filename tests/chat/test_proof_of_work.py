"""Sign-up asks the browser for work: signed, bounded in time, used once."""

import hashlib
import logging
import re
from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from realtime.auth import proof_of_work
from tests.chat.test_sign_up import PASSWORD, SIGN_UP

BITS = 8


@pytest.fixture(autouse=True)
def asked(settings: Any, db: None) -> None:
    settings.HOLDFAST_SIGNUP_WORK = BITS


def solve(seed: str, *, wrong: bool = False) -> str:
    """Return the first number that is an answer, or the first that is none."""
    for number in count():
        found = hashlib.sha256(f"{seed}:{number}".encode()).digest()
        if (found[0] == 0) is not wrong:
            return str(number)
    raise AssertionError


def send(client: Client, username: str, token: str, answer: str) -> Any:
    names = {"username": username, "first_name": "", "last_name": ""}
    passwords = {"password1": PASSWORD, "password2": PASSWORD}
    work = {"work_token": token, "work_answer": answer}
    return client.post(SIGN_UP, {**names, **passwords, **work})


def offered() -> proof_of_work.Challenge:
    found = proof_of_work.challenge()
    assert found is not None
    return found


def test_the_page_has_all_that_the_browser_needs(client: Client) -> None:
    page = client.get(SIGN_UP).content.decode()
    token = re.search(r'name="work_token" value="([^"]+)"', page)
    seed = re.search(r'data-seed="([^"]+)" data-bits="8"', page)
    assert token is not None
    assert seed is not None
    assert "Creating an account needs JavaScript" in page
    assert send(client, "one", token[1], solve(seed[1])).status_code == 302


def test_without_work_there_is_no_account(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    work = offered()
    other = offered()
    right = solve(work.seed)
    forged = work.token.replace(work.token[:4], "AAAA", 1)
    with caplog.at_level(logging.INFO, "holdfast.access"):
        for token, answer in (
            ("", ""),
            (work.token, ""),
            (work.token, solve(work.seed, wrong=True)),
            (work.token, "-1"),
            (work.token, "1" * 40),
            (work.token, "٣"),
            (other.token, solve(other.seed, wrong=True)),
            (forged, right),
        ):
            refused = send(client, "one", token, answer)
            assert refused.status_code == 400
            assert "Your browser has not finished its check" in refused.content.decode()
    assert not User.objects.filter(username="one").exists()
    assert "sign_up no_work" in caplog.text


def test_an_answer_is_used_once(client: Client) -> None:
    work = offered()
    answer = solve(work.seed)
    assert send(client, "one", work.token, answer).status_code == 302
    assert send(Client(), "two", work.token, answer).status_code == 400


def test_a_form_with_other_errors_uses_up_no_answer(client: Client) -> None:
    work = offered()
    answer = solve(work.seed)
    assert send(client, "everyone", work.token, answer).status_code == 400
    assert send(client, "one", work.token, answer).status_code == 302


def test_a_challenge_ends(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    work = offered()
    monkeypatch.setattr(proof_of_work, "VALID_SECONDS", -1)
    assert send(client, "one", work.token, solve(work.seed)).status_code == 400


def test_it_can_be_turned_off(client: Client, settings: Any) -> None:
    settings.HOLDFAST_SIGNUP_WORK = 0
    assert "work_token" not in client.get(SIGN_UP).content.decode()
    assert send(client, "one", "", "").status_code == 302
