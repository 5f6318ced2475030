"""A table of stream rows without its triggers is found before anyone misses a change."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from realtime.core.sealing.operations import AddStreamTrigger
from tests.extending.models import Order

pytestmark = pytest.mark.django_db(transaction=True)


def found(databases: list[str] | None = None) -> list[tuple[str | None, str]]:
    """Return the identifiers and hints of what ``migrate`` would refuse."""
    errors = checks.run_checks(
        tags=[checks.Tags.database], databases=["default"] if databases is None else databases
    )
    return [(each.id, str(each.hint)) for each in errors if (each.id or "").startswith("holdfast")]


@contextmanager
def migrations_with(operation: AddStreamTrigger | None) -> Iterator[None]:
    """Let the app's migrations have this operation only."""
    with pytest.MonkeyPatch.context() as patch:
        load = MigrationLoader.load_disk

        def changed(self: MigrationLoader) -> None:
            load(self)
            for migration in self.disk_migrations.values():
                kept = [each for each in migration.operations if type(each) is not AddStreamTrigger]
                if len(kept) < len(migration.operations) and operation:
                    kept.append(operation)
                migration.operations = kept  # type: ignore[misc]  # each instance has its own

        patch.setattr(MigrationLoader, "load_disk", changed)
        yield


def test_triggers_as_in_the_class_are_accepted() -> None:
    assert found() == []


def test_a_forgotten_operation_is_named_with_its_values() -> None:
    with migrations_with(None):
        [(identifier, hint)] = found()
        assert found(databases=[]) == [], "only `migrate` and `check --database` ask the database"
    assert identifier == "holdfast.E040"
    assert 'AddStreamTrigger("Order", prefix="orders", field="buyer", kind="order")' in hint


def test_an_operation_with_other_values_is_refused() -> None:
    with migrations_with(AddStreamTrigger("Order", prefix="order", field="buyer", kind="order")):
        [(identifier, _)] = found()
    assert identifier == "holdfast.E041"


def test_migrate_refuses_to_start_without_the_operation() -> None:
    with migrations_with(None), pytest.raises(SystemCheckError, match=r"holdfast\.E040"):
        call_command("migrate", verbosity=0, skip_checks=False)


@pytest.mark.postgresql
@pytest.mark.parametrize("change", ["DISABLE", "ENABLE REPLICA"])
def test_triggers_that_are_switched_off_are_found(change: str) -> None:
    table = Order._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} {change} TRIGGER orders_order_holdfast_update")
        try:
            assert [identifier for identifier, _ in found()] == ["holdfast.E042"]
        finally:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER orders_order_holdfast_update")
    assert found() == []
