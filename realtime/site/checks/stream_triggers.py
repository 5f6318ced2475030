"""Check of stream rows: a table without its triggers would change without anyone noticing."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from realtime.core.sealing.operations import AddStreamTrigger, triggered
from realtime.core.sealing.rows import StreamRow
from realtime.core.sealing.sql import EVENTS

Operations = dict[tuple[str, str], AddStreamTrigger]  # by migration

ENABLED: Final = """
    SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.oid = to_regclass(%s) AND t.tgname = ANY (%s) AND t.tgenabled IN ('O', 'A')
"""


def stream_triggers(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **_: Any
) -> Iterable[CheckMessage]:
    """Refuse a model of stream rows that no migration gives its triggers, or whose table has none.

    ``migrate`` runs this before it changes the database, so migrations that are not applied count.
    """
    if connection.alias not in (databases or ()):
        return
    configs = apps.get_app_configs() if app_configs is None else app_configs
    models = [
        model
        for each in configs
        for model in each.get_models()
        if issubclass(model, StreamRow) and model._meta.managed and not model._meta.proxy
    ]
    if models:
        loader = MigrationLoader(connection)
        for model in models:
            yield from _check(model, loader)


def _check(model: type[StreamRow], loader: MigrationLoader) -> Iterator[CheckMessage]:
    operations = _operations(model, loader)
    if not operations:
        yield Error(
            f"No migration puts stream triggers on {model._meta.label}: clients would not receive "
            "changes of its rows.",
            hint=f"Add a migration with {_wanted(model)} (docs/extending.md).",
            obj=model,
            id="holdfast.E040",
        )
    elif not any(_agrees(model, each) for each in operations.values()):
        yield Error(
            f"The stream triggers of {model._meta.label} have other values than its class: changes "
            "would be in streams that nobody reads.",
            hint=f"The migration needs {_wanted(model)}.",
            obj=model,
            id="holdfast.E041",
        )
    elif set(operations) & set(loader.applied_migrations) and _has_lost_triggers(model):
        yield Error(
            f"The table of {model._meta.label} has lost its stream triggers, or they are disabled: "
            "clients do not receive changes of its rows.",
            hint=f"ALTER TABLE {model._meta.db_table} ENABLE TRIGGER USER, or add a migration "
            f"with {_wanted(model)}.",
            obj=model,
            id="holdfast.E042",
        )


def _operations(model: type[StreamRow], loader: MigrationLoader) -> Operations:
    return {
        key: operation
        for key, migration in loader.disk_migrations.items()
        if key[0] == model._meta.app_label
        for operation in migration.operations
        if isinstance(operation, AddStreamTrigger)
        and operation.model_name.lower() == model._meta.model_name
    }


def _agrees(model: type[StreamRow], operation: AddStreamTrigger) -> bool:
    of_class = (model.stream_prefix, model.stream_field, model.row_kind)
    return (operation.prefix, operation.field, operation.kind) == of_class


def _has_lost_triggers(model: type[StreamRow]) -> bool:
    """Whether PostgreSQL has the table without the triggers. On SQLite, ``migrate`` makes them."""
    if connection.vendor != "postgresql":
        return False
    table = triggered(model, model.stream_prefix, model.stream_field, model.row_kind)
    name = connection.ops.quote_name(table.name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(ENABLED, [name, [table.trigger(event) for event in EVENTS]])
        return bool(cursor.fetchone()[0] < len(EVENTS))


def _wanted(model: type[StreamRow]) -> str:
    field = f'field="{model.stream_field}", ' if model.stream_field else ""
    return (
        f'AddStreamTrigger("{model.__name__}", prefix="{model.stream_prefix}", {field}'
        f'kind="{model.row_kind}")'
    )
