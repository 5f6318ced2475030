"""No log has a secret that lets people in: invitations and tokens, in every logger."""

import logging

import httpx
import pytest
from django.contrib.auth.models import User

from chat import services
from realtime.auth import issue_token
from realtime.core.monitoring.hidden_secrets import has_secret, hide, hide_within
from realtime.core.monitoring.tracing import _without_values
from realtime.site.logs import ConsoleLines, JsonLines
from tests.conftest import PASSWORD, People
from tests.support.server import Nodes

SECRET = "Zk3-9_aXbC4dE5fG6hI7jK8lM9nO0pQ1"


@pytest.mark.parametrize(
    "text",
    [
        f"Forbidden: /invite/{SECRET}/",
        f"Gone: //invite///{SECRET}",
        f"<WSGIRequest: GET '/invite/{SECRET}/'>",
        f"/accounts/login/?next=/invite/{SECRET}/",
        f"/accounts/login/?next=%2Finvite%2F{SECRET}%2F",
        f"/accounts/login/?next=%252Finvite%252f{SECRET}",
        f"Bearer hf_{SECRET}",
        f'{{"path": "/Invite/{SECRET}"}}',
    ],
)
def test_a_secret_is_hidden(text: str) -> None:
    assert SECRET not in hide(text)
    assert has_secret(text)
    assert hide(hide(text)) == hide(text)


@pytest.mark.parametrize(
    "text", ["/invite", "/rooms/invite-all/", "/api/rooms/7/invitations", "half_baked", "hf_"]
)
def test_other_texts_stay(text: str) -> None:
    assert hide(text) == text
    assert not has_secret(text)


@pytest.mark.parametrize("formatter", [JsonLines(), ConsoleLines()])
def test_neither_a_field_nor_a_traceback_has_it(formatter: logging.Formatter) -> None:
    try:
        raise ValueError(f"no such page: /invite/{SECRET}/")
    except ValueError as error:
        record = logging.getLogger("django.request").makeRecord(
            "django.request",
            logging.ERROR,
            __file__,
            1,
            "Internal Server Error: %s",
            (f"/invite/{SECRET}/",),
            (ValueError, error, error.__traceback__),
            extra={"address": f"/invite/{SECRET}/", "node": "node-1"},
        )
    line = formatter.format(record)
    assert "no such page" in line
    assert SECRET not in line


def test_an_error_report_has_none() -> None:
    event = {
        "logentry": {"message": "Internal Server Error: %s", "params": [f"/invite/{SECRET}/"]},
        "exception": {"values": [{"module": "x", "value": f"/invite/{SECRET}/", "at": 1}]},
    }
    assert SECRET not in str(_without_values(event, {}))
    assert hide_within((1, None)) == [1, None]


def test_no_refusal_writes_an_invitation_into_the_log(
    nodes: Nodes, people: People, transactional_db: None
) -> None:
    alice, bob = people.alice, people.bob
    room = services.create_room(actor_id=alice.pk, name="Lab").room_id
    link = services.make_invite_link(actor_id=alice.pk, room_id=room, seconds=3600, max_uses=1)
    used = services.make_invite_link(actor_id=alice.pk, room_id=room, seconds=3600, max_uses=1)
    services.join_by_link(actor_id=people.charlie.pk, token=used.token)
    node = nodes.start()
    token = issue_token(alice)
    with httpx.Client(base_url=node.origin, timeout=30) as http:
        page = f"/invite/{link.token}/"
        assert http.get(page).status_code == 200
        # No CSRF token.
        assert http.post(page).status_code == 403
        assert http.get(f"/invite/{used.token}/").status_code == 410
        assert http.get(f"/invite/{link.token}/more/").status_code == 404
        assert http.get("/accounts/login/", params={"next": page}).status_code == 200
        assert http.post("/accounts/login/", params={"next": page}).status_code == 403
        assert http.get(f"/api/nothing{page}").status_code == 404
        assert http.get(f"/api/rooms/{token}/").status_code == 404
        _sign_in(http, bob)
        services.site_ban(actor_id=_moderator(people).pk, user_id=bob.pk, reason="Spam")
        assert http.get(page).status_code == 403
    node.stop()
    assert "Forbidden" in node.log
    assert "Gone" in node.log
    for secret in (link.token, used.token, token):
        assert secret not in node.log


def _sign_in(http: httpx.Client, user: User) -> None:
    http.get("/accounts/login/")
    form = {
        "username": user.username,
        "password": PASSWORD,
        "csrfmiddlewaretoken": http.cookies["csrftoken"],
    }
    headers = {"Origin": str(http.base_url).rstrip("/")}
    assert http.post("/accounts/login/", data=form, headers=headers).status_code == 302


def _moderator(people: People) -> User:
    people.alice.is_superuser = True
    people.alice.save()
    return people.alice
