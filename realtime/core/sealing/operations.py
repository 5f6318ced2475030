"""The operation of a migration that puts stream triggers on a table."""

from typing import Any

from django.db import connection, models
from django.db.migrations.operations.base import Operation

from realtime.core.sealing.rows import StreamRow
from realtime.core.sealing.sql import TriggeredTable


class AddStreamTrigger(Operation):
    """Let the rows of a model stamp themselves, with the values that its class has.

    ``field`` is the model's ``stream_field``. The migration depends on ``realtime.0006_sealing``.
    """

    reversible = True

    def __init__(self, model_name: str, *, prefix: str, kind: str, field: str = "") -> None:
        self.model_name = model_name
        self.prefix = prefix
        self.kind = kind
        self.field = field

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change no state: triggers are no part of it."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Make the triggers."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            for statement in self._table(model).create():
                schema_editor.execute(statement, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Remove them."""
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            for statement in self._table(model).drop():
                schema_editor.execute(statement, params=None)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Return how to write the operation in a migration."""
        named = {"prefix": self.prefix, "kind": self.kind, "field": self.field}
        return type(self).__qualname__, [self.model_name], named

    def describe(self) -> str:
        """Return the operation in words."""
        return f"Let rows of {self.model_name} stamp themselves into {self.prefix}"

    @property
    def migration_name_fragment(self) -> str:
        """Return its part of a migration's name."""
        return f"{self.model_name.lower()}_stream_trigger"

    def _table(self, model: type[models.Model]) -> TriggeredTable:
        return triggered(model, self.prefix, self.field, self.kind)


def triggered(model: type[models.Model], prefix: str, field: str, kind: str) -> TriggeredTable:
    """Describe the table of ``model`` with its triggers. Raises ``FieldDoesNotExist``."""
    ident: Any = model._meta.get_field(field) if field else None
    value = getattr(ident, "target_field", ident)  # of a foreign key, the key that it refers to
    return TriggeredTable(
        name=model._meta.db_table,
        primary_key=str(model._meta.pk.column),
        prefix=prefix,
        column=ident.column if ident else None,
        kind=kind,
        has_uuids=isinstance(value, models.UUIDField),
    )


def restore_triggers(app_config: Any, **_: object) -> None:
    """Make the triggers of stream rows again; connected to ``post_migrate``.

    On SQLite, Django changes a column by making the table anew, and the triggers go with the old
    one. On PostgreSQL they stay.
    """
    if connection.vendor != "sqlite":
        return
    tables = set(connection.introspection.table_names())
    for model in app_config.get_models():
        if issubclass(model, StreamRow) and model._meta.db_table in tables:
            table = triggered(model, model.stream_prefix, model.stream_field, model.row_kind)
            with connection.cursor() as cursor:
                for statement in table.create():
                    cursor.execute(statement)
