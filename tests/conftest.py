"""Fixtures for every suite: the people. Alice owns the room, Bob is a member, Charlie is outside."""

from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class People:
    alice: User
    bob: User
    charlie: User


def make_user(username: str, **fields: object) -> User:
    """Make an account that can sign in with ``PASSWORD``."""
    return User.objects.create_user(username, f"{username}@example.org", PASSWORD, first_name=username.capitalize(), **fields)


@pytest.fixture
def people(db: None) -> People:
    return People(alice=make_user("alice"), bob=make_user("bob"), charlie=make_user("charlie"))


@pytest.fixture
def alice(people: People) -> User:
    return people.alice


@pytest.fixture
def bob(people: People) -> User:
    return people.bob


@pytest.fixture
def charlie(people: People) -> User:
    return people.charlie
