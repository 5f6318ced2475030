"""Rows get dense numbers in commit order at the COMMIT of any program's transaction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from realtime.core import reads
from realtime.core.heads import OpenTransaction, Statement, changing, changing_in_two_trips
from realtime.core.sealing.stamping import stamp
from realtime.core.streams import StreamName
from realtime.models import DeadLetter, Pending, Tombstone
from tests.extending import orders
from tests.extending.at_once import change_at_once
from tests.extending.models import ORDERS, Order

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def rolled_back() -> Iterator[None]:
    """A savepoint that is rolled back at its end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def name_of(user: User) -> str:
    return f"orders.{user.pk}"


def head(user: User) -> int:
    return reads.head_and_floor(name_of(user))[0]


def page(user: User, after: int = 0) -> list[tuple[int, str, Any]]:
    """Return what a client at ``after`` receives."""
    events = reads.page(name_of(user), after).events
    data = [msgspec.json.decode(event.body or b"")["data"] for event in events]
    return [
        (event.seq, event.key, "deleted" if "deleted" in shown else shown["status"])
        for event, shown in zip(events, data, strict=True)
    ]


def seq(order: Order) -> int:
    order.refresh_from_db()
    return order.seq


def test_a_new_order_is_seen(alice: User) -> None:
    order = orders.place(alice.pk)
    assert page(alice) == [(1, f"order:{order.pk}", "placed")]


def test_an_order_changes_in_a_transaction_of_its_own_and_in_an_open_one(alice: User) -> None:
    order = orders.place(alice.pk)
    orders.change(order.pk, "packed")
    with transaction.atomic():
        orders.change(order.pk, "sent")
    assert page(alice) == [(3, f"order:{order.pk}", "sent")]
    assert not Pending.objects.exists()


def test_a_cancelled_order_leaves_a_tombstone(alice: User) -> None:
    order = orders.place(alice.pk)
    orders.cancel(order.pk)
    assert page(alice, after=1) == [(2, f"order:{order.pk}", "deleted")]
    assert page(alice) == page(alice, after=1), "a new client learns of it too"


def test_a_rolled_back_savepoint_leaves_no_hole(alice: User) -> None:
    with transaction.atomic():
        first = orders.place(alice.pk)
        with rolled_back():
            orders.place(alice.pk)
            orders.change(first.pk, "lost")
        second = orders.place(alice.pk)
    assert (seq(first), seq(second), head(alice)) == (1, 2, 2)


def test_a_savepoint_that_stamps_first_and_is_rolled_back_hides_no_later_change(
    alice: User,
) -> None:
    with transaction.atomic():
        with rolled_back():
            orders.place(alice.pk)
        order = orders.place(alice.pk)
    assert (seq(order), head(alice)) == (1, 1)


def test_an_update_of_many_rows_is_seen(alice: User, bob: User) -> None:
    for user in (alice, alice, bob):
        orders.place(user.pk)
    Order.objects.update(status="sent")
    assert [status for _, _, status in page(alice)] == ["sent", "sent"]
    assert [status for _, _, status in page(bob)] == ["sent"]
    assert (head(alice), head(bob)) == (4, 2)


def test_plain_sql_is_seen(alice: User) -> None:
    order = orders.place(alice.pk)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_order SET status = 'packed' WHERE id = %s", [order.pk])
        assert page(alice) == [(2, f"order:{order.pk}", "packed")]
        cursor.execute("DELETE FROM orders_order WHERE id = %s", [order.pk])
    assert page(alice) == [(3, f"order:{order.pk}", "deleted")]


def test_an_old_copy_that_is_saved_takes_a_new_number(alice: User) -> None:
    order = orders.place(alice.pk)
    old = Order.objects.get(pk=order.pk)
    orders.change(order.pk, "packed")
    old.status = "sent"
    old.save()
    assert page(alice) == [(3, f"order:{order.pk}", "sent")]


def test_a_row_cannot_move_to_another_stream(alice: User, bob: User) -> None:
    order = orders.place(alice.pk)
    order.buyer = bob
    with pytest.raises(DatabaseError, match="keeps its stream"):
        order.save()


def test_changing_gives_the_number_at_once_or_at_the_commit(alice: User) -> None:
    order = orders.place(alice.pk)
    assert change_at_once(order.pk, "packed").seq == 2
    with transaction.atomic():
        change_at_once(order.pk, "sent")
    assert page(alice) == [(3, f"order:{order.pk}", "sent")]


def test_changing_refuses_streams_whose_rows_do_not_stamp_themselves(alice: User) -> None:
    with (
        transaction.atomic(),
        pytest.raises(OpenTransaction, match=rf"inbox\.{alice.pk} cannot change inside"),
        changing(f"inbox.{alice.pk}"),
    ):
        pass


def test_changing_in_two_trips_refuses_an_open_transaction(alice: User) -> None:
    with (
        transaction.atomic(),
        pytest.raises(OpenTransaction, match=rf"inbox\.{alice.pk} cannot change inside"),
        changing_in_two_trips([f"inbox.{alice.pk}"], Statement("SELECT 1")),
    ):
        pass


def test_a_stamp_outside_a_transaction_is_refused(alice: User) -> None:
    order = orders.place(alice.pk)
    with pytest.raises(
        transaction.TransactionManagementError, match="expected an open transaction"
    ):
        stamp(ORDERS.name(alice.pk), order, kind="order")


def test_a_stamp_alone_numbers_a_row_and_buries_a_missing_one(alice: User) -> None:
    order = orders.place(alice.pk)
    with transaction.atomic():
        stamp(ORDERS.name(alice.pk), order, kind="order")
    assert (seq(order), head(alice)) == (2, 2)
    with transaction.atomic():
        stamp(ORDERS.name(alice.pk), Order(pk=order.pk + 1), kind="order")
    tombstone = Tombstone.objects.get()
    assert (tombstone.key, tombstone.seq) == (str(order.pk + 1), 3)


def test_names_that_are_too_long_are_refused(alice: User) -> None:
    with transaction.atomic(), pytest.raises(ValueError, match="at most 64 characters"):
        stamp(StreamName("o" * 65), orders.place(alice.pk), kind="order")


@pytest.mark.postgresql
def test_an_unknown_table_is_a_dead_letter_and_not_the_callers_error(alice: User) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        order = orders.place(alice.pk)
        cursor.execute("CREATE TABLE passing (id bigint PRIMARY KEY, seq bigint)")
        cursor.execute("SELECT holdfast_stamp('orders.1', 'passing', '1', 'order')")
        cursor.execute("DROP TABLE passing")
    assert (seq(order), head(alice)) == (1, 1)
    letter = DeadLetter.objects.get()
    assert (letter.stream, letter.key) == ("orders.1", "1")
    assert "does not exist" in letter.reason
    assert not Pending.objects.exists()


@pytest.mark.postgresql
def test_a_table_without_seq_leaves_the_numbers_dense(alice: User) -> None:
    name = f"orders.{alice.pk}"
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE passing (id bigint PRIMARY KEY)")
        try:
            with transaction.atomic():
                cursor.execute("SELECT holdfast_stamp(%s, 'passing', '1', 'order')", [name])
                order = orders.place(alice.pk)
        finally:
            cursor.execute("DROP TABLE passing")
    assert (seq(order), head(alice)) == (1, 1)
    assert "seq" in DeadLetter.objects.get().reason


@pytest.mark.postgresql
@pytest.mark.parametrize("first", ["ALL", "realtime_pending_seal"])
def test_set_constraints_numbers_at_once_and_later_changes_at_the_commit(
    alice: User, first: str
) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        one = orders.place(alice.pk)
        cursor.execute(f"SET CONSTRAINTS {first} IMMEDIATE")
        assert seq(one) == 1
        two = orders.place(alice.pk)
        assert seq(two) == 2
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        three = orders.place(alice.pk)
        assert seq(three) == 0
    assert (seq(three), head(alice)) == (3, 3)


@pytest.mark.postgresql
def test_no_lock_is_held_before_the_commit(alice: User, other: Callable[..., Any]) -> None:
    orders.place(alice.pk)
    with transaction.atomic():
        orders.place(alice.pk)
        row = other(
            "SELECT head FROM realtime_stream WHERE name = %s FOR UPDATE NOWAIT", name_of(alice)
        )
        assert row == [(1,)]
    assert head(alice) == 2


@pytest.mark.postgresql
def test_a_program_with_another_search_path_publishes(
    alice: User, other: Callable[..., Any]
) -> None:
    other(
        "SET search_path = ''; INSERT INTO public.orders_order (buyer_id, status, seq) "
        f"VALUES ({alice.pk}, 'by hand', 0); COMMIT"
    )
    assert [status for _, _, status in page(alice)] == ["by hand"]


@pytest.fixture
def other() -> Callable[..., Any]:
    """Run SQL in a transaction of another program: ``other("SELECT …", value)``."""
    options = connection.settings_dict

    def run(statement: str, *values: object) -> Any:
        with psycopg.connect(
            dbname=options["NAME"],
            user=options["USER"],
            host=options["HOST"] or options["OPTIONS"].get("host"),
        ) as made:
            found = made.execute(statement, values or None)
            return found.fetchall() if found.description else None

    return run
