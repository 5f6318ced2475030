"""Bearer tokens: valid until they expire, are revoked, or their owner's password changes."""

import io
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from django.utils import timezone

from realtime.auth import issue_token, token_credential
from realtime.auth.accounts import digest
from realtime.auth.revocation import TOKEN_REVOKED
from realtime.models import AccessToken, Revocation
from realtime.protocol.codes import CloseCode
from tests.realtime.conftest import account_of, by_token

pytestmark = pytest.mark.django_db


def test_a_token_lets_its_owner_in(alice: User) -> None:
    token = issue_token(alice)
    account = account_of(by_token(token))
    assert (account.user_id, account.username, account.name, account.expires_at) == (
        alice.pk,
        "alice",
        "Alice",
        None,
    )
    assert account.credential == token_credential(digest(token))


def test_only_the_digest_of_a_token_is_stored(alice: User) -> None:
    token = issue_token(alice)
    assert re.fullmatch(r"hf_[A-Za-z0-9_-]{43}", token)
    row = AccessToken.objects.get()
    assert token not in str(vars(row))
    assert row.digest == digest(token)


def test_an_expired_token_lets_nobody_in(alice: User) -> None:
    assert by_token(issue_token(alice, timezone.now() - timedelta(seconds=1))) is None


def test_a_token_that_expires_says_when(alice: User) -> None:
    soon = timezone.now() + timedelta(days=1)
    assert account_of(by_token(issue_token(alice, soon))).expires_at == soon.timestamp()


def test_a_password_change_ends_tokens(alice: User) -> None:
    token = issue_token(alice)
    alice.set_password("something else entirely")
    alice.save()
    assert by_token(token) is None


def test_a_deactivation_ends_tokens_for_good(alice: User) -> None:
    token = issue_token(alice)
    alice.is_active = False
    alice.save()
    assert by_token(token) is None
    alice.is_active = True
    alice.save()
    assert by_token(token) is None


def test_tokens_outlive_a_rotated_secret(alice: User) -> None:
    from django.conf import settings

    token = issue_token(alice)
    with override_settings(SECRET_KEY="another-secret", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert by_token(token) is not None
    with override_settings(SECRET_KEY="another-secret", SECRET_KEY_FALLBACKS=[]):
        assert by_token(token) is None


@pytest.mark.parametrize("nonsense", ["", "hf_", "hf_\x00", "x" * 5000, "hf_ü", "hf_\ud800"])
def test_nonsense_lets_nobody_in(alice: User, nonsense: str) -> None:
    assert by_token(nonsense) is None


def test_a_token_costs_one_query(
    alice: User, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    token = issue_token(alice)
    with django_assert_num_queries(1 + gates()):  # type: ignore[operator]
        by_token(token)


def gates() -> int:
    from realtime.auth import accounts

    return len(accounts._connection_checks)


def test_the_command_prints_a_token(alice: User) -> None:
    account = account_of(by_token(printed("issue_token", "Alice")))
    assert account.user_id == alice.pk
    year = (timezone.now() + timedelta(days=365)).timestamp()
    assert account.expires_at == pytest.approx(year, abs=60)


def test_the_command_prints_a_token_without_an_end(alice: User) -> None:
    assert account_of(by_token(printed("issue_token", "alice", "--no-end"))).expires_at is None


def test_the_command_prints_a_token_that_ends(alice: User) -> None:
    expires_at = account_of(by_token(printed("issue_token", "alice", "--days", "2"))).expires_at
    assert expires_at == pytest.approx((timezone.now() + timedelta(days=2)).timestamp(), abs=60)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nobody"], "There is no user 'nobody'"),
        (["alice", "--days", "0"], "--days is 0: expected a number above 0"),
        (["alice", "--days", "nan"], "--days is nan"),
    ],
)
def test_the_command_says_what_is_wrong(alice: User, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=re.escape(words)):
        printed("issue_token", *arguments)


def test_the_command_refuses_a_deactivated_user(alice: User) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="deactivated"):
        printed("issue_token", "alice")


def printed(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue().strip()


@pytest.fixture
def admin(client: Client) -> Client:
    """The browser of an administrator."""
    client.force_login(User.objects.create_superuser("root", password="root"))
    return client


def test_the_admin_shows_a_new_token_once(admin: Client, alice: User) -> None:
    answer = admin.post(
        "/admin/realtime/accesstoken/add/",
        {"user": alice.pk, "expires_at_0": "", "expires_at_1": ""},
    )
    token = re.search(r"hf_[A-Za-z0-9_-]{43}", answer.content.decode())
    assert token is not None
    assert account_of(by_token(token[0])).user_id == alice.pk
    assert "no-store" in answer.headers["Cache-Control"]
    assert token[0] not in admin.get("/admin/realtime/accesstoken/").content.decode()


def test_the_admin_revokes_a_token_and_closes_its_sockets(admin: Client, alice: User) -> None:
    token = issue_token(alice)
    row = AccessToken.objects.get()
    admin.post("/admin/realtime/accesstoken/", {"action": "revoke", "_selected_action": [row.pk]})
    assert by_token(token) is None
    revocation = Revocation.objects.get()
    assert (revocation.credential, revocation.code, revocation.reason) == (
        token_credential(digest(token)),
        CloseCode.SESSION_ENDED,
        TOKEN_REVOKED,
    )


def test_a_moderator_cannot_make_a_token_of_an_administrator(client: Client, alice: User) -> None:
    root = User.objects.create_superuser("root", password="root")
    alice.is_staff = True
    alice.save()
    alice.user_permissions.add(Permission.objects.get(codename="add_accesstoken"))
    client.force_login(alice)
    client.post(
        "/admin/realtime/accesstoken/add/",
        {"user": root.pk, "expires_at_0": "", "expires_at_1": ""},
    )
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("path", ["change", "delete"])
def test_nobody_edits_or_deletes_a_token_past_its_revocation(
    admin: Client, alice: User, path: str
) -> None:
    issue_token(alice)
    row = AccessToken.objects.get()
    admin.post(f"/admin/realtime/accesstoken/{row.pk}/{path}/", {"post": "yes", "user": alice.pk})
    assert AccessToken.objects.get() == row
