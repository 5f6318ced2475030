"""Every page of the admin, in both directions: no text overlaps, leaves the screen or is broken.

The list of pages is that of the admin's URL patterns; a new page is found by itself. Each page is
seen on a phone and at one more width, and in turn with large text: together, all sizes are met.
"""

import uuid
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client
from django.urls import NoReverseMatch, reverse

from chat import services
from chat.models import Room
from chat.services.moderation.moderators import appoint_moderator
from notifications.policies import Words
from notifications.queries import Audience
from notifications.services import broadcast
from realtime.auth import issue_token
from tests.browser.conftest import OpenPage
from tests.browser.test_layout import assert_none, long_names
from tests.conftest import People, make_user
from tests.support.layout import EVERY_SIZE, faults

__all__ = ["long_names"]

# They answer with something else than a page of their own.
WITHOUT_PAGE = {"autocomplete", "jsi18n", "logout", "login", "view_on_site"}


@pytest.fixture
def desk(people: People, long_names: Room) -> User:
    """A row of every kind that the admin shows, with long names and texts."""
    stranger = User.objects.get(username="m" * 150)
    message = long_names.messages.filter(author=stranger).first()
    assert message is not None
    services.report(actor_id=people.bob.pk, message_id=message.pk, category="spam", note="w" * 200)
    root = make_user("root")
    root.is_superuser = root.is_staff = True
    root.save()
    appoint_moderator(username="root")
    Group.objects.create(name="G" * 150)
    issue_token(stranger)
    for audience in (Audience(everybody=True), Audience(users=[people.bob.username])):
        broadcast(
            words=Words(title="T" * 100, body="b" * 300, level="warning"),
            audience=audience,
            key=uuid.uuid4(),
            created_by_id=root.pk,
        )
    return root


def pages_of_admin(user: User) -> list[str]:
    """Return the address of every page of the admin that answers this user."""
    client = Client()
    client.force_login(user)
    found = ["/admin/", "/admin/password_change/"]
    for path in dict.fromkeys(_candidates()):
        answer = client.get(path)
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            found.append(path)
    return found


def _candidates() -> Iterator[str]:
    for model, model_admin in admin.site._registry.items():
        first = _first(model)
        for pattern in model_admin.get_urls():
            name = getattr(pattern, "name", None)
            if not name or name in WITHOUT_PAGE:
                continue
            for arguments in ([], [first]):
                try:
                    yield reverse(f"admin:{name}", args=arguments)
                except NoReverseMatch:
                    continue


def _first(model: type[Model]) -> object:
    row = model._default_manager.order_by("pk").first()
    return row.pk if row else 1


@pytest.mark.timeout(600)
@pytest.mark.parametrize("locale", ["en", "ar"])
def test_nothing_overlaps_or_breaks_on_any_page_of_the_admin(
    open_page: OpenPage, desk: User, locale: str
) -> None:
    page = open_page(desk, "/admin/", locale=locale, expected="status of 404")
    found = {}
    paths = pages_of_admin(desk)
    assert len(paths) > 40, paths
    phone = EVERY_SIZE[0]
    for place, path in enumerate(paths):
        page.goto(path)
        other = EVERY_SIZE[1 + place % (len(EVERY_SIZE) - 1)]
        found[path] = faults(page, both_ways=False, sizes=(phone, other))
    assert_none(found)
