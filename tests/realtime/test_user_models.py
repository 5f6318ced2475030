"""The user model is the project's own: nobody takes Django's by its name."""

from typing import Any

import pytest
from django.core.checks import CheckMessage
from django.db import models

from realtime.core.users import key_converter, user_id_of
from realtime.protocol.user_ids import wire_id
from realtime.site.checks import users as checks
from tests.architecture.source import who_imports

DOOR = "realtime/core/users.py"


def found(
    monkeypatch: pytest.MonkeyPatch, key: "models.Field[Any, Any]", *missing: str
) -> list[str | None]:
    monkeypatch.setattr(checks, "key_field", lambda: key)
    monkeypatch.setattr(checks, "has_field", lambda name: name not in missing)
    messages: list[CheckMessage] = list(checks.user_model(None))
    return [message.id for message in messages]


def test_only_one_module_imports_the_user_model() -> None:
    assert who_imports("django.contrib.auth.models.User") == {DOOR}


def test_the_key_of_a_user_in_a_streams_name() -> None:
    assert key_converter() == "int"
    assert user_id_of("7") == 7
    with pytest.raises(ValueError, match="is no key of a user"):
        user_id_of("550e8400-e29b-41d4-a716-446655440000")
    assert [wire_id(7), wire_id("7"), wire_id(None)] == [7, "7", None]


@pytest.mark.parametrize(
    "key",
    [
        models.BigAutoField(primary_key=True),
        models.UUIDField(primary_key=True),
        models.SlugField(primary_key=True, max_length=40),
        models.PositiveIntegerField(primary_key=True),
    ],
)
def test_keys_that_name_a_stream(
    monkeypatch: pytest.MonkeyPatch, key: "models.Field[Any, Any]"
) -> None:
    assert found(monkeypatch, key) == []


@pytest.mark.parametrize(
    "key",
    [
        models.DateField(primary_key=True),
        models.EmailField(primary_key=True),
        models.CharField(primary_key=True, max_length=41),
    ],
)
def test_keys_that_name_none(
    monkeypatch: pytest.MonkeyPatch, key: "models.Field[Any, Any]"
) -> None:
    assert found(monkeypatch, key) == ["holdfast.E031"]


def test_a_model_that_nobody_can_be_signed_out_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, models.BigAutoField(), "is_active") == ["holdfast.E030"]
