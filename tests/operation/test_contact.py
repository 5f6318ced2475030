"""The people who run the site can be reached from the pages that say so."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from chat.models import SiteBan

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        ("help@chat.example", '<a href="mailto:help@chat.example">help@chat.example</a>'),
        ("https://chat.example/help", '<a href="https://chat.example/help">'),
        ("Room 4, ask for Ann", "Room 4, ask for Ann"),
        ("javascript:alert(1)", "javascript:alert(1)"),
    ],
)
def test_the_address_is_on_the_pages_of_those_who_cannot_go_on(
    client: Client, alice: User, settings: Settings, contact: str, shown: str
) -> None:
    settings.HOLDFAST_CONTACT = contact
    settings.HOLDFAST_SIGNUP = False
    assert shown in client.get("/accounts/login/").content.decode()
    closed = client.get("/accounts/signup/").content.decode()
    assert shown in closed
    assert 'href="javascript' not in closed
    SiteBan.objects.create(user=alice, reason="threats", created_by=alice)
    client.force_login(alice)
    assert shown in client.get("/").content.decode()


def test_without_an_address_nothing_is_said(client: Client, settings: Settings) -> None:
    settings.HOLDFAST_CONTACT = ""
    assert "Contact:" not in client.get("/accounts/login/").content.decode()
