"""A rolling deploy: migrations first, then node after node.

So for minutes the old code works on the new tables.

The migrations know the old code: here the models of each earlier state insert, read and change
their rows on the current tables. A column that is new and has neither null nor
``db_default``, one that was renamed, dropped or made narrower, fails.
"""

import uuid
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection, models, transaction
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

OURS = ("realtime", "notifications", "chat")
APPEND_ONLY = ("chat.ModerationLog",)  # a trigger refuses every change
NUMBERS = count(1000)


def earlier() -> Iterator[tuple[str, str]]:
    """Every migration of ours but the newest of each app."""
    loader = MigrationLoader(connection)
    newest = set(loader.graph.leaf_nodes())
    return (node for node in sorted(loader.graph.nodes) if node[0] in OURS and node not in newest)


@pytest.mark.django_db
@pytest.mark.parametrize("app", OURS)
def test_the_code_of_before_works_on_the_tables_of_now(app: str) -> None:
    for node in earlier():
        if node[0] != app:
            continue
        state = MigrationLoader(connection).project_state(node)
        for model in state.apps.get_app_config(app).get_models():
            if not model._meta.proxy:
                # The same tables come again with the next migration, and some have one row only.
                with transaction.atomic():
                    use(model, node)
                    transaction.set_rollback(True)


def use(model: type[models.Model], node: tuple[str, str]) -> None:
    """Do with a table what code does."""
    manager: models.Manager[Any] = model._default_manager
    try:
        if model._meta.pk is not None and model._meta.pk.has_default():
            manager.all().delete()  # a table of one row, which a migration may have made
        row = make(model)
        assert manager.filter(pk=row.pk).values().get(), "a row of the code of before is not found"
        if model._meta.label not in APPEND_ONLY:
            manager.filter(pk=row.pk).update(
                **{field.attname: getattr(row, field.attname) for field in plain(model)}
            )
    except Exception as error:
        raise AssertionError(
            f"{model._meta.label} as of {'.'.join(node)} does not work on the tables of now: "
            f"{error}"
        ) from error
    name = model._meta.model_name
    assert name is not None
    if name in apps.all_models[model._meta.app_label]:  # and the code of now reads it
        apps.get_model(model._meta.label)._base_manager.get(pk=row.pk)


def plain(model: type[models.Model]) -> "list[models.Field[Any, Any]]":
    return [field for field in model._meta.concrete_fields if not field.primary_key]


def make(model: type[models.Model]) -> models.Model:
    """Insert a row with no more than the code of before had to give."""
    values = {
        field.attname: value(field) for field in model._meta.concrete_fields if is_required(field)
    }
    return model._default_manager.create(**values)


def is_required(field: "models.Field[Any, Any]") -> bool:
    if field.primary_key and isinstance(field, models.AutoField | models.BigAutoField):
        return False
    automatic = getattr(field, "auto_now_add", False) or getattr(field, "auto_now", False)
    return not (field.null or field.has_default() or automatic)


def value(field: "models.Field[Any, Any]") -> Any:
    """Return something that a column takes, another one each time."""
    if isinstance(field, models.ForeignKey):
        return related(field).pk
    choices = [value for value, _ in field.flatchoices]
    if choices:
        return choices[0]
    return next(make_one(field) for kind, make_one in VALUES if isinstance(field, kind))


def related(field: "models.ForeignKey[Any, Any]") -> models.Model:
    model = field.related_model
    assert isinstance(model, type)
    return (
        # Without signals, which make a row that belongs to each account.
        User.objects.bulk_create([User(username=f"person-{next(NUMBERS)}")])[0]
        if model._meta.label == "auth.User"
        else make(model)
    )


VALUES: list[tuple[type, Callable[[Any], Any]]] = [
    (models.DateTimeField, lambda _field: timezone.now()),
    (models.UUIDField, lambda _field: uuid.uuid4()),
    (models.BooleanField, lambda _field: True),
    (models.IntegerField, lambda _field: next(NUMBERS)),
    (models.FloatField, lambda _field: float(next(NUMBERS))),
    (models.JSONField, lambda _field: {}),
    (
        models.BinaryField,
        lambda field: next(NUMBERS).to_bytes(8, "big") * ((field.max_length or 8) // 8),
    ),
    (models.CharField, lambda _field: str(next(NUMBERS))),
    (models.TextField, lambda _field: str(next(NUMBERS))),
]


@pytest.mark.django_db
def test_a_column_that_was_renamed_is_found() -> None:
    """The test of the test."""
    initial = ("chat", "0001_initial")
    model = MigrationLoader(connection).project_state(initial).apps.get_model("chat", "Filter")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE chat_filter RENAME COLUMN text TO term")
    with (
        pytest.raises(AssertionError, match="does not work on the tables of now"),
        transaction.atomic(),
    ):
        use(model, initial)
