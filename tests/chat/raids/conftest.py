"""Thirty accounts that were made today, in a public room."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat import services
from chat.models import Room
from chat.moderation.new_accounts import new_accounts
from chat.text.rate_limit import post_rate_limit
from realtime.settings import env

LIMITS = (
    *("HOLDFAST_NEW_ACCOUNT_DAYS", "HOLDFAST_SAME_TEXTS", "HOLDFAST_SAME_LINKS"),
    *("HOLDFAST_SAME_HOSTS", "HOLDFAST_SAME_SECONDS", "HOLDFAST_RAID_SIGNS"),
    "HOLDFAST_SIGNUPS_PER_HOUR",
)


@pytest.fixture(autouse=True)
def defaults(settings: Any) -> Iterator[None]:
    """The limits of a new site, in a process that remembers no other users with these ids."""
    for name in LIMITS:
        setattr(settings, name, env.asked[name])
    _forget()
    yield
    _forget()


def _forget() -> None:
    new_accounts.forget()
    post_rate_limit._authors.clear()


@pytest.fixture
def lobby(alice: User, bob: User, charlie: User) -> Room:
    """A public room of Alice. She and Bob have been here for long; Charlie came today."""
    for user in (alice, bob):
        user.date_joined = timezone.now() - timedelta(days=30)
        user.save()
    room = services.create_room(actor_id=alice.pk, name="Lobby").room
    for user in (bob, charlie):
        services.join(actor_id=user.pk, room_id=room.pk)
    return room


@pytest.fixture
def raiders(lobby: Room) -> list[User]:
    """Thirty accounts of one evening."""
    return [*_members(lobby, 30)]


@pytest.fixture
def newcomers(lobby: Room) -> list[User]:
    """Ten of them, where the number does not matter."""
    return [*_members(lobby, 10)]


def _members(room: Room, number: int) -> Iterator[User]:
    for name in range(number):
        user = User.objects.create(username=f"raider{name}", first_name=f"Raider {name}")
        services.join(actor_id=user.pk, room_id=room.pk)
        yield user
