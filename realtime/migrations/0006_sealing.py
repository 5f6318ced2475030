from typing import Any

import django.db.models.functions.datetime
from django.db import migrations, models

# Deliberately without a search_path of their own: SET on a function costs more than the function.
# Every name is written with its schema instead.
FUNCTIONS = """
CREATE OR REPLACE FUNCTION {schema}.holdfast_stamp(
    stream text, relation regclass, key text, kind text
) RETURNS void LANGUAGE plpgsql AS $function$
DECLARE
    mine CONSTANT text := pg_current_xact_id()::text;
    is_first CONSTANT boolean :=
        current_setting('holdfast.stamped', true) IS DISTINCT FROM mine;
BEGIN
    IF is_first THEN
        -- Before the INSERT: with SET CONSTRAINTS ALL IMMEDIATE the INSERT seals, and clears it.
        -- A savepoint that is rolled back takes it back together with the row.
        PERFORM set_config('holdfast.stamped', mine, true);
    END IF;
    INSERT INTO {schema}.realtime_pending (transaction, stream, relation, key, kind, is_first)
    VALUES (mine::bigint, stream, relation::oid::bigint, key, kind, is_first);
END $function$;

-- Number the pending rows of one table. The heads are locked.
CREATE OR REPLACE FUNCTION {schema}.holdfast_number_rows(mine bigint, rel oid)
RETURNS void LANGUAGE plpgsql AS $function$
DECLARE
    primary_key name;
    its_type text;
    streams text[];
    keys text[];
    kinds text[];
    numbers bigint[];
    found text[];
BEGIN
    SELECT a.attname, format_type(a.atttypid, a.atttypmod)
    INTO primary_key, its_type
    FROM pg_index i
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
    WHERE i.indrelid = rel AND i.indisprimary AND i.indnatts = 1;
    IF primary_key IS NULL THEN
        RAISE EXCEPTION 'the table does not exist or has no primary key of one column';
    END IF;
    WITH changed AS (
        SELECT p.stream, p.key, max(p.kind) AS kind, min(p.id) AS id
        FROM {schema}.realtime_pending p
        WHERE p.transaction = mine AND p.relation = rel::bigint
        GROUP BY p.stream, p.key
    ), numbered AS (
        SELECT c.*, s.head + row_number() OVER (PARTITION BY c.stream ORDER BY c.id) AS seq
        FROM changed c JOIN {schema}.realtime_stream s ON s.name = c.stream
    )
    SELECT array_agg(n.stream), array_agg(n.key),
           array_agg(n.kind), array_agg(n.seq)
    INTO streams, keys, kinds, numbers FROM numbered n;
    EXECUTE format(
        'WITH done AS (UPDATE %s AS t SET seq = n.seq '
        'FROM unnest($1, $2) AS n(key, seq) WHERE t.%I = n.key::%s RETURNING n.key) '
        'SELECT array_agg(key) FROM done', rel::regclass, primary_key, its_type
    ) INTO found USING keys, numbers;
    IF cardinality(found) IS DISTINCT FROM cardinality(keys) THEN
        INSERT INTO {schema}.realtime_tombstone (stream, kind, key, seq)
        SELECT n.stream, n.kind, n.key, n.seq
        FROM unnest(streams, kinds, keys, numbers) AS n(stream, kind, key, seq)
        WHERE NOT (n.key = ANY (coalesce(found, ARRAY[]::text[])))
        ON CONFLICT (stream, kind, key) DO UPDATE SET seq = excluded.seq;
    END IF;
    UPDATE {schema}.realtime_stream s
    SET head = n.head, changed_at = clock_timestamp()
    FROM (
        SELECT u.stream, max(u.seq) AS head
        FROM unnest(streams, numbers) AS u(stream, seq) GROUP BY u.stream
    ) n
    WHERE s.name = n.stream;
END $function$;

-- Number all pending rows of a transaction. With careful, a table that fails is a dead letter.
CREATE OR REPLACE FUNCTION {schema}.holdfast_number(mine bigint, careful boolean)
RETURNS void LANGUAGE plpgsql AS $function$
DECLARE
    names text[];
    rel oid;
BEGIN
    SELECT array_agg(DISTINCT p.stream) INTO names
    FROM {schema}.realtime_pending p WHERE p.transaction = mine;
    -- Missing heads are made before any is locked, in name order. Locking first would let two
    -- transactions wait for each other, one for a head and one for a name.
    INSERT INTO {schema}.realtime_stream (name, head, floor)
    SELECT n, 0, 0 FROM unnest(names) AS n
    WHERE NOT EXISTS (SELECT FROM {schema}.realtime_stream s WHERE s.name = n)
    ORDER BY n ON CONFLICT DO NOTHING;
    PERFORM FROM {schema}.realtime_stream s WHERE s.name = ANY (names) ORDER BY s.name FOR UPDATE;
    FOR rel IN
        SELECT p.relation::oid FROM {schema}.realtime_pending p WHERE p.transaction = mine
        GROUP BY p.relation ORDER BY min(p.id)
    LOOP
        IF NOT careful THEN
            PERFORM {schema}.holdfast_number_rows(mine, rel);
            CONTINUE;
        END IF;
        BEGIN
            PERFORM {schema}.holdfast_number_rows(mine, rel);
        EXCEPTION WHEN OTHERS THEN
            IF SQLSTATE ~ '^(40|53|55|57|58|XX)' THEN
                RAISE;
            END IF;
            INSERT INTO {schema}.realtime_deadletter (stream, relation, key, reason)
            SELECT DISTINCT p.stream, coalesce(c.relname::text, rel::text), p.key, SQLERRM
            FROM {schema}.realtime_pending p LEFT JOIN pg_class c ON c.oid = rel
            WHERE p.transaction = mine AND p.relation = rel::bigint;
            RAISE WARNING 'holdfast: rows of table % have no number: %', rel::regclass, SQLERRM;
        END;
    END LOOP;
    DELETE FROM {schema}.realtime_pending p WHERE p.transaction = mine;
END $function$;

-- Runs at COMMIT, once for a transaction. An error here would be the error of a commit in a program
-- that knows nothing of streams, so only those are passed on that a repetition can cure: a deadlock,
-- a conflict of serializable transactions, a lock that is not free in time, a full disk.
CREATE OR REPLACE FUNCTION {schema}.holdfast_seal() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM set_config('holdfast.stamped', '', true);
    BEGIN
        -- In one subtransaction with the locks: updating what an outer one has locked makes a
        -- multixact of every head.
        PERFORM {schema}.holdfast_number(NEW.transaction, false);
        RETURN NULL;
    EXCEPTION WHEN OTHERS THEN
        IF SQLSTATE ~ '^(40|53|55|57|58|XX)' THEN
            RAISE;
        END IF;
    END;
    PERFORM {schema}.holdfast_number(NEW.transaction, true);
    RETURN NULL;
END $function$;

CREATE CONSTRAINT TRIGGER realtime_pending_seal AFTER INSERT ON {schema}.realtime_pending
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.is_first)
EXECUTE FUNCTION {schema}.holdfast_seal();

-- After a crash nothing is pending, so the rows need no write-ahead log. A prepared transaction has
-- been sealed before.
ALTER TABLE {schema}.realtime_pending SET UNLOGGED;
"""

REMOVAL = """
DROP TRIGGER realtime_pending_seal ON {schema}.realtime_pending;
DROP FUNCTION {schema}.holdfast_seal();
DROP FUNCTION {schema}.holdfast_number(bigint, boolean);
DROP FUNCTION {schema}.holdfast_number_rows(bigint, oid);
DROP FUNCTION {schema}.holdfast_stamp(text, regclass, text, text);
"""


def _run(schema_editor: Any, statements: str) -> None:
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT quote_ident(n.nspname) FROM pg_class c JOIN pg_namespace n "
                "ON n.oid = c.relnamespace WHERE c.oid = 'realtime_stream'::regclass"
            )
            cursor.execute(statements.replace("{schema}", cursor.fetchone()[0]))


def install(apps: Any, schema_editor: Any) -> None:
    _run(schema_editor, FUNCTIONS)


def remove(apps: Any, schema_editor: Any) -> None:
    _run(schema_editor, REMOVAL)


class Migration(migrations.Migration):
    dependencies = [
        ("realtime", "0005_jobs"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stream", models.CharField(max_length=64)),
                ("relation", models.TextField()),
                ("key", models.TextField()),
                ("reason", models.TextField()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "db_table": "realtime_deadletter",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Pending",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("transaction", models.BigIntegerField(db_index=True)),
                ("stream", models.CharField(max_length=64)),
                ("relation", models.BigIntegerField()),
                ("key", models.TextField()),
                ("kind", models.CharField(max_length=32)),
                ("is_first", models.BooleanField()),
            ],
            options={
                "db_table": "realtime_pending",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Tombstone",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stream", models.CharField(max_length=64)),
                ("kind", models.CharField(max_length=32)),
                ("key", models.TextField()),
                ("seq", models.BigIntegerField()),
            ],
            options={
                "db_table": "realtime_tombstone",
                "default_permissions": (),
                "indexes": [models.Index(fields=["stream", "seq"], name="tombstone_stream_seq")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("stream", "kind", "key"), name="tombstone_of_row"
                    )
                ],
            },
        ),
        migrations.RunPython(install, remove),
    ]
